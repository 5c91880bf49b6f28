"""Encounter: visits, planned and past."""

from collections.abc import Mapping

from cds_service.chart import dates
from cds_service.chart.elements import (
    Json,
    Source,
    codeable_references,
    concepts,
    items,
    objects,
    references,
    token,
)
from cds_service.facts import Concept, Visit


def read(source: Source, resource: Mapping[str, Json], **_: object) -> Visit | None:
    """Return the visit with its status; None (and a report) where it was entered in error."""
    status = token(source, resource.get("status"), "status")
    if status == "entered-in-error":
        source.drop("was entered in error")
        return None
    reasons, linked = _reasons(source, resource)
    period = dates.span(source, resource.get("period"), "period")
    actual = dates.span(source, resource.get("actualPeriod"), "actualPeriod")
    return Visit(
        reference=source.reference,
        status="finished" if status == "completed" else status,
        types=(
            *concepts(source, resource.get("type"), "type"),
            *concepts(source, resource.get("serviceType"), "serviceType"),
        ),
        reasons=reasons,
        reason_references=linked,
        period=period or actual,
    )


def _reasons(
    source: Source, resource: Mapping[str, Json]
) -> tuple[tuple[Concept, ...], tuple[str, ...]]:
    reasons = [*concepts(source, resource.get("reasonCode"), "reasonCode")]
    linked = [
        *references(source, resource.get("reasonReference"), "reasonReference"),
        *references(source, resource.get("indication"), "indication"),
    ]
    for item in items(resource.get("reason")):
        # R5 has {use, value}; STU3 and DSTU2 have the concept itself.
        raw = item.get("value", item) if isinstance(item, dict) else item
        coded, targets = codeable_references(source, raw, "reason")
        reasons += coded
        linked += targets
    if not linked:
        # STU3 has no other link to the Condition than the diagnosis.
        for item in objects(source, resource.get("diagnosis"), "diagnosis"):
            coded, targets = codeable_references(source, item.get("condition"), "diagnosis")
            reasons += coded
            linked += targets
    return tuple(reasons), tuple(dict.fromkeys(linked))
