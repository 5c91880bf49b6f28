import logging
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import responses

from cds_service.trust import Client, KeyRing
from cds_service.trust.keys import FETCHES, STALE, TTL, Unusable, fetch_json

from .conftest import ISSUER, JKU, Keys, ec_key

CLIENT = Client(name="ehr", issuer=ISSUER, jku=JKU)


class Server:
    """A client's server, and the clock beside it."""

    def __init__(self, *keys: dict[str, Any]) -> None:
        """Serve these keys."""
        self.keys: list[Any] | None = list(keys)
        self.fetched = 0
        self.now = 1000.0
        self.ring = KeyRing((CLIENT,), fetch=self.fetch, clock=lambda: self.now)

    def fetch(self, url: str, /, *, private: bool) -> object:
        """Answer, or not."""
        assert (url, private) == (JKU, False)
        self.fetched += 1
        if self.keys is None:
            raise Unusable("down")
        return {"keys": self.keys}

    def has(self, kid: str) -> bool:
        """Return whether the ring finds a key."""
        try:
            self.ring.key(CLIENT, kid=kid, algorithm="ES384")
        except Unusable:
            return False
        return True


@pytest.fixture
def one(keys: Keys) -> dict[str, Any]:
    """Return a key."""
    return ec_key(keys.ec, "one")


def test_cached(one: dict[str, Any]) -> None:
    """#88: a JWK Set is fetched once in its time, then again."""
    server = Server(one)
    assert all(server.has("one") for _ in range(5))
    assert server.fetched == 1
    server.now += TTL
    assert server.has("one")
    assert server.fetched == 2


def test_rotated(one: dict[str, Any]) -> None:
    """#88: a new kid is fetched at once; a key that was taken away is gone in time."""
    server = Server(one)
    assert server.has("one")
    server.keys = [one | {"kid": "two"}]
    assert server.has("two")
    assert not server.has("one")


def test_handed_on(one: dict[str, Any]) -> None:
    """A ring that takes another's place has its keys and its count of fetches, by address."""
    server = Server(one)
    assert server.has("one")
    first, server.keys = server.ring, None
    server.ring = KeyRing((CLIENT,), fetch=server.fetch, clock=lambda: server.now, before=first)
    assert server.has("one")
    assert server.fetched == 1
    assert not any(server.has(f"made up {number}") for number in range(50))
    assert server.fetched == FETCHES
    moved = replace(CLIENT, jku="https://ehr.example.org/moved.json")
    server.ring = KeyRing((moved,), fetch=lambda *_, **__: {}, before=first)
    with pytest.raises(Unusable):
        server.ring.key(moved, kid="one", algorithm="ES384")


def test_rate_limited(one: dict[str, Any]) -> None:
    """#88: made-up kids cannot make the service fetch without end."""
    server = Server(one)
    assert not any(server.has(f"made up {number}") for number in range(50))
    assert server.fetched == FETCHES
    assert server.has("one")
    server.now += 61
    assert not server.has("made up")
    assert server.fetched == FETCHES + 1


def test_outage(one: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    """#88: known keys outlive an outage of the client's server for a day, not for ever."""
    server = Server(one)
    assert server.has("one")
    server.keys = None
    server.now += TTL
    with caplog.at_level(logging.WARNING):
        assert server.has("one")
    assert "clients.ehr: its JWK Set cannot be had: down" in caplog.text
    server.now += STALE
    assert not server.has("one")


def test_no_set(one: dict[str, Any]) -> None:
    """What is no JWK Set holds no key."""
    server = Server(one)
    server.keys = "keys"  # type: ignore[assignment]
    assert not server.has("one")


def test_threads_fetch_once(one: dict[str, Any]) -> None:
    """Many first tokens at once are one fetch."""
    server = Server(one)
    threads = [threading.Thread(target=server.has, args=("one",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.fetched == 1


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 302, "headers": {"Location": "https://evil.example.org/jwks"}},
        {"status": 500},
        {"body": "{"},
        {"body": "[" * 300_000},
        {"body": ConnectionError()},
        {"body": responses.ConnectionError()},
    ],
    ids=["redirect", "error", "no JSON", "too long", "OS error", "no connection"],
)
def test_bad_answers(answer: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """#86, #88: no redirect is followed, and no odd answer raises anything else."""
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: [(0, 0, 0, "", ("9.9.9.9", 0))])
    with responses.RequestsMock() as mock:
        mock.get(JKU, **answer)
        with pytest.raises(Unusable):
            fetch_json(JKU, private=False)
        assert len(mock.calls) == 1


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "127.0.0.1", "::1"])
def test_names_of_private_addresses(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """#70: a name that resolves to a private address is not asked, unless that is permitted."""
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: [(0, 0, 0, "", (address, 0))])
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.get(JKU, json={"keys": []})
        with pytest.raises(Unusable, match="private_network"):
            fetch_json(JKU, private=False)
        assert not mock.calls
        assert fetch_json(JKU, private=True) == {"keys": []}


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"keys": []}')

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def local() -> Iterator[str]:
    """Yield the address of a server on this machine."""
    server = HTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/jwks"
    server.shutdown()
    thread.join()
    server.server_close()


def test_this_machine(local: str) -> None:
    """Development mode's addresses are fetched from."""
    assert fetch_json(local, private=False) == {"keys": []}
