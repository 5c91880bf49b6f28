"""The fields that a log line may have, and what their values may be. Nothing else is written."""

import re
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, get_args

from cds_service import hooks
from cds_service.clinical.plan import TOPICS, State
from cds_service.facts import Kind

#: Returns the value as it is written, or None where it is not what the field is for.
Check = Callable[[object], object]

_UUID = r"[0-9A-Fa-f]{8}-?(?:[0-9A-Fa-f]{4}-?){3}[0-9A-Fa-f]{12}"
_NAME = r"[A-Za-z0-9_.-]{1,64}"
_WORD = r"[a-z0-9-]{1,40}"
_VERSION = r"[0-9A-Za-z.+_-]{1,64}"
_RULES = r"[a-z0-9,._-]{1,200}"


def escaped(text: str, most: int = 1000) -> str:
    """Return ``text`` on one line, without control characters and not longer than ``most``."""
    plain = "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )
    return plain if len(plain) <= most else f"{plain[: most - 1]}…"


def is_uuid(text: str) -> bool:
    """Return whether ``text`` is a UUID, with its hyphens or without."""
    return re.fullmatch(_UUID, text) is not None


def _text(value: object) -> object:
    return (escaped(value) or None) if isinstance(value, str) else None


def _matching(pattern: str) -> Check:
    compiled = re.compile(pattern)
    return lambda value: value if isinstance(value, str) and compiled.fullmatch(value) else None


def _one_of(*words: str) -> Check:
    known = frozenset(words)
    return lambda value: value if isinstance(value, str) and value in known else None


def _number(value: object) -> object:
    return round(value, 6) if isinstance(value, int | float) else None


def _table(names: Check, values: Check) -> Check:
    def check(value: object) -> object:
        pairs = value.items() if isinstance(value, Mapping) else ()
        good = {names(name): values(item) for name, item in pairs}
        return {name: item for name, item in good.items() if None not in {name, item}} or None

    return check


def _several(item: Check) -> Check:
    def check(value: object) -> object:
        items = value if isinstance(value, list | tuple) else ()
        return [good for each in items if (good := item(each)) is not None] or None

    return check


_SERVICES = hooks.services()
_TOPIC = _one_of(*TOPICS)
_PHASES = ("read", "evaluate", "render", "total")
FIELDS: Mapping[str, Check] = {
    "time": _matching(r"[0-9T:.+Z-]{1,40}"),
    "level": _one_of("debug", "info", "warning", "error", "critical"),
    "event": _text,
    "request_id": _matching(_UUID),
    "endpoint": _matching(_WORD),
    "client": _matching(_NAME),
    "tenant": _text,
    "service": _one_of(*(service.id for service in _SERVICES)),
    "hook": _one_of(*(service.hook for service in _SERVICES)),
    "hookInstance": _matching(_UUID),
    "status": _number,
    "reason": _matching(_WORD),
    "detail": _text,
    "shadow": lambda value: value if isinstance(value, bool) else None,
    "cards": _number,
    "states": _table(_TOPIC, _one_of(*get_args(State))),
    "rules": _table(_TOPIC, _matching(_RULES)),
    "unread": _several(_one_of(*get_args(Kind))),
    "timings": _table(_one_of(*_PHASES), _number),
    "versions": _table(_matching(_WORD), _matching(_VERSION)),
    "exception": _matching(r"[\w.]{1,100}"),
    "place": _text,
    "logger": _matching(r"[\w.-]{1,100}"),
    "pid": _number,
}


def allowed(_logger: object, _method: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
    """Return what of a line may be written: a processor of structlog."""
    checked = ((name, check(event[name])) for name, check in FIELDS.items() if name in event)
    return {name: value for name, value in checked if value is not None}
