"""Every fixture from sekmet-fhir, a small real server in an environment of its own.

It is installed once into the user's cache; where it cannot be, these tests are skipped.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from cds_service.fhirtools.server import Server
from cds_service.replay.cases import Case

VERSION = "0.1.1"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
HOME = CACHE / "cds-service" / f"sekmet-fhir-{VERSION}-py{sys.version_info.minor}"
COMMAND = HOME / "bin" / "sekmet"
READY = HOME / "ready"
_INSTALL_SECONDS = 300
_START_SECONDS = 30
SETTINGS = """\
host: 127.0.0.1
port: {port}
base_url: http://127.0.0.1:{port}/fhir
data_dir: {data}
validation: {{inbound: "off"}}
simulator: {{enabled: false}}
log_inbound: false
"""


def _install() -> None:
    if READY.exists():
        return
    try:
        subprocess.run([sys.executable, "-m", "venv", "--clear", HOME], check=True, timeout=120)
        pip = [HOME / "bin" / "python", "-m", "pip", "install", "--quiet"]
        subprocess.run(
            [*pip, f"sekmet-fhir=={VERSION}"],
            check=True,
            timeout=_INSTALL_SECONDS,
            capture_output=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"sekmet-fhir {VERSION} cannot be installed: {type(error).__name__}")
    READY.touch()


def _port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def sekmet(
    tmp_path_factory: pytest.TempPathFactory, loaded: Callable[[str], Server]
) -> Iterator[Server]:
    """Start the server, with every chart in it."""
    _install()
    data = tmp_path_factory.mktemp("sekmet")
    port = _port()
    settings = data / "settings.yaml"
    settings.write_text(SETTINGS.format(port=port, data=data))
    environment = {**os.environ, "SEKMET_CONFIG": str(settings)}
    with (data / "log").open("w") as log:
        process = subprocess.Popen(
            [COMMAND, "serve"], cwd=data, env=environment, stdout=log, stderr=log
        )
        try:
            base = f"http://127.0.0.1:{port}/fhir"
            _wait(base, process)
            yield loaded(base)
        finally:
            process.terminate()
            process.wait(20)


def _wait(base: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            if requests.get(f"{base}/metadata", timeout=2).ok:
                return
        except requests.RequestException:
            time.sleep(0.2)
    pytest.fail("sekmet-fhir was installed and does not start")


@pytest.mark.parametrize(
    "keys",
    [(), ("patient", "procedures", "reports", "orders"), None],
    ids=["server alone", "mixed", "first pages prefetched"],
)
def test_the_cards_are_those_of_the_file(
    sekmet: Server, case: Case, keys: tuple[str, ...] | None, check: Callable[..., None]
) -> None:
    """However the chart arrives from the server, the cards are the same word for word."""
    check(sekmet, case, keys)
