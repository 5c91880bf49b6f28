"""Asking over real sockets: repetition, refusals, gzip, broken answers, and the breaker."""

import gzip
import json
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from cds_service.chart import Empty, Failed, FhirServers, OpenServers, Present
from cds_service.chart import exchange as module
from cds_service.chart.exchange import Budget, Problem

BUNDLE = {
    "resourceType": "Bundle",
    "type": "searchset",
    "entry": [{"resource": {"resourceType": "Condition", "id": "c1"}}],
}
Step = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Answers each request with the next step of the script; the last one stays."""

    protocol_version = "HTTP/1.1"
    script: list[Step]
    seen: list[tuple[str, str, bytes]]
    peers: set[Any]

    def _run(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.seen.append((self.command, self.path, body))
        self.peers.add(self.client_address)
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        step(self)

    do_GET = do_POST = _run  # noqa: N815 - the names that http.server looks for

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def reply(
        self, status: int = 200, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> None:
        """Send an answer."""
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def good(handler: Handler) -> None:
    """Answer with one Condition."""
    handler.reply(body=json.dumps(BUNDLE).encode())


def status(code: int, **headers: str) -> Step:
    """Answer with a status; underscores of header names are hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler: handler.reply(code, headers=named)


def drop(handler: Handler) -> None:
    """Close the connection without an answer."""
    handler.close_connection = True


def half(handler: Handler) -> None:
    """Promise more than is sent."""
    body = json.dumps(BUNDLE).encode()
    handler.reply(body=body[:20], headers={"Content-Length": str(len(body))})
    handler.close_connection = True


class Server:
    """A scripted FHIR server, and a service's way to it."""

    def __init__(self, *script: Step, search: Any = "get") -> None:
        """Start."""
        self.handler = type(
            "Scripted", (Handler,), {"script": list(script), "seen": [], "peers": set()}
        )
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), self.handler)
        self.base = f"http://127.0.0.1:{self.http.server_port}/fhir"
        Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        self.servers = FhirServers(OpenServers(loopback=True), search=search)

    def read(self, query: str = "Condition?patient=p1", seconds: float = 3.0, **more: Any) -> Any:
        """Run one query."""
        reader = self.servers.reader(self.base, token=None, seconds=seconds, **more)
        key = "orders" if query.startswith("Service") else "conditions"
        return reader.read({key: query}, {})[key]

    @property
    def asked(self) -> list[str]:
        """Method and path of each request."""
        return [f"{method} {path}" for method, path, _ in self.handler.seen]

    def close(self) -> None:
        """Stop."""
        self.http.shutdown()
        self.http.server_close()


@pytest.fixture
def start() -> Iterator[Callable[..., Server]]:
    """Return a function that starts a server with a script."""
    started: list[Server] = []

    def run(*script: Step, **more: Any) -> Server:
        started.append(Server(*script, **more))
        return started[-1]

    yield run
    for server in started:
        server.close()


@pytest.mark.parametrize(
    "first", [drop, half, status(503), status(429, Retry_After="0"), status(503, Retry_After="0")]
)
def test_what_is_safe_is_asked_again(start: Callable[..., Server], first: Step) -> None:
    """A lost connection, 429 and 503 are tried again, and the answer is complete."""
    server = start(first, good)
    assert server.read() == Present((BUNDLE,))
    assert len(server.asked) == 2


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410, 500, 502, 504])
def test_what_would_not_change_is_asked_once(start: Callable[..., Server], code: int) -> None:
    """Any other status stands."""
    server = start(status(code))
    assert isinstance(server.read(), Failed)
    assert len(server.asked) == 1


def test_repetition_ends(start: Callable[..., Server]) -> None:
    """Three tries are enough."""
    server = start(status(503))
    assert server.read() == Failed("the server answered 503")
    assert len(server.asked) == 3


@pytest.mark.parametrize("wait", ["60", "Fri, 01 Jan 2100 00:00:00 GMT"])
def test_a_wait_beyond_the_budget_is_not_waited_for(
    start: Callable[..., Server], wait: str
) -> None:
    """A Retry-After that the budget does not hold ends the question at once."""
    server = start(status(503, Retry_After=wait))
    begun = time.monotonic()
    assert isinstance(server.read(), Failed)
    assert time.monotonic() - begun < 1
    assert len(server.asked) == 1


def test_retry_after_in_the_budget_is_honoured(start: Callable[..., Server]) -> None:
    """A second is waited where a second is asked for."""
    server = start(status(429, Retry_After="1"), good)
    begun = time.monotonic()
    assert isinstance(server.read(), Present)
    assert time.monotonic() - begun >= 1


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("", None), ("soon", None), ("-5", None), ("7", 7.0), ("Thu, 01 Jan 2015 00:00:00 GMT", 0.0)],
)
def test_retry_after(text: str, seconds: float | None) -> None:
    """Seconds and dates are read; what is neither is no wait."""
    assert module._retry_after(text) == seconds  # noqa: SLF001 - the forms of one header


def test_connections_are_kept(start: Callable[..., Server]) -> None:
    """Question after question uses one connection."""
    server = start(good)
    for _ in range(5):
        assert isinstance(server.read(), Present)
    assert len(server.handler.peers) == 1


def test_gzip(start: Callable[..., Server]) -> None:
    """A compressed answer is read."""
    body = gzip.compress(json.dumps(BUNDLE).encode())
    server = start(lambda handler: handler.reply(body=body, headers={"Content-Encoding": "gzip"}))
    assert server.read() == Present((BUNDLE,))


def test_chunks(start: Callable[..., Server]) -> None:
    """An answer without a length is read to its end."""
    body = json.dumps(BUNDLE).encode()

    def chunked(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for part in (body[:10], body[10:]):
            handler.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
        handler.wfile.write(b"0\r\n\r\n")

    assert start(chunked).read() == Present((BUNDLE,))


@pytest.mark.parametrize("media", ["text/html", "text/plain", "application/xml", ""])
def test_the_content_type_does_not_matter(start: Callable[..., Server], media: str) -> None:
    """JSON is JSON, whatever it is called."""
    body = json.dumps(BUNDLE).encode()
    server = start(lambda handler: handler.reply(body=body, headers={"Content-Type": media}))
    assert server.read() == Present((BUNDLE,))


@pytest.mark.parametrize(
    ("body", "media", "reason"),
    [
        (b"<html>", "text/html", "XML or HTML"),
        (b'{"resourceType": "Bun', "application/json", "not whole"),
        (b"", "application/json", "empty"),
        ('{"a": "é"}'.encode("latin-1"), "application/json", "not whole"),
        (b'{"a": "\xe9"}', "application/json; charset=nonsense", "not whole"),
    ],
)
def test_what_is_no_json(
    start: Callable[..., Server], body: bytes, media: str, reason: str
) -> None:
    """What came instead is named."""
    server = start(lambda handler: handler.reply(body=body, headers={"Content-Type": media}))
    value = server.read()
    assert isinstance(value, Failed)
    assert value.reason == f"the answer is not JSON ({reason})"


@pytest.mark.parametrize(
    ("body", "media"),
    [
        (b"\xef\xbb\xbf" + json.dumps(BUNDLE).encode(), "application/json"),
        (
            json.dumps({**BUNDLE, "x": "é"}, ensure_ascii=False).encode("latin-1"),
            "a; charset=latin-1",
        ),
    ],
)
def test_other_encodings(start: Callable[..., Server], body: bytes, media: str) -> None:
    """A mark of the byte order and a declared character set are understood."""
    server = start(lambda handler: handler.reply(body=body, headers={"Content-Type": media}))
    assert isinstance(server.read(), Present)


def test_a_trickle_ends_at_the_deadline(start: Callable[..., Server]) -> None:
    """A server that sends a byte at a time cannot hold a request."""

    def trickle(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        for _ in range(50):
            handler.wfile.write(b" ")
            time.sleep(0.02)

    begun = time.monotonic()
    assert start(trickle).read(seconds=0.3) == Failed("no answer in time", cause="slow")
    assert time.monotonic() - begun < 0.8


def test_all_answers_together_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes of all answers to a request have one bound."""
    monkeypatch.setattr(module, "MAX_BYTES_TOGETHER", 100)
    budget = Budget(5)
    budget.spend(90)
    with pytest.raises(Problem, match="too long together"):
        budget.spend(90)


@pytest.mark.parametrize("code", [405, 414])
def test_post_where_get_is_refused(start: Callable[..., Server], code: int) -> None:
    """A search that GET cannot do is posted, and from then on at once."""
    server = start(status(code), good)
    assert isinstance(server.read(), Present)
    assert isinstance(server.read(), Present)
    assert server.asked == [
        "GET /fhir/Condition?patient=p1",
        "POST /fhir/Condition/_search",
        "POST /fhir/Condition/_search",
    ]
    assert server.handler.seen[1][2] == b"patient=p1"


def test_post_where_it_is_preferred(start: Callable[..., Server]) -> None:
    """The setting sends searches by POST; a server without it is asked by GET."""
    server = start(good, search="post")
    assert isinstance(server.read(), Present)
    assert server.asked == ["POST /fhir/Condition/_search"]
    server = start(status(405), good, search="post")
    assert isinstance(server.read(), Present)
    assert isinstance(server.read(), Present)
    assert [line.partition(" ")[0] for line in server.asked] == ["POST", "GET", "GET"]


def test_a_posted_search_is_not_redirected_into_a_get(start: Callable[..., Server]) -> None:
    """302 after a POST would lose the search; 307 keeps it."""
    server = start(status(302, Location="/fhir/Condition"), search="post")
    assert server.read() == Failed("it redirects a search by POST")
    server = start(status(307, Location="/other/_search"), good, search="post")
    assert isinstance(server.read(), Present)
    assert server.handler.seen[1][2] == b"patient=p1"


def statement(version: str) -> Step:
    """Answer with a CapabilityStatement."""
    body = json.dumps({"resourceType": "CapabilityStatement", "fhirVersion": version}).encode()
    return lambda handler: handler.reply(body=body)


def order(kind: str) -> Step:
    """Answer with one order of a type."""
    bundle = {
        "resourceType": "Bundle",
        "type": "searchset",
        "entry": [{"resource": {"resourceType": kind, "id": "o"}}],
    }
    return lambda handler: handler.reply(body=json.dumps(bundle).encode())


ORDERS = "ServiceRequest?patient=p1"
OLDER = ["GET /fhir/ProcedureRequest?patient=p1", "GET /fhir/ReferralRequest?patient=p1"]


def test_orders_of_an_older_server(start: Callable[..., Server]) -> None:
    """Where there is no ServiceRequest the server is asked its version, once."""
    server = start(
        status(404),
        statement("3.0.2"),
        order("ProcedureRequest"),
        order("ReferralRequest"),
    )
    value = server.read(ORDERS)
    assert isinstance(value, Present)
    assert len(value.values) == 2
    assert server.asked == [f"GET /fhir/{ORDERS}", "GET /fhir/metadata", *OLDER]
    server.read(ORDERS)
    assert server.asked[4:] == OLDER


def test_a_stated_version_is_not_asked_for(start: Callable[..., Server]) -> None:
    """The request's own word on the version is enough; a missing part makes a part."""
    server = start(order("ProcedureRequest"), status(403))
    value = server.read(ORDERS, version="STU3")
    assert isinstance(value, Present)
    assert value.partial == "not allowed (403)"
    assert server.asked == OLDER


def test_an_r4_server_without_orders(start: Callable[..., Server]) -> None:
    """What an R4 server does not have is missing, and nothing older is asked for."""
    server = start(status(404), statement("4.0.1"))
    assert server.read(ORDERS) == Failed("not there (404)")
    server = start(status(404), status(500))
    assert server.read(ORDERS) == Failed("not there (404)")
    server = start(status(403))
    assert server.read(ORDERS, version="STU3") == Failed("not allowed (403)")
    empty = json.dumps({"resourceType": "Bundle", "total": 0}).encode()
    server = start(lambda handler: handler.reply(body=empty))
    assert server.read(ORDERS, version="STU3") == Empty()


def test_a_dead_server_costs_nothing_and_comes_back(start: Callable[..., Server]) -> None:
    """After failures in a row the server is left alone; once it answers all is as before."""
    server = start(drop)
    for _ in range(5):
        assert server.read() == Failed("no connection", cause="down")
    count = len(server.asked)
    begun = time.monotonic()
    left_alone = server.read()
    assert time.monotonic() - begun < 0.2
    assert len(server.asked) == count
    assert "stopped answering" in left_alone.reason
    assert 0 < left_alone.wait <= 1
    server.handler.script[:] = [good]
    time.sleep(left_alone.wait + 0.05)
    assert isinstance(server.read(), Present)


def test_a_request_that_finds_a_server_dead_does_not_say_when_to_come_again(
    start: Callable[..., Server],
) -> None:
    """Only who was refused from the start is told to wait: 412 comes before 503."""
    server = start(drop)
    queries = {f"k{number}": f"Condition?patient={number}" for number in range(12)}
    reader = server.servers.reader(server.base, token=None, seconds=3.0)
    values = reader.read(queries, {}).values()
    assert {value.cause for value in values if isinstance(value, Failed)} == {"down"}
    assert {value.wait for value in values if isinstance(value, Failed)} == {None}


def test_impatience_says_nothing_of_a_server(start: Callable[..., Server]) -> None:
    """Time-outs of requests that had hardly any time do not close a server off."""

    def slow(handler: Handler) -> None:
        time.sleep(0.2)
        good(handler)

    server = start(slow)
    for _ in range(6):
        assert server.read(seconds=0.05).cause == "slow"
    assert isinstance(server.read(), Present)
