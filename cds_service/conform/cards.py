"""What is wrong with a response, by requirement: independent of how this service makes one."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

Problem = tuple[int, str]
_REFERENCE = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9.-]{1,64}")
_LIMIT = 140


def problems(body: object) -> Iterator[Problem]:
    """Yield each requirement that a response body breaks, and how."""
    if not isinstance(body, Mapping) or not isinstance(body.get("cards"), list):
        yield 100, "the body is no object with the array cards"
        return
    for place in _empties(body, ""):
        yield 2, f"{place} is null or empty"
    for index, card in enumerate(body["cards"]):
        at = f"cards[{index}]"
        if isinstance(card, Mapping):
            yield from _card(card, at)
        else:
            yield 100, f"{at} is no object"
    for index, action in enumerate(_list(body.get("systemActions"))):
        yield from _action(action, f"systemActions[{index}]")


def _empties(value: object, at: str) -> Iterator[str]:
    if value is None or value in ("", [], {}):
        if at != ".cards":
            yield at.lstrip(".")
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _empties(item, f"{at}.{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _empties(item, f"{at}[{index}]")


def _card(card: Mapping[str, Any], at: str) -> Iterator[Problem]:
    summary = card.get("summary")
    if not isinstance(summary, str) or not 0 < len(summary) < _LIMIT:
        yield 111, f"{at}.summary is no text of fewer than {_LIMIT} characters"
    if card.get("indicator") not in ("info", "warning", "critical"):
        yield 113, f"{at}.indicator is not info, warning or critical"
    if not isinstance(card.get("uuid", ""), str):
        yield 110, f"{at}.uuid is no text"
    if not isinstance(card.get("detail", ""), str):
        yield 112, f"{at}.detail is no text"
    if not isinstance(card.get("extension", {}), Mapping):
        yield 123, f"{at}.extension is no object"
    yield from _source(card.get("source"), f"{at}.source")
    yield from _choices(card, at)
    for index, reason in enumerate(_list(card.get("overrideReasons"))):
        if not _texts(reason, "code", "system", "display"):
            yield 121, f"{at}.overrideReasons[{index}] lacks code, system or display"
    for index, link in enumerate(_list(card.get("links"))):
        yield from _link(link, f"{at}.links[{index}]")


def _choices(card: Mapping[str, Any], at: str) -> Iterator[Problem]:
    suggestions = _list(card.get("suggestions"))
    behaviour = card.get("selectionBehavior")
    if (suggestions or behaviour) and behaviour not in ("any", "at-most-one"):
        yield 120, f"{at}.selectionBehavior is not any or at-most-one"
    recommended = [s for s in suggestions if isinstance(s, Mapping) and s.get("isRecommended")]
    if len(recommended) > 1 and behaviour != "any":
        yield 132, f"{at} recommends several suggestions of which one may be chosen"
    for index, suggestion in enumerate(suggestions):
        yield from _suggestion(suggestion, f"{at}.suggestions[{index}]")


def _source(source: object, at: str) -> Iterator[Problem]:
    if not isinstance(source, Mapping):
        yield 114, f"{at} is no object"
        return
    if not _texts(source, "label"):
        yield 115, f"{at}.label is no text"
    for number, name in ((116, "url"), (117, "icon")):
        if name in source and not _is_url(source[name]):
            yield number, f"{at}.{name} is no absolute URL"
    if "topic" in source and not _texts(source["topic"], "code", "system"):
        yield 118, f"{at}.topic lacks code or system"


def _suggestion(suggestion: object, at: str) -> Iterator[Problem]:
    if not isinstance(suggestion, Mapping) or not _texts(suggestion, "label"):
        yield 130, f"{at} has no label"
        return
    if not isinstance(suggestion.get("uuid", ""), str):
        yield 131, f"{at}.uuid is no text"
    for index, action in enumerate(_list(suggestion.get("actions"))):
        yield from _action(action, f"{at}.actions[{index}]")


def _action(action: object, at: str) -> Iterator[Problem]:
    kind = action.get("type") if isinstance(action, Mapping) else None
    if not isinstance(action, Mapping) or kind not in ("create", "update", "delete"):
        yield 135, f"{at}.type is not create, update or delete"
        return
    if not _texts(action, "description"):
        yield 136, f"{at} has no description"
    resource = action.get("resource")
    if kind != "delete" and not (
        isinstance(resource, Mapping) and _texts(resource, "resourceType")
    ):
        yield 137, f"{at}.resource is no resource"
    named = action.get("resourceId")
    if kind == "delete" and not (isinstance(named, str) and _REFERENCE.fullmatch(named)):
        yield 138, f"{at}.resourceId is not Type/id"


def _link(link: object, at: str) -> Iterator[Problem]:
    if not isinstance(link, Mapping) or not _texts(link, "label") or not _is_url(link.get("url")):
        yield 145, f"{at} lacks a label or an absolute URL"
        return
    if link.get("type") not in ("absolute", "smart"):
        yield 145, f"{at}.type is not absolute or smart"
    if "appContext" in link and (link.get("type") != "smart" or not _texts(link, "appContext")):
        yield 146, f"{at}.appContext is no text, or not of a SMART link"


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _texts(value: object, *names: str) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(value.get(name), str) and value[name] for name in names
    )


def _is_url(value: object) -> bool:
    try:
        parts = urlsplit(value) if isinstance(value, str) else None
    except ValueError:
        return False
    return bool(parts and parts.scheme in ("http", "https") and parts.netloc)
