import datetime as dt
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.scrub.offset import Offset, aggregated, candidates
from cds_service.scrub.textdates import TextDates

TODAY = dt.date(2026, 12, 1)
DAYS = st.dates(dt.date(1900, 1, 1), dt.date(2100, 12, 31))
OFFSETS = st.integers(-1826, -183).map(Offset)


@given(st.lists(DAYS, min_size=2, max_size=8), OFFSETS)
def test_days_between(days: list[dt.date], offset: Offset) -> None:
    """The days between any two full dates of a patient stay, in every form of a date."""
    moved = [offset.iso(day.isoformat()) for day in days]
    stamps = [offset.iso(f"{day}T23:59:59.999+14:00") for day in days]
    for (one, other), forms in zip(
        itertools.combinations(days, 2),
        zip(itertools.combinations(moved, 2), itertools.combinations(stamps, 2), strict=True),
        strict=True,
    ):
        for first, second in forms:
            assert first is not None
            assert second is not None
            new = dt.date.fromisoformat(second[:10]) - dt.date.fromisoformat(first[:10])
            assert new == other - one


@given(DAYS, OFFSETS)
def test_month_and_year_hold_their_middle(day: dt.date, offset: Offset) -> None:
    """A month and a year come to lie where their middle does, and stay as precise as they were."""
    assert offset.iso(f"{day:%Y-%m}") == f"{offset.date(day.replace(day=15)):%Y-%m}"
    assert offset.iso(f"{day:%Y}") == f"{offset.date(day.replace(month=7, day=1)):%Y}"


@given(DAYS, OFFSETS)
def test_text_moves_as_elements_do(day: dt.date, offset: Offset) -> None:
    """A date in words moves by the same days as one in an element."""
    dates = TextDates(offset, today=TODAY)
    written = f"seen on {day.day} {day:%B} {day.year}."
    start, end, new = next(dates.spans(written))
    moved = offset.date(day)
    assert (start, end) == (8, len(written) - 1)
    assert new == f"{moved.day} {moved:%B} {moved.year}"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("2026-06-10", "2026-05-31"),
        ("2026-6-1", "2026-05-22"),
        ("2026-06-10T14:31:59.123+05:30", "2026-05-31T14:31:59.123+05:30"),
        ("2026-06-10 14:31", "2026-05-31 14:31"),
        ("2026-06-10T14:31 Smith", None),
        ("2026-03-01T00:10:00Z", "2026-02-19T00:10:00Z"),
        ("2024-03-10", "2024-02-29"),
        ("2026-01", "2026-01"),
        ("2026", "2026"),
        ("9999-12-31", "9999-12-31"),
        ("0001-01-01", None),
        ("2026-13-01", None),
        ("2026-02-30", None),
        ("10.06.2026", None),
        ("soon", None),
        ("", None),
    ],
)
def test_forms(old: str, new: str | None) -> None:
    """Dates, times and parts of dates move; an open end stays open; the zone is not kept."""
    assert Offset(-10).iso(old) == new


def test_random() -> None:
    """An offset is half a year to five years into the past, and nobody can guess it."""
    drawn = {next(candidates("p1", None)).days for _ in range(50)}
    assert len(drawn) > 40
    assert all(-1826 <= days <= -183 for days in drawn)


def test_with_a_key() -> None:
    """With a key a patient has the same offsets each time; another key or patient has others."""
    first = list(itertools.islice(candidates("p1", b"key"), 5))
    assert first == list(itertools.islice(candidates("p1", b"key"), 5))
    assert len(set(first)) > 1
    assert first != list(itertools.islice(candidates("p2", b"key"), 5))
    assert first != list(itertools.islice(candidates("p1", b"other"), 5))


@pytest.mark.parametrize(
    ("birth", "kept"),
    [
        ("1936-12-02", "1936-12-02"),
        ("1936-12-01", "1936"),
        ("1936", "1936"),
        ("1920-01-01", "1936"),
        ("1990-05", "1990-05"),
        ("2030-01-01", "2030-01-01"),
    ],
)
def test_oldest(birth: str, kept: str) -> None:
    """An age above 89 is not told from another above 89."""
    assert aggregated(birth, TODAY) == kept
