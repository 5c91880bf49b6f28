"""Ages, counted from birthdays; a partial date decides only what all of it decides."""

import datetime as dt
from functools import lru_cache

from dateutil.relativedelta import relativedelta

from cds_service.facts import PartialDate


@lru_cache(maxsize=4096)
def birthday(birth: PartialDate, age: float) -> tuple[dt.date, dt.date]:
    """Return the first and the last day that can be the birthday of this age."""
    years = relativedelta(years=int(age))
    return birth.first + years, birth.last + years


def surely_before(date: PartialDate | None, birth: PartialDate | None, age: float) -> bool:
    """Return whether a date lies before the birthday of this age, whatever its exact day."""
    return bool(date and birth and date.last < birthday(birth, age)[0])
