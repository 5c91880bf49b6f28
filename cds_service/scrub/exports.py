"""Exports (NDJSON): lines of many patients, each scrubbed with its own patient's."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from cds_service.chart.elements import items
from cds_service.chart.index import local
from cds_service.scrub import files
from cds_service.scrub.elements import allow_list
from cds_service.scrub.patient import Item

Json = dict[str, Any]

_SHARED = ("Medication", "Binary")


@dataclass(slots=True)
class Export:
    """One file. ``owners`` are the patients of its lines; None where a line is nobody's."""

    path: Path
    resources: list[Json] = field(default_factory=list)
    owners: list[str | None] = field(default_factory=list)
    #: Numbers of lines that are no JSON object with a resourceType.
    broken: list[int] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> "Export":
        """Return the resources of a file. Raises ``OSError``."""
        found = cls(path)
        for number, line in files.lines(path):
            try:
                value = orjson.loads(line)
            except orjson.JSONDecodeError:
                value = None
            resources = list(_resources(value))
            if not resources:
                found.broken.append(number)
            found.resources += resources
        return found

    def keep(self, dropped: Counter[str]) -> None:
        """Leave out the resources of which nothing is kept, and count them."""
        known = allow_list().types
        for resource in self.resources:
            if resource["resourceType"] not in known:
                dropped[resource["resourceType"]] += 1
        self.resources = [one for one in self.resources if one["resourceType"] in known]
        self.owners = [owner(one) for one in self.resources]


def _resources(value: Any) -> Iterator[Json]:  # noqa: ANN401 - any JSON
    """Yield the resources of a line: one, those of a Bundle, or those of a list ``resources``."""
    if not isinstance(value, dict):
        return
    if value.get("resourceType") == "Bundle":
        entries = [entry for entry in items(value.get("entry")) if isinstance(entry, dict)]
        for entry in entries:
            yield from _resources(entry.get("resource"))
    elif isinstance(value.get("resourceType"), str):
        yield value
    elif isinstance(value.get("resources"), list):
        for item in value["resources"]:
            yield from _resources(item)


def owner(resource: Mapping[str, Any]) -> str | None:
    """Return the id of the patient whom a resource is about."""
    if resource.get("resourceType") == "Patient":
        identifier = resource.get("id")
        return identifier if isinstance(identifier, str) else None
    for name in ("subject", "patient"):
        for value in items(resource.get(name)):
            target = value.get("reference") if isinstance(value, dict) else value
            if isinstance(target, str):
                kind, _, identifier = local(target.strip()).partition("/")
                if kind == "Patient" and identifier:
                    return identifier
                if target.startswith("urn:uuid:"):
                    return target.removeprefix("urn:uuid:")
    return None


def adopt(exports: list[Export]) -> None:
    """Give what names no patient (Medication, Binary) to a patient whose records refer to it."""
    wanted: dict[str, str] = {}
    for export in exports:
        for resource, patient in zip(export.resources, export.owners, strict=True):
            if patient is not None:
                for reference in _references(resource):
                    wanted.setdefault(reference, patient)
    for export in exports:
        for number, resource in enumerate(export.resources):
            kind = resource.get("resourceType")
            if export.owners[number] is None and kind in _SHARED:
                export.owners[number] = wanted.get(f"{kind}/{resource.get('id')}")


def _references(value: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON
    if isinstance(value, list):
        for item in value:
            yield from _references(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key in {"reference", "url"} and isinstance(item, str):
                yield local(item.strip())
            else:
                yield from _references(item)


def charts(exports: list[Export], today: dt.date) -> dict[str, Item]:
    """Return the chart of each patient, the resources in the order of the files."""
    entries: dict[str, list[Json]] = {}
    for export in exports:
        for resource, patient in zip(export.resources, export.owners, strict=True):
            if patient is not None:
                entries.setdefault(patient, []).append({"resource": resource})
    return {
        patient: Item(
            name=f"patient {number} of the export",
            kind="chart",
            body={"resourceType": "Bundle", "type": "collection", "entry": own},
            today=today,
        )
        for number, (patient, own) in enumerate(entries.items(), start=1)
    }
