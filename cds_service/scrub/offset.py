"""One offset in days for all dates of a patient."""

import datetime as dt
import hashlib
import hmac
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass

_ISO = re.compile(
    r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2})"
    r"([T ]\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?\s*(?:Z|[+-]\d{1,2}:?\d{2})?)?)?)?"
)
#: Years outside stand for "unknown" or "open", and are no dates of a patient.
_FIRST_YEAR, _LAST_YEAR = 1850, 2200
#: Days by which dates move into the past: half a year to five years.
_LEAST, _MOST = 183, 1826
_OLDEST = 90


@dataclass(frozen=True, slots=True)
class Offset:
    """Moves dates by whole days. What is less precise moves with its middle."""

    days: int

    def date(self, day: dt.date) -> dt.date:
        """Return the moved day."""
        return day + dt.timedelta(self.days)

    def month(self, year: int, month: int) -> tuple[int, int]:
        """Return the month in which the middle of a month comes to lie."""
        moved = self.date(dt.date(year, month, 15))
        return moved.year, moved.month

    def year(self, year: int) -> int:
        """Return the year in which the middle of a year comes to lie."""
        return self.date(dt.date(year, 7, 1)).year

    def iso(self, text: str) -> str | None:
        """Return a FHIR date, dateTime or instant moved by days; None where it is none."""
        match = _ISO.fullmatch(text.strip())
        if not match:
            return None
        year, month, day, time = match.groups()
        if not _FIRST_YEAR <= int(year) <= _LAST_YEAR:
            return "9999-12-31" if int(year) > _LAST_YEAR else None
        try:
            if day:
                return f"{self.date(dt.date(int(year), int(month), int(day)))}{time or ''}"
            if month:
                return "{:04}-{:02}".format(*self.month(int(year), int(month)))
            return f"{self.year(int(year)):04}"
        except ValueError:
            return None


def candidates(patient: str, key: bytes | None) -> Iterator[Offset]:
    """Yield offsets for a patient without end, none of them likelier than another.

    With a ``key`` they are the same each time; without one nobody can find them again.
    """
    span = _MOST - _LEAST + 1
    number = 0
    while True:
        if key is None:
            chosen = secrets.randbelow(span)
        else:
            text = f"offset {number} {patient}".encode()
            digest = hmac.digest(key, text, hashlib.sha256)
            chosen = int.from_bytes(digest[:8], "big") % span
        yield Offset(-_LEAST - chosen)
        number += 1


def aggregated(birth: str, until: dt.date) -> str:
    """Return a birth date as the year of a 90th birthday where the patient is older than 89.

    ``until`` is the day on which the age counts: today, or the day of death.
    """
    match = _ISO.fullmatch(birth)
    if not match or int(match[1]) > _LAST_YEAR:
        return birth
    year, month, day = int(match[1]), int(match[2] or 1), int(match[3] or 1)
    had_birthday = (until.month, until.day) >= (month, day)
    age = until.year - year - (not had_birthday)
    return birth if age < _OLDEST else f"{until.year - _OLDEST:04}"
