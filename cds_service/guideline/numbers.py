"""The numbers of the guideline: what none of them can be, and what only some can."""

import math
from collections.abc import Mapping

#: Beyond this a date would leave the calendar.
_LARGEST = 10_000
#: Words in the names of numbers that count whole things: the calendar knows no half month.
_WHOLE = frozenset({"months", "days", "years", "year", "age", "from", "to", "cards"})
#: Numbers of one entry of which the first may not exceed the second.
_ORDERED = (
    ("minimum_months", "maximum_months"),
    ("years_low", "years_high"),
    ("smallest_cm", "largest_cm"),
    ("peak_from", "peak_to"),
)


def read(table: Mapping[str, object]) -> dict[str, float]:
    """Return the numbers of one entry. Raises ValueError, which names the number."""
    numbers = {name: _number(name, value) for name, value in table.items()}
    for low, high in _ORDERED:
        if low in numbers and high in numbers and numbers[low] > numbers[high]:
            raise ValueError(f"{low} must not be more than {high}")
    return numbers


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name} must be a number; it is {value!r}")  # noqa: TRY004 - one kind
    if not math.isfinite(value) or not 0 <= value <= _LARGEST:
        raise ValueError(f"{name} must be a number from 0 to {_LARGEST}; it is {value!r}")
    if _WHOLE & set(name.split("_")) and (value < 1 or value != int(value)):
        raise ValueError(f"{name} must be a whole number, 1 or more; it is {value!r}")
    return float(value)
