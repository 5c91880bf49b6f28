"""JSON Web Tokens: each check in its order, and a reason that only the operator is told."""

import binascii
import math
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import jwt
import orjson

from cds_service.errors import Forbidden, Unauthorized
from cds_service.trust.clients import Caller, Client
from cds_service.trust.keys import KeyRing, Unusable

#: Characters of a token: several times those of any real one.
MAX_LENGTH = 8192
_JTI_LENGTH = 512


class SeenTokens(Protocol):
    """The tokens that were used, known to every worker and host."""

    def first_use(self, issuer: str, jti: str, *, expires: float) -> bool:
        """Remember a token until it expires (epoch seconds); return whether it is new."""
        ...

    def was_used(self, issuer: str, jti: str) -> bool:
        """Return whether a token was used, without remembering it."""
        ...


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check: ``problem`` is None where it was passed."""

    check: str
    problem: str | None = None


class MalformedError(ValueError):
    """What was sent is no token."""


@dataclass(frozen=True, slots=True)
class _Token:
    raw: str
    header: Mapping[str, Any]
    claims: Mapping[str, Any]

    @classmethod
    def parse(cls, raw: str) -> "_Token":
        if len(raw) > MAX_LENGTH:
            raise MalformedError(f"it has more than {MAX_LENGTH} characters")
        parts = raw.split(".")
        if len(parts) != 3:  # noqa: PLR2004 - header, claims, signature
            raise MalformedError("it is not three parts with dots between them")
        header, claims = (_segment(part) for part in parts[:2])
        if not all(isinstance(value, str) for value in header.values()):
            raise MalformedError("its header holds something else than texts")
        return cls(raw, header, claims)


def _segment(text: str) -> dict[str, Any]:
    try:
        raw = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        value = orjson.loads(raw)
    except (ValueError, binascii.Error):
        raise MalformedError("a part of it is not JSON in base64url") from None
    if not isinstance(value, dict):
        raise MalformedError("a part of it is not a JSON object")
    return value


class Verifier:
    """Checks tokens against the clients, their keys and the tokens seen before."""

    def __init__(
        self,
        clients: Sequence[Client],
        *,
        keys: KeyRing,
        seen: SeenTokens,
        skew: float = 60.0,
        longest: float = 3600.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take what is checked against; ``skew`` and ``longest`` are in seconds."""
        self._clients = {client.issuer: client for client in clients}
        self._keys = keys
        self._seen = seen
        self._skew = skew
        self._longest = longest
        self._clock = clock

    def verify(self, raw: str, *, audiences: Collection[str]) -> Caller:
        """Return who calls.

        ``audiences`` are the spellings of the address that is called. Raises
        :class:`Unauthorized` for anything wrong with the token, and :class:`Forbidden` for a
        good token of another tenant.
        """
        for finding in self.inspect(raw, audiences=audiences, use=True):
            if finding.problem:
                raise self._refused(raw, finding)
        token = _Token.parse(raw)
        tenant = token.claims.get("tenant")
        return Caller(self._clients[token.claims["iss"]], tenant)

    def _refused(self, raw: str, finding: Finding) -> Unauthorized | Forbidden:
        """Return what the client is told, which is little, with what the operator is told."""
        # The path of the address is the caller's: anything could stand in it.
        foreign = finding.check == "audience"
        problem = "aud is not the address that was called" if foreign else finding.problem
        try:
            claimed = self._client(_Token.parse(raw))
        except MalformedError:
            claimed = None
        detail = f"as clients.{claimed.name}: {problem}" if claimed else problem
        if finding.check == "tenant":
            words = "The tenant of the token may not use this service."
            return Forbidden(words, reason="tenant", detail=detail)
        return Unauthorized("The token was refused.", reason=finding.check, detail=detail)

    def inspect(
        self, raw: str, *, audiences: Collection[str], use: bool = False
    ) -> Iterator[Finding]:
        """Yield the outcome of each check, in order; only ``use`` makes the token used.

        Nothing follows a problem without which the next checks have no meaning.
        """
        try:
            token = _Token.parse(raw)
        except MalformedError as error:
            yield Finding("form", str(error))
            return
        yield Finding("form")
        client = self._client(token)
        yield Finding("issuer", None if client else "iss is not the issuer of a known client")
        if client is None:
            return
        yield Finding("header", _header(token, client))
        yield Finding("audience", _audience(token, client, audiences))
        yield from self._times(token)
        yield Finding("claims", _claims(token))
        signature = self._signature(token, client)
        yield Finding("signature", signature)
        yield Finding("tenant", _tenant(token, client))
        if signature is None:
            yield Finding("replay", self._replay(token, client, use=use))

    def _client(self, token: _Token) -> Client | None:
        issuer = token.claims.get("iss")
        client = self._clients.get(issuer) if isinstance(issuer, str) else None
        return client if client and client.has_keys else None

    def _times(self, token: _Token) -> Iterator[Finding]:
        now = self._clock()
        exp, iat, nbf = (_time(token.claims.get(name)) for name in ("exp", "iat", "nbf"))
        if exp is None:
            yield Finding("exp", "is missing or no time")
        else:
            late = now - self._skew - exp
            yield Finding("exp", f"expired {late:.0f} s ago" if late >= 0 else None)
        if iat is None:
            yield Finding("iat", "is missing or no time")
        else:
            early = iat - now - self._skew
            yield Finding("iat", f"is {early:.0f} s in the future" if early > 0 else None)
        if exp is not None and iat is not None:
            life = exp - iat
            within = 0 < life <= self._longest
            problem = f"exp - iat is {life:.0f} s; more than 0 and at most {self._longest:.0f} s"
            yield Finding("life", None if within else problem)
        if "nbf" in token.claims:
            early = math.inf if nbf is None else nbf - now - self._skew
            yield Finding("nbf", "is in the future, or no time" if early > 0 else None)

    def _signature(self, token: _Token, client: Client) -> str | None:
        algorithm, kid = token.header.get("alg", ""), token.header.get("kid", "")
        if algorithm not in client.algorithms or not kid:
            return "cannot be checked with this header"
        try:
            key = self._keys.key(client, kid=kid, algorithm=algorithm)
            jwt.PyJWS().decode_complete(token.raw, key, algorithms=[algorithm])
        except Unusable as error:
            return str(error)
        except (jwt.PyJWTError, ValueError, TypeError):
            return "is not by the client's key"
        return None

    def _replay(self, token: _Token, client: Client, *, use: bool) -> str | None:
        jti = token.claims.get("jti")
        if not client.refuse_replay or not isinstance(jti, str):
            return None
        expires = (_time(token.claims.get("exp")) or 0.0) + self._skew
        new = (
            self._seen.first_use(client.issuer, jti, expires=expires)
            if use
            else not self._seen.was_used(client.issuer, jti)
        )
        return None if new else "the token was used before"


def _header(token: _Token, client: Client) -> str | None:
    header = token.header
    if header.get("alg") not in client.algorithms:
        return f"alg is not one of {', '.join(client.algorithms)}"
    if header.get("typ", "").upper() != "JWT":
        return "typ is not JWT"
    if not header.get("kid"):
        return "kid is missing"
    if "crit" in header:
        return "crit asks for an extension that is not known"
    if "jku" in header and header["jku"] != client.jku:
        return "jku is not the one that is configured for the client"
    return None


def _audience(token: _Token, client: Client, audiences: Collection[str]) -> str | None:
    found = token.claims.get("aud")
    named = [found] if isinstance(found, str) else found
    if not isinstance(named, list) or not all(isinstance(item, str) for item in named):
        return "aud is missing or neither a text nor an array of texts"
    if not {*named} & {*audiences, *client.audiences}:
        return f"aud is none of {', '.join(sorted({*audiences, *client.audiences}))}"
    return None


def _claims(token: _Token) -> str | None:
    jti = token.claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= _JTI_LENGTH:
        return f"jti is missing or no text of 1 to {_JTI_LENGTH} characters"
    if not isinstance(token.claims.get("tenant"), str | None):
        return "tenant is no text"
    return None


def _tenant(token: _Token, client: Client) -> str | None:
    if client.tenants and token.claims.get("tenant") not in client.tenants:
        return "tenant is none of those that are configured for the client"
    return None


def _time(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and 0 <= value < 1e11 else None  # noqa: PLR2004
