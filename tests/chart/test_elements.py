"""The readers of single elements."""

import datetime as dt
from typing import Any

import pytest

from cds_service.chart import dates, elements
from cds_service.chart.elements import Source
from cds_service.facts import Coding, Concept, Issue, PartialDate, Quantity, Span

SNOMED = "http://snomed.info/sct"
MAY = PartialDate(dt.date(2026, 5, 1), dt.date(2026, 5, 31), "month")


@pytest.fixture
def issues() -> list[Issue]:
    """Return what was reported."""
    return []


@pytest.fixture
def source(issues: list[Issue]) -> Source:
    """Return the resource being read."""
    return Source("Condition/c1", issues, lambda reference, _: reference)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("2026", PartialDate(dt.date(2026, 1, 1), dt.date(2026, 12, 31), "year")),
        ("2026-05", MAY),
        ("2024-02", PartialDate(dt.date(2024, 2, 1), dt.date(2024, 2, 29), "month")),
        ("2026-05-20", PartialDate.of(dt.date(2026, 5, 20))),
        ("2026-05-20T23:30:00-05:00", PartialDate.of(dt.date(2026, 5, 20))),
        ("2026-05-20T00:10:00.123+14:00", PartialDate.of(dt.date(2026, 5, 20))),
        ("2026-05-20T23:30:00Z", PartialDate.of(dt.date(2026, 5, 20))),
        ("2026-5-2 10:00", PartialDate.of(dt.date(2026, 5, 2))),
        ("  2026-05-20T10:00Z ", PartialDate.of(dt.date(2026, 5, 20))),
    ],
)
def test_date_keeps_its_precision(source: Source, raw: str, expected: PartialDate) -> None:
    """A date is the interval that is stored, on the day of its own offset."""
    assert dates.date(source, raw, "recordedDate") == expected


@pytest.mark.parametrize(
    "raw",
    [
        *("0000", "0001-01-01", "9999-12-31", "2026-13", "2026-02-30", "20260520", "May", 2026, {}),
        # A time of day stands after a day alone, and is one.
        *("2026       Z", "   2026-05 Z", "2026-05    Z", "2026-05-20Txx", "2026-05-20x"),
    ],
)
def test_date_that_is_none_is_reported(source: Source, issues: list[Issue], raw: Any) -> None:
    """What is no date, or a sentinel, is nothing and one report with its path."""
    assert dates.date(source, raw, "recordedDate") is None
    assert [issue.where for issue in issues] == ["Condition/c1.recordedDate"]


def test_open_end_of_a_period_is_no_end(source: Source, issues: list[Issue]) -> None:
    """An end such as 9999-12-31 means open; it is no malformed date."""
    found = dates.span(source, {"start": "2026-05", "end": "9999-12-31"}, "period")
    assert found == Span(MAY, None)
    assert not issues


@pytest.mark.parametrize(
    ("raw", "far"),
    [("2201", True), ("9999-12-31", True), ("2200-12-31", False), ("20", False), ("1999", False)],
)
def test_far_future(raw: str, far: bool) -> None:  # noqa: FBT001 - the table's column
    """Years after 2200 stand for no date."""
    assert dates.in_far_future(raw) is far
    assert not dates.in_far_future(2201)


def test_end_before_start_is_ignored(source: Source, issues: list[Issue]) -> None:
    """A period that ends before it starts keeps its start alone."""
    found = dates.span(source, {"start": "2026-05", "end": "2026-04-30"}, "period")
    assert found == Span(MAY, None)
    assert [issue.where for issue in issues] == ["Condition/c1.period.end"]


def test_moment_is_a_span_of_one_date(source: Source) -> None:
    """A dateTime starts and ends on the same date."""
    assert dates.when(source, {"performedDateTime": "2026-05"}, "performed") == Span(MAY, MAY)


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ({"onsetAge": {"value": 35, "code": "a"}}, (35.0, None)),
        ({"onsetAge": {"value": 18, "unit": "months"}}, (1.5, None)),
        ({"onsetAge": {"value": 35, "unit": "years", "code": "a"}}, (35.0, None)),
        ({"onsetRange": {"low": {"value": 30, "code": "a"}, "high": {"value": 39}}}, (39.0, None)),
        ({"onsetRange": {"low": {"value": 30, "code": "a"}}}, (None, "30 years or later")),
        ({"onsetString": "age 38"}, (38.0, None)),
        ({"onsetString": "41 years old"}, (41.0, None)),
        ({"onsetString": "in his thirties"}, (None, "in his thirties")),
        ({"onsetAge": {"value": 35, "unit": "parsecs"}}, (None, None)),
        ({"onsetAge": {"value": 30, "unit": "a", "comparator": ">"}}, (None, None)),
        ({"onsetAge": {"value": -3, "unit": "a"}}, (None, None)),
    ],
)
def test_age(source: Source, resource: Any, expected: Any) -> None:
    """Ages are years; of a range the upper end counts; words stay words."""
    assert dates.age(source, resource, "onset") == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"text": "a"}, Concept(text="a")),
        ("a", Concept(text="a")),
        (
            {"system": SNOMED, "code": "1"},
            Concept((Coding(SNOMED, "1"),)),
        ),
        (
            {"coding": {"system": SNOMED, "code": "1", "display": "d"}},
            Concept((Coding(SNOMED, "1", "d"),)),
        ),
        ({"concept": {"text": "a"}, "reference": {"reference": "X/1"}}, Concept(text="a")),
        ({"reference": {"reference": "X/1"}}, Concept()),
        ([{"text": "a"}], Concept(text="a")),
        ([{"text": "a"}, {"coding": [{"code": "1"}]}], Concept((Coding(None, "1"),), "a")),
        (
            {"coding": [{"code": " 1 ", "system": f"{SNOMED}|2026"}]},
            Concept((Coding(SNOMED, "1"),)),
        ),
        ({"coding": [None, 5, {}], "text": " "}, Concept()),
        ({"coding": [{"code": 254771006}]}, Concept((Coding(None, "254771006"),))),
        (7, Concept()),
    ],
)
def test_concept_of_any_shape(source: Source, raw: Any, expected: Concept) -> None:
    """A concept is read as CodeableConcept, Coding, CodeableReference, string or array."""
    assert elements.concept(source, raw, "code") == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"value": 11, "unit": "millimetre", "code": "mm"}, Quantity(11.0, "mm")),
        (
            {"value": 1.1, "unit": "cm", "code": "c", "system": "http://other"},
            Quantity(1.1, "cm"),
        ),
        ({"value": "1,5", "unit": "cm"}, Quantity(1.5, "cm")),
        ({"value": 1, "comparator": "<", "unit": "mm"}, Quantity(1.0, "mm", "<")),
        (11, Quantity(11.0)),
        ({"value": True}, None),
        ({"value": float("nan")}, None),
        ({"value": 10**400}, None),
        ({"unit": "mm"}, None),
        ("11 mm", None),
    ],
)
def test_quantity(source: Source, raw: Any, expected: Quantity | None) -> None:
    """A quantity has its UCUM code, else its printed unit; what is no number is nothing."""
    assert elements.quantity(source, raw, "value") == expected


def test_long_text_is_cut_and_reported(source: Source, issues: list[Issue]) -> None:
    """A text is verbatim up to the bound."""
    text = elements.string(source, " x" * elements.MAX_TEXT, "note")
    assert text == (" x" * elements.MAX_TEXT)[: elements.MAX_TEXT]
    assert "the rest was not read" in issues[0].reason


def test_texts_are_verbatim(source: Source) -> None:
    """Nothing is trimmed or escaped."""
    assert elements.string(source, "  <b>x</b>\n", "note") == "  <b>x</b>\n"


def test_a_flawed_concept_is_reported_each_time() -> None:
    """What recurs is read once, but its flaw is told for every resource that has it."""
    issues: list[Issue] = []
    raw = {"coding": ["no object"], "text": "Recurring flaw"}
    for number in (1, 2):
        source = Source(f"Observation/{number}", issues, lambda reference, _: reference)
        assert elements.concept(source, raw, "code").text == "Recurring flaw"
    assert [issue.where for issue in issues] == [
        "Observation/1.code.coding",
        "Observation/2.code.coding",
    ]


@pytest.mark.parametrize("read", ["concept", "concepts"])
def test_a_long_concept_is_not_remembered(monkeypatch: pytest.MonkeyPatch, read: str) -> None:
    """What somebody wrote at length is read anew, and what is remembered is bounded."""
    known: dict[bytes, Any] = {}
    for memory in (elements._one_concept, elements._several_concepts):  # noqa: SLF001
        monkeypatch.setattr(memory, "_known", known)
    monkeypatch.setattr(elements, "_MAX_KNOWN", 5)
    source = Source("Observation/1", [], lambda reference, _: reference)
    getattr(elements, read)(source, {"text": "word " * 100}, "code")
    assert not known
    for number in range(20):
        getattr(elements, read)(source, {"text": f"word {number}"}, "code")
    assert 0 < len(known) <= 5


@pytest.mark.parametrize(
    "raw", [{"text": "\ud800"}, {"text": ["a"] * 3}, [[]], {"coding": {"code": 10**30}}]
)
def test_what_cannot_be_remembered_is_read(raw: Any) -> None:
    """JSON that has no second form is read like any other, twice alike."""
    source = Source("Observation/1", [], lambda reference, _: reference)
    assert elements.concept(source, raw, "code") == elements.concept(source, raw, "code")
