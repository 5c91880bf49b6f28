"""What is never equal, taken out of an answer: random ids, and where the service runs.

Nothing else goes: a changed word, code, order or reference is a difference.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cds_service.replay.client import Json

_UUID = re.compile(
    r"(?:urn:uuid:)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE
)
#: The address of a page of the service itself: where it runs and which versions its links name
#: are those of the service, and no content.
_OWN_PAGE = re.compile(r"https?://[^/?#]+(?:/[^?#]*)?(/guideline/[^?#]*)(?:\?[^#]*)?(#.*)?")


def settled(card: Json) -> Json:
    """Return a card without its random ids, its service's host and its versions' numbers."""
    names = dict(_random(card))
    bare = _nameless(card)
    if isinstance(card.get("suggestions"), list):
        bare["suggestions"] = [_nameless(item) for item in card["suggestions"]]
    return {key: _plain(value, names) for key, value in bare.items()}


def _nameless(item: Any) -> Any:  # noqa: ANN401 - any JSON value
    if not isinstance(item, dict):
        return item
    return {key: value for key, value in item.items() if key != "uuid"}


def _random(card: Json) -> Iterator[tuple[str, str]]:
    """Yield each random id with a name that is the same every time."""
    yield from _named(card.get("uuid"), "card")
    for place, suggestion in enumerate(_objects(card.get("suggestions")), 1):
        yield from _named(suggestion.get("uuid"), f"suggestion {place}")
        for number, action in enumerate(_objects(suggestion.get("actions")), 1):
            # The id of a resource that is yet to be made; any other one is content.
            made = action.get("resource") if action.get("type") == "create" else None
            if isinstance(made, dict):
                yield from _named(made.get("id"), f"resource {place}.{number}")


def _named(value: object, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str) and _UUID.fullmatch(value):
        yield value, f"({name})"


def _plain(value: Any, names: Mapping[str, str]) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        return {key: _plain(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, names) for item in value]
    if not isinstance(value, str):
        return value
    for one, name in names.items():
        value = value.replace(one, name)
    own = _OWN_PAGE.fullmatch(value)
    return own[1] + (own[2] or "") if own else value


def _objects(value: object) -> list[Json]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
