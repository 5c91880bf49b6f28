"""A request as it can be replayed where no FHIR server is: with what was read as its prefetch."""

from collections.abc import Mapping
from typing import Any

from cds_service.capture.redact import without_secrets
from cds_service.chart import Empty, Failed, Gathered, Missing, PrefetchValue, Present
from cds_service.chart.prefetch import Cause, entries, is_bundle
from cds_service.chart.screen import is_of_others

Json = dict[str, Any]

_SERVER = ("fhirServer", "fhirAuthorization")
_CODES: Mapping[Cause, str] = {"refused": "processing", "slow": "timeout", "down": "transient"}


def offline(body: Json, *, gathered: Gathered | None = None, patient_id: str = "") -> Json:
    """Return a valid request without its FHIR server, tokens and other secrets.

    What ``gathered`` read from the server stands in the prefetch as if the client had sent it,
    what could not be read as an OperationOutcome: the same is evaluated without any server.
    """
    found = {key: value for key, value in body.items() if key not in _SERVER}
    if gathered and gathered.fetched:
        sent = body.get("prefetch")
        found["prefetch"] = (sent if isinstance(sent, dict) else {}) | {
            key: as_prefetch(gathered.values[key], patient_id=patient_id)
            for key in gathered.values
            if key in gathered.fetched
        }
    kept: Json = without_secrets(found)
    return kept


def as_prefetch(value: PrefetchValue, *, patient_id: str) -> Json | None:
    """Return the prefetch value that is read as ``value``; other patients' records are left out.

    A search in pages is one Bundle. One of which a part could not be read has a larger total than
    entries, and counts as such.
    """
    match value:
        case Failed(reason=reason, cause=cause):
            return _outcome(_CODES[cause], reason)
        case Missing(reason=reason):
            return _outcome("incomplete", reason)
        case Empty():
            return None
        case Present(values=(single,), partial=None) if not is_bundle(single):
            return dict(single)
        case Present(values=pages, partial=partial):
            return _bundle(pages, partial, patient_id)


def _bundle(pages: tuple[Mapping[str, Any], ...], partial: str | None, patient_id: str) -> Json:
    found: list[Any] = []
    for page in pages:
        of_page = entries(page) if is_bundle(page) else ({"resource": page},)
        found += [entry for entry in of_page if not _is_anothers(entry, patient_id)]
    bundle: Json = {"resourceType": "Bundle", "type": "searchset"}
    if partial:
        bundle["total"] = len(found) + 1
    return bundle | {"entry": found}


def _is_anothers(entry: object, patient_id: str) -> bool:
    resource = entry.get("resource") if isinstance(entry, dict) else None
    if isinstance(resource, dict) and resource.get("resourceType") == "Patient":
        return resource.get("id") != patient_id
    return is_of_others(entry, patient_id)


def _outcome(code: str, reason: str) -> Json:
    issue = {"severity": "error", "code": code, "diagnostics": reason}
    return {"resourceType": "OperationOutcome", "issue": [issue]}
