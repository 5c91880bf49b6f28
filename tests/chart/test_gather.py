"""The four states of a prefetch key, and what a request needs."""

from collections.abc import Mapping
from typing import Any

import pytest

from cds_service.chart import (
    MISSING,
    Empty,
    Failed,
    Gathered,
    Missing,
    PrefetchValue,
    Present,
    classify,
    gather,
)
from cds_service.errors import (
    BadRequest,
    PreconditionFailed,
    ServiceError,
    UpstreamTimeout,
    UpstreamUnavailable,
)

PATIENT = {"resourceType": "Patient", "id": "p1"}
EMPTY = {"resourceType": "Bundle", "type": "searchset", "total": 0}
FULL = {
    "resourceType": "Bundle",
    "entry": [{"resource": {"resourceType": "Condition", "id": "c"}}],
}
OUTCOME = {
    "resourceType": "OperationOutcome",
    "issue": [{"severity": "error", "code": "forbidden", "diagnostics": "John Doe"}],
}
WARNING = {"resourceType": "OperationOutcome", "issue": [{"severity": "warning"}]}
QUERIES = {
    "patient": "Patient/p1",
    "conditions": "Condition?patient=p1",
    "procedures": "Procedure?patient=p1",
    "reports": "DiagnosticReport?patient=p1",
}
REQUIRED = ("patient", "conditions", "procedures")


def with_entries(*resources: Any, **elements: Any) -> dict[str, Any]:
    """Return a search result."""
    entries = [{"resource": one} for one in resources]
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries, **elements}


@pytest.mark.parametrize(
    ("raw", "state"),
    [
        (MISSING, Missing),
        (None, Empty),
        (EMPTY, Empty),
        ({"resourceType": "Bundle"}, Empty),
        ({"resourceType": "Bundle", "entry": []}, Empty),
        (with_entries(WARNING, total=0), Empty),
        (with_entries(OUTCOME), Failed),
        (OUTCOME, Failed),
        (WARNING, Failed),
        (FULL, Present),
        ({"entry": FULL["entry"]}, Present),
        ({"resourceType": "Condition", "id": "c"}, Present),
        ({"resourceType": "Patient", "id": "p1"}, Failed),
        ({}, Failed),
        ("x", Failed),
        (5, Failed),
        ([], Failed),
        (False, Failed),
        ({"resourceType": "Bundle", "entry": "x"}, Failed),
    ],
)
def test_states(raw: Any, state: type[PrefetchValue]) -> None:
    """Present, empty, failed and missing are told apart."""
    assert type(classify("conditions", raw)) is state


@pytest.mark.parametrize(
    ("bundle", "partial"),
    [
        (with_entries({"resourceType": "Condition"}, total=1), None),
        (with_entries({"resourceType": "Condition"}, total=3), "more results"),
        (
            with_entries({"resourceType": "Condition"}, link=[{"relation": "next", "url": "u"}]),
            "part",
        ),
        (with_entries({"resourceType": "Condition"}, link=[{"relation": "next"}]), "part"),
        (with_entries({"resourceType": "Condition"}, OUTCOME), "error (forbidden)"),
        (with_entries({"resourceType": "Condition"}, WARNING, total=1), None),
        (with_entries(total=3), "more results"),
        (with_entries({"resourceType": "Condition"}, total=3, type="collection"), None),
    ],
)
def test_partial(bundle: Any, partial: str | None) -> None:
    """A first page, a search that broke off, and a count that is not met are not everything."""
    value = classify("conditions", bundle)
    assert isinstance(value, Present)
    assert value.partial is None if partial is None else partial in str(value.partial)


def test_reasons_hold_no_data_of_the_outcome() -> None:
    """Of an OperationOutcome only the issue code is repeated."""
    value = classify("conditions", OUTCOME)
    assert isinstance(value, Failed)
    assert "forbidden" in value.reason
    assert "John" not in value.reason


class Recorder:
    """A reader that notes what it was asked, and answers from a table."""

    def __init__(self, **answers: PrefetchValue) -> None:
        """Take the answers by key."""
        self.answers = answers
        self.asked: list[str] = []

    def read(
        self, queries: Mapping[str, str], pages: Mapping[str, Present]
    ) -> Mapping[str, PrefetchValue]:
        """Answer each query and each further page."""
        self.asked = [*queries.values(), *pages]
        return {key: self.answers.get(key, Empty()) for key in (*queries, *pages)}


def run(prefetch: Mapping[str, Any], reader: Recorder | None = None) -> Gathered:
    """Gather with everything required but the reports."""
    return gather(prefetch, queries=QUERIES, required=REQUIRED, reader=reader)


def test_only_what_is_missing_is_fetched() -> None:
    """Present, empty and failed keys are not asked for again."""
    reader = Recorder(conditions=Present((FULL,)))
    prefetch = {"patient": PATIENT, "procedures": None, "reports": OUTCOME}
    values = run(prefetch, reader).values
    assert reader.asked == ["Condition?patient=p1"]
    assert isinstance(values["conditions"], Present)
    assert isinstance(values["procedures"], Empty)
    assert isinstance(values["reports"], Failed)


def test_further_pages_are_followed() -> None:
    """A prefetched first page is read on."""
    page = with_entries({"resourceType": "Condition"}, link=[{"relation": "next", "url": "u"}])
    reader = Recorder(conditions=Present((FULL, FULL)))
    prefetch = {"patient": PATIENT, "conditions": page, "procedures": None, "reports": None}
    assert run(prefetch, reader).values["conditions"] == Present((FULL, FULL))
    assert reader.asked == ["conditions"]


@pytest.mark.parametrize(
    ("prefetch", "keys", "word"),
    [
        ({}, ["patient", "conditions", "procedures"], "not in the prefetch"),
        ({"patient": None, "conditions": FULL, "procedures": None}, ["patient"], "no such"),
        ({"patient": EMPTY, "conditions": FULL, "procedures": None}, ["patient"], "no such"),
        ({"patient": PATIENT, "conditions": OUTCOME, "procedures": None}, ["conditions"], "forbid"),
        ({"patient": PATIENT, "conditions": FULL}, ["procedures"], "no FHIR server"),
    ],
)
def test_required_keys(prefetch: dict[str, Any], keys: list[str], word: str) -> None:
    """A required key that cannot be had is 412, and is named with its reason."""
    with pytest.raises(PreconditionFailed) as caught:
        run(prefetch)
    assert caught.value.status == 412
    assert caught.value.where == ", ".join(f"prefetch.{key}" for key in keys)
    assert word in caught.value.message


def test_known_failure_is_not_asked_again() -> None:
    """An OperationOutcome under a required key is 412 without a query."""
    reader = Recorder()
    with pytest.raises(PreconditionFailed):
        run({"patient": PATIENT, "conditions": OUTCOME}, reader)
    assert reader.asked == []


@pytest.mark.parametrize("key", REQUIRED)
@pytest.mark.parametrize(
    "raw", ["x", 5, [], True, {}, {"resourceType": "Practitioner"}, [PATIENT], {"entry": "x"}]
)
def test_required_key_of_another_type(key: str, raw: Any) -> None:
    """Something that is no FHIR data under a required key is 400, and is named."""
    prefetch = {"patient": PATIENT, "conditions": FULL, "procedures": None, key: raw}
    with pytest.raises(BadRequest) as caught:
        run(prefetch)
    assert caught.value.where == f"prefetch.{key}"


def test_optional_junk_is_unread_and_reported() -> None:
    """Junk under an optional key costs that kind alone."""
    found = run({"patient": PATIENT, "conditions": FULL, "procedures": None, "reports": "x"})
    assert isinstance(found.values["reports"], Failed)
    assert [issue.where for issue in found.issues] == ["prefetch.reports"]


def test_unknown_keys_are_reported() -> None:
    """What nobody asked for is not read; an odd key is not repeated."""
    found = run(
        {
            "patient": PATIENT,
            "conditions": FULL,
            "procedures": None,
            "reports": None,
            "more": FULL,
            "<John Doe>": FULL,
        }
    )
    assert [issue.where for issue in found.issues] == ["prefetch.more", "prefetch"]
    assert set(found.values) == set(QUERIES)


SLOW = Failed("no answer in time", cause="slow")
DOWN = Failed("the server has stopped answering", cause="down", wait=1.5)
LOST = Failed("no connection", cause="down")
REFUSED = Failed("not allowed (403)")


@pytest.mark.parametrize(
    ("conditions", "procedures", "error", "keys"),
    [
        (SLOW, Empty(), UpstreamTimeout, "conditions"),
        (SLOW, SLOW, UpstreamTimeout, "conditions procedures"),
        (DOWN, SLOW, UpstreamUnavailable, "conditions procedures"),
        (DOWN, DOWN, UpstreamUnavailable, "conditions procedures"),
        (DOWN, REFUSED, PreconditionFailed, "conditions procedures"),
        (SLOW, REFUSED, PreconditionFailed, "conditions procedures"),
        (LOST, LOST, PreconditionFailed, "conditions procedures"),
        (Missing("x"), DOWN, PreconditionFailed, "conditions procedures"),
        (REFUSED, Empty(), PreconditionFailed, "conditions"),
    ],
)
def test_what_a_required_kind_failed_of_decides_the_status(
    conditions: PrefetchValue, procedures: PrefetchValue, error: type[ServiceError], keys: str
) -> None:
    """Slow is 504, left alone is 503 with the time to wait, and anything else is 412."""
    reader = Recorder(conditions=conditions, procedures=procedures)
    with pytest.raises(error) as raised:
        run({"patient": PATIENT}, reader)
    assert raised.value.where == ", ".join(f"prefetch.{key}" for key in keys.split())
    for value in (conditions, procedures):
        assert isinstance(value, Empty) or getattr(value, "reason", "") in raised.value.message
    assert raised.value.retry_after == (1.5 if error is UpstreamUnavailable else None)


def test_optional_kinds_never_fail_a_request() -> None:
    """Whatever happens to an optional kind, it is a value that says so."""
    for value in (SLOW, DOWN, LOST, REFUSED, Missing("x")):
        sent = {"patient": PATIENT, "conditions": FULL, "procedures": None}
        assert run(sent, Recorder(reports=value)).values["reports"] == value


def test_what_was_answered_for_everybody_is_said() -> None:
    """A search that ignored the patient leaves an issue under its key."""
    others = with_entries(
        {"resourceType": "DiagnosticReport", "id": "r", "subject": {"reference": "Patient/p2"}}
    )
    sent = {"patient": PATIENT, "conditions": FULL, "procedures": None, "reports": others}
    [issue] = run(sent).issues
    assert issue.where == "prefetch.reports"
    assert "other patients" in issue.reason
