"""One patient's chart from many values: identity, duplicates, order, and whose it is."""

import copy
import datetime as dt
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.chart import Failed, Missing, Present, build, classify
from cds_service.errors import BadRequest, PreconditionFailed
from cds_service.facts import Chart, Concept

Read = Callable[..., Chart]
Make = Callable[..., dict[str, Any]]
TODAY = dt.date(2026, 12, 1)
PATIENT = {"resourceType": "Patient", "id": "p1"}
UUID = "urn:uuid:6f1f2a0e-0000-4000-8000-000000000001"


def dropped(chart: Chart) -> set[str]:
    """Return the references of the resources that were not used."""
    return {issue.where for issue in chart.issues if issue.effect == "dropped"}


# --- whose it is ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reference",
    [
        "Patient/p1",
        "Patient/p1/_history/3",
        "https://ehr.example.org/fhir/Patient/p1",
        "https://ehr.example.org/fhir/Patient/p1/_history/3",
        " Patient/p1 ",
    ],
)
def test_own_patient_in_any_form(chart: Read, reference: str) -> None:
    """Relative, absolute and versioned references to the patient are the patient."""
    found = chart({"resourceType": "Condition", "id": "c", "subject": {"reference": reference}})
    assert len(found.conditions) == 1
    assert found.issues == ()


@pytest.mark.parametrize(
    "subject",
    [
        {"reference": "Patient/p2"},
        {"reference": "https://ehr.example.org/fhir/Patient/p2"},
        {"reference": "Patient/p11"},
        {"reference": "Group/p1"},
        {"reference": UUID},
        "Patient/p2",
        [{"reference": "Patient/p1"}, {"reference": "Patient/p2"}],
    ],
)
@pytest.mark.parametrize("element", ["subject", "patient"])
def test_another_patient_is_dropped(chart: Read, subject: Any, element: str) -> None:
    """What names anybody or anything else is dropped and reported."""
    found = chart({"resourceType": "Condition", "id": "c", element: subject})
    assert found.conditions == ()
    assert dropped(found) == {"Condition/c"}


@pytest.mark.parametrize(
    "subject",
    [None, {"identifier": {"value": "123"}}, {"display": "somebody"}, {"reference": 5}, "", "#p"],
)
def test_unclear_subject_is_kept_and_reported(chart: Read, subject: Any) -> None:
    """What came from the patient's search and names nobody stays, with a report."""
    found = chart({"resourceType": "Condition", "id": "c", "subject": subject})
    assert len(found.conditions) == 1
    assert "Condition/c" in {issue.where for issue in found.issues}


def test_patient_by_full_url(chart: Read) -> None:
    """A urn:uuid subject is the Patient whose entry has that fullUrl."""
    found = chart(
        {"fullUrl": UUID, "resource": PATIENT},
        {"resource": {"resourceType": "Condition", "id": "c", "subject": {"reference": UUID}}},
    )
    assert len(found.conditions) == 1


def test_prefetched_patient_of_another_id(chart: Read) -> None:
    """Nothing is advised on a mixed-up chart."""
    with pytest.raises(BadRequest) as caught:
        chart(PATIENT, patient={"resourceType": "Patient", "id": "p2"})
    assert caught.value.where == "prefetch.patient"


def test_no_patient_at_all(chart: Read) -> None:
    """Without a Patient there is no chart."""
    with pytest.raises(PreconditionFailed):
        chart(patient=None)


def test_patient_in_a_bundle(chart: Read) -> None:
    """The Patient may come as a search result, or anywhere in the data."""
    bundle = {"resourceType": "Bundle", "entry": [{"resource": PATIENT}]}
    assert chart(patient=bundle).patient.id == "p1"
    assert chart(PATIENT, patient=None).patient.id == "p1"


# --- references -------------------------------------------------------------------------


def test_references_become_the_records_own(chart: Read, resource: Make) -> None:
    """Absolute, versioned, urn:uuid and contained references are told by the record."""
    condition = {"resourceType": "Condition", "subject": {"reference": "Patient/p1"}}
    found = chart(
        {"fullUrl": UUID, "resource": condition},
        {
            "fullUrl": "https://ehr.example.org/fhir/Condition/c2",
            "resource": dict(condition, note=[]),
        },
        resource(
            "Procedure",
            "x",
            status="completed",
            contained=[{"resourceType": "Condition", "id": "c3"}],
            reasonReference=[
                {"reference": UUID},
                {"reference": "https://ehr.example.org/fhir/Condition/c2/_history/1"},
                {"reference": "#c3"},
            ],
        ),
    )
    assert found.procedures[0].reason_references == (
        "Condition/(no id) 1",
        "Condition/c2",
        "Procedure/x#c3",
    )
    assert {condition.reference for condition in found.conditions} == {
        "Condition/(no id) 1",
        "Condition/c2",
        "Procedure/x#c3",
    }


def test_contained_in_what_was_dropped(chart: Read, resource: Make) -> None:
    """What a dropped resource contains is dropped with it."""
    inner = {"resourceType": "Condition", "id": "c"}
    found = chart(resource("Procedure", "x", status="entered-in-error", contained=[inner]))
    assert found.conditions == ()


# --- copies and duplicates --------------------------------------------------------------


def test_same_id_under_several_keys(chart: Read, resource: Make) -> None:
    """One resource that comes under several keys is one record."""
    condition = resource("Condition", "c", code={"text": "x"})
    bundle = {"resourceType": "Bundle", "entry": [{"resource": condition}]}
    assert len(chart(condition, condition, observations=bundle, reports=bundle).conditions) == 1


def test_newest_copy_counts(chart: Read, resource: Make) -> None:
    """Of two versions the one that was updated last is read, in whatever order they come."""
    old = resource("Condition", "c", code={"text": "old"}, meta={"lastUpdated": "2026-01-01"})
    new = resource("Condition", "c", code={"text": "new"}, meta={"lastUpdated": "2026-02-01"})
    for pair in ((old, new), (new, old)):
        assert [found.code.text for found in chart(*pair).conditions] == ["new"]


def test_copies_that_differ_are_chosen_by_content_not_by_order(chart: Read, resource: Make) -> None:
    """Two copies of one id without any version give the same chart in either order."""
    one = resource("Condition", "c", code={"text": "aa"})
    other = resource("Condition", "c", code={"text": "bb"})
    assert chart(one, other) == chart(other, one)


def test_context_condition_is_not_counted_twice(chart: Read, resource: Make) -> None:
    """The entered condition and the chart's copy are one, which is marked."""
    condition = resource("Condition", "c", code={"text": "x"})
    context = {"resourceType": "Bundle", "entry": [{"resource": condition}]}
    found = chart(condition, context=context).conditions
    assert [(one.reference, one.from_context) for one in found] == [("Condition/c", True)]


def test_context_condition_that_the_chart_lacks(chart: Read, resource: Make) -> None:
    """A condition that is being entered counts; the others are not marked."""
    context = {"resourceType": "Bundle", "entry": [{"resource": resource("Condition", "new")}]}
    found = chart(resource("Condition", "old", code={"text": "x"}), context=context).conditions
    assert {one.reference: one.from_context for one in found} == {
        "Condition/new": True,
        "Condition/old": False,
    }


def test_context_duplicate_keeps_the_flag(chart: Read, resource: Make) -> None:
    """A chart's duplicate of the entered condition adds nothing, and takes nothing away."""
    context = resource("Condition", "longer-id", code={"text": "x"})
    found = chart(resource("Condition", "c", code={"text": "x"}), context=context).conditions
    assert [(one.reference, one.from_context) for one in found] == [("Condition/longer-id", True)]


def test_context_without_id_takes_the_charts_reference(chart: Read, resource: Make) -> None:
    """An entered condition without an id is the chart's record of the same content."""
    context = resource("Condition", None, code={"text": "x"})
    found = chart(resource("Condition", "c", code={"text": "x"}), context=context).conditions
    assert [(one.reference, one.from_context) for one in found] == [("Condition/c", True)]


def test_duplicates_are_merged_and_references_follow(chart: Read, resource: Make) -> None:
    """A duplicate under another id is its original, wherever it is referred to."""
    found = chart(
        resource("Condition", "c10", code={"text": "x"}, meta={"versionId": "2"}),
        resource("Condition", "c2", code={"text": "x"}, identifier=[{"value": "1"}]),
        resource(
            "Procedure", "a", status="completed", reasonReference=[{"reference": "Condition/c2"}]
        ),
        resource(
            "Procedure", "b", status="completed", reasonReference=[{"reference": "Condition/c10"}]
        ),
    )
    assert [one.reference for one in found.conditions] == ["Condition/c2"]
    assert [(one.reference, one.reason_references) for one in found.procedures] == [
        ("Procedure/a", ("Condition/c2",))
    ]


def test_duplicates_by_what_they_refer_to(chart: Read, resource: Make) -> None:
    """What refers to duplicates, even as its code, is a duplicate itself once they are merged."""
    medications = [
        {"resourceType": "Medication", "id": name, "code": {"text": "x"}} for name in ("m1", "m2")
    ]
    orders = [
        resource(
            "MedicationRequest",
            f"r{name}",
            status="active",
            authoredOn="2026-05-20",
            code={"reference": {"reference": f"Medication/{name}"}},
        )
        for name in ("m1", "m2")
    ]
    assert [one.reference for one in chart(*medications, *orders).orders] == [
        "MedicationRequest/rm1"
    ]


def test_an_address_that_two_entries_claim(chart: Read, resource: Make) -> None:
    """Whom a UUID names does not hang on the order: an entry's address and an id count alike."""
    conditions = [
        {"fullUrl": "urn:uuid:b", "resource": resource("Condition", "c", code={"text": "x"})},
        {"resource": resource("Condition", "b", code={"text": "y"})},
    ]
    procedure = resource(
        "Procedure", "p", status="completed", reasonReference=[{"reference": "urn:uuid:b"}]
    )
    for entries in (conditions, conditions[::-1]):
        found = chart(*entries, procedure)
        assert found.procedures[0].reason_references == ("Condition/b",)


def test_what_differs_is_not_merged(chart: Read, resource: Make) -> None:
    """Two tumours at two sites stay two."""
    left = resource("Condition", "a", code={"text": "x"}, bodySite=[{"text": "left"}])
    right = resource("Condition", "b", code={"text": "x"}, bodySite=[{"text": "right"}])
    assert len(chart(left, right).conditions) == 2


def sample() -> list[dict[str, Any]]:
    """Return a small chart with every kind and every sort of link."""
    subject = {"subject": {"reference": "Patient/p1"}}
    return [
        {"resourceType": "Condition", "id": "c1", "code": {"text": "x"}, **subject},
        {"resourceType": "Condition", "id": "c2", "code": {"text": "y"}, **subject},
        {
            "resourceType": "Procedure",
            "id": "x1",
            "status": "completed",
            "performedDateTime": "2026-05",
            "reasonReference": [{"reference": "Condition/c1"}],
            "report": [{"reference": "DiagnosticReport/r1"}],
            **subject,
        },
        {
            "resourceType": "DiagnosticReport",
            "id": "r1",
            "status": "final",
            "specimen": [{"reference": "Specimen/s1"}],
            "result": [{"reference": "Observation/o1"}],
            **subject,
        },
        {
            "resourceType": "Specimen",
            "id": "s1",
            "collection": {"bodySite": {"text": "thigh"}},
            **subject,
        },
        {
            "resourceType": "Observation",
            "id": "o1",
            "status": "final",
            "valueString": "a",
            **subject,
        },
        {"resourceType": "Observation", "status": "final", "valueString": "b", **subject},
        {"resourceType": "Observation", "status": "final", "valueString": "c", **subject},
        {
            "resourceType": "Encounter",
            "id": "e1",
            "status": "finished",
            "reasonReference": [{"reference": "Condition/c1"}],
            **subject,
        },
        {"resourceType": "ServiceRequest", "id": "q1", "status": "active", **subject},
        {
            "resourceType": "FamilyMemberHistory",
            "id": "f1",
            "status": "completed",
            "patient": {"reference": "Patient/p1"},
        },
    ]


def read_sample(resources: list[dict[str, Any]]) -> Chart:
    """Read resources as the conditions of the prefetch."""
    bundle = {"resourceType": "Bundle", "entry": [{"resource": one} for one in resources]}
    values = {"patient": classify("patient", PATIENT), "conditions": classify("conditions", bundle)}
    return build(values, patient_id="p1", today=TODAY)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    copies=st.lists(st.integers(0, len(sample()) - 1), max_size=8),
)
def test_order_and_duplicates_change_nothing(seed: int, copies: list[int]) -> None:
    """Shuffled resources, and any of them again under another id, give the same chart."""
    resources = sample()
    for number, place in enumerate(copies):
        again = copy.deepcopy(resources[place])
        again["id"] = f"copy-with-a-long-id-{number}"
        resources.append(again)
    # What has no id may take the reference of its copy: give it to the original, too.
    random.Random(seed).shuffle(resources)  # noqa: S311 - no secret
    expected = read_sample([*sample(), *(r for r in resources if "copy" in r.get("id", ""))])
    found = read_sample(resources)
    assert found == expected
    named = [one for one in sample() if "id" in one]
    duplicates = [{**one, "id": f"longer-{one['id']}"} for one in named]
    both = [*named, *duplicates]
    random.Random(seed).shuffle(both)  # noqa: S311
    assert read_sample(both) == read_sample(named)


def test_duplicated_web_of_references(chart: Read) -> None:
    """A whole chart that was imported twice, links and all, is one chart."""
    named = [one for one in sample() if "id" in one]
    again = copy.deepcopy(named)
    ids = {f"{one['resourceType']}/{one['id']}" for one in named}

    def rename(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                key: f"{item}-again-and-longer"
                if key == "reference" and item in ids
                else rename(item)
                for key, item in value.items()
            }
        return [rename(item) for item in value] if isinstance(value, list) else value

    for one in again:
        one.update(rename({k: v for k, v in one.items() if k != "id"}))
        one["id"] += "-again-and-longer"
    assert chart(*named, *again) == chart(*named)


# --- what could not be read ---------------------------------------------------------------


def test_unread_kinds() -> None:
    """Failed, missing and partial kinds are unread; null and empty ones are read."""
    page = {
        "resourceType": "Bundle",
        "link": [{"relation": "next", "url": "https://x.example.org/2"}],
        "entry": [
            {
                "resource": {
                    "resourceType": "Observation",
                    "id": "o",
                    "subject": {"reference": "Patient/p1"},
                }
            }
        ],
    }
    found = build(
        {
            "patient": Present((PATIENT,)),
            "conditions": classify("conditions", None),
            "procedures": classify("procedures", {"resourceType": "Bundle", "total": 0}),
            "observations": classify("observations", page),
            "reports": Failed("not authorised (401)"),
            "orders": Missing(),
        },
        patient_id="p1",
        today=TODAY,
    )
    assert found.unread == {
        "observations": "only a part of its pages was read",
        "orders": "not in the prefetch",
        "reports": "not authorised (401)",
    }
    assert len(found.observations) == 1


@pytest.mark.parametrize(
    "entry",
    ["x", None, 5, {"resource": None}, {}, {"resource": "x"}, {"resource": {"id": "x"}}, [5]],
)
def test_odd_entries_are_issues(chart: Read, resource: Make, entry: Any) -> None:
    """A malformed entry is reported, and its neighbours are read."""
    found = chart(entry, {"resource": resource("Condition", "c")})
    assert [one.reference for one in found.conditions] == ["Condition/c"]
    assert found.issues


def test_warnings_of_the_server_are_issues(chart: Read, resource: Make) -> None:
    """An OperationOutcome that only warns makes nothing unread."""
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "warning"}]}
    entry = {"search": {"mode": "outcome"}, "resource": outcome}
    found = chart(entry, {"resource": resource("Condition", "c")})
    assert len(found.conditions) == 1
    assert found.unread == {}
    assert "warning" in found.issues[0].reason


def test_records_are_sorted_by_date(chart: Read, resource: Make) -> None:
    """Records stand by date, the undated last, then by reference."""
    found = chart(
        resource("Condition", "d"),
        resource("Condition", "c", recordedDate="2026-05-20"),
        resource("Condition", "b", recordedDate="2026-05-20", code={"text": "b"}),
        resource("Condition", "a", onsetDateTime="2025"),
    )
    assert [one.reference[-1] for one in found.conditions] == ["a", "b", "c", "d"]


def test_issues_are_bounded(chart: Read) -> None:
    """A flood of malformed resources does not become a flood of reports."""
    found = chart(*range(2_000))
    assert len(found.issues) == 501
    assert "1500 more" in found.issues[-1].reason


# --- examples as the hook pages print them --------------------------------------------------


def test_example_of_the_problem_list_page(chart: Read) -> None:
    """Category as a plain string, a Bundle without type, DSTU2 and STU3 fields in R4."""
    context = {
        "resourceType": "Bundle",
        "entry": [
            {
                "resource": {
                    "resourceType": "Condition",
                    "id": "36",
                    "clinicalStatus": "active",
                    "verificationStatus": "confirmed",
                    "category": "problem-list-item",
                    "code": {"text": "Leiomyosarcoma of skin"},
                    "patient": {"reference": "Patient/p1"},
                    "assertedDate": "2026-11-20",
                }
            }
        ],
    }
    found = chart(context=context)
    condition = found.conditions[0]
    assert condition.from_context
    assert condition.categories == (Concept(text="problem-list-item"),)
    assert condition.verification == "confirmed"
    assert str(condition.recorded) == "2026-11-20"
    assert found.issues == ()
