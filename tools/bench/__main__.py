"""Measure everything, and write it into a page.

    python -m tools.bench PAGE [--healthchain ENVIRONMENT] [--results FILE] [--quick] [--part NAME]

The parts are sizes, phases, load, reading, growth, footprint and screening; without --part all are
measured.
"""

import argparse
import datetime as dt
import json
import os
import platform
import re
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cds_service import __version__

from . import footprint, inprocess, load, page, reading, screening, targets

_PACKAGES = ("flask", "granian", "orjson", "sqlalchemy", "fhir.resources")


def main() -> int:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(prog="tools.bench")
    parser.add_argument("page", type=Path)
    parser.add_argument("--part", dest="parts", action="append", default=[])
    parser.add_argument("--healthchain", type=Path)
    parser.add_argument("--results", type=Path)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    # What could not be installed is not measured, and the page says so.
    environment = given.healthchain
    if environment and not (environment / "bin" / "uvicorn").exists():
        environment = None
    parts: dict[str, Any] = {
        "sizes": lambda: inprocess.sizes(quick=given.quick),
        "phases": lambda: inprocess.phases(quick=given.quick),
        "load": lambda: load.sizes(healthchain=environment, quick=given.quick),
        "reading": lambda: reading.latencies(quick=given.quick),
        "growth": lambda: inprocess.growth(quick=given.quick),
        "footprint": lambda: footprint.measured(quick=given.quick),
        "screening": lambda: screening.measured(quick=given.quick),
    }
    results: dict[str, Any] = {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "quick": given.quick,
        "machine": machine(),
        "versions": versions(environment),
    }
    for name, measure in parts.items():
        if given.parts and name not in given.parts:
            continue
        begun = time.monotonic()
        results[name] = measure()
        print(f"{name}: {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
    if given.results:
        given.results.write_text(json.dumps(results, indent=1), encoding="utf-8")
    text = page.written(given.page.read_text(encoding="utf-8"), results)
    given.page.write_text(text, encoding="utf-8")
    print(text.partition(page.BEGIN)[2].partition(page.END)[0])
    missed = [target.what for target in targets.of(results) if not target.reached]
    print(f"{given.page} is written; {len(missed)} targets are not reached")
    return 0


def machine() -> str:
    """Return the processor, its cores, the memory and the system; no name of the machine."""
    cpu = re.search(r"^model name\s*:\s*(.+)$", _text("/proc/cpuinfo"), re.MULTILINE)
    memory = re.search(r"^MemTotal:\s*(\d+) kB", _text("/proc/meminfo"), re.MULTILINE)
    system = re.search(r'^PRETTY_NAME="(.+)"$', _text("/etc/os-release"), re.MULTILINE)
    return ", ".join(
        (
            " ".join(cpu[1].split()) if cpu else platform.machine(),
            f"{os.cpu_count()} cores, shared with whatever else runs there",
            f"{int(memory[1]) / 2**20:.0f} GiB" if memory else "memory unknown",
            system[1] if system else platform.system(),
        )
    )


def _text(path: str) -> str:
    try:
        return Path(path).read_text("utf-8")
    except OSError:
        return ""


def versions(healthchain: Path | None) -> str:
    """Return what was measured, and with what."""
    own = [f"Python {platform.python_version()}", f"cds-service {__version__}"]
    own += [f"{name} {version(name)}" for name in _PACKAGES]
    if healthchain:
        code = "from importlib.metadata import version as v; print(v('healthchain'), v('uvicorn'))"
        told = subprocess.run(  # noqa: S603 - our own arguments
            [healthchain / "bin" / "python", "-c", code], capture_output=True, text=True, check=True
        )
        package, server = told.stdout.split()
        own.append(f"HealthChain {package} under uvicorn {server} with uvloop and httptools")
    return ", ".join(own)


if __name__ == "__main__":
    sys.exit(main())
