import json
import os
import socket
import stat
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cds_service import cli
from cds_service.replay.command import replay

ROOT = Path(__file__).parents[2]
CASE = ROOT / "fixtures/fhir/entered-dermal-margin-positive-reexcise/request.json"
ADDRESS = "/cds-services/cutaneous-leiomyosarcoma-problem-list-item-create"
CLIENT = '[clients.ehr]\nissuer = "https://ehr.example.org"\njku = "https://ehr.example.org/jwks"\n'


@pytest.fixture
def port() -> int:
    """Return a port that is free."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _post(url: str) -> int:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, CASE.read_bytes(), headers)  # noqa: S310 - to ourselves
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
        return int(answer.status)


def _wait(url: str) -> None:
    for _ in range(200):
        try:
            urllib.request.urlopen(url, timeout=1).close()  # noqa: S310
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(url)


def test_workers(tmp_path: Path, port: int) -> None:
    """Two workers of a running service capture every call once, for its user alone."""
    environment = {key: value for key, value in os.environ.items() if key[:4] != "CDS_"}
    environment |= {
        "CDS_AUTH": "off",
        "CDS_TODAY": "2026-12-01",
        "CDS_CAPTURE": "captures",
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "cds_service", "serve", "--port", str(port), "--workers", "2"]
    with (tmp_path / "output").open("w") as out:
        process = subprocess.Popen(command, cwd=tmp_path, stdout=out, stderr=out, env=environment)
    base = f"http://127.0.0.1:{port}"
    try:
        _wait(f"{base}/healthz")
        with ThreadPoolExecutor(4) as pool:
            assert set(pool.map(_post, [base + ADDRESS] * 12)) == {200}
    finally:
        process.terminate()
        process.wait()
    assert "WITH PATIENT DATA" in (tmp_path / "output").read_text()
    captures = list((tmp_path / "captures").iterdir())
    assert len(captures) == 12
    assert {stat.S_IMODE(path.stat().st_mode) for path in captures} == {0o700}
    result = CliRunner().invoke(replay, [str(tmp_path / "captures"), "--format", "json"])
    assert result.exit_code == 0
    assert all(case["differences"] == [] for case in json.loads(result.stdout)["cases"])


def run(port: int, **environment: str) -> Result:
    """Start the service as the command line does."""
    return CliRunner().invoke(cli.main, ["serve", "--port", str(port)], env=environment)


def test_refused_at_the_start(tmp_path: Path, port: int) -> None:
    """With real authentication the start ends with one line that names the way out."""
    config = tmp_path / "cds.toml"
    config.write_text(CLIENT)
    database = f"sqlite:///{tmp_path}/store.sqlite3"
    result = run(
        port,
        CDS_CONFIG=str(config),
        CDS_CAPTURE=str(tmp_path / "captures"),
        CDS_DATABASE_URL=database,
    )
    assert result.exit_code == 1
    assert "CDS_CAPTURE_FORCE=1" in result.stderr


def test_unwritable_at_the_start(tmp_path: Path, port: int) -> None:
    """A place that cannot be written to is found when the service starts, not by a clinician."""
    (tmp_path / "captures").write_text("a file")
    result = run(port, CDS_AUTH="off", CDS_CAPTURE=str(tmp_path / "captures"))
    assert result.exit_code == 1
    assert "CDS_CAPTURE: " in result.stderr
    assert "cannot be written to" in result.stderr
