"""Whose a resource is: references of every form, and what cannot be told."""

import json
from typing import Any

import pytest

from cds_service.screen.sorting import reference_of, sort

from .conftest import Json, bundle

PATIENT = {"resourceType": "Patient", "id": "p1"}
_UUID = "urn:uuid:4b2f0c1e-3f7e-4a56-9a53-0e6f2b1c7d10"


def condition(subject: object = "Patient/p1", **more: object) -> Json:
    """Return a Condition about somebody."""
    named = {"reference": subject} if isinstance(subject, str) else subject
    return {"resourceType": "Condition", "id": "c1", "subject": named, **more}


def owners(value: object) -> list[tuple[str, str]]:
    """Return patient and type of every resource that was sorted to somebody."""
    found = []
    for patient, payload in sort(json.dumps(value).encode()).records:
        body = json.loads(payload)
        resource = body.get("resource", body)
        if "resourceType" in resource:
            found.append((patient, resource["resourceType"]))
    return found


@pytest.mark.parametrize(
    "subject",
    [
        "Patient/p1",
        "Patient/p1/_history/3",
        "https://ehr.example.org/fhir/Patient/p1",
        "https://ehr.example.org/fhir/Patient/p1/_history/3",
        "urn:uuid:p1",
        " Patient/p1 ",
    ],
)
def test_references_name_the_patient(subject: str) -> None:
    """Relative, absolute and versioned references, and the id as a UUID, are the patient's."""
    assert owners(condition(subject)) == [("p1", "Condition")]


@pytest.mark.parametrize("element", ["subject", "patient"])
def test_either_element_names_the_patient(element: str) -> None:
    """FamilyMemberHistory names its patient in another element than Condition."""
    resource = {"resourceType": "FamilyMemberHistory", element: {"reference": "Patient/p1"}}
    assert owners(resource) == [("p1", "FamilyMemberHistory")]


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        (None, "does not name its patient"),
        ({}, "does not name its patient"),
        ({"display": "Somebody"}, "does not name its patient"),
        ({"identifier": {"value": "123-45"}}, "names its patient by an identifier alone"),
        ("Patient?identifier=x|123-45", "names its patient by a search"),
        ("#p", "names a contained patient"),
        ("urn:oid:1.2.3", "names its patient by an address that cannot be resolved"),
        ([{"reference": "Patient/p1"}, {"reference": "Patient/p2"}], "names several patients"),
    ],
)
def test_what_names_nobody_is_a_problem(subject: Any, reason: str) -> None:
    """A resource whose patient cannot be told is never given to anybody."""
    found = sort(json.dumps(condition(subject)).encode())
    assert found.records == []
    assert found.problems == [f"Condition {reason}"]
    assert "123-45" not in str(found.problems)


def test_what_is_about_no_patient_is_left_out() -> None:
    """An Observation about a group is nobody's, and nothing is lost."""
    group = {"resourceType": "Observation", "subject": {"reference": "Group/g1"}}
    found = sort(json.dumps(group).encode())
    assert (found.records, found.problems) == ([], [])
    assert found.notes == ["Observation is about a Group"]


def test_addresses_of_a_bundle_are_resolved() -> None:
    """A reference to an entry's fullUrl names the Patient who stands there."""
    value = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {"fullUrl": _UUID, "resource": PATIENT},
            {"fullUrl": "urn:uuid:2", "resource": {"resourceType": "Patient", "id": "p2"}},
            {"fullUrl": "urn:uuid:3", "resource": condition(_UUID)},
        ],
    }
    assert owners(value) == [("p1", "Patient"), ("p2", "Patient"), ("p1", "Condition")]


def test_an_address_is_the_id_of_a_patient_without_one() -> None:
    """Entries of a transaction that creates resources have addresses, and no ids yet."""
    entries = [
        {"fullUrl": _UUID, "resource": {"resourceType": "Patient"}},
        {"fullUrl": "urn:uuid:c", "resource": condition(_UUID)},
    ]
    name = _UUID.removeprefix("urn:uuid:")
    value = {"resourceType": "Bundle", "entry": entries}
    assert owners(value) == [(name, "Patient"), (name, "Condition")]


@pytest.mark.parametrize("subject", [None, {"identifier": {"value": "x"}}, "#p"])
def test_a_chart_of_one_patient_is_that_patients(subject: Any) -> None:
    """What names nobody in a chart of one patient is read as the chart reads it: as theirs."""
    value = bundle([PATIENT, condition(subject)])
    assert owners(value) == [("p1", "Patient"), ("p1", "Condition")]
    assert sort(json.dumps(value).encode()).problems == []


def test_in_a_bundle_of_two_patients_nothing_is_guessed() -> None:
    """What names nobody is nobody's where there are two."""
    value = bundle([PATIENT, {"resourceType": "Patient", "id": "p2"}, condition(None)])
    found = sort(json.dumps(value).encode())
    assert found.problems == ["Condition does not name its patient"]


@pytest.mark.parametrize(
    "value",
    [
        bundle([PATIENT, condition()]),
        {"entry": [{"resource": PATIENT}, {"resource": condition()}]},
        [PATIENT, condition()],
        {"source": "x", "resources": [PATIENT, condition()]},
        bundle([bundle([PATIENT]), bundle([condition()])]),
        [bundle([PATIENT, condition()])],
    ],
    ids=["Bundle", "typeless", "array", "resources", "nested", "array of Bundles"],
)
def test_collections_are_charts(value: object) -> None:
    """A Bundle of any make, an array, and an object with resources are read alike."""
    found = sort(json.dumps(value).encode())
    assert [(p, reference_of(payload)) for p, payload in found.records[:2]] == [
        ("p1", "Patient/p1"),
        ("p1", "Condition/c1"),
    ]
    assert found.records[2] == ("p1", b'{"whole":true}')


def test_a_search_for_a_type_is_no_chart() -> None:
    """Conditions with their Patients included are not all that there is of the patients."""
    value = bundle([condition()], type="searchset")
    value["entry"].append({"resource": PATIENT, "search": {"mode": "include"}})
    assert ("p1", b'{"whole":true}') not in sort(json.dumps(value).encode()).records


def test_a_page_is_no_whole_chart() -> None:
    """A page that names a next one is told, and is not all of the chart."""
    value = bundle([PATIENT, condition()], link=[{"relation": "next", "url": "https://e.org/2"}])
    found = sort(json.dumps(value).encode())
    assert found.notes == ["is a page of a Bundle that goes on elsewhere"]
    assert len(found.records) == 2


def test_deletions_are_told_apart() -> None:
    """The deletions of an export are references, a Patient's marks the patient."""
    requests = [
        {"request": {"method": "DELETE", "url": "Condition/c1"}},
        {"request": {"method": "DELETE", "url": "https://e.org/fhir/Patient/p1"}},
        {"request": {"method": "DELETE", "url": "Condition?code=x"}},
    ]
    value = {"resourceType": "Bundle", "type": "transaction", "entry": requests}
    found = sort(json.dumps(value).encode())
    assert found.deleted == ["Condition/c1", "Patient/p1"]
    assert found.records == [("p1", b'{"deleted":true}')]
    assert found.problems == ["deletes something that is not named by its reference"]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("text", "is a string where a resource belongs"),
        (None, "is null where a resource belongs"),
        (bundle(["text"]), "has a string where a resource belongs"),
        ({"resourceType": "Bundle", "entry": ["x"]}, "has a string where an entry belongs"),
        ({"resourceType": "Bundle", "entry": [{}]}, "has an entry without a resource"),
        (bundle([{"id": "x"}]), "has a resource without resourceType"),
        ({"resourceType": "Patient"}, "is a Patient without id"),
        (bundle([{"resourceType": "Patient"}]), "has a Patient without id"),
        (
            {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "x-y"}]},
            "is the server's report that data could not be had (x-y)",
        ),
    ],
)
def test_what_is_no_resource_is_a_problem(value: object, reason: str) -> None:
    """Nothing is lost without a word."""
    found = sort(json.dumps(value).encode())
    assert found.problems == [reason]
    assert found.records == []


def test_bundles_in_bundles_end_somewhere() -> None:
    """A Bundle that is nested without end is a problem, not an error."""
    value = bundle([PATIENT])
    for _ in range(20):
        value = bundle([value])
    assert sort(json.dumps(value).encode()).problems == ["has Bundles in Bundles too deep"]


@pytest.mark.parametrize("value", [{}, {"exportId": 1}, {"hook": "patient-view"}])
def test_json_that_is_not_fhir_is_foreign(value: Json) -> None:
    """What is no FHIR is neither a record nor, by itself, a problem."""
    found = sort(json.dumps(value).encode())
    assert found.foreign
    assert (found.records, found.problems) == ([], [])


def test_a_broken_line_marks_its_patient() -> None:
    """Who is named in a line that cannot be read has something that could not be read."""
    whole = json.dumps(condition("https://e.org/fhir/Patient/p1", note="Jane Doe")).encode()
    found = sort(whole[:-4])
    assert found.records == [("p1", b'{"damaged":["conditions"]}')]
    assert found.problems == [f"is not valid JSON (column {len(whole) - 3})"]


def test_a_broken_line_of_a_type_that_is_not_read_marks_nobody() -> None:
    """A claim that cannot be read is told, and harms nobody's chart."""
    found = sort(b'{"resourceType":"Claim","patient":{"reference":"Patient/p1"},')
    assert found.records == []
    assert len(found.problems) == 1


def test_a_broken_line_without_a_type_may_be_anything() -> None:
    """Of a line that does not even name its type every kind may be missing."""
    ((patient, payload),) = sort(b'{"subject": {"reference": "Patient/p1"}, "code').records
    assert patient == "p1"
    assert "conditions" in json.loads(payload)["damaged"]
    assert "reports" in json.loads(payload)["damaged"]


def test_a_pretty_resource_becomes_one_line() -> None:
    """Records are lines: a resource over several lines is written anew."""
    raw = json.dumps(condition(), indent=2).encode()
    ((_, payload),) = sort(raw).records
    assert b"\n" not in payload
    assert json.loads(payload) == condition()
