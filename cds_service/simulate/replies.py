"""What the simulated server sends, and every way in which it can be spoilt."""

import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

Json = dict[str, Any]
FHIR_JSON = "application/fhir+json; charset=utf-8"
_WORDS = {401: "login", 403: "forbidden", 404: "not-found", 429: "throttled", 503: "transient"}


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. ``delay`` in seconds; ``lost``: the connection closes without an answer;
    ``sent``: how many bytes of the body are sent before it does.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    lost: bool = False
    sent: int | None = None


#: A reply and how often the same was asked for before → the spoilt reply.
Spoil = Callable[[Reply, int], Reply]


def reply(resource: Json, status: int = 200) -> Reply:
    """Return a resource as FHIR JSON."""
    return Reply(status, json.dumps(resource).encode(), {"Content-Type": FHIR_JSON})


def outcome(code: str, severity: str = "error") -> Json:
    """Return an OperationOutcome."""
    text = "Simulated: John Doe, token abc123, https://internal.example.org/secret"
    issue = {"severity": severity, "code": code, "diagnostics": text}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def plain(good: Reply, _: int) -> Reply:
    """Leave it as it is."""
    return good


def once(spoil: Spoil) -> Spoil:
    """Spoil only the first answer to each question."""
    return lambda good, before: good if before else spoil(good, before)


def status(code: int, **headers: str) -> Spoil:
    """Answer with an error status and an OperationOutcome."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    def spoil(_: Reply, __: int) -> Reply:
        error = reply(outcome(_WORDS.get(code, "exception")), code)
        return replace(error, headers={**error.headers, **named})

    return spoil


def delayed(seconds: float) -> Spoil:
    """Answer late."""
    return lambda good, _: replace(good, delay=seconds)


def lost(_: Reply, __: int) -> Reply:
    """Close the connection without an answer."""
    return Reply(lost=True)


def truncated(good: Reply, _: int) -> Reply:
    """Promise the whole body, and close the connection in the middle of it."""
    return replace(good, sent=len(good.body) // 2)


def half(good: Reply, _: int) -> Reply:
    """Send half a JSON as if it were whole."""
    return replace(good, body=good.body[: len(good.body) // 2])


def nothing(good: Reply, _: int) -> Reply:
    """Answer 200 with an empty body."""
    return replace(good, body=b"")


def instead(body: bytes, media: str) -> Spoil:
    """Answer 200 with something else."""
    return lambda _, __: Reply(200, body, {"Content-Type": media})


def labelled(media: str) -> Spoil:
    """Send the right content under a wrong content type."""
    return lambda good, _: replace(good, headers={**good.headers, "Content-Type": media})


def zipped(good: Reply, _: int) -> Reply:
    """Compress the body."""
    headers = {**good.headers, "Content-Encoding": "gzip"}
    return replace(good, body=gzip.compress(good.body), headers=headers)


def marked(good: Reply, _: int) -> Reply:
    """Put a byte order mark before the body."""
    return replace(good, body=b"\xef\xbb\xbf" + good.body)


def failing_search(good: Reply, _: int) -> Reply:
    """Answer 200 with an OperationOutcome; in a search as its only entry."""
    error = outcome("exception")
    if json.loads(good.body).get("resourceType") != "Bundle":
        return reply(error)
    entry = {"resource": error, "search": {"mode": "outcome"}}
    return reply({"resourceType": "Bundle", "type": "searchset", "total": 0, "entry": [entry]})
