"""Long runs: interrupted, killed, on several cores, and in little memory."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cds_service.commands.screen import INCOMPLETE
from cds_service.screen import local, spill

from .conftest import (
    CASE,
    HLRCC,
    TODAY,
    TWO,
    Json,
    by_type,
    fixtures,
    lines,
    read_csv,
    renamed,
    run,
    write_by_type,
)

_PROC = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
_UNITS = "cds_service.screen.inputs.Export.units.__defaults__"


def cut_small(patch: pytest.MonkeyPatch) -> None:
    """Cut the work small: a few lines in each unit, a few patients in each bucket."""
    patch.setattr(_UNITS, (15_000,))
    patch.setattr(local, "BUCKET", 30_000)
    patch.setattr(spill, "FLUSH", 2_000)
    patch.setattr(spill, "PASS", 8_000)


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """Return an export by type of all worked cases, with some lines that cannot be read."""
    export = write_by_type(tmp_path / "export", fixtures())
    (export / "Claim.ndjson").write_bytes(b"{broken\n" * 3)
    return export


@pytest.mark.parametrize("jobs", ["1", "3"])
def test_many_small_parts_give_the_same_rows(
    export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: str
) -> None:
    """However the work is cut, and whoever does it: byte for byte the same output."""
    run(export, tmp_path / "whole.csv", code=INCOMPLETE)
    cut_small(monkeypatch)
    run(export, tmp_path / "cut.csv", "--jobs", jobs, code=INCOMPLETE)
    for suffix in ("", ".report.json"):
        whole = (tmp_path / f"whole.csv{suffix}").read_bytes()
        assert (tmp_path / f"cut.csv{suffix}").read_bytes() == whole


@pytest.mark.parametrize("after", [1, 4, 12])
def test_an_interrupted_run_goes_on(
    export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """Interrupted while reading or evaluating, the same command does only what is left."""
    whole = run(export, tmp_path / "whole.csv", code=INCOMPLETE)
    cut_small(monkeypatch)
    out = tmp_path / "rows.csv"
    done, again = _Watch(stop=after), _Watch()
    monkeypatch.setattr(local, "parallel", done.parallel)
    assert "The same command goes on" in run(export, out, code=130).result.stderr
    assert not out.exists()
    assert (tmp_path / "rows.csv.partial").stat().st_mode & 0o077 == 0
    monkeypatch.setattr(local, "parallel", again.parallel)
    second = run(export, out, code=INCOMPLETE)
    assert "Goes on with the run that was interrupted" in second.result.stderr
    assert out.read_bytes() == whole.out.read_bytes()
    assert second.report == whole.report
    assert not (tmp_path / "rows.csv.partial").exists()
    assert len(done.tasks) == after
    assert done.tasks.isdisjoint(again.tasks)


class _Watch:
    """Watches which tasks are done, and stops before one more."""

    def __init__(self, stop: int | None = None) -> None:
        self.tasks: set[tuple[str, int]] = set()
        self._real = local.parallel
        self._stop = stop

    def parallel(
        self, work: Callable[[Any], Any], tasks: Iterable[Any], *, jobs: int
    ) -> Iterator[Any]:
        for done in self._real(work, tasks, jobs=jobs):
            if len(self.tasks) == self._stop:
                raise KeyboardInterrupt
            name = "unit" if hasattr(done, "unit") else "bucket"
            self.tasks.add((name, getattr(done, name)))
            yield done


def test_a_run_of_yesterday_goes_on_with_its_day(
    export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that is interrupted at night judges all patients as of the same day."""
    out = tmp_path / "rows.csv"
    with monkeypatch.context() as patch:
        patch.setattr(local, "evaluate", _interrupt)
        run(export, out, code=130)
    done = run(export, out, date=None, code=INCOMPLETE)
    assert f"as of {TODAY}" in done.result.stderr
    assert {row["today"] for row in done.rows.values()} == {TODAY.isoformat()}


def test_a_changed_export_begins_anew(
    export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read of an export that has changed since is not used, and that is said."""
    out = tmp_path / "rows.csv"
    with monkeypatch.context() as patch:
        patch.setattr(local, "evaluate", _interrupt)
        run(export, out, code=130)
    extra = by_type([CASE])["Patient"][0] | {"id": "another"}
    path = export / "Patient.000.ndjson"
    path.write_bytes(path.read_bytes() + lines([extra]))
    done = run(export, out, code=INCOMPLETE)
    assert "begins anew" in done.result.stderr
    assert sum(done.report["patients"].values()) == len(fixtures()) + 1


def _interrupt(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_another_run_on_the_same_output_is_refused(export: Path, tmp_path: Path) -> None:
    """Two runs do not write the same output."""
    folder = tmp_path / "rows.csv.partial"
    folder.mkdir()
    other = sqlite3.connect(folder / "state.sqlite3")
    other.execute("BEGIN EXCLUSIVE")
    done = run(export, tmp_path / "rows.csv", code=1)
    assert "Another run is writing" in done.result.stderr
    other.close()


def test_damaged_state_begins_anew(export: Path, tmp_path: Path) -> None:
    """What is left of an earlier run and cannot be read does not stop the next one."""
    folder = tmp_path / "rows.csv.partial"
    folder.mkdir()
    (folder / "state.sqlite3").write_bytes(b"no database" * 1000)
    assert run(export, tmp_path / "rows.csv", code=INCOMPLETE).rows


# --- Processes ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an export of many patients, who take some seconds."""
    path = tmp_path_factory.mktemp("large") / "large.ndjson"
    charts = [json.dumps({"resources": renamed(case, "PATIENT")}) for case in (CASE, TWO, HLRCC)]
    with path.open("w", encoding="utf-8") as file:
        for number in range(3_000):
            chart = charts[number % len(charts)].replace("PATIENT", f"p{number}")
            # Text is not read of these, but makes more buckets.
            file.write(chart[:-1] + f', "padding": "{"x" * 10_000}"}}\n')
    return path


def _start(export: Path, out: Path) -> subprocess.Popen[str]:
    options = ("--out", str(out), "--date", TODAY.isoformat(), "--jobs", "2")
    return subprocess.Popen(
        [sys.executable, "-m", "cds_service", "screen", str(export), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _workers(pid: int) -> list[int]:
    """Return the processes that a run has started for its work."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status = (folder / "status").read_text(encoding="utf-8")
            called = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if f"\nPPid:\t{pid}\n" in status and b"spawn_main" in called:
            found.append(int(folder.name))
    return found


def _wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@_PROC
def test_a_killed_run_leaves_no_process_and_goes_on(large: Path, tmp_path: Path) -> None:
    """After kill -9 the workers end, too, and the next run takes up what was done."""
    out = tmp_path / "rows.csv"
    process = _start(large, out)
    begun = tmp_path / "rows.csv.partial"
    _wait_for(lambda: process.poll() is not None or list(begun.glob("0*")))
    workers = _workers(process.pid)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    _wait_for(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))
    again = _start(large, out)
    _, errors = again.communicate()
    assert again.returncode == 0, errors
    assert "Goes on with the run" in errors
    assert len(read_csv(out)) == 3_000


@_PROC
def test_a_worker_that_dies_is_told(large: Path, tmp_path: Path) -> None:
    """A worker that is killed ends the run with a message: it neither hangs nor loses rows."""
    process = _start(large, tmp_path / "rows.csv")
    _wait_for(lambda: process.poll() is not None or _workers(process.pid))
    for worker in _workers(process.pid):
        os.kill(worker, signal.SIGKILL)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1, errors
    assert "A process ended unexpectedly" in errors
    assert "Traceback" not in errors
    assert not (tmp_path / "rows.csv").exists()


# --- Memory ---------------------------------------------------------------------------------


def test_memory_does_not_grow_with_the_export(tmp_path: Path) -> None:
    """Ten times the data, by type, take nearly the same memory."""
    used = [_memory(_heavy(tmp_path / str(count), count)) for count in (200, 2_000)]
    assert used[1] < 1.5 * used[0]


def _heavy(folder: Path, patients: int) -> Path:
    """Write an export by type with 100 kB a patient, of whom everything is needed."""
    folder.mkdir()
    chart = renamed(CASE, "PATIENT")
    curve: Json = {
        "resourceType": "Observation",
        "status": "final",
        "subject": {"reference": "Patient/PATIENT"},
        "code": {"text": "ECG"},
        "valueSampledData": {"data": "x" * 100_000},
    }
    for kind, resources in _kinds([*chart, curve]).items():
        text = lines(resources).decode()
        with (folder / f"{kind}.ndjson").open("w", encoding="utf-8") as file:
            for number in range(patients):
                file.write(text.replace("PATIENT", f"p{number}"))
    return folder


def _kinds(resources: Iterable[Json]) -> dict[str, list[Json]]:
    found: dict[str, list[Json]] = {}
    for resource in resources:
        found.setdefault(resource["resourceType"], []).append(resource)
    return found


def _memory(export: Path) -> int:
    """Return the most memory that a run takes, in kilobytes."""
    code = (
        "import resource, sys; from cds_service.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "finally: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    out = export.with_name(f"{export.name}.csv")
    result = subprocess.run(
        [sys.executable, "-c", code, "screen", str(export), "--out", str(out), "--jobs", "1"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(read_csv(out)) == int(export.name)
    return int(result.stdout.splitlines()[-1])
