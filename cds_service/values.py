"""The forms in which settings are written: text in, a value out, or a ValueError of what may be.

The error's message completes "CDS_NAME must be".
"""

import datetime as dt
import ipaddress
from collections.abc import Callable

from cds_service.protocol.address import is_http_url


def one_of(*words: str) -> Callable[[str], str]:
    """Return the form that is one of these words."""

    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"{', '.join(words[:-1])} or {words[-1]}")
        return text

    return parse


def secret(text: str) -> str:
    """Return a secret; 16 random characters are enough."""
    if not 16 <= len(text) <= 1024 or not text.isascii() or not text.isprintable():  # noqa: PLR2004 - of random letters that is enough
        raise ValueError("16 or more printable ASCII characters")
    return text


def date(text: str) -> dt.date:
    """Return a date."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise ValueError("a date such as 2026-12-01") from None


def url(text: str) -> str:
    """Return an address without a slash at its end."""
    if not is_http_url(text) or "?" in text or "#" in text:
        raise ValueError("an absolute http or https URL without query and fragment")
    return text.rstrip("/")


def items(text: str) -> tuple[str, ...]:
    """Return what stands between commas."""
    return tuple(item.strip() for item in text.split(",") if item.strip())


def urls(text: str) -> tuple[str, ...]:
    """Return addresses."""
    return tuple(map(url, items(text)))


def origins(text: str) -> tuple[str, ...]:
    """Return the origins of web pages, in lower case."""
    origins = items(text)
    for origin in origins:
        if not is_http_url(origin) or origin.count("/") != 2:  # noqa: PLR2004 - of "://"
            raise ValueError("origins such as https://ehr.example.org, no path, separated by ,")
    return tuple(origin.lower() for origin in origins)


def seconds(text: str) -> float:
    """Return seconds, a minute at most."""
    value = float(text) if text.replace(".", "", 1).isdecimal() else 0.0
    if not 0 < value <= 60:  # noqa: PLR2004 - a minute
        raise ValueError("seconds, more than 0 and at most 60")
    return value


def token_seconds(text: str) -> float:
    """Return whole seconds, a day at most."""
    value = int(text) if text.isdecimal() else -1
    if not 0 <= value <= 86_400:  # noqa: PLR2004 - a day
        raise ValueError("whole seconds, at most 86400")
    return float(value)


def seconds_within(least: int, most: int) -> Callable[[str], int]:
    """Return the form that is whole seconds from ``least`` to ``most``."""

    def parse(text: str) -> int:
        value = int(text) if text.isdecimal() else -1
        if not least <= value <= most:
            raise ValueError(f"whole seconds from {least} to {most}")
        return value

    return parse


def count(text: str) -> int:
    """Return a number of things."""
    if not text.isdecimal() or len(text) > 9:  # noqa: PLR2004 - fits every column
        raise ValueError("a whole number, 0 or more")
    return int(text)


def levels(text: str) -> int:
    """Return levels of JSON: a resource needs ten, and readers are recursive."""
    value = int(text) if text.isdecimal() else 0
    if not 10 <= value <= 500:  # noqa: PLR2004 - a resource needs ten; readers are recursive
        raise ValueError("a whole number from 10 to 500")
    return value


def networks(text: str) -> tuple[str, ...]:
    """Return IP networks; an address alone is one."""
    try:
        return tuple(str(ipaddress.ip_network(item, strict=False)) for item in items(text))
    except ValueError:
        raise ValueError("IP addresses or networks such as 10.1.2.0/24, separated by ,") from None


def header(text: str) -> str:
    """Return the name of an HTTP header."""
    if not text.replace("-", "").isalnum() or not text.isascii():
        raise ValueError("the name of an HTTP header, such as X-Client-Subject")
    return text


def size(text: str) -> int:
    """Return a number of bytes."""
    value = int(text) if text.isdecimal() else 0
    if value < 1024:  # noqa: PLR2004 - no hook request is smaller
        raise ValueError("a whole number of bytes, at least 1024")
    return value


def switch(text: str) -> bool:
    """Return whether something is on."""
    if text not in {"0", "1"}:
        raise ValueError("1 for on or 0 for off")
    return text == "1"
