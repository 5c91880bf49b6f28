import datetime as dt
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from cds_service.errors import UpstreamUnavailable
from cds_service.store import AuditRow, FeedbackRow, SentCard, Store, StoreError, audit
from cds_service.store.report import Row, by_topic, rows
from cds_service.store.rows import digest, opaque
from cds_service.store.tables import card_sent, feedback, metadata, token_seen

if TYPE_CHECKING:
    from tests.postgresql import Cluster

NOON = dt.datetime(2026, 12, 1, 12, tzinfo=dt.UTC)
NOW = NOON.timestamp()


class Clock:
    """A clock that stands still."""

    def __init__(self) -> None:
        """Start at noon."""
        self.now = NOW

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Return the clock of the store."""
    return Clock()


@pytest.fixture(params=["memory", "file", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[Store]:
    """Yield a store in memory, one in a file, and one on a server where there is one."""
    url = None
    if request.param == "file":
        url = f"sqlite:///{tmp_path}/store.sqlite3"
    elif request.param == "postgresql":
        url = request.getfixturevalue("cluster").database()
    made = Store(url, text_days=30, audit_days=10, clock=clock)
    made.migrate()
    yield made
    made.engine.dispose()


def card(number: int, topic: str = "margin", rule: str = "m1", client: str = "ehr") -> SentCard:
    """Return a card that was sent."""
    return SentCard(
        uuid=uuid(number),
        topic=topic,
        rule=rule,
        guideline_version="1.0.0",
        service="view",
        client=client,
        sent_at=NOON,
    )


def uuid(number: int) -> str:
    """Return a UUID."""
    return f"00000000-0000-4000-8000-{number:012}"


def outcome(number: int, kind: str = "overridden", **more: object) -> FeedbackRow:
    """Return feedback on a card."""
    own = {"card": uuid(number), "service": "view", "client": "ehr", "outcome_at": NOON}
    return FeedbackRow(**own | {"outcome": kind} | more)  # type: ignore[arg-type]


def stored(store: Store, table: sa.Table) -> list[sa.Row[tuple[object, ...]]]:
    """Return the rows of a table."""
    with store.connect() as connection:
        return list(connection.execute(sa.select(table)))


def test_migrations_make_the_tables(store: Store) -> None:
    """The migrations lead to the tables that the code knows, and running them again to no more."""
    store.migrate()
    store.forget()  # a database in memory is made when it is first used
    with store.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_tokens(store: Store, clock: Clock) -> None:
    """#91: a token is new once in its time, and forgotten when that is over."""
    assert store.first_use("a", "1", expires=NOW + 60)
    assert not store.first_use("a", "1", expires=NOW + 60)
    assert store.first_use("b", "1", expires=NOW + 90)
    assert (store.was_used("a", "1"), store.was_used("a", "2")) == (True, False)
    clock.now += 61
    assert not store.was_used("a", "1")
    assert store.first_use("c", "1", expires=clock.now + 60)
    assert len(stored(store, token_seen)) == 2


def test_no_token_is_kept(store: Store) -> None:
    """#90: of a token a digest is kept, in which issuer and jti cannot run together."""
    store.first_use("https://ehr.example.org", "sentinel", expires=NOW + 60)
    assert "sentinel" not in str(stored(store, token_seen))
    assert digest("ab", "c") != digest("a", "bc")


def test_threads(store: Store) -> None:
    """#91: of many uses at once one is the first."""
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(store.first_use("a", "1", expires=NOW + 60)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [False] * 7 + [True]


def test_cards(store: Store) -> None:
    """A card is kept with its rule, service, client and time."""
    store.record_cards([card(1), card(2, "radiation")])
    store.record_cards([])
    first, _ = stored(store, card_sent)
    assert tuple(first) == (
        uuid(1), "margin", "m1", "1.0.0", "view", "ehr", NOON.replace(tzinfo=None), False
    )  # fmt: skip


def test_repeats(store: Store) -> None:
    """#156: the same feedback again, in one batch or later, is stored once."""
    store.record_feedback([outcome(1), outcome(1), outcome(2)])
    store.record_feedback([outcome(2), outcome(2, "accepted", suggestions=(uuid(9),))])
    assert len(stored(store, feedback)) == 3
    store.record_feedback([])


def test_batches_at_once(store: Store) -> None:
    """#156: batches that overlap, in whatever order and at once, are each stored whole and once."""
    items = [outcome(number) for number in range(1000)]
    batches = [items, items[::-1], items[10:], items[900:0:-1]] * 2
    with ThreadPoolExecutor(len(batches)) as pool:
        list(pool.map(store.record_feedback, batches))
    assert len(stored(store, feedback)) == 1000


def test_somebody_else_s_lock(cluster: "Cluster", monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever locks a table in PostgreSQL, the service answers 503 in time, and works on after."""
    store = Store(cluster.database())
    store.migrate()
    monkeypatch.setattr("cds_service.store.database.STATEMENT", 100)
    with store.engine.begin() as other:
        other.execute(sa.text("LOCK TABLE feedback"))
        with pytest.raises(UpstreamUnavailable):
            store.record_feedback([outcome(1)])
        assert store.first_use("a", "1", expires=NOW + 60)
    store.record_feedback([outcome(1)])
    assert len(stored(store, feedback)) == 1
    store.engine.dispose()


def test_text_is_forgotten(store: Store, clock: Clock) -> None:
    """Free text is deleted after its days; the outcome stays."""
    store.record_feedback([outcome(1, text="sentinel")])
    clock.now += 29 * 86_400
    store.forget()
    assert stored(store, feedback)[0].text == "sentinel"
    clock.now += 2 * 86_400
    store.record_feedback([outcome(2)])
    assert [row.text for row in stored(store, feedback)] == [None, None]


def test_text_is_off(tmp_path: Path) -> None:
    """Without days for it no free text is kept, whoever hands it in; old text goes at the start."""
    url = f"sqlite:///{tmp_path}/store.sqlite3"
    on, off = Store(url, text_days=30), Store(url)
    on.migrate()
    on.record_feedback([outcome(1, text="sentinel")])
    off.migrate()
    off.record_feedback([outcome(2, text="sentinel")])
    assert [row.text for row in stored(off, feedback)] == [None, None]


def test_foreign_ids() -> None:
    """An id that is no UUID could say anything: a digest of it is kept, the same each time."""
    assert opaque(uuid(1).upper()) == uuid(1)
    assert opaque("Jane Doe") == opaque("Jane Doe")
    assert "Jane" not in opaque("Jane Doe")
    assert len(opaque("x" * 5000)) <= 80


def test_report(store: Store) -> None:
    """Cards are counted once by what became of them; accepted wins, ignored is neither."""
    store.record_cards([card(1), card(2), card(3), card(4, rule="m2"), card(5, "hlrcc", "h1")])
    store.record_feedback(
        [
            outcome(1, reason="other"),
            outcome(1, "accepted", suggestions=(uuid(8),)),
            outcome(2, reason="patient-refuses"),
            outcome(2, reason="patient-refuses", outcome_at=NOON + dt.timedelta(hours=1)),
            outcome(4, reason="other"),
            outcome(77, reason="other"),
            outcome(5, client="somebody else"),
        ]
    )
    found = rows(store)
    assert found == (
        Row(topic="hlrcc", rule="h1", sent=1),
        Row(
            topic="margin",
            rule="m1",
            sent=3,
            accepted=1,
            overridden=1,
            reasons={"other": 1, "patient-refuses": 1},
        ),
        Row(topic="margin", rule="m2", sent=1, overridden=1, reasons={"other": 1}),
        Row(topic="(unknown card)", overridden=2, reasons={"other": 1}),
    )
    _, margin, unknown = by_topic(found)
    assert (margin.sent, margin.accept_rate, margin.override_rate) == (4, 0.25, 0.5)
    assert margin.reasons == {"other": 2, "patient-refuses": 1}
    assert (unknown.accept_rate, unknown.override_rate) == (None, None)


def test_report_of_a_time(store: Store) -> None:
    """The report can be of the cards of some days."""
    store.record_cards([card(1)])
    day = NOON.date()
    one = dt.timedelta(days=1)
    assert len(rows(store, since=day, until=day)) == 1
    assert rows(store, since=day + one) == rows(store, until=day - one) == ()


@pytest.mark.parametrize(
    "url", ["nonsense", "oracle://x/y", "mysql+mysqldb://x/y", "sqlite+nothing:///x", "://"]
)
def test_bad_addresses(url: str) -> None:
    """An address that cannot be used is an error that says what can."""
    with pytest.raises(StoreError, match="CDS_DATABASE_URL"):
        Store(url)


def test_unreachable(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A database that cannot be opened stops the start; later it is a 503, without a value."""
    store = Store(f"sqlite:///{tmp_path}/nowhere/store.sqlite3")
    with pytest.raises(StoreError, match="writable"):
        store.migrate()
    with caplog.at_level(logging.DEBUG), pytest.raises(UpstreamUnavailable):
        store.first_use("issuer", "sentinel", expires=NOW)
    assert "sentinel" not in caplog.text


def test_audit(store: Store, clock: Clock) -> None:
    """A request is kept as it was, found by day, patient and user, and deleted after its days."""
    first = AuditRow(
        id=1,
        at=NOON,
        request=uuid(1),
        endpoint="call",
        service="view",
        hook="patient-view",
        hook_instance=uuid(2),
        client="ehr",
        tenant="north",
        user="Practitioner/é",
        patient="Patient/" + "x" * 255,
        status=200,
        reason="",
        cards=3,
        program="0.1.0",
        guideline="1.0.0",
    )
    later = replace(first, id=2, at=NOON + dt.timedelta(days=1), patient="", user="")
    store.record_audit(first)
    store.record_audit(later)
    day = NOON.date()
    assert list(audit.rows(store)) == [first, later]
    assert list(audit.rows(store, until=day)) == list(audit.rows(store, patient=[first.patient]))
    assert list(audit.rows(store, since=day + dt.timedelta(days=1))) == [later]
    assert list(audit.rows(store, user=["Practitioner/é", "x"])) == [first]
    clock.now += 11 * 86_400
    store.forget()
    assert list(audit.rows(store)) == [later]
