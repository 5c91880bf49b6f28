"""The manifest of a Bulk Data export: what it promises is compared with what is here."""

import json
from pathlib import Path

import pytest

from cds_service.commands.screen import INCOMPLETE

from .conftest import CASE, Json, Screen, by_type, fixtures, write_by_type


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """Return an export by type of all worked cases."""
    return write_by_type(tmp_path / "export", fixtures())


def describe(export: Path, *, request: str = "", **more: object) -> Json:
    """Return the manifest of an export, with signed addresses as servers give them."""
    return {
        "transactionTime": "2026-11-30T01:02:03Z",
        "request": f"https://ehr.example.org/fhir/$export{request}",
        "requiresAccessToken": True,
        "output": [
            {
                "type": path.name.partition(".")[0],
                "url": f"https://files.example.org/job-1/{path.name}?signature=SECRET",
                "count": path.read_bytes().count(b"\n"),
            }
            for path in sorted(export.glob("*.ndjson"))
        ],
        "error": [],
        **more,
    }


def write(export: Path, manifest: Json) -> None:
    """Put a manifest into an export."""
    (export / "manifest.json").write_text(json.dumps(manifest, indent=2), encoding="utf-8")


def test_a_whole_export_has_no_problems(screen: Screen, export: Path) -> None:
    """Where all that the manifest names is here, the rows are those without it."""
    plain = screen(export).rows
    write(export, describe(export, deleted=[]))
    assert screen(export).rows == plain


def test_a_file_that_is_missing_is_told(screen: Screen, export: Path) -> None:
    """A file of the manifest that was not fetched leaves its kind unread, for all."""
    write(export, describe(export))
    (export / "Encounter.000.ndjson").rename(export.parent / "kept.ndjson")
    done = screen(export, code=INCOMPLETE)
    assert ("Encounter.000.ndjson", None, "is in the manifest of the export, and not there") in (
        done.problems
    )
    assert "SECRET" not in done.result.output + done.result.stderr + json.dumps(done.report)
    assert done.rows[CASE.patient]["surveillance"] == "visits-unread"


@pytest.mark.parametrize("part", ["error", "deleted"])
def test_errors_and_deletions_that_are_missing_are_told(
    screen: Screen, export: Path, part: str
) -> None:
    """What the server says went wrong, or was deleted, is not passed over for want of the file."""
    url = "https://files.example.org/job-1/more.ndjson"
    write(export, describe(export, **{part: [{"type": "OperationOutcome", "url": url}]}))
    done = screen(export, code=INCOMPLETE)
    ((file, _, reason),) = done.problems
    assert file == "more.ndjson"
    assert reason.endswith("and is not there")


def test_the_day_of_the_export_is_told(screen: Screen, export: Path) -> None:
    """An export that is older than today cannot know what has happened since."""
    write(export, describe(export))
    done = screen(export)
    assert "The export is of 2026-11-30: what has happened since" in done.result.stderr
    assert done.report["exported"] == "2026-11-30"


def test_renamed_files_are_compared_by_count(screen: Screen, export: Path) -> None:
    """Who fetched the files may have renamed them: then the numbers tell whether all are here."""
    manifest = describe(export)
    for item in manifest["output"]:
        item["url"] = f"https://files.example.org/{hash(item['type'])}"
    write(export, manifest)
    screen(export)
    path = export / "DiagnosticReport.000.ndjson"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    done = screen(export, code=INCOMPLETE)
    ((file, _, reason),) = done.problems
    count = len(by_type(fixtures())["DiagnosticReport"])
    assert file is None
    assert reason == f"the manifest names {count} DiagnosticReport, {count - 1} were read"
    assert all("reports: not all" in row["unread"] for row in done.rows.values())


@pytest.mark.parametrize(
    "output",
    [
        [{"type": "Patient"}],
        [{"type": "Patient", "url": "Patient.000.ndjson"}],
        [{"type": "Patient", "url": "file:///export/Patient.000.ndjson"}],
        [{"url": 7}, "x", {}, {"type": None, "count": "many"}, {"url": "http://[x"}],
        [],
    ],
    ids=["no address", "relative", "file", "malformed", "empty"],
)
def test_manifests_of_any_make_are_read(screen: Screen, export: Path, output: object) -> None:
    """Addresses may be relative or absent; what cannot be compared is no problem."""
    write(export, describe(export, output=output, error=7, deleted={"a": 1}, transactionTime=7))
    assert len(screen(export).rows) == len([case for case in fixtures() if case.has_row])


def test_what_was_asked_for_and_is_not_there_nobody_has(screen: Screen, tmp_path: Path) -> None:
    """A type in _type without a file is known to be empty; one that is not in it is not known."""
    export = write_by_type(tmp_path / "export", [CASE])
    (export / "Encounter.000.ndjson").unlink()
    types = "?_type=Patient,Condition,Procedure,DiagnosticReport,Encounter"
    write(export, describe(export, request=types))
    row = screen(export).rows[CASE.patient]
    assert row["surveillance"] in {"due", "overdue"}
    assert "encounters" not in row["unread"]
    assert "orders: the export holds no ServiceRequest" in row["unread"]


@pytest.mark.parametrize(
    ("parameter", "says"),
    [
        ("_since=2026-01-01", "encounters: the export holds only what changed since a date"),
        ("_elements=id", "encounters: the export holds only some elements"),
        ("_typeFilter=Encounter%3Fdate%3Dge2026", "encounters: the export was filtered"),
    ],
)
def test_a_restricted_export_is_not_all(
    screen: Screen, export: Path, parameter: str, says: str
) -> None:
    """An export of changes, or one that was filtered, leaves out what nobody can see."""
    write(export, describe(export, request=f"?{parameter}"))
    row = screen(export).rows[CASE.patient]
    assert says in row["unread"]
    assert row["surveillance"] == "visits-unread"
