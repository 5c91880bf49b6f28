"""A checkout of one's own for each page, and the commands of a block run in it."""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from .pages import PAGES, ROOT, text_of

_HELD = ("cds_service", "docs", "deploy", "tools", "Makefile", "pyproject.toml")
_FIXTURES = 4
_SECONDS = 240
_GIT = ("-c", "user.name=docs", "-c", "user.email=docs@example.org", "-c", "commit.gpgsign=false")
#: What waits in the foreground until it is stopped.
_SERVERS = re.compile(
    r"\bcds-service (?:serve|demo)\b|\bcds-service simulate (?!.*--(?:matrix|list)\b)|\bmake demo\b"
)
#: What a service or a FHIR server is called in the pages.
_SERVICE = ("http://127.0.0.1:8000", "https://cds.example.org")
_FHIR = "http://127.0.0.1:8080"
_DATABASE = re.compile(r"postgresql\+psycopg://[\w@./-]+")
_CLIENT = """
[clients.docs]
issuer = "https://ehr.example.org/fhir"
jku = "https://ehr.example.org/jwks.json"
"""
_WAIT = """
curl() { command curl --fail "$@"; }
wait_for() {
    for _ in $(seq 900); do
        if (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then return; fi
        sleep 0.1
    done
    echo "nothing listens on port $1" >&2; return 1
}
"""


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@dataclass(slots=True)
class Sandbox:
    """A directory with what the commands of a page need, under git."""

    path: Path
    fhir: str
    port: int = field(default_factory=_free_port)

    @classmethod
    def make(cls, path: Path, *, fhir: str) -> "Sandbox":
        """Copy what is checked in; of the worked cases those that pages name, and a few more."""
        path.mkdir()
        ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
        for name in _HELD:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, path / name, ignore=ignored)
            elif source.exists():
                shutil.copy(source, path / name)
        cases = sorted((ROOT / "fixtures" / "fhir").iterdir())
        pages = "".join(map(text_of, PAGES))
        for number, case in enumerate(cases):
            if number < _FIXTURES or case.name in pages or case.name.startswith("entered"):
                shutil.copytree(case, path / "fixtures" / "fhir" / case.name)
        for command in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-q", "-m", "all")):
            subprocess.run(["git", *_GIT, *command], cwd=path, check=True)  # noqa: S607
        (path / ".clients.toml").write_text(_CLIENT)
        (path / ".bin").mkdir()
        program = path / ".bin" / "cds-service"
        program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m cds_service "$@"\n')
        program.chmod(0o755)
        (path / ".bin" / "python").symlink_to(sys.executable)
        (path / ".bin" / "python3").symlink_to(sys.executable)
        return cls(path, fhir)

    def copy(self, path: Path) -> "Sandbox":
        """Return another one like it."""
        shutil.copytree(self.path, path, symlinks=True)
        return Sandbox(path, self.fhir)

    def script(self, commands: list[tuple[str, int]]) -> str:
        """Return a shell script that runs commands, each with the exit code that it is to have.

        A server goes on until the others have run; where commands ask a service and none is
        started among them, one is there already.
        """
        lines = ["set -eu -o pipefail", _WAIT]
        texts = [command for command, _ in commands]
        if not any(map(_SERVERS.search, texts)) and any(a in t for a in _SERVICE for t in texts):
            lines.append(
                f"CDS_AUTH=off CDS_TODAY=2026-12-01 cds-service serve --port {self.port} &\n"
                f"wait_for {self.port}"
            )
        for text, code in commands:
            run = self._local(text)
            if _SERVERS.search(text):
                port = re.search(r"--port (\d+)", run)
                lines.append(f"{run} &\nwait_for {port[1] if port else self.port}")
            elif code:
                lines.append(f"{{ {run}\n}} && exit 99 || test $? -eq {code}")
            else:
                lines.append(run)
        return "\n".join((*lines, "echo all commands have run"))

    def _local(self, text: str) -> str:
        """Return a command with the addresses of this machine, and with a free port."""
        text = re.sub(r"\s+# .*$", "", text).replace("make demo", "cds-service demo")
        text = text.replace("--port 8000", f"--port {self.port}")
        for address in _SERVICE:
            text = text.replace(address, f"http://127.0.0.1:{self.port}")
        text = _DATABASE.sub("sqlite:///docs.sqlite3", text.replace(_FHIR, self.fhir))
        if _SERVERS.search(text) and "--port" not in text:
            text += f" --port {self.port}"
        return text

    def run(self, script: str) -> tuple[int, str]:
        """Run a script in a clean environment; return its exit code and all that was printed.

        Whatever it has started is ended.
        """
        environment = {
            "PATH": f"{self.path / '.bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(self.path),
            "HOME": str(self.path),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "GIT_CONFIG_NOSYSTEM": "1",
            # Whoever serves has described his clients; a page that shows how has a file of its own.
            "CDS_CONFIG": str(self.path / ".clients.toml"),
        }
        log = self.path / ".log"
        with log.open("w") as output:
            process = subprocess.Popen(
                ["bash", "-c", script],  # noqa: S607 - the reader has one, too
                cwd=self.path,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
            try:
                code = process.wait(_SECONDS)
            finally:
                _end(process.pid)
                process.wait()
        return code, log.read_text(errors="replace")


def _end(group: int) -> None:
    """End the processes of a group that this test has started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(group, number)
            time.sleep(0.2)
