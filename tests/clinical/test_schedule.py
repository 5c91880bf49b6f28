"""The follow-up window: every boundary of the schedule, calendar months, partial dates."""

import datetime as dt
from typing import Any

import pytest
from dateutil.relativedelta import relativedelta

from cds_service import guideline
from cds_service.clinical.plan import Plan
from cds_service.clinical.schedule import KnownDepth, whole_months, window

from .charts import (
    CUTANEOUS_LMS,
    condition,
    dates,
    day,
    only,
    order,
    plan_of,
    procedure,
    report,
    rules,
    visit,
)

FOLLOW_UP = "Follow-up of leiomyosarcoma"


def tumour(depth: str = "Dermal", **more: Any) -> Any:
    """Return a tumour of this depth."""
    return condition(f"{depth} leiomyosarcoma", CUTANEOUS_LMS, id="c", **more)


def excision(on: str | None, **more: Any) -> Any:
    """Return a clear excision."""
    return procedure("Wide excision", on=on, outcome="Margins clear", id="x", **more)


def surveyed(*records: Any, depth: str = "Dermal", t0: str = "2024-06-15", **more: Any) -> Plan:
    """Return the plan for a tumour excised on a day."""
    return plan_of(tumour(depth), excision(t0), *records, **more)


@pytest.mark.parametrize(
    ("depth", "elapsed", "minimum", "maximum", "lenient"),
    [
        ("dermal", 0, 4, 6, 6),
        ("dermal", 35, 4, 6, 6),
        ("dermal", 36, 4, 6, 12),
        ("dermal", 59, 4, 6, 12),
        ("dermal", 60, 12, 12, 12),
        ("dermal", 120, 12, 12, 12),
        ("subcutaneous", 0, 3, 4, 4),
        ("subcutaneous", 23, 3, 4, 4),
        ("subcutaneous", 24, 3, 4, 6),
        ("subcutaneous", 35, 3, 4, 6),
        ("subcutaneous", 36, 6, 6, 6),
        ("subcutaneous", 59, 6, 6, 6),
        ("subcutaneous", 60, 12, 12, 12),
        ("subcutaneous", 120, 12, 12, 12),
    ],
)
def test_every_phase_of_the_schedule(
    depth: KnownDepth, elapsed: int, minimum: int, maximum: int, lenient: int
) -> None:
    """The interval follows from depth and months since t0, exact at each boundary."""
    t0 = dt.date(2015, 3, 10)
    seen = t0 + relativedelta(months=elapsed)
    found = window(
        depth,
        t0=day(str(t0)) or pytest.fail("a date"),
        visit=day(str(seen)) if elapsed else None,
        today=dt.date(2026, 12, 1),
        guideline=guideline.load(),
    )
    assert found.elapsed_months == elapsed
    assert (found.minimum_months, found.maximum_months) == (minimum, maximum)
    assert found.earliest == seen + relativedelta(months=minimum)
    assert found.latest == seen + relativedelta(months=maximum)
    assert found.lenient_latest == seen + relativedelta(months=lenient)


@pytest.mark.parametrize(
    ("depth", "t0", "eve", "on"),
    [
        ("Dermal", "2023-06-15", ("2026-06-14", "2026-12-14"), ("2026-06-15", "2027-06-15")),
        ("Dermal", "2021-06-15", ("2026-06-14", "2027-06-14"), ("2026-06-15", "2027-06-15")),
        ("Subcutaneous", "2024-06-15", ("2026-06-14", "2026-10-14"), ("2026-06-15", "2026-12-15")),
        ("Subcutaneous", "2023-06-15", ("2026-06-14", "2026-12-14"), ("2026-06-15", "2026-12-15")),
        ("Subcutaneous", "2021-06-15", ("2026-06-14", "2026-12-14"), ("2026-06-15", "2027-06-15")),
    ],
)
def test_a_day_before_a_boundary(
    depth: str, t0: str, eve: tuple[str, str], on: tuple[str, str]
) -> None:
    """A visit a day before the month is full belongs to the earlier phase."""
    for seen, lenient in (eve, on):
        ((_, _, _, found),) = dates(surveyed(visit(FOLLOW_UP, on=seen), depth=depth, t0=t0))
        assert found == lenient


@pytest.mark.parametrize(
    ("depth", "t0", "expected"),
    [
        ("Subcutaneous", "2026-05-31", ("2026-08-31", "2026-09-30")),
        ("Dermal", "2026-05-31", ("2026-09-30", "2026-11-30")),
        ("Dermal", "2025-10-31", ("2026-02-28", "2026-04-30")),
        ("Subcutaneous", "2025-11-30", ("2026-02-28", "2026-03-30")),
        ("Dermal", "2023-08-31", ("2023-12-31", "2024-02-29")),
    ],
)
def test_months_are_clamped_to_the_month_end(
    depth: str, t0: str, expected: tuple[str, str]
) -> None:
    """31 May and six months are 30 November; a leap year has its 29 February."""
    ((_, earliest, latest, _),) = dates(surveyed(depth=depth, t0=t0))
    assert (earliest, latest) == expected


@pytest.mark.parametrize(
    ("today", "rule"),
    [
        ("2024-06-16", "not-yet-due"),
        ("2026-10-09", "not-yet-due"),
        ("2026-10-10", "due"),
        ("2026-11-10", "due"),
        ("2026-11-11", "due-lenient"),
        ("2027-01-10", "due-lenient"),
        ("2027-01-11", "overdue"),
    ],
)
def test_each_status_on_its_days(today: str, rule: str) -> None:
    """Subcutaneous, t0 2024-06-15, visit 2026-07-10: the worked example, day by day."""
    records = [] if today < "2026" else [visit(FOLLOW_UP, on="2026-07-10")]
    plan = surveyed(*records, depth="Subcutaneous", today=today)
    assert rules(plan)["surveillance"] == f"surveillance.{rule}"
    if records:
        assert dates(plan) == [("subcutaneous", "2026-10-10", "2026-11-10", "2027-01-10")]


@pytest.mark.parametrize(
    ("t0", "expected"),
    [
        ("2026-06", ("2026-10-01", "2026-12-30")),
        ("2026-05", ("2026-09-01", "2026-11-30")),
        ("2026-02", ("2026-06-01", "2026-08-28")),
    ],
)
def test_a_month_as_t0(t0: str, expected: tuple[str, str]) -> None:
    """With a month alone the window counts from its first day to its last."""
    ((_, earliest, latest, _),) = dates(surveyed(t0=t0))
    assert (earliest, latest) == expected


def test_elapsed_time_of_a_month_runs_from_its_last_day() -> None:
    """A visit is in the next phase only if all of the month of t0 is that long ago."""
    before = surveyed(visit(FOLLOW_UP, on="2026-06-29"), t0="2023-06")
    after = surveyed(visit(FOLLOW_UP, on="2026-06-30"), t0="2023-06")
    assert [w.elapsed_months for w in only(before, "surveillance").windows] == [35]
    assert [w.elapsed_months for w in only(after, "surveillance").windows] == [36]


def test_a_visit_in_a_month() -> None:
    """A visit of which the month is known gives the widest window, elapsed from its first day."""
    plan = surveyed(visit(FOLLOW_UP, on="2026-06"), t0="2023-06-15")
    assert dates(plan) == [("dermal", "2026-10-01", "2026-12-30", "2026-12-30")]


def test_a_year_as_t0_gives_no_dates() -> None:
    """A year alone: the schedule without dates, whatever visits there are."""
    plan = surveyed(visit(FOLLOW_UP, on="2026-06-29"), t0="2024")
    part = only(plan, "surveillance")
    assert (part.rule, part.state, part.windows) == ("surveillance.year-only", "inform", ())


def test_a_visit_known_by_its_year_gives_no_dates() -> None:
    """A visit of which only the year is known leaves no window that could be true."""
    plan = surveyed(visit(FOLLOW_UP, on="2026"), t0="2024-06-15")
    assert dates(plan) == []
    assert only(plan, "surveillance").state == "inform"


def test_an_undated_excision_gives_no_start() -> None:
    """An excision without a date is no t0: the schedule, starting at definitive treatment."""
    plan = plan_of(tumour(), excision(None))
    assert rules(plan)["surveillance"] == "surveillance.no-start"
    assert only(plan, "surveillance").values["interval"] == "4–6 months"


def test_the_first_interval_of_a_subcutaneous_tumour() -> None:
    """Without t0 the schedule for the depth is named."""
    part = only(plan_of(tumour("Subcutaneous")), "surveillance")
    assert part.values["interval"] == "3–4 months"


# --- Which visits count ---


@pytest.mark.parametrize(
    "record",
    [
        visit(FOLLOW_UP, on="2024-06-15"),
        visit(FOLLOW_UP, on="2024-06-14"),
        visit(FOLLOW_UP, on="2026-12-02"),
        visit(FOLLOW_UP, on="2026-10-01", status="planned"),
        visit(FOLLOW_UP, on="2026-10-01", status="cancelled"),
        visit(FOLLOW_UP, on="2026-10-01", status="in-progress"),
        visit(FOLLOW_UP, on="2026-10-01", status=None),
        visit(FOLLOW_UP),
        visit("Hypertension", on="2026-10-01"),
        visit(on="2026-10-01", types="Office visit"),
        visit("Excision of leiomyosarcoma", on="2026-10-01"),
        visit("Biopsy of leiomyosarcoma", on="2026-10-01"),
        visit(FOLLOW_UP, on="2026-10-01", reason_references=("Condition/other",)),
    ],
    ids=[
        "on the day of t0",
        "before t0",
        "in the future",
        "planned",
        "cancelled",
        "in progress",
        "no status",
        "no date",
        "another reason",
        "no reason",
        "the excision itself",
        "a biopsy",
        "another problem is its reason",
    ],
)
def test_visits_that_do_not_count(record: Any) -> None:
    """Only a completed visit after t0, up to today, linked to the tumour moves the window."""
    plan = surveyed(record, condition("Hypertension", id="other"))
    part = only(plan, "surveillance")
    assert [w.start for w in part.windows] == [day("2024-06-15")]
    assert "visit" in part.missing
    assert [fact.label for fact in part.facts if fact.label == "visit"] == []


@pytest.mark.parametrize(
    "record",
    [
        visit(FOLLOW_UP, on="2026-10-01"),
        visit(on="2026-10-01", reason_references=("Condition/c",)),
        visit(on="2026-10-01", types="Tumour follow-up"),
        visit(CUTANEOUS_LMS, on="2026-10-01"),
        visit("Leiomyosarcoma", on="2026-10-01"),
        visit(FOLLOW_UP, on="2026-10-01", status="completed"),
        visit(FOLLOW_UP, on="2026-12-01"),
        visit(FOLLOW_UP, on="2026-10-01", reason_references=("Condition/not-in-the-chart",)),
    ],
    ids=[
        "by reason",
        "by reference",
        "by type",
        "by code",
        "by name",
        "R5 status",
        "today",
        "an unknown reference says nothing",
    ],
)
def test_visits_that_count(record: Any) -> None:
    """A completed visit linked to the tumour by reference, reason or type starts the interval."""
    part = only(surveyed(record), "surveillance")
    assert [w.start for w in part.windows] == [record.period.begun]
    assert "visit" not in part.missing


def test_the_last_visit_counts() -> None:
    """Of several visits the last one starts the interval."""
    plan = surveyed(visit(FOLLOW_UP, on="2026-09-01"), visit(FOLLOW_UP, on="2026-03-01"))
    assert [w.start for w in only(plan, "surveillance").windows] == [day("2026-09-01")]


def test_unread_encounters_withhold_a_window_that_would_have_begun() -> None:
    """What could not be read is unknown, never absent: no window is claimed."""
    part = only(surveyed(unread=["encounters"]), "surveillance")
    assert (part.rule, part.windows) == ("surveillance.visits-unread", ())
    assert part.unread == ("encounters",)


def test_unread_encounters_of_an_unclear_depth() -> None:
    """Both schedules of an unclear depth name what could not be read."""
    plan = plan_of(condition(None, CUTANEOUS_LMS), excision("2026-09-01"), unread=["encounters"])
    part = only(plan, "surveillance")
    assert (part.rule, part.unread) == ("surveillance.depth-unclear", ("encounters",))


def test_a_visit_in_the_year_of_t0_is_not_said_to_be_missing() -> None:
    """A visit of which only the year is known, that of t0, may be after it: nothing is overdue."""
    part = only(surveyed(visit(FOLLOW_UP, on="2025"), t0="2025-01-15"), "surveillance")
    assert part.rule != "surveillance.overdue"


# --- Chest imaging ---


@pytest.mark.parametrize(
    "record",
    [
        procedure("CT chest", on="2026-07-10", id="i"),
        report("No nodules.", on="2026-07-10", code="CT chest", category="Radiology", id="i"),
    ],
    ids=["procedure", "report"],
)
def test_the_last_chest_imaging_is_shown(record: Any) -> None:
    """A subcutaneous tumour's advice shows the last chest imaging, without a due date."""
    part = only(
        surveyed(record, procedure("CT chest", on="2025-01-10"), depth="Subcutaneous"),
        "surveillance",
    )
    shown = [(f.reference, str(f.date)) for f in part.facts if f.label == "chest-imaging"]
    assert shown == [(record.reference, "2026-07-10")]
    assert "chest-imaging" not in part.missing


def test_no_chest_imaging_is_said_of_a_subcutaneous_tumour_alone() -> None:
    """Where none is visible it is said; a dermal tumour is not asked for it."""
    undated = procedure("CT chest")
    subcutaneous = only(surveyed(undated, depth="Subcutaneous"), "surveillance")
    assert "chest-imaging" in subcutaneous.missing
    assert "chest-imaging" not in only(surveyed(), "surveillance").missing


def test_an_order_of_the_window_is_not_suggested_again() -> None:
    """Chest imaging done since the window began, and a visit that is ordered, are told as such."""
    plan = surveyed(
        procedure("CT chest", on="2026-10-20", id="i"),
        order("Follow-up visit, oncology", id="o"),
        visit(FOLLOW_UP, on="2026-07-10"),
        depth="Subcutaneous",
    )
    part = only(plan, "surveillance")
    assert part.suggestions == ()
    assert [(key, fact.reference) for key, fact in part.ordered] == [
        ("follow-up-visit", "ServiceRequest/o"),
        ("chest-imaging", "Procedure/i"),
    ]


def test_imaging_before_the_window_leaves_the_suggestion() -> None:
    """Imaging of an earlier visit does not stand for this window's."""
    plan = surveyed(
        procedure("CT chest", on="2026-10-09"),
        visit(FOLLOW_UP, on="2026-07-10"),
        depth="Subcutaneous",
    )
    assert only(plan, "surveillance").suggestions == ("follow-up-visit", "chest-imaging")


def test_an_unknown_margin_of_the_last_operation_is_said() -> None:
    """Follow-up counts from an operation whose margin is unknown, and says so."""
    plan = plan_of(tumour(), procedure("Wide excision", on="2026-07-01"))
    assert only(plan, "surveillance").remarks == ("t0-unknown-margin",)
    assert only(surveyed(), "surveillance").remarks == ()


def test_whole_months() -> None:
    """Completed calendar months, never negative."""
    assert whole_months(dt.date(2024, 6, 15), dt.date(2026, 6, 14)) == 23
    assert whole_months(dt.date(2024, 6, 15), dt.date(2026, 6, 15)) == 24
    assert whole_months(dt.date(2024, 6, 15), dt.date(2024, 1, 1)) == 0


@pytest.mark.parametrize(
    "reason",
    ["Sarcoma clinic", "Surveillance after sarcoma resection", "Oncology: sarcoma, review"],
)
def test_a_visit_that_names_sarcoma_counts(reason: str) -> None:
    """A completed visit whose reason names sarcoma moves the window."""
    plan = plan_of(
        condition("Dermal leiomyosarcoma, left thigh"),
        procedure("Wide excision of left thigh", on="2026-03-01"),
        visit(reason, on="2026-09-01"),
    )
    (window,) = plan.of("surveillance").parts[0].windows
    assert str(window.start) == "2026-09-01"
