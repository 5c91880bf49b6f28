"""What stands around resources: Bundles, prefetch values, hook requests, expectations."""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from cds_service.chart.index import content
from cds_service.chart.prefetch import entries, is_bundle, next_link
from cds_service.chart.screen import names_patient
from cds_service.hooks import services
from cds_service.hooks.base import PREFETCH
from cds_service.scrub.measures import Raw
from cds_service.scrub.names import Names
from cds_service.scrub.offset import Offset
from cds_service.scrub.resource import HOST, REMOVED, Cleaner
from cds_service.scrub.text import Text

Json = dict[str, Any]

_BUNDLE_TYPES = frozenset(
    {"collection", "searchset", "batch", "transaction", "document", "history", "message"}
)
# A tuple, because what is looked up may be any JSON, unhashable included.
_MODES = ("match", "include", "outcome")
_WORD = re.compile(r"[a-z]{2,20}(?:-[a-z]{1,20}){0,4}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_USER = re.compile(r"(Practitioner|PractitionerRole|Patient|RelatedPerson)/([^/\s]+)")
_DEEPEST = 8
_EPIC = {
    "com.epic.cdshooks.request.bpa-trigger-action": re.compile(r"\d{1,2}"),
    "com.epic.cdshooks.request.fhir-version": re.compile(
        r"(?i:(?:fhir ?)?(?:r[2-6]b?|d?stu ?\d|\d{1,2}(?:\.\d{1,2}){0,3}))"
    ),
}
_HOOKS = frozenset(service.hook for service in services())
_WINDOW = ("depth", "earliest", "latest", "lenient_latest", "status")
#: What people write into an expectation.
_HUMAN = ("says", "never_says", "never_suggests")
_DATED = re.compile(r"\d{4}|\d[./-]\d")


class Envelope:
    """Scrubs the JSON of one patient's files."""

    def __init__(
        self,
        cleaner: Cleaner,
        *,
        names: Names,
        offset: Offset,
        text: Text,
        patient: str,
        dropped: Counter[str],
    ) -> None:
        """Take the cleaner of resources; ``patient`` is the old id of the patient."""
        self._cleaner = cleaner
        self._names = names
        self._offset = offset
        self._text = text
        self._patient = patient
        self._dropped = dropped
        #: What two different resources have become, if it is the same.
        self._seen: dict[bytes, list[bytes]] = {}

    def chart(self, bundle: Json) -> Json:
        """Return a chart."""
        found: Json = self.value(bundle)
        return found

    def value(self, value: Raw, *, depth: int = _DEEPEST) -> Raw:
        """Return what stands where a resource or a Bundle may stand."""
        if isinstance(value, list):
            return [self.value(item, depth=depth - 1) for item in value] if depth else []
        if not isinstance(value, dict):
            return _of_same_type(value)
        if is_bundle(value):
            return self._bundle(value, depth) if depth else {"resourceType": "Bundle"}
        if value.get("resourceType") == "OperationOutcome":
            return _outcome(value)
        return self.resource(value) or {"resourceType": "Basic"}

    def resource(self, value: Mapping[str, Any], *, full_url: str | None = None) -> Json | None:
        """Return a resource that is as different from all others as it was."""
        found = self._cleaner.resource(value, full_url=full_url)
        if found is None:
            return None
        old, new = content(value), content(found)
        same = self._seen.setdefault(new, [])
        if old not in same:
            same.append(old)
        if number := same.index(old):
            mark = {"url": f"{HOST}/distinct", "valueInteger": number}
            found["extension"] = [*found.get("extension", ()), mark]
        return found

    def _bundle(self, value: Mapping[str, Any], depth: int) -> Json:
        found: Json = {"resourceType": "Bundle"}
        if value.get("resourceType") is None:
            del found["resourceType"]
        if isinstance(value.get("type"), str):
            known = value["type"] in _BUNDLE_TYPES
            found["type"] = value["type"] if known else REMOVED
        if type(value.get("total")) is int:
            found["total"] = value["total"]
        links = self._links(value)
        if links:
            found["link"] = links
        if "entry" in value and value["entry"] is not None:
            kept = (self._entry(entry, depth) for entry in entries(value))
            found["entry"] = [entry for entry in kept if entry is not None]
        return found

    def _links(self, value: Mapping[str, Any]) -> list[Json]:
        """Keep what links say: that there is another page, that a search was not the patient's."""
        raw = value.get("link")
        own = [one for one in (raw if isinstance(raw, list) else [raw]) if isinstance(one, dict)]
        selves = [one.get("url") for one in own if one.get("relation") == "self"]
        found: list[Json] = []
        if any(not names_patient(url, self._patient) for url in selves):
            found.append({"relation": "self", "url": f"{HOST}/search"})
        if next_link(value):
            found.append({"relation": "next", "url": ""})
        return found

    def _entry(self, entry: Raw, depth: int) -> Raw:
        if not isinstance(entry, dict):
            return _of_same_type(entry)
        found: Json = {}
        resource, url = entry.get("resource"), entry.get("fullUrl")
        url = url.strip() if isinstance(url, str) else None
        if isinstance(resource, dict) and not is_bundle(resource) and not _is_outcome(resource):
            kept = self.resource(resource, full_url=url)
            if kept is None:
                return None
            found["resource"] = kept
            if url and "id" not in kept:
                found["fullUrl"] = f"urn:uuid:{self._names.uuid(url)}"
        elif resource is not None:
            found["resource"] = self.value(resource, depth=depth - 1)
        search = entry.get("search")
        if isinstance(search, dict) and search.get("mode") in _MODES:
            found["search"] = {"mode": search["mode"]}
        return found

    # --- Requests ---

    def request(self, body: Json) -> Json:
        """Return a hook request."""
        found: Json = {}
        for name, value in body.items():
            if name == "hook":
                known = isinstance(value, str) and _WORD.fullmatch(value)
                found[name] = value if known else _of_same_type(value)
            elif name == "hookInstance":
                known = isinstance(value, str) and _UUID.fullmatch(value)
                found[name] = self._names.uuid(value) if known else _of_same_type(value)
            elif name == "context" and isinstance(value, dict):
                found[name] = self._context(value)
            elif name == "prefetch" and isinstance(value, dict):
                found[name] = self._prefetch(value)
            elif name == "extension" and isinstance(value, dict):
                found[name] = _extension(value)
            elif name == "fhirServer":
                is_address = isinstance(value, str) and value.startswith(("http://", "https://"))
                found[name] = f"{HOST}/fhir" if is_address else _of_same_type(value)
            elif name == "fhirAuthorization" and isinstance(value, dict):
                found[name] = self._authorization(value)
            elif name in {"context", "prefetch", "extension", "fhirAuthorization"}:
                found[name] = _of_same_type(value)
            else:
                self._dropped["request.?"] += 1
        return found

    def _context(self, value: Json) -> Json:
        found: Json = {}
        for name, item in value.items():
            if name == "userId":
                match = _USER.fullmatch(item) if isinstance(item, str) else None
                found[name] = f"{match[1]}/0001" if match else _of_same_type(item)
            elif name in {"patientId", "encounterId"}:
                kind = "Patient" if name == "patientId" else "Encounter"
                is_id = isinstance(item, str) and re.fullmatch(r"[^\s/]+", item)
                found[name] = self._names.id(kind, item) if is_id else _of_same_type(item)
            elif name in {"conditions", "draftOrders"}:
                found[name] = self.value(item)
            elif name == "selections" and isinstance(item, list):
                found[name] = [self._selection(one) for one in item]
            elif name == "selections":
                found[name] = _of_same_type(item)
            else:
                self._dropped["context.?"] += 1
        return found

    def _selection(self, value: Raw) -> Raw:
        if not isinstance(value, str):
            return _of_same_type(value)
        return self._names.reference(value) or self._names.bare(value.strip()) or REMOVED

    def _prefetch(self, value: Json) -> Json:
        found = {name: self.value(item) for name, item in value.items() if name in PREFETCH}
        self._dropped["prefetch.?"] += len(value) - len(found)
        return found

    def _authorization(self, value: Json) -> Json:
        bearer = str(value.get("token_type", "")).lower() == "bearer"
        known = {"token_type": "Bearer" if bearer else REMOVED, "patient": self._patient_of(value)}
        return {
            name: known.get(name, _of_same_type(item))
            for name, item in value.items()
            if name in {"access_token", "token_type", "expires_in", "scope", "subject", "patient"}
        }

    def _patient_of(self, value: Json) -> Raw:
        patient = value.get("patient")
        if not isinstance(patient, str):
            return _of_same_type(patient)
        return self._names.id("Patient", patient.removeprefix("Patient/"))

    # --- Expectations ---

    def expected(self, body: Json) -> Json:
        """Return an expectation: its dates moved, the words of people only without dates."""
        found: Json = {}
        today = body.get("today")
        moved = self._offset.iso(today) if isinstance(today, str) else None
        if moved:
            found["today"] = moved
        for name in ("topics", "tumours"):
            if name in body:
                found[name] = self._stated(body[name])
        if "hooks" in body:
            found["hooks"] = {
                hook: self._hook(said) for hook, said in body["hooks"].items() if hook in _HOOKS
            }
        if "windows" in body:
            found["windows"] = [
                {
                    name: self._offset.iso(str(one)) or one
                    for name, one in window.items()
                    if name in _WINDOW
                }
                for window in body["windows"]
            ]
        if "dropped" in body:
            found["dropped"] = sorted(filter(None, map(self._names.reference, body["dropped"])))
        for name in _HUMAN:
            if name in body:
                kept = {
                    topic: [self._text(one) for one in texts if not _DATED.search(one)]
                    for topic, texts in body[name].items()
                }
                if kept := {topic: texts for topic, texts in kept.items() if texts}:
                    found[name] = kept
        return found

    def _hook(self, said: Raw) -> Raw:
        if not isinstance(said, dict):
            return self._stated(said)
        found = {name: self._stated(said[name]) for name in ("status", "cards") if name in said}
        if "conditions" in said:
            named = (self._names.reference(str(one)) for one in said["conditions"])
            found["conditions"] = [one for one in named if one]
        return found

    def _stated(self, value: Raw) -> Raw:
        """Return the words of an expectation, each of which may come from the chart."""
        if isinstance(value, dict):
            return {str(name): self._stated(one) for name, one in value.items()}
        if isinstance(value, list):
            return [self._stated(one) for one in value]
        return self._text.label(value) if isinstance(value, str) else value


def _of_same_type(value: Raw) -> Raw:
    """Return something of the same JSON type that says nothing."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, str):
        return REMOVED if value.strip() else value
    if isinstance(value, list | dict):
        return type(value)()
    return 0 if value >= 0 else -1


def _is_outcome(resource: Json) -> bool:
    return resource.get("resourceType") == "OperationOutcome"


def _outcome(value: Json) -> Json:
    raw = value.get("issue")
    issues = [one for one in (raw if isinstance(raw, list) else [raw]) if isinstance(one, dict)]
    return {
        "resourceType": "OperationOutcome",
        "issue": [
            {
                name: one[name]
                for name in ("severity", "code")
                if isinstance(one.get(name), str) and _WORD.fullmatch(one[name])
            }
            for one in issues
        ],
    }


def _extension(value: Json) -> Json:
    return {
        name: item
        for name, item in value.items()
        if name in _EPIC and _EPIC[name].fullmatch(str(item))
    }
