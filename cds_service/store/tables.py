"""The tables. A change of them is a new file in ``migrations/versions``; a test compares both."""

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    false,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

#: Times are UTC without a zone: SQLite keeps none.
card_sent = Table(
    "card_sent",
    metadata,
    Column("uuid", String(36), primary_key=True),
    Column("topic", String(64), nullable=False),
    Column("rule", Text, nullable=False),
    Column("guideline_version", String(64), nullable=False),
    Column("service", String(128), nullable=False),
    Column("client", String(64), nullable=False),
    #: When it was sent, or with ``shadow`` would have been.
    Column("sent_at", DateTime, nullable=False, index=True),
    Column("shadow", Boolean, nullable=False, server_default=false()),
)

feedback = Table(
    "feedback",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("card", String(80), nullable=False, index=True),
    Column("service", String(128), nullable=False),
    Column("client", String(64), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("outcome_at", DateTime, nullable=False),
    Column("received_at", DateTime, nullable=False, index=True),
    Column("suggestions", Text, nullable=False),
    Column("reason", String(64)),
    #: Free text of clinicians, which may hold patient data: only where it is switched on.
    Column("text", Text),
)

token_seen = Table(
    "token_seen",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("expires", Float, nullable=False, index=True),
)

#: Who asked about whom. Patient and user are keyed digests, unless the operator wants names.
audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", DateTime, nullable=False, index=True),
    Column("request", String(36), nullable=False),
    Column("endpoint", String(16), nullable=False),
    Column("service", String(128), nullable=False),
    Column("hook", String(64), nullable=False),
    Column("hook_instance", String(36), nullable=False),
    Column("client", String(64), nullable=False),
    Column("tenant", String(128), nullable=False),
    Column("user", String(300), nullable=False),
    Column("patient", String(300), nullable=False, index=True),
    Column("status", Integer, nullable=False),
    Column("reason", String(40), nullable=False),
    Column("cards", Integer, nullable=False),
    Column("program", String(64), nullable=False),
    Column("guideline", String(64), nullable=False),
)
