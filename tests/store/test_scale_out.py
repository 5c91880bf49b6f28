"""Two servers on one PostgreSQL: what one has seen, the other knows."""

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jwt
import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from cds_service.store import Store
from cds_service.store.migrate import LOCK
from cds_service.store.tables import feedback

if TYPE_CHECKING:
    from tests.postgresql import Cluster

ROOT = Path(__file__).parents[2]
CASE = ROOT / "fixtures/fhir/entered-dermal-margin-positive-reexcise/request.json"
SERVICE = "/cds-services/cutaneous-leiomyosarcoma-problem-list-item-create"
#: Both stand behind one address.
PUBLIC = "https://cds.example.org"
ISSUER = "https://ehr.example.org/fhir"


@dataclass(frozen=True, slots=True)
class Answer:
    """What an instance said."""

    status: int
    body: Any


class Client:
    """An EHR that signs tokens."""

    def __init__(self, folder: Path) -> None:
        """Write the configuration in which the services know it."""
        self._key = ec.generate_private_key(ec.SECP384R1())
        public = json.loads(ECAlgorithm.to_jwk(self._key.public_key())) | {"kid": "one"}
        (folder / "keys.json").write_text(json.dumps({"keys": [public]}))
        self.configuration = folder / "cds.toml"
        self.configuration.write_text(
            f'[clients.ehr]\nissuer = "{ISSUER}"\njwks_file = "keys.json"\n'
        )

    def token(self, path: str) -> str:
        """Return a new token for an address."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": PUBLIC + path,
            "iat": now,
            "exp": now + 300,
            "jti": str(uuid.uuid4()),
        }
        return jwt.encode(claims, self._key, algorithm="ES384", headers={"kid": "one"})


class Instance:
    """A running service."""

    def __init__(self, client: Client, database: str, log: Path) -> None:
        """Start it; nothing is waited for."""
        self._client = client
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port: int = free.getsockname()[1]
        self._out = log.open("w")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cds_service", "serve", "--port", str(self._port)],
            cwd=log.parent,
            stdout=self._out,
            stderr=self._out,
            env=environment(
                database,
                CDS_CONFIG=str(client.configuration),
                CDS_PUBLIC_URL=PUBLIC,
                CDS_TODAY="2026-12-01",
                CDS_MAX_REQUESTS="0",
            ),
        )

    def wait(self) -> None:
        """Wait until it answers."""
        until(lambda: self.process.poll() is not None or self._listens())
        assert self.process.poll() is None, Path(self._out.name).read_text()

    def _listens(self) -> bool:
        try:
            return self.send("GET", "/healthz").status == 200
        except OSError:
            return False

    def send(self, method: str, path: str, body: Any = None, token: str | None = None) -> Answer:
        """Return the answer to a request."""
        connection = HTTPConnection("127.0.0.1", self._port, timeout=20)
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        connection.request(method, path, json.dumps(body) if body else None, headers)
        response = connection.getresponse()
        answer = Answer(response.status, json.loads(response.read() or b"null"))
        connection.close()
        return answer

    def post(self, path: str, body: Any) -> Answer:
        """Return the answer to a request of the client."""
        return self.send("POST", path, body, self._client.token(path))

    def cards(self) -> list[dict[str, Any]]:
        """Return cards that it sends."""
        cards: list[dict[str, Any]] = self.post(SERVICE, json.loads(CASE.read_text())).body["cards"]
        return cards

    def feedback(self, *cards: str) -> Answer:
        """Return the answer to feedback on cards."""
        items = [
            {
                "card": card,
                "outcome": "accepted",
                "acceptedSuggestions": [{"id": "30ab7f3c-1b4c-4e83-9d3c-bd2ba1d9a7a0"}],
                "outcomeTimestamp": "2026-12-01T12:00:00Z",
            }
            for card in cards
        ]
        return self.post(f"{SERVICE}/feedback", {"feedback": items})

    def stop(self) -> None:
        """End it."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        finally:
            self.process.kill()
            self._out.close()


def environment(database: str, **more: str) -> dict[str, str]:
    """Return the environment of a service."""
    plain = {key: value for key, value in os.environ.items() if key[:4] != "CDS_"}
    return plain | {"CDS_DATABASE_URL": database, "PYTHONPATH": str(ROOT)} | more


def until(true: Callable[[], bool], seconds: float = 30) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "that did not happen in time"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def database(cluster: "Cluster") -> str:
    """Return an empty database."""
    return cluster.database()


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Client:
    """Return the client of both instances."""
    return Client(tmp_path_factory.mktemp("client"))


@pytest.fixture(scope="module")
def pair(
    database: str, client: Client, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Instance, Instance]]:
    """Yield two instances that were started at once on an empty database."""
    folder = tmp_path_factory.mktemp("instances")
    with ExitStack() as stack:
        one, two = (Instance(client, database, folder / name) for name in ("one", "two"))
        for instance in (one, two):
            stack.callback(instance.stop)
        for instance in (one, two):
            instance.wait()
        yield one, two


def stored(database: str) -> list[str]:
    """Return the cards of all feedback that is stored."""
    store = Store(database)
    with store.connect() as connection:
        cards = list(connection.execute(sa.select(feedback.c.card)).scalars())
    store.engine.dispose()
    return cards


def test_starts_at_once(cluster: "Cluster") -> None:
    """Instances that start at once on an empty database make its tables one after the other."""
    database = cluster.database()
    command = [sys.executable, "-m", "cds_service", "db", "upgrade"]
    waiting = sa.text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    engine = sa.create_engine(database)
    with engine.connect() as other:
        other.execute(sa.text("SELECT pg_advisory_lock(:name)"), {"name": LOCK})
        starts = [
            subprocess.Popen(command, env=environment(database), stderr=subprocess.PIPE, text=True)
            for _ in range(4)
        ]
        until(lambda: other.execute(waiting).scalar() == len(starts))
    engine.dispose()
    said = [start.communicate(timeout=60)[1] for start in starts]
    assert [start.returncode for start in starts] == [0] * 4, said
    assert stored(database) == []


def test_replay_at_the_other(pair: tuple[Instance, Instance], client: Client) -> None:
    """A token that one instance has taken is refused by the other, whichever is first."""
    path = "/cds-services"
    for first, second in (pair, pair[::-1]):
        token = client.token(path)
        assert first.send("GET", path, token=token).status == 200
        assert second.send("GET", path, token=token).status == 401


def test_token_at_both_at_once(pair: tuple[Instance, Instance], client: Client) -> None:
    """Of one token's uses at both instances at once, exactly one is answered."""
    path = "/cds-services"
    for _ in range(10):
        token = client.token(path)
        with ThreadPoolExecutor(8) as pool:
            uses = [pool.submit(instance.send, "GET", path, None, token) for instance in pair * 4]
        assert sorted(use.result().status for use in uses) == [200, *[401] * 7]


def test_feedback_at_the_other(pair: tuple[Instance, Instance], database: str) -> None:
    """Feedback on a card that the other instance has sent is counted, and the same at once once."""
    one, two = pair
    sent = {one: [card["uuid"] for card in one.cards()], two: [c["uuid"] for c in two.cards()]}
    for sender, receiver in ((one, two), (two, one)):
        assert receiver.feedback(sent[sender][0]) == Answer(200, {"received": 1})
    both = [sent[one][1], sent[two][1]]
    with ThreadPoolExecutor(8) as pool:
        same = [
            pool.submit(instance.feedback, *cards)
            for instance in pair * 2
            for cards in (both, both[::-1])
        ]
    assert [answer.result().status for answer in same] == [200] * 8
    assert sorted(stored(database)) == sorted([sent[one][0], sent[two][0], *both])
    report = subprocess.run(
        [sys.executable, "-m", "cds_service", "feedback", "report", "--format", "csv"],
        env=environment(database),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    counted = list(csv.DictReader(report.splitlines()))
    assert sum(int(row["sent"]) for row in counted) == len(sent[one]) + len(sent[two])
    assert sum(int(row["accepted"]) for row in counted) == 4
    assert not any("unknown" in row["topic"] for row in counted)


@dataclass(slots=True)
class Load:
    """One EHR's stream of feedback to one instance, until it is stopped."""

    instance: Instance
    acknowledged: set[str]
    answers: list[Answer]
    stopped: threading.Event

    def run(self) -> None:
        """Send, and remember what was acknowledged."""
        while not self.stopped.is_set():
            card = str(uuid.uuid4())
            answer = self.instance.feedback(card)
            self.answers.append(answer)
            if answer.status == 200:
                self.acknowledged.add(card)
            time.sleep(0.02)

    def last(self, status: int, count: int) -> bool:
        """Return whether the last answers were all of this status."""
        return [answer.status for answer in self.answers[-count:]] == [status] * count


def test_database_restart(
    pair: tuple[Instance, Instance], cluster: "Cluster", database: str
) -> None:
    """A database that is killed under load: 503, then answers; nothing acknowledged is lost.

    The services run on: no restart of theirs mends it.
    """
    stopped = threading.Event()
    loads = [Load(instance, set(), [], stopped) for instance in pair * 2]
    with ThreadPoolExecutor(len(loads)) as pool:
        running = [pool.submit(load.run) for load in loads]
        try:
            for _ in range(2):
                until(lambda: all(load.last(200, 10) for load in loads))
                cluster.crash()
                until(lambda: all(load.last(503, 3) for load in loads))
                cluster.start()
            until(lambda: all(load.last(200, 10) for load in loads))
        finally:
            stopped.set()
        for run in running:
            run.result()
    failures = [answer for load in loads for answer in load.answers if answer.status != 200]
    assert {answer.status for answer in failures} == {503}
    for failure in failures:
        assert failure.body["resourceType"] == "OperationOutcome"
        assert failure.body["issue"][0]["code"] == "transient"
        assert "127.0.0.1" not in str(failure.body)
    cards = stored(database)
    assert len(cards) == len(set(cards))
    assert set().union(*(load.acknowledged for load in loads)) <= set(cards)
    assert [instance.process.poll() for instance in pair] == [None, None]
