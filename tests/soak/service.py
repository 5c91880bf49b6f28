"""The service under test: a real ``serve``, started, told, killed and measured."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import jwt
import requests
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from .deck import TODAY
from .ehrs import Servers
from .judge import Disturbance, Item

ROOT = Path(__file__).parents[2]
ISSUER = "https://soak.example.org"
#: A request that is slower than this says something is wrong.
PATIENCE = 30.0
#: Seconds that a request may take; a machine that is busy has to be able to keep to it.
DEADLINE = 5.0
MAX_BODY = 400_000
_START = 60.0


class Keys:
    """The client's key, and tokens by it."""

    def __init__(self) -> None:
        """Make a key."""
        self._key = ec.generate_private_key(ec.SECP384R1())

    def jwks(self) -> dict[str, Any]:
        """Return the public half."""
        return {"keys": [json.loads(ECAlgorithm.to_jwk(self._key.public_key())) | {"kid": "soak"}]}

    def token(self, audience: str, **changes: Any) -> str:
        """Return a token that is good but for ``changes``."""
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": audience, "iat": now, "exp": now + 300}
        claims |= {"jti": str(uuid.uuid4())} | changes
        return jwt.encode(claims, self._key, "ES384", headers={"kid": "soak"})


class Service:
    """One service on one port, whatever becomes of its processes."""

    def __init__(self, folder: Path, *, workers: int, database: str | None) -> None:
        """Take where it lives; nothing is started yet."""
        self.keys = Keys()
        self.database = database or f"sqlite:///{folder}/soak.sqlite3"
        self._folder = folder
        self._workers = workers
        self._turn = 0
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        #: Exit codes of processes that were told to stop.
        self.exits: list[int] = []

    def configure(self, servers: Servers, cases: Iterable[str]) -> None:
        """Write the configuration: one client, whose FHIR servers these are."""
        every = (servers.well, servers.slow, servers.dead, servers.flapping)
        (self._folder / "keys.json").write_text(json.dumps(self.keys.jwks()))
        self._servers = json.dumps([f"{base}/{case}" for base in every for case in cases])
        self._write(broken=False)

    def _write(self, *, broken: bool) -> None:
        self._turn += 1
        text = f"""
max_entries = {20_000 + self._turn}
guideline = {'"none.toml"' if broken else f'"{ROOT}/cds_service/guideline/guideline.toml"'}
[clients.soak]
issuer = "{ISSUER}"
jwks_file = "keys.json"
fhir_servers = {self._servers}
"""
        (self._folder / "new.toml").write_text(text)
        (self._folder / "new.toml").replace(self._folder / "cds.toml")

    def start(self) -> None:
        """Start, and wait until it is ready."""
        environment = {key: value for key, value in os.environ.items() if key[:4] != "CDS_"}
        environment |= {
            "CDS_CONFIG": "cds.toml",
            "CDS_DATABASE_URL": self.database,
            "CDS_DEADLINE": str(DEADLINE),
            "CDS_DEV": "1",
            "CDS_MAX_BODY": str(MAX_BODY),
            "CDS_MAX_REQUESTS": "0",
            "CDS_PUBLIC_URL": self.url,
            "CDS_TODAY": TODAY.isoformat(),
            "PYTHONPATH": str(ROOT),
        }
        command = [sys.executable, "-m", "cds_service", "serve", "--port", str(self.port)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--workers", str(self._workers)],
                cwd=self._folder,
                env=environment,
                stdout=log,
                stderr=log,
            )
        self._until(self._ready)

    def _ready(self) -> bool:
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"{self.url}/readyz", timeout=5).ok
        return False

    def _until(self, true: Any) -> None:
        end = time.monotonic() + _START
        while not true():
            if time.monotonic() > end or self._main.poll() is not None:
                raise RuntimeError(f"the service does not come up:\n{self.log[-4000:]}")
            time.sleep(0.05)

    @property
    def _main(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("the service was not started")
        return self._process

    def stop(self) -> None:
        """Tell it to stop, and wait for it."""
        self._main.send_signal(signal.SIGTERM)
        self.exits.append(self._main.wait(60))

    def abandon(self) -> None:
        """Leave nothing behind, whatever happened."""
        if self._process and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(15)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    # --- What disturbs it ---

    def restart(self) -> Disturbance:
        """Stop it, and start it again."""
        began = time.monotonic()
        # What a running service refuses would not start.
        self._write(broken=False)
        self.stop()
        self.start()
        return Disturbance("restart", began, time.monotonic())

    def kill_worker(self) -> Disturbance:
        """Kill one of its workers, and wait for the one that takes its place."""
        began = time.monotonic()
        workers = self.workers()
        os.kill(workers[0], signal.SIGKILL)
        self._until(lambda: len({*self.workers()} - {workers[0]}) == self._workers)
        self._until(self._ready)
        return Disturbance("worker killed", began, time.monotonic())

    def reload(self, *, broken: bool = False) -> None:
        """Have it take another configuration over, or refuse a broken one; nothing may break."""
        word = "is refused" if broken else "is taken over"
        with (self._folder / "log").open(errors="replace") as log:
            log.seek(0, os.SEEK_END)
            self._write(broken=broken)
            self._main.send_signal(signal.SIGHUP)
            self._until(lambda: word in log.read())

    # --- What is known of it ---

    @property
    def log(self) -> str:
        """What it said."""
        return (self._folder / "log").read_text(errors="replace")

    def workers(self) -> list[int]:
        """Return the process ids of the workers."""
        main = self._main.pid
        with contextlib.suppress(OSError):
            return [int(each) for each in _read(f"/proc/{main}/task/{main}/children").split()]
        return []

    def memory(self) -> Iterator[tuple[int, float]]:
        """Yield process id and kilobytes of each worker and of the main process."""
        for pid in (self._main.pid, *self.workers()):
            with contextlib.suppress(OSError):
                for line in _read(f"/proc/{pid}/status").splitlines():
                    if line.startswith("VmRSS:"):
                        yield pid, float(line.split()[1])

    def remembered(self) -> tuple[list[Item], list[str]]:
        """Return the feedback and the ids of the cards that stand in the database."""
        import sqlalchemy as sa  # noqa: PLC0415 - with the tables, which take a while

        from cds_service.store.tables import card_sent, feedback  # noqa: PLC0415

        engine = sa.create_engine(self.database)
        with engine.connect() as connection:
            columns = (feedback.c.card, feedback.c.outcome, feedback.c.outcome_at)
            items = [
                (card, outcome, at.isoformat())
                for card, outcome, at in connection.execute(sa.select(*columns))
            ]
            cards = list(connection.execute(sa.select(card_sent.c.uuid)).scalars())
        engine.dispose()
        return items, cards


def _read(path: str) -> str:
    return Path(path).read_text()
