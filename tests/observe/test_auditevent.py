import datetime as dt

import pytest
from fhir.resources.R4B.auditevent import AuditEvent
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cds_service.observe.auditevent import event
from cds_service.store import AuditRow

AT = dt.datetime(2026, 12, 1, 9, 26, 4, 382_000, dt.UTC)
DIGEST = "hmac-sha256:" + "0" * 64
CALL = AuditRow(
    id=7,
    at=AT,
    request="d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
    endpoint="call",
    service="cutaneous-leiomyosarcoma-patient-view",
    hook="patient-view",
    hook_instance="0a7a8f0e-5b0e-4a55-9e5f-3d4d2f1f3c11",
    client="general-hospital",
    tenant="north",
    user=DIGEST,
    patient=DIGEST,
    status=200,
    cards=3,
    program="0.1.0",
    guideline="1.0.0",
)
#: Codes of systems that FHIR R4 binds or IHE BALP uses, looked up there.
KNOWN = {
    ("http://dicom.nema.org/resources/ontology/DCM", code)
    for code in ("110112", "110113", "110126", "110132", "110152", "110153")
} | {
    ("http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "IRCP"),
    ("http://terminology.hl7.org/CodeSystem/security-source-type", "4"),
    ("http://terminology.hl7.org/CodeSystem/audit-entity-type", "1"),
    ("http://terminology.hl7.org/CodeSystem/audit-entity-type", "2"),
    ("http://terminology.hl7.org/CodeSystem/object-role", "1"),
    ("http://terminology.hl7.org/CodeSystem/object-role", "24"),
    ("https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType", "XrequestId"),
}


def made(**changes: object) -> AuditEvent:
    """Return the event of a row, read by the FHIR R4B model."""
    row = AuditRow(**{name: getattr(CALL, name) for name in AuditRow.__slots__} | changes)
    return AuditEvent.model_validate(
        event(row, server="https://cds.example.org", canonical="https://example.org/fhir")
    )


def test_call() -> None:
    """A call is a query by the client, for the user, about the patient, and it succeeded."""
    found = made()
    assert (found.id, found.type.code, found.action, found.outcome) == ("7", "110112", "E", "0")
    assert found.recorded == AT
    assert [agent.requestor for agent in found.agent] == [False, False, True]
    assert [agent.type.coding[0].code for agent in found.agent] == ["110153", "110152", "IRCP"]
    assert (found.agent[0].who.display, found.agent[0].name) == ("general-hospital", "north")
    assert found.agent[1].network.address == "https://cds.example.org"
    assert found.agent[2].who.identifier.system == "https://example.org/fhir/audit/hmac-sha256"
    query, patient, request = found.entity
    details = {detail.type: detail.valueString for detail in query.detail}
    assert (query.name, details["hookInstance"]) == ("patient-view", CALL.hook_instance)
    assert patient.what.identifier.value == "0" * 64
    assert (patient.type.code, patient.role.code) == ("1", "1")
    assert request.what.identifier.value == CALL.request


def test_plain_references() -> None:
    """References that were kept as they are lead to patient and user."""
    found = made(user="Practitioner/1", patient="Patient/a:b")
    assert found.agent[2].who.reference == "Practitioner/1"
    assert found.entity[1].what.reference == "Patient/a:b"


@pytest.mark.parametrize(
    ("status", "kind", "subtype", "outcome"),
    [
        (200, "110112", None, "0"),
        (400, "110112", None, "4"),
        (412, "110112", None, "4"),
        (429, "110112", None, "4"),
        (500, "110112", None, "8"),
        (504, "110112", None, "8"),
        (401, "110113", "110126", "8"),
        (403, "110113", "110132", "8"),
    ],
)
def test_outcomes(status: int, kind: str, subtype: str | None, outcome: str) -> None:
    """A failure has its outcome; who may not come in, or may not do this, is a security alert."""
    found = made(status=status, reason="tenant" if subtype else "")
    assert (found.type.code, found.outcome) == (kind, outcome)
    assert [coding.code for coding in found.subtype or ()] == ([subtype] if subtype else [])
    assert (found.outcomeDesc is None) == (status == 200)


def test_nobody_known() -> None:
    """Where neither client nor user nor patient is known, the client is said to be unknown."""
    found = made(client="", tenant="", user="", patient="", status=401, service="", hook="")
    assert [agent.requestor for agent in found.agent] == [True, False]
    assert found.agent[0].who.display == "a client that is not known"
    assert [entity.role.code for entity in found.entity if entity.role] == ["24"]


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(
    status=st.integers(200, 599),
    names=st.tuples(*[st.sampled_from(["", "x", DIGEST, "Patient/1", "é"])] * 6),
)
def test_any_row(status: int, names: tuple[str, ...]) -> None:
    """Whatever is recorded can be exported, and every code is one that was looked up."""
    keys = ("client", "tenant", "user", "patient", "hook", "reason")
    found = made(status=status, **dict(zip(keys, names, strict=True)))
    codings = [found.type, *(found.subtype or ()), *found.source.type]
    codings += [coding for agent in found.agent for coding in agent.type.coding]
    codings += [item for entity in found.entity for item in (entity.type, entity.role) if item]
    assert {(str(coding.system), coding.code) for coding in codings} <= KNOWN
