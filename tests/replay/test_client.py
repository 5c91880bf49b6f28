from typing import Any

import pytest

from cds_service.replay.client import ChartError, Store, UnresolvableError, prefetch

Json = dict[str, Any]


def bundle(*resources: Json, **urls: str) -> Json:
    """Return a Bundle of the resources, with the full URLs given by id."""
    entries = [{"resource": each, "fullUrl": urls.get(each.get("id", ""))} for each in resources]
    return {"resourceType": "Bundle", "entry": entries}


def of(kind: str, identifier: str, patient: str = "Patient/p1", **more: Any) -> Json:
    """Return a resource about a patient."""
    return {"resourceType": kind, "id": identifier, "subject": {"reference": patient}, **more}


PATIENT = {"resourceType": "Patient", "id": "p1"}


def ids(searchset: Json) -> list[str]:
    """Return the ids of a searchset's resources."""
    return [entry["resource"]["id"] for entry in searchset.get("entry", [])]


def test_reads_and_searches_are_resolved_from_the_chart() -> None:
    """A read gives the resource, a search the patient's resources of the type."""
    store = Store.of(bundle(PATIENT, of("Condition", "c1"), of("Procedure", "x1")))
    values, left_out = prefetch(
        {
            "patient": "Patient/{{context.patientId}}",
            "c": "Condition?patient={{context.patientId}}",
        },
        context={"patientId": "p1"},
        store=store,
    )
    assert values["patient"] == PATIENT
    assert ids(values["c"]) == ["c1"]
    assert values["c"]["type"] == "searchset"
    assert left_out == {}


def test_a_search_without_a_match_is_an_empty_bundle() -> None:
    """Nothing found is a Bundle without entries, and neither null nor a missing key."""
    found = Store.of(bundle(PATIENT)).search("Observation", "patient=p1")
    assert found == {"resourceType": "Bundle", "type": "searchset", "total": 0}


def test_a_read_without_a_match_leaves_its_key_out() -> None:
    """A resource that is not there gives no key, and says so."""
    values, left_out = prefetch(
        {"patient": "Patient/{{context.patientId}}"},
        context={"patientId": "p2"},
        store=Store.of(bundle(PATIENT)),
    )
    assert values == {}
    assert left_out == {"patient": "Patient/p2 is not in the chart"}


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("Encounter/{{context.encounterId}}", "no value for {{context.encounterId}}"),
        ("Practitioner/{{userPatientId}}", "no value for {{userPatientId}}"),
        ("Condition?date=ge2026-01-01", "parameter date"),
        ("Condition?code:in=http://example.org/vs", "parameter code:in"),
    ],
)
def test_what_cannot_be_resolved_is_left_out_with_the_reason(template: str, reason: str) -> None:
    """An unknown token or parameter leaves the key out instead of asking something else."""
    values, left_out = prefetch(
        {"key": template},
        context={"patientId": "p1", "userId": "Practitioner/u1"},
        store=Store.of(bundle(PATIENT, of("Condition", "c1"))),
    )
    assert values == {}
    assert reason in left_out["key"]


def test_user_tokens_are_derived_from_the_user() -> None:
    """``userPractitionerId`` is the id of a user who is a Practitioner."""
    doctor = {"resourceType": "Practitioner", "id": "u1"}
    values, _ = prefetch(
        {"user": "Practitioner/{{userPractitionerId}}"},
        context={"userId": "Practitioner/u1"},
        store=Store.of(bundle(doctor)),
    )
    assert values == {"user": doctor}


@pytest.mark.parametrize(
    "reference",
    [
        "Patient/p1",
        "https://ehr.example.org/fhir/Patient/p1",
        "Patient/p1/_history/3",
        "urn:uuid:7f1a2d5c-0c62-4b0c-8a30-3f0d7d9d2f10",
    ],
)
def test_every_form_of_reference_to_the_patient_is_found(reference: str) -> None:
    """Absolute, versioned and full-URL references name the same patient."""
    url = "urn:uuid:7f1a2d5c-0c62-4b0c-8a30-3f0d7d9d2f10"
    store = Store.of(bundle(PATIENT, of("Condition", "c1", reference), p1=url))
    assert ids(store.search("Condition", "patient=p1")) == ["c1"]


def test_references_to_full_urls_become_relative_as_on_a_server() -> None:
    """What a server would have rewritten on storing is rewritten, wherever it stands."""
    url = "urn:uuid:00000000-0000-4000-8000-000000000001"
    visit = of("Encounter", "e1", reasonReference=[{"reference": url}])
    store = Store.of(bundle(PATIENT, of("Condition", "c1"), visit, c1=url))
    read = store.read("Encounter/e1")
    assert read is not None
    assert read["reasonReference"] == [{"reference": "Condition/c1"}]


def test_resources_of_another_patient_are_not_found() -> None:
    """A search for the patient returns nobody else's resources."""
    store = Store.of(bundle(PATIENT, of("Condition", "c1", "Patient/other")))
    assert ids(store.search("Condition", "patient=p1")) == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status=final", ["a"]),
        ("status=final,amended", ["a", "b"]),
        ("category=http://x|PAT", ["a"]),
        ("category=PAT", ["a", "b"]),
        ("category=http://y|", ["b"]),
        ("category=|PAT", []),
        ("_id=b,c&_count=1&_sort=-date", ["b"]),
        ("clinical-status=active", ["b"]),
    ],
)
def test_token_parameters_select_by_code_and_system(query: str, found: list[str]) -> None:
    """Tokens match codes, Codings and CodeableConcepts; control parameters change nothing."""
    a = of("X", "a", status="final", category=[{"coding": [{"system": "http://x", "code": "PAT"}]}])
    b = of(
        "X",
        "b",
        status="amended",
        category={"system": "http://y", "code": "PAT"},
        clinicalStatus={"coding": [{"code": "active"}]},
    )
    assert ids(Store.of(bundle(a, b)).search("X", query)) == found


def test_nested_bundles_are_flattened_and_rubbish_is_passed_over() -> None:
    """A Bundle within a Bundle counts; an entry without a resource does not."""
    inner = {"resourceType": "Bundle", "entry": [{"resource": of("Condition", "c1")}]}
    outer = bundle(PATIENT, inner)
    outer["entry"] += [{}, "text", {"resource": {"id": "typeless"}}]
    assert [each["id"] for each in Store.of(outer).resources] == ["p1", "c1"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"resourceType": "Bundle"}, "holds no resource"),
        (bundle(of("Condition", "c1")), "0 Patients"),
        (bundle(PATIENT, {"resourceType": "Patient", "id": "p2"}), "2 Patients"),
        (bundle({"resourceType": "Patient"}), "a Patient without id"),
    ],
)
def test_a_bundle_that_is_no_chart_says_why(body: Json, reason: str) -> None:
    """A chart has exactly one Patient with an id."""
    with pytest.raises(ChartError, match=reason):
        _ = Store.of(body).patient_id


def test_an_unknown_search_parameter_is_an_error_and_not_ignored() -> None:
    """A search that would return too much is refused."""
    with pytest.raises(UnresolvableError, match="date"):
        Store.of(bundle(of("Condition", "c1"))).search("Condition", "date=2026")
