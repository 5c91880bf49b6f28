"""From days to places on the axis, long empty stretches cut short; and labels into lanes."""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from dateutil.relativedelta import relativedelta

#: A stretch without anything that is longer than this is cut short (days).
_EMPTY = 4 * 365
#: What is left of it: this part of everything else, and at least so many days.
_LEFT, _LEFT_DAYS = 0.1, 150
#: The shortest time that fills an axis (days), and the room at both ends.
_LEAST = 90
_ROOM = 0.03
#: Months from tick to tick; the first that leaves enough room is taken.
_STEPS = (1, 2, 3, 6, 12, 24, 60, 120)
_YEAR = 12


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days from ``first`` to ``last`` on the axis from ``left`` to ``right``."""

    first: int
    last: int
    left: float
    right: float
    cut: bool


class Scale:
    """An axis on which all of ``days`` have their place."""

    def __init__(self, days: Iterable[dt.date], *, left: float, right: float) -> None:
        """Lay the days out between two places, in the order of time."""
        points = sorted({day.toordinal() for day in days})
        gaps = [(a, b) for a, b in pairwise(points) if b - a > _EMPTY]
        shown = points[-1] - points[0] - sum(b - a for a, b in gaps)
        room = max(_ROOM * shown, (_LEAST - shown) / 2, 1)
        points = [points[0] - int(room), *points, points[-1] + int(room)]
        left_over = max(_LEFT * (shown + 2 * room), _LEFT_DAYS)
        widths = [left_over if pair in gaps else pair[1] - pair[0] for pair in pairwise(points)]
        unit = (right - left) / sum(widths)
        place, stretches = left, []
        for pair, width in zip(pairwise(points), widths, strict=True):
            end = place + width * unit
            stretches.append(Stretch(*pair, place, end, pair in gaps))
            place = end
        self._stretches: Sequence[Stretch] = stretches
        self._unit = unit

    def x(self, day: dt.date) -> float:
        """Return the place of a day; of one beyond the ends, the end."""
        number = day.toordinal()
        first, last = self._stretches[0], self._stretches[-1]
        number = min(max(number, first.first), last.last)
        it = next(each for each in self._stretches if number <= each.last)
        if it.last == it.first:
            return it.left
        return it.left + (it.right - it.left) * (number - it.first) / (it.last - it.first)

    def cuts(self) -> Iterator[float]:
        """Yield the places at which a long empty stretch is cut short."""
        yield from ((each.left + each.right) / 2 for each in self._stretches if each.cut)

    def ticks(self, room: float) -> Iterator[tuple[float, str]]:
        """Yield the places and words of a calendar along the axis, ``room`` apart at least."""
        months = next((s for s in _STEPS if s * 30.4 * self._unit >= room), _STEPS[-1])
        shown = -room
        for each in self._stretches:
            if each.cut:
                continue
            for day in _calendar(each, months):
                place = self.x(day)
                if place - shown < room:
                    continue
                shown = place
                yield place, f"{day:%Y}" if months >= _YEAR else f"{day:%b %Y}"


def _calendar(stretch: Stretch, months: int) -> Iterator[dt.date]:
    first = dt.date.fromordinal(stretch.first)
    day = dt.date(first.year - first.year % max(1, months // _YEAR), 1, 1)
    while day.toordinal() <= stretch.last:
        if day.toordinal() >= stretch.first:
            yield day
        day += relativedelta(months=months)


def lanes(labels: Sequence[tuple[float, float]]) -> list[int]:
    """Return a lane for each label, so that no label meets another one or its stem.

    A label is the place of its stem, at its left edge, and its right edge; stems come up
    from below lane 0. A label therefore stands above all whose stems it would cross.
    """
    order = sorted(range(len(labels)), key=lambda n: labels[n][0], reverse=True)
    found = [0] * len(labels)
    for number, index in enumerate(order):
        right = labels[index][1]
        crossed = [found[other] for other in order[:number] if labels[other][0] < right]
        found[index] = max(crossed, default=-1) + 1
    return found
