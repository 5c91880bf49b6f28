"""The line of a request."""

import datetime as dt
import json
import logging
import time
import uuid
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from flask.testing import FlaskClient
from jwt.algorithms import ECAlgorithm

from cds_service.app import create_app
from cds_service.hooks.base import Call, HookService
from cds_service.observe.fields import FIELDS
from cds_service.protocol.card import CardsResponse
from cds_service.settings import Settings
from cds_service.trust import Client

from .conftest import CASE, SERVICE

TODAY = dt.date(2026, 12, 1)
KEY = ec.generate_private_key(ec.SECP384R1())
BASE = "http://x"


@pytest.fixture
def body() -> dict[str, Any]:
    """Return a request that is answered with four cards."""
    found: dict[str, Any] = json.loads(CASE.read_text())
    return found


@pytest.fixture(autouse=True)
def logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Capture everything, probes included."""
    caplog.set_level(logging.DEBUG)
    return caplog


def lines(logged: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """Return the lines of requests."""
    found = [record.msg for record in logged.records if record.name == "cds_service.requests"]
    assert all(isinstance(line, dict) and set(line) <= set(FIELDS) for line in found)
    return found


def client(**settings: Any) -> FlaskClient:
    """Return a client of an application that authenticates clients of two tenants."""
    public = json.loads(ECAlgorithm.to_jwk(KEY.public_key())) | {"kid": "k"}
    known = Client(name="ehr", issuer="ehr", jwks={"keys": [public]}, tenants=("north", "south"))
    chosen = {"public_url": BASE, "clients": (known,), "today": TODAY} | settings
    return create_app(Settings(**chosen)).test_client()


def token(**changes: object) -> dict[str, str]:
    """Return the headers of a client that has a token."""
    now = int(time.time())
    claims = {"iss": "ehr", "aud": BASE + SERVICE, "iat": now, "exp": now + 60, "tenant": "north"}
    claims |= {"jti": str(uuid.uuid4())} | changes
    return {"Authorization": f"Bearer {jwt.encode(claims, KEY, 'ES384', headers={'kid': 'k'})}"}


def test_call(body: dict[str, Any], logged: pytest.LogCaptureFixture) -> None:
    """A call's line says who called, what for, what came of it, and how long it took."""
    client().post(SERVICE, json=body, headers=token())
    (line,) = lines(logged)
    assert (line["client"], line["tenant"], line["status"]) == ("ehr", "north", 200)
    assert line["hookInstance"] == body["hookInstance"]
    assert line["states"]["margin"] == "act"
    assert line["cards"] == 4
    assert line["timings"]["total"] >= line["timings"]["evaluate"] > 0


def test_unread(body: dict[str, Any], logged: pytest.LogCaptureFixture) -> None:
    """The kinds that could not be read are named, without the reason's words."""
    del body["prefetch"]["reports"]
    client().post(SERVICE, json=body, headers=token())
    assert lines(logged)[0]["unread"] == ["reports"]


@pytest.mark.parametrize(
    ("changes", "status", "reason", "detail"),
    [
        ({"exp": 5}, 401, "exp", "as clients.ehr: expired"),
        ({"aud": "SENTINEL"}, 401, "audience", "as clients.ehr: aud is not the address"),
        ({"iss": "SENTINEL"}, 401, "issuer", "iss is not the issuer of a known client"),
        ({"tenant": "SENTINEL"}, 403, "tenant", "as clients.ehr: tenant is none of those"),
    ],
)
def test_refused(
    body: dict[str, Any],
    logged: pytest.LogCaptureFixture,
    changes: dict[str, object],
    status: int,
    reason: str,
    detail: str,
) -> None:
    """#90: why a request is refused stands in its line, nothing of its token does."""
    headers = token(**changes)
    client().post(SERVICE, json=body, headers=headers)
    (line,) = lines(logged)
    assert (line["status"], line["reason"]) == (status, reason)
    assert line["detail"].startswith(detail)
    assert "SENTINEL" not in logged.text
    assert headers["Authorization"].split(".")[1] not in logged.text
    assert "client" not in line


def test_path_of_a_refused_request(logged: pytest.LogCaptureFixture) -> None:
    """The address that was called is the caller's text, and stands in no line."""
    client().post("/cds-services/SENTINEL", json={}, headers=token(aud="elsewhere"))
    assert lines(logged)[0]["reason"] == "audience"
    assert "SENTINEL" not in logged.text


def test_request_ids(logged: pytest.LogCaptureFixture) -> None:
    """A proxy's id of a request is kept if it is a UUID; any other gets one of the service's."""
    web = client()
    given = "D1577C69-dfbe-44ad-ba6d-3e05e953b2ea"
    for value in (given, "SENTINEL", "", given + "0"):
        web.get("/cds-services", headers={"X-Request-Id": value})
    ids = [line["request_id"] for line in lines(logged)]
    assert ids[0] == given
    assert len(set(ids)) == 4
    assert all(uuid.UUID(each) for each in ids)


def test_levels(body: dict[str, Any], logged: pytest.LogCaptureFixture) -> None:
    """The service's own mistakes are errors, with the same id as the line that says where."""

    def answer(service: HookService, call: Call) -> CardsResponse:
        raise ValueError(f"SENTINEL {service} {call}")

    web = create_app(Settings(auth="off"), answer=answer).test_client()
    web.post(SERVICE, json=body)
    web.get("/healthz")
    web.get("/nothing")
    levels = [(r.levelname, r.msg["endpoint"]) for r in logged.records if "requests" in r.name]
    assert levels == [("ERROR", "call"), ("DEBUG", "probe"), ("INFO", "other")]
    (where,) = [r.msg for r in logged.records if r.name == "cds_service.process"]
    assert (where["exception"], where["request_id"]) == (
        "ValueError",
        lines(logged)[0]["request_id"],
    )
    assert "SENTINEL" not in logged.text
