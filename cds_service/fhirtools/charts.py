"""Charts as a server can hold them: one id for each resource, whatever other charts hold."""

import hashlib
import json
import re
from typing import Any

from cds_service.replay.client import Json, Store

_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
_REFERENCE = re.compile(r"([A-Z][A-Za-z]+)/([^/#]+)")


def prepared(store: Store, *, keep_ids: bool = False) -> Store:
    """Return the chart with the patient's id before the ids of all other resources.

    Charts of different patients share ids such as ``Condition/dx``; one server cannot. The same
    chart gives the same ids each time, so that loading it again changes nothing. Of resources
    with one id the last stays.
    """
    patient = store.patient_id
    named: dict[str, Json] = {}
    renamed: dict[str, str] = {}
    for resource in store.resources:
        old = str(resource.get("id") or _digest(resource))
        new = old if keep_ids or resource["resourceType"] == "Patient" else _joined(patient, old)
        kind = resource["resourceType"]
        renamed[f"{kind}/{old}"] = f"{kind}/{new}"
        named[f"{kind}/{new}"] = {**resource, "id": new}
    return Store(tuple(_pointed(resource, renamed) for resource in named.values()))


def transaction(store: Store) -> Json:
    """Return the transaction that puts every resource of a chart in its place."""
    entries = [
        {
            "fullUrl": f"urn:uuid:{_uuid(path)}",
            "resource": {key: value for key, value in resource.items() if key != "meta"},
            "request": {"method": "PUT", "url": path},
        }
        for resource in store.resources
        for path in (f"{resource['resourceType']}/{resource['id']}",)
    ]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def _joined(patient: str, identifier: str) -> str:
    own = identifier == patient or identifier.startswith(f"{patient}-")
    joined = identifier if own else f"{patient}-{identifier}"
    if _ID.fullmatch(joined):
        return joined
    return f"{patient[:39]}-{hashlib.sha256(joined.encode()).hexdigest()[:24]}"


def _digest(resource: Json) -> str:
    return hashlib.sha256(json.dumps(resource, sort_keys=True).encode()).hexdigest()[:16]


def _uuid(path: str) -> str:
    digest = hashlib.sha256(path.encode()).hexdigest()
    parts = (digest[:8], digest[8:12], f"4{digest[13:16]}", f"8{digest[17:20]}", digest[20:32])
    return "-".join(parts)


def _pointed(node: Any, renamed: dict[str, str]) -> Any:  # noqa: ANN401 - any JSON node
    if isinstance(node, list):
        return [_pointed(item, renamed) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _target(value, renamed)
        if key == "reference" and isinstance(value, str)
        else _pointed(value, renamed)
        for key, value in node.items()
    }


def _target(reference: str, renamed: dict[str, str]) -> str:
    root, mark, rest = reference.partition("/_history/")
    if _REFERENCE.fullmatch(root) and root in renamed:
        return renamed[root] + mark + rest
    return reference
