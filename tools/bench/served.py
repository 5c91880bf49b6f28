"""Servers in processes of their own, on ports that are free."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import patients

ROOT = Path(__file__).parents[2]
WORKERS = 2
#: As cds-service has them.
_THREADS = 16
_START = 60.0


@dataclass(frozen=True, slots=True)
class Server:
    """A running server, and where a call of it goes."""

    port: int
    path: str
    process: subprocess.Popen[bytes]
    #: Seconds from the start of the process to its first answer.
    started: float

    @property
    def url(self) -> str:
        """The address of a call."""
        return f"http://127.0.0.1:{self.port}{self.path}"

    def workers(self) -> list[int]:
        """Return the numbers of the worker processes."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        numbers = [int(number) for number in children.read_text("ascii").split()]
        return [number for number in numbers if "resource_tracker" not in _command(number)]


def _command(number: int) -> str:
    return Path(f"/proc/{number}/cmdline").read_text("utf-8", "replace")


@contextmanager
def serving(
    command: Sequence[str | Path], *, port: int, path: str, ready: str, **environment: str
) -> Iterator[Server]:
    """Yield a server once ``ready``, a path, is answered; its output is thrown away."""
    own = {key: value for key, value in os.environ.items() if not key.startswith("CDS_")}
    begun = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603 - our own arguments
        [*command],
        cwd=ROOT,
        env=own | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(process, f"http://127.0.0.1:{port}{ready}")
        yield Server(port, path, process, time.perf_counter() - begun)
    finally:
        process.terminate()
        process.wait(30)


def _wait(process: subprocess.Popen[bytes], url: str) -> None:
    until = time.monotonic() + _START
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
        try:
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310 - http to ourselves
        except urllib.error.HTTPError as error:
            if error.code < 500:  # noqa: PLR2004 - it answers, and this is no matter of the path
                return
        except OSError:
            pass
        else:
            return
        time.sleep(0.02)
    raise RuntimeError(f"{url} was not answered within {_START:g} s")


def free_port() -> int:
    """Return a port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def service(*, workers: int = WORKERS) -> Iterator[Server]:
    """Yield this service as ``cds-service serve`` starts it, its database in a file."""
    port = free_port()
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(
            [
                *(sys.executable, "-m", "cds_service", "serve"),
                *("--port", str(port), "--workers", str(workers)),
            ],
            port=port,
            path="/cds-services/cutaneous-leiomyosarcoma-patient-view",
            ready="/readyz",
            CDS_AUTH="off",
            CDS_TODAY=patients.TODAY.isoformat(),
            CDS_DATABASE_URL=f"sqlite:///{folder}/bench.sqlite3",
        ) as server,
    ):
        yield server


@contextmanager
def bare() -> Iterator[Server]:
    """Yield the bare handler under the same server with the same options."""
    port = free_port()
    with serving(
        [
            *(Path(sys.executable).parent / "granian", "--interface", "wsgi", "--no-ws"),
            *("--port", str(port), "--workers", str(WORKERS), "--blocking-threads", str(_THREADS)),
            "tools.bench.bare:app",
        ],
        port=port,
        path="/cds-services/bare",
        ready="/nothing",
    ) as server:
        yield server


@contextmanager
def healthchain(environment: Path) -> Iterator[Server]:
    """Yield HealthChain's service, of the environment that it is installed in."""
    port = free_port()
    with serving(
        [
            *(environment / "bin" / "uvicorn", "static_card:app"),
            *("--app-dir", Path(__file__).parent, "--port", str(port), "--workers", str(WORKERS)),
            *("--loop", "uvloop", "--http", "httptools"),
            *("--no-access-log", "--log-level", "warning"),
        ],
        port=port,
        path="/cds/cds-services/static",
        ready="/cds/cds-discovery",
    ) as server:
        yield server
