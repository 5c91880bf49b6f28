"""The checks: each has the number of its requirement, and says what it saw."""

import re
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

import requests

from cds_service.conform.cards import problems
from cds_service.conform.client import Client, request_for
from cds_service.protocol.prefetch import TemplateError, lint

Result = Literal["pass", "fail", "warn", "skip"]
_ID = re.compile(r"[A-Za-z0-9._-]+")
_SEMVER = re.compile(r"\d+\.\d+(\.\d+)?([-+].+)?")
_TOKENS = {"userId", "patientId", "encounterId"}
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_OK, _UNAUTHORIZED, _PRECONDITION = 200, 401, 412


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one check found."""

    requirement: int
    result: Result
    what: str


def run(
    client: Client,
    *,
    samples: Sequence[Mapping[str, Any]] = (),
    origin: str | None = None,
) -> Iterator[Outcome]:
    """Yield the outcome of every check that can be made from outside.

    ``samples`` are requests of one's own, sent to every service of their hook; ``origin`` is
    one whose browsers the service allows.
    """
    yield _tls(client)
    try:
        answer = client.get()
    except requests.RequestException as error:
        yield Outcome(10, "fail", f"GET {client.url()}: {type(error).__name__}")
        return
    yield _judged(10, answer.status_code == _OK, f"GET {client.url()} is {answer.status_code}")
    body = _json(answer)
    services = body.get("services") if isinstance(body, dict) else None
    yield _judged(11, isinstance(services, list), "discovery has the array services")
    if not isinstance(services, list):
        return
    yield _media(answer, "discovery")
    if client.signs:
        bare = client.get(token=False).status_code
        yield _judged(80, bare == _UNAUTHORIZED, f"discovery without a token is {bare}", "warn")
    keys = [(item.get("id"), item.get("hook")) for item in services if isinstance(item, dict)]
    yield _judged(17, len(keys) == len(set(keys)), "each id with its hook stands once")
    for item in services:
        yield from _entry(item)
    for item in services:
        if isinstance(item, dict) and isinstance(item.get("id"), str):
            yield from _guarded(_calls, client, item, samples)
            yield from _guarded(_feedback, client, item)
            if origin:
                yield from _cors(client, item["id"], origin)
    missing = client.post(f"/{uuid.uuid4()}", {})
    yield _judged(102, missing.status_code in {404, 401, 403}, "an unknown service is a 404")


def _guarded(
    check: Callable[..., Iterator[Outcome]], client: Client, item: Mapping[str, Any], *more: object
) -> Iterator[Outcome]:
    try:
        yield from check(client, item, *more)
    except requests.RequestException as error:
        yield Outcome(10, "fail", f"{item['id']}: {type(error).__name__}")


def _tls(client: Client) -> Outcome:
    parts = urlsplit(client.base)
    if parts.scheme == "https":
        return Outcome(1, "pass", "the service is reached by TLS")
    here = parts.hostname in _LOOPBACK
    result: Result = "skip" if here else "fail"
    return Outcome(1, result, "the service is not reached by TLS")


def _judged(requirement: int, good: object, what: str, bad: Result = "fail") -> Outcome:
    return Outcome(requirement, "pass" if good else bad, what)


def _json(answer: requests.Response) -> Any:  # noqa: ANN401 - any JSON
    try:
        return answer.json()
    except ValueError:
        return None


def _media(answer: requests.Response, what: str) -> Outcome:
    kind = answer.headers.get("Content-Type", "")
    return _judged(6, "json" in kind, f"{what} is called {kind or 'nothing'}", "warn")


def _entry(item: object) -> Iterator[Outcome]:
    if not isinstance(item, dict):
        yield Outcome(12, "fail", "a service is no object")
        return
    name = str(item.get("id"))
    lacks = [key for key in ("hook", "description", "id") if not isinstance(item.get(key), str)]
    yield _judged(12, not lacks, f"{name}: {'lacks ' + ', '.join(lacks) if lacks else 'complete'}")
    yield _judged(13, item.get("title"), f"{name}: title", "warn")
    yield _judged(18, _ID.fullmatch(name) and name != "feedback", f"{name}: fits a path", "warn")
    if "version" in item:
        yield _judged(15, _SEMVER.fullmatch(str(item["version"])), f"{name}: version", "warn")
    prefetch = item.get("prefetch", {"": ""})
    texts = isinstance(prefetch, dict) and all(isinstance(t, str) for t in prefetch.values())
    yield _judged(14, texts and prefetch, f"{name}: prefetch holds texts by key")
    for key, template in item.get("prefetch", {}).items() if texts else ():
        try:
            lint(template, tokens=_TOKENS)
        except TemplateError as error:
            yield Outcome(29, "warn", f"{name}: prefetch.{key}: {error}")
        else:
            yield Outcome(25, "pass", f"{name}: prefetch.{key}")


def _calls(
    client: Client, item: Mapping[str, Any], samples: Sequence[Mapping[str, Any]]
) -> Iterator[Outcome]:
    name, path = item["id"], f"/{item['id']}"
    good = request_for(item)
    if good is None:
        yield Outcome(100, "skip", f"{name}: no request is known here for {item.get('hook')}")
        return
    for body in (good, *(s for s in samples if s.get("hook") == item.get("hook"))):
        yield from _cards(name, client.post(path, body))
    odd = good | {"extension": {"org.example.conformance": {"a": 1}}, "unknown": [1]}
    odd["context"] = good["context"] | {"unknown": {"a": 1}}
    yield _judged(41, _is_answer(client.post(path, odd)), f"{name}: unknown fields are accepted")
    nulls = good | {"prefetch": dict.fromkeys(good.get("prefetch", {}))}
    yield _judged(52, _is_answer(client.post(path, nulls)), f"{name}: null values are read")
    bare = client.post(path, {key: value for key, value in good.items() if key != "prefetch"})
    yield _judged(56, _is_answer(bare), f"{name}: without data it is {bare.status_code}")
    if bare.status_code == _PRECONDITION:
        body = _json(bare)
        outcome = isinstance(body, dict) and body.get("resourceType") == "OperationOutcome"
        yield _judged(57, outcome, f"{name}: the 412 carries an OperationOutcome", "warn")
    for requirement, what, wrong in _wrong(good):
        status = client.post(path, wrong).status_code
        yield _judged(requirement, 400 <= status < 500, f"{name}: {what} is {status}")  # noqa: PLR2004
    for raw in (b"{", b"", b'{"a": 1,}', b"// comment\n{}", b"[]"):
        status = client.post(path, raw=raw).status_code
        yield _judged(4, 400 <= status < 500, f"{name}: {raw[:12]!r} is {status}")  # noqa: PLR2004
    if client.signs:
        status = client.post(path, good, token=False).status_code
        yield _judged(80, status == _UNAUTHORIZED, f"{name}: without a token it is {status}")


def _wrong(good: Mapping[str, Any]) -> Iterator[tuple[int, str, dict[str, Any]]]:
    context = good["context"]
    yield 35, "the hook of another service", {**good, "hook": "conformance-hook"}
    yield 35, "no hook", {key: value for key, value in good.items() if key != "hook"}
    yield 36, "no hookInstance", {k: v for k, v in good.items() if k != "hookInstance"}
    yield 36, "a hookInstance that is no UUID", {**good, "hookInstance": "1"}
    yield 39, "no context", {key: value for key, value in good.items() if key != "context"}
    for field in context:
        rest = {key: value for key, value in context.items() if key != field}
        yield 39, f"no context.{field}", {**good, "context": rest}
    token: dict[str, object] = {
        "access_token": "t",
        "token_type": "Bearer",
        "expires_in": 1,
        "scope": "s",
    }
    token["subject"] = "s"
    yield 37, "a token without fhirServer", {**good, "fhirAuthorization": token}


def _is_answer(answer: requests.Response) -> bool:
    return answer.status_code in {_OK, _PRECONDITION}


def _cards(name: str, answer: requests.Response) -> Iterator[Outcome]:
    if answer.status_code == _PRECONDITION:
        yield Outcome(100, "skip", f"{name}: needs more than an unknown patient (412)")
        return
    yield _judged(100, answer.status_code == _OK, f"{name}: a good request is {answer.status_code}")
    if answer.status_code != _OK:
        return
    yield _media(answer, name)
    body = _json(answer)
    found = list(problems(body))
    for requirement, what in found:
        yield Outcome(requirement, "fail", f"{name}: {what}")
    if not found:
        yield Outcome(171, "pass", f"{name}: {len(body['cards'])} cards, valid in 2.0 and 3.0")


def _feedback(client: Client, item: Mapping[str, Any]) -> Iterator[Outcome]:
    name, path = item["id"], f"/{item['id']}/feedback"
    own = {
        "card": str(uuid.uuid4()),
        "outcome": "overridden",
        "outcomeTimestamp": "2026-01-01T12:00:00Z",
    }
    first = client.post(path, {"feedback": [own]}).status_code
    if first in {404, 405, 501}:
        yield Outcome(155, "skip", f"{name}: takes no feedback")
        return
    yield _judged(156, 200 <= first < 300, f"{name}: feedback is {first}")  # noqa: PLR2004
    again = client.post(path, {"feedback": [own, own]}).status_code
    yield _judged(156, again == first, f"{name}: the same feedback again is {again}")
    for requirement, what, wrong in (
        (157, "no outcome", {key: own[key] for key in ("card", "outcomeTimestamp")}),
        (158, "accepted without suggestions", own | {"outcome": "accepted"}),
    ):
        status = client.post(path, {"feedback": [wrong]}).status_code
        good = 400 <= status < 500  # noqa: PLR2004
        yield _judged(requirement, good, f"{name}: feedback with {what} is {status}", "warn")


def _cors(client: Client, name: str, origin: str) -> Iterator[Outcome]:
    answer = client.options(f"/{name}", origin)
    allowed = answer.headers.get("Access-Control-Allow-Origin")
    good = answer.ok and allowed == origin
    yield _judged(93, good, f"{name}: the preflight allows {allowed or 'nobody'}")
    other = client.options(f"/{name}", "https://conformance.invalid")
    said = other.headers.get("Access-Control-Allow-Origin")
    yield _judged(
        93, said is None, f"{name}: another origin is allowed {said or 'nothing'}", "warn"
    )
