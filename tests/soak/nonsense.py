"""Requests that nobody should send, each with the status that it has to get."""

import json
import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import requests

from .deck import Question
from .service import MAX_BODY, PATIENCE, Keys

Json = dict[str, Any]
#: From the address that is called to a token; None: none is sent.
Bearer = Callable[[str], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Nonsense:
    """One such request."""

    name: str
    path: str
    status: int
    body: bytes = b"{}"
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)
    #: None: a good token.
    bearer: Bearer | None = None


def every(question: Question, keys: Keys) -> tuple[Nonsense, ...]:
    """Return them all, made from a good question."""
    path = f"/cds-services/{question.service}"
    good = question.request
    used: dict[str, str] = {}

    def body(name: str, status: int, content: bytes | Json, **headers: str) -> Nonsense:
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return Nonsense(name=name, path=path, status=status, body=raw, headers=named)

    def token(name: str, bearer: Bearer) -> Nonsense:
        raw = json.dumps(good).encode()
        return Nonsense(name=name, path=path, status=401, body=raw, bearer=bearer)

    def again(url: str) -> str:
        if url not in used:
            token = keys.token(url)
            headers = {"Authorization": f"Bearer {token}"}
            requests.post(url, json=good, headers=headers, timeout=PATIENCE)
            used[url] = token
        return used[url]

    return (
        body("half a JSON", 400, json.dumps(good).encode()[:-9]),
        body("nothing", 400, b""),
        body("a list", 400, b"[]"),
        body("not UTF-8", 400, b'{"hook": "\xff\xfe"}'),
        body("too deep", 400, _with(good, "deep", _deep(150))),
        body("too large", 413, _with(good, "large", "x" * (MAX_BODY + 1))),
        body("another hook", 400, good | {"hook": "appointment-book"}),
        body("no hook", 400, {key: good[key] for key in good if key != "hook"}),
        body("no patient", 400, good | {"context": {"userId": "Practitioner/1"}}),
        body("somebody else's patient", 400, _other_patient(good)),
        body("a wrong type", 400, good | {"prefetch": ["patient"]}),
        body("no conditions", 412, _without(good, "conditions")),
        body("another media type", 415, good, Content_Type="text/xml"),
        body("compressed", 415, good, Content_Encoding="gzip"),
        body("a foreign FHIR server", 403, good | {"fhirServer": "https://foreign.example.org/r4"}),
        Nonsense(name="an unknown service", path="/cds-services/none", status=404),
        Nonsense(name="an unknown page", path="/guideline/none", status=404, method="GET"),
        Nonsense(name="another method", path=path, status=405, method="PUT"),
        token("no token", lambda _: None),
        token("no real token", lambda _: "a.b.c"),
        token("for another address", lambda _: keys.token("https://foreign.example.org")),
        token("expired", lambda url: keys.token(url, exp=int(time.time()) - 600)),
        token("of a stranger", lambda url: keys.token(url, iss="https://foreign.example.org")),
        token("by another key", lambda url: Keys().token(url)),
        token("never ending", lambda url: keys.token(url, exp=int(time.time()) + 10**6)),
        token("used before", again),
    )


def _with(request: Json, name: str, value: object) -> Json:
    return request | {"extension": {f"org.example.{name}": value}}


def _deep(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


def _other_patient(request: Json) -> Json:
    made = deepcopy(request)
    made["prefetch"]["patient"]["id"] = "somebody-else"
    return made


def _without(request: Json, key: str) -> Json:
    return request | {
        "prefetch": {name: value for name, value in request["prefetch"].items() if name != key}
    }
