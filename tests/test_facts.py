"""The facts: dates at their precision, concepts in words, and what a chart holds."""

import datetime as dt

import pytest

from cds_service.facts import (
    Chart,
    Coding,
    Concept,
    Condition,
    Observation,
    Order,
    PartialDate,
    Patient,
    Procedure,
    Relative,
    Report,
    Span,
    Visit,
)

DAY = PartialDate.of(dt.date(2026, 5, 20))
MONTH = PartialDate(dt.date(2026, 5, 1), dt.date(2026, 5, 31), "month")
YEAR = PartialDate(dt.date(2026, 1, 1), dt.date(2026, 12, 31), "year")


@pytest.mark.parametrize(
    ("date", "text"), [(DAY, "2026-05-20"), (MONTH, "2026-05"), (YEAR, "2026")]
)
def test_a_date_is_written_at_its_precision(date: PartialDate, text: str) -> None:
    """No day or month is written that was not recorded."""
    assert str(date) == text


def test_a_full_date_is_one_day() -> None:
    """First and last day of a full date are the same."""
    assert (DAY.first, DAY.last, DAY.precision) == (
        dt.date(2026, 5, 20),
        dt.date(2026, 5, 20),
        "day",
    )


def test_dates_are_ordered_by_their_first_day() -> None:
    """A year stands before a month of it, and a month before a day of it."""
    assert sorted([DAY, MONTH, YEAR]) == [YEAR, MONTH, DAY]


@pytest.mark.parametrize(
    ("span", "begun", "finished"),
    [
        (Span(MONTH, DAY), MONTH, DAY),
        (Span(MONTH, None), MONTH, MONTH),
        (Span(None, DAY), DAY, DAY),
        (Span(), None, None),
    ],
)
def test_an_open_period_has_the_end_that_it_has(
    span: Span, begun: PartialDate | None, finished: PartialDate | None
) -> None:
    """Where one end is unknown the other stands for it."""
    assert (span.begun, span.finished) == (begun, finished)


def test_the_texts_of_a_concept() -> None:
    """The text first, then each display, each once."""
    concept = Concept(
        (Coding("s", "1", "Skin"), Coding("s", "2", "Dermis"), Coding("s", "3")), "Dermis"
    )
    assert concept.texts == ("Dermis", "Skin")
    assert Concept(text="").texts == ()


@pytest.mark.parametrize(
    ("concept", "says"),
    [(Concept(), False), (Concept(text="x"), True), (Concept((Coding("s", "1"),)), True)],
)
def test_an_empty_concept_says_nothing(concept: Concept, says: bool) -> None:  # noqa: FBT001
    """A concept with neither coding nor text is false."""
    assert bool(concept) is says


@pytest.mark.parametrize(
    ("effective", "issued", "date"),
    [(DAY, MONTH, DAY), (None, MONTH, MONTH), (None, None, None)],
)
def test_the_date_of_a_report(
    effective: PartialDate | None, issued: PartialDate | None, date: PartialDate | None
) -> None:
    """The specimen's date is shown, else the report's."""
    report = Report(
        reference="DiagnosticReport/r", status="final", effective=effective, issued=issued
    )
    assert report.date == date


def test_records_of_a_chart() -> None:
    """Every kind of record stands among the chart's records; the patient and the refuted do not."""
    condition = Condition(reference="Condition/c")
    refuted = Condition(reference="Condition/f", verification="refuted")
    procedure = Procedure(reference="Procedure/p", status="completed")
    undone = Procedure(reference="Procedure/n", status="not-done")
    observation = Observation(reference="Observation/o")
    report = Report(reference="DiagnosticReport/r", status="final")
    relative = Relative(reference="FamilyMemberHistory/f")
    order = Order(reference="ServiceRequest/s")
    visit = Visit(reference="Encounter/e")
    chart = Chart(
        patient=Patient(reference="Patient/p", id="p"),
        conditions=(condition,),
        refuted=(refuted,),
        procedures=(procedure,),
        not_done=(undone,),
        observations=(observation,),
        reports=(report,),
        relatives=(relative,),
        orders=(order,),
        visits=(visit,),
    )
    assert list(chart.records()) == [
        condition,
        procedure,
        observation,
        report,
        relative,
        order,
        visit,
    ]


def test_a_chart_is_immutable() -> None:
    """A fact cannot be changed after it was read."""
    with pytest.raises(AttributeError):
        DAY.precision = "year"  # type: ignore[misc]
