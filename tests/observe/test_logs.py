import json
import logging
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cds_service.observe.fields import FIELDS

ROOT = Path(__file__).parents[2]
RUN = "threading.Thread(target=work).start()"
START = "from cds_service.observe import logs; logs.configure('info')\n"


def run(code: str, level: str = "info") -> list[dict[str, Any]]:
    """Run code after the log was configured, and return the log."""
    result = subprocess.run(
        [sys.executable, "-c", START.replace("info", level) + code],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert result.stdout == ""
    lines = [json.loads(line) for line in result.stderr.splitlines()]
    assert all(set(line) <= set(FIELDS) for line in lines)
    return lines


@pytest.mark.parametrize(
    ("code", "event", "exception"),
    [
        ("raise ValueError('SENTINEL')", "the process failed", "ValueError"),
        (
            "import threading\ndef work(): raise KeyError('SENTINEL')\n" + RUN,
            "a thread failed",
            "KeyError",
        ),
        (
            "class A:\n  def __del__(self): raise OSError('SENTINEL')\nA()",
            "an exception that nobody catches",
            "OSError",
        ),
        (
            "import warnings; warnings.warn('SENTINEL', UserWarning)",
            "a warning of Python",
            "UserWarning",
        ),
    ],
)
def test_what_nobody_expects(code: str, event: str, exception: str) -> None:
    """Uncaught exceptions and warnings are lines with type and place, without their words."""
    (line,) = run(code)
    assert (line["event"], line["exception"]) == (event, exception)
    assert "SENTINEL" not in str(line)
    assert "<string>:" in line["place"]


def test_libraries() -> None:
    """Of what a library logs the place is kept; its words may quote anything."""
    (line,) = run(
        "import logging\n"
        "try: raise TimeoutError('SENTINEL')\n"
        "except TimeoutError: logging.getLogger('urllib3.pool').exception('SENTINEL %s', 'x')\n"
        "logging.getLogger('urllib3.pool').info('GET /Patient/SENTINEL')"
    )
    assert (line["logger"], line["exception"], line["level"]) == (
        "urllib3.pool",
        "TimeoutError",
        "error",
    )
    assert "SENTINEL" not in str(line)
    assert "place" in line


def test_libraries_at_debug() -> None:
    """The level of the log is the service's own: no library writes more for it."""
    assert run("import logging; logging.getLogger('urllib3').debug('x')", level="debug") == []


def test_the_server_s_own() -> None:
    """The server's messages are kept up to the first line: a traceback follows, with values."""
    (line,) = run("import logging; logging.getLogger('_granian.x').error('failed\\nSENTINEL')")
    assert (line["event"], line["logger"]) == ("failed", "_granian.x")


def test_own_lines() -> None:
    """A line of the service's has the fields that are allowed, and a moment in UTC."""
    (line,) = run("logs.logger('x').warning('look', status=404, patient='SENTINEL')")
    assert (line["event"], line["status"], line["level"]) == ("look", 404, "warning")
    assert line["time"].endswith("+00:00")
    assert "SENTINEL" not in str(line)


def test_level() -> None:
    """What is below the level is not written."""
    code = "logs.logger('x').info('quiet'); logs.logger('x').error('loud')"
    assert [line["event"] for line in run(code, level="error")] == ["loud"]


def test_bad_record() -> None:
    """A record that cannot be formatted is said to be lost, without its values."""
    (line,) = run("import logging; logging.getLogger('cds_service.x').error('%d', 'SENTINEL')")
    assert line["event"] == "a record of cds_service.x cannot be written"


def test_forged_lines() -> None:
    """A line break in a value does not make a second line."""
    (line,) = run(
        "import logging; logging.getLogger('cds_service.x').error('a\\u2028%s', 'b\\x85c')"
    )
    assert line["event"] == "a\\u2028b\\x85c"


def test_on_a_terminal() -> None:
    """Somebody who reads along gets a readable line, without control characters of others."""
    code = START + "logs.logger('x').warning('look', detail='a\\x1b]0;b', patient='SENTINEL')"
    reader, terminal = pty.openpty()
    process = subprocess.run(
        [sys.executable, "-c", code],
        stderr=terminal,
        check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT), "TERM": "xterm"},
    )
    os.close(terminal)
    shown = os.read(reader, 10_000).decode()
    os.close(reader)
    assert process.returncode == 0
    assert "look" in shown
    assert "\x1b]0" not in shown
    assert "SENTINEL" not in shown
    with pytest.raises(json.JSONDecodeError):
        json.loads(shown)


def test_without_configuration(caplog: pytest.LogCaptureFixture) -> None:
    """As a library the service's lines go where the program's go, with the allowed fields."""
    from cds_service.observe import logs  # noqa: PLC0415

    with caplog.at_level(logging.INFO):
        logs.logger("x").info("look", status=200, patient="SENTINEL")
    assert "look" in caplog.text
    assert "SENTINEL" not in caplog.text
