"""Patients a second and a core, and memory, of ``cds-service screen``: part (f)."""

import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

from . import patients, served

#: Patients of Synthea, where they lie beside the checkout; nobody in them has the tumour.
SYNTHEA = served.ROOT.parent / "shared" / "data" / "synthea-r4.ndjson.gz"
_MIB = 1024


def measured(*, quick: bool) -> dict[str, Any]:
    """Return what screening the synthetic population takes, and that of Synthea if it is there."""
    found = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "synthetic"
        count = _export(folder, patients.population(100 if quick else 1_500))
        found["synthetic"] = count | _screened(folder, count["patients"])
        if SYNTHEA.exists():
            folder = Path(name) / "synthea"
            count = _bundles(folder, 60 if quick else 10_000)
            found["Synthea"] = count | _screened(folder, count["patients"])
    return found


def _export(folder: Path, population: Iterable[patients.Patient]) -> dict[str, int]:
    """Write a Bulk Data export: a file of NDJSON for each type."""
    folder.mkdir()
    files: dict[str, TextIO] = {}
    count = resources = 0
    for patient in population:
        count += 1
        for resource in patient.resources:
            kind = resource["resourceType"]
            if kind not in files:
                files[kind] = (folder / f"{kind}.ndjson").open("w", encoding="utf-8")
            files[kind].write(patients.dumps(resource).decode() + "\n")
            resources += 1
    for file in files.values():
        file.close()
    return {"patients": count, "resources": resources}


def _bundles(folder: Path, most: int) -> dict[str, int]:
    """Write a Bundle for each patient of Synthea."""
    folder.mkdir()
    count = resources = 0
    with gzip.open(SYNTHEA, "rt", encoding="utf-8") as lines:
        for line in lines:
            if count == most:
                break
            held = json.loads(line)["resources"]
            entries = [{"fullUrl": f"urn:uuid:{each.get('id')}", "resource": each} for each in held]
            bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
            (folder / f"{count}.json").write_text(json.dumps(bundle), encoding="utf-8")
            count, resources = count + 1, resources + len(held)
    return {"patients": count, "resources": resources}


def _screened(export: Path, count: int) -> dict[str, Any]:
    jobs = sorted({1, os.cpu_count() or 1})
    runs = {}
    for number in jobs:
        out = export.with_name(f"{export.name}-{number}.csv")
        begun = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603 - our own arguments
            [
                *(sys.executable, "-m", "cds_service", "screen", export, "--out", out),
                *("--date", patients.TODAY.isoformat(), "--jobs", str(number)),
            ],
            cwd=served.ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in {0, 3}:
            raise RuntimeError(f"screen ended with {process.returncode}")
        seconds = time.perf_counter() - begun
        cpu = usage.ru_utime + usage.ru_stime
        runs[str(number)] = {
            "seconds": seconds,
            "rate": count / seconds,
            "core": count / cpu,
            "memory": usage.ru_maxrss / _MIB,
            "rows": len(out.read_text("utf-8").splitlines()) - 1,
        }
    return {"runs": runs}
