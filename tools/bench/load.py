"""Requests a second and latencies through real servers under load: part (b)."""

import json
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from . import patients, served
from .inprocess import SIZES
from .served import Server

CONNECTIONS = (8, 64)
_MARK = "MEASURED "
#: Bytes of all the bodies that are sent in turn.
_TOGETHER = 12_000_000


def sizes(*, healthchain: Path | None, quick: bool) -> dict[str, Any]:
    """Return requests a second, p50, p95 and p99 by size, connections and server."""
    if not shutil.which("wrk"):
        return {"missing": "wrk, the load generator, is not installed"}
    rounds, seconds = (1, 2) if quick else (3, 4)
    chosen = ("20 KB", "200 KB") if quick else tuple(SIZES)
    found: dict[str, Any] = {}
    with ExitStack() as stack:
        servers = {
            "service": stack.enter_context(served.service()),
            "bare": stack.enter_context(served.bare()),
        }
        if healthchain:
            servers["healthchain"] = stack.enter_context(served.healthchain(healthchain))
        for name in chosen:
            with _bodies(SIZES[name]) as (folder, count):
                for connections in CONNECTIONS:
                    runs = _runs(servers, folder, count, connections, rounds, seconds)
                    found.setdefault(name, {})[str(connections)] = runs
    return found


def _runs(
    servers: dict[str, Server],
    folder: Path,
    count: int,
    connections: int,
    rounds: int,
    seconds: int,
) -> dict[str, dict[str, float]]:
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in servers}
    for turn in range(-1, rounds):  # the first warms up
        for name, server in servers.items():
            run = wrk(server, folder, count, connections, 1 if turn < 0 else seconds)
            if turn >= 0:
                runs[name].append(run)
    return {name: _median(of) for name, of in runs.items()}


def wrk(
    server: Server, folder: Path, count: int, connections: int, seconds: float
) -> dict[str, float]:
    """Return what wrk measured; ``folder`` holds as many bodies as ``count`` says."""
    script = Path(__file__).with_name("post.lua")
    command = ["wrk", "-t2", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "30s"]
    done = subprocess.run(  # noqa: S603 - our own arguments
        [*command, "-s", script, server.url, "--", folder, str(count)],
        capture_output=True,
        text=True,
        check=True,
    )
    line = next(line for line in done.stdout.splitlines() if line.startswith(_MARK))
    raw = json.loads(line.removeprefix(_MARK))
    return {
        "rate": raw["requests"] / raw["microseconds"] * 1e6,
        "requests": raw["requests"],
        **{name: raw[name] / 1000 for name in ("p50", "p95", "p99")},
        "errors": raw["errors"],
    }


def _median(runs: Sequence[dict[str, float]]) -> dict[str, float]:
    found = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    rates = [run["rate"] for run in runs]
    errors = sum(run["errors"] for run in runs)
    return found | {"errors": errors, "low": min(rates), "high": max(rates)}


@contextmanager
def _bodies(size: int) -> Iterator[tuple[Path, int]]:
    """Yield a folder of the requests of different patients, and how many there are."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        yield folder, write(folder, patients.requests(size, max(6, min(400, _TOGETHER // size))))


def write(folder: Path, bodies: Sequence[bytes]) -> int:
    """Write bodies as wrk's script reads them; return how many there are."""
    for number, body in enumerate(bodies):
        (folder / f"{number}.json").write_bytes(body)
    return len(bodies)
