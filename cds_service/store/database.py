"""The database: every statement that the service runs, each in a transaction of its own."""

import datetime as dt
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    IntegrityError,
    NoSuchModuleError,
    SQLAlchemyError,
)
from sqlalchemy.pool import QueuePool

from cds_service.errors import UpstreamUnavailable
from cds_service.store.rows import AuditRow, FeedbackRow, SentCard, digest
from cds_service.store.tables import audit, card_sent, feedback, metadata, token_seen
from cds_service.store.together import Together

_log = logging.getLogger(__name__)
_MEMORY = "sqlite://"
#: What is done in one transaction.
Operation = Literal["tokens", "cards", "feedback", "audit"]
_HOUR = 3600.0
#: Of libpq, where the address says nothing else: seconds for a connection (it takes no fewer), and
#: milliseconds after which a server that has vanished from the network is given up.
_PATIENCE = {"connect_timeout": 2, "tcp_user_timeout": 2000}
_POOL_SECONDS = 2
_Rows = Sequence[Mapping[str, Any]]
#: Milliseconds after which PostgreSQL gives a statement up: somebody else may hold a lock for long.
STATEMENT = 5000


class StoreError(RuntimeError):
    """The database cannot be used; the message says what to do."""


class Store:
    """The store of one process. ``url`` is SQLAlchemy's; without one all is kept in memory."""

    def __init__(
        self,
        url: str | None = None,
        *,
        text_days: int = 0,
        audit_days: int = 0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take the address; nothing is connected yet. Raises :class:`StoreError`.

        ``text_days``: how long free text is kept; 0: not at all. ``audit_days``: how long the
        audit record is kept; 0: nothing of it is deleted.
        """
        self._clock = clock
        self._text_days = text_days
        self._audit_days = audit_days
        self._tidied = 0.0
        self._lock = threading.Lock()
        self._kept = self._made = url is not None
        #: Is told each operation for which the database does not answer.
        self.failed: Callable[[Operation], None] = lambda _: None
        # What every call writes; a table that somebody locks does not hold up the other.
        self._cards, self._audit = map(self._inserting, (card_sent, audit))
        try:
            self.engine = _engine(url or _MEMORY)
        except (ArgumentError, NoSuchModuleError, ImportError) as error:
            raise StoreError(
                f"CDS_DATABASE_URL cannot be used: {type(error).__name__}. Write "
                "sqlite:///FILE, or postgresql+psycopg://USER@HOST/NAME with the package's "
                "extra postgresql installed."
            ) from None

    def migrate(self) -> None:
        """Bring the tables to the present version. Raises :class:`StoreError`."""
        from cds_service.store.migrate import upgrade  # noqa: PLC0415 - Alembic, at starts only

        try:
            if self._made:
                upgrade(self.engine)
                self.forget()
        except SQLAlchemyError as error:
            raise StoreError(
                f"The database of CDS_DATABASE_URL ({self.engine.url.render_as_string()}) cannot "
                f"be prepared: {type(error).__name__}. Is the place there, and writable?"
            ) from None

    def problem(self) -> str | None:
        """Return what is wrong with the database, in words without its address; None if nothing."""
        from cds_service.store.migrate import behind  # noqa: PLC0415 - as above

        try:
            with self.connect() as connection:
                old = behind(connection) if self._kept else None
        except SQLAlchemyError as error:
            return f"it does not answer: {type(error).__name__}"
        return f"its tables are {old}: run cds-service db upgrade" if old else None

    # --- Tokens ---

    def first_use(self, issuer: str, jti: str, *, expires: float) -> bool:
        """Remember a token until it expires (epoch seconds); return whether it is new."""
        row = {"digest": digest(issuer, jti), "expires": expires}
        with self._begin("tokens") as connection:
            connection.execute(sa.delete(token_seen).where(token_seen.c.expires < self._now()))
            stored = connection.execute(
                self._insert_new(token_seen).values(row),
                execution_options={"preserve_rowcount": True},
            )
            return stored.rowcount == 1

    def was_used(self, issuer: str, jti: str) -> bool:
        """Return whether a token was used, without remembering it."""
        query = sa.select(token_seen.c.expires).where(token_seen.c.digest == digest(issuer, jti))
        with self._begin("tokens") as connection:
            expires = connection.execute(query).scalar()
        return expires is not None and expires >= self._now()

    # --- Cards and feedback ---

    def record_cards(self, cards: Iterable[SentCard]) -> None:
        """Remember cards that are being sent."""
        rows = [
            {name: getattr(card, name) for name in SentCard.__slots__}
            | {"sent_at": _naive(card.sent_at)}
            for card in cards
        ]
        if rows:
            with self._heard("cards"):
                self._cards.add(rows)

    def record_feedback(self, items: Iterable[FeedbackRow]) -> Counter[tuple[str, str]]:
        """Remember all items or none; what is known already is not stored again.

        Return how often each topic and outcome is new; a card that was never sent to the client
        has the topic "".
        """
        given = {item.digest: item for item in items}
        # Always in the same order, so that two batches never wait for each other.
        rows = [self._row(item) for _, item in sorted(given.items())]
        if not rows:
            return Counter()
        cards = {item.card for item in given.values()}
        stored = sa.select(feedback.c.digest).where(feedback.c.digest.in_(given))
        sent = sa.select(card_sent.c.uuid, card_sent.c.client, card_sent.c.topic)
        with self._begin("feedback") as connection:
            self._forget(connection)
            known = set(connection.execute(stored).scalars())
            topics = {
                (uuid, client): topic
                for uuid, client, topic in connection.execute(
                    sent.where(card_sent.c.uuid.in_(cards))
                )
            }
            connection.execute(self._insert_new(feedback), rows)
        return Counter(
            (topics.get((item.card, item.client), ""), item.outcome)
            for name, item in given.items()
            if name not in known
        )

    def _row(self, item: FeedbackRow) -> dict[str, Any]:
        return {
            "digest": item.digest,
            "card": item.card,
            "service": item.service,
            "client": item.client,
            "outcome": item.outcome,
            "outcome_at": _naive(item.outcome_at),
            "received_at": self._today(),
            "suggestions": " ".join(item.suggestions),
            "reason": item.reason,
            "text": item.text if self._text_days else None,
        }

    # --- Audit ---

    def record_audit(self, row: AuditRow) -> None:
        """Remember a request."""
        values = {name: getattr(row, name) for name in AuditRow.__slots__ if name != "id"}
        with self._heard("audit"):
            self._audit.add([values | {"at": _naive(row.at)}])
        if self._now() - self._tidied > _HOUR:
            self._tidied = self._now()
            with self._begin("audit") as connection:
                self._tidy(connection)

    def _tidy(self, connection: sa.Connection) -> None:
        """Delete what of the audit record has had its time."""
        if self._audit_days:
            limit = self._today() - dt.timedelta(days=self._audit_days)
            connection.execute(sa.delete(audit).where(audit.c.at < limit))

    def forget(self) -> None:
        """Delete free text and audit records whose time is over."""
        with self._begin("feedback") as connection:
            self._forget(connection)
            self._tidy(connection)

    def _forget(self, connection: sa.Connection) -> None:
        limit = self._today() - dt.timedelta(days=self._text_days)
        old = sa.and_(feedback.c.text.is_not(None), feedback.c.received_at < limit)
        connection.execute(sa.update(feedback).where(old).values(text=None))

    # --- Connections ---

    def _insert_new(self, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
        """Return an insert that passes over what another worker has stored at the same time."""
        insert = postgresql.insert if self.engine.dialect.name == "postgresql" else sqlite.insert
        return insert(table).on_conflict_do_nothing(index_elements=["digest"])

    def _inserting(self, table: sa.Table) -> Together[_Rows]:
        """Return what inserts the rows that threads give at the same time in one transaction."""
        insert = sa.insert(table)

        def write(parts: Sequence[_Rows]) -> None:
            with self._transaction() as connection:
                connection.execute(insert, [row for rows in parts for row in rows])

        return Together(write, seconds=_POOL_SECONDS, own=(DataError, IntegrityError))

    @contextmanager
    def _begin(self, operation: Operation) -> Iterator[sa.Connection]:
        """Yield a connection in a transaction. A database that fails is a 503."""
        with self._heard(operation), self._transaction() as connection:
            yield connection

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        self._make()
        with self.engine.begin() as connection:
            if self.engine.dialect.name == "postgresql":
                connection.execute(sa.text(f"SET LOCAL statement_timeout = {STATEMENT}"))
            yield connection

    @contextmanager
    def _heard(self, operation: Operation) -> Iterator[None]:
        """Tell of a database that fails: it is a 503."""
        try:
            yield
        except (SQLAlchemyError, TimeoutError) as error:
            _log.error("the database failed: %s", type(error).__name__)
            self.failed(operation)
            raise UpstreamUnavailable(
                "The service's own storage does not answer. Try again later."
            ) from None

    def connect(self) -> sa.Connection:
        """Return a connection for reading reports."""
        self._make()
        return self.engine.connect()

    def _make(self) -> None:
        """Make the tables of a database in memory, which nobody migrates."""
        if not self._made:
            with self._lock:
                metadata.create_all(self.engine)
                self._made = True

    def _now(self) -> float:
        return self._clock()

    def _today(self) -> dt.datetime:
        return _naive(dt.datetime.fromtimestamp(self._clock(), dt.UTC))


def _naive(moment: dt.datetime) -> dt.datetime:
    return moment.astimezone(dt.UTC).replace(tzinfo=None)


def _engine(url: str) -> sa.Engine:
    address = sa.make_url(url)
    backend, driver = address.get_backend_name(), address.get_driver_name()
    if backend == "postgresql":
        patience = _PATIENCE if driver.startswith("psycopg") else {}
        return sa.create_engine(
            address,
            pool_pre_ping=True,
            pool_size=8,
            pool_timeout=_POOL_SECONDS,
            hide_parameters=True,
            connect_args={key: patience[key] for key in patience.keys() - address.query.keys()},
        )
    if backend != "sqlite":
        raise ArgumentError(backend)
    if address.database in {None, "", ":memory:"}:
        # One connection is one database: every thread waits for it.
        return sa.create_engine(
            address,
            poolclass=QueuePool,
            pool_size=1,
            max_overflow=0,
            hide_parameters=True,
            connect_args={"check_same_thread": False},
        )
    engine = sa.create_engine(address, hide_parameters=True, connect_args={"timeout": 5})

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, _: object) -> None:  # noqa: ANN401 - the driver's
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.close()

    return engine
