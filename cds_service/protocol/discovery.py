"""The discovery document: which services there are, and what each asks for."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cds_service.protocol.card import json_object

#: The version of the CDS Hooks specification that the service implements (#15).
SPECIFICATION = "3.0.0"
_ID = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceEntry:
    """One service of the discovery document.

    Raises ValueError where the entry would break a client: an id that is not safe in a
    path, or an empty required text.
    """

    id: str
    hook: str
    title: str
    description: str
    usage_requirements: str | None = None
    hook_version: str | None = None
    prefetch: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the id and the required texts."""
        if not _ID.fullmatch(self.id) or self.id == "feedback":
            raise ValueError(f"{self.id!r} cannot be a service id: it stands in a URL path")
        if not (self.hook and self.description):
            raise ValueError(f"{self.id}: hook and description are required")

    def to_json(self) -> dict[str, Any]:
        """Return the entry as JSON."""
        return json_object(
            hook=self.hook,
            title=self.title,
            description=self.description,
            id=self.id,
            prefetch=dict(self.prefetch),
            usageRequirements=self.usage_requirements,
            version=SPECIFICATION,
            hookVersion=self.hook_version,
        )


def document(entries: Sequence[ServiceEntry]) -> dict[str, Any]:
    """Return the body of ``GET /cds-services``. Raises ValueError if an id stands twice."""
    ids = [entry.id for entry in entries]
    if len(ids) != len(set(ids)):
        # The specification allows it for different hooks; the public sandbox keeps only one.
        raise ValueError("two services have the same id")
    return {"services": [entry.to_json() for entry in entries]}
