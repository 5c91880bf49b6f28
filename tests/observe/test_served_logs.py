"""The log of the real server, from its start to its end."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from cds_service.observe.fields import FIELDS

from .conftest import ROOT, SERVICE, Served

SENTINEL = "SENTINEL"


def raw(served: Served, text: bytes) -> None:
    """Send bytes as they are."""
    host, _, port = served.base.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), 5) as connection:
        connection.sendall(text)
        connection.settimeout(5)
        connection.recv(1000)


def test_every_line_is_json(serve: Callable[..., Served]) -> None:
    """Start, good and bad requests, a killed worker and the end: JSON, allowed fields, no data."""
    served = serve("--workers", "2", CDS_NONSENSE="1", CDS_LOG_LEVEL="debug")
    assert served.call(**{"X-Request-Id": "d1577c69dfbe44adba6d3e05e953b2ea"})[0] == 200
    served.post(SERVICE, b"{" + SENTINEL.encode())
    served.post(SERVICE, {"hook": SENTINEL, "hookInstance": f"{SENTINEL}\n{{}}"})
    served.post(f"/cds-services/{SENTINEL}%0A{SENTINEL}", {})
    served.post(f"{SERVICE}/feedback", {"feedback": [{"card": SENTINEL}]})
    served.get(f"/{SENTINEL}?{SENTINEL}", **{"X-Request-Id": SENTINEL, "User-Agent": SENTINEL})
    raw(served, b"GET / HTTP/1.1\r\nHost: x\r\nBroken SENTINEL\r\n\r\n")
    raw(served, b"SENTINEL\r\n\r\n")
    first = served.workers()[0]
    os.kill(first, signal.SIGKILL)
    for _ in range(200):
        if len(served.workers()) == 2 and first not in served.workers():
            break
        time.sleep(0.1)
    served.wait()
    assert served.end() == 0
    lines = served.lines()
    assert [line for line in lines if set(line) - set(FIELDS)] == []
    assert SENTINEL not in str(lines)
    assert (served.folder / "stdout").read_bytes() == b""
    said = [line["event"] for line in lines]
    assert said[0].startswith("CDS_NONSENSE is not a setting")
    for part in ("CDS_AUTH=off", "Listening at", "Unexpected exit from worker", "Shutting down"):
        assert any(part in event for event in said), part
    requests = [line for line in lines if line["event"] == "request"]
    call = next(line for line in requests if line["status"] == 200 and line["endpoint"] == "call")
    assert call["request_id"] == "d1577c69dfbe44adba6d3e05e953b2ea"
    assert call["hookInstance"] == "0a7a8f0e-5b0e-4a55-9e5f-3d4d2f1f3c11"
    assert (call["hook"], call["cards"]) == ("problem-list-item-create", 4)
    assert (call["states"]["margin"], call["rules"]["margin"]) == ("act", "margin.positive")
    assert set(call["timings"]) == {"read", "evaluate", "render", "total"}
    assert set(call["versions"]) == {"program", "guideline"}
    assert {line["level"] for line in requests if line["endpoint"] == "probe"} == {"debug"}
    assert [line["status"] for line in requests if line["endpoint"] == "call"].count(400) == 2


def test_one_line_a_request(serve: Callable[..., Served]) -> None:
    """Each request is one line; probes are none."""
    served = serve()
    for _ in range(3):
        served.call()
        served.get("/healthz")
    served.end()
    lines = [line for line in served.lines() if line["event"] == "request"]
    assert [line["endpoint"] for line in lines] == ["call"] * 3


def test_a_start_that_fails(tmp_path: Path) -> None:
    """What ends the start is a line of the log, too, and the exit code says that it failed."""
    for settings, word in (
        ({"CDS_AUTH": "maybe"}, "CDS_AUTH"),
        ({}, "CDS_CONFIG"),
        ({"CDS_AUTH": "off", "CDS_DATABASE_URL": f"sqlite:///{tmp_path}/no/x"}, "CDS_DATABASE_URL"),
    ):
        clean = {key: value for key, value in os.environ.items() if key[:4] != "CDS_"}
        result = subprocess.run(
            [sys.executable, "-m", "cds_service", "serve", "--port", "9377"],
            capture_output=True,
            cwd=tmp_path,
            env=clean | {"PYTHONPATH": str(ROOT)} | settings,
            check=False,
        )
        (tmp_path / "stderr").write_bytes(result.stderr)
        lines = Served("", None, tmp_path).lines()  # type: ignore[arg-type]
        assert (result.returncode, lines[-1]["level"]) == (1, "error")
        assert word in lines[-1]["event"]
