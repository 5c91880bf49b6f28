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
from cds_service.chart.server import Reader, Unavailable
from cds_service.errors import BadRequest, PreconditionFailed
from cds_service.facts import Issue

_PATIENT = "patient"
_PLAIN_KEY = re.compile(r"[\w.-]{1,64}")


@dataclass(frozen=True, slots=True)
class Gathered:
    """The value of every key that was asked for, and what of the prefetch was not used."""

    values: Mapping[str, PrefetchValue]
    issues: tuple[Issue, ...] = ()


def gather(
    prefetch: Mapping[str, Json],
    *,
    queries: Mapping[str, str],
    required: Collection[str],
    reader: Reader | None = None,
) -> Gathered:
    """Return a value for every key of ``queries`` (key → resolved template).

    What the prefetch lacks is read by ``reader``; what the client tried in vain is not tried
    again. Raises :class:`BadRequest` where a required key holds something else than FHIR data,
    and :class:`PreconditionFailed` where a required key, or the patient, cannot be had.
    """
    values = {key: classify(key, prefetch.get(key, MISSING)) for key in queries}
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
    values |= fetched
    _require(values, required, tried=True)
    issues = [
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
    return Gathered(values, tuple(issues))


def _in_order(values: Mapping[str, PrefetchValue], required: Collection[str]) -> Iterable[str]:
    return [key for key in values if key in required]


def _require(
    values: Mapping[str, PrefetchValue], required: Collection[str], *, tried: bool
) -> None:
    lacking = {}
    for key in _in_order(values, required):
        value = values[key]
        if isinstance(value, Failed) or (tried and isinstance(value, Missing)):
            lacking[key] = value.reason
        elif isinstance(value, Empty) and key == _PATIENT:
            lacking[key] = "there is no such patient"
    if lacking:
        raise PreconditionFailed(
            "Required data cannot be had: "
            + "; ".join(f"{key} ({reason})" for key, reason in lacking.items())
            + ". Send them in the prefetch, or a fhirServer and fhirAuthorization with which"
            " they can be read.",
            where=", ".join(f"prefetch.{key}" for key in lacking),
        )
