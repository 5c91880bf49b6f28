"""Expectation files: compared with a result, and rewritten from one.

Every key is optional; what a file does not state is not compared. ``says`` and
``never_says`` hold, by topic, texts that each card of the topic must or must not contain;
``never_suggests`` texts that none of its suggestions' labels may contain.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cds_service.replay.client import Json
from cds_service.replay.outcome import Difference, Evaluation, Played, Result, topic

_MARKUP = re.compile(r"\\(?=[^\w\s])|[*`]|<[^>]*>")


def differences(result: Result, expected: Json) -> tuple[Difference, ...]:
    """Return every difference between ``result`` and ``expected``, in the file's order."""
    found: list[Difference] = []
    if result.evaluation is not None:
        found.extend(_evaluation(result.evaluation, expected))
    hooks = _mapping(expected.get("hooks"))
    for played in result.played:
        found.extend(_hook(played, hooks.get(played.hook)))
        found.extend(_texts(played, expected))
    return tuple(found)


def rewritten(result: Result, expected: Json | None) -> Json:
    """Return the expectation that ``result`` meets.

    What people wrote (``says``, ``never_says``, any key of their own, the chosen conditions)
    and what was not replayed (another hook, the evaluation behind a URL) stays as it is.
    """
    body: Json = {"today": result.today} | dict(expected or {})
    if result.evaluation is not None:
        said = result.evaluation
        body["topics"] = {
            name: {key: value for key, value in topic_.items() if key != "rule"}
            for name, topic_ in said.topics.items()
        }
        body["tumours"] = list(said.tumours)
        body["windows"] = list(said.windows)
        if said.dropped or ("dropped" in body and said.dropped is not None):
            body["dropped"] = list(said.dropped)
    hooks = dict(_mapping(body.get("hooks")))
    for played in result.played:
        hooks[played.hook] = _stated(played)
    return body | {"hooks": hooks}


def _stated(played: Played) -> object:
    if played.problem:
        return {"status": played.status}
    if played.conditions:
        return {"conditions": list(played.conditions), "cards": played.shown}
    return played.shown


def _evaluation(said: Evaluation, expected: Json) -> Iterator[Difference]:
    for name, wanted in _mapping(expected.get("topics")).items():
        got = said.topics.get(name, {})
        for key in ("state", "indicator", "rule"):
            if key in wanted and wanted[key] != got.get(key):
                yield Difference(f"topics.{name}.{key}", wanted[key], got.get(key))
    for key, actual in (("tumours", said.tumours), ("windows", said.windows)):
        if key in expected and _sorted(expected[key]) != _sorted(actual):
            yield Difference(key, expected[key], list(actual))
    if said.dropped is None:
        return
    missing = [ref for ref in expected.get("dropped", ()) if ref not in said.dropped]
    if missing:
        yield Difference("dropped", missing, list(said.dropped))


def _hook(played: Played, wanted: object) -> Iterator[Difference]:
    at = f"hooks.{played.hook}"
    status = wanted.get("status", 200) if isinstance(wanted, Mapping) else 200
    if played.status != status or (played.problem and wanted is None):
        answer = f"{played.status} {played.problem}".strip()
        yield Difference(f"{at}.status", status, answer)
    elif wanted is not None and not played.problem:
        cards = wanted.get("cards", []) if isinstance(wanted, Mapping) else wanted
        if cards != played.shown:
            yield Difference(f"{at}.cards", cards, played.shown)


def _texts(played: Played, expected: Json) -> Iterator[Difference]:
    for card in played.cards:
        name = topic(card)
        text = plain(f"{card.get('summary', '')}\n{card.get('detail', '')}")
        at = f"hooks.{played.hook}.{name}"
        for wanted in _mapping(expected.get("says")).get(name, ()):
            if plain(wanted) not in text:
                yield Difference(f"{at}.says", wanted, card.get("summary"))
        for unwanted in _mapping(expected.get("never_says")).get(name, ()):
            if plain(unwanted) in text:
                yield Difference(f"{at}.never_says", f"without {unwanted!r}", card.get("summary"))
        labels = [str(each.get("label", "")) for each in card.get("suggestions") or ()]
        for unwanted in _mapping(expected.get("never_suggests")).get(name, ()):
            if plain(unwanted) in plain("\n".join(labels)):
                yield Difference(f"{at}.never_suggests", f"without {unwanted!r}", labels)


def plain(text: str) -> str:
    """Return a card's text as it reads: no Markdown marks, single spaces, lower case."""
    return " ".join(_MARKUP.sub("", text).split()).lower()


def _sorted(items: Iterable[Mapping[str, Any]]) -> list[list[tuple[str, str]]]:
    return sorted(sorted((k, str(v).lower()) for k, v in item.items()) for item in items)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
