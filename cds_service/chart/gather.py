"""From a hook request to prefetch values: what was sent, what is fetched, what cannot be had."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from cds_service.chart.elements import Json
from cds_service.chart.prefetch import (
    MISSING,
    Empty,
    Failed,
    Missing,
    PrefetchValue,
    Present,
    classify,
)
from cds_service.chart.screen import screened
from cds_service.chart.server import Reader, Unavailable
from cds_service.chart.watch import UNWATCHED, State, Watch
from cds_service.errors import (
    BadRequest,
    PreconditionFailed,
    ServiceError,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from cds_service.facts import Issue

_PATIENT = "patient"
_PLAIN_KEY = re.compile(r"[\w.-]{1,64}")


@dataclass(frozen=True, slots=True)
class Gathered:
    """The value of every key that was asked for, and what of the prefetch was not used."""

    values: Mapping[str, PrefetchValue]
    issues: tuple[Issue, ...] = ()
    #: The keys whose value came from the FHIR server, in whole or in part.
    fetched: frozenset[str] = frozenset()


def gather(
    prefetch: Mapping[str, Json],
    *,
    queries: Mapping[str, str],
    required: Collection[str],
    reader: Reader | None = None,
    watch: Watch = UNWATCHED,
) -> Gathered:
    """Return a value for every key of ``queries`` (key → resolved template).

    What the prefetch lacks is read by ``reader``; what the client tried in vain is not tried
    again. ``watch`` sees what became of each key. Raises :class:`BadRequest` where a required key
    holds something else than FHIR data. Where a required key, or the patient, cannot be had:
    :class:`UpstreamTimeout` if the server was too slow, :class:`UpstreamUnavailable` if it has
    stopped answering and is left alone, else :class:`PreconditionFailed`.
    """
    values = {key: classify(key, prefetch.get(key, MISSING)) for key in queries}
    sent = dict(values)
    try:
        return _gathered(values, prefetch, queries=queries, required=required, reader=reader)
    finally:
        watch.has_gathered({key: _state(sent[key], value) for key, value in values.items()})


def _gathered(
    values: dict[str, PrefetchValue],
    prefetch: Mapping[str, Json],
    *,
    queries: Mapping[str, str],
    required: Collection[str],
    reader: Reader | None,
) -> Gathered:
    """Complete ``values``, in place: they count even where they are too few."""
    for key in _in_order(values, required):
        value = values[key]
        if isinstance(value, Failed) and value.malformed:
            raise BadRequest(
                f"prefetch.{key} {value.reason}. Send the result of the service's template, or"
                " null where there is nothing.",
                where=f"prefetch.{key}",
            )
    # What is known to be missing for good need not wait for a server.
    _require(values, required, tried=False)
    asked = reader or Unavailable("no FHIR server may be asked")
    fetched = asked.read(
        {key: queries[key] for key, value in values.items() if isinstance(value, Missing)},
        {key: value for key, value in values.items() if isinstance(value, Present) and value.next},
    )
    changed = frozenset(
        key
        for key, value in fetched.items()
        if value is not values[key] and not isinstance(value, Missing)
    )
    values |= fetched
    _require(values, required, tried=True)
    values |= {key: screened(value, query=queries[key]) for key, value in values.items()}
    issues = [
        Issue(f"prefetch.{key}", note)
        for key, value in values.items()
        if isinstance(value, Present)
        for note in value.notes
    ]
    issues += [
        Issue(f"prefetch.{key}", value.reason, "dropped")
        for key, value in values.items()
        if isinstance(value, Failed) and value.malformed
    ]
    issues += [
        Issue(
            f"prefetch.{key}" if _PLAIN_KEY.fullmatch(key) else "prefetch",
            "is not asked for and was not read",
        )
        for key in prefetch
        if key not in queries
    ]
    return Gathered(values, tuple(issues), changed)


def _state(sent: PrefetchValue, found: PrefetchValue) -> State:
    match found:
        case Failed():
            return "failed"
        case Missing():
            return "missing"
        case Present(partial=str()):
            return "partial"
        case _ if isinstance(sent, Missing):
            return "fetched"
        case Empty():
            return "empty"
        case Present():
            return "present"


def _in_order(values: Mapping[str, PrefetchValue], required: Collection[str]) -> Iterable[str]:
    return [key for key in values if key in required]


def _require(
    values: Mapping[str, PrefetchValue], required: Collection[str], *, tried: bool
) -> None:
    lacking: dict[str, Failed | Missing] = {}
    for key in _in_order(values, required):
        value = values[key]
        if isinstance(value, Failed) or (tried and isinstance(value, Missing)):
            lacking[key] = value
        elif isinstance(value, Empty) and key == _PATIENT:
            lacking[key] = Failed("there is no such patient")
    if lacking:
        raise _error(lacking)


def _error(lacking: Mapping[str, Failed | Missing]) -> ServiceError:
    """Return what the client is told: a refusal outweighs what may work at another time."""
    message = "Required data cannot be had: " + "; ".join(
        f"{key} ({value.reason})" for key, value in lacking.items()
    )
    where = ", ".join(f"prefetch.{key}" for key in lacking)
    failed = [value for value in lacking.values() if isinstance(value, Failed)]
    passing = len(failed) == len(lacking)
    waits = [value.wait for value in failed if value.cause == "down" and value.wait is not None]
    if passing and waits and all(value.cause != "refused" for value in failed):
        return UpstreamUnavailable(
            f"{message}. Call again later, or send them in the prefetch.",
            where=where,
            retry_after=max(waits),
        )
    if passing and all(value.cause == "slow" for value in failed):
        return UpstreamTimeout(f"{message}. Send them in the prefetch, or call again.", where=where)
    return PreconditionFailed(
        f"{message}. Send them in the prefetch, or a fhirServer and fhirAuthorization with which"
        " they can be read.",
        where=where,
    )
