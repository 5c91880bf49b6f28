"""Two results of one case, the earlier and the present one: what differs."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import get_args

from cds_service.replay.change import Change, Kind, place, told
from cds_service.replay.client import Json
from cds_service.replay.decisions import decisions
from cds_service.replay.layout import dumps
from cds_service.replay.noise import settled
from cds_service.replay.outcome import Played, Result, topic

_OK = 200


@dataclass(frozen=True, slots=True)
class Failed:
    """A case that could not be played, and why."""

    reason: str


#: What became of a case; None where there is no such case.
Outcome = Result | Failed | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One case under two versions."""

    #: The case's path under the path that was named: what it is kept and found by.
    key: str
    before: Outcome
    after: Outcome
    changes: tuple[Change, ...]

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not self.changes

    @property
    def cards_alone(self) -> bool:
        """Whether one evaluation was out of reach, so that states and windows are not compared."""
        sides = self.before, self.after
        played = all(isinstance(side, Result) for side in sides)
        return played and len({bool(_trace(side)) for side in sides}) > 1


def compare(key: str, before: Outcome, after: Outcome) -> Comparison:
    """Return the comparison of an earlier with the present outcome of a case."""
    changes = tuple(sorted(_changes(before, after), key=lambda change: _ORDER[change.kind]))
    return Comparison(key=key, before=before, after=after, changes=changes)


def counted(comparisons: Iterable[Comparison]) -> dict[str, int]:
    """Return how many differences of each kind there are, in the order of the kinds."""
    found = Counter(change.kind for each in comparisons for change in each.changes)
    return {kind: found[kind] for kind in _ORDER if found[kind]}


_ORDER: dict[Kind, int] = {kind: number for number, kind in enumerate(get_args(Kind))}


def _changes(before: Outcome, after: Outcome) -> Iterator[Change]:
    if before is None or after is None:
        yield Change(kind="only here" if before is None else "only there", where="case")
        return
    if isinstance(before, Failed) or isinstance(after, Failed):
        yield from _error("case", _reason(before), _reason(after))
        return
    for name, was, now in (
        ("today", before.day, after.day),
        ("input", before.digest, after.digest),
    ):
        if was != now:
            yield Change(kind="other case", where=name, before=was, after=now)
    yield from _hooks(
        {played.hook: played for played in before.played},
        {played.hook: played for played in after.played},
    )
    if _trace(before) and _trace(after):
        yield from _decisions(_trace(before), _trace(after))


def _trace(outcome: Outcome) -> Json:
    """Return the decision trace of an outcome, empty where it is not within reach."""
    said = outcome.evaluation if isinstance(outcome, Result) else None
    return said.trace if said else {}


def _decisions(before: Json, after: Json) -> Iterator[Change]:
    try:
        yield from decisions(before, after)
    except (KeyError, TypeError, AttributeError) as error:
        # A trace of another service: what cannot be compared is not the same.
        said = f"cannot be compared: {type(error).__name__}: {error}"
        yield Change(kind="answer", where="decision trace", after=said)


def _reason(outcome: Outcome) -> str:
    return outcome.reason if isinstance(outcome, Failed) else ""


def _error(where: str, before: str, after: str) -> Iterator[Change]:
    if before != after:
        kind: Kind = "error changed"
        if not before or not after:
            kind = "error lost" if before else "error gained"
        yield Change(kind=kind, where=where, before=before, after=after)


def _hooks(before: Mapping[str, Played], after: Mapping[str, Played]) -> Iterator[Change]:
    """Yield the differences of the answers; what several hooks have alike is told once."""
    found: dict[Change, list[str]] = {}
    for hook in dict.fromkeys((*before, *after)):
        for change in _hook(hook, before.get(hook), after.get(hook)):
            found.setdefault(change, []).append(hook)
    for change, hooks in found.items():
        yield replace(change, where=place(", ".join(hooks), change.where))


def _hook(hook: str, before: Played | None, after: Played | None) -> Iterator[Change]:
    if before is None or after is None:
        said = ("played", "") if after is None else ("", "played")
        yield Change(kind="answer", where="", before=said[0], after=said[1])
    one = before or Played(hook=hook, status=_OK)
    two = after or Played(hook=hook, status=_OK)
    if before and after:
        for member, was, now in (
            ("entered", "\n".join(one.conditions), "\n".join(two.conditions)),
            ("prefetch left out", _lines(one.left_out), _lines(two.left_out)),
        ):
            if was != now:
                yield Change(kind="other case", where=member, before=was, after=now)
    yield from _error("", _problem(one), _problem(two))
    yield from _cards(list(map(settled, one.cards)), list(map(settled, two.cards)))
    for member in dict.fromkeys((*one.more, *two.more)):
        was, now = (_text("", each.more.get(member)) for each in (one, two))
        if one.more.get(member) != two.more.get(member):
            yield Change(kind="answer", where=member, before=was, after=now)


def _problem(played: Played) -> str:
    return f"HTTP {played.status}: {played.problem}" if played.problem else ""


def _lines(values: dict[str, str]) -> str:
    return "\n".join(f"{key}: {value}" for key, value in values.items())


def _cards(before: Sequence[Json], after: Sequence[Json]) -> Iterator[Change]:
    pairs = _pairs(before, after)
    for index, other in pairs:
        yield from _card(before[index], after[other])
    kept = {index for index, _ in pairs}, {other for _, other in pairs}
    for index, card in enumerate(before):
        if index not in kept[0]:
            yield Change(kind="card lost", where=name(card), before=shown(card))
    for other, card in enumerate(after):
        if other not in kept[1]:
            yield Change(kind="card gained", where=name(card), after=shown(card))
    order = [name(before[index]) for index, _ in sorted(pairs)]
    now = [name(before[index]) for index, _ in sorted(pairs, key=lambda pair: pair[1])]
    if order != now:
        was, said = "\n".join(order), "\n".join(now)
        yield Change(kind="cards reordered", where="", before=was, after=said)


def _pairs(before: Sequence[Json], after: Sequence[Json]) -> list[tuple[int, int]]:
    """Return which card became which: the equal ones first, then those of one name."""
    free = list(range(len(after)))
    pairs: list[tuple[int, int]] = []
    for alike in (lambda one, two: one == two, lambda one, two: name(one) == name(two)):
        for index, card in enumerate(before):
            if index in {paired for paired, _ in pairs}:
                continue
            other = next((place for place in free if alike(card, after[place])), None)
            if other is not None:
                free.remove(other)
                pairs.append((index, other))
    return pairs


def _card(before: Json, after: Json) -> Iterator[Change]:
    for member in dict.fromkeys((*before, *after)):
        was, now = before.get(member), after.get(member)
        if was != now:
            yield Change(
                kind="card changed",
                where=place(name(before), member),
                before=_text(member, was),
                after=_text(member, now),
            )


def name(card: Json) -> str:
    """Return what a card is called: its topic, else its summary."""
    return topic(card) or str(card.get("summary", "")) or "card"


def shown(card: Json) -> str:
    """Return a card as text: indicator, summary, detail, then what else it offers."""
    head = f"{str(card.get('indicator', '')).upper()} · {card.get('summary', '')}"
    more = [
        _text(member, card[member])
        for member in ("detail", "suggestions", "overrideReasons")
        if card.get(member)
    ]
    return "\n\n".join([head, *more])


def _text(member: str, value: object) -> str:
    """Return a member of a card as text that can be read, complete."""
    if isinstance(value, str):
        return value
    if member == "suggestions" and isinstance(value, list):
        return "\n".join(map(_suggestion, value))
    return "\n".join(told(value))


def _suggestion(value: object) -> str:
    if not isinstance(value, dict):
        return dumps(value)
    rest = {key: item for key, item in value.items() if key not in {"label", "isRecommended"}}
    mark = " (recommended)" if value.get("isRecommended") else ""
    return f"{value.get('label', '')}{mark}" + (f"\n{dumps(rest)}" if rest else "")
