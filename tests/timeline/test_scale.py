import datetime as dt
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.timeline.scale import Scale, lanes

DAY = dt.date(2026, 12, 1)
DAYS = st.lists(st.dates(dt.date(1900, 1, 1), dt.date(2199, 1, 1)), min_size=1, max_size=25)


@given(DAYS)
def test_the_order_of_days_is_the_order_of_places(days: list[dt.date]) -> None:
    """Every day lies on the axis, and no later day lies further left."""
    scale = Scale(days, left=10, right=950)
    places = [scale.x(day) for day in sorted(days)]
    assert places == sorted(places)
    assert 10 <= places[0] <= places[-1] <= 950


@given(DAYS)
def test_calendar_words_keep_their_distance(days: list[dt.date]) -> None:
    """The words under the axis never come nearer to each other than is asked."""
    places = [place for place, _ in Scale(days, left=10, right=950).ticks(60)]
    assert all(b - a >= 60 for a, b in pairwise(places))


def test_a_long_empty_stretch_is_cut_short() -> None:
    """Twenty empty years take little room, and the months after them stay apart."""
    scale = Scale(
        [dt.date(1990, 1, 1), dt.date(2026, 1, 1), dt.date(2026, 12, 1)], left=0, right=900
    )
    assert len(list(scale.cuts())) == 1
    assert scale.x(dt.date(2026, 12, 1)) - scale.x(dt.date(2026, 1, 1)) > 400


def test_without_a_long_stretch_nothing_is_cut() -> None:
    """Yearly events stay to scale."""
    days = [dt.date(year, 6, 1) for year in range(2010, 2027)]
    scale = Scale(days, left=0, right=900)
    assert not list(scale.cuts())
    steps = [scale.x(b) - scale.x(a) for a, b in pairwise(days)]
    assert max(steps) - min(steps) < 1


def test_one_day_has_room_on_both_sides() -> None:
    """A single day stands in the middle of a few months."""
    scale = Scale([DAY], left=0, right=900)
    assert scale.x(DAY) == pytest.approx(450, abs=1)
    assert len(list(scale.ticks(60))) >= 2


def test_a_day_beyond_the_axis_stands_at_its_end() -> None:
    """Nothing is drawn outside of the picture."""
    scale = Scale([DAY], left=0, right=900)
    assert (scale.x(dt.date(1900, 1, 1)), scale.x(dt.date(2100, 1, 1))) == (0, 900)


@given(st.lists(st.tuples(st.floats(0, 800), st.floats(1, 250)), max_size=25))
def test_labels_meet_neither_each_other_nor_a_stem(widths: list[tuple[float, float]]) -> None:
    """In one lane nothing overlaps, and no stem goes up through a label."""
    labels = [(x, x + width) for x, width in widths]
    found = lanes(labels)
    for one, (x, right) in enumerate(labels):
        for other, (stem, end) in enumerate(labels):
            if one == other:
                continue
            if found[one] == found[other]:
                assert right <= stem or end <= x
            if x < stem < right:
                assert found[other] < found[one]


def test_labels_apart_share_the_lowest_lane() -> None:
    """Room is not wasted: labels that do not meet stand side by side."""
    assert lanes([(0, 50), (60, 100), (120, 150)]) == [0, 0, 0]
