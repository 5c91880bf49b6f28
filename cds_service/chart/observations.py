"""Observation: measurements and findings."""

from collections.abc import Callable, Mapping
from typing import Any

from cds_service.chart import dates
from cds_service.chart.elements import (
    Json,
    Source,
    boolean,
    concept,
    concepts,
    items,
    kind_of,
    notes,
    number,
    objects,
    quantity,
    reference,
    references,
    string,
    token,
)
from cds_service.facts import Component, Observation, PartialDate, Quantity, Value

_DROPPED = {"entered-in-error": "was entered in error", "cancelled": "was cancelled"}


def read(source: Source, resource: Mapping[str, Json], **_: object) -> Observation | None:
    """Return the observation; None (and a report) where it was cancelled or an error."""
    status = token(source, resource.get("status"), "status")
    if status in _DROPPED:
        source.drop(_DROPPED[status])
        return None
    held: dict[str, Any] = {}
    for name in _ELEMENTS.keys() & resource.keys():
        field, element = _ELEMENTS[name]
        held[field] = element(source, resource[name], name)
    return Observation(
        reference=source.reference,
        status=status,
        value=value_of(source, resource, ""),
        effective=dates.moment(source, resource, "effective"),
        **{**held, **_older(source, resource, held)},
    )


def _components(source: Source, value: Json, path: str) -> tuple[Component, ...]:
    return tuple(
        Component(
            code=concept(source, item.get("code"), "component.code"),
            value=value_of(source, item, "component."),
        )
        for item in objects(source, value, path)
    )


#: What is read of an Observation by the name of the element; most have a few of them.
_ELEMENTS: Mapping[str, tuple[str, Callable[[Source, Json, str], Any]]] = {
    "note": ("notes", notes),
    "code": ("code", concept),
    "category": ("categories", concepts),
    "component": ("components", _components),
    "interpretation": ("interpretations", concepts),
    "issued": ("issued", dates.date),
    "bodySite": ("body_site", concept),
    "method": ("method", concept),
    "focus": ("focus", references),
    "hasMember": ("members", references),
    "derivedFrom": ("derived_from", references),
    "specimen": ("specimen", reference),
}


def _older(source: Source, resource: Mapping[str, Json], held: Mapping[str, Any]) -> dict[str, Any]:
    """Return what DSTU2 and STU3 hold under other names, joined to what is held already."""
    found: dict[str, Any] = {}
    for name in ("comment", "comments"):
        if name in resource:
            before = found.get("notes", held.get("notes", ()))
            found["notes"] = (*before, *notes(source, resource[name], name))
    if "related" in resource:
        linked = {name: [*held.get(name, ())] for name in ("members", "derived_from")}
        for item in objects(source, resource["related"], "related"):
            target = reference(source, item.get("target"), "related.target")
            if target:
                kind = "derived_from" if item.get("type") == "derived-from" else "members"
                linked[kind].append(target)
        found |= {name: tuple(dict.fromkeys(targets)) for name, targets in linked.items()}
    return found


def value_of(source: Source, resource: Mapping[str, Json], prefix: str) -> Value:
    """Return ``value[x]`` of an Observation or of a component; None where there is none."""
    for name in resource:
        if name.startswith("value") and resource[name] is not None:
            found = _value(source, name, resource[name], prefix + name)
            if found is not None:
                return found
    return None


def _value(source: Source, name: str, value: Json, path: str) -> Value:  # noqa: PLR0911
    match name:
        case "valueQuantity":
            return quantity(source, value, path)
        case "valueCodeableConcept" | "valueCoding":
            return concept(source, value, path) or None
        case "valueString" | "valueTime" | "valueMarkdown":
            return string(source, value, path)
        case "valueBoolean":
            return boolean(source, value, path)
        case "valueInteger" | "valueDecimal":
            return number(source, value, path)
        case "valueDateTime" | "valueDate" | "valueInstant":
            return dates.date(source, value, path)
        case "valuePeriod":
            return _start(source, value, path)
        case "valueRange":
            return _range(source, value, path)
        case "value":
            return _bare(source, value, path)
        case _:
            source.ignore(path, "is of a type that is not read")
            return None


def _start(source: Source, value: Json, path: str) -> PartialDate | None:
    found = dates.span(source, value, path)
    return (found.start or found.end) if found else None


def _range(source: Source, value: Json, path: str) -> Value:
    if not isinstance(value, dict):
        source.ignore(path, f"is {kind_of(value)} where a range belongs")
        return None
    low = quantity(source, value.get("low"), f"{path}.low")
    high = quantity(source, value.get("high"), f"{path}.high")
    if low and high:
        return f"{low.value:g}-{high.value:g} {high.unit or low.unit or ''}".strip()
    if low:
        return Quantity(low.value, low.unit, ">=")
    return Quantity(high.value, high.unit, "<=") if high else None


def _bare(source: Source, value: Json, path: str) -> Value:
    source.ignore(path, "has a name without its type; it was read by its shape")
    if isinstance(value, str):
        return string(source, value, path)
    if isinstance(value, bool):
        return value
    if isinstance(value, dict) and "value" in value:
        return quantity(source, value, path)
    if isinstance(value, int | float):
        return number(source, value, path)
    return concept(source, items(value)[0], path) or None if items(value) else None
