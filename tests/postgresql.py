"""A PostgreSQL of the tests' own, where one is installed."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

#: ``make test-postgres`` sets it: what is missing is then a failure.
REQUIRED = bool(os.environ.get("POSTGRESQL"))


class Cluster:
    """A database server on a free port of this machine, which can fail and come back."""

    def __init__(self, programs: Path, folder: Path, user: str | None) -> None:
        """Make the files of the server; ``user`` runs it, None is who runs the tests."""
        self._programs = programs
        self._folder = folder
        self._user = user
        self._databases = 0
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._run("initdb", "--auth=trust", "--username=cds", "--encoding=UTF8", "--no-locale")

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._programs / program, "--pgdata", self._folder / "data", *arguments],
            check=True,
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            user=self._user,
            group=self._user and _group(self._user),
            extra_groups=[] if self._user else None,
        )

    def start(self) -> None:
        """Start, and wait until connections are taken."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''"
        log = str(self._folder / "log")
        self._run("pg_ctl", "start", "--wait", "--silent", "--log", log, "--options", options)

    def crash(self) -> None:
        """Stop at once, as at a loss of power: every connection breaks."""
        self._run("pg_ctl", "stop", "--mode", "immediate", "--silent")

    def database(self) -> str:
        """Return the address of a new, empty database."""
        self._databases += 1
        name = f"test{self._databases}"
        server = f"postgresql+psycopg://cds@127.0.0.1:{self.port}"
        engine = sa.create_engine(f"{server}/postgres", isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return f"{server}/{name}"


def _group(user: str) -> int:
    import pwd  # noqa: PLC0415 - there are systems without

    return pwd.getpwnam(user).pw_gid


def _missing(what: str) -> None:
    message = f"{what}; make test-postgres installs it on a Debian"
    if REQUIRED:
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Yield a server of the newest PostgreSQL that is installed."""
    with running() as made:
        yield made


@contextmanager
def running() -> Iterator[Cluster]:
    """Run a server of the newest PostgreSQL that is installed while the block runs."""
    try:
        import psycopg  # noqa: F401, PLC0415 - an extra
    except ImportError:
        _missing("the extra postgresql is not installed")
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4])
    )
    initdb = str(found[-1]) if found else shutil.which("initdb")
    if initdb is None:
        _missing("PostgreSQL is not installed")
    # PostgreSQL refuses to run as root, and root's own temporary files are closed to others.
    root = os.geteuid() == 0
    folder = Path(tempfile.mkdtemp(prefix="cds-postgresql-", dir="/tmp" if root else None))  # noqa: S108
    user = "nobody" if root else None
    if user:
        shutil.chown(folder, user)
    made = Cluster(Path(str(initdb)).parent, folder, user)
    made.start()
    try:
        yield made
    finally:
        made.crash()
        shutil.rmtree(folder)
