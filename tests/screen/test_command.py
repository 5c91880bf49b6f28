"""The command: what it writes and says, its exit codes, and what it refuses."""

import csv
import errno
import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pyarrow import parquet

from cds_service.commands import screen as command
from cds_service.guideline import load
from cds_service.screen import evaluation
from cds_service.screen.row import COLUMNS

from .conftest import (
    CASE,
    HLRCC,
    ROOT,
    TWO,
    Screen,
    bundle,
    fixtures,
    lines,
    read_csv,
    renamed,
    write_by_type,
)


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """Return an export by type of all worked cases."""
    return write_by_type(tmp_path / "export", fixtures())


# --- Rows -----------------------------------------------------------------------------------


def test_a_row_tells_the_whole_case(screen: Screen, export: Path) -> None:
    """Depth, treatment, margin, what is overdue since when, and why stand in one row."""
    row = screen(export).rows[CASE.patient]
    (window,) = CASE.expected["windows"]
    assert row["depth"] == "dermal"
    assert row["treatment"].startswith("wide-excision 20")
    assert row["margin_status"] == "negative"
    assert row["surveillance"] == "overdue"
    assert row["latest"] == window["latest"]
    assert "surveillance.overdue: The follow-up window has ended" in row["why"]
    assert "follow-up overdue" in row["advice"]


def test_tumours_of_one_patient_share_a_row(screen: Screen, export: Path) -> None:
    """Two tumours are one row: as many values in each column, the more urgent tumour first."""
    row = screen(export).rows[TWO.patient]
    assert row["tumours"] == "2"
    sites = row["site"].split("; ")
    depths = row["depth"].split("; ")
    expected = {each["site"]: each["depth"] for each in TWO.expected["tumours"]}
    assert dict(zip(sites, depths, strict=True)) == expected
    for column in COLUMNS:
        if column.of == "tumour":
            assert row[column.name].count("; ") == 1, column.name


def test_the_action_for_hlrcc_is_named(screen: Screen, export: Path) -> None:
    """The examinations that are due stand in a column of their own."""
    row = screen(export).rows[HLRCC.patient]
    assert row["hlrcc"] == "due"
    assert "renal-mri" in row["hlrcc_action"]
    assert row["depth"] == row["margin"] == ""


def test_parquet_has_the_rows_of_csv(screen: Screen, export: Path, tmp_path: Path) -> None:
    """Both forms hold the same rows in the same order."""
    rows = list(screen(export).rows.values())
    screen(export, out=tmp_path / "rows.parquet")
    table = parquet.read_table(tmp_path / "rows.parquet")
    assert table.column_names == [column.name for column in COLUMNS]
    found = [{name: str(value) for name, value in row.items()} for row in table.to_pylist()]
    assert found == rows


def test_a_directory_gets_parquet_files(
    screen: Screen, export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A directory holds part files that are read as one, a mark of success, and the report."""
    monkeypatch.setattr("cds_service.screen.output.PART", 20)
    rows = list(screen(export).rows.values())
    out = tmp_path / "population"
    screen(export, out=out)
    names = sorted(path.name for path in out.iterdir())
    assert names[:2] == ["_SUCCESS", "_report.json"]
    assert names[2:] == [f"part-{number:05}.parquet" for number in range(-(-len(rows) // 20))]
    assert [row["patient"] for row in parquet.read_table(out).to_pylist()] == [
        row["patient"] for row in rows
    ]


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet", "rows"])
def test_no_rows_are_an_empty_table(screen: Screen, tmp_path: Path, name: str) -> None:
    """Where nobody has the tumour there is a table without rows."""
    silent = next(case for case in fixtures() if not case.has_row)
    export = tmp_path / "chart.json"
    export.write_text(json.dumps(bundle(silent.resources)), encoding="utf-8")
    out = tmp_path / name
    screen(export, out=out)
    if out.suffix == ".csv":
        assert read_csv(out) == []
        assert out.read_text(encoding="utf-8").startswith("patient,tumours,site,")
    else:
        assert parquet.read_table(out).num_rows == 0


@pytest.mark.parametrize("patient", ["=1+1", "+1", "-1", "@SUM(A1)", "\uff1d1+1"])
def test_cells_are_no_formulas(screen: Screen, tmp_path: Path, patient: str) -> None:
    """What a spreadsheet would run is quoted in CSV, and left as it is in Parquet."""
    export = tmp_path / "chart.json"
    export.write_text(json.dumps(bundle(renamed(CASE, patient))), encoding="utf-8")
    assert list(screen(export).rows) == [f"'{patient}"]
    screen(export, out=tmp_path / "rows.parquet")
    assert parquet.read_table(tmp_path / "rows.parquet")["patient"].to_pylist() == [patient]


def test_today_is_that_of_the_setting(
    export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without --date, CDS_TODAY decides on what is due."""
    monkeypatch.setenv("CDS_TODAY", "2020-01-01")
    out = tmp_path / "rows.csv"
    result = command.screen.main([str(export), "--out", str(out)], standalone_mode=False)
    assert result is None
    assert {row["today"] for row in read_csv(out)} == {"2020-01-01"}


def test_csv_is_read_by_everybody(screen: Screen, export: Path) -> None:
    """UTF-8 without a mark, a line a row, the columns as documented."""
    done = screen(export)
    text = done.out.read_text(encoding="utf-8").splitlines()
    assert next(csv.reader(text)) == [column.name for column in COLUMNS]
    assert len(text) == len(done.rows) + 1


# --- What could not be read -----------------------------------------------------------------


def test_broken_lines_are_told_and_nothing_else_is_lost(screen: Screen, export: Path) -> None:
    """Each line that cannot be read is named by file and line; all other rows are there."""
    whole = screen(export).rows
    path = export / "Observation.000.ndjson"
    good = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(good[0] + b"{broken\n\n[1]\n" + b"".join(good[1:]) + b'{"resourceType": "Obs')
    done = screen(export, code=command.INCOMPLETE)
    assert done.rows == whole
    last = len(good) + 4
    assert done.problems == [
        (path.name, 2, "is not valid JSON (column 2)"),
        (path.name, 4, "has a number where a resource belongs"),
        (path.name, last, "is not valid JSON (column 22)"),
    ]
    assert f"{path.name}:2: is not valid JSON" in done.result.stderr


def test_a_patient_of_a_broken_line_has_something_unread(screen: Screen, export: Path) -> None:
    """Who is named in a line that is cut off has a row that says so."""
    path = export / "Encounter.000.ndjson"
    own = f"Patient/{CASE.patient}"
    visit = next(line for line in path.read_bytes().splitlines() if own.encode() in line)
    path.write_bytes(path.read_bytes() + visit[:-9])
    row = screen(export, code=command.INCOMPLETE).rows[CASE.patient]
    assert row["unread"] == "encounters: something of it could not be read"
    assert row["surveillance"] == "visits-unread"


def test_a_broken_file_leaves_a_kind_unread_for_all(screen: Screen, export: Path) -> None:
    """A file that breaks off may have held anybody's records of its kind."""
    path = export / "Encounter.000.ndjson"
    data = gzip.compress(path.read_bytes())
    path.unlink()
    (export / "Encounter.ndjson.gz").write_bytes(data[: len(data) // 2])
    done = screen(export, code=command.INCOMPLETE)
    (problem,) = done.problems
    assert problem[0] == "Encounter.ndjson.gz"
    reason = "encounters: a file of the export could not be read to its end"
    assert {row["unread"] for row in done.rows.values()} == {reason}
    assert done.rows[CASE.patient]["surveillance"] == "visits-unread"


def test_a_type_that_is_not_there_is_not_known(screen: Screen, tmp_path: Path) -> None:
    """Where an export has no visits of anybody, nobody's follow-up is called overdue."""
    export = write_by_type(tmp_path / "export", [CASE])
    (export / "Encounter.000.ndjson").unlink()
    done = screen(export)
    row = done.rows[CASE.patient]
    assert row["surveillance"] == "visits-unread"
    assert "encounters: the export holds no Encounter" in row["unread"]
    assert "encounters: the export holds no Encounter" in done.result.stderr


def test_an_empty_file_says_that_there_are_none(screen: Screen, tmp_path: Path) -> None:
    """A file of a type without a line is another thing than no file."""
    export = write_by_type(tmp_path / "export", [CASE])
    (export / "Encounter.000.ndjson").write_bytes(b"")
    row = screen(export).rows[CASE.patient]
    assert row["surveillance"] in {"due", "overdue"}
    assert "encounters" not in row["unread"]


def test_without_required_kinds_nothing_is_judged(screen: Screen, tmp_path: Path) -> None:
    """Where no procedure could be read, an operation is not called missing: nothing is said."""
    export = write_by_type(tmp_path / "export", [CASE])
    (export / "Procedure.000.ndjson").unlink()
    row = screen(export).rows[CASE.patient]
    judged = {column.name for column in COLUMNS if column.topic}
    assert {row[name] for name in judged} == {"unread"}
    assert row["depth"] == "dermal"
    assert row["why"] == "procedures: the export holds no Procedure"
    assert row["act"] == row["advice"] == ""


def test_without_the_patient_there_is_a_row(screen: Screen, export: Path) -> None:
    """Records whose Patient is not in the export are evaluated, and the row says so."""
    path = export / "Patient.000.ndjson"
    own = f'"{CASE.patient}"'.encode()
    kept = [line for line in path.read_bytes().splitlines(keepends=True) if own not in line]
    path.write_bytes(b"".join(kept))
    row = screen(export).rows[CASE.patient]
    assert row["surveillance"] == "overdue"
    assert row["unread"] == "patient: the export holds no Patient of this id"


def test_a_patient_that_cannot_be_evaluated_is_told(
    screen: Screen, export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error in one patient's evaluation costs no other row; the report says where."""
    real = evaluation.build

    def build(*args: object, patient_id: str, **more: object) -> object:
        if patient_id == CASE.patient:
            raise RuntimeError(patient_id)
        return real(*args, patient_id=patient_id, **more)  # type: ignore[arg-type]

    whole = screen(export).rows
    monkeypatch.setattr(evaluation, "build", build)
    done = screen(export, code=command.INCOMPLETE)
    assert done.rows == {name: row for name, row in whole.items() if name != CASE.patient}
    ((file, line, reason),) = done.problems
    assert reason == "could not be evaluated (RuntimeError)"
    assert file is not None
    named = (export / file).read_bytes().splitlines()[(line or 0) - 1]
    assert CASE.patient in named.decode()
    assert CASE.patient not in done.result.stderr + json.dumps(done.report)
    assert done.report["patients"]["failed"] == 1


def test_two_people_of_one_id_are_not_one(screen: Screen, tmp_path: Path) -> None:
    """Charts of two people who share an id are not put together."""
    export = tmp_path / "export"
    export.mkdir()
    for number, case in enumerate((CASE, HLRCC)):
        chart = renamed(case, "p1")
        chart[0]["birthDate"] = f"19{number}0-01-01"
        (export / f"{number}.json").write_text(json.dumps(bundle(chart)), encoding="utf-8")
    done = screen(export, code=command.INCOMPLETE)
    assert done.rows == {}
    assert done.problems == [("0.json", 1, "shares its id with a Patient of another birth date")]


def test_a_birth_date_may_be_less_exact(screen: Screen, tmp_path: Path) -> None:
    """A year, and a day in it, are one person's; so are versions that tell which is newer."""
    chart = renamed(CASE, "p1")
    year, stamped = chart[0] | {"birthDate": "1960"}, chart[0] | {"birthDate": "1961-02-03"}
    chart[0] |= {"birthDate": "1960-05-06"}
    export = tmp_path / "chart.ndjson"
    export.write_bytes(lines([*chart, year]))
    assert list(screen(export).rows) == ["p1"]
    versions = [
        person | {"meta": {"lastUpdated": f"202{n}-01-01T00:00:00Z"}}
        for n, person in enumerate((chart[0], stamped))
    ]
    export.write_bytes(lines([*chart[1:], *versions]))
    assert list(screen(export).rows) == ["p1"]


def test_deleted_resources_are_not_read(screen: Screen, export: Path) -> None:
    """What an export says was deleted is gone: a Condition, and a whole patient."""
    whole = screen(export).rows
    gone = [f"Patient/{CASE.patient}", f"Condition/{HLRCC.resources[1]['id']}"]
    assert HLRCC.resources[1]["resourceType"] == "Condition"
    entries = [{"request": {"method": "DELETE", "url": url}} for url in gone]
    deletion = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    (export / "del_001.ndjson").write_bytes(lines([deletion]))
    done = screen(export)
    assert CASE.patient not in done.rows
    assert done.report["patients"]["deleted"] == 1
    # The cases share ids, so that deleting one Condition deletes that of others.
    assert len(done.rows) < len(whole) - 1


def test_error_files_are_told(screen: Screen, export: Path) -> None:
    """What the server says it could not export is a problem; its remarks are not."""
    outcomes = [
        {"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": "timeout"}]}
        for severity in ("error", "information")
    ]
    (export / "err_001.ndjson").write_bytes(lines(outcomes))
    done = screen(export, code=command.INCOMPLETE)
    reason = "is the server's report that data could not be had (timeout)"
    assert done.problems == [("err_001.ndjson", 1, reason)]
    assert {"file": "err_001.ndjson", "reason": "is a remark of the server", "count": 1} in (
        done.report["leftOut"]
    )


def test_other_files_are_left_out_and_named(screen: Screen, export: Path) -> None:
    """A log of the export and a read-me are no problem, and stand in the report."""
    (export / "log.ndjson").write_bytes(lines({"eventId": "kickoff"} for _ in range(200)))
    (export / "README.md").write_text("# Export\n", encoding="utf-8")
    (export / "_SUCCESS").touch()
    (export / ".hidden.json").write_text("{", encoding="utf-8")
    done = screen(export)
    assert done.report["leftOut"] == [
        {"file": "README.md", "reason": "is no JSON", "count": 1},
        {"file": "log.ndjson", "reason": "is no FHIR resource", "count": 200},
    ]


def test_odd_names_are_read(screen: Screen, export: Path, tmp_path: Path) -> None:
    """Names that are no UTF-8, links to other directories and links that lead back are no harm."""
    whole = screen(export).rows
    parts = tmp_path / "parts"
    parts.mkdir()
    (parts / os.fsdecode(b"Caf\xe9.ndjson")).write_bytes(b"{broken\n")
    (export / "Encounter.000.ndjson").rename(parts / "moved.ndjson")
    (export / "more").symlink_to(parts)
    (parts / "back").symlink_to(export)
    done = screen(export, code=command.INCOMPLETE)
    assert done.rows == whole
    assert done.problems == [("more/Caf\ufffd.ndjson", 1, "is not valid JSON (column 2)")]


def test_many_problems_are_counted(screen: Screen, export: Path) -> None:
    """A file of nothing but broken lines is told in few words."""
    (export / "Claim.ndjson").write_bytes(b"{broken\n" * 5000)
    done = screen(export, code=command.INCOMPLETE)
    problems = done.report["problems"]
    assert sum(problem["count"] for problem in problems) == 5000
    assert len(problems) < 100
    assert len(done.result.stderr.splitlines()) < 30


def test_nothing_of_a_patient_is_said(screen: Screen, tmp_path: Path) -> None:
    """Neither the terminal nor the report holds anything of a patient."""
    sentinel = "SENTINEL-7261"
    chart = renamed(CASE, sentinel)
    for resource in chart:
        resource["text"] = {"div": f"<div>{sentinel}</div>"}
        resource["note"] = [{"text": sentinel}]
    chart[0]["name"] = [{"family": sentinel}]
    broken = json.dumps(chart[1]).encode()
    outcome = {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": sentinel, "diagnostics": sentinel}],
    }
    odd = [{"resourceType": "Condition", "subject": {"identifier": {"value": sentinel}}}, outcome]
    export = tmp_path / "export"
    export.mkdir()
    (export / "x.ndjson").write_bytes(
        lines([*chart, *odd, {"resourceType": "Condition", "subject": sentinel}])
        + broken[: len(broken) // 2]
    )
    done = screen(export, code=command.INCOMPLETE)
    assert list(done.rows) == [sentinel]
    assert sentinel not in done.result.output + done.result.stderr
    assert sentinel not in json.dumps(done.report)


# --- What is refused ------------------------------------------------------------------------


def refused(*args: object) -> str:
    """Return the message with which a call is refused before any work."""
    result = subprocess.run(
        [sys.executable, "-m", "cds_service", "screen", *map(str, args)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode in {1, 2}, result.stderr
    assert "Traceback" not in result.stderr
    return result.stderr


def test_a_missing_export_is_refused(tmp_path: Path) -> None:
    """What is not there cannot be read."""
    assert "nowhere is not there" in refused(tmp_path / "nowhere", "--out", tmp_path / "x.csv")


def test_an_empty_export_is_refused(tmp_path: Path) -> None:
    """A directory without files is a mistake, not a population without the tumour."""
    (tmp_path / "export" / "empty").mkdir(parents=True)
    message = refused(tmp_path / "export", "--out", tmp_path / "x.csv")
    assert "holds no file" in message
    assert not (tmp_path / "x.csv").exists()


def test_an_export_without_fhir_is_refused(tmp_path: Path) -> None:
    """Files that hold nothing of FHIR are a mistake, too, and leave nothing behind."""
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "notes.json").write_text('{"a": 1}', encoding="utf-8")
    message = refused(tmp_path / "export", "--out", tmp_path / "x.csv")
    assert "holds no FHIR resource" in message
    assert sorted(path.name for path in tmp_path.iterdir()) == ["export"]


@pytest.mark.parametrize(
    ("out", "says"),
    [
        ("rows.xlsx", "must end with .csv or .parquet"),
        ("there.csv", "exists"),
        ("full", "exists"),
        ("nowhere/rows.csv", "is no directory"),
        ("export/rows.csv", "is inside the export"),
        ("export", "exists"),
    ],
)
def test_outputs_that_cannot_be_are_refused(tmp_path: Path, out: str, says: str) -> None:
    """Where nothing can be written the run ends before it begins."""
    write_by_type(tmp_path / "export", [CASE])
    (tmp_path / "there.csv").write_text("kept", encoding="utf-8")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    assert says in refused(tmp_path / "export", "--out", tmp_path / out)
    assert (tmp_path / "there.csv").read_text(encoding="utf-8") == "kept"


def test_an_address_needs_spark(tmp_path: Path) -> None:
    """The engine of one machine reads paths alone."""
    assert "--engine spark" in refused("s3a://bucket/export", "--out", tmp_path / "x.csv")


def test_a_full_disk_is_told(
    tmp_path: Path, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the work cannot be written the message says so, and the run can be taken up."""

    def flush(_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    export = write_by_type(tmp_path / "export", [CASE])
    with monkeypatch.context() as patch:
        patch.setattr("cds_service.screen.spill.Spill.flush", flush)
        done = screen(export, out=tmp_path / "rows.csv", code=1)
    assert "The work cannot be written: [Errno 28] No space left on device" in done.result.stderr
    assert not (tmp_path / "rows.csv").exists()
    assert "Goes on" in screen(export, out=tmp_path / "rows.csv").result.stderr


def test_parquet_needs_its_extra(
    tmp_path: Path, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without pyarrow the message says what to install, before any work."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    export = write_by_type(tmp_path / "export", [CASE])
    for name in ("rows.parquet", "rows"):
        done = screen(export, out=tmp_path / name, code=1)
        assert "pip install 'pyarrow>=18'" in done.result.stderr
    screen(export)


def test_a_guideline_of_ones_own_decides(
    screen: Screen, export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CDS_GUIDELINE takes the place of the package's guideline, in every process."""
    shipped = ROOT / "cds_service" / "guideline" / "guideline.toml"
    own = tmp_path / "own.toml"
    text = shipped.read_text(encoding="utf-8")
    version = f'version = "{load().version}"'
    when = load().rules["surveillance.overdue"].when
    assert version in text
    own.write_text(
        text.replace(version, 'version = "9.9.9"').replace(when, "It is too late"), encoding="utf-8"
    )
    monkeypatch.setenv("CDS_GUIDELINE", str(own))
    row = screen(export, "--jobs", "2").rows[CASE.patient]
    assert row["guideline"] == "9.9.9"
    assert "surveillance.overdue: It is too late" in row["why"]


def test_an_export_of_broken_lines_is_told(screen: Screen, tmp_path: Path) -> None:
    """An export in which nothing can be read gives no rows, and says that nothing was read."""
    export = tmp_path / "export"
    export.mkdir()
    (export / "Patient.ndjson").write_bytes(b"{broken\n{\n")
    done = screen(export, code=command.INCOMPLETE)
    assert done.rows == {}
    assert [line for _, line, _ in done.problems] == [1, 2]
