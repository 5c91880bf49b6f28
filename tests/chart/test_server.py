"""Reading from a FHIR server: what is asked, what is trusted, and what is said of failures."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import responses

from cds_service.chart import Empty, Failed, FhirServers, Missing, OpenServers, Present
from cds_service.chart.access import normal_base, same_origin

BASE = "https://fhir.example.org/r4"
TOKEN = "secret-token"  # noqa: S105 - a made-up one
QUERY = {"conditions": "Condition?patient=p1"}
PUBLIC = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", 0))]
INTERNAL = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.1.2.3", 0))]


def page(number: int, **elements: Any) -> dict[str, Any]:
    """Return one page of a search."""
    resource = {"resourceType": "Condition", "id": f"c{number}"}
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "entry": [{"resource": resource}],
        **elements,
    }


def following(url: str) -> dict[str, Any]:
    """Return the link to the next page."""
    return {"link": [{"relation": "next", "url": url}]}


@pytest.fixture(autouse=True)
def _public_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: PUBLIC)


@pytest.fixture
def server() -> Iterator[responses.RequestsMock]:
    """Stand in for every server."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def read() -> Callable[..., Any]:
    """Return a function that runs one query."""

    def run(base: str = BASE, query: dict[str, str] | None = None, seconds: float = 5.0) -> Any:
        servers = FhirServers(OpenServers())
        reader = servers.reader(base, token=TOKEN, seconds=seconds)
        return reader.read(query or QUERY, {})[next(iter(query or QUERY))]

    return run


def test_query_and_headers(server: responses.RequestsMock, read: Callable[..., Any]) -> None:
    """The template goes to the base with the token and the FHIR media type."""
    server.get(f"{BASE}/Condition?patient=p1", json=page(1))
    assert read(f"{BASE}/") == Present((page(1),))
    sent = server.calls[0].request
    assert sent.headers["Authorization"] == f"Bearer {TOKEN}"
    assert sent.headers["Accept"].startswith("application/fhir+json")


def test_everything_at_once(server: responses.RequestsMock) -> None:
    """Several queries are answered each under its key."""
    server.get(f"{BASE}/Patient/p1", json={"resourceType": "Patient", "id": "p1"})
    server.get(f"{BASE}/Condition", json={"resourceType": "Bundle", "total": 0})
    server.get(f"{BASE}/Procedure", status=500)
    reader = FhirServers(OpenServers()).reader(BASE, token=TOKEN, seconds=5)
    found = reader.read(
        {"patient": "Patient/p1", "conditions": "Condition?x=1", "procedures": "Procedure?x=1"}, {}
    )
    assert isinstance(found["patient"], Present)
    assert found["conditions"] == Empty()
    assert found["procedures"] == Failed("the server answered 500")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"status": 401}, "not authorised (401)"),
        ({"status": 403, "json": {"resourceType": "OperationOutcome"}}, "not allowed (403)"),
        ({"status": 404}, "not there (404)"),
        ({"status": 429}, "too many requests (429)"),
        ({"status": 503}, "the server answered 503"),
        ({"status": 204}, "the server answered 204"),
        ({"body": "<html>login</html>"}, "the answer is not JSON"),
        ({"body": '{"resourceType": "Bund'}, "the answer is not JSON"),
        ({"body": ""}, "the answer is not JSON"),
        ({"json": [1]}, "the server's answer holds an array where FHIR data belong"),
        ({"json": {"resourceType": "Patient"}}, "the server's answer holds neither"),
        ({"body": requests.ConnectionError(f"{BASE} {TOKEN}")}, "no connection"),
        ({"body": requests.ReadTimeout(BASE)}, "no answer in time"),
        ({"status": 302, "headers": {"Location": "https://evil.example.org/"}}, "another address"),
        ({"status": 302, "headers": {"Location": f"{BASE}/Condition"}}, "in circles"),
        ({"status": 302}, "in circles"),
    ],
)
def test_failures_have_short_reasons(
    server: responses.RequestsMock, read: Callable[..., Any], answer: dict[str, Any], reason: str
) -> None:
    """Whatever goes wrong is one reason without address or token."""
    server.get(f"{BASE}/Condition", **answer)
    server.get(BASE, status=302)
    server.get(f"{BASE}/", status=302)
    value = read()
    assert isinstance(value, Failed)
    assert reason in value.reason
    assert "example.org" not in value.reason
    assert TOKEN not in value.reason
    assert not value.malformed


def test_redirect_within_the_server(
    server: responses.RequestsMock, read: Callable[..., Any]
) -> None:
    """A redirect on the same origin is followed with the token."""
    server.get(f"{BASE}/Condition", status=307, headers={"Location": "/r4b/Condition"})
    server.get("https://fhir.example.org/r4b/Condition", json=page(1))
    assert isinstance(read(), Present)
    assert server.calls[1].request.headers["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    "link",
    [
        f"{BASE}?_getpages=1",
        "https://fhir.example.org:443/r4?_getpages=1",
        "http://fhir.example.org/r4?_getpages=1",
        "?_getpages=1",
        "/r4?_getpages=1",
    ],
)
def test_pages_are_followed(
    server: responses.RequestsMock, read: Callable[..., Any], link: str
) -> None:
    """Every page on the same server is read, its address absolute or relative."""
    server.get(f"{BASE}/Condition", json=page(1, total=2, **following(link)))
    for address in (BASE, f"{BASE}/", "https://fhir.example.org:443/r4"):
        server.get(f"{address}?_getpages=1", json=page(2, total=2))
    value = read()
    assert isinstance(value, Present)
    assert [bundle["entry"][0]["resource"]["id"] for bundle in value.values] == ["c1", "c2"]
    assert value.partial is None


@pytest.mark.parametrize(
    ("link", "second", "reason"),
    [
        ("https://evil.example.org/2", page(2), "another address"),
        ("https://fhir.example.org@evil.example.org/2", page(2), "another address"),
        ("https://fhir.example.org:8443/2", page(2), "another address"),
        (f"{BASE}/2", {"resourceType": "OperationOutcome"}, "no Bundle"),
        (f"{BASE}/2", page(2, **following(f"{BASE}/2")), "too many pages"),
        (f"{BASE}/3", page(2), "404"),
        ("", page(2), "another address"),
    ],
)
def test_pages_that_cannot_be_read(
    server: responses.RequestsMock,
    read: Callable[..., Any],
    link: str,
    second: Any,
    reason: str,
) -> None:
    """What was read stays, and the search is known to be partial."""
    server.get(f"{BASE}/Condition", json=page(1, **following(link)))
    server.get(f"{BASE}/2", json=second)
    server.get(f"{BASE}/3", status=404)
    value = read()
    assert isinstance(value, Present)
    assert value.values[0]["entry"][0]["resource"]["id"] == "c1"
    assert reason in str(value.partial)
    assert not any("evil" in str(call.request.url) for call in server.calls)


def test_prefetched_page_is_followed(server: responses.RequestsMock) -> None:
    """The pages after a prefetched one are read, too."""
    server.get(f"{BASE}/2", json=page(2))
    first = Present((page(1, **following(f"{BASE}/2")),), "partial", f"{BASE}/2")
    reader = FhirServers(OpenServers()).reader(BASE, token=TOKEN, seconds=5)
    found = reader.read({}, {"conditions": first})["conditions"]
    assert isinstance(found, Present)
    assert len(found.values) == 2
    assert found.partial is None


def test_deadline(server: responses.RequestsMock, read: Callable[..., Any]) -> None:
    """What has not answered at the deadline is a failure, and nobody waits longer."""
    release = threading.Event()

    def slow(_: Any) -> tuple[int, dict[str, str], str]:
        release.wait(5)
        return 200, {}, "{}"

    server.add_callback("GET", f"{BASE}/Condition", callback=slow)
    begun = time.monotonic()
    value = read(seconds=0.2)
    release.set()
    assert value == Failed("no answer in time", cause="slow")
    assert time.monotonic() - begun < 2


def test_answers_are_bounded(
    server: responses.RequestsMock, read: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer beyond the bound is not read to its end."""
    monkeypatch.setattr("cds_service.chart.exchange.MAX_BYTES", 1000)
    server.get(f"{BASE}/Condition", body=b" " * 5000)
    assert read() == Failed("the answer is too long")


def test_cookies_are_not_kept(server: responses.RequestsMock) -> None:
    """One caller's cookie is not sent for another."""
    server.get(f"{BASE}/Condition", json=page(1), headers={"Set-Cookie": "session=1; Path=/"})
    servers = FhirServers(OpenServers())
    for _ in range(2):
        servers.reader(BASE, token=TOKEN, seconds=5).read(QUERY, {})
    assert "Cookie" not in server.calls[1].request.headers


@pytest.mark.parametrize(
    ("base", "token", "policy", "word"),
    [
        (None, TOKEN, OpenServers(), "names no fhirServer"),
        (BASE, None, OpenServers(), "not listed as open"),
        (BASE, None, OpenServers(allowed=("https://fhir.example.org",)), "not listed as open"),
        ("http://fhir.example.org/r4", TOKEN, OpenServers(), "not https"),
        ("http://127.0.0.1:8080/fhir", TOKEN, OpenServers(), "this machine"),
        ("https://localhost/fhir", TOKEN, OpenServers(), "this machine"),
        ("https://[::1]/fhir", None, OpenServers(), "this machine"),
        ("https://[::ffff:127.0.0.1]/fhir", TOKEN, OpenServers(), "this machine"),
        ("ftp://fhir.example.org", TOKEN, OpenServers(), "plain http"),
        ("https://user:pw@fhir.example.org", TOKEN, OpenServers(), "plain http"),
        ("https://fhir.example.org:port", TOKEN, OpenServers(), "plain http"),
        ("https://fhir.example.org/r4?x=", TOKEN, OpenServers(), "plain http"),
    ],
)
def test_servers_that_are_not_asked(
    base: str | None, token: str | None, policy: OpenServers, word: str
) -> None:
    """A server that may not be asked leaves the keys missing, and says why."""
    found = FhirServers(policy).reader(base, token=token, seconds=5).read(QUERY, {})["conditions"]
    assert isinstance(found, Missing)
    assert word in found.reason
    assert "example.org" not in found.reason


@pytest.mark.parametrize("host", ["10.1.2.3", "169.254.169.254", "fhir.intranet.example"])
def test_private_networks_are_refused_unless_listed(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    """An address inside the network is asked only where the operator lists it."""
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: INTERNAL)
    base = f"https://{host}/fhir"
    assert "private network" in str(OpenServers().refusal(base, has_token=True))
    assert OpenServers(allowed=(f"{base}/",)).refusal(base, has_token=True) is None


@pytest.mark.parametrize(
    ("base", "policy"),
    [
        (
            "https://HAPI.fhir.org:443/baseR4/",
            OpenServers(allowed=("https://hapi.fhir.org/baseR4",)),
        ),
        ("http://localhost:8080/fhir", OpenServers(loopback=True)),
        ("http://127.0.0.9/fhir", OpenServers(loopback=True)),
        ("http://[::1]:8080/fhir", OpenServers(loopback=True)),
    ],
)
def test_open_servers_are_asked_without_a_token(base: str, policy: OpenServers) -> None:
    """Listed servers, and this machine where that is allowed, need no token."""
    assert policy.refusal(base, has_token=False) is None


def test_normal_base() -> None:
    """Case, default ports and trailing slashes make no other server."""
    assert normal_base("HTTPS://A.example.org:443/x/") == "https://a.example.org/x"
    assert normal_base("http://[::1]:8080") == "http://[::1]:8080"
    assert normal_base("https://a b") is None


def test_same_origin_of_nonsense() -> None:
    """A link that is no address leads nowhere."""
    assert same_origin(BASE, "https://[") is None
    assert same_origin(BASE, "javascript:alert(1)") is None


def test_no_queries_no_threads() -> None:
    """Nothing to read is nothing done."""
    assert FhirServers(OpenServers()).reader(BASE, token=TOKEN, seconds=5).read({}, {}) == {}


def test_names_are_resolved_within_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """A resolver that does not answer costs no more than the request has."""
    release = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: release.wait(5) and PUBLIC)
    reader = FhirServers(OpenServers()).reader(BASE, token=TOKEN, seconds=0.1)
    first = Present((page(1),), "partial", f"{BASE}/2")
    found = reader.read(QUERY, {"procedures": first})
    release.set()
    assert found == {
        "conditions": Failed("no answer in time", cause="slow"),
        "procedures": first,
    }
