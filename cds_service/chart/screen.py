"""Whether a search is about the patient: a server may ignore a parameter that it does not know.

Such a server answers with everybody's data. What names another patient is dropped where the
resources are read; here goes what names nobody, which otherwise would be read as the patient's.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from urllib.parse import parse_qsl, unquote, unquote_plus, urlsplit

from cds_service.chart.elements import Json, items
from cds_service.chart.index import local
from cds_service.chart.prefetch import Empty, PrefetchValue, Present, entries, is_bundle

_OWNERS = ("patient", "subject")
_OWNER = re.compile(rf"[?&](?:{'|'.join(_OWNERS)})=([^&#]+)")
_NOTE = "the server answered for other patients, too; only what names the patient was used"


def patient_of(query: str) -> str | None:
    """Return the patient id that a search ``Type?patient=…`` is about; None for a read."""
    found = _OWNER.search(query)
    return unquote_plus(found[1]).removeprefix("Patient/") if found else None


def screened(value: PrefetchValue, *, query: str) -> PrefetchValue:
    """Return the result of ``query`` without what cannot be known to be the patient's.

    A search whose ``link[self]`` lacks the patient was answered for everybody: in it only what
    names the patient counts, and a part of it is a part of everybody's data, not of the
    patient's. One that holds others' records without saying so is not to be trusted to hold
    all of the patient's.
    """
    patient = patient_of(query) if isinstance(value, Present) else None
    if patient is None or not isinstance(value, Present):
        return value
    bundles = [page for page in value.values if is_bundle(page)]
    ignored = any(_is_for_all(bundle, patient) for bundle in bundles)
    mixed = any(_has_others(bundle, patient) for bundle in bundles)
    if not (ignored or mixed):
        return value
    kept = tuple(_only_named(page) if is_bundle(page) else page for page in value.values)
    partial = value.partial
    if partial:
        partial = f"the server answered for other patients, too, and {partial}"
    elif not ignored:
        partial = "the answer holds other patients' records"
    if not partial and not any(map(_size, kept)):
        return Empty()
    return replace(value, values=kept, partial=partial, notes=(*value.notes, _NOTE))


def _size(page: Mapping[str, Json]) -> int:
    return sum(1 for _ in entries(page)) if is_bundle(page) else 1


def _is_for_all(bundle: Mapping[str, Json], patient: str) -> bool:
    return any(
        isinstance(link, dict)
        and link.get("relation") == "self"
        and not names_patient(link.get("url"), patient)
        for link in items(bundle.get("link"))
    )


def names_patient(url: Json, patient: str) -> bool:
    """Return whether the address of a search names the patient; one of another form may."""
    if not isinstance(url, str):
        return True
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return True
    names = {name.partition(":")[0].partition(".")[0] for name, _ in parse_qsl(parts.query)}
    if any(name.startswith("_get") for name in names):
        return True  # the address of a page, not of a search
    return bool(names & set(_OWNERS)) or patient in unquote(parts.path).split("/")


def _has_others(bundle: Mapping[str, Json], patient: str) -> bool:
    return any(is_of_others(entry, patient) and _is_match(entry) for entry in entries(bundle))


def is_of_others(entry: Json, patient: str) -> bool:
    """Return whether a Bundle's entry names patients, and this one is none of them."""
    own = f"Patient/{patient}"
    resource = entry.get("resource") if isinstance(entry, dict) else None
    if not isinstance(resource, dict):
        return False
    subject = resource.get("subject")
    if isinstance(subject, dict) and subject.get("reference") == own == local(own):
        return False
    owners = set(_owners(resource))
    return bool(owners) and own not in owners


def _is_match(entry: Json) -> bool:
    search = entry.get("search") if isinstance(entry, dict) else None
    return not isinstance(search, dict) or search.get("mode") in (None, "match")


def _owners(resource: Mapping[str, Json]) -> Iterator[str]:
    for name in _OWNERS:
        for value in items(resource.get(name)):
            target = value.get("reference") if isinstance(value, dict) else value
            if isinstance(target, str) and local(target.strip()).startswith("Patient/"):
                yield local(target.strip())


def _only_named(page: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return the page without the matches that name nobody."""
    kept = [
        entry
        for entry in entries(page)
        if not _is_match(entry) or _is_outcome(entry) or _has_owner(entry)
    ]
    return {**page, "entry": kept}


def _has_owner(entry: Json) -> bool:
    resource = entry.get("resource") if isinstance(entry, dict) else None
    return isinstance(resource, dict) and any(_owners(resource))


def _is_outcome(entry: Json) -> bool:
    resource = entry.get("resource") if isinstance(entry, dict) else None
    return isinstance(resource, dict) and resource.get("resourceType") == "OperationOutcome"
