"""The real server in a process of its own, with its files in a directory of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import requests

from cds_service.hooks.base import PREFETCH
from cds_service.replay.cases import read
from cds_service.replay.client import prefetch
from cds_service.simulate import replies
from cds_service.simulate.behaviours import Behaviour
from cds_service.simulate.ehr import Ehr
from cds_service.simulate.transport import serving

ROOT = Path(__file__).parents[2]
CASE = ROOT / "fixtures/fhir/dermal-annual-follow-up-overdue/chart.json"
GUIDELINE = resources.files("cds_service.guideline").joinpath("guideline.toml").read_text("utf-8")
VIEW = "/cds-services/cutaneous-leiomyosarcoma-patient-view"


def free_port() -> int:
    """Return a port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def guideline(version: str) -> str:
    """Return the package's guideline with another version."""
    return GUIDELINE.replace('version = "1.0.0"', f'version = "{version}"')


@dataclass
class Served:
    """A running server."""

    folder: Path
    workers: int
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] = field(init=False)

    @property
    def url(self) -> str:
        """The base address."""
        return f"http://127.0.0.1:{self.port}"

    def start(self, **settings: str) -> None:
        """Start it, and wait until it answers."""
        environment = {key: value for key, value in os.environ.items() if key[:4] != "CDS_"}
        environment |= {"PYTHONPATH": str(ROOT)} | settings
        command = [sys.executable, "-m", "cds_service", "serve", "--port", str(self.port)]
        command += ["--workers", str(self.workers)]
        with (self.folder / "log").open("ab") as out:
            self.process = subprocess.Popen(
                command,
                cwd=self.folder,
                stdout=out,
                stderr=out,
                env=environment,
                start_new_session=True,
            )
        self.until(lambda: requests.get(f"{self.url}/healthz", timeout=5).ok)

    def until(self, true: Callable[[], bool], seconds: float = 15) -> None:
        """Wait for something to be true; connections that are refused are not."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            try:
                if true():
                    return
            except requests.ConnectionError:
                pass
            time.sleep(0.05)
        raise AssertionError(self.log)

    @property
    def log(self) -> str:
        """What it said."""
        return (self.folder / "log").read_text()

    @property
    def worker_ids(self) -> list[int]:
        """The process ids of the workers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(each) for each in children.read_text().split()]

    def cpu(self) -> float:
        """Return the seconds that the main process has computed."""
        user, system = Path(f"/proc/{self.process.pid}/stat").read_text().split()[13:15]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def reload(self) -> None:
        """Have it read its configuration again."""
        self.process.send_signal(signal.SIGHUP)

    def kill(self, worker: int) -> None:
        """Kill a worker as the kernel does when memory is short."""
        os.kill(worker, signal.SIGKILL)

    def version(self) -> str:
        """Return the version of the guideline that whichever worker answers has."""
        answer = requests.get(f"{self.url}/about.json", timeout=5)
        return str(answer.json()["versions"]["guideline"])


Start = Callable[..., Served]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts a server without authentication."""
    started: list[Served] = []

    def start(*, workers: int = 1, **settings: str) -> Served:
        server = Served(tmp_path, workers)
        started.append(server)
        server.start(**{"CDS_AUTH": "off", "CDS_TODAY": "2026-12-01", **settings})
        return server

    yield start
    for server in started:
        if server.process.poll() is None:
            os.killpg(server.process.pid, signal.SIGKILL)
            server.process.wait(10)


@pytest.fixture
def ehr() -> Iterator[Callable[[float], str]]:
    """Return a function that starts a FHIR server whose answers take this many seconds."""
    ends = []

    def start(seconds: float) -> str:
        store = read(CASE).store
        assert store is not None
        slow = Behaviour(help="slow", allowed=frozenset(), spoil=replies.delayed(seconds))
        manager = serving(Ehr(store, base="", behaviour=slow))
        base = manager.__enter__()
        ends.append(manager)
        return base

    yield start
    for manager in ends:
        manager.__exit__(None, None, None)


def view(fhir_server: str | None = None) -> dict[str, Any]:
    """Return a patient-view request, with the chart or with the FHIR server that has it."""
    case = read(CASE)
    body: dict[str, Any] = {
        "hook": "patient-view",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {"userId": "Practitioner/1", "patientId": case.patient_id},
    }
    if fhir_server:
        return body | {"fhirServer": fhir_server}
    assert case.store is not None
    values, _ = prefetch(PREFETCH, context=body["context"], store=case.store)
    return body | {"prefetch": values}
