"""Requests: what has been ordered, under the names that FHIR's versions give it."""

from collections.abc import Mapping

from cds_service.chart import dates
from cds_service.chart.conditions import body_sites
from cds_service.chart.elements import (
    Find,
    Json,
    Source,
    boolean,
    codeable_references,
    concept,
    concepts,
    notes,
    objects,
    reference,
    references,
    token,
)
from cds_service.facts import Concept, Order

#: Request resources of DSTU2 to R5 that are read as orders.
TYPES = frozenset(
    {
        "ServiceRequest",
        "ProcedureRequest",
        "ReferralRequest",
        "DiagnosticOrder",
        "DiagnosticRequest",
        "MedicationRequest",
        "MedicationOrder",
        "DeviceRequest",
        "DeviceUseRequest",
    }
)
_CODES = (
    "code",
    "codeCodeableConcept",
    "medicationCodeableConcept",
    "medication",
    "serviceRequested",
    "service",
    "type",
)
_AUTHORED = ("authoredOn", "authored", "dateOrdered", "orderedOn", "dateWritten", "date")


def read(source: Source, resource: Mapping[str, Json], *, find: Find, **_: object) -> Order | None:
    """Return the order; None (and a report) where it was an error or forbids what it names."""
    status = token(source, resource.get("status"), "status")
    if status == "entered-in-error":
        source.drop("was entered in error")
        return None
    if boolean(source, resource.get("doNotPerform"), "doNotPerform"):
        source.drop("says not to do what it names")
        return None
    coded, linked = codeable_references(source, resource.get("reason"), "reason")
    authored = (dates.date(source, resource.get(name), name) for name in _AUTHORED)
    return Order(
        reference=source.reference,
        notes=notes(source, resource.get("note"), "note"),
        status=status,
        intent=token(source, resource.get("intent"), "intent"),
        code=_code(source, resource, find),
        body_sites=body_sites(source, resource.get("bodySite"), "bodySite"),
        reasons=(
            *coded,
            *concepts(source, resource.get("reasonCode"), "reasonCode"),
            *concepts(source, resource.get("reasonCodeableConcept"), "reasonCodeableConcept"),
        ),
        reason_references=tuple(
            dict.fromkeys(
                (*linked, *references(source, resource.get("reasonReference"), "reasonReference"))
            )
        ),
        authored=next((found for found in authored if found), None),
    )


def _code(source: Source, resource: Mapping[str, Json], find: Find) -> Concept:
    for name in _CODES:
        found = concept(source, resource.get(name), name)
        if found:
            return found
    for item in objects(source, resource.get("item"), "item"):  # DiagnosticOrder
        found = concept(source, item.get("code"), "item.code")
        if found:
            return found
    for name in ("medicationReference", "medication"):
        target = reference(source, resource.get(name), name)
        medication = find(target) if target else None
        if medication:
            return concept(source, medication.get("code"), f"{name}.code")
    return Concept()
