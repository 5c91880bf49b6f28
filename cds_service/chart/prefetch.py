"""What a prefetch key holds: a value, known emptiness, a known failure, or nothing at all."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from cds_service.chart import orders
from cds_service.chart.elements import Json, kind_of

#: What the mapping of values gives for a key that the client did not send.
MISSING: Final = object()

#: The resource types that each key asks for.
TYPES: Mapping[str, frozenset[str]] = {
    "patient": frozenset({"Patient"}),
    "conditions": frozenset({"Condition"}),
    "procedures": frozenset({"Procedure"}),
    "observations": frozenset({"Observation"}),
    "reports": frozenset({"DiagnosticReport"}),
    "familyHistory": frozenset({"FamilyMemberHistory"}),
    "orders": orders.TYPES,
    "encounters": frozenset({"Encounter"}),
}
#: The next page's address where there is a next page without one.
NO_ADDRESS: Final = "?"
#: Why something could not be had: it was refused or is not there, the server was too slow, or
#: it does not answer at all.
Cause = Literal["refused", "slow", "down"]
# Tuples, because what is looked up in them may be any JSON, unhashable included.
_FAILURES = ("error", "fatal")
_WITH_TOTAL = (None, "searchset")


@dataclass(frozen=True, slots=True)
class Present:
    """Data: one resource, or the pages of a search.

    ``partial`` says why more exists than was read, and is None where everything was read;
    ``next`` is the address of the next page; ``notes`` say what of it was not used, and why.
    """

    values: tuple[Mapping[str, Json], ...]
    partial: str | None = None
    next: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Empty:
    """The client or the server looked, and there is nothing."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Somebody tried to get the data, and could not; ``reason`` is without patient data.

    ``malformed``: the value is not FHIR data of the right type at all. ``wait``: seconds after
    which asking again is worth it, where that is known.
    """

    reason: str
    malformed: bool = False
    cause: Cause = "refused"
    wait: float | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """Nobody has tried, or nobody may."""

    reason: str = "not in the prefetch"


PrefetchValue = Present | Empty | Failed | Missing


def entries(bundle: Mapping[str, Json]) -> Iterator[Any]:
    """Yield the raw entries of a Bundle, one entry without its array included."""
    raw = bundle.get("entry")
    if isinstance(raw, list):
        yield from raw
    elif raw is not None:
        yield raw


def is_bundle(value: Mapping[str, Json]) -> bool:
    """Return whether a resource is a Bundle, its resourceType forgotten or not."""
    kind = value.get("resourceType")
    return kind == "Bundle" or (kind is None and isinstance(value.get("entry"), list))


def failure_of(outcome: Mapping[str, Json]) -> str | None:
    """Return the issue code of an OperationOutcome's first error; None where it only warns."""
    issues = outcome.get("issue")
    for issue in issues if isinstance(issues, list) else [issues]:
        if isinstance(issue, dict) and issue.get("severity") in _FAILURES:
            code = issue.get("code")
            known = isinstance(code, str) and code.replace("-", "").isalpha()
            return code if known and isinstance(code, str) else "exception"
    return None


def classify(key: str, raw: Json) -> PrefetchValue:
    """Return the state of one prefetch value; ``raw`` is :data:`MISSING` for an absent key."""
    if raw is MISSING:
        return Missing()
    if raw is None:
        return Empty()
    if not isinstance(raw, dict):
        return Failed(f"holds {kind_of(raw)} where FHIR data belong", malformed=True)
    if is_bundle(raw):
        return _classify_bundle(raw)
    return _classify_resource(key, raw)


def _classify_resource(key: str, raw: Mapping[str, Json]) -> PrefetchValue:
    kind = raw.get("resourceType")
    if kind == "OperationOutcome":
        code = failure_of(raw)
        return Failed(f"it could not be read ({code or 'an OperationOutcome came instead'})")
    if isinstance(kind, str) and kind in TYPES.get(key, frozenset({kind})):
        return Present((raw,))
    expected = " or ".join(sorted(TYPES.get(key, ())))
    return Failed(f"holds neither a Bundle nor a {expected}", malformed=True)


def _classify_bundle(bundle: Mapping[str, Json]) -> PrefetchValue:
    if not isinstance(bundle.get("entry"), list | dict | None):
        return Failed("holds a Bundle whose entry is no array", malformed=True)
    return of_pages((bundle,))


def of_pages(pages: tuple[Mapping[str, Json], ...]) -> PrefetchValue:
    """Return the state of a search from its pages, the last of which may name a next one."""
    counts = [_counted(page) for page in pages]
    matches = sum(count.matches for count in counts)
    anything = matches or any(count.others for count in counts)
    failure = next((count.failure for count in counts if count.failure), None)
    following = next_link(pages[-1])
    partial = None
    if failure:
        partial = f"the search was answered with an error ({failure})"
    elif following:
        partial = "only a part of its pages was read"
    elif max(_total(page) for page in pages) > matches:
        partial = "the search has more results than were sent"
    if failure and not anything:
        return Failed(f"the search failed ({failure})")
    return Present(pages, partial, following) if anything or partial else Empty()


class _Count(NamedTuple):
    matches: int
    others: int
    failure: str | None


def _counted(bundle: Mapping[str, Json]) -> _Count:
    matches = others = 0
    failure = None
    for entry in entries(bundle):
        part = entry if isinstance(entry, dict) else {}
        resource = part.get("resource")
        search = part.get("search")
        if isinstance(resource, dict) and resource.get("resourceType") == "OperationOutcome":
            failure = failure or failure_of(resource)
        elif isinstance(search, dict) and search.get("mode") == "include":
            others += 1
        else:
            matches += 1
    return _Count(matches, others, failure)


def _total(bundle: Mapping[str, Json]) -> int:
    total = bundle.get("total")
    counted = bundle.get("type") in _WITH_TOTAL
    return total if counted and type(total) is int else 0


def next_link(bundle: Mapping[str, Json]) -> str | None:
    """Return the address of the next page; None on the last one."""
    links = bundle.get("link")
    for link in links if isinstance(links, list) else [links]:
        if isinstance(link, dict) and link.get("relation") == "next":
            url = link.get("url")
            return url.strip() if isinstance(url, str) and url.strip() else NO_ADDRESS
    return None
