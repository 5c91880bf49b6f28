"""Workers that are killed under load: what was acknowledged is stored, and others answer."""

import datetime as dt
import threading
import uuid

import requests
import sqlalchemy as sa

from cds_service.store.tables import feedback

from .conftest import VIEW, Served, Start


def test_no_feedback_is_lost(served: Start) -> None:
    """Every item that was answered with 200 is in the database once; dead workers are replaced."""
    server = served(workers=2)
    acknowledged: list[str] = []
    stop = threading.Event()

    def send() -> None:
        while not stop.is_set():
            cards = [str(uuid.uuid4()) for _ in range(3)]
            if accepted(server, cards):
                acknowledged.extend(cards)

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for worker in server.worker_ids:
            before = len(acknowledged)
            server.until(lambda at=before: len(acknowledged) > at + 30)
            server.kill(worker)
            server.until(lambda gone=worker: len(set(server.worker_ids) - {gone}) == 2)
        before = len(acknowledged)
        server.until(lambda: len(acknowledged) > before + 30)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    engine = sa.create_engine(f"sqlite:///{server.folder}/cds-service.sqlite3")
    with engine.connect() as connection:
        stored = list(connection.execute(sa.select(feedback.c.card)).scalars())
    engine.dispose()
    assert len(stored) == len(set(stored))
    assert set(acknowledged) <= set(stored)


def test_a_worker_that_cannot_start(served: Start) -> None:
    """While a worker cannot start the others answer, and when it can it does, without a hand."""
    server = served(workers=2)
    started = '"Started worker-'
    server.until(lambda: server.log.count(started) == 2, seconds=30)
    database = server.folder / "cds-service.sqlite3"
    away = server.folder / "away"
    database.rename(away)
    database.mkdir()
    (gone, stays) = server.worker_ids
    server.kill(gone)
    server.until(lambda: server.log.count("a worker cannot start") >= 2, seconds=30)
    assert stays in server.worker_ids
    assert requests.get(f"{server.url}/cds-services", timeout=5).status_code == 200
    database.rmdir()
    away.rename(database)
    server.until(lambda: server.log.count(started) == 3, seconds=30)
    assert requests.get(f"{server.url}/readyz", timeout=5).status_code == 200


def accepted(server: Served, cards: list[str]) -> bool:
    """Send feedback; return whether it was acknowledged."""
    now = dt.datetime.now(dt.UTC).isoformat()
    items = [{"card": c, "outcome": "overridden", "outcomeTimestamp": now} for c in cards]
    try:
        answer = requests.post(f"{server.url}{VIEW}/feedback", json={"feedback": items}, timeout=10)
    except requests.ConnectionError:
        return False
    assert answer.status_code == 200
    return True
