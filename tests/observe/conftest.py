"""The real server in a process of its own, and requests to it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CASE = ROOT / "fixtures/fhir/entered-dermal-margin-positive-reexcise/request.json"
SERVICE = "/cds-services/cutaneous-leiomyosarcoma-problem-list-item-create"


@dataclass
class Served:
    """A service that runs."""

    base: str
    process: subprocess.Popen[bytes]
    folder: Path
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        """Return status and body of a GET."""
        return self._send(urllib.request.Request(self.base + path, headers=headers))  # noqa: S310

    def post(self, path: str, body: object, **headers: str) -> tuple[int, str]:
        """Return status and body of a POST; ``body`` is JSON, or bytes as they are."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} | headers
        return self._send(urllib.request.Request(self.base + path, data, headers))  # noqa: S310

    def call(self, **headers: str) -> tuple[int, str]:
        """Post a request that is answered with four cards."""
        return self.post(SERVICE, json.loads(CASE.read_text()), **headers)

    @staticmethod
    def _send(request: urllib.request.Request) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
                return int(answer.status), answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def workers(self) -> list[int]:
        """Return the process ids of the workers."""
        own = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        return [int(pid) for pid in Path(own).read_text().split()]

    def wait(self, path: str = "/healthz") -> None:
        """Wait until the service answers."""
        for _ in range(300):
            assert self.process.poll() is None, (self.folder / "stderr").read_text()
            try:
                self.get(path)
            except OSError:
                time.sleep(0.1)
            else:
                return
        pytest.fail("the service does not answer")

    def end(self) -> int:
        """Ask the service to end, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)

    def lines(self) -> list[dict[str, Any]]:
        """Return the log; fails where a line of standard error is no JSON object."""
        return [json.loads(line) for line in (self.folder / "stderr").read_text().splitlines()]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Return what starts a service, by arguments of ``serve`` and settings."""
    started: list[Served] = []

    def start(*arguments: str, **settings: str) -> Served:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        environment = {key: value for key, value in os.environ.items() if key[:4] != "CDS_"}
        environment |= {"CDS_AUTH": "off", "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
        environment |= settings
        command = [sys.executable, "-m", "cds_service", "serve", "--port", str(port), *arguments]
        with (tmp_path / "stdout").open("wb") as out, (tmp_path / "stderr").open("wb") as err:
            process = subprocess.Popen(
                command, cwd=tmp_path, stdout=out, stderr=err, env=environment
            )
        served = Served(f"http://127.0.0.1:{port}", process, tmp_path)
        started.append(served)
        served.wait()
        return served

    yield start
    for served in started:
        served.process.kill()
        served.process.wait()
