"""The next follow-up window: interval by depth and elapsed time (S34–S38)."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from dateutil.relativedelta import relativedelta

from cds_service.clinical.plan import Window
from cds_service.clinical.treatment import months_after
from cds_service.facts import PartialDate
from cds_service.guideline import Guideline

KnownDepth = Literal["dermal", "subcutaneous"]
KNOWN_DEPTHS: tuple[KnownDepth, ...] = ("dermal", "subcutaneous")


@dataclass(frozen=True, slots=True)
class Phase:
    """A row of the schedule; months. ``until`` is exclusive, None for the open end."""

    until: float | None
    minimum: float
    maximum: float
    lenient_maximum: float


def phases(depth: KnownDepth, guideline: Guideline) -> tuple[Phase, ...]:
    """Return the schedule of a depth.

    Where the source gives a range of years ("first 3–5 years"), both readings hold between
    them: the stricter sets the window, the other one its lenient end.
    """
    if depth == "dermal":
        first, then = guideline.statements["S34"], guideline.statements["S35"]["interval_months"]
        low, high = first["minimum_months"], first["maximum_months"]
        return (
            Phase(12 * first["years_low"], low, high, high),
            Phase(12 * first["years_high"], low, high, then),
            Phase(None, then, then, then),
        )
    first, twice = guideline.statements["S36"], guideline.statements["S37"]
    low, high = first["minimum_months"], first["maximum_months"]
    half, then = twice["interval_months"], guideline.statements["S38"]["interval_months"]
    return (
        Phase(12 * first["years_low"], low, high, high),
        Phase(12 * first["years_high"], low, high, half),
        Phase(12 * twice["until_year"], half, half, half),
        Phase(None, then, then, then),
    )


def schedule(
    depth: KnownDepth, *, t0: PartialDate | None, guideline: Guideline
) -> Iterator[tuple[Phase, dt.date | None]]:
    """Yield the phases of a depth, each with the first day after it.

    None is the day of an open end, and of every phase where t0 is not known to the month.
    """
    dated = t0 is not None and t0.precision != "year"
    for phase in phases(depth, guideline):
        end = months_after(t0.last, phase.until) if t0 and dated and phase.until else None
        yield phase, end


def window(
    depth: KnownDepth,
    *,
    t0: PartialDate,
    visit: PartialDate | None,
    today: dt.date,
    guideline: Guideline,
) -> Window:
    """Return the window that follows the last visit, or t0 where there is none.

    With partial dates the window is the widest that they allow: its start counts from the
    first possible day, its end from the last, and elapsed time from the latest day of t0.
    """
    start = visit or t0
    elapsed = whole_months(t0.last, start.last if visit is None else start.first)
    phase = next(p for p in phases(depth, guideline) if p.until is None or elapsed < p.until)
    earliest = months_after(start.first, phase.minimum)
    latest = months_after(start.last, phase.maximum)
    lenient = months_after(start.last, phase.lenient_maximum)
    return Window(
        depth=depth,
        status=_status(today, earliest, latest, lenient),
        start=start,
        elapsed_months=elapsed,
        earliest=earliest,
        latest=latest,
        lenient_latest=lenient,
        minimum_months=int(phase.minimum),
        maximum_months=int(phase.maximum),
    )


def _status(
    today: dt.date, earliest: dt.date, latest: dt.date, lenient: dt.date
) -> Literal["not-yet-due", "due", "due-lenient", "overdue"]:
    if today < earliest:
        return "not-yet-due"
    if today <= latest:
        return "due"
    return "due-lenient" if today <= lenient else "overdue"


@lru_cache(maxsize=4096)
def whole_months(start: dt.date, end: dt.date) -> int:
    """Return the completed calendar months from ``start`` to ``end``, 0 if it is earlier."""
    delta = relativedelta(end, start)
    return max(0, delta.years * 12 + delta.months)
