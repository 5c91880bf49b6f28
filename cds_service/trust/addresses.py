"""Which addresses may be called: https to the public network, unless somebody said otherwise."""

from urllib.parse import urlsplit

from cds_service.network import is_loopback
from cds_service.protocol.address import is_http_url

_PORTS = {"http": 80, "https": 443}


def normal(url: str) -> str | None:
    """Return a base address in one spelling; None where it is not a plain http(s) address."""
    if not is_http_url(url) or "?" in url or "#" in url or "\\" in url:
        return None
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None:
        return None
    host = (parts.hostname or "").lower().rstrip(".")
    shown = f"[{host}]" if ":" in host else host
    port = f":{parts.port}" if parts.port not in {None, _PORTS[parts.scheme]} else ""
    return f"{parts.scheme}://{shown}{port}{parts.path.rstrip('/')}"


def problem(url: str, *, dev: bool) -> str | None:
    """Return why ``url`` may not be configured; None if it may."""
    if normal(url) is None:
        return "must be an absolute https URL without query, fragment or password"
    parts = urlsplit(url)
    if dev:
        return None
    if parts.scheme != "https":
        return "must be https; CDS_DEV=1 permits http for development"
    if is_loopback(parts.hostname or ""):
        return "is this machine itself; CDS_DEV=1 permits that for development"
    return None
