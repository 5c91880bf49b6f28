"""Every resource of every value, once: found, named, and freed of duplicates.

The order in which resources arrive, the key under which they come, and repetitions under
another id change nothing.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain

import orjson

from cds_service.chart.elements import Json, kind_of
from cds_service.chart.prefetch import entries, failure_of, is_bundle
from cds_service.facts import Issue

#: Bundles in Bundles are read this deep: a transaction in a collection, and one to spare.
_DEPTH = 3
_REFERENCE = re.compile(r"(?:\S*/)?([A-Z][A-Za-z]{2,40})/([^\s/#?|]{1,255})(?:/_history/[^/]*)?")
#: Ids of real servers go beyond FHIR's pattern; what would change an address is none.
_ID = re.compile(r"(?!\.+$)[^\s/?#&%\\\"<>{}|\x00-\x1f\x7f]{1,255}")
_NO_ID = "(no id)"
_MAX_REFERENCE = 2_000
#: What does not make two resources different things.
_LABELS = frozenset({"id", "meta", "text", "identifier", "fullUrl", "versionId", "implicitRules"})
_ROUNDS = 4
_UUID = "urn:uuid:"
_COMPARABLE = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS
#: The element that tells resources of one type apart best.
_WHEN = {
    "Observation": "effectiveDateTime",
    "DiagnosticReport": "effectiveDateTime",
    "Condition": "recordedDate",
    "Procedure": "performedPeriod",
    "Encounter": "period",
    "ServiceRequest": "authoredOn",
}
#: Types that hold others, or say something of the reading.
_OTHER = frozenset({"Bundle", "OperationOutcome"})


@dataclass(slots=True)
class Found:
    """A resource as it was found; ``key`` is where it came from, ``kind`` its type."""

    resource: Mapping[str, Json]
    kind: str
    key: str
    full_url: str | None
    from_context: bool
    reference: str = ""
    _content: bytes | None = None

    @property
    def content(self) -> bytes:
        """What the resource says, without its labels, as bytes; made where it is asked for."""
        if self._content is None:
            self._content = content(self.resource)
        return self._content

    @content.setter
    def content(self, content: bytes) -> None:
        self._content = content

    def came_under(self, key: str) -> bool:
        """Return whether the resource came under ``key``, alone or in a Bundle."""
        return self.key == key or self.key.startswith((f"{key}.", f"{key}["))

    @property
    def has_id(self) -> bool:
        """Whether the reference is the resource's own, not a number given here."""
        return f"/{_NO_ID} " not in self.reference


def is_id(text: str) -> bool:
    """Return whether a resource may have this id."""
    return bool(_ID.fullmatch(text))


@lru_cache(maxsize=1024)
def local(reference: str) -> str:
    """Return ``Type/id`` of a relative, absolute or versioned reference; others as they are."""
    if len(reference) > _MAX_REFERENCE:
        return reference[:_MAX_REFERENCE]
    match = _REFERENCE.fullmatch(reference.partition("|")[0].strip())
    return f"{match[1]}/{match[2]}" if match else reference


class Index:
    """All resources by canonical reference, and the meaning of every other reference."""

    def __init__(self) -> None:
        """Start empty."""
        self.issues: list[Issue] = []
        self._found: list[Found] = []
        self._names: dict[str, str] = {}
        self._merged: dict[str, str] = {}
        #: What references were resolved to since the last merger.
        self._resolved: dict[str, str] = {}
        self.by_reference: dict[str, Found] = {}

    def add(self, value: Json, key: str, *, from_context: bool = False) -> None:
        """Take the resources of a resource, a Bundle, or an array of either."""
        self._walk(value, key, None, from_context=from_context, depth=_DEPTH)

    def _walk(
        self, value: Json, where: str, full_url: str | None, *, from_context: bool, depth: int
    ) -> None:
        kind = value.get("resourceType") if isinstance(value, dict) else None
        if isinstance(kind, str) and kind.isalpha() and kind not in _OTHER:
            self._found.append(Found(value, kind, where, full_url, from_context))
        elif isinstance(value, list) or (isinstance(value, dict) and is_bundle(value)):
            if not depth:
                self.issues.append(Issue(where, "is nested too deep", "dropped"))
                return
            for place, url, item in self._parts(value, where):
                self._walk(item, place, url, from_context=from_context, depth=depth - 1)
        elif not isinstance(value, dict):
            self.issues.append(Issue(where, f"is {kind_of(value)} where a resource belongs"))
        elif kind == "OperationOutcome":
            if not failure_of(value):
                self.issues.append(Issue(where, "is a warning of the server"))
        else:
            self.issues.append(Issue(where, "has no resourceType", "dropped"))

    def _parts(self, value: Json, where: str) -> Iterator[tuple[str, str | None, Json]]:
        if isinstance(value, list):
            for number, item in enumerate(value):
                yield f"{where}[{number}]", None, item
            return
        for number, entry in enumerate(entries(value)):
            place = f"{where}.entry[{number}]"
            if isinstance(entry, dict):
                url = entry.get("fullUrl")
                plain = url.strip() if isinstance(url, str) and url.strip() else None
                yield f"{place}.resource", plain, entry.get("resource")
            else:
                self.issues.append(Issue(place, f"is {kind_of(entry)} where an object belongs"))

    def references_under(self, key: str, kind: str) -> set[str]:
        """Return the references of the resources of one type that came under ``key``."""
        return {
            found.reference for found in self._found if found.kind == kind and found.came_under(key)
        }

    def keep(self, found: Iterable[Found]) -> None:
        """Forget every resource but these: nothing else is to be found by a reference."""
        self.by_reference = {item.reference: item for item in found}

    def settle(self) -> list[Found]:
        """Name every resource, merge copies and duplicates, and return what remains."""
        for found in self._found:
            found.reference = self._reference_of(found)
        self._number_the_nameless()
        for found in self._found:
            if found.full_url:
                _claim(self._names, found.full_url, found.reference)
        remaining = self._merge_copies()
        alike = _alike(remaining)
        for _ in range(_ROUNDS):
            before = len(self._merged)
            alike = [self._merge_duplicates(group) for group in alike]
            if len(self._merged) == before:
                break
            self._resolved.clear()
            for found in chain.from_iterable(alike):
                found.content = self._rewritten(found.content)
        remaining = [found for found in remaining if found.reference not in self._merged]
        self.by_reference = {found.reference: found for found in remaining}
        return remaining

    def _reference_of(self, found: Found) -> str:
        raw = found.resource.get("id")
        if type(raw) is int:
            raw = str(raw) if abs(raw) < 10**18 else None
        if isinstance(raw, str) and is_id(raw):
            return f"{found.kind}/{raw}"
        if raw is not None:
            self.issues.append(Issue(f"{found.key}.id", "is no id; the resource is read without"))
        named = local(found.full_url) if found.full_url else ""
        return (
            named if named.startswith(f"{found.kind}/") and is_id(named.partition("/")[2]) else ""
        )

    def _number_the_nameless(self) -> None:
        nameless = sorted(
            (found for found in self._found if not found.reference),
            key=lambda found: (found.kind, found.content, found.full_url or ""),
        )
        count: dict[str, int] = {}
        for found in nameless:
            count[found.kind] = count.get(found.kind, 0) + 1
            found.reference = f"{found.kind}/{_NO_ID} {count[found.kind]}"

    def _merge_copies(self) -> list[Found]:
        groups: dict[str, list[Found]] = {}
        for found in self._found:
            groups.setdefault(found.reference, []).append(found)
        return [
            group[0] if len(group) == 1 else _marked(max(group, key=_age), group)
            for group in groups.values()
        ]

    def _merge_duplicates(self, alike: Iterable[Found]) -> list[Found]:
        groups: dict[bytes, list[Found]] = {}
        for found in alike:
            groups.setdefault(found.content or found.reference.encode(), []).append(found)
        kept = []
        for group in groups.values():
            best = _marked(min(group, key=_plainest), group)
            kept.append(best)
            for found in group:
                if found is not best:
                    self._merged[found.reference] = best.reference
        return kept

    def _rewritten(self, content: bytes) -> bytes:
        for match in set(re.findall(rb'"reference":"([^"\\]+)"', content)):
            name = match.decode()
            target = self.resolve(name, "")
            if target != name:
                content = content.replace(
                    b'"reference":"' + match + b'"', b'"reference":"' + target.encode() + b'"'
                )
        return content

    def resolve(self, reference: str, container: str) -> str:
        """Return the canonical form of ``reference``, which stands in ``container``."""
        if reference.startswith("#"):
            root = container.partition("#")[0]
            return root + reference if len(reference) > 1 else root
        target = self._resolved.get(reference)
        if target is None:
            target = self._resolved[reference] = self._target(reference)
        return target

    def _target(self, reference: str) -> str:
        target = self._named(reference) or local(reference)
        seen = 0
        while target in self._merged and seen <= _ROUNDS:
            target = self._merged[target]
            seen += 1
        return target

    def _named(self, reference: str) -> str | None:
        """Return whom an address names: an entry by its ``fullUrl``, or a resource by its UUID."""
        claims = [self._names.get(reference)]
        if reference.startswith(_UUID):
            claims.append(self._by_uuid.get(reference.removeprefix(_UUID)))
        return min((claim for claim in claims if claim), default=None)

    @cached_property
    def _by_uuid(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for item in self._found:
            if item.has_id:
                _claim(found, item.reference.partition("/")[2], item.reference)
        return found

    def find(self, reference: str) -> Mapping[str, Json] | None:
        """Return the resource with this canonical reference, contained ones included."""
        found = self.by_reference.get(reference)
        if found:
            return found.resource
        root, _, fragment = reference.partition("#")
        container = self.by_reference.get(root) if fragment else None
        for item in contained(container.resource) if container else ():
            if item.get("id") in (fragment, f"#{fragment}"):
                return item
        return None


def contained(resource: Mapping[str, Json]) -> Iterator[Mapping[str, Json]]:
    """Yield the contained resources that have a type."""
    raw = resource.get("contained")
    for item in raw if isinstance(raw, list) else [raw]:
        if isinstance(item, dict) and isinstance(item.get("resourceType"), str):
            yield item


def _claim(names: dict[str, str], name: str, reference: str) -> None:
    # Where two entries claim one address, the order must not decide.
    names[name] = min(names.get(name, reference), reference)


def _alike(remaining: Iterable[Found]) -> list[list[Found]]:
    """Return the groups in which there may be duplicates: of one type, day and code."""
    groups: dict[tuple[str, bytes], list[Found]] = {}
    for found in remaining:
        groups.setdefault((found.kind, _sketch(found)), []).append(found)
    return [group for group in groups.values() if len(group) > 1]


def _sketch(found: Found) -> bytes:
    """Return a part of the content that is cheap to make, and that no merger changes."""
    resource = found.resource
    parts = [resource.get(_WHEN.get(found.kind, "")), resource.get("code")]
    try:
        sketch = orjson.dumps(parts, option=_COMPARABLE)
    except TypeError:
        return b""
    return b"" if b'"reference"' in sketch else sketch


def content(resource: Mapping[str, Json]) -> bytes:
    """Return what a resource says, as bytes: two of one type that say the same are one."""
    body = {name: value for name, value in resource.items() if name not in _LABELS}
    try:
        return orjson.dumps(body, option=_COMPARABLE)
    except (TypeError, ValueError, RecursionError):
        pass
    try:
        return json.dumps(body, sort_keys=True).encode(errors="replace")
    except (TypeError, ValueError, RecursionError):
        return b""


def _marked(best: Found, group: Iterable[Found]) -> Found:
    best.from_context = any(found.from_context for found in group)
    return best


def _plainest(found: Found) -> tuple[bool, bool, int, str]:
    """Sort the copy whose reference is to stay first."""
    return (not found.has_id, not found.from_context, len(found.reference), found.reference)


def _age(found: Found) -> tuple[bool, str, int, int, bytes]:
    """Sort the newest copy last; the context's is the one that is being entered now."""
    meta = found.resource.get("meta")
    stamp = meta.get("lastUpdated") if isinstance(meta, dict) else None
    version = meta.get("versionId") if isinstance(meta, dict) else None
    return (
        found.from_context,
        stamp if isinstance(stamp, str) else "",
        int(version) if isinstance(version, str) and re.fullmatch(r"[0-9]{1,9}", version) else -1,
        len(found.content),
        found.content,
    )
