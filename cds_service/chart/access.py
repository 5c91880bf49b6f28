"""Which FHIR servers may be asked: the address comes from the caller, so it is not trusted."""

from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

from cds_service.network import is_internal, is_loopback

PRIVATE = "fhirServer is in a private network and is not listed"
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class OpenServers:
    """The servers that the operator allows.

    ``allowed``: base addresses that may be read without a token, and that may lie in a private
    network; ``loopback``: whether this machine itself may be asked.
    """

    allowed: tuple[str, ...] = ()
    loopback: bool = False

    def refusal(self, base: str, *, has_token: bool) -> str | None:
        """Return why ``base`` may not be asked, in words without the address; None if it may."""
        normal = normal_base(base)
        if normal is None:
            return "fhirServer is not a plain http or https address"
        if self.is_meant(normal):
            return None
        parts = urlsplit(normal)
        host = parts.hostname or ""
        if is_loopback(host):
            return "fhirServer is this machine itself"
        if not has_token:
            return "there is no fhirAuthorization, and fhirServer is not listed as open"
        return _unsafe(parts.scheme, host)

    def is_meant(self, normal: str) -> bool:
        """Return whether a base in :func:`normal_base`'s spelling may lead anywhere."""
        if self.loopback and is_loopback(urlsplit(normal).hostname or ""):
            return True
        return normal in {normal_base(address) for address in self.allowed}


def _unsafe(scheme: str, host: str) -> str | None:
    if scheme != "https":
        return "fhirServer is not https"
    if is_internal(host):
        return PRIVATE
    return None


def normal_base(address: str) -> str | None:
    """Return a base address in one spelling; None where it is not plain http or https."""
    try:
        parts = urlsplit(address.strip())
        port = parts.port
    except ValueError:
        return None
    host = (parts.hostname or "").lower().rstrip(".")
    if parts.scheme not in _PORTS or not host or parts.username is not None or parts.query:
        return None
    if parts.fragment or any(character.isspace() for character in address.strip()):
        return None
    shown = f"[{host}]" if ":" in host else host
    place = shown if port in {None, _PORTS[parts.scheme]} else f"{shown}:{port}"
    return urlunsplit((parts.scheme, place, parts.path.rstrip("/"), "", ""))


def same_origin(base: str, link: str) -> str | None:
    """Return the absolute form of ``link`` if it leads to the server of ``base``, else None.

    A server behind a proxy may write http for its own https address: that is mended.
    """
    try:
        target = urlsplit(urljoin(f"{base}/", link))
        own = urlsplit(base)
        if target.username is not None or target.hostname != own.hostname:
            return None
        if _origin(target) == _origin(own):
            return target.geturl()
        if (own.scheme, target.scheme) == ("https", "http") and target.port in {None, 80, own.port}:
            return target._replace(scheme=own.scheme, netloc=own.netloc).geturl()
    except ValueError:
        return None
    return None


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)
