"""The place where the workers of one server add up their metrics."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: The variable by which prometheus-client knows the place; it reads it when it is imported.
_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


class NoPlaceError(OSError):
    """There is no place for the metrics; the message says what to do."""


@contextmanager
def folder() -> Iterator[None]:
    """Let this process and its children share metrics, in a private directory of their own.

    Raises :class:`NoPlaceError`.
    """
    try:
        made = tempfile.mkdtemp(prefix="cds-service-metrics-")
    except OSError as error:
        raise NoPlaceError(
            f"There is no place for the workers' metrics: {error.strerror or error}. Make /tmp "
            "writable, or let TMPDIR name a directory that is."
        ) from None
    before = os.environ.get(_VARIABLE)
    os.environ[_VARIABLE] = made
    try:
        yield
    finally:
        if before is None:
            del os.environ[_VARIABLE]
        else:
            os.environ[_VARIABLE] = before
        shutil.rmtree(made, ignore_errors=True)


def place() -> Path | None:
    """Return the directory that the workers share; None where a process is alone."""
    name = os.environ.get(_VARIABLE)
    return Path(name) if name else None
