"""Two decision traces of one case: what the evaluations say differently."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import count

from cds_service.replay.change import Change, Kind, place, told
from cds_service.replay.client import Json

#: Members of a tumour and of a part that have a kind of their own, or none.
_OF_TUMOUR = frozenset({"depth", "site", "events", "schedules"})
_OF_PART = frozenset({"state", "rule", "windows", "site", "tumour"})
_LISTS = ("setAside", "notUsed", "unread")


def decisions(before: Json, after: Json) -> Iterator[Change]:
    """Yield what two traces of one case differ in, but for the day and the versions."""
    # An older service tells no events: that is no difference of what it decides.
    told = all(_tells_events(trace) for trace in (before, after))
    yield from _tumours(_named(before["tumours"]), _named(after["tumours"]), told=told)
    topics = [{each["topic"]: each for each in trace["topics"]} for trace in (before, after)]
    for topic in _both(*topics):
        yield from _topic(topic, topics[0].get(topic), topics[1].get(topic))
    for member in _LISTS:
        yield from _member("not used", member, before.get(member), after.get(member))


def _tells_events(trace: Json) -> bool:
    return any("events" in tumour for tumour in trace["tumours"]) or not trace["tumours"]


def _tumours(
    before: Mapping[str, Json], after: Mapping[str, Json], *, told: bool
) -> Iterator[Change]:
    for name in _both(before, after):
        one, two = before.get(name), after.get(name)
        if one is None or two is None:
            kind: Kind = "tumour gained" if one is None else "tumour lost"
            yield Change(kind=kind, where=name, before=_depth(one), after=_depth(two))
            continue
        if one["depth"] != two["depth"]:
            yield Change(kind="depth", where=name, before=one["depth"], after=two["depth"])
        for member in _both(one, two):
            if member not in _OF_TUMOUR:
                where = place(name, member)
                yield from _member("tumour", where, one.get(member), two.get(member))
        if told:
            yield from _member("facts", place(name, "events"), one.get("events"), two.get("events"))
            yield from _member("schedule", name, *(list(_schedule(each)) for each in (one, two)))


def _schedule(tumour: Json) -> Iterator[str]:
    for schedule in tumour.get("schedules", ()):
        for phase in schedule["phases"]:
            until = phase.get("untilMonths", "")
            said = f"{phase['minimumMonths']}–{phase['maximumMonths']}"
            if phase["lenientMaximumMonths"] != phase["maximumMonths"]:
                said += f" (lenient {phase['lenientMaximumMonths']})"
            when = f"to month {until}" if until else "later"
            day = f", {phase['until']}" if "until" in phase else ""
            yield f"{schedule['depth']}, {when}{day}: every {said} months"


def _depth(tumour: Json | None) -> str:
    return str(tumour["depth"]) if tumour else ""


def _topic(topic: str, before: Json | None, after: Json | None) -> Iterator[Change]:
    if _state(before) != _state(after):
        yield Change(kind="state", where=topic, before=_state(before), after=_state(after))
    one, two = (_named(each["parts"] if each else []) for each in (before, after))
    several = max(len(one), len(two)) > 1
    for name in _both(one, two):
        where = f"{topic}, {name}" if several else topic
        yield from _part(where, one.get(name, {}), two.get(name, {}), several=several)


def _part(where: str, before: Json, after: Json, *, several: bool) -> Iterator[Change]:
    if several:
        yield from _member("state", where, before.get("state"), after.get("state"))
    yield from _member("rule", where, before.get("rule"), after.get("rule"))
    yield from _windows(where, before.get("windows", ()), after.get("windows", ()))
    for member in _both(before, after):
        # Another rule has another reason.
        if member not in _OF_PART and not (
            member == "reason" and before.get("rule") != after.get("rule")
        ):
            yield from _member("facts", place(where, member), before.get(member), after.get(member))


def _windows(where: str, before: Iterable[Json], after: Iterable[Json]) -> Iterator[Change]:
    one, two = ({each["depth"]: each for each in windows} for windows in (before, after))
    for depth in _both(one, two):
        was, now = _window(one.get(depth)), _window(two.get(depth))
        if was != now:
            kind: Kind = "window moved"
            if not was or not now:
                kind = "window lost" if was else "window gained"
            yield Change(kind=kind, where=place(where, depth), before=was, after=now)


def _window(window: Json | None) -> str:
    if window is None:
        return ""
    said = f"{window['earliest']} to {window['latest']}"
    if window["lenientLatest"] != window["latest"]:
        said += f" (lenient {window['lenientLatest']})"
    return f"{said}, {window['status']}"


def _state(topic: Json | None) -> str:
    if topic is None:
        return ""
    return str(topic["state"]) + (" (warning)" if topic.get("indicator") == "warning" else "")


def _member(kind: Kind, where: str, before: object, after: object) -> Iterator[Change]:
    """Yield the difference of two values; of lists and objects only the items that differ."""
    if before != after:
        one, two = told(before), told(after)
        was = "\n".join(item for item in one if item not in two)
        now = "\n".join(item for item in two if item not in one)
        if was == now:  # the same items, in another order or number
            was, now = "\n".join(one), "\n".join(two)
        yield Change(kind=kind, where=where, before=was, after=now)


def _named(items: Iterable[Json]) -> dict[str, Json]:
    """Return tumours or parts by their site; a second one of a site by its number, too."""
    found: dict[str, Json] = {}
    for item in items:
        site = str(item.get("site") or "no site")
        names = (site if number == 1 else f"{site} {number}" for number in count(1))
        found[next(name for name in names if name not in found)] = item
    return found


def _both(one: Mapping[str, object], two: Mapping[str, object]) -> Iterable[str]:
    return dict.fromkeys((*one, *two))
