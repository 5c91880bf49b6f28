"""The course of a tumour: its events, each with the record that it was read from."""

import pytest

from cds_service.clinical.plan import Event, Plan

from .charts import CUTANEOUS_LMS, condition, plan_of, procedure, report, visit

DERMAL = condition(
    "Dermal leiomyosarcoma, left thigh", CUTANEOUS_LMS, id="c", recorded="2026-01-10"
)
CLEAR = procedure("Wide excision, left thigh", on="2026-03-01", id="x", outcome="Margins clear")
FOLLOW_UP = "Sarcoma follow-up"


def events(plan: Plan) -> tuple[Event, ...]:
    """Return the events of the one tumour."""
    (course,) = plan.courses
    return course


def read(plan: Plan) -> list[tuple[str, str, str]]:
    """Return kind, date and first reference of each event of the one tumour."""
    return [(e.kind, str(e.date or ""), e.facts[0].reference) for e in events(plan)]


def test_events_stand_in_the_order_of_time() -> None:
    """Diagnosis, report, surgery, radiation, visits and imaging follow each other by date."""
    plan = plan_of(
        visit(FOLLOW_UP, on="2026-09-01", id="v2"),
        visit(FOLLOW_UP, on="2026-08-01", id="v1"),
        procedure("Radiotherapy", on="2026-04-01", until="2026-05-10", id="r"),
        CLEAR,
        report("Skin, left thigh: dermal leiomyosarcoma.", on="2026-01-05", id="p"),
        DERMAL,
    )
    assert read(plan) == [
        ("pathology", "2026-01-05", "DiagnosticReport/p"),
        ("diagnosis", "2026-01-10", "Condition/c"),
        ("surgery", "2026-03-01", "Procedure/x"),
        ("radiation", "2026-05-10", "Procedure/r"),
        ("visit", "2026-08-01", "Encounter/v1"),
        ("visit", "2026-09-01", "Encounter/v2"),
    ]
    assert str(events(plan)[3].begun) == "2026-04-01"


def test_an_operation_carries_its_margin_and_where_it_was_read() -> None:
    """Status and width stand with the operation, and the words with their own record."""
    text = "Left thigh, wide excision: dermal leiomyosarcoma. Margins clear, closest margin 11 mm."
    surgery = events(plan_of(DERMAL, CLEAR, report(text, on="2026-03-01", id="p")))[-1]
    assert (surgery.margin, surgery.width, surgery.below) == ("negative", 11, False)
    assert "DiagnosticReport/p" in {fact.reference for fact in surgery.margin_facts}


def test_a_margin_that_was_not_found_is_not_called_clear() -> None:
    """An operation without a stated margin has none."""
    bare = procedure("Wide excision, left thigh", on="2026-03-01", id="x")
    (surgery,) = (e for e in events(plan_of(DERMAL, bare)) if e.kind == "surgery")
    assert (surgery.margin, surgery.margin_facts) == (None, ())


@pytest.mark.parametrize(("date", "shown"), [("2026", "2026"), ("2026-03", "2026-03"), (None, "")])
def test_a_date_keeps_its_precision(date: str | None, shown: str) -> None:
    """No day is invented, and what has no date comes last."""
    surgery = procedure("Wide excision, left thigh", on=date, id="x")
    last = read(plan_of(DERMAL, surgery))[-1 if date is None else 1 if len(date) > 4 else 0]
    assert last == ("surgery", shown, "Procedure/x")


def test_what_was_not_done_is_an_event_of_its_own() -> None:
    """Surgery and radiation that are documented as not done are told apart from those done."""
    plan = plan_of(
        DERMAL,
        procedure("Wide excision, left thigh", on="2026-02-01", status="not-done", id="x"),
        procedure("Radiotherapy", on="2026-03-01", status="not-done", id="r"),
    )
    assert read(plan)[1:] == [
        ("not-done", "2026-02-01", "Procedure/x"),
        ("not-done", "2026-03-01", "Procedure/r"),
    ]


def test_a_recurrence_under_the_date_of_the_tumour_has_no_date_of_its_own() -> None:
    """A date before the first operation is that of the tumour, not of its recurrence."""
    record = condition(
        "Dermal leiomyosarcoma, left thigh",
        CUTANEOUS_LMS,
        id="c",
        recorded="2026-01-10",
        status="recurrence",
    )
    assert ("recurrence", "", "Condition/c") in read(plan_of(record, CLEAR))


def test_metastasis_and_chest_imaging_are_events() -> None:
    """A metastasis stands in the course of the tumour, and the last imaging of the chest."""
    plan = plan_of(
        condition("Subcutaneous leiomyosarcoma, left thigh", CUTANEOUS_LMS, id="c"),
        condition("Metastatic leiomyosarcoma in lung", recorded="2026-10-01", id="m"),
        procedure("CT chest", on="2026-02-01", id="ct1"),
        procedure("CT chest", on="2026-09-01", id="ct2"),
    )
    assert read(plan) == [
        ("chest-imaging", "2026-09-01", "Procedure/ct2"),
        ("metastasis", "2026-10-01", "Condition/m"),
        ("diagnosis", "", "Condition/c"),
    ]


def test_visits_count_from_definitive_treatment_on() -> None:
    """A visit before t0, in the future, or about something else is no event."""
    plan = plan_of(
        DERMAL,
        CLEAR,
        visit(FOLLOW_UP, on="2026-02-01"),
        visit(FOLLOW_UP, on="2027-02-01"),
        visit("Influenza", on="2026-06-01"),
    )
    assert [event.kind for event in events(plan)] == ["diagnosis", "surgery"]


def test_a_suspected_tumour_has_its_suspicion_alone() -> None:
    """Where the tumour is not confirmed, its course is what raised the question."""
    doubt = condition("Leiomyosarcoma of skin", verification="provisional", id="c", recorded="2026")
    assert read(plan_of(doubt)) == [("suspected", "2026", "Condition/c")]


def test_each_tumour_has_its_own_course() -> None:
    """Courses stand in the order of the tumours."""
    plan = plan_of(
        DERMAL,
        CLEAR,
        condition("Subcutaneous leiomyosarcoma, right shoulder", CUTANEOUS_LMS, id="d"),
    )
    found = {
        tumour.site: [event.facts[0].reference for event in course]
        for tumour, course in zip(plan.tumours, plan.courses, strict=True)
    }
    assert found == {
        "left thigh": ["Condition/c", "Procedure/x"],
        "right shoulder": ["Condition/d"],
    }
