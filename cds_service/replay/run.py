"""All cases played, and compared with another version where there is one."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cds_service.replay import cases
from cds_service.replay.against import Against
from cds_service.replay.cases import Case, CaseError
from cds_service.replay.compare import Comparison, Failed, Outcome, compare
from cds_service.replay.outcome import Result
from cds_service.replay.play import Service, play, stated, today_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One case of a run; one that the other version alone holds was not played."""

    key: str
    #: None where it could not be read, or was not played.
    case: Case | None = None
    outcome: Outcome = None
    #: Why it could not be played, and the file.
    error: CaseError | None = None
    #: None where there is nothing to compare with.
    comparison: Comparison | None = None


def run(
    files: Mapping[str, Path],
    *,
    service: Callable[[dt.date], Service],
    hooks: tuple[str, ...] = (),
    date: dt.date | None = None,
    against: Against | None = None,
    progress: Callable[[Iterable[str]], Iterable[str]] = iter,
) -> Iterator[Entry]:
    """Yield each case, played; then those that the other version alone holds.

    ``files`` are the cases by key; ``date`` is the day, by default that of the expectation,
    else that on which the other version played it, else today; ``progress`` is told of each
    case. Raises :class:`cds_service.replay.remote.UnreachableError`.
    """
    for key in progress(files):
        case: Case | None = None
        try:
            case = cases.read(files[key])
            held = against.held.get(key) if against else None
            now = play(
                case,
                service=service,
                hooks=hooks,
                date=_day(case, date, held),
                enter=_entered(case, held),
            )
        except CaseError as error:
            failed = Failed(error.reason)
            comparison = None
            if against:
                # What cannot be read now cannot be played there, either.
                comparison = compare(key, against.held.get(key, failed), failed)
            yield Entry(key=key, case=case, outcome=failed, error=error, comparison=comparison)
            continue
        comparison = compare(key, against.outcome(key, case, now, hooks), now) if against else None
        yield Entry(key=key, case=case, outcome=now, comparison=comparison)
    for key, held in against.held.items() if against else ():
        if key not in files:
            yield Entry(key=key, comparison=compare(key, held, None))


def _day(case: Case, date: dt.date | None, held: Outcome) -> dt.date:
    """Return the day to play: stated ones first, else that on which it was played before."""
    free = date is None and "today" not in (case.expected or {})
    if free and isinstance(held, Result):
        return dt.date.fromisoformat(held.today)
    return today_of(case, date)


def _entered(case: Case, held: Outcome) -> tuple[str, ...] | None:
    """Return the Conditions that were entered before, where the case still has them."""
    if not isinstance(held, Result) or case.store is None or stated(case) is not None:
        return None
    before = next((each.conditions for each in held.played if each.conditions), None)
    return before if before and all(map(case.store.read, before)) else None
