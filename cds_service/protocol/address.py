"""Addresses in messages and settings; nothing is imported that a short command does not need."""

from urllib.parse import urlsplit


def is_http_url(value: str) -> bool:
    """Return whether ``value`` is an absolute http or https URL with a host."""
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018 - reading it is the check
    except ValueError:
        return False
    plain = value.isprintable() and " " not in value
    return plain and parts.scheme in {"http", "https"} and bool(parts.hostname)
