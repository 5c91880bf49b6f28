"""The CDS client's part of CDS Hooks: prefetch templates resolved against a file of resources.

A chart is a FHIR Bundle of any type. It is read as a server would have stored it: nested
Bundles are flattened, and references to an entry's ``fullUrl`` become ``Type/id``.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

Json = dict[str, Any]

_TOKEN = re.compile(r"\{\{\s*(.*?)\s*\}\}")
_REFERENCE = re.compile(r"(?:^|/)([A-Z][A-Za-z]+/[A-Za-z0-9.\-]{1,64})(?:/_history/[^/]+)?$")
_USER_TOKENS = {
    "userPractitionerId": "Practitioner",
    "userPractitionerRoleId": "PractitionerRole",
    "userPatientId": "Patient",
    "userRelatedPersonId": "RelatedPerson",
}
_NESTING = 8


class ChartError(ValueError):
    """The file is JSON, but cannot stand for a patient's chart; the message says why."""


class UnresolvableError(ValueError):
    """A prefetch template that this client cannot satisfy; the message says which part."""


@dataclass(frozen=True, slots=True)
class Store:
    """The resources of one chart, with the read and search of a FHIR server."""

    resources: tuple[Json, ...]

    @classmethod
    def of(cls, bundle: Json) -> "Store":
        """Return the store of a Bundle's resources; ``ChartError`` when it holds none."""
        entries = tuple(_entries(bundle, _NESTING))
        if not entries:
            raise ChartError("the Bundle holds no resource: entry[].resource is missing or empty")
        known = {
            url: f"{resource['resourceType']}/{resource['id']}"
            for url, resource in entries
            if url and "id" in resource
        }
        return cls(tuple(_relative(resource, known) for _, resource in entries))

    @property
    def patient_id(self) -> str:
        """The id of the chart's one Patient; ``ChartError`` when there is none or several."""
        ids = sorted({str(p.get("id", "")) for p in self.of_type("Patient")})
        if len(ids) != 1 or not ids[0]:
            found = f"{len(ids)} Patients" if ids != [""] else "a Patient without id"
            raise ChartError(
                f"the Bundle holds {found}; a chart holds exactly one Patient with an id"
            )
        return ids[0]

    def of_type(self, kind: str) -> tuple[Json, ...]:
        """Return the resources of a type, in the order of the file."""
        return tuple(r for r in self.resources if r["resourceType"] == kind)

    def read(self, reference: str) -> Json | None:
        """Return the resource of ``Type/id``, or None."""
        kind, _, wanted = reference.partition("/")
        return next((r for r in self.of_type(kind) if r.get("id") == wanted), None)

    def search(self, kind: str, query: str) -> Json:
        """Return the searchset of a type-level search.

        Understood are ``patient`` and ``subject``, ``_id`` and token parameters named after
        an element; control parameters (``_count``, ``_sort``) change nothing, because the
        whole result is one page. Anything else raises ``UnresolvableError``.
        """
        found = self.of_type(kind)
        for name, value in parse_qsl(query, keep_blank_values=True):
            found = tuple(r for r in found if _matches(r, name, value))
        bundle: Json = {"resourceType": "Bundle", "type": "searchset", "total": len(found)}
        if found:
            bundle["entry"] = [{"resource": r, "search": {"mode": "match"}} for r in found]
        return bundle


def prefetch(
    templates: Mapping[str, str], *, context: Mapping[str, Any], store: Store
) -> tuple[Json, dict[str, str]]:
    """Resolve every template: the prefetch object, and the keys left out with the reason.

    A search without a match is an empty Bundle; a read without a match leaves its key out.
    """
    values: Json = {}
    left_out: dict[str, str] = {}
    for key, template in templates.items():
        try:
            query = _fill(template, context)
            kind, _, parameters = query.partition("?")
            value = store.search(kind, parameters) if "?" in query else store.read(query)
        except UnresolvableError as error:
            left_out[key] = str(error)
            continue
        if value is None:
            left_out[key] = f"{query} is not in the chart"
        else:
            values[key] = value
    return values, left_out


def _entries(bundle: Json, depth: int) -> Iterator[tuple[str | None, Json]]:
    entries = bundle.get("entry")
    for entry in entries if isinstance(entries, list) else ():
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
            continue
        if resource["resourceType"] == "Bundle":
            if depth:
                yield from _entries(resource, depth - 1)
        else:
            yield entry.get("fullUrl"), resource


def _relative(node: Any, known: Mapping[str, str]) -> Any:  # noqa: ANN401 - any JSON node
    if isinstance(node, list):
        return [_relative(item, known) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: known.get(value, value)
        if key == "reference" and isinstance(value, str)
        else _relative(value, known)
        for key, value in node.items()
    }


def _fill(template: str, context: Mapping[str, Any]) -> str:
    def value(match: re.Match[str]) -> str:
        token = match.group(1)
        kind, _, identifier = str(context.get("userId", "")).partition("/")
        if _USER_TOKENS.get(token) == kind:
            return identifier
        known = context.get(token.removeprefix("context.")) if "context." in token else None
        if not isinstance(known, str | int) or isinstance(known, bool):
            raise UnresolvableError(f"the context has no value for {{{{{token}}}}}")
        return str(known)

    return _TOKEN.sub(value, template)


def _matches(resource: Json, name: str, value: str) -> bool:
    if name == "_id":
        return resource.get("id") in value.split(",")
    if name.startswith("_"):
        return True
    if name in ("patient", "subject"):
        return bool(_owners(resource) & {_owner(each) for each in value.split(",")})
    element, *humps = name.split("-")
    field = element + "".join(hump.capitalize() for hump in humps)
    if ":" in name or "." in name or field in ("date", "lastUpdated"):
        raise UnresolvableError(f"the search parameter {name} is not one that replay can evaluate")
    held = set(_tokens(resource.get(field)))
    return any(_token_matches(wanted, held) for wanted in value.split(","))


def _owners(resource: Json) -> set[str]:
    named = (resource.get(field) for field in ("subject", "patient", "individual"))
    return {
        _owner(str(it["reference"])) for it in named if isinstance(it, dict) and "reference" in it
    }


def _owner(reference: str) -> str:
    found = _REFERENCE.search(reference)
    return found.group(1) if found else f"Patient/{reference}"


def _tokens(value: object) -> Iterator[tuple[str | None, str]]:
    """Yield (system, code) of a code, Coding, CodeableConcept or a list of them."""
    if isinstance(value, str):
        yield None, value
    elif isinstance(value, list):
        for item in value:
            yield from _tokens(item)
    elif isinstance(value, dict):
        if isinstance(value.get("code"), str):
            yield value.get("system"), value["code"]
        yield from _tokens(value.get("coding"))


def _token_matches(wanted: str, held: set[tuple[str | None, str]]) -> bool:
    system, bar, code = wanted.rpartition("|")
    return any(code in ("", c) and (not bar or system == (s or "")) for s, c in held)
