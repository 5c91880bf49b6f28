import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from cds_service.chart import Failed, FhirServers, OpenServers
from cds_service.network import PrivateAddressError, PublicAdapter, is_internal, is_loopback
from cds_service.trust.keys import Unusable, fetch_json

PUBLIC = "9.9.9.9"


@pytest.mark.parametrize(
    ("host", "internal"),
    [
        ("10.1.2.3", True),
        ("192.168.1.1", True),
        ("100.64.0.1", True),
        ("169.254.169.254", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("2002:0a01:0203::1", True),
        ("64:ff9b::10.1.2.3", True),
        ("64:ff9b::9.9.9.9", False),
        ("2620:fe::fe", False),
        ("fe80::1", True),
        ("fd00::1", True),
        ("224.0.0.1", True),
        ("0.0.0.0", True),  # noqa: S104
        ("localhost", True),
        ("x" * 70 + ".example", True),
        ("9.9.9.9", False),
    ],
)
def test_internal(host: str, *, internal: bool) -> None:
    """#70: loopback, private and link-local addresses are told from public ones."""
    assert is_internal(host) is internal


def test_loopback() -> None:
    """Names and literals of this machine are recognised."""
    own = ("localhost", "LOCALHOST.", "ehr.localhost", "127.8.9.1", "::1", "::ffff:127.0.0.1")
    assert all(map(is_loopback, own))
    assert not any(map(is_loopback, ("a.org", "localhost.a.org", "10.1.2.3")))


class Listener:
    """A server on this machine that keeps what it was sent."""

    def __init__(self) -> None:
        """Listen on a free port."""
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.socket.settimeout(10)
        self.port: int = self.socket.getsockname()[1]
        self.received: list[bytes] = []
        self._thread = threading.Thread(target=self._take)
        self._thread.start()

    def _take(self) -> None:
        connection, _ = self.socket.accept()
        with connection:
            connection.settimeout(10)
            self.received.append(connection.recv(65_536))

    def close(self) -> None:
        """Wait for what was sent."""
        self._thread.join(20)
        self.socket.close()


@pytest.fixture
def inside() -> Iterator[Listener]:
    """Yield a server inside the network."""
    made = Listener()
    yield made
    made.close()


@pytest.fixture
def rebind(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[str]]:
    """Return what makes a name public when it is checked and this machine's when it is used."""

    def fake(checks: int) -> list[str]:
        told: list[str] = []

        def resolve(_: str, port: int | None, *__: Any, **___: Any) -> list[Any]:
            told.append(PUBLIC if len(told) < checks else "127.0.0.1")
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (told[-1], port or 0))]

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        return told

    return fake


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_nothing_is_sent_to_a_private_address(
    scheme: str, inside: Listener, rebind: Callable[[int], list[str]]
) -> None:
    """#70: a connection that ends inside is closed before a byte is sent, TLS included."""
    rebind(0)
    with requests.Session() as session:
        session.mount(f"{scheme}://", PublicAdapter())
        with pytest.raises(PrivateAddressError):
            session.get(f"{scheme}://ehr.example.org:{inside.port}/", timeout=5)
    inside.close()
    assert inside.received == [b""]


def test_rebinding_of_a_fhir_server(inside: Listener, rebind: Callable[[int], list[str]]) -> None:
    """#70: a fhirServer whose name changes after its check is not sent the token."""
    told = rebind(1)
    servers = FhirServers(OpenServers())
    base = f"https://ehr.example.org:{inside.port}/fhir"
    found = servers.reader(base, token="secret", seconds=5).read({"patient": "Patient/p1"}, {})  # noqa: S106
    inside.close()
    assert found == {
        "patient": Failed("fhirServer is in a private network and is not listed", cause="refused")
    }
    assert told == [PUBLIC, "127.0.0.1"]
    assert inside.received == [b""]


def test_a_listed_server_may_lie_inside(
    inside: Listener, rebind: Callable[[int], list[str]]
) -> None:
    """A server that the operator lists is asked wherever its name leads."""
    rebind(0)
    base = f"http://ehr.example.org:{inside.port}/fhir"
    servers = FhirServers(OpenServers(allowed=(base,)))
    servers.reader(base, token=None, seconds=2).read({"patient": "Patient/p1"}, {})
    inside.close()
    assert inside.received[0].startswith(b"GET /fhir/Patient/p1 ")


def test_rebinding_of_a_key_server(inside: Listener, rebind: Callable[[int], list[str]]) -> None:
    """#70: a jku whose name changes after its check is not fetched from."""
    rebind(1)
    with pytest.raises(Unusable, match="private_network"):
        fetch_json(f"https://ehr.example.org:{inside.port}/jwks.json", private=False)
    inside.close()
    assert inside.received == [b""]
