"""Searches that were answered for everybody: only what names the patient is the patient's."""

from typing import Any

import pytest

from cds_service.chart import Empty, Failed, Present
from cds_service.chart.screen import patient_of, screened

QUERY = "FamilyMemberHistory?patient=p1"
BASE = "https://fhir.example.org/r4"


def entry(owner: str | None, number: int = 1, mode: str | None = "match") -> dict[str, Any]:
    """Return an entry about ``owner``."""
    resource: dict[str, Any] = {"resourceType": "FamilyMemberHistory", "id": f"f{number}"}
    if owner:
        resource["patient"] = {"reference": owner}
    return {"resource": resource, **({"search": {"mode": mode}} if mode else {})}


def bundle(*entries: Any, self_link: str | None = None) -> dict[str, Any]:
    """Return a searchset."""
    link = {"link": [{"relation": "self", "url": self_link}]} if self_link else {}
    return {"resourceType": "Bundle", "type": "searchset", "entry": list(entries), **link}


def ids(value: object) -> list[str]:
    """Return the ids of the resources that are left."""
    assert isinstance(value, Present)
    return [e["resource"]["id"] for page in value.values for e in page["entry"]]


@pytest.mark.parametrize(
    "link",
    [
        None,
        f"{BASE}/FamilyMemberHistory?patient=p1",
        f"{BASE}/FamilyMemberHistory?patient=Patient%2Fp1&_count=20",
        f"{BASE}/FamilyMemberHistory?subject:Patient=p1",
        f"{BASE}/FamilyMemberHistory/_search?patient:Patient=p1",
        f"{BASE}/Patient/p1/FamilyMemberHistory",
        f"{BASE}?_getpages=9c0b&_getpagesoffset=20",
        "https://[",
    ],
)
def test_answered_for_the_patient(link: str | None) -> None:
    """A resource that names nobody counts where the search was about the patient."""
    value = Present((bundle(entry("Patient/p1"), entry(None, 2), self_link=link),))
    assert screened(value, query=QUERY) is value


@pytest.mark.parametrize(
    ("link", "entries", "partial"),
    [
        (f"{BASE}/FamilyMemberHistory", [entry("Patient/p1"), entry(None, 2)], None),
        (f"{BASE}/FamilyMemberHistory?_count=20", [entry("Patient/p1"), entry(None, 2)], None),
        (
            f"{BASE}/FamilyMemberHistory",
            [entry("Patient/p1"), entry(None, 2), entry("Patient/p2", 3)],
            None,
        ),
        (None, [entry("Patient/p1"), entry(None, 2), entry("Patient/p2", 3)], "other patients'"),
        (
            f"{BASE}/{QUERY}",
            [entry("Patient/p1"), entry(None, 2), entry(f"{BASE}/Patient/p2/_history/1", 3)],
            "other patients'",
        ),
        (
            None,
            [entry("Patient/p1"), entry(None, 2, mode=None), entry("Patient/p2", 3)],
            "other patients'",
        ),
    ],
)
def test_answered_for_everybody(link: str | None, entries: list[Any], partial: str | None) -> None:
    """What names nobody is then not the patient's; that it was hidden is not trusted."""
    value = screened(Present((bundle(*entries, self_link=link),)), query=QUERY)
    assert "f2" not in ids(value)
    assert "f1" in ids(value)
    assert isinstance(value, Present)
    assert (partial or "None") in str(value.partial)
    assert "other patients" in value.notes[0]


def test_a_part_of_everybody_s_data_may_hold_nothing_of_the_patient() -> None:
    """Where the paging was cut, nothing found is not nothing there."""
    page = bundle(entry(None), self_link=f"{BASE}/FamilyMemberHistory")
    value = screened(Present((page,), "there are too many pages"), query=QUERY)
    assert isinstance(value, Present)
    assert value.partial == (
        "the server answered for other patients, too, and there are too many pages"
    )


def test_everything_read_and_nothing_of_the_patient() -> None:
    """All pages of everybody's data without the patient's are an empty result."""
    page = bundle(entry(None), self_link=f"{BASE}/FamilyMemberHistory")
    assert screened(Present((page,)), query=QUERY) == Empty()


def test_included_resources_and_warnings_stay() -> None:
    """What the server adds to the matches is no sign of anything."""
    outcome = {"resource": {"resourceType": "OperationOutcome"}, "search": {"mode": "outcome"}}
    value = Present((bundle(entry("Patient/p1"), entry("Patient/p2", 2, "include"), outcome),))
    assert screened(value, query=QUERY) is value
    ignored = Present((bundle(entry("Patient/p1"), outcome, self_link=f"{BASE}/X?_count=1"),))
    left = screened(ignored, query=QUERY)
    assert isinstance(left, Present)
    assert len(left.values[0]["entry"]) == 2


def test_only_searches_for_a_patient_are_looked_at() -> None:
    """Reads, failures and single resources stay as they are."""
    patient = Present(({"resourceType": "Patient", "id": "p1"},))
    assert screened(patient, query="Patient/p1") is patient
    one = Present(({"resourceType": "FamilyMemberHistory"},))
    assert screened(one, query=QUERY) is one
    failed = Failed("x")
    assert screened(failed, query=QUERY) is failed
    assert patient_of("Condition?subject=Patient/a%2Db") == "a-b"


@pytest.mark.parametrize("raw", [None, 5, "x", [], {"resource": 5}, {"resource": {"patient": 5}}])
def test_odd_entries(raw: Any) -> None:
    """Malformed entries raise nothing, and are not the patient's where everybody answered."""
    page = bundle(raw, entry("Patient/p2"))
    screened(Present((page,)), query=QUERY)
    odd = {**page, "link": [{"relation": "self", "url": 5}, 7]}
    assert isinstance(screened(Present((odd,)), query=QUERY), Present)
