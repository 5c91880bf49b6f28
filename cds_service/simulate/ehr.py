"""A FHIR server for one chart: reads, searches by patient, pages, and one awkward behaviour."""

import re
from collections import Counter
from collections.abc import Mapping
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from cds_service.replay.client import Json, Store
from cds_service.simulate import replies
from cds_service.simulate.behaviours import BEHAVIOURS, Behaviour, Trait
from cds_service.simulate.replies import Reply

#: The types without which the service gives no advice.
_REQUIRED = frozenset({"Patient", "Condition", "Procedure"})
_STU3 = {"ServiceRequest": "ProcedureRequest"}
_PAGE = 2
#: With pages of one hardly a search has only the first.
_BROKEN_PAGES = frozenset({"page-lost", "page-elsewhere", "page-endless", "page-slow"})
_OTHER = "somebody-else"
_PATIENT_TYPES = (
    "Condition",
    "Procedure",
    "Observation",
    "DiagnosticReport",
    "FamilyMemberHistory",
    "ServiceRequest",
    "Encounter",
)


class Ehr:
    """Serves ``store`` at ``base``, behaving as it was told."""

    def __init__(
        self,
        store: Store,
        *,
        base: str,
        behaviour: Behaviour = BEHAVIOURS["plain"],
        page: int | None = None,
    ) -> None:
        """Take the chart; ``page`` is the number of entries on a page."""
        self.base = base
        self.behaviour = behaviour
        self._store = store
        broken = behaviour.traits & _BROKEN_PAGES
        self._page = page or (1 if broken else _PAGE if "pages" in behaviour.traits else None)
        self._asked: Counter[str] = Counter()
        self._lock = Lock()

    def has(self, trait: Trait) -> bool:
        """Return whether the behaviour has a trait."""
        return trait in self.behaviour.traits

    def answer(self, method: str, path: str, body: str = "") -> Reply:
        """Return the answer to a request; ``path`` is below the base, with its query."""
        parts = urlsplit(path.lstrip("/"))
        kind, _, rest = parts.path.partition("/")
        posted = rest == "_search" and method == "POST"
        query = parse_qsl(body if posted else parts.query, keep_blank_values=True)
        with self._lock:
            before = self._asked[f"{method} {path} {body}"]
            self._asked[f"{method} {path} {body}"] += 1
        if kind == "metadata":
            return replies.reply(self._statement())
        good = self._good(kind, rest, query, posted=posted)
        if self.behaviour.optional_only and kind in _REQUIRED:
            return good
        if good.status != 200:  # noqa: PLR2004 - OK
            return good
        return self.behaviour.spoil(good, before)

    def _good(self, kind: str, rest: str, query: list[tuple[str, str]], *, posted: bool) -> Reply:
        modern = kind
        if self.has("stu3"):
            if kind in _STU3:
                return replies.status(404)(Reply(), 0)
            modern = next((new for new, old in _STU3.items() if old == kind), kind)
        if kind == "ServiceRequest" and self.has("no-orders"):
            return replies.status(404)(Reply(), 0)
        if not re.fullmatch(r"[A-Z][A-Za-z]+", kind):
            return replies.status(404)(Reply(), 0)
        if rest and not posted:
            return self._read(kind, rest)
        if not posted and self.has("post-only") and not any(n == "page" for n, _ in query):
            return replies.status(405)(Reply(), 0)
        return self._search(modern, kind, query)

    def _read(self, kind: str, identifier: str) -> Reply:
        found = self._store.read(f"{kind}/{identifier}")
        if kind == "Patient" and found and self.has("other-patient"):
            found = {**found, "id": _OTHER}
        return replies.reply(self._dressed(found)) if found else replies.status(404)(Reply(), 0)

    def _search(self, modern: str, kind: str, query: list[tuple[str, str]]) -> Reply:
        start = int(next((value for name, value in query if name == "page"), "0"))
        asked = [(name, value) for name, value in query if name != "page"]
        if start and self.has("page-lost"):
            return replies.status(500)(Reply(), 0)
        found = self._found(modern, asked)
        if modern != kind:
            found = [{**resource, "resourceType": kind} for resource in found]
        bundle = self._bundle(kind, found, asked, start)
        good = replies.reply(bundle)
        return replies.delayed(60.0)(good, 0) if start and self.has("page-slow") else good

    def _found(self, kind: str, asked: list[tuple[str, str]]) -> list[Json]:
        own = self._store.of_type(kind)
        others = [_somebody_elses(resource) for resource in (*own, *_danger(kind))]
        if self.has("only-others"):
            return others
        if self.has("ignores-quietly"):
            return [*others[:1], *own, *others[1:]]
        if self.has("ignores-patient"):
            # Everybody's, with a record that names nobody.
            return [*_danger(kind), *others[:1], *own, *others[1:]]
        bundle = self._store.search(kind, urlencode(asked))
        return [entry["resource"] for entry in bundle.get("entry", ())]

    def _bundle(
        self, kind: str, found: list[Json], asked: list[tuple[str, str]], start: int
    ) -> Json:
        size = self._page or max(1, len(found))
        entries: list[Json] = [
            {
                "fullUrl": f"{self.base}/{kind}/{resource.get('id')}",
                "resource": self._dressed(resource),
                "search": {"mode": "match"},
            }
            for resource in found[start : start + size]
        ]
        bundle: Json = {"resourceType": "Bundle", "type": "searchset"}
        if not self.has("no-total"):
            bundle["total"] = len(found)
        shown = [] if self.has("ignores-patient") else asked
        links = [] if self.has("no-self") else [_link("self", f"{self.base}/{kind}", shown)]
        if start + size < len(found) or (self.has("page-endless") and len(found) > size):
            links.append(self._next(kind, asked, start + size))
        if self.has("warnings"):
            warning = replies.outcome("informational", "warning")
            entries.append({"resource": warning, "search": {"mode": "outcome"}})
        if self.has("includes"):
            entries += self._included()
        if links:
            bundle["link"] = links
        if entries:
            bundle["entry"] = entries
        return bundle

    def _next(self, kind: str, asked: list[tuple[str, str]], start: int) -> Json:
        if self.has("page-elsewhere"):
            return {"relation": "next", "url": "https://elsewhere.example.org/pages/2"}
        if self.has("page-endless"):
            start = 1
        return _link("next", f"{self.base}/{kind}", [*asked, ("page", str(start))])

    def _included(self) -> list[Json]:
        patients = [_somebody_elses(p) for p in self._store.of_type("Patient")]
        added = [*self._store.of_type("Patient"), *patients]
        practitioner = {"resourceType": "Practitioner", "id": "dr-x", "name": [{"family": "X"}]}
        return [{"resource": r, "search": {"mode": "include"}} for r in (*added, practitioner)]

    def _dressed(self, resource: Json) -> Json:
        if self.has("absolute"):
            return dict(_references(resource, lambda text: f"{self.base}/{text}"))
        if self.has("versioned"):
            return dict(_references(resource, lambda text: f"{text}/_history/7"))
        return resource

    def _statement(self) -> Json:
        old = self.has("stu3")
        types = [*_PATIENT_TYPES, "Patient"]
        types = [_STU3.get(name, name) if old else name for name in types]
        return {
            "resourceType": "CapabilityStatement",
            "fhirVersion": "3.0.2" if old else "4.0.1",
            "status": "active",
            "kind": "instance",
            "date": "2026-01-01",
            "format": ["json"],
            "software": {"name": "cds-service simulate"},
            "rest": [{"mode": "server", "resource": [_supported(name) for name in types]}],
        }


def _danger(kind: str) -> tuple[Json, ...]:
    """Return what would give cards if it were taken for the patient's."""
    code = {"text": "Leiomyosarcoma of skin, dermal, left thigh"}
    named = {"resourceType": kind, "id": "not-of-this-patient"}
    if kind == "Condition":
        return ({**named, "code": code, "recordedDate": "2026-11-01"},)
    if kind == "DiagnosticReport":
        text = "Excision, skin of left thigh: dermal leiomyosarcoma. Margins positive."
        return ({**named, "status": "final", "conclusion": text, "issued": "2026-11-01"},)
    return ()


def _supported(kind: str) -> Json:
    return {
        "type": kind,
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "searchParam": [{"name": "patient", "type": "reference"}] * (kind != "Patient"),
    }


def _link(relation: str, url: str, query: list[tuple[str, str]]) -> Json:
    return {"relation": relation, "url": f"{url}?{urlencode(query)}" if query else url}


def _somebody_elses(resource: Mapping[str, Any]) -> Json:
    """Return a resource as another patient's; the first element that names nobody stays so."""
    other = {**resource, "id": f"{_OTHER}-{resource.get('id')}"}
    for name in ("subject", "patient"):
        if name in other:
            other[name] = {"reference": f"Patient/{_OTHER}"}
    if resource["resourceType"] != "Patient" and not {"subject", "patient"} & other.keys():
        other["subject"] = {"reference": f"Patient/{_OTHER}"}
    return other


def _references(node: Any, change: Any) -> Any:  # noqa: ANN401 - any JSON node
    if isinstance(node, list):
        return [_references(item, change) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: change(value)
        if key == "reference"
        and isinstance(value, str)
        and re.fullmatch(r"[A-Z][A-Za-z]+/[^/#]+", value)
        else _references(value, change)
        for key, value in node.items()
    }
