"""What opens a door, taken out of what is written: tokens, passwords, signed addresses."""

import re
from typing import Any

REMOVED = "(removed)"
_NAMES = r"token|secret|passw(?:or)?d|credentials?|authorization|api[_-]?key|jwt|assertion|cookie"
_KEY = re.compile(rf"(?:{_NAMES})$", re.IGNORECASE)
_IN_TEXT = (
    (re.compile(r"\beyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)?"), REMOVED),
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{6,}", re.IGNORECASE), rf"\1 {REMOVED}"),
    (
        re.compile(rf"([?&;#][\w.-]*(?:{_NAMES}|sig|signature)=)[^&#\s\"'<>\\]+", re.IGNORECASE),
        rf"\1{REMOVED}",
    ),
    (re.compile(r"(://)[^/?#@\s\"'<>\\]+@"), rf"\1{REMOVED}@"),
)
#: In what is no JSON: the name of a secret, whatever divides it from its value, and the value.
_PAIR = re.compile(
    rf"([\w.-]*(?:{_NAMES})['\"]?\s*[:=>]\s*)(?:\"[^\"]*\"?|'[^']*'?|[^\s,;&{{}}\[\]<]+)",
    re.IGNORECASE,
)
#: As long as no word is: a token that nothing names.
_OPAQUE = re.compile(r"[A-Za-z0-9._~+/=-]{40,}")
_ESCAPED = re.compile(r"\\u00([2-7][0-9a-fA-F])")


def without_secrets(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return any JSON without the values of secret names, and without tokens inside of texts."""
    if isinstance(value, dict):
        return {
            key: REMOVED
            if _KEY.search(key) and isinstance(item, str | int | float)
            else without_secrets(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [without_secrets(item) for item in value]
    return _without(value) if isinstance(value, str) else value


def without_secrets_in_bytes(raw: bytes) -> bytes:
    """Return a body that is no JSON without what may be a token, in UTF-8 where it was UTF-16.

    Nothing says where a value ends in such a body: rather too much is taken out.
    """
    text = _ESCAPED.sub(_plain, _decoded(raw))
    text = _PAIR.sub(rf"\1{REMOVED}", text)
    return _OPAQUE.sub(REMOVED, _without(text)).encode("utf-8", "surrogateescape")


def _without(text: str) -> str:
    for pattern, replacement in _IN_TEXT:
        text = pattern.sub(replacement, text)
    return text


def _plain(match: re.Match[str]) -> str:
    char = chr(int(match[1], 16))
    return match[0] if char in "\"'\\" else char


def _decoded(raw: bytes) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", "replace")
    if b"\0" in raw[:4]:
        return raw.decode("utf-16-be" if raw[:1] == b"\0" else "utf-16-le", "replace")
    return raw.decode("utf-8", "surrogateescape")
