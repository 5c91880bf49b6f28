"""Dates, periods and ages as FHIR stores them, with the precision that is stored."""

import calendar
import datetime as dt
import re
from collections.abc import Mapping
from functools import cache, lru_cache

from cds_service.chart.elements import Json, Source, kind_of, number, one, string
from cds_service.facts import PartialDate, Precision, Span

_TIME_OF_DAY = r"[T ][\d:.,]*\s*(?:Z|[+-][\d:]*)?"
_DATE = re.compile(rf"(\d{{4}})(?:-(\d{{1,2}})(?:-(\d{{1,2}})(?:{_TIME_OF_DAY})?)?)?")
_TIME = re.compile(_TIME_OF_DAY)
_DAY_LENGTH = 10
# Years outside are sentinels for "unknown" or "open"; calendar arithmetic must not meet them.
_FIRST_YEAR, _LAST_YEAR = 1850, 2200
_DIGITS_OF_MONTH = 2

_AGE_TEXT = re.compile(
    r"\s*(?:at\s+)?(?:age[d]?\s*(?:of\s+)?:?\s*)?(\d{1,3})\s*"
    r"(?:y|yr|yrs|yo|y/o|year|years)?\.?(?:[\s-]*old)?(?:\s+of\s+age)?\s*",
    re.IGNORECASE,
)
_YEARS_PER_UNIT = {
    "a": 1.0,
    "y": 1.0,
    "yr": 1.0,
    "year": 1.0,
    "years": 1.0,
    "mo": 1 / 12,
    "month": 1 / 12,
    "months": 1 / 12,
    "wk": 7 / 365.25,
    "week": 7 / 365.25,
    "weeks": 7 / 365.25,
    "d": 1 / 365.25,
    "day": 1 / 365.25,
    "days": 1 / 365.25,
}
_MAX_AGE = 130
_LOWER_LIMIT = (">", ">=")


def date(source: Source, value: Json, path: str) -> PartialDate | None:
    """Return a date, dateTime or instant as the local day, month or year that is stored."""
    if value is None:
        return None
    if not isinstance(value, str):
        value = one(source, value, path)
        if not isinstance(value, str):
            if value is not None:
                source.ignore(path, f"is {kind_of(value)} where a date belongs")
            return None
    found = _moment(value[:64])
    if found is None:
        source.ignore(path, "is not a date of the form YYYY, YYYY-MM or YYYY-MM-DD")
    elif not _FIRST_YEAR <= found.first.year <= _LAST_YEAR:
        source.ignore(path, "lies too far from today to be a real date")
        return None
    return found


def _moment(text: str) -> PartialDate | None:
    # Charts hold many moments and fewer days: the days are remembered.
    is_day = text[4:8:3] == "--" and _TIME.fullmatch(text, _DAY_LENGTH)
    return _interval(text[:_DAY_LENGTH] if is_day else text)


@lru_cache(maxsize=8192)
def _interval(text: str) -> PartialDate | None:
    match = _DATE.fullmatch(text.strip())
    if not match:
        return None
    year, month, day = match.groups()
    precision: Precision = "day" if day else "month" if month else "year"
    try:
        first = dt.date(int(year), int(month or 1), int(day or 1))
    except ValueError:
        return None
    if precision == "day":
        return PartialDate(first, first)
    if precision == "year":
        return PartialDate(first, first.replace(month=12, day=31), "year")
    last = calendar.monthrange(first.year, first.month)[1]
    return PartialDate(first, first.replace(day=last), "month")


def is_date(text: str) -> bool:
    """Return whether a text has the form of a date."""
    return bool(_DATE.fullmatch(text.strip()[:64]))


def in_far_future(value: Json) -> bool:
    """Return whether a raw date is beyond every real one (an open end such as 9999-12-31)."""
    if not isinstance(value, str) or value.startswith(("19", "20")):
        return False
    match = _DATE.match(value.strip()[:64])
    return int(match[1]) > _LAST_YEAR if match else False


def span(source: Source, value: Json, path: str) -> Span | None:
    """Return a Period; a plain date in its place is a period of that date alone."""
    if value is None:
        return None
    value = one(source, value, path)
    if isinstance(value, str):
        day = date(source, value, path)
        return Span(day, day) if day else None
    if not isinstance(value, dict):
        if value is not None:
            source.ignore(path, f"is {kind_of(value)} where a period belongs")
        return None
    start = date(source, value.get("start"), f"{path}.start")
    end_value = value.get("end")
    # An end like 9999-12-31 is how some servers write "open".
    end = None if in_far_future(end_value) else date(source, end_value, f"{path}.end")
    if start and end and end.last < start.first:
        source.ignore(f"{path}.end", "is before the start")
        end = None
    return Span(start, end) if start or end else None


def when(source: Source, resource: Mapping[str, Json], *names: str) -> Span | None:
    """Return the first readable ``name[x]`` (DateTime, Period, Instant, String, or bare).

    A moment is a span whose start and end are equal.
    """
    for name in names:
        for element in _elements(name):
            value = resource.get(element)
            found = span(source, value, element) if value is not None else None
            if found:
                return found
        text = resource.get(f"{name}String")
        if isinstance(text, str) and is_date(text):
            day = date(source, text, f"{name}String")
            if day:
                return Span(day, day)
        elif text is not None:
            source.ignore(f"{name}String", "is a text that is no date")
    return None


@cache
def _elements(name: str) -> tuple[str, ...]:
    return tuple(name + suffix for suffix in ("DateTime", "Period", "Instant", "Date", ""))


def moment(source: Source, resource: Mapping[str, Json], name: str) -> PartialDate | None:
    """Return the day of ``name[x]``: of a period the start, or else the end."""
    plain = resource.get(f"{name}DateTime")
    if isinstance(plain, str) and (day := date(source, plain, f"{name}DateTime")):
        return day
    found = when(source, resource, name)
    return (found.start or found.end) if found else None


def age(source: Source, resource: Mapping[str, Json], name: str) -> tuple[float | None, str | None]:
    """Return the age in years of ``name[x]`` (Age, Quantity, Range, String), else its words.

    Of a range the upper end counts: what is said to be before an age holds for all of it.
    """
    for suffix in ("Age", "Quantity"):
        years = _years(source, resource.get(name + suffix), name + suffix)
        if years is not None:
            return years, None
    limits = one(source, resource.get(f"{name}Range"), f"{name}Range")
    if isinstance(limits, dict):
        years = _years(source, limits.get("high"), f"{name}Range.high")
        low = _years(source, limits.get("low"), f"{name}Range.low")
        if years is not None or low is not None:
            return years, None if years is not None else f"{low:g} years or later"
    elif limits is not None:
        source.ignore(f"{name}Range", f"is {kind_of(limits)} where a range belongs")
    text = string(source, resource.get(f"{name}String"), f"{name}String")
    match = _AGE_TEXT.fullmatch(text[:60]) if text else None
    if match and int(match[1]) <= _MAX_AGE:
        return float(match[1]), None
    return None, text


def _years(source: Source, value: Json, path: str) -> float | None:
    if value is None:
        return None
    value = one(source, value, path)
    if not isinstance(value, dict):
        years = number(source, value, path)
        factor: float | None = 1.0
    else:
        years = number(source, value.get("value"), f"{path}.value")
        units = [value.get("code"), value.get("unit"), value.get("units")]
        words = [unit.strip().lower() for unit in units if isinstance(unit, str) and unit.strip()]
        factor = next((_YEARS_PER_UNIT[word] for word in words if word in _YEARS_PER_UNIT), None)
        if not words:
            factor = 1.0
        if value.get("comparator") in _LOWER_LIMIT:
            source.ignore(path, "is a lower limit and no age")
            return None
    if years is None or factor is None or not 0 <= years * factor <= _MAX_AGE:
        source.ignore(path, "is no age in a known unit")
        return None
    return years * factor
