import datetime as dt
import json
import time
import uuid
from pathlib import Path
from typing import Any

import jwt
import pytest
import responses
from cryptography.hazmat.primitives.asymmetric import ec
from flask.testing import FlaskClient
from jwt.algorithms import ECAlgorithm

from cds_service.app import create_app
from cds_service.observe.metrics import Metrics
from cds_service.settings import Settings
from cds_service.store import Store
from cds_service.trust import Client

from .conftest import CASE, SERVICE
from .samples import names, samples

TODAY = dt.date(2026, 12, 1)
ID = SERVICE.rpartition("/")[2]
HOOK = "problem-list-item-create"
SERVER = "https://9.9.9.9/fhir"


@pytest.fixture
def store() -> Store:
    """Return a store in memory."""
    return Store()


@pytest.fixture
def client(store: Store) -> FlaskClient:
    """Return a client of an application without authentication."""
    return create_app(Settings(auth="off", today=TODAY), store=store).test_client()


@pytest.fixture
def body() -> dict[str, Any]:
    """Return a request that is answered with four cards."""
    found: dict[str, Any] = json.loads(CASE.read_text())
    return found


def scrape(client: FlaskClient) -> str:
    """Return the metrics."""
    response = client.get("/metrics")
    assert response.status_code == 200
    return response.text


def test_requests(client: FlaskClient, body: dict[str, Any]) -> None:
    """Requests are counted by endpoint, service, hook and status; probes are not."""
    client.post(SERVICE, json=body)
    client.post(SERVICE, json={})
    client.post("/cds-services/Jane-Doe", json=body)
    client.post(f"{SERVICE}/feedback", json={"feedback": []})
    client.get("/cds-services")
    client.get("/Jane/Doe")
    client.options(SERVICE)
    client.get("/healthz")
    client.get("/readyz")
    assert samples(scrape(client), "cds_service_requests_total") == {
        ("call", HOOK, ID, "200"): 1,
        ("call", HOOK, ID, "400"): 1,
        ("call", "other", "other", "404"): 1,
        ("feedback", HOOK, ID, "200"): 1,
        ("discovery", "other", "other", "200"): 1,
        ("other", "other", "other", "404"): 1,
        ("other", "other", "other", "200"): 1,
    }
    assert "Jane" not in scrape(client)


def test_phases(client: FlaskClient, body: dict[str, Any]) -> None:
    """Each phase of an answered call is measured once, and the whole of every call."""
    client.post(SERVICE, json=body)
    client.post(SERVICE, json={})
    found = samples(scrape(client), "cds_service_call_seconds_count")
    assert found == {
        ("read", ID): 1,
        ("evaluate", ID): 1,
        ("render", ID): 1,
        ("total", ID): 2,
    }


def test_answers(client: FlaskClient, body: dict[str, Any]) -> None:
    """Cards are counted by topic, state and indicator; every topic by its state."""
    client.post(SERVICE, json=body)
    text = scrape(client)
    assert samples(text, "cds_service_cards_total") == {
        ("warning", "act", "margin"): 1,
        ("info", "act", "radiation"): 1,
        ("info", "inform", "surveillance"): 1,
        ("info", "inform", "hlrcc"): 1,
    }
    assert samples(text, "cds_service_topics_total")["silent", "diagnosis"] == 1
    assert sum(samples(text, "cds_service_topics_total").values()) == 6


def test_prefetch(client: FlaskClient, body: dict[str, Any]) -> None:
    """Each key of a call is counted by what became of it, where the call fails, too."""
    del body["prefetch"]["reports"]
    body["prefetch"]["orders"] = {"resourceType": "OperationOutcome"}
    client.post(SERVICE, json=body)
    del body["prefetch"]["conditions"]
    assert client.post(SERVICE, json=body).status_code == 412
    found = samples(scrape(client), "cds_service_prefetch_keys_total")
    assert found["patient", "present"] == 2
    assert found["reports", "missing"] == 2
    assert found["orders", "failed"] == 2
    assert found["encounters", "empty"] == 2
    assert (found["conditions", "empty"], found["conditions", "missing"]) == (1, 1)


def asking(body: dict[str, Any], server: str) -> dict[str, Any]:
    """Return a request whose reports are to be read from a server."""
    prefetch = {key: value for key, value in body["prefetch"].items() if key != "reports"}
    token = {"token_type": "Bearer", "expires_in": 60, "scope": "", "subject": "x"}
    return body | {
        "prefetch": prefetch,
        "fhirServer": server,
        "fhirAuthorization": token | {"access_token": "SENTINEL"},
    }


def test_servers(body: dict[str, Any]) -> None:
    """Questions to configured servers are counted by name, to all others together."""
    chosen = Settings(auth="off", today=TODAY, fhir_servers=(SERVER,))
    client = create_app(chosen).test_client()
    with responses.RequestsMock() as mock:
        mock.get(f"{SERVER}/DiagnosticReport", json={"resourceType": "Bundle"})
        mock.get("https://8.8.8.8/x/DiagnosticReport", status=500)
        client.post(SERVICE, json=asking(body, SERVER))
        client.post(SERVICE, json=asking(body, "https://8.8.8.8/x"))
    text = scrape(client)
    assert samples(text, "cds_service_fhir_requests_total") == {
        ("answered", "9.9.9.9"): 1,
        ("failed", "other"): 1,
    }
    assert samples(text, "cds_service_fhir_request_seconds_count") == {
        ("9.9.9.9",): 1,
        ("other",): 1,
    }
    assert samples(text, "cds_service_prefetch_keys_total")["reports", "fetched"] == 1
    assert samples(text, "cds_service_fhir_breakers")["9.9.9.9", "closed"] == 1
    assert "8.8.8.8" not in text
    assert "SENTINEL" not in text


def test_breakers() -> None:
    """The state of each server's breaker is told, and a forgotten one no more."""
    metrics = Metrics()
    metrics.describe(services=(), servers=[SERVER], versions={"version": "1"})
    steps = (
        ("https://9.9.9.9", "closed"),
        ("https://9.9.9.9", "open"),
        ("https://a", "closed"),
        ("https://b", "closed"),
        ("https://b", "open"),
        ("https://a", None),
    )
    for server, state in steps:
        metrics.breaker_is(server, state)  # type: ignore[arg-type]
    text = metrics.exposition("")[0].decode()
    assert set(samples(text, "cds_service_fhir_breakers")) == {
        ("9.9.9.9", "open"),
        ("other", "open"),
    }


def test_feedback(client: FlaskClient, body: dict[str, Any]) -> None:
    """Feedback is counted by topic and outcome; what is sent again is not counted again."""
    cards = client.post(SERVICE, json=body).get_json()["cards"]
    topic = cards[0]["source"]["topic"]["code"]
    items = [
        {"card": card, "outcome": "overridden", "outcomeTimestamp": "2026-12-01T12:00:00Z"}
        for card in (cards[0]["uuid"], str(uuid.uuid4()))
    ]
    for _ in range(2):
        assert client.post(f"{SERVICE}/feedback", json={"feedback": items}).status_code == 200
    client.post(f"{SERVICE}/feedback", json={"feedback": [{"card": "SENTINEL"}]})
    assert samples(scrape(client), "cds_service_feedback_total") == {
        ("overridden", topic): 1,
        ("overridden", "unknown"): 1,
    }


def test_database(body: dict[str, Any], tmp_path: Path) -> None:
    """Each operation that the database does not do is counted."""
    store = Store(f"sqlite:///{tmp_path}/store.sqlite3")
    client = create_app(Settings(auth="off", today=TODAY), store=store).test_client()
    (tmp_path / "store.sqlite3").unlink()
    store.engine.dispose()
    assert client.post(SERVICE, json=body).status_code == 200
    found = samples(scrape(client), "cds_service_database_failures_total")
    assert found["cards",] == 1


def test_refusals() -> None:
    """Refusals are counted by status and reason, none of them a client's word."""
    key = ec.generate_private_key(ec.SECP384R1())
    public = json.loads(ECAlgorithm.to_jwk(key.public_key())) | {"kid": "k"}
    ehr = Client(name="ehr", issuer="ehr", jwks={"keys": [public]}, tenants=("north",))
    chosen = Settings(public_url="http://x", clients=(ehr,), max_requests=2)
    client = create_app(chosen).test_client()

    def get(**changes: object) -> int:
        now = int(time.time())
        claims = {"iss": "ehr", "aud": "http://x/cds-services", "iat": now, "exp": now + 60}
        claims |= {"jti": str(uuid.uuid4()), "tenant": "north"} | changes
        token = jwt.encode(claims, key, "ES384", headers={"kid": "k"})
        headers = {"Authorization": f"Bearer {token}"}
        return client.get("/cds-services", headers=headers).status_code

    statuses = [client.get("/cds-services").status_code, get(iss="SENTINEL"), get(tenant="x")]
    statuses += [get(exp=1), get(), get(), get()]
    assert statuses == [401, 401, 403, 401, 200, 200, 429]
    text = scrape(client)
    assert samples(text, "cds_service_refusals_total") == {
        ("nothing", "401"): 1,
        ("issuer", "401"): 1,
        ("tenant", "403"): 1,
        ("exp", "401"): 1,
        ("rate", "429"): 1,
    }
    assert "SENTINEL" not in text


def test_what_runs(client: FlaskClient) -> None:
    """The versions of program, guideline and value sets are told."""
    (labels,) = samples(scrape(client), "cds_service_build_info")
    assert labels == ("1.0.0", "1.0.0", "0.1.0")


def test_forms(client: FlaskClient) -> None:
    """A scraper gets the form that it asks for: Prometheus' own, or OpenMetrics."""
    plain = client.get("/metrics")
    assert plain.content_type.startswith("text/plain; version=0.0.4")
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    other = client.get("/metrics", headers=accept)
    assert other.content_type.startswith("application/openmetrics-text; version=1.0.0")
    assert other.text.endswith("# EOF\n")


@pytest.mark.parametrize(
    "accept",
    ["application/openmetrics-text;version=x", "text/plain;version=1.x", ";;", "\xe4", "*/*;q=x"],
)
def test_odd_forms(client: FlaskClient, accept: str) -> None:
    """Whatever a scraper asks for, it gets metrics."""
    answer = client.get("/metrics", headers={"Accept": accept})
    assert answer.status_code == 200
    assert "cds_service_build_info" in answer.text


def test_off() -> None:
    """CDS_METRICS=off: there is no such address."""
    client = create_app(Settings(auth="off", metrics="off")).test_client()
    assert client.get("/metrics").status_code == 404


def test_token() -> None:
    """With CDS_METRICS_TOKEN nobody reads the metrics without it; probes need none."""
    chosen = Settings(auth="off", metrics_token="0123456789abcdef")  # noqa: S106
    client = create_app(chosen).test_client()
    for value in ("", "Bearer ", "Bearer 0123456789abcdeF", "Basic 0123456789abcdef", "\xe4"):
        answer = client.get("/metrics", headers={"Authorization": value})
        assert (answer.status_code, answer.data) == (401, b"")
    good = {"Authorization": "Bearer 0123456789abcdef"}
    assert client.get("/metrics", headers=good).status_code == 200
    assert client.get("/readyz").status_code == 200
    assert "0123456789abcdef" not in repr(chosen)


def test_from_the_start(client: FlaskClient) -> None:
    """Every metric is declared, and what must alarm the first time begins at 0."""
    assert f'service="{ID}",status="500"}} 0.0' in scrape(client)
    assert 'operation="feedback"} 0.0' in scrape(client)
    assert {
        "cds_service_requests_total",
        "cds_service_call_seconds_bucket",
        "cds_service_fhir_breakers",
    } <= names(scrape(client))
