"""The allow-list of ``elements.toml``, read once."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from cds_service.chart import orders

#: The name of a kind, or a table of the elements below.
Kind = str | Mapping[str, Any]

_DATES = dict.fromkeys(("DateTime", "Date", "Instant"), "date")
_TIMES: Mapping[str, str] = {
    **_DATES,
    "": "time",
    "Period": "period",
    "Age": "age",
    "Quantity": "age",
    "Range": "ages",
    "String": "text",
    "Boolean": "boolean",
}
_VALUES: Mapping[str, str] = {
    **_DATES,
    **dict.fromkeys(("String", "Time", "Markdown"), "text"),
    **dict.fromkeys(("CodeableConcept", "Coding"), "concept"),
    **dict.fromkeys(("Integer", "Decimal"), "number"),
    "": "value",
    "Quantity": "quantity",
    "Range": "range",
    "Period": "period",
    "Boolean": "boolean",
}
_CHOICES = {"time": _TIMES, "value": _VALUES}


@dataclass(frozen=True, slots=True)
class AllowList:
    """What is kept."""

    #: Element → kind, by resource type.
    types: Mapping[str, Mapping[str, Kind]]
    #: Endings of the addresses of extensions, by resource type.
    extensions: Mapping[str, tuple[str, ...]]
    #: Words of a status, an intent or a sex.
    words: frozenset[str]
    units: frozenset[str]


@cache
def allow_list() -> AllowList:
    """Return the allow-list."""
    file = resources.files("cds_service.scrub").joinpath("elements.toml")
    tables = tomllib.loads(file.read_text(encoding="utf-8"))
    extensions, words = tables.pop("extensions"), tables.pop("words")
    every, order = tables.pop("every"), tables.pop("order")
    tables |= dict.fromkeys(orders.TYPES, order)
    return AllowList(
        types={kind: _expanded(every | table) for kind, table in tables.items()},
        extensions={kind: tuple(endings) for kind, endings in extensions.items()},
        words=frozenset(words["status"]),
        units=frozenset(words["unit"]),
    )


def _expanded(table: Mapping[str, Any]) -> dict[str, Kind]:
    """Return the table with an element for each type of ``name[x]``."""
    found: dict[str, Kind] = {}
    for name, kind in table.items():
        if isinstance(kind, dict):
            found[name] = _expanded(kind)
        elif name.endswith("[x]"):
            base = name.removesuffix("[x]")
            found |= {base + ending: one for ending, one in _CHOICES[kind].items()}
        else:
            found[name] = kind
    return found
