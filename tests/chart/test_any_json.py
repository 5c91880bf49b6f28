"""No JSON whatever breaks the reading."""

import datetime as dt
from collections.abc import Iterator
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


def text(words: str) -> dict[str, Any]:
    """Return a CodeableConcept."""
    coding = {"system": "http://snomed.info/sct", "code": "254771006", "display": words}
    return {"coding": [coding], "text": words}


def everything() -> dict[str, Any]:
    """Return a prefetch in which every element that is read occurs."""
    subject = {"subject": {"reference": "Patient/p1", "identifier": {"value": "1"}}}
    length = {"value": 1, "unit": "mm", "code": "mm", "system": "u", "comparator": "<"}
    age = {"value": 30, "unit": "a", "code": "a", "comparator": "<"}
    form = {"contentType": "text/html; charset=utf-8", "data": "YQ==", "url": "Binary/b"}
    period = {"start": "2026-01", "end": "2026-02"}
    codeable = {"concept": text("x"), "reference": {"reference": "Condition/c"}}
    extension = {
        "url": "http://x/mcode-histology-morphology-behavior",
        "valueCodeableConcept": text("x"),
        "valueCoding": {"code": "1"},
        "extension": [{"url": "value", "valueCodeableConcept": text("x")}],
    }
    outcome = {"severity": "warning", "code": "not-found"}
    resources: list[dict[str, Any]] = [
        {
            "resourceType": "Condition",
            "id": "c",
            "meta": {"lastUpdated": "2026", "versionId": "1"},
            **subject,
            "code": text("x"),
            "clinicalStatus": text("active"),
            "verificationStatus": text("confirmed"),
            "bodySite": [
                {**text("x"), "extension": [{**extension, "url": "laterality-qualifier"}]}
            ],
            "extension": [extension, {"url": "condition-assertedDate", "valueDateTime": "2026"}],
            "onsetPeriod": period,
            "onsetAge": age,
            "onsetRange": {"low": age, "high": age},
            "stage": [{"summary": text("x"), "assessment": [{"display": "x"}]}],
            "evidence": [{"code": [text("x")], "detail": [{"reference": "Condition/c"}]}, codeable],
            "note": [{"text": "x"}],
            "contained": [{"resourceType": "Observation", "id": "o", **subject}],
        },
        {
            "resourceType": "Procedure",
            "id": "x",
            **subject,
            "status": "completed",
            "performedPeriod": period,
            "reason": [codeable],
            "report": [{"reference": "DiagnosticReport/r"}],
            "extension": [extension],
        },
        {
            "resourceType": "Observation",
            "id": "o",
            **subject,
            "status": "final",
            "valueRange": {"low": length, "high": length},
            "component": [{"code": text("x"), "valueQuantity": length}],
            "related": [{"type": "has-member", "target": {"reference": "Observation/o"}}],
        },
        {
            "resourceType": "DiagnosticReport",
            "id": "r",
            **subject,
            "status": "final",
            "presentedForm": [form],
            "text": {"div": "<p>x</p>"},
            "conclusionCode": [codeable],
            "specimen": [{"reference": "#s"}],
            "identifier": [{"value": "1"}],
            "contained": [
                {"resourceType": "Specimen", "id": "s", "collection": {"bodySite": text("x")}}
            ],
        },
        {
            "resourceType": "FamilyMemberHistory",
            "id": "f",
            "patient": {"reference": "Patient/p1"},
            "bornPeriod": period,
            "condition": [{"code": text("x"), "onsetPeriod": period, "note": [{"text": "x"}]}],
        },
        {
            "resourceType": "MedicationRequest",
            "id": "m",
            **subject,
            "medicationReference": {"reference": "#m"},
            "contained": [{"resourceType": "Medication", "id": "m", "code": text("x")}],
        },
        {
            "resourceType": "Encounter",
            "id": "e",
            **subject,
            "reason": [{"value": [codeable]}],
            "diagnosis": [{"condition": codeable}],
            "actualPeriod": period,
        },
        {"resourceType": "OperationOutcome", "issue": [outcome]},
    ]
    sex = {"url": "sexParameterForClinicalUse", "valueCode": "M", "extension": [{"url": "value"}]}
    bundle = {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": 8,
        "link": [{"relation": "self", "url": "u"}],
        "entry": [
            {"fullUrl": f"https://x.example.org/{n}", "search": {"mode": "match"}, "resource": one}
            for n, one in enumerate(resources)
        ],
    }
    patient = {
        "resourceType": "Patient",
        "id": "p1",
        "birthDate": "1960",
        "gender": "male",
        "deceasedBoolean": False,
        "extension": [sex],
    }
    return {"patient": patient, "conditions": bundle}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value within a value."""
    if path:
        yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*path, key))


@pytest.mark.parametrize(
    "odd",
    [None, True, 0, -1.5, 10**400, float("nan"), "", "x", "\x00", [], [[]], ["x"], {}, {"x": {}}],
    ids=str,
)
def test_an_odd_value_in_each_place(odd: Any) -> None:
    """Each value of a prefetch in turn is something else, and at most that value is lost."""
    for path in places(everything()):
        values = everything()
        holder: Any = values
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = odd
        try:
            chart = read(values, values["conditions"])
        except ServiceError as error:
            assert path[0] == "patient"
            assert error.status in {400, 412}  # noqa: PT017 - one of two outcomes
        else:
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
