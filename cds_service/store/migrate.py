"""Alembic, run from within: the versions are those of the package."""

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, text

#: Any number that other programs on the same database do not use.
LOCK = 1_935_043_891


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the tables to ``revision``. Raises SQLAlchemy's errors."""
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            # Several hosts may start at once.
            connection.execute(text("SELECT pg_advisory_xact_lock(:name)"), {"name": LOCK})
        config = Config()
        config.set_main_option("script_location", "cds_service.store:migrations")
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
