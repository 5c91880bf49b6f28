"""The commands of docs/replay.md, each as it stands there."""

import datetime as dt
import re
import shlex
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args

import pytest
from click.testing import Result
from werkzeug.serving import make_server

from cds_service.app import create_app
from cds_service.replay.cases import WORKED
from cds_service.replay.change import Kind
from cds_service.settings import Settings

Run = Callable[..., Result]
ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "replay.md"
SERVICE = "https://cds.example.org"


def commands() -> list[list[str]]:
    """Return the arguments of each command of the page, in its order."""
    blocks = re.findall(r"```console\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if line.startswith("$ ")]
    found = [shlex.split(line[2:]) for line in lines]
    assert all(words[:2] == ["cds-service", "replay"] for words in found)
    return [words[2:] for words in found]


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    """Serve the application on this machine; return its address."""
    app = create_app(Settings(auth="off", today=dt.date(2026, 12, 1), trace=True))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.skipif(
    shutil.which("git") is None or not (ROOT / ".git").exists(), reason="needs a git checkout"
)
def test_every_command_of_the_page_works(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    """In their order, in a directory with some worked cases, each does what the page says."""
    for case in WORKED.glob("*-due"):
        shutil.copytree(case, tmp_path / "fixtures" / "fhir" / case.name)
    monkeypatch.chdir(tmp_path)
    assert len(commands()) >= 10
    for words in commands():
        result = run(*(word.replace(SERVICE, service) for word in words))
        # A checkout whose guideline is being changed differs from its revision.
        allowed = {0, 1} if "HEAD" in words else {0}
        assert result.exit_code in allowed, f"{words}: {result.output[-2000:]}"
    for name in ("changes.html", "changes.xml", "release.xml", "results", "released"):
        assert (tmp_path / name).exists()


def test_every_kind_of_difference_is_explained() -> None:
    """The page explains what each row of a report can be."""
    text = PAGE.read_text(encoding="utf-8")
    for kind in get_args(Kind):
        head, _, last = kind.rpartition(" ")
        assert f"`{kind}`" in text or (f"`{last}`" in text and f"`{head} " in text), kind
