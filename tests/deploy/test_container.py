"""The container: what the Dockerfile says, and what comes of its instructions."""

import json
import os
import re
import shutil
import signal
import socket
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .dockerfile import Instruction, Stage, exec_form, read, stages

ROOT = Path(__file__).parents[2]
CASE = ROOT / "fixtures/fhir/entered-dermal-margin-positive-reexcise/request.json"
SERVICE = "/cds-services/cutaneous-leiomyosarcoma-problem-list-item-create"
PORT = "8000"
slow = pytest.mark.skipif(
    not os.environ.get("CONTAINER"), reason="installs everything anew; see make compose-check"
)


@pytest.fixture(scope="module")
def instructions() -> list[Instruction]:
    """Return the instructions of the Dockerfile."""
    return read(ROOT / "Dockerfile")


@pytest.fixture(scope="module")
def final(instructions: list[Instruction]) -> dict[str, Instruction]:
    """Return the last instruction of each name in the last stage."""
    return {instruction.name: instruction for instruction in stages(instructions)[-1]}


def test_stages(instructions: list[Instruction]) -> None:
    """What installs is not what runs, and both start from a slim base of one version."""
    bases = {stage[0].words[0] for stage in stages(instructions)}
    assert len(stages(instructions)) > 1
    assert len(bases) == 1
    assert all(re.fullmatch(r"python:\d+\.\d+\.\d+-slim-\w+", base) for base in bases)


def test_install_is_locked(instructions: list[Instruction]) -> None:
    """Packages come from the lock alone, with their hashes, and none is built."""
    installs = [item.rest for item in instructions if re.search(r"\bpip\b.*\binstall\b", item.rest)]
    assert len(installs) == 1
    for word in ("--no-deps", "--require-hashes", "--only-binary :all:", "requirements.lock"):
        assert word in installs[0]


def test_final_stage(instructions: list[Instruction], final: dict[str, Instruction]) -> None:
    """The last stage installs nothing, keeps no pip, and runs as a user that is a number."""
    commands = [item.rest for item in stages(instructions)[-1] if item.name == "RUN"]
    assert not re.search(r"\binstall\b|apt|curl|wget|gcc|build-essential", " ".join(commands))
    assert "uninstall --yes --quiet --root-user-action ignore pip setuptools wheel" in commands[0]
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", final["USER"].rest)


def test_signals_and_health(final: dict[str, Instruction]) -> None:
    """No shell stands before the service, and its health is asked with what the image has."""
    assert final["STOPSIGNAL"].rest == "SIGTERM"
    assert [exec_form(final[name].rest)[0] for name in ("ENTRYPOINT", "CMD")] == ["python", "serve"]
    check = exec_form(final["HEALTHCHECK"].rest)
    assert check[0] == "python"
    assert "/healthz" in check[-1]


def test_context(instructions: list[Instruction]) -> None:
    """Docker is sent what is copied, and nothing else of the checkout."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    copied = {
        source
        for item in instructions
        if item.name == "COPY" and "from" not in item.options
        for source in item.words[:-1]
    }
    assert rules[0] == "*"
    assert {rule[1:] for rule in rules if rule.startswith("!")} == copied
    assert rules[-1] == "**/__pycache__"


@pytest.fixture(scope="module")
def image(instructions: list[Instruction]) -> Iterator[Stage]:
    """Yield what the Dockerfile's own commands make, in a directory that cannot be written to."""
    root = Path(tempfile.mkdtemp(prefix="cds-container-"))
    root.chmod(0o755)
    made: dict[str, Stage] = {}
    for number, stage in enumerate(stages(instructions)):
        folder = root / str(number)
        folder.mkdir()
        name = (stage[0].words[2:] or [str(number)])[0]
        made[name] = Stage(folder)
        made[name].build(stage, context=ROOT, others=made)
    last = list(made.values())[-1]
    folders = [path for path in (last.root / "app").rglob("*") if path.is_dir()]
    for folder in folders:
        folder.chmod(0o555)
    yield last
    for folder in folders:
        folder.chmod(0o755)
    shutil.rmtree(root)


@slow
def test_no_pip(image: Stage) -> None:
    """Pip is gone from the image, and what was installed can be imported."""
    assert image.start(["python", "-c", "import pip"]).wait() != 0
    assert image.start(["python", "-c", "import cds_service.app, psycopg"]).wait() == 0
    assert not list(image.root.glob("app/packages/pip*"))


def answer(port: str, path: str, body: bytes | None = None) -> Any:
    """Return the JSON at an address of the service."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as found:  # noqa: S310
        return json.load(found)


@slow
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_runs(image: Stage, database: str, request: pytest.FixtureRequest) -> None:
    """The image's command becomes healthy, answers with cards, writes nowhere but to /data, ends.

    Its port alone is another one: 8000 may be taken.
    """
    environment = {"CDS_AUTH": "off", "CDS_TODAY": "2026-12-01"}
    if database == "postgresql":
        environment["CDS_DATABASE_URL"] = request.getfixturevalue("cluster").database()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command, check = (
        [word.replace(PORT, port) for word in words]
        for words in (
            [*image.commands["ENTRYPOINT"], *image.commands["CMD"]],
            image.commands["HEALTHCHECK"],
        )
    )
    before = files(image)
    assert image.start(check).wait() != 0
    process = image.start(command, **environment)
    try:
        deadline = time.monotonic() + 30
        while image.start(check).wait() != 0:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert len(answer(port, "/cds-services")["services"]) == 4
        assert answer(port, SERVICE, CASE.read_bytes())["cards"]
        assert database == "postgresql" or image.path("/data/cds-service.sqlite3").exists()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
    changed = {path for path, _ in files(image) ^ before}
    assert {str(path.relative_to(image.root)).split("/")[0] for path in changed} <= {"data"}


def files(image: Stage) -> set[tuple[Path, int]]:
    """Return every file of the image with the time of its last change."""
    return {(path, path.lstat().st_mtime_ns) for path in image.root.rglob("*") if not path.is_dir()}
