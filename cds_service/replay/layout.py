"""JSON as a person would lay it out: what fits on a line stands on one line."""

import orjson

from cds_service.replay.client import Json

_WIDTH = 110


def dumps(value: object, *, indent: int = 0, used: int = 0) -> str:
    """Return ``value`` as JSON text, without a final newline.

    ``indent`` is the column at which the value's closing bracket stands, ``used`` what its
    first line already holds. The layout is stable, so a rewritten file differs only where
    its content does.
    """
    flat = _flat(value)
    if indent + used + len(flat) <= _WIDTH or not isinstance(value, dict | list) or not value:
        return flat
    pad = " " * (indent + 2)
    if isinstance(value, dict):
        inner = [
            f"{pad}{_flat(key)}: {dumps(item, indent=indent + 2, used=len(key) + 5)}"
            for key, item in value.items()
        ]
        opening, closing = "{", "}"
    else:
        inner = [pad + dumps(item, indent=indent + 2, used=1) for item in value]
        opening, closing = "[", "]"
    return opening + "\n" + ",\n".join(inner) + "\n" + " " * indent + closing


def _flat(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flat(k)}: {_flat(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flat, value)) + "]"
    return orjson.dumps(value).decode()


def load(text: bytes) -> Json:
    """Return the JSON object in ``text``; ``ValueError`` says what is wrong, and where."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ValueError(
            f"is not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from None
    if not isinstance(value, dict):
        raise ValueError(f"holds a JSON {type(value).__name__}; an object is expected")  # noqa: TRY004 - the file is at fault, not the caller
    return value
