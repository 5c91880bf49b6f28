"""Alembic, run from within: the versions are those of the package."""

import functools

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

#: Any number that other programs on the same database do not use.
LOCK = 1_935_043_891


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the tables to ``revision``. Raises SQLAlchemy's errors.

    Tables of a later program stay as they are: versions only add.
    """
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            # Several hosts may start at once.
            connection.execute(text("SELECT pg_advisory_xact_lock(:name)"), {"name": LOCK})
        if _is_later(_present(connection)):
            return
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def behind(connection: Connection) -> str | None:
    """Return how the tables are older than this program; None where they are not."""
    present = _present(connection)
    if present == _versions()[0] or _is_later(present):
        return None
    return f"of version {present}, not {_versions()[0]}" if present else "not there"


def _present(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _is_later(version: str | None) -> bool:
    return version is not None and version not in _versions()


@functools.cache
def _versions() -> tuple[str, ...]:
    """Return the versions that this program knows, the last one first."""
    scripts = ScriptDirectory.from_config(_config())
    return tuple(script.revision for script in scripts.walk_revisions())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "cds_service.store:migrations")
    config.set_main_option("path_separator", "os")
    return config
