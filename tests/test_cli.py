import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result

from cds_service import cli
from cds_service.settings import SETTINGS

ROOT = Path(__file__).parents[1]


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Return what would have been served; the environment holds no settings."""
    for name in os.environ:
        if name.startswith("CDS_"):
            monkeypatch.delenv(name)
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr(
        cli, "_run", lambda settings, **rest: calls.append({"settings": settings, **rest})
    )
    return calls


def said(result: Result) -> list[tuple[str, str]]:
    """Return level and words of each line of the log."""
    lines = map(orjson.loads, result.stderr.splitlines())
    return [(line["level"], line["event"]) for line in lines]


def run(*arguments: str, **environment: str) -> Result:
    """Run the command line."""
    return CliRunner().invoke(cli.main, arguments, env=environment)


def test_serve_needs_authentication(served: list[Any]) -> None:
    """Without client authentication ``serve`` does not start, and says what to do."""
    result = run("serve")
    assert (result.exit_code, served) == (1, [])
    assert "CDS_AUTH=off" in result.stderr


CLIENT = '[clients.ehr]\nissuer = "https://ehr.example.org"\njku = "https://ehr.example.org/jwks"\n'


def test_serve_clients(served: list[Any], tmp_path: Path) -> None:
    """With clients configured ``serve`` starts, with a database that outlives it."""
    config = tmp_path / "cds.toml"
    config.write_text(CLIENT)
    result = run("serve", CDS_CONFIG=str(config))
    assert (result.exit_code, result.stderr) == (0, "")
    (client,) = served[0]["settings"].clients
    assert client.name == "ehr"
    assert served[0]["settings"].database_url == "sqlite:///cds-service.sqlite3"


def test_serve_warns_of_unused_clients(served: list[Any], tmp_path: Path) -> None:
    """Clients that nobody is asked for, and development mode, are warned about."""
    config = tmp_path / "cds.toml"
    config.write_text(CLIENT)
    said = run("serve", CDS_AUTH="off", CDS_DEV="1", CDS_CONFIG=str(config)).stderr
    assert "[clients] tables are not used" in said
    assert "CDS_DEV=1" in said
    assert served


def test_serve_refuses_the_sandbox(served: list[Any], tmp_path: Path) -> None:
    """#94: the public sandbox's issuer is refused at the start, unless CDS_DEV=1."""
    config = tmp_path / "cds.toml"
    config.write_text(CLIENT.replace("ehr.example.org", "sandbox.cds-hooks.org"))
    result = run("serve", CDS_CONFIG=str(config))
    assert (result.exit_code, served) == (1, [])
    assert "[clients.ehr] issuer" in result.stderr
    assert run("serve", CDS_CONFIG=str(config), CDS_DEV="1").exit_code == 0


def test_serve_unauthenticated(served: list[Any]) -> None:
    """With CDS_AUTH=off ``serve`` starts and warns."""
    result = run("serve", "--port", "9000", "--workers", "3", CDS_AUTH="off")
    assert result.exit_code == 0
    ((level, words),) = said(result)
    assert level == "warning"
    assert words.startswith("CDS_AUTH=off: everybody")
    assert [(call["host"], call["port"], call["workers"]) for call in served] == [
        ("127.0.0.1", 9000, 3)
    ]


def test_serve_with_fixed_date(served: list[Any]) -> None:
    """A fixed date is warned about as loudly."""
    result = run("serve", CDS_AUTH="off", CDS_TODAY="2026-12-01")
    assert said(result)[-1][1].startswith("CDS_TODAY: every due date")
    assert str(served[0]["settings"].today) == "2026-12-01"


def test_serve_to_others(served: list[Any]) -> None:
    """Listening for other machines without a public address is warned about."""
    assert "CDS_PUBLIC_URL" in run("serve", "--host", "0.0.0.0", CDS_AUTH="off").stderr  # noqa: S104
    quiet = run("serve", "--host", "::", CDS_AUTH="off", CDS_PUBLIC_URL="https://a.example.org")
    assert "CDS_PUBLIC_URL" not in quiet.stderr
    assert len(served) == 2


def test_malformed_setting(served: list[Any]) -> None:
    """A setting that cannot be used ends the start with one line that names it."""
    result = run("serve", CDS_AUTH="maybe")
    assert (result.exit_code, served) == (1, [])
    assert said(result) == [("error", "CDS_AUTH must be off or required; it is 'maybe'")]


def test_other_commands(served: list[Any]) -> None:
    """A command that is no server says what is wrong in plain words."""
    result = run("feedback", "report", CDS_AUTH="maybe")
    assert (result.exit_code, served) == (1, [])
    assert result.stderr == "Error: CDS_AUTH must be off or required; it is 'maybe'\n"


def test_unknown_setting(served: list[Any]) -> None:
    """A misspelt variable is warned about."""
    assert "CDS_AUHT is not a setting" in run("serve", CDS_AUTH="off", CDS_AUHT="off").stderr
    assert served


def test_help() -> None:
    """The help lists every command and every setting."""
    output = run("--help").stdout
    for word in ("serve", "demo", "replay", *(setting.name for setting in SETTINGS)):
        assert word in output


def test_import_is_light() -> None:
    """Importing the command line loads no FHIR models, no server, no database and no keys."""
    heavy = {
        "fhir",
        "granian",
        "flask",
        "pydantic",
        "sqlalchemy",
        "requests",
        "jwt",
        "cryptography",
    }
    code = (
        "import sys, cds_service.cli; "
        f"sys.exit(any(name.split('.')[0] in {heavy} for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_port_taken() -> None:
    """A port that is taken is one clear line."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = run("demo", "--port", str(port))
    assert result.exit_code == 1
    assert f"port {port}" in result.stderr
    assert "--port" in result.stderr


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int, str]]:
    """Yield a running demonstration, its port and what it printed."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path / "stdout"
    environment = {key: value for key, value in os.environ.items() if key[:4] != "CDS_"}
    with log.open("w") as out:
        command = [sys.executable, "-u", "-m", "cds_service", "demo", "--port", str(port)]
        process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out, env=environment)
    try:
        _wait(f"http://127.0.0.1:{port}/healthz", process, log)
        yield process, port, log.read_text()
    finally:
        process.kill()
        process.wait()


def _wait(url: str, process: subprocess.Popen[str], log: Path) -> None:
    for _ in range(100):
        assert process.poll() is None, log.read_text()
        try:
            urllib.request.urlopen(url, timeout=1).close()  # noqa: S310 - http to ourselves
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(log.read_text())


def test_demo(demo: tuple[subprocess.Popen[str], int, str]) -> None:
    """The demonstration says what it is, and its curl line, pasted, answers with cards."""
    process, port, said = demo
    assert "no authentication" in said
    assert re.search(r"today is \d{4}-\d\d-\d\d", said)
    assert f"http://127.0.0.1:{port}/" in said.splitlines()[0].split()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as page:
        assert b"workbench" in page.read()
    line = next(line for line in said.splitlines() if line.startswith("curl "))
    answer = subprocess.run(shlex.split(line), cwd=ROOT, capture_output=True, check=True).stdout
    (card, *_) = orjson.loads(answer)["cards"]
    assert card["links"][0]["url"].startswith(f"http://127.0.0.1:{port}/guideline/")
    with urllib.request.urlopen(card["links"][0]["url"]) as page:  # noqa: S310 - as above
        assert page.status == 200
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0


def test_demo_without_checkout(served: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the package is installed without the worked cases, the demonstration starts, too."""
    monkeypatch.setattr(cli, "WORKED", Path("/nowhere"))
    result = run("demo", "--port", "8765")
    assert (result.exit_code, len(served)) == (0, 1)
    assert "http://127.0.0.1:8765/" in result.stdout
    assert "curl" not in result.stdout


def test_serve_workbench(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The workbench, which asks nobody for a token, is refused where clients must have one."""
    config = tmp_path / "cds.toml"
    config.write_text(CLIENT)
    monkeypatch.chdir(tmp_path)
    result = run("serve", CDS_CONFIG=str(config), CDS_WORKBENCH="1")
    assert result.exit_code == 1
    assert "CDS_WORKBENCH=1" in result.stderr
    assert "CDS_AUTH=off" in result.stderr


def test_demo_ends_with_ctrl_c(demo: tuple[subprocess.Popen[str], int, str]) -> None:
    """Ctrl-C ends the server without a traceback."""
    process, _, said = demo
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0
    assert "Traceback" not in said
