"""No JSON whatever breaks the reading."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.chart import build, gather
from cds_service.errors import ServiceError
from cds_service.facts import Chart

TODAY = dt.date(2026, 12, 1)
KEYS = (
    "patient",
    "conditions",
    "procedures",
    "observations",
    "reports",
    "familyHistory",
    "orders",
    "encounters",
)

ODD = st.sampled_from(
    [
        *("0000", "0000-00-00", "9999-12-31", "0001-01-01", "2026-13-45", "2026-02-30T25:61"),
        *("#", "#x", "urn:uuid:", "Patient/", "http://[", "//", "data", "=", "\x00", "\ud800", " "),
        *(float("nan"), float("inf"), -0.0, 10**400, -(10**30), 2**63, True, False, None, [], {}),
        *([[]], [None], {"": None}, {"reference": {}}, {"reference": "Patient/p1"}),
        *({"coding": [{"code": 5}]}, {"value": "1,5"}, {"start": 1}, {"text": []}, {"concept": []}),
    ]
)
NAMES = (
    *("resourceType", "id", "reference", "code", "coding", "system", "display"),
    *("text", "value", "unit", "start", "end", "url", "extension"),
    *("entry", "resource", "data", "contentType", "concept", "low", "high"),
    *("type", "target", "severity", "issue", "contained", "valueCodeableConcept"),
)
JSON = st.recursive(
    ODD | st.text(max_size=8) | st.integers() | st.floats(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(NAMES),
            inner,
            max_size=4,
        )
    ),
    max_leaves=6,
)

ELEMENTS = {
    "Patient": "birthDate gender deceasedBoolean deceasedDateTime extension",
    "Condition": "code clinicalStatus verificationStatus category bodySite extension onsetDateTime"
    " onsetPeriod onsetAge onsetRange onsetString abatementDateTime abatementBoolean recordedDate"
    " assertedDate stage evidence note notes subject patient contained meta text",
    "Procedure": "status notDone code category performedDateTime performedPeriod occurrencePeriod"
    " performedString bodySite reasonCode reasonReference reason report outcome statusReason note"
    " extension subject contained",
    "Observation": "status code category valueQuantity valueCodeableConcept valueString valueRange"
    " valueInteger valueBoolean valuePeriod valueDateTime valueRatio value component"
    " interpretation effectiveDateTime issued bodySite method focus hasMember related derivedFrom"
    " specimen note comment",
    "DiagnosticReport": "status code category effectiveDateTime issued conclusion conclusionCode"
    " codedDiagnosis presentedForm result specimen basedOn request identifier text note contained",
    "FamilyMemberHistory": "status relationship condition date note bornDate bornPeriod notDone",
    "ServiceRequest": "status intent code reasonCode reason bodySite authoredOn item note"
    " medicationReference doNotPerform",
    "Encounter": "status type serviceType reasonCode reason diagnosis indication period"
    " actualPeriod",
}


def read(values: dict[str, Any], context: Any = None) -> Chart:
    """Read raw values as the service does."""
    found = gather(values, queries=dict.fromkeys(KEYS, "x"), required=("patient",))
    return build(
        found.values,
        patient_id="p1",
        today=TODAY,
        context_conditions=context,
        issues=found.issues,
    )


@pytest.mark.parametrize("kind", ELEMENTS)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_value_in_any_element(kind: str, data: st.DataObject) -> None:
    """Arbitrary JSON in the elements of a resource is ignored, never an exception."""
    names = st.sampled_from(ELEMENTS[kind].split())
    elements = data.draw(st.dictionaries(names, JSON, max_size=6))
    base = {"resourceType": kind, "id": "p1", "status": "completed", "code": {"text": "x"}}
    patient = {"resourceType": "Patient", "id": "p1"}
    chart = read(
        {
            "patient": {**base, **elements} if kind == "Patient" else patient,
            "conditions": {"resourceType": "Bundle", "entry": [{"resource": {**base, **elements}}]},
        }
    )
    assert chart.patient.id == "p1"


@settings(max_examples=300, deadline=None)
@given(value=JSON, context=JSON, key=st.sampled_from(KEYS))
def test_any_value_under_any_key(value: Any, context: Any, key: str) -> None:
    """Arbitrary JSON under a key, or as the context, is read or is a ServiceError."""
    values = {"patient": {"resourceType": "Patient", "id": "p1"}, key: value}
    try:
        chart = read(values, context)
    except ServiceError as error:
        assert error.status in {400, 412}  # noqa: PT017 - one of two outcomes
    else:
        assert chart.patient.id == "p1"


@settings(max_examples=200, deadline=None)
@given(entries=st.lists(JSON, max_size=4), links=JSON, total=JSON, full_url=JSON)
def test_any_bundle(entries: list[Any], links: Any, total: Any, full_url: Any) -> None:
    """A Bundle with arbitrary entries, links, total and fullUrl is read."""
    inner = [{"fullUrl": full_url, "resource": entry} for entry in entries]
    bundle = {
        "resourceType": "Bundle",
        "link": links,
        "total": total,
        "entry": [*entries, *inner],
    }
    chart = read({"patient": {"resourceType": "Patient", "id": "p1"}, "reports": bundle}, bundle)
    assert chart.patient.id == "p1"


def test_deep_nesting() -> None:
    """What is nested hundreds of levels deep is reported and read no deeper."""
    deep: Any = {"resourceType": "Condition", "id": "c"}
    for _ in range(900):
        deep = {"resourceType": "Bundle", "entry": [{"resource": deep}], "concept": deep}
    extension: Any = {"url": "x"}
    for _ in range(900):
        extension = {"url": "x", "extension": [extension], "coding": [extension]}
    condition = {"resourceType": "Condition", "extension": [extension], "code": extension}
    chart = read(
        {"patient": {"resourceType": "Patient", "id": "p1"}, "conditions": deep}, condition
    )
    assert any("too deep" in issue.reason for issue in chart.issues)
