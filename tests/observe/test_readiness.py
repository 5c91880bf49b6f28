import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from cds_service.app import READINESS, create_app
from cds_service.observe.readiness import Patient, Readiness
from cds_service.settings import Settings
from cds_service.store import Store, migrate

KNOWN = migrate._versions()  # noqa: SLF001 - those of the package


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Return a store in a file."""
    made = Store(f"sqlite:///{tmp_path}/SENTINEL.sqlite3")
    made.migrate()
    return made


def client(store: Store) -> FlaskClient:
    """Return a client of an application on ``store``."""
    return create_app(Settings(auth="off"), store=store).test_client()


def test_ready(store: Store) -> None:
    """Each thing that a call needs has a check of its own, with its time."""
    answer = client(store).get("/readyz")
    assert (answer.status_code, answer.json["status"]) == (200, "ready")
    assert set(answer.json["checks"]) == {"guideline", "models", "database"}
    for check in answer.json["checks"].values():
        assert check["status"] == "ok"
        assert check["seconds"] >= 0
    assert answer.headers["Cache-Control"] == "no-store"


def test_in_memory() -> None:
    """A database in memory needs no migration."""
    assert client(Store()).get("/readyz").status_code == 200


def test_not_migrated(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables of an earlier version, or none, are named, and what to do about them."""
    web = client(store)
    monkeypatch.setattr(migrate, "_versions", lambda: ("9999", *KNOWN))
    problem = web.get("/readyz").json["checks"]["database"]["problem"]
    assert f"of version {KNOWN[0]}, not 9999" in problem
    assert "cds-service db upgrade" in problem
    with store.engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE alembic_version"))
    assert "its tables are not there" in (store.problem() or "")


def test_later_tables(store: Store) -> None:
    """Tables of a later program are no reason to stop serving, or not to start, beside it."""
    with store.engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    store.migrate()
    assert client(store).get("/readyz").status_code == 200


def test_no_database(store: Store, tmp_path: Path) -> None:
    """A database that does not answer is named; no address of it is."""
    web = client(store)
    store.engine.dispose()
    (tmp_path / "SENTINEL.sqlite3").unlink()
    for path in tmp_path.iterdir():
        path.unlink()
    tmp_path.rmdir()
    answer = web.get("/readyz")
    assert (answer.status_code, answer.json["failing"]) == (503, ["database"])
    assert answer.json["checks"]["models"]["status"] == "ok"
    assert "OperationalError" in answer.json["checks"]["database"]["problem"]
    assert "SENTINEL" not in answer.text
    assert web.get("/healthz").status_code == 200
    tmp_path.mkdir()


def test_stopping(store: Store) -> None:
    """Who is being stopped is ready no more, and lives on."""
    app = create_app(Settings(auth="off"), store=store)
    app.extensions[READINESS].stop()
    answer = app.test_client().get("/readyz")
    assert (answer.status_code, answer.json["failing"]) == (503, ["stopping"])
    assert app.test_client().get("/healthz").status_code == 200


def test_a_check_that_raises() -> None:
    """A check that fails itself is a failing check, without the words of the exception."""

    def check() -> None:
        raise KeyError("SENTINEL")

    ready, report = Readiness({"x": check}).report()
    assert not ready
    assert report["checks"]["x"]["problem"] == "fails: KeyError"


def test_a_check_that_hangs() -> None:
    """What hangs is given up, and is asked by one thread, however many probes come."""
    asked: list[int] = []
    go_on = threading.Event()

    def check() -> None:
        asked.append(1)
        go_on.wait(30)

    patient = Patient(check, patience=0.05, every=0.0)
    assert [patient() for _ in range(3)] == ["no answer in 0.05 s"] * 3
    assert len(asked) == 1
    go_on.set()


def test_not_oftener_than_needed() -> None:
    """An outcome holds for a moment: probes do not add up at the database."""
    asked: list[int] = []
    patient = Patient(lambda: asked.append(1), every=60.0)
    for _ in range(5):
        assert patient() is None
    assert len(asked) == 1


def test_it_recovers() -> None:
    """What answers again is ready again."""
    problems: list[str | None] = ["it does not answer", None]
    readiness = Readiness({"x": Patient(lambda: problems.pop(0), every=0.0)})
    assert [readiness.report()[0] for _ in range(2)] == [False, True]
