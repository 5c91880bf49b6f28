"""Dates, periods, ages and quantities: moved, and ages above 89 made one."""

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

from cds_service.scrub.elements import allow_list
from cds_service.scrub.offset import Offset, aggregated

Json = dict[str, Any]
#: Whatever stands in the file.
Raw = Any

_OTHER_UNIT = "(other)"
# A tuple, because what is looked up may be any JSON, unhashable included.
_COMPARATORS = ("<", "<=", ">=", ">", "ad", "~")
_UCUM = "http://unitsofmeasure.org"
_OLDEST = 90
_NUMBER = re.compile(r"\s*[+-]?\d{1,6}(?:[.,]\d{1,6})?\s*")


class Measures:
    """Scrubs what is measured or dated. None stands for what is dropped."""

    def __init__(self, offset: Offset, *, today: dt.date) -> None:
        """Take the offset, and the moved date of today."""
        self._offset = offset
        self._today = today

    def date(self, value: Raw) -> str | None:
        """Return a date moved; None where it is none."""
        return self._offset.iso(value) if isinstance(value, str) else None

    def birth(self, value: Raw) -> str | None:
        """Return a birth date moved; of an age above 89 the year of its 90th birthday."""
        moved = self.date(value)
        return aggregated(moved, self._today) if moved else None

    def period(self, value: Raw) -> Raw:
        """Return a Period or a date moved."""
        if isinstance(value, str):
            return self.date(value)
        if not isinstance(value, dict):
            return None
        ends = {name: self.date(value.get(name)) for name in ("start", "end")}
        return {name: moved for name, moved in ends.items() if moved} or None

    def age(self, value: Raw) -> Raw:
        """Return an age; one above 90 years as 90."""
        found = self.quantity(value)
        number = found.get("value") if isinstance(found, dict) else found
        if isinstance(number, int | float) and number > _OLDEST and _in_years(found):
            return {**found, "value": _OLDEST} if isinstance(found, dict) else _OLDEST
        return found

    def ages(self, value: Raw) -> Json | None:
        """Return a Range of ages."""
        return _limits(value, self.age)

    def range(self, value: Raw) -> Json | None:
        """Return a Range."""
        return _limits(value, self.quantity)

    def quantity(self, value: Raw) -> Raw:
        """Return a Quantity, its unit only if it is a known one."""
        if not isinstance(value, dict):
            return number(value)
        found: Json = {}
        amount = number(value.get("value"))
        if amount is not None:
            found["value"] = amount
        if value.get("comparator") in _COMPARATORS:
            found["comparator"] = value["comparator"]
        for name in ("unit", "units", "code"):
            unit = value.get(name)
            if isinstance(unit, str) and unit.strip():
                known = unit.strip().lower() in allow_list().units
                found[name] = unit if known else _OTHER_UNIT
        if value.get("system") == _UCUM:
            found["system"] = _UCUM
        return found or None


def number(value: Raw) -> Raw:
    """Return a number, or one that is written as a string."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        return value if _NUMBER.fullmatch(value) else None
    return value if isinstance(value, int | float) else None


def boolean(value: Raw) -> Raw:
    """Return true or false, or the words for them."""
    known = isinstance(value, bool) or (
        isinstance(value, str) and value.strip().lower() in {"true", "false"}
    )
    return value if known else None


def _limits(value: Raw, read: Callable[[Any], Any]) -> Json | None:
    if not isinstance(value, dict):
        return None
    ends = {name: read(value.get(name)) for name in ("low", "high")}
    return {name: end for name, end in ends.items() if end is not None} or None


def _in_years(value: Raw) -> bool:
    units = [value.get(name) for name in ("unit", "code")] if isinstance(value, dict) else []
    named = [str(unit).lower() for unit in units if unit]
    return not named or any(unit in {"a", "y", "yr", "year", "years"} for unit in named)
