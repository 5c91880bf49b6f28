import datetime as dt
import json
import logging
import time
import uuid
from pathlib import Path
from typing import Any

import jwt
import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric import ec
from flask.testing import FlaskClient
from jwt.algorithms import ECAlgorithm

from cds_service.app import create_app
from cds_service.observe import audit as audit_module
from cds_service.observe.audit import References
from cds_service.settings import Settings
from cds_service.store import AuditRow, Store
from cds_service.store.audit import rows
from cds_service.trust import Client

from .conftest import CASE, SERVICE

KEY = "0123456789abcdef"
TODAY = dt.date(2026, 12, 1)
INSTANCE = "0a7a8f0e-5b0e-4a55-9e5f-3d4d2f1f3c11"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Return a store in a file."""
    made = Store(f"sqlite:///{tmp_path}/store.sqlite3")
    made.migrate()
    return made


@pytest.fixture
def body() -> dict[str, Any]:
    """Return a request that is answered with four cards."""
    found: dict[str, Any] = json.loads(CASE.read_text())
    return found


def client(store: Store, **settings: Any) -> FlaskClient:
    """Return a client of an application without authentication, with a key for the record."""
    chosen = {"auth": "off", "today": TODAY, "audit_key": KEY} | settings
    return create_app(Settings(**chosen), store=store).test_client()


def recorded(store: Store) -> list[AuditRow]:
    """Return the record."""
    return list(rows(store))


def test_call(store: Store, body: dict[str, Any]) -> None:
    """A call is recorded with who asked, about whom, and what came of it."""
    given = {"X-Request-Id": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"}
    client(store).post(SERVICE, json=body, headers=given)
    (row,) = recorded(store)
    references = References(Settings(audit_key=KEY))
    assert row == AuditRow(
        id=1,
        at=row.at,
        request="d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        endpoint="call",
        service=SERVICE.rpartition("/")[2],
        hook="problem-list-item-create",
        hook_instance=INSTANCE,
        user=references.kept("Practitioner/demo"),
        patient=references.kept("Patient/entered-1"),
        status=200,
        cards=4,
        program="0.1.0",
        guideline="1.0.0",
    )
    assert row.patient.startswith("hmac-sha256:")
    assert abs((dt.datetime.now(dt.UTC) - row.at).total_seconds()) < 60


def test_failures(store: Store, body: dict[str, Any]) -> None:
    """Calls that fail are recorded with their status, and with whom they were about if known."""
    web = client(store)
    web.post(SERVICE, json={})
    web.post("/cds-services/SENTINEL", json=body)
    web.post(SERVICE, json=body | {"prefetch": {}})
    web.post(f"{SERVICE}/feedback", json={"feedback": []})
    web.get("/cds-services")
    web.get("/healthz")
    web.get("/nothing")
    found = [(row.endpoint, row.status, bool(row.patient)) for row in recorded(store)]
    assert found == [
        ("call", 400, False),
        ("call", 404, False),
        ("call", 412, True),
        ("feedback", 200, False),
    ]


@pytest.mark.parametrize(
    ("settings", "patient", "user"),
    [
        ({"audit_references": "plain"}, "Patient/entered-1", "Practitioner/demo"),
        ({"audit_key": None}, "", ""),
    ],
)
def test_references(
    store: Store, body: dict[str, Any], settings: dict[str, Any], patient: str, user: str
) -> None:
    """References stand there plain if that is switched on, and not at all without a key."""
    client(store, **settings).post(SERVICE, json=body)
    (row,) = recorded(store)
    assert (row.patient, row.user) == (patient, user)


def test_digests() -> None:
    """A digest is the same for one reference and key alone, and tells nothing without the key."""
    one, other = References(Settings(audit_key=KEY)), References(Settings(audit_key=KEY[::-1]))
    assert one.kept("Patient/1") == one.kept("Patient/1")
    digests = {one.kept("Patient/1"), one.kept("Patient/2"), other.kept("Patient/1")}
    assert len(digests) == 3
    assert one.spellings("Patient/1") == ("Patient/1", one.kept("Patient/1"))


def test_refusals(store: Store, body: dict[str, Any]) -> None:
    """Refused requests are recorded with their reason, those of discovery, too."""
    key = ec.generate_private_key(ec.SECP384R1())
    public = json.loads(ECAlgorithm.to_jwk(key.public_key())) | {"kid": "k"}
    ehr = Client(name="ehr", issuer="ehr", jwks={"keys": [public]}, tenants=("north",))
    web = client(store, auth="required", public_url="http://x", clients=(ehr,))

    def post(**changes: object) -> int:
        now = int(time.time())
        claims = {"iss": "ehr", "aud": f"http://x{SERVICE}", "iat": now, "exp": now + 60}
        claims |= {"jti": str(uuid.uuid4()), "tenant": "north"} | changes
        token = jwt.encode(claims, key, "ES384", headers={"kid": "k"})
        headers = {"Authorization": f"Bearer {token}"}
        return web.post(SERVICE, json=body, headers=headers).status_code

    assert web.get("/cds-services").status_code == 401
    assert [post(tenant="SENTINEL"), post(exp=1), post()] == [403, 401, 200]
    server = body | {"fhirServer": "https://elsewhere.example.org"}
    body.update(server)
    assert post() == 403
    found = [(row.status, row.reason, row.client, row.tenant) for row in recorded(store)]
    assert found == [
        (401, "nothing", "", ""),
        (403, "tenant", "", ""),
        (401, "exp", "", ""),
        (200, "", "ehr", "north"),
        (403, "fhir-server", "ehr", "north"),
    ]


def test_flood(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of refusals only so many a minute are recorded: nobody outside fills the database."""
    now = [0.0]
    monkeypatch.setattr(audit_module.time, "monotonic", lambda: now[0])
    web = client(store, auth="required")
    for _ in range(105):
        web.get("/cds-services")
    assert len(recorded(store)) == 100
    now[0] = 61.0
    web.get("/cds-services")
    assert len(recorded(store)) == 101


def test_database_down(
    store: Store, body: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """A record that cannot be written is logged and counted; the advice is given all the same."""
    web = client(store)
    with store.engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE audit"))
    with caplog.at_level(logging.ERROR):
        answer = web.post(SERVICE, json=body)
    assert len(answer.get_json()["cards"]) == 4
    assert "the database failed" in caplog.text
    assert 'operation="audit"} 1.0' in web.get("/metrics").text


def test_a_sink_that_fails(body: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    """Whatever goes wrong in recording, the answer goes out, and the log says what."""

    class Broken(Store):
        def record_audit(self, row: AuditRow) -> None:
            raise ValueError(row.hook_instance)

    answer = client(Broken()).post(SERVICE, json=body)
    assert len(answer.get_json()["cards"]) == 4
    (report,) = [line for line in caplog.records if "ValueError" in line.getMessage()]
    assert INSTANCE not in report.getMessage()


def test_off(store: Store, body: dict[str, Any]) -> None:
    """CDS_AUDIT_DAYS=0: nothing is recorded, and what there is stays."""
    client(store).post(SERVICE, json=body)
    client(store, audit_days=0).post(SERVICE, json=body)
    store.forget()
    assert len(recorded(store)) == 1


def test_retention(tmp_path: Path) -> None:
    """The record is deleted after its days: at the start, and while the service runs."""
    now = [dt.datetime(2026, 12, 1, tzinfo=dt.UTC).timestamp()]
    url = f"sqlite:///{tmp_path}/store.sqlite3"
    store = Store(url, audit_days=30, clock=lambda: now[0])
    store.migrate()

    def record() -> None:
        at = dt.datetime.fromtimestamp(now[0], dt.UTC)
        store.record_audit(
            AuditRow(at=at, request="x", endpoint="call", status=200, program="0.1.0")
        )

    record()
    now[0] += 29 * 86_400
    record()
    assert len(recorded(store)) == 2
    now[0] += 2 * 86_400
    record()
    assert [row.id for row in recorded(store)] == [2, 3]
    now[0] += 40 * 86_400
    store.migrate()
    assert recorded(store) == []
