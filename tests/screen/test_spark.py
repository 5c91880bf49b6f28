"""Apache Spark in its local mode gives the rows and the report of the local engine."""

import gzip
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cds_service.commands.screen import INCOMPLETE
from cds_service.guideline import load
from cds_service.screen import spark
from cds_service.screen.errors import ScreenError
from cds_service.screen.output import output_at

from .conftest import (
    CASE,
    HLRCC,
    SHAPES,
    TODAY,
    Screened,
    bundle,
    fixtures,
    lines,
    renamed,
    run,
    write_by_type,
)

#: Set by make test-spark: what is missing then fails.
WANTED = "SPARK" in os.environ
_MISSING = [
    *(name for name in ("pyspark", "pandas") if not importlib.util.find_spec(name)),
    *(name for name in ("java",) if not (shutil.which(name) or "JAVA_HOME" in os.environ)),
]
needs_spark = pytest.mark.skipif(
    bool(_MISSING) and not WANTED,
    reason=f"{' and '.join(_MISSING)} not installed: make test-spark",
)
# The client of Spark leaves sockets open, and warns of coming versions.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    """Return a Spark session of two cores."""
    with spark.session(2) as found:
        yield found


def on_both(session: Any, export: Path, folder: Path, *, code: int = 0) -> tuple[bytes, bytes]:
    """Return the CSV that Spark and the local engine write for an export; compare the reports."""
    local = run(export, folder / "local.csv", code=code)
    output = output_at(folder / "spark.csv", export=str(export))
    output.work.mkdir()
    report = spark.run(session, str(export), output, guideline=load(), today=TODAY)
    assert bool(report.problems) == bool(code)
    _compare(json.loads(report.as_json()), local)
    return output.path.read_bytes(), local.out.read_bytes()


def _compare(report: dict[str, Any], local: Screened) -> None:
    """Compare the reports, but for lines of problems, which Spark does not know everywhere."""
    expected = dict(local.report)
    assert report.pop("engine") == "spark"
    assert expected.pop("engine") == "local"
    told, wanted = (_counted(each.pop("problems")) for each in (report, expected))
    assert told == wanted
    assert report == expected


def _counted(problems: list[dict[str, Any]]) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for problem in problems:
        key = (problem.get("file", ""), problem["reason"])
        found[key] = found.get(key, 0) + problem["count"]
    return found


def on_spark(export: object, out: Path, **more: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Call the command in a process of its own."""
    options = ("--out", str(out), "--date", TODAY.isoformat(), "--engine", "spark", "--jobs", "2")
    return subprocess.run(
        [sys.executable, "-m", "cds_service", "screen", str(export), *options],
        capture_output=True,
        text=True,
        check=False,
        **more,  # type: ignore[call-overload]
    )


@needs_spark
@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_gives_the_same_rows(session: Any, tmp_path: Path, shape: str) -> None:
    """The worked cases, in an export of any shape, give byte for byte the same CSV."""
    one, other = on_both(session, SHAPES[shape](tmp_path / "export"), tmp_path)
    assert one == other
    assert one.count(b"\n") > 60


@needs_spark
def test_what_cannot_be_read_is_told_alike(session: Any, tmp_path: Path) -> None:
    """Broken lines and files, deletions, other files, odd names: the same rows and report."""
    export = write_by_type(tmp_path / "an export [1] {a,b} 100%", fixtures())
    visits = export / "Encounter.000.ndjson"
    data = visits.read_bytes()
    visits.write_bytes(b"\xef\xbb\xbf" + data + b"{broken\n\n\xff\xfe\n[1]\r\n" + data[:90])
    compressed = gzip.compress(data * 9)
    (export / "Encounter é 2%.ndjson.gz").write_bytes(compressed[: len(compressed) // 2])
    (export / "deep").mkdir()
    (export / "deep" / "p%20x.json").write_text(json.dumps(bundle(renamed(HLRCC, "x")), indent=1))
    (export / "people.json").write_bytes(
        lines([{"resourceType": "Patient", "id": "x", "birthDate": "1901-01-01"}])
    )
    entries = [{"request": {"method": "DELETE", "url": f"Patient/{CASE.patient}"}}]
    entries += [{"request": {"method": "DELETE", "url": "Condition/dx"}}]
    (export / "deleted.ndjson").write_bytes(lines([{"resourceType": "Bundle", "entry": entries}]))
    (export / "FamilyMemberHistory.more.ndjson").write_bytes(b"")
    (export / "README.md").write_text("# Export\n")
    (export / "log.ndjson").write_bytes(lines({"eventId": n} for n in range(70)))
    one, other = on_both(session, export, tmp_path, code=INCOMPLETE)
    assert one == other


@needs_spark
def test_a_manifest_is_compared(session: Any, tmp_path: Path) -> None:
    """What a manifest promises is compared on Spark, too."""
    export = write_by_type(tmp_path / "export", [CASE])
    manifest = {
        "transactionTime": "2026-11-30T01:02:03Z",
        "request": "https://ehr.example.org/fhir/$export?_type=ServiceRequest",
        "output": [{"type": "Encounter", "url": "Encounter.001.ndjson", "count": 99}],
    }
    (export / "manifest.json").write_text(json.dumps(manifest, indent=2))
    one, other = on_both(session, export, tmp_path, code=INCOMPLETE)
    assert one == other


@needs_spark
@pytest.mark.parametrize("prefix", ["", "file://"])
def test_the_command_runs_on_spark(tmp_path: Path, prefix: str) -> None:
    """The option is enough, for a path or for an address that Spark can read."""
    export = write_by_type(tmp_path / "export", fixtures())
    local = run(export, tmp_path / "local.csv")
    out = tmp_path / "spark.csv"
    result = on_spark(f"{prefix}{export}", out)
    assert result.returncode == 0, result.stderr
    assert out.read_bytes() == local.out.read_bytes()
    assert not out.with_name("spark.csv.partial").exists()


@needs_spark
def test_an_export_that_is_not_there_is_refused(session: Any, tmp_path: Path) -> None:
    """An address that Spark cannot read gives one sentence."""
    output = output_at(tmp_path / "rows.csv", export="file:///nowhere")
    with pytest.raises(ScreenError, match="cannot be read"):
        spark.run(session, f"file://{tmp_path}/nowhere", output, guideline=load(), today=TODAY)


def test_spark_needs_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without PySpark the message says what to install, before any work."""
    export = write_by_type(tmp_path / "export", [CASE])
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    done = run(export, tmp_path / "rows.csv", "--engine", "spark", code=1)
    assert "pip install 'pyspark[sql]>=4,<5'" in done.result.stderr


@needs_spark
def test_spark_needs_java(tmp_path: Path) -> None:
    """Without Java the message says so, instead of Spark's."""
    export = write_by_type(tmp_path / "export", [CASE])
    environment = {**os.environ, "PATH": str(tmp_path)}
    environment.pop("JAVA_HOME", None)
    result = on_spark(export, tmp_path / "rows.csv", env=environment)
    assert result.returncode == 1
    assert "Error: Spark needs Java 17 or later." in result.stderr


@needs_spark
def test_an_empty_file_says_that_there_are_none(session: Any, tmp_path: Path) -> None:
    """A file of a type without a line is another thing than no file, on Spark, too."""
    export = write_by_type(tmp_path / "export", [CASE])
    (export / "Encounter.000.ndjson").write_bytes(b"")
    one, other = on_both(session, export, tmp_path)
    assert one == other
