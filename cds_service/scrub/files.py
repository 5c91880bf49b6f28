"""Files in: captures, charts, requests and exports; files out, under names that say nothing."""

import datetime as dt
import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cds_service.replay import cases
from cds_service.replay.cases import Case, CaseError
from cds_service.replay.layout import load
from cds_service.scrub.offset import Offset
from cds_service.scrub.text import Text

Json = dict[str, Any]

_EXPORTS = (".ndjson", ".ndjson.gz", ".jsonl", ".jsonl.gz")
_CAPTURE = re.compile(r"(\d{8})T\d{6}\.\d{3}Z-([a-z-]+)-([0-9a-f]{8})")
_BESIDE = ("expected.json", "response.json", "meta.json")


@dataclass(slots=True)
class Inputs:
    """What was found, relative to where it was looked for."""

    root: Path
    cases: list[Case] = field(default_factory=list)
    exports: list[Path] = field(default_factory=list)
    #: Files that are not scrubbed, with the reason.
    left_out: list[tuple[Path, str]] = field(default_factory=list)
    #: Files that should have been scrubbed and cannot be read.
    broken: list[CaseError] = field(default_factory=list)


def find(source: Path) -> Inputs:
    """Return what stands under a file or a directory."""
    found = Inputs(source if source.is_dir() else source.parent)
    inputs = set(cases.find(source)) if source.is_dir() else {source}
    for path in sorted(source.rglob("*")) if source.is_dir() else [source]:
        if path.is_dir():
            continue
        if path.name.endswith(_EXPORTS):
            found.exports.append(path)
        elif path in inputs:
            _add(found, path)
        elif path.name not in _BESIDE and not path.name.endswith(".expected.json"):
            reason = "cannot be scrubbed" if path.name == "request.raw" else "is no case"
            found.left_out.append((path, reason))
    return found


def _add(found: Inputs, path: Path) -> None:
    try:
        found.cases.append(cases.read(path))
    except CaseError as error:
        found.broken.append(error)


def beside(case: Case, name: str) -> Json | None:
    """Return another file of a capture; None where it is not there, or no JSON object."""
    path = case.path.with_name(name)
    if case.path.name != "request.json" or not path.exists():
        return None
    try:
        return load(path.read_bytes())
    except (OSError, ValueError):
        return None


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of an export that are not empty, with their numbers."""
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield number, line


def renamed(path: Path, *, text: Text | None = None, offset: Offset | None = None) -> Path:
    """Return a relative path of which each part says nothing about a patient.

    The time in the name of a capture becomes its moved day.
    """
    return Path(*(_part(part, text, offset) for part in path.parts))


def _part(part: str, text: Text | None, offset: Offset | None) -> str:
    capture = _CAPTURE.fullmatch(part)
    if capture and offset:
        day = offset.date(dt.datetime.strptime(capture[1], "%Y%m%d").replace(tzinfo=dt.UTC).date())
        return f"{day:%Y%m%d}-{capture[2]}-{capture[3]}"
    if text is None:
        return part
    kept = text.names(part)
    return part if kept == part else re.sub(r"[^\w.-]+", "-", kept)


def free(path: Path) -> Path:
    """Return a path where nothing is yet."""
    number, tried = 2, path
    while tried.exists():
        tried = path.with_name(f"{path.name}-{number}")
        number += 1
    return tried


def expectation_of(path: Path) -> Path:
    """Return where the expectation of a case stands."""
    own = path.name in {"chart.json", "request.json"}
    return path.with_name("expected.json" if own else f"{path.stem}.expected.json")
