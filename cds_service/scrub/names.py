"""New names for old ones: ids, references, identifiers and local code systems."""

import hashlib
import hmac
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cds_service.chart.index import is_id, local

Reference = tuple[str, str]
_REFERENCES = frozenset({"reference", "url"})


@dataclass(slots=True)
class Found:
    """What has a name in the data of a run."""

    #: (type, id) of resources, and of what is referred to.
    references: set[Reference] = field(default_factory=set)
    #: The address of an entry → the reference of its resource.
    addresses: dict[str, str] = field(default_factory=dict)

    def add(self, value: object) -> None:
        """Take the names in any JSON: resources, Bundles, requests."""
        if isinstance(value, list):
            for item in value:
                self.add(item)
        elif isinstance(value, dict):
            self._object(value)

    def _object(self, value: Mapping[str, Any]) -> None:
        own = identified(value, None)
        if own:
            self.references.add(own)
            self.addresses.setdefault(f"urn:uuid:{own[1]}", "/".join(own))
        resource, url = value.get("resource"), value.get("fullUrl")
        if isinstance(resource, dict) and isinstance(url, str):
            named = identified(resource, url)
            if named:
                self.references.add(named)
                self.addresses[url.strip()] = "/".join(named)
        for key, item in value.items():
            if key in _REFERENCES and isinstance(item, str):
                kind, slash, identifier = local(item.strip()).partition("/")
                if slash and kind.isalpha() and "/" not in identifier:
                    self.references.add((kind, identifier))
            elif key == "patientId" and isinstance(item, str):
                self.references.add(("Patient", item))
            elif key == "encounterId" and isinstance(item, str):
                self.references.add(("Encounter", item))
            else:
                self.add(item)


def identified(resource: Mapping[str, Any], full_url: str | None) -> Reference | None:
    """Return type and id of a resource, by its address where it has no id of its own."""
    kind, identifier = resource.get("resourceType"), resource.get("id")
    if not isinstance(kind, str) or not kind.isalpha():
        return None
    if isinstance(identifier, int) and not isinstance(identifier, bool):
        identifier = str(identifier)
    if isinstance(identifier, str) and is_id(identifier):
        return kind, identifier
    named, _, rest = local(full_url or "").partition("/")
    return (kind, rest) if named == kind and is_id(rest) else None


class Names:
    """The new names of one run: the same thing has the same name wherever it stands.

    Numbers follow the old names' length and order, because charts are sorted by them: among
    records of one day the order of their references decides what a card names first.
    """

    def __init__(self, found: "Found", *, key: bytes) -> None:
        """Take everything that has a name; ``key`` makes the names of patients."""
        self._key = key
        self._addresses = found.addresses
        self._ids: dict[Reference, str] = {}
        by_type: dict[str, set[str]] = {}
        for kind, identifier in found.references:
            by_type.setdefault(kind, set()).add(identifier)
        for kind, identifiers in by_type.items():
            ordered = sorted(identifiers, key=lambda text: (len(text), text))
            width = max(4, len(str(len(ordered))))
            for number, identifier in enumerate(ordered, start=1):
                new = self.patient(identifier) if kind == "Patient" else f"{number:0{width}}"
                self._ids[kind, identifier] = new
        self._given: dict[str, dict[str, str]] = {}

    def patient(self, identifier: str) -> str:
        """Return the new id of a patient."""
        return f"patient-{self._digest('Patient', identifier)[:12]}"

    def id(self, kind: str, identifier: str) -> str:
        """Return the new id of a resource; one that was not counted gets a made-up one."""
        known = self._ids.get((kind, identifier))
        return known or f"x{self._digest(kind, identifier)[:12]}"

    def own(self, resource: Mapping[str, Any], full_url: str | None) -> str | None:
        """Return the new id of a resource: of its id, else of its address; None without either."""
        found = identified(resource, full_url)
        return self.id(*found) if found else None

    def reference(self, reference: str) -> str | None:
        """Return the new reference for any absolute, relative or versioned one; None for others."""
        reference = self._addresses.get(reference.strip(), reference)
        if reference.startswith("urn:uuid:"):
            return f"urn:uuid:{self.uuid(reference)}"
        kind, slash, identifier = local(reference.strip()).partition("/")
        if not slash or "/" in identifier or not kind.isalpha() or not identifier:
            return None
        return f"{kind}/{self.id(kind, identifier)}"

    def bare(self, identifier: str) -> str | None:
        """Return the new id of whatever has this id."""
        return next((new for (_, old), new in self._ids.items() if old == identifier), None)

    def uuid(self, text: str) -> str:
        """Return a UUID for a text."""
        return str(uuid.UUID(hex=self._digest("uuid", text)[:32], version=4))

    def numbered(self, group: str, text: str) -> str:
        """Return ``group-0001``, ``group-0002``, … for the texts of a group as they come."""
        given = self._given.setdefault(group, {})
        return given.setdefault(text, f"{group}-{len(given) + 1:04}")

    def _digest(self, group: str, text: str) -> str:
        return hmac.digest(self._key, f"{group} {text}".encode(), hashlib.sha256).hex()
