"""What the service reads is what scrubbing keeps."""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cds_service.chart import (
    conditions,
    family,
    observations,
    orders,
    patient,
    procedures,
    reports,
    visits,
)
from cds_service.chart.elements import Source
from cds_service.scrub.elements import allow_list

Read = Callable[..., object]

READERS: dict[str, Read] = {
    "Condition": conditions.read,
    "Procedure": procedures.read,
    "Observation": observations.read,
    "DiagnosticReport": reports.read,
    "FamilyMemberHistory": family.read,
    "Encounter": visits.read,
    **dict.fromkeys(orders.TYPES, orders.read),
}
#: Read in every resource, and scrubbed apart from the table.
EVERYWHERE = {"extension", "id", "resourceType"}
#: ``name[x]`` in a type that FHIR does not have there, or that is reported and not read.
NEVER = {
    *("bornInstant", "onsetInstant", "abatementInstant", "performedInstant", "occurrenceInstant"),
    *("performedTiming", "occurrenceTiming"),
}


class Asked(dict[str, Any]):
    """An object that remembers what it was asked for."""

    def __init__(self, *args: Any, **values: Any) -> None:
        """Start with nothing asked."""
        super().__init__(*args, **values)
        self.names: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        """Return a value, and remember its name."""
        self.names.add(key)
        return super().get(key, default)

    def __getitem__(self, key: str) -> Any:
        """Return a value, and remember its name."""
        self.names.add(key)
        return super().__getitem__(key)


def read(kind: str, resource: Asked) -> set[str]:
    """Return what the reader of a type asks a resource for."""
    source = Source(f"{kind}/1", [], lambda reference, _: reference)
    READERS[kind](source, resource, find=lambda _: None, today=dt.date(2026, 12, 1))
    return resource.names


@pytest.mark.parametrize("kind", sorted(READERS))
def test_elements(kind: str) -> None:
    """Every element that a reader asks for is kept."""
    status = "final" if kind in {"Observation", "DiagnosticReport"} else "completed"
    asked = read(kind, Asked(status=status))
    kept = set(allow_list().types[kind])
    assert asked
    assert asked - kept - EVERYWHERE - NEVER == set()


@pytest.mark.parametrize("name", ["stage", "evidence"])
def test_parts_of_conditions(name: str) -> None:
    """Every part of a repeated element that is asked for is kept."""
    part = Asked()
    read("Condition", Asked({name: [part]}))
    inner = allow_list().types["Condition"][name]
    assert isinstance(inner, dict)
    assert part.names - set(inner) == set()


def _parts() -> Iterator[tuple[str, str]]:
    yield "Observation", "component"
    yield "FamilyMemberHistory", "condition"
    yield "Encounter", "diagnosis"


@pytest.mark.parametrize(("kind", "name"), list(_parts()))
def test_parts(kind: str, name: str) -> None:
    """As above, in other types."""
    part = Asked()
    read(kind, Asked({name: [part], "status": "completed"}))
    inner = allow_list().types[kind][name]
    assert isinstance(inner, dict)
    assert part.names
    assert part.names - set(inner) - NEVER == set()


def test_patient() -> None:
    """Of a patient what the reader asks for is kept, and the extensions that tell the sex."""
    resource = Asked()
    source = Source("Patient/p1", [], lambda reference, _: reference)
    patient.read(source, resource, patient_id="p1")
    assert resource.names - set(allow_list().types["Patient"]) - EVERYWHERE == set()
    endings = {each.lower() for each in allow_list().extensions["Patient"]}
    assert {each.lower() for each in patient._SEX_EXTENSIONS} == endings  # noqa: SLF001


def test_extensions_of_conditions() -> None:
    """The extensions that are read of a Condition are kept."""
    kept = {each.lower() for each in allow_list().extensions["Condition"]}
    assert {each.lower() for each in conditions._MORPHOLOGY} <= kept  # noqa: SLF001
    assert "condition-asserteddate" in kept


def test_nothing_else() -> None:
    """Whoever would hold names stands in no table."""
    people = {"Practitioner", "Organization", "RelatedPerson", "Location", "Device", "Person"}
    assert not people & allow_list().types.keys()
    elements = {name for table in allow_list().types.values() for name in table}
    assert not elements & {"name", "address", "telecom", "photo", "contact", "performer", "author"}
