"""Who may call: a token or a client certificate before anything of the body is read."""

import ipaddress
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence

from flask import Request

from cds_service.errors import Forbidden, TooManyRequests, Unauthorized
from cds_service.hooks.base import Call
from cds_service.settings import Settings
from cds_service.trust import Caller, Verifier

_MINUTE = 60.0
_FEEDBACK = "/feedback"


class Gate:
    """Admits requests of known clients; with ``CDS_AUTH=off`` every request, of nobody."""

    def __init__(
        self, settings: Settings, *, base_url: str, verifier: Verifier, limit: "Limit"
    ) -> None:
        """Take what admits; ``base_url`` is the public address, without a trailing slash."""
        self._settings = settings
        self._base = base_url
        self._verifier = verifier
        self._proxies = tuple(map(ipaddress.ip_network, settings.trusted_proxies))
        self._limit = limit

    def admit(self, request: Request) -> Caller | None:
        """Return who sends ``request``; None without authentication.

        Raises :class:`Unauthorized`, :class:`Forbidden` or :class:`TooManyRequests`.
        """
        if self._settings.auth == "off":
            return None
        path = canonical(request.path)
        if path == "/cds-services" and self._settings.discovery_auth == "off":
            return None
        caller = self._caller(request, path)
        self._limit.count(caller.client.name, most=self._settings.max_requests)
        return caller

    def _caller(self, request: Request, path: str) -> Caller:
        subject = self._certificate(request)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if not token:
            return self._certified(subject)
        if scheme.lower() != "bearer":
            raise Unauthorized("The token was refused.", reason="scheme")
        paths = {path, request.path, path.removesuffix(_FEEDBACK)}
        caller = self._verifier.verify(
            token.strip(), audiences={f"{self._base}{item}" for item in paths}
        )
        if caller.client.certificate not in {None, subject}:
            raise Unauthorized("The certificate was refused.", reason="certificate")
        return caller

    def _certificate(self, request: Request) -> str | None:
        """Return the verified subject of the client's certificate, from a trusted proxy alone."""
        name = self._settings.certificate_header
        try:
            address = ipaddress.ip_address(request.remote_addr or "")
        except ValueError:
            return None
        if name is None or not any(address in network for network in self._proxies):
            return None
        values = request.headers.getlist(name)
        return values[0] if len(values) == 1 and values[0] else None

    def _certified(self, subject: str | None) -> Caller:
        for client in self._settings.clients:
            if subject and client.certificate == subject and not client.has_keys:
                return Caller(client)
        raise Unauthorized("There is neither a token nor a certificate.", reason="nothing")


def canonical(path: str) -> str:
    """Return the one spelling of an endpoint's path: no slash at its end, none twice."""
    return path.replace("//", "/").rstrip("/")


def check_server(call: Call) -> None:
    """Raise :class:`Forbidden` where the FHIR server of the call is not its client's."""
    server = call.request.fhir_server
    if call.caller and server and not call.caller.client.owns(server):
        raise Forbidden(
            "fhirServer is not one of this client's. The operator of this service lists the "
            "servers of a client in fhir_servers of its table.",
            where="fhirServer",
            reason="fhir-server",
        )


class Limit:
    """Counts the requests of each client in the last minute."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Start at nothing."""
        self._clock = clock
        self._lock = threading.Lock()
        self._times: defaultdict[str, deque[float]] = defaultdict(deque)

    def count(self, client: str, *, most: int) -> None:
        """Count a request, of ``most`` in a minute; 0: any number.

        Raises :class:`TooManyRequests`.
        """
        if not most:
            return
        now = self._clock()
        with self._lock:
            times = self._times[client]
            while times and now - times[0] >= _MINUTE:
                times.popleft()
            if len(times) >= most:
                raise TooManyRequests(
                    f"This client may send {most} requests a minute (CDS_MAX_REQUESTS). "
                    "Try again later.",
                    retry_after=int(_MINUTE - (now - times[0])) + 1,
                    reason="rate",
                )
            times.append(now)


def base_addresses(base_url: str, services: Sequence[str]) -> tuple[str, ...]:
    """Return every address for which a token may be made out."""
    root = f"{base_url}/cds-services"
    own = [f"{root}/{service}{suffix}" for service in services for suffix in ("", _FEEDBACK)]
    return (root, *own)
