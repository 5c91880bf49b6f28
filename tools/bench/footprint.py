"""Cold start, memory of a worker, and memory after many calls: part (e)."""

import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from . import patients, served
from .load import write, wrk

#: Commands of the command line, by what they are measured for.
COMMANDS = {
    "cds-service --version": ["--version"],
    "cds-service serve --help": ["serve", "--help"],
    "cds-service trust --help": ["trust", "--help"],
    "cds-service replay --help": ["replay", "--help"],
    "cds-service screen --help": ["screen", "--help"],
}
_CONNECTIONS = 16
_MIB = 1024


def measured(*, quick: bool) -> dict[str, Any]:
    """Return seconds of starts, and MiB of workers by the calls that they have answered."""
    rounds = 3 if quick else 9
    commands = {name: _seconds(arguments, rounds) for name, arguments in COMMANDS.items()}
    starts = []
    for _ in range(2 if quick else 5):
        with served.service(workers=1) as server:
            starts.append(server.started)
    found = {"commands": commands, "serve": statistics.median(starts)}
    if not shutil.which("wrk"):
        return found
    return found | {"memory": _memory(2_000, 2) if quick else _memory(100_000, 15)}


def _seconds(arguments: list[str], rounds: int) -> dict[str, float]:
    taken = []
    for _ in range(rounds + 1):  # the first reads the files from disk
        begun = time.perf_counter()
        subprocess.run(  # noqa: S603 - our own arguments
            [sys.executable, "-m", "cds_service", *arguments],
            cwd=served.ROOT,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        taken.append(time.perf_counter() - begun)
    return {"median": statistics.median(taken[1:]), "slowest": max(taken[1:])}


def _memory(calls: int, seconds: float) -> dict[str, float]:
    """Return the MiB of the larger worker by the number of calls that both have answered.

    It is looked at after each so many ``seconds`` of load.
    """
    found = {}
    with tempfile.TemporaryDirectory() as name, served.service() as server:
        folder = Path(name)
        # Charts of several sizes, as they come.
        bodies = [patients.request(patients.chart(n, size=_SIZES[n % 5])) for n in range(300)]
        count = write(folder, bodies)
        found["0"] = _largest(server)
        done = 0.0
        while done < calls:
            done += wrk(server, folder, count, _CONNECTIONS, seconds)["requests"]
            found[str(int(done))] = _largest(server)
    return found


#: Bytes of the charts that are sent in turn.
_SIZES = (2_000, 2_000, 5_000, 10_000, 20_000)


def _largest(server: served.Server) -> float:
    return max(map(_mebibytes, server.workers()))


def _mebibytes(number: int) -> float:
    """Return what a process has in memory for itself alone, with its part of what it shares."""
    text = Path(f"/proc/{number}/smaps_rollup").read_text("ascii")
    found = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) / _MIB if found else 0.0
