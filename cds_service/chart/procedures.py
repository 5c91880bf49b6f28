"""Procedure: only what was completed counts; what was not done stays visible as such."""

import datetime as dt
from collections.abc import Iterator, Mapping

from cds_service.chart import dates
from cds_service.chart.conditions import body_sites
from cds_service.chart.elements import (
    Json,
    Source,
    boolean,
    codeable_references,
    concept,
    concepts,
    items,
    notes,
    references,
    token,
)
from cds_service.facts import Concept, Procedure

_DEPTH = 4
_UNDATED = frozenset(
    f"{name}{kind}" for name in ("performed", "occurrence") for kind in ("Age", "Range", "Timing")
)


def read(
    source: Source, resource: Mapping[str, Json], *, today: dt.date, **_: object
) -> Procedure | None:
    """Return a completed or a not-done procedure; None (and a report) for every other one."""
    status = _status(source, resource)
    if status not in {"completed", "not-done"}:
        source.drop(_REASONS.get(status or "", "has no status that says that it was done"))
        return None
    performed = dates.when(source, resource, "performed", "occurrence")
    if performed is None:
        for name in _UNDATED & resource.keys():
            source.ignore(name, "is no date; when it was done is not known")
    first = performed and (performed.start or performed.end)
    if (first and first.first > today) or _never(resource):
        source.drop("is dated after today")
        return None
    reasons, reason_references = _reasons(source, resource)
    return Procedure(
        reference=source.reference,
        notes=(
            *notes(source, resource.get("note"), "note"),
            *notes(source, resource.get("notes"), "notes"),
        ),
        status=status,
        code=concept(source, resource.get("code") or resource.get("type"), "code"),
        categories=concepts(source, resource.get("category"), "category"),
        performed=performed,
        body_sites=body_sites(source, resource.get("bodySite"), "bodySite"),
        reasons=reasons,
        reason_references=reason_references,
        reports=references(source, resource.get("report"), "report"),
        outcome=concept(source, resource.get("outcome"), "outcome"),
        status_reason=_status_reason(source, resource),
        extension_concepts=tuple(_extension_concepts(source, resource.get("extension"), _DEPTH)),
    )


_REASONS = {
    "entered-in-error": "was entered in error",
    "preparation": "is only being prepared",
    "in-progress": "is not completed",
    "on-hold": "is on hold",
    "suspended": "is suspended",
    "stopped": "was stopped",
    "aborted": "was stopped",
    "unknown": "has the status unknown",
}


def _status(source: Source, resource: Mapping[str, Json]) -> str | None:
    status = token(source, resource.get("status"), "status")
    if status == "entered-in-error":
        return status
    for name in ("notDone", "notPerformed"):  # STU3, DSTU2
        if boolean(source, resource.get(name), name):
            return "not-done"
    return status


def _never(resource: Mapping[str, Json]) -> bool:
    for name in ("performed", "occurrence"):
        period = resource.get(f"{name}Period")
        raw = [resource.get(f"{name}DateTime")]
        raw += [period.get("start")] if isinstance(period, dict) else []
        if any(dates.in_far_future(value) for value in raw):
            return True
    return False


def _reasons(
    source: Source, resource: Mapping[str, Json]
) -> tuple[tuple[Concept, ...], tuple[str, ...]]:
    coded, linked = codeable_references(source, resource.get("reason"), "reason")
    return (
        (
            *coded,
            *concepts(source, resource.get("reasonCode"), "reasonCode"),
            *concepts(source, resource.get("reasonCodeableConcept"), "reasonCodeableConcept"),
        ),
        tuple(
            dict.fromkeys(
                (*linked, *references(source, resource.get("reasonReference"), "reasonReference"))
            )
        ),
    )


def _status_reason(source: Source, resource: Mapping[str, Json]) -> Concept:
    for name in ("statusReason", "notDoneReason", "reasonNotPerformed"):
        found = concept(source, resource.get(name), name)
        if found:
            return found
    return Concept()


def _extension_concepts(source: Source, value: Json, depth: int) -> Iterator[Concept]:
    for item in items(value):
        if isinstance(item, dict):
            found = concept(source, item.get("valueCodeableConcept"), "extension")
            if found:
                yield found
            coded = item.get("valueCoding")
            if coded is not None and (found := concept(source, coded, "extension")):
                yield found
            if depth and "extension" in item:
                yield from _extension_concepts(source, item["extension"], depth - 1)
