"""The log: one JSON object a line where standard error is no terminal, readable lines where it is.

Everything that the process says goes through here, whoever says it. What a library writes, and
the message of an exception, may hold anything: of those the type and the place are kept.
"""

import datetime as dt
import logging
import logging.config
import os
import sys
import threading
import traceback
import warnings
from collections.abc import MutableMapping
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

import orjson
import structlog
from structlog.stdlib import ProcessorFormatter

from cds_service.observe.fields import allowed

_PACKAGE = str(Path(__file__).parents[1])
_OWN = "cds_service"
#: The loggers whose messages are their authors' words and the operator's settings. Of several
#: lines only the first counts: the server adds tracebacks, which hold values.
_SPOKEN = frozenset({_OWN, "_granian", "granian", "alembic"})
_WITHHELD = "a message that is not shown, because it may hold patient data"


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return a logger that takes fields by name and keeps those that are allowed."""
    return structlog.wrap_logger(  # type: ignore[no-any-return]
        logging.getLogger(f"{_OWN}.{name}"),
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            allowed,
            ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def configure(level: str) -> None:
    """Let everything that this process says be a line of the log, from ``level`` on."""
    logging.config.dictConfig(config(level))
    warnings.showwarning = _warned
    sys.excepthook = _uncaught
    sys.unraisablehook = lambda given: report("an exception that nobody catches", given.exc_value)
    threading.excepthook = lambda given: report("a thread failed", given.exc_value)


def config(level: str) -> dict[str, Any]:
    """Return the configuration for :mod:`logging`, also of the server's own processes."""
    chosen = level.upper()
    others = chosen if chosen == "ERROR" else "WARNING"
    server = "INFO" if chosen == "DEBUG" else chosen
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": f"{__name__}.formatter"}},
        "handlers": {"stderr": {"()": f"{__name__}.Stderr", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": others},
        "loggers": {_OWN: {"level": chosen}, "_granian": {"level": server}},
    }


def formatter() -> logging.Formatter:
    """Return what makes a line of a record."""
    return ProcessorFormatter(
        foreign_pre_chain=[_foreign], processors=[_stamped, allowed, _renderer()]
    )


class Stderr(logging.StreamHandler[TextIO]):
    """Writes to whatever standard error is at the moment; a record that cannot be is said to be."""

    def __init__(self) -> None:
        """Open nothing."""
        super().__init__(sys.stderr)

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        self.stream = sys.stderr
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the base class's
        """Say that a record was lost: the base class would print its values."""
        if not isinstance(sys.exception(), OSError):  # else there is nobody to say it to
            write("error", f"a record of {record.name} cannot be written")


def write(level: str, event: str) -> None:
    """Write a line at once, whether or not the log was configured."""
    line: Any = {"level": level, "event": event}
    for step in (_stamped, allowed, _renderer()):
        line = step(None, level, line)
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - the log


def is_terminal() -> bool:
    """Return whether somebody reads along: the lines are for people, then."""
    return sys.stderr is not None and sys.stderr.isatty()


def report(event: str, error: BaseException | None) -> None:
    """Write what failed: of the exception its type and its place."""
    logger("process").error(
        event,
        exception=type(error).__name__,
        place=place(error.__traceback__ if error else None),
    )


def place(frames: TracebackType | None) -> str:
    """Return where an exception came from: the last line of this package, and the last of all."""
    found = traceback.extract_tb(frames)
    own = [frame for frame in found if frame.filename.startswith(_PACKAGE)]
    places = (f"{frame.filename}:{frame.lineno}" for frame in (*own[-1:], *found[-1:]))
    return ", ".join(dict.fromkeys(places))


def _renderer() -> structlog.typing.Processor:
    if is_terminal():
        return structlog.dev.ConsoleRenderer(timestamp_key="time")
    return lambda _logger, _method, event: orjson.dumps(event).decode()


def _stamped(_logger: object, _method: str, event: MutableMapping[str, Any]) -> Any:  # noqa: ANN401
    """Add when, how grave and whose process."""
    record = event.pop("_record", None)
    event.pop("_from_structlog", None)
    moment = (
        dt.datetime.fromtimestamp(record.created, dt.UTC) if record else dt.datetime.now(dt.UTC)
    )
    event["time"] = moment.isoformat(timespec="milliseconds")
    if record:
        event["level"] = record.levelname.lower()
    event["pid"] = os.getpid()
    return event


def _foreign(_logger: object, _method: str, event: MutableMapping[str, Any]) -> Any:  # noqa: ANN401
    """Keep of a record of :mod:`logging` what is known to be harmless."""
    record: logging.LogRecord = event["_record"]
    event.update(structlog.contextvars.get_contextvars(), logger=record.name)
    if record.name.partition(".")[0] in _SPOKEN:
        event["event"] = event["event"].partition("\n")[0]
    else:
        event.update(event=_WITHHELD, place=f"{record.pathname}:{record.lineno}")
    failure = record.exc_info[1] if record.exc_info else None
    if failure:
        event.update(exception=type(failure).__name__, place=place(failure.__traceback__))
    return event


def _uncaught(
    kind: type[BaseException], error: BaseException, frames: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, frames)
        return
    report("the process failed", error)


def _warned(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    del message, file, line  # they may quote a value
    logger("process").warning(
        "a warning of Python", exception=category.__name__, place=f"{filename}:{lineno}"
    )
