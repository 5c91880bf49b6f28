"""Exports of every shape, made from the worked cases, and the command that screens them."""

import csv
import datetime as dt
import gzip
import itertools
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cds_service.cli import main

Json = dict[str, Any]

ROOT = Path(__file__).parents[2]
TODAY = dt.date(2026, 12, 1)


@dataclass(frozen=True)
class Fixture:
    """A worked case that is a chart: its resources, and what is expected of them."""

    name: str
    patient: str
    resources: tuple[Json, ...]
    expected: Json

    @property
    def has_row(self) -> bool:
        """Whether the patient has a tumour, or advice on HLRCC."""
        hlrcc = self.expected["topics"]["hlrcc"]["state"]
        return bool(self.expected.get("tumours")) or hlrcc != "silent"


@cache
def fixtures() -> tuple[Fixture, ...]:
    """Return all worked cases that are charts."""
    return tuple(map(_fixture, sorted((ROOT / "fixtures" / "fhir").glob("*/chart.json"))))


def _fixture(path: Path) -> Fixture:
    entries = json.loads(path.read_bytes())["entry"]
    resources = tuple(entry["resource"] for entry in entries)
    patient = next(each["id"] for each in resources if each["resourceType"] == "Patient")
    expected = json.loads(path.with_name("expected.json").read_bytes())
    assert expected["today"] == TODAY.isoformat()
    return Fixture(path.parent.name, patient, resources, expected)


def fixture(name: str) -> Fixture:
    """Return a worked case by its name."""
    return next(each for each in fixtures() if each.name == name)


CASE = fixture("dermal-annual-follow-up-overdue")
HLRCC = fixture("hlrcc-confirmed-nothing-visible-all-examinations-due")
TWO = fixture("two-tumours-two-sites-one-card-names-both")


def renamed(case: Fixture, patient: str) -> list[Json]:
    """Return a case's resources, about a patient of another id."""
    text = json.dumps(case.resources).replace(f"Patient/{case.patient}", f"Patient/{patient}")
    resources: list[Json] = json.loads(text)
    for resource in resources:
        if resource["resourceType"] == "Patient":
            resource["id"] = patient
    return resources


def bundle(resources: Iterable[Json], **more: object) -> Json:
    """Return a Bundle of resources."""
    entry = [{"resource": resource} for resource in resources]
    return {"resourceType": "Bundle", "type": "collection", "entry": entry, **more}


def lines(values: Iterable[object]) -> bytes:
    """Return values as NDJSON."""
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


def by_type(cases: Iterable[Fixture]) -> dict[str, list[Json]]:
    """Return the resources of some cases by type."""
    found: defaultdict[str, list[Json]] = defaultdict(list)
    for case in cases:
        for resource in case.resources:
            found[resource["resourceType"]].append(resource)
    return found


def write_by_type(folder: Path, cases: Iterable[Fixture]) -> Path:
    """Write a Bulk Data export: a file of NDJSON for each type."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind, resources in by_type(cases).items():
        (folder / f"{kind}.000.ndjson").write_bytes(lines(resources))
    return folder


@dataclass
class Screened:
    """What a run of the command gave."""

    result: Result
    out: Path
    rows: dict[str, dict[str, str]] = field(default_factory=dict)
    report: Json = field(default_factory=dict)

    @property
    def problems(self) -> list[tuple[str | None, int | None, str]]:
        """File, line and reason of every problem."""
        return [(p.get("file"), p.get("line"), p["reason"]) for p in self.report["problems"]]


Screen = Callable[..., Screened]


def run(
    export: Path, out: Path, *options: str, code: int = 0, date: dt.date | None = TODAY
) -> Screened:
    """Call the command; return what it gave, the rows read where they are CSV."""
    args = ["screen", str(export), "--out", str(out), *options]
    if date:
        args += ["--date", date.isoformat()]
    result = CliRunner().invoke(main, args, catch_exceptions=False)
    assert result.exit_code == code, result.output
    done = Screened(result, out)
    if out.suffix == ".csv" and out.exists():
        done.rows = {row["patient"]: row for row in read_csv(out)}
        done.report = json.loads(out.with_name(f"{out.name}.report.json").read_bytes())
    return done


@pytest.fixture
def screen(tmp_path: Path) -> Screen:
    """Return the command, called with an export and options; each call writes elsewhere."""
    counter = itertools.count()

    def call(export: Path, *options: str, code: int = 0, out: Path | None = None) -> Screened:
        if out is None:
            out = tmp_path / f"out-{next(counter)}" / "rows.csv"
            out.parent.mkdir()
        return run(export, out, *options, code=code)

    return call


def read_csv(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


SHAPES: dict[str, Callable[[Path], Path]] = {}


def _shape(write: Callable[[Path], Path]) -> Callable[[Path], Path]:
    SHAPES[write.__name__.strip("_").replace("_", "-")] = write
    return write


@_shape
def _bundle_each(folder: Path) -> Path:
    folder.mkdir()
    for case in fixtures():
        text = json.dumps(bundle(case.resources), indent=2)
        (folder / f"{case.patient}.json").write_text(text, encoding="utf-8")
    return folder


@_shape
def _bundle_of_all(folder: Path) -> Path:
    path = folder.with_suffix(".json")
    everything = [each for case in fixtures() for each in case.resources]
    path.write_text(json.dumps(bundle(everything), indent=1), encoding="utf-8")
    return path


@_shape
def _bundle_each_type(folder: Path) -> Path:
    folder.mkdir()
    for kind, resources in by_type(fixtures()).items():
        whole = bundle(resources, type="searchset", total=len(resources))
        (folder / f"{kind}.json").write_text(json.dumps(whole), encoding="utf-8")
    return folder


@_shape
def _ndjson_by_type(folder: Path) -> Path:
    return write_by_type(folder, fixtures())


@_shape
def _ndjson_in_parts_compressed(folder: Path) -> Path:
    folder.mkdir()
    for kind, resources in by_type(fixtures()).items():
        for part in range(3):
            data = gzip.compress(lines(resources[part::3]))
            # Neither the name nor the suffix need tell what is in it.
            (folder / f"{kind.lower()}_{part}.ndjson.gz").write_bytes(data)
    return folder


@_shape
def _one_file_of_all_types(folder: Path) -> Path:
    path = folder.with_suffix(".ndjson")
    resources = [each for kind in by_type(fixtures()).values() for each in reversed(kind)]
    path.write_bytes(b"\xef\xbb\xbf" + lines(resources).replace(b"\n", b"\r\n\r\n"))
    return path


@_shape
def _lines_of_bundles(folder: Path) -> Path:
    folder.mkdir()
    data = lines(bundle(case.resources) for case in fixtures())
    (folder / "bundles.ndjson").write_bytes(data.rstrip(b"\n"))
    return folder


@_shape
def _lines_of_resources(folder: Path) -> Path:
    path = folder.with_suffix(".ndjson.gz")
    path.write_bytes(
        gzip.compress(
            lines(
                {"source": "x", "file": case.name, "fhir": "4.0.1", "resources": case.resources}
                for case in fixtures()
            )
        )
    )
    return path


def patients(rows: Iterable[dict[str, str]]) -> Iterator[str]:
    """Yield the patients of rows in their order."""
    yield from (row["patient"] for row in rows)
