"""Whose a resource is: what is about anybody else is never used."""

from collections.abc import Mapping

from cds_service.chart.elements import Json, Source, items, kind_of

_ELEMENTS = ("subject", "patient")


def is_own(
    source: Source, resource: Mapping[str, Json], patient_id: str, *, inherited: bool = False
) -> bool:
    """Return whether a resource may be about the patient; report where it is not, or unclear.

    A resource without a usable reference came from this patient's search: it is kept, and
    reported. ``inherited``: it is contained in one that is the patient's.
    """
    own = f"Patient/{patient_id}"
    subject = resource.get("subject")
    plain = isinstance(subject, dict) and subject.get("reference") == own
    if plain and "patient" not in resource and source.resolve(own) == own:
        return True  # as nearly all are
    named = False
    for element in _ELEMENTS:
        for value in items(resource.get(element)):
            target = value.get("reference") if isinstance(value, dict) else value
            if target is None:
                continue
            if not isinstance(target, str) or not target.strip():
                source.ignore(element, f"is {kind_of(target)} where a reference belongs")
                continue
            if target.startswith("#"):  # a contained Patient, who has no id to compare
                continue
            if source.resolve(target.strip()) != own:
                source.drop("is about another person or thing than the patient")
                return False
            named = True
    if not named and not inherited and resource.get("resourceType") in _WITH_SUBJECT:
        source.note("does not name its patient; it was read as this patient's")
    return True


_WITH_SUBJECT = frozenset(
    {
        *("Condition", "Procedure", "Observation", "DiagnosticReport", "FamilyMemberHistory"),
        *("Encounter", "ServiceRequest"),
    }
)
