"""Whose every resource is: a piece of JSON in, records by patient out.

A piece is a line of NDJSON or a whole file: a resource, a Bundle of any type and of any number
of patients, an object with ``resources``, an array, or the manifest of an export. What has no
patient that can be told is a problem, and never guessed at.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from cds_service.chart.elements import items, kind_of
from cds_service.chart.index import local
from cds_service.chart.prefetch import entries, failure_of, is_bundle, next_link
from cds_service.screen.kinds import KEYS

Json = dict[str, Any]

_NESTING = 8
_UUID = "urn:uuid:"
_PATIENT = "Patient/"
_SUBJECTS = ("subject", "patient")
_TYPE = re.compile(rb'"resourceType"\s*:\s*"([A-Za-z]+)"')
_SUBJECT = re.compile(
    rb'"(?:subject|patient)"\s*:\s*\{[^{}]*?"reference"\s*:\s*'
    rb'"(?:[^"\\]*/)?(?:Patient/|urn:uuid:)([A-Za-z0-9.\-]{1,64})(?:/_history/[^"\\]*)?"'
)
_OWN_ID = re.compile(rb'"resourceType"\s*:\s*"Patient"\s*,\s*"id"\s*:\s*"([A-Za-z0-9.\-]{1,64})"')


@dataclass(slots=True)
class Sorted:
    """What one piece held.

    A record is a patient's id and a payload: a resource, an entry of a Bundle (``fullUrl`` and
    ``resource``), or a mark. ``{"whole": true}`` marks a patient whose whole chart came in one
    piece, ``{"damaged": [key, …]}`` one of whom something could not be read, and
    ``{"deleted": true}`` one whose Patient was deleted.
    """

    records: list[tuple[str, bytes]] = field(default_factory=list)
    #: The type of every resource, those that are not needed included.
    types: list[str] = field(default_factory=list)
    #: References of resources that the export says were deleted.
    deleted: list[str] = field(default_factory=list)
    #: What could not be read, and what was left out with reason; without patient data.
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    manifest: Json | None = None
    #: JSON, but not FHIR.
    foreign: bool = False


class _Entry(NamedTuple):
    url: str | None
    resource: Json
    included: bool


def sort(raw: bytes) -> Sorted:
    """Return what a piece holds; nothing in it raises."""
    found = Sorted()
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        line = f"line {error.lineno}, " if error.lineno > 1 else ""
        found.problems.append(f"is not valid JSON ({line}column {error.colno})")
        _salvage(raw, found)
        return found
    if isinstance(value, dict) and value.get("resourceType") in KEYS:
        _resource(value, raw if b"\n" not in raw else orjson.dumps(value), found)
    else:
        _collection(value, found)
    return found


def reference_of(payload: bytes) -> str | None:
    """Return the reference of a record's resource; None of a mark, or without an id."""
    value = orjson.loads(payload)
    resource = value.get("resource", value)
    name = resource.get("id")
    return f"{resource['resourceType']}/{name}" if name and "resourceType" in resource else None


def _salvage(raw: bytes, found: Sorted) -> None:
    """Mark the patients whom a broken piece names: something of theirs is not known."""
    keys = {KEYS[kind] for name in _TYPE.findall(raw) if (kind := name.decode()) in KEYS}
    if _TYPE.search(raw) and not keys:
        return  # of a type that is not read
    mark = orjson.dumps({"damaged": sorted(keys or set(KEYS.values()))})
    patients = {*_SUBJECT.findall(raw), *_OWN_ID.findall(raw)}
    found.records += [(name.decode(), mark) for name in sorted(patients)]


def _resource(resource: Json, raw: bytes, found: Sorted) -> None:
    """Sort a resource that stands alone."""
    kind = resource["resourceType"]
    found.types.append(kind)
    if kind == "Patient":
        patient = _id_of(_Entry(None, resource, included=False))
        if patient:
            found.records.append((patient, raw))
        else:
            found.problems.append("is a Patient without id")
        return
    owner = _owner(resource, {})
    if owner.patient:
        found.records.append((owner.patient, raw))
    else:
        (found.problems if owner.lost else found.notes).append(f"{kind} {owner.reason}")


def _collection(value: object, found: Sorted) -> None:
    if isinstance(value, dict) and is_bundle(value):
        _group(list(_flat(value, found, _NESTING)), found, partial=bool(next_link(value)))
    elif isinstance(value, list):
        _group(list(_parts(value, found, _NESTING)), found)
    elif not isinstance(value, dict):
        found.problems.append(f"is {kind_of(value)} where a resource belongs")
    elif isinstance(value.get("resourceType"), str):
        _other(value, found)
    elif isinstance(value.get("resources"), list):
        _group(list(_parts(value["resources"], found, _NESTING)), found)
    elif isinstance(value.get("output"), list) and "transactionTime" in value:
        found.manifest = value
    else:
        found.foreign = True


def _flat(bundle: Json, found: Sorted, depth: int) -> Iterator[_Entry]:
    """Yield the resources of a Bundle and of the Bundles in it."""
    if next_link(bundle):
        found.notes.append("is a page of a Bundle that goes on elsewhere")
    for entry in entries(bundle):
        if not isinstance(entry, dict):
            found.problems.append(f"has {kind_of(entry)} where an entry belongs")
            continue
        request = entry.get("request")
        if isinstance(request, dict) and request.get("method") == "DELETE":
            _deleted(request.get("url"), found)
        elif entry.get("resource") is not None:
            search = entry.get("search")
            included = isinstance(search, dict) and search.get("mode") == "include"
            url = entry.get("fullUrl")
            plain = url.strip() if isinstance(url, str) and url.strip() else None
            yield from _part(entry["resource"], found, depth, plain, included=included)
        elif not isinstance(entry.get("response"), dict):
            found.problems.append("has an entry without a resource")


def _parts(values: list[Any], found: Sorted, depth: int) -> Iterator[_Entry]:
    for value in values:
        yield from _part(value, found, depth, None)


def _part(
    value: object, found: Sorted, depth: int, url: str | None, *, included: bool = False
) -> Iterator[_Entry]:
    if not isinstance(value, dict):
        found.problems.append(f"has {kind_of(value)} where a resource belongs")
    elif is_bundle(value):
        if depth:
            yield from _flat(value, found, depth - 1)
        else:
            found.problems.append("has Bundles in Bundles too deep")
    elif not isinstance(value.get("resourceType"), str):
        found.problems.append("has a resource without resourceType")
    elif value["resourceType"] in KEYS:
        yield _Entry(url, value, included)
    else:
        _other(value, found)


def _other(resource: Json, found: Sorted) -> None:
    """Note a resource of a type that is not needed; what reports a failure is a problem."""
    found.types.append(resource["resourceType"])
    if resource["resourceType"] == "OperationOutcome":
        code = failure_of(resource)
        if code:
            found.problems.append(f"is the server's report that data could not be had ({code})")
        else:
            found.notes.append("is a remark of the server")


def _deleted(url: object, found: Sorted) -> None:
    reference = local(url.strip()) if isinstance(url, str) else ""
    if re.fullmatch(r"[A-Za-z]+/[^/?#]+", reference):
        found.deleted.append(reference)
        if reference.startswith(_PATIENT):
            mark = orjson.dumps({"deleted": True})
            found.records.append((reference.removeprefix(_PATIENT), mark))
    else:
        found.problems.append("deletes something that is not named by its reference")


def _group(group: list[_Entry], found: Sorted, *, partial: bool = False) -> None:
    """Sort resources that came together: they may name each other by their addresses."""
    names: dict[str, str] = {}
    patients: dict[str, bool] = {}
    kinds = set(found.types)
    for entry in group:
        kind = entry.resource["resourceType"]
        found.types.append(kind)
        kinds.add(kind)
        if kind != "Patient":
            continue
        patient = _id_of(entry)
        if not patient:
            found.problems.append("has a Patient without id")
            continue
        patients[patient] = patients.get(patient, True) and entry.included
        names.setdefault(f"{_UUID}{patient}", patient)
        if entry.url:
            names[entry.url] = patient
    alone = next(iter(patients)) if len(patients) == 1 else None
    for entry in group:
        _entry(entry, names, alone, found)
    if kinds - {"Patient"} and not partial:
        whole = orjson.dumps({"whole": True})
        found.records += [(patient, whole) for patient, mere in patients.items() if not mere]


def _entry(entry: _Entry, names: Mapping[str, str], alone: str | None, found: Sorted) -> None:
    resource = entry.resource
    if resource["resourceType"] == "Patient":
        patient = _id_of(entry)
        if patient:
            resource["id"] = patient
            found.records.append((patient, _payload(entry)))
        return
    owner = _owner(resource, names)
    patient = owner.patient or (alone if owner.implied else None)
    if patient:
        found.records.append((patient, _payload(entry)))
    else:
        reasons = found.problems if owner.lost else found.notes
        reasons.append(f"{resource['resourceType']} {owner.reason}")


def _payload(entry: _Entry) -> bytes:
    if entry.url is None:
        return orjson.dumps(entry.resource)
    return orjson.dumps({"fullUrl": entry.url, "resource": entry.resource})


def _id_of(entry: _Entry) -> str | None:
    """Return the id of a Patient: its own, else that of its address."""
    raw = entry.resource.get("id")
    if isinstance(raw, str) and raw.strip():
        return raw.strip()
    if type(raw) is int:
        return str(raw)
    name = local(entry.url or "").removeprefix(_UUID).removeprefix(_PATIENT)
    return name if name and "/" not in name and ":" not in name else None


class _Owner(NamedTuple):
    patient: str | None = None
    reason: str = ""
    #: In a chart of one patient it is that patient's.
    implied: bool = False
    lost: bool = True


def _owner(resource: Json, names: Mapping[str, str]) -> _Owner:
    """Return whose a resource is, or why that cannot be told."""
    patients: set[str] = set()
    why = _Owner(reason="does not name its patient", implied=True)
    for element in _SUBJECTS:
        for value in items(resource.get(element)):
            target = value.get("reference") if isinstance(value, dict) else value
            if not isinstance(target, str) or not target.strip():
                if isinstance(value, dict) and value.get("identifier"):
                    why = _Owner(reason="names its patient by an identifier alone", implied=True)
                continue
            patient = _resolved(target.strip(), names)
            if patient:
                patients.add(patient)
            else:
                why = _unresolved(target.strip())
    if len(patients) > 1:
        return _Owner(reason="names several patients")
    return _Owner(patients.pop()) if patients else why


def _resolved(target: str, names: Mapping[str, str]) -> str | None:
    if target in names:
        return names[target]
    name = local(target)
    if name.startswith(_PATIENT):
        return name.removeprefix(_PATIENT) if "?" not in name else None
    return name.removeprefix(_UUID) if name.startswith(_UUID) else None


def _unresolved(target: str) -> _Owner:
    if target.startswith("#"):
        return _Owner(reason="names a contained patient", implied=True)
    if "?" in target:
        return _Owner(reason="names its patient by a search")
    kind = local(target).partition("/")[0]
    if kind.isalpha() and "/" in local(target):
        return _Owner(reason=f"is about a {kind}", lost=False)
    return _Owner(reason="names its patient by an address that cannot be resolved")
