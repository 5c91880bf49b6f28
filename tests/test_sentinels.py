"""Patient data that goes in comes out on cards alone: in no log line, metric or stored row."""

import datetime as dt
import json
import logging
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import jwt
import pytest
import responses
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric import ec
from flask.testing import FlaskClient
from jwt.algorithms import ECAlgorithm

from cds_service.app import create_app
from cds_service.hooks.base import Call, HookService
from cds_service.protocol.card import CardsResponse
from cds_service.settings import Settings
from cds_service.store import Store
from cds_service.store.tables import metadata
from cds_service.trust import Client

ROOT = Path(__file__).parents[1]
CASE = ROOT / "fixtures/fhir/entered-dermal-margin-positive-reexcise/request.json"
HOOKS = ("problem-list-item-create", "patient-view", "order-select", "order-sign")
SENTINEL = "SENTINEL"
AUDIT_KEY = "0123456789abcdef"
BASE = "https://cds.example.org"
SERVER = "https://ehr.example.org/fhir"
KEY = ec.generate_private_key(ec.SECP384R1())
Sent = tuple[str, bytes]


def marked(value: Any) -> Any:
    """Return ``value`` with the sentinel in every text that is not a keyword of FHIR."""
    if isinstance(value, dict):
        return {name: _text(name, item) for name, item in value.items()}
    return [marked(item) for item in value] if isinstance(value, list) else value


def _text(name: str, value: Any) -> Any:
    if isinstance(value, str) and name in {"text", "display", "conclusion", "family", "city"}:
        return f"{value} {SENTINEL}-{name}"
    return marked(value)


def bodies() -> Iterator[Sent]:
    """Yield paths and bodies: good ones, bad ones and broken ones, with the sentinel in all."""
    good = json.loads(CASE.read_text().replace("entered-1", f"{SENTINEL}-1"))
    good["prefetch"] = marked(good["prefetch"])
    good["prefetch"]["patient"] |= {
        "name": [{"family": SENTINEL, "given": [SENTINEL]}],
        "identifier": [{"value": SENTINEL}],
        "birthDate": SENTINEL,
        "address": [{"city": SENTINEL}],
    }
    good["prefetch"][f"unknown {SENTINEL}"] = {"resourceType": SENTINEL}
    good["extension"] = {SENTINEL: SENTINEL}
    good["context"] |= {
        "userId": f"Practitioner/{SENTINEL}",
        "encounterId": SENTINEL,
        "conditions": marked(good["context"]["conditions"]),
        "selections": ["ServiceRequest/o", f"Task/{SENTINEL}"],
        "draftOrders": {
            "resourceType": "Bundle",
            "entry": [
                {
                    "resource": {
                        "resourceType": "ServiceRequest",
                        "id": "o",
                        "code": {"text": f"Re-excision {SENTINEL}"},
                        "note": [{"text": SENTINEL}],
                    }
                }
            ],
        },
    }
    for hook in HOOKS:
        path = f"/cds-services/cutaneous-leiomyosarcoma-{hook}"
        own = good | {"hook": hook}
        yield path, json.dumps(own).encode()
        for wrong in _wrong(own):
            yield path, json.dumps(wrong).encode()
        yield path, json.dumps(own).encode()[:-50]
        yield path, f'{{"{SENTINEL}": {SENTINEL}}}'.encode()
        yield from _feedback(path)
        yield f"/cds-services/{SENTINEL}", json.dumps(own).encode()
        yield f"{path}/{SENTINEL}?name={SENTINEL}", b"{}"


def _wrong(good: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name in ("hook", "hookInstance", "fhirServer", "fhirAuthorization", "context", "prefetch"):
        yield good | {name: SENTINEL}
    for name in ("patientId", "userId", "encounterId", "conditions", "draftOrders", "selections"):
        wrong = deepcopy(good)
        wrong["context"][name] = f"{SENTINEL}/{SENTINEL}/x"
        yield wrong
    for key in good["prefetch"]:
        for value in (SENTINEL, {"resourceType": SENTINEL, "id": SENTINEL}, [SENTINEL], None):
            wrong = deepcopy(good)
            wrong["prefetch"][key] = value
            yield wrong
    outcome = {"resourceType": "OperationOutcome", "issue": [{"diagnostics": SENTINEL}]}
    yield good | {"prefetch": good["prefetch"] | {"conditions": outcome}}
    yield good | {"prefetch": {}}


def _feedback(path: str) -> Iterator[Sent]:
    item = {"card": SENTINEL, "outcome": "overridden", "outcomeTimestamp": "2026-12-01T00:00:00Z"}
    reason = {"code": SENTINEL, "system": SENTINEL, "display": SENTINEL}
    for more in (
        {},
        {"overrideReason": {"reason": reason, "userComment": SENTINEL}},
        {"overrideReasons": {"extension": {SENTINEL: SENTINEL}}},
        {"outcome": "accepted", "acceptedSuggestions": [{"id": SENTINEL}]},
        {"outcome": SENTINEL},
        {"outcomeTimestamp": SENTINEL},
        {"card": [SENTINEL]},
    ):
        yield f"{path}/feedback", json.dumps({"feedback": [item | more]}).encode()


def rows(store: Store) -> str:
    """Return everything that is stored, as one text."""
    with store.connect() as connection:
        found = {
            name: [tuple(row) for row in connection.execute(sa.select(table))]
            for name, table in metadata.tables.items()
        }
    assert found["card_sent"]
    assert found["audit"]
    return str(found)


def send(client: FlaskClient, **headers: str) -> set[int]:
    """Send everything, and return the statuses."""
    return {
        client.post(path, data=body, content_type="application/json", headers=headers).status_code
        for path, body in bodies()
    }


def test_in_process(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """#67, #90: good and bad requests leave no patient data in log, database or error."""
    store = Store(f"sqlite:///{tmp_path}/store.sqlite3")
    chosen = Settings(
        auth="off", today=dt.date(2026, 12, 1), fhir_servers=(SERVER,), audit_key=AUDIT_KEY
    )
    client = create_app(chosen, store=store).test_client()
    with caplog.at_level(logging.DEBUG):
        assert send(client) == {200, 400, 404, 412}
        for path, body in bodies():
            answer = client.post(path, data=body, content_type="application/json")
            assert answer.status_code == 200 or SENTINEL not in answer.text
    assert SENTINEL not in caplog.text
    assert SENTINEL not in rows(store)
    assert SENTINEL not in client.get("/metrics").text
    assert SENTINEL not in client.get("/readyz").text
    files = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert SENTINEL.encode() not in files


def test_server_errors(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """#67: what a FHIR server says, and the token for it, are neither logged nor stored."""
    store = Store(f"sqlite:///{tmp_path}/store.sqlite3")
    client = create_app(Settings(auth="off"), store=store).test_client()
    body = json.loads(CASE.read_text())
    path = f"/cds-services/cutaneous-leiomyosarcoma-{HOOKS[0]}"
    client.post(path, json=body)
    del body["prefetch"]["conditions"]
    token = {
        "access_token": SENTINEL,
        "token_type": "Bearer",
        "expires_in": 60,
        "scope": SENTINEL,
        "subject": SENTINEL,
    }
    body |= {"fhirServer": "https://9.9.9.9/fhir", "fhirAuthorization": token}
    for answer in (
        {"status": 500, "body": SENTINEL},
        {"status": 401, "json": {"resourceType": "OperationOutcome", "text": SENTINEL}},
        {"status": 302, "headers": {"Location": f"https://{SENTINEL}.example.org"}},
        {"body": responses.ConnectionError(SENTINEL)},
        {"json": {"resourceType": "Bundle", "entry": SENTINEL}},
        {"body": SENTINEL},
    ):
        with caplog.at_level(logging.DEBUG), responses.RequestsMock() as mock:
            mock.get("https://9.9.9.9/fhir/Condition", **answer)
            assert SENTINEL not in client.post(path, json=body).text
    assert SENTINEL not in caplog.text
    assert SENTINEL not in rows(store)


def test_authenticated(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """#90: no claim of a token, good or bad, is logged or stored."""
    key = json.loads(ECAlgorithm.to_jwk(KEY.public_key())) | {"kid": "k"}
    ehr = Client(name="ehr", issuer="ehr", jwks={"keys": [key]}, fhir_servers=(SERVER,))
    store = Store(f"sqlite:///{tmp_path}/store.sqlite3")
    chosen = Settings(public_url=BASE, clients=(ehr,), max_requests=0, audit_key=AUDIT_KEY)
    client = create_app(chosen, store=store).test_client()
    statuses = set()
    with caplog.at_level(logging.DEBUG):
        for number, (path, body) in enumerate(bodies()):
            now = int(time.time())
            claims = {
                "iss": "ehr" if number % 3 else SENTINEL,
                "aud": BASE + path if number % 5 else SENTINEL,
                "iat": now,
                "exp": now + 60,
                "jti": f"{SENTINEL}-{number}",
                "sub": SENTINEL,
                "tenant": SENTINEL,
            }
            header = {"kid": "k" if number % 7 else SENTINEL}
            token = jwt.encode(claims, KEY, "ES384", headers=header)
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            statuses.add(client.post(path, data=body, headers=headers).status_code)
    assert {200, 400, 401} <= statuses
    assert SENTINEL not in caplog.text
    assert SENTINEL not in rows(store)
    assert SENTINEL not in client.get("/metrics").text


def test_bug(caplog: pytest.LogCaptureFixture) -> None:
    """A bug whose message holds patient data is logged by its type and place."""

    def answer(service: HookService, call: Call) -> CardsResponse:
        raise ValueError(f"{service.id} {call.context.user_id} {call.request.prefetch}")

    client = create_app(Settings(auth="off"), answer=answer).test_client()
    with caplog.at_level(logging.DEBUG):
        assert 500 in send(client)
    assert "ValueError" in caplog.text
    assert SENTINEL not in caplog.text


def test_served(tmp_path: Path) -> None:
    """The server writes no patient data: to its log, its metrics, its audit or its database."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {key: value for key, value in os.environ.items() if key[:4] != "CDS_"}
    environment |= {"CDS_AUTH": "off", "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    environment |= {"CDS_AUDIT_KEY": AUDIT_KEY, "CDS_LOG_LEVEL": "debug"}
    with (tmp_path / "output").open("w") as out:
        command = [sys.executable, "-m", "cds_service", "serve", "--port", str(port)]
        process = subprocess.Popen(command, cwd=tmp_path, stdout=out, stderr=out, env=environment)
    base = f"http://127.0.0.1:{port}"
    try:
        for _ in range(100):
            try:
                urllib.request.urlopen(f"{base}/healthz", timeout=1).close()  # noqa: S310
                break
            except OSError:
                time.sleep(0.1)
        statuses = {_post(base + path, body) for path, body in bodies()}
        with urllib.request.urlopen(f"{base}/metrics") as answer:  # noqa: S310 - as above
            metrics = answer.read()
        shared = b"".join(path.read_bytes() for path in tmp_path.glob("cds-service-metrics-*/*"))
    finally:
        process.terminate()
        process.wait()
    assert {200, 400, 404} <= statuses
    found = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    command = [sys.executable, "-m", "cds_service", "audit", "export"]
    exported = subprocess.run(
        command, cwd=tmp_path, capture_output=True, env=environment, check=True
    )
    assert exported.stdout.count(b'"resourceType":"AuditEvent"') > 100
    assert all(map(json.loads, found["output"].splitlines()))
    found |= {"metrics": metrics, "shared": shared, "audit": exported.stdout + exported.stderr}
    assert metrics
    assert shared
    assert not [name for name, text in found.items() if SENTINEL.encode() in text]


def _post(url: str, body: bytes) -> int:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, body, headers)  # noqa: S310 - http to ourselves
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
