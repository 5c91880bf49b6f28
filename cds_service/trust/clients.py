"""The clients: ``[clients.NAME]`` of the configuration file, checked."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cds_service.network import is_literal, is_loopback
from cds_service.protocol import dialect
from cds_service.protocol.dialect import Dialect, DialectError
from cds_service.trust import addresses

SANDBOX_ISSUER = "https://sandbox.cds-hooks.org"
_SANDBOX_HOST = "sandbox.cds-hooks.org"
#: The public sandbox's key, whose private half is in its repository for all to read.
_SANDBOX_KEY = "44823f3d-0b01-4a6c-a80e-b9d3e8a7226f"
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
RECOMMENDED = ("ES384", "RS384")
#: Every algorithm that can be switched on; none is symmetric.
ALGORITHMS = ("ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_REPLAY = {"refuse": True, True: True, "allow": False, False: False}


class ClientError(ValueError):
    """A client that cannot be used; the message names the table, the key and what it may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One client: an issuer of tokens, its keys, and what it may do."""

    name: str
    issuer: str
    #: The address of the client's JWK Set; None where it was shared beforehand.
    jku: str | None = None
    #: The JWK Set that was shared beforehand: raw JSON.
    jwks: Mapping[str, Any] | None = field(default=None, repr=False)
    #: What ``aud`` may be besides the address that is called.
    audiences: tuple[str, ...] = ()
    #: The tenants that may call; empty: the claim is not looked at.
    tenants: tuple[str, ...] = ()
    #: The base addresses to which this client's access tokens may be sent, in one spelling.
    fhir_servers: tuple[str, ...] = ()
    #: Whether names of these servers and of ``jku`` may resolve to private addresses.
    private_network: bool = False
    algorithms: tuple[str, ...] = RECOMMENDED
    #: Whether a token is refused when it is seen again.
    refuse_replay: bool = True
    dialect: Dialect = dialect.DEFAULT
    #: The subject of the client's certificate, as the proxy writes it; None: not asked for.
    certificate: str | None = None
    #: Whether its calls are evaluated and recorded, and answered without cards.
    shadow: bool = False

    @property
    def has_keys(self) -> bool:
        """Whether the client signs tokens; else its certificate alone identifies it."""
        return self.jku is not None or self.jwks is not None

    def owns(self, fhir_server: str) -> bool:
        """Return whether the FHIR server is one of this client's."""
        return addresses.normal(fhir_server) in self.fhir_servers

    @property
    def internal_servers(self) -> tuple[str, ...]:
        """The servers that may be asked whatever their names resolve to, and by http.

        An address in digits, and one of development mode, was meant as it was written.
        """
        return tuple(server for server in self.fhir_servers if self._is_meant(server))

    def _is_meant(self, server: str) -> bool:
        parts = urlsplit(server)
        host = parts.hostname or ""
        meant = is_literal(host) or is_loopback(host)
        return self.private_network or meant or parts.scheme == "http"


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated client in one request."""

    client: Client
    tenant: str | None = None


def read(
    table: Mapping[str, Any], *, folder: Path | None = None, dev: bool = False
) -> tuple[Client, ...]:
    """Return the clients of a ``clients`` table.

    Relative paths are looked up in ``folder``; ``dev`` permits http, loopback and the public
    sandbox. Raises :class:`ClientError`.
    """
    clients = tuple(_Reader(name, entry, folder, dev).client() for name, entry in table.items())
    for attribute in ("issuer", "certificate"):
        seen: dict[str, str] = {}
        for client in clients:
            value = getattr(client, attribute)
            if value in seen:
                raise ClientError(
                    f"[clients.{client.name}] {attribute}: is that of [clients.{seen[value]}], "
                    "too; it tells which client calls, so each has its own"
                )
            if value:
                seen[value] = client.name
    return clients


class _Reader:
    """Reads one table."""

    def __init__(self, name: str, table: object, folder: Path | None, dev: bool) -> None:  # noqa: FBT001
        self._name = name
        self._folder = folder or Path()
        self._dev = dev
        if not _NAME.fullmatch(name):
            raise ClientError(f"[clients.{name}]: a name has letters, digits, _ . and - alone")
        if not isinstance(table, Mapping):
            raise ClientError(f"clients.{name} must be a table [clients.{name}]")
        self._table = table

    def client(self) -> Client:
        """Return the client of the table."""
        known = dict(self._values())
        for key in self._table:
            if key not in known:
                self._fail(key, f"is not known; there are {', '.join(known)}")
        jwks = known.pop("jwks_file")
        replay = known.pop("replay")
        profile = known.pop("profile")
        client = Client(
            name=self._name,
            **known,
            jwks=jwks,
            refuse_replay=replay,
            dialect=profile,
        )
        if not client.has_keys and client.certificate is None:
            self._fail("jku", "is missing: jku or jwks_file says where the client's keys are")
        return client

    def _values(self) -> Iterator[tuple[str, Any]]:
        yield "issuer", self._read("issuer", self._issuer, None)
        yield "jku", self._read("jku", self._jku, None)
        yield "jwks_file", self._read("jwks_file", self._jwks, None)
        yield "audiences", self._read("audiences", self._texts, ())
        yield "tenants", self._read("tenants", self._texts, ())
        yield "fhir_servers", self._read("fhir_servers", self._servers, ())
        yield "private_network", self._read("private_network", self._flag, default=False)
        yield "algorithms", self._read("algorithms", self._algorithms, RECOMMENDED)
        yield "replay", self._read("replay", self._replay, default=True)
        yield "profile", self._read("profile", self._profile, dialect.DEFAULT)
        yield "certificate", self._read("certificate", self._text, None)
        yield "shadow", self._read("shadow", self._flag, default=False)

    def _read(self, key: str, parse: Callable[[str, Any], Any], default: object) -> Any:  # noqa: ANN401
        if key not in self._table:
            if key == "issuer":
                self._fail(key, "is missing: the iss claim of the client's tokens")
            return default
        return parse(key, self._table[key])

    def _fail(self, key: str, message: str) -> None:
        raise ClientError(f"[clients.{self._name}] {key} {message}")

    def _text(self, key: str, value: object) -> str:
        if not isinstance(value, str) or not value.strip():
            self._fail(key, "must be a text")
        return str(value)

    def _texts(self, key: str, value: object) -> tuple[str, ...]:
        items = value if isinstance(value, list) else [value]
        return tuple(self._text(key, item) for item in items)

    def _flag(self, key: str, value: object) -> bool:
        if not isinstance(value, bool):
            self._fail(key, "must be true or false")
        return bool(value)

    def _issuer(self, key: str, value: object) -> str:
        issuer = self._text(key, value)
        if urlsplit(issuer).hostname == _SANDBOX_HOST:
            self._sandbox(key, "is the public sandbox's")
        return issuer

    def _jku(self, key: str, value: object) -> str:
        jku = self._text(key, value)
        found = addresses.problem(jku, dev=self._dev)
        if found:
            self._fail(key, found)
        if urlsplit(jku).hostname == _SANDBOX_HOST:
            self._sandbox(key, "names the public sandbox's keys")
        return jku

    def _jwks(self, key: str, value: object) -> Mapping[str, Any]:
        path = self._folder / self._text(key, value)
        try:
            jwks = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ClientError(f"[clients.{self._name}] {key} cannot be read: {error}") from None
        keys = jwks.get("keys") if isinstance(jwks, dict) else None
        if not isinstance(keys, list) or not keys:
            raise ClientError(f'[clients.{self._name}] {key} must be a JWK Set: {{"keys": […]}}')
        for item in keys:
            if not isinstance(item, dict):
                self._fail(key, "must be a JWK Set whose keys are objects")
            if item.get("kty") == "oct" or "d" in item:
                self._fail(key, "holds a secret: only the public halves of key pairs belong there")
            if item.get("kid") == _SANDBOX_KEY:
                self._sandbox(key, "holds the public sandbox's key")
        return dict(jwks)

    def _sandbox(self, key: str, what: str) -> None:
        if not self._dev:
            self._fail(
                key,
                f"{what}: its private key is published, so everybody could sign as this client. "
                "For development set CDS_DEV=1",
            )

    def _servers(self, key: str, value: object) -> tuple[str, ...]:
        servers = self._texts(key, value)
        for server in servers:
            found = addresses.problem(server, dev=self._dev)
            if found:
                self._fail(key, f"{found}; it is {server!r}")
        return tuple(str(addresses.normal(server)) for server in servers)

    def _algorithms(self, key: str, value: object) -> tuple[str, ...]:
        names = self._texts(key, value)
        if not names or not set(names) <= set(ALGORITHMS):
            self._fail(key, f"must be some of {', '.join(ALGORITHMS)}")
        return names

    def _replay(self, key: str, value: object) -> bool:
        if not isinstance(value, str | bool) or value not in _REPLAY:
            self._fail(key, 'must be "refuse" or "allow": whether a token may be used again')
        return _REPLAY[value]

    def _profile(self, key: str, value: object) -> Dialect:
        name = self._text(key, value)
        try:
            return dialect.load(name, folder=self._folder)
        except DialectError as error:
            raise ClientError(f"[clients.{self._name}] {key} {name!r} {error}") from None
