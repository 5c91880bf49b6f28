"""What a time line shows, read from a decision trace."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cds_service.facts import PartialDate

Json = dict[str, Any]
#: Years that the chart takes for real; a trace of another service need not keep to them.
_YEARS = range(1850, 2301)


class TraceError(ValueError):
    """The JSON is not a decision trace of this service."""


@dataclass(frozen=True, slots=True)
class Quote:
    """What was read, and in which resource."""

    reference: str
    label: str
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """The margin of an operation; ``status`` is "" where none was found."""

    status: str = ""
    width_mm: float | None = None
    #: The width is an upper bound.
    below: bool = False
    quotes: tuple[Quote, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened: on a day, in a month or year, or from one date to another."""

    kind: str
    quotes: tuple[Quote, ...]
    date: PartialDate | None = None
    begun: PartialDate | None = None
    margin: Margin | None = None

    @property
    def label(self) -> str:
        """The service's own word for it."""
        return self.quotes[0].label

    @property
    def days(self) -> tuple[dt.date, dt.date] | None:
        """The first and the last day on which it can have been; None without a date."""
        if self.date is None:
            return None
        return (self.begun or self.date).first, self.date.last


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The next follow-up window, as calendar days."""

    depth: str
    status: str
    elapsed_months: int
    earliest: dt.date
    latest: dt.date
    lenient_latest: dt.date


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A row of the schedule; months from the start of surveillance, the open end None."""

    since_months: int
    until_months: int | None
    #: Its first day, and the first day after it; None where they are not known.
    since: dt.date | None
    until: dt.date | None
    minimum_months: int
    maximum_months: int
    lenient_months: int

    def holds(self, months: int) -> bool:
        """Return whether an interval that starts after so many months follows this row."""
        return self.since_months <= months and (
            self.until_months is None or months < self.until_months
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The schedule of a depth."""

    depth: str
    phases: tuple[Phase, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """The time line of one tumour."""

    today: dt.date
    site: str
    depth: str
    name: str
    level: str
    #: The start of surveillance.
    start: PartialDate | None
    events: tuple[Event, ...]
    windows: tuple[Window, ...]
    schedules: tuple[Schedule, ...]
    #: Why there is this window, or none.
    reason: str
    #: Kinds that the follow-up depends on and that could not be read.
    unread: tuple[str, ...]


def from_trace(trace: Json) -> tuple[Timeline, ...]:
    """Return the time line of each tumour of a decision trace, in the trace's order.

    A trace without events (of an older service) gives time lines without them. Raises
    ``TraceError`` for what is no decision trace.
    """
    try:
        today = _day(trace["today"])
        follow_up = [topic for topic in trace["topics"] if topic["topic"] == "surveillance"]
        parts = [part for topic in follow_up for part in topic["parts"]]
        return tuple(
            _timeline(tumour, _part(parts, place, tumour), today)
            for place, tumour in enumerate(trace["tumours"])
        )
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise TraceError(
            f"This is not a decision trace: {type(error).__name__}: {error}"
        ) from error


def _part(parts: Iterable[Json], place: int, tumour: Json) -> Json:
    """Return the follow-up advice of a tumour; older traces name it by its site alone."""
    return next(
        (
            part
            for part in parts
            if part.get("tumour", place) == place and part.get("site", "") == tumour.get("site", "")
        ),
        {},
    )


def _timeline(tumour: Json, part: Json, today: dt.date) -> Timeline:
    start = _date(tumour.get("surveillanceStart"))
    return Timeline(
        today=today,
        site=_text(tumour.get("site", "")),
        depth=_text(tumour["depth"]),
        name=_text(tumour.get("name", "leiomyosarcoma")),
        level=_text(tumour.get("level", "certain")),
        start=start,
        events=tuple(map(_event, tumour.get("events", ()))),
        windows=tuple(map(_window, part.get("windows", ()))),
        schedules=tuple(_schedule(each, start) for each in tumour.get("schedules", ())),
        reason=_text(part.get("reason", "")),
        unread=tuple(map(_text, part.get("unread", ()))),
    )


def _event(event: Json) -> Event:
    margin = event.get("margin")
    return Event(
        kind=_text(event["kind"]),
        quotes=_quotes(event["facts"]) or (Quote("", _text(event["kind"])),),
        date=_date(event.get("date")),
        begun=_date(event.get("begun")),
        margin=_margin(margin or {}) if event["kind"] == "surgery" else None,
    )


def _margin(margin: Json) -> Margin:
    width = margin.get("widthMm")
    return Margin(
        status=_text(margin.get("status", "")),
        width_mm=None if width is None else float(width),
        below=bool(margin.get("below")),
        quotes=_quotes(margin.get("facts", ())),
    )


def _quotes(facts: Iterable[Json]) -> tuple[Quote, ...]:
    return tuple(
        Quote(_text(fact["reference"]), _text(fact["label"]), _text(fact.get("text", "")))
        for fact in facts
    )


def _window(window: Json) -> Window:
    return Window(
        depth=_text(window["depth"]),
        status=_text(window["status"]),
        elapsed_months=int(window["elapsedMonths"]),
        earliest=_day(window["earliest"]),
        latest=_day(window["latest"]),
        lenient_latest=_day(window["lenientLatest"]),
    )


def _schedule(schedule: Json, start: PartialDate | None) -> Schedule:
    phases: list[Phase] = []
    since, day = 0, start.first if start and start.precision != "year" else None
    for phase in schedule["phases"]:
        until = phase.get("untilMonths")
        end = phase.get("until")
        phases.append(
            Phase(
                since_months=since,
                until_months=None if until is None else int(until),
                since=day,
                until=None if end is None else _day(end),
                minimum_months=int(phase["minimumMonths"]),
                maximum_months=int(phase["maximumMonths"]),
                lenient_months=int(phase["lenientMaximumMonths"]),
            )
        )
        since, day = phases[-1].until_months or since, phases[-1].until
    return Schedule(depth=_text(schedule["depth"]), phases=tuple(phases))


def _day(text: object) -> dt.date:
    day = dt.date.fromisoformat(_text(text))
    if day.year not in _YEARS:
        raise ValueError("a date too far away to be real")
    return day


def _date(text: object) -> PartialDate | None:
    if text is None:
        return None
    found = PartialDate.parse(_text(text))
    _day(found.first.isoformat())
    return found


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} where a text belongs")
    return value
