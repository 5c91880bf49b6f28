"""Who may use the page: whoever may use the service, but no other site through their browser."""

from collections.abc import Collection
from urllib.parse import urlsplit

from flask import Request, Response

from cds_service.errors import Forbidden
from cds_service.network import is_loopback

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
#: What a browser says of a request that its user or this very page has made.
_OWN = frozenset({"same-origin", "none"})
_FOREIGN = "Another site may not use the workbench."


def check(request: Request, *, hosts: Collection[str]) -> None:
    """Raise :class:`Forbidden` for a request that another site has made, or may read.

    ``hosts`` are the names under which the service is known, besides those of this machine: a
    foreign name that resolves to it (DNS rebinding) would make the foreign site the same origin.
    """
    name = _host(f"//{request.host}")
    if not (is_loopback(name) or name in hosts):
        raise Forbidden(
            "The workbench is not known under this name. Open it as http://127.0.0.1, or set "
            "CDS_PUBLIC_URL to the address under which it is reached.",
            where="http.Host",
        )
    # A link to a worked case may stand anywhere; what is sent may come from this page alone.
    origin = request.headers.get("Origin")
    if origin is not None and not _is_own(origin, request, hosts):
        raise Forbidden(_FOREIGN, where="http.Origin")
    # What is no browser says nothing of sites, and no site can make it do anything.
    if request.method == "POST" and request.headers.get("Sec-Fetch-Site", "none") not in _OWN:
        raise Forbidden(_FOREIGN, where="http.Sec-Fetch-Site")


def _is_own(origin: str, request: Request, hosts: Collection[str]) -> bool:
    # A proxy that passes requests on under another name leaves the public one in the origin.
    return origin.partition("://")[2] == request.host or _host(origin) in hosts


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def hosts_of(public_url: str | None) -> frozenset[str]:
    """Return the name under which the service is known to others."""
    return frozenset({_host(public_url)}) if public_url else frozenset()


def protect(response: Response) -> Response:
    """Give a response the headers of a page that shows a patient's data."""
    response.headers["Content-Security-Policy"] = _POLICY
    # Not "no-referrer": with it, a browser keeps the origin of the page's own forms to itself.
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers.setdefault("Cache-Control", "no-store")
    return response
