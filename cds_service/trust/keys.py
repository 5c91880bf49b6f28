"""The clients' public keys: shared beforehand, or fetched, kept, and fetched again in time."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

import jwt
import orjson
import requests

from cds_service.network import (
    PrivateAddressError,
    PublicAdapter,
    is_internal,
    is_literal,
    is_loopback,
)
from cds_service.trust.clients import Client

_log = logging.getLogger(__name__)

#: Seconds for which a fetched JWK Set is taken as current.
TTL = 600.0
#: Seconds for which it still serves when the client's server does not answer.
STALE = 86_400.0
#: Fetches of one JWK Set in a minute at most, whatever tokens arrive.
FETCHES, WINDOW = 5, 60.0
_SECONDS = 3.0
_MAX_BYTES = 262_144
_OK = 200
_RSA_BITS = 2048
_PRIVATE = "its address is in a private network; private_network = true permits that"
#: What a key must be for an algorithm, so that no key is ever used with another one.
_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}


class Unusable(Exception):  # noqa: N818 - a reason, told to the operator alone
    """There is no key to check the signature with; the message says why."""


class Fetch(Protocol):
    """Something that fetches a JWK Set."""

    def __call__(self, url: str, /, *, private: bool) -> object:
        """Return the JSON at ``url``. Raises :class:`Unusable`."""
        ...


@dataclass(slots=True)
class _Cached:
    """What was fetched from one address."""

    url: str | None
    keys: Sequence[object] = ()
    fetched: float = float("-inf")
    tries: deque[float] = field(default_factory=deque)
    lock: threading.Lock = field(default_factory=threading.Lock)


class KeyRing:
    """The keys of all clients, one object a process."""

    def __init__(
        self,
        clients: Sequence[Client],
        *,
        fetch: Fetch | None = None,
        clock: Callable[[], float] = time.monotonic,
        before: "KeyRing | None" = None,
    ) -> None:
        """Take the clients; nothing is fetched yet.

        ``before`` leaves what it fetched for clients whose address is still the same.
        """
        self._fetch = fetch or fetch_json
        self._clock = clock
        old = before._cache if before else {}  # noqa: SLF001 - of its own kind
        self._cache: dict[str, _Cached] = {}
        for client in clients:
            kept = old.get(client.name)
            same = kept is not None and kept.url == client.jku
            self._cache[client.name] = kept if kept and same else _Cached(client.jku)

    def key(self, client: Client, *, kid: str, algorithm: str) -> jwt.PyJWK:
        """Return the client's key of this id, for this algorithm. Raises :class:`Unusable`."""
        found = self._find(client, kid)
        if not found:
            raise Unusable("the client has no key with the token's kid")
        if len(found) > 1:
            raise Unusable("the client has several keys with the token's kid")
        return _usable(found[0], algorithm)

    def _find(self, client: Client, kid: str) -> list[Mapping[str, Any]]:
        if client.jwks is not None:
            return _named(client.jwks.get("keys", ()), kid)
        cached = self._cache[client.name]
        with cached.lock:
            age = self._clock() - cached.fetched
            found = _named(cached.keys, kid)
            if (found and age < TTL) or not self._refresh(client, cached):
                return found if age < STALE else []
            return _named(cached.keys, kid)

    def _refresh(self, client: Client, cached: _Cached) -> bool:
        """Fetch the JWK Set again, unless that was done too often; return whether it was."""
        now = self._clock()
        tries = cached.tries
        while tries and now - tries[0] >= WINDOW:
            tries.popleft()
        if len(tries) >= FETCHES:
            _log.warning("clients.%s: its JWK Set was fetched often enough for now", client.name)
            return False
        tries.append(now)
        try:
            body = self._fetch(client.jku or "", private=client.private_network)
            keys = body.get("keys") if isinstance(body, dict) else None
            if not isinstance(keys, list):
                raise Unusable("what is there is not a JWK Set")  # noqa: TRY301 - one handler
        except Unusable as error:
            _log.warning("clients.%s: its JWK Set cannot be had: %s", client.name, error)
            return False
        cached.keys, cached.fetched = keys, now
        return True


def _named(keys: object, kid: str) -> list[Mapping[str, Any]]:
    items = keys if isinstance(keys, list | tuple) else ()
    return [item for item in items if isinstance(item, Mapping) and item.get("kid") == kid]


def _usable(item: Mapping[str, Any], algorithm: str) -> jwt.PyJWK:
    """Return the key, made for this algorithm alone."""
    if item.get("alg") not in {None, algorithm}:
        raise Unusable("the key is declared for another algorithm than the token's")
    if item.get("use") not in {None, "sig"}:
        raise Unusable("the key is not one for signatures")
    if not isinstance(operations := item.get("key_ops", ["verify"]), list) or (
        "verify" not in operations
    ):
        raise Unusable("the key is not one to verify with")
    kind = "EC" if algorithm in _CURVES else "RSA"
    if item.get("kty") != kind or item.get("crv") != _CURVES.get(algorithm):
        raise Unusable("the key's type is not that of the token's algorithm")
    try:
        key = jwt.PyJWK(dict(item), algorithm)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        raise Unusable("the key cannot be read") from None
    if kind == "RSA" and key.key.key_size < _RSA_BITS:
        raise Unusable(f"the key has fewer than {_RSA_BITS} bits")
    return key


def fetch_json(url: str, /, *, private: bool) -> object:
    """Return the JSON at ``url``: no redirect, no cookie, no proxy, not much, not long."""
    host = urlsplit(url).hostname or ""
    # A literal address was written by the operator; what a name resolves to was not.
    guarded = not (private or is_literal(host) or is_loopback(host))
    if guarded and is_internal(host):
        raise Unusable(_PRIVATE)
    deadline = time.monotonic() + _SECONDS
    try:
        with requests.Session() as session:
            session.trust_env = False
            if guarded:
                for scheme in ("http://", "https://"):
                    session.mount(scheme, PublicAdapter())
            with session.get(
                url,
                headers={"Accept": "application/jwk-set+json, application/json;q=0.9"},
                timeout=_SECONDS,
                allow_redirects=False,
                stream=True,
            ) as response:
                if response.status_code != _OK:
                    raise Unusable(f"its server answered {response.status_code}")
                return orjson.loads(_limited(response, deadline))
    except PrivateAddressError:
        raise Unusable(_PRIVATE) from None
    except (requests.RequestException, OSError):
        raise Unusable("no connection to its server") from None
    except orjson.JSONDecodeError:
        raise Unusable("what is there is not JSON") from None


def _limited(response: requests.Response, deadline: float) -> bytes:
    body = b""
    for chunk in response.iter_content(16_384):
        body += chunk
        if len(body) > _MAX_BYTES:
            raise Unusable("what is there is too long")
        if time.monotonic() > deadline:
            raise Unusable("its server is too slow")
    return body
