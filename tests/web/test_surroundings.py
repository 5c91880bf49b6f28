import logging
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from cds_service.app import create_app
from cds_service.errors import Unauthorized
from cds_service.hooks.base import Call, HookService
from cds_service.protocol.card import CardsResponse
from cds_service.settings import Settings
from cds_service.web.messages import error_response

ORIGIN = "https://ehr.example.org"
VIEW = "cutaneous-leiomyosarcoma-patient-view"
URL = f"/cds-services/{VIEW}"
PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization, content-type",
}


@pytest.mark.parametrize("path", ["/cds-services", "/cds-services/", URL, URL + "/"])
def test_preflight(client: FlaskClient, path: str) -> None:
    """#93: the preflight of an allowed origin is answered, without authentication."""
    response = client.options(path, headers={"Origin": ORIGIN} | PREFLIGHT)
    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert response.headers["Access-Control-Allow-Methods"] == "GET, POST, OPTIONS"
    assert response.headers["Access-Control-Allow-Headers"] == "Authorization, Content-Type"
    assert "Access-Control-Allow-Credentials" not in response.headers


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example.org",
        ORIGIN + ".evil.org",
        ORIGIN + ":8443",
        "http://ehr.example.org",
        "null",
        "*",
        "",
    ],
)
def test_other_origins(client: FlaskClient, origin: str) -> None:
    """#93: any other origin gets no permission, and caches are told that it depends on it."""
    response = client.options(URL, headers={"Origin": origin} | PREFLIGHT)
    assert "Access-Control-Allow-Origin" not in response.headers
    assert "Origin" in response.headers["Vary"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", URL, 405),
        ("POST", URL, 400),
        ("GET", "/cds-services", 200),
    ],
)
def test_cors_on_every_answer(client: FlaskClient, method: str, path: str, status: int) -> None:
    """#93: errors carry the CORS headers, too; a browser could not show them otherwise."""
    response = client.open(path, method=method, headers={"Origin": ORIGIN})
    assert response.status_code == status
    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_no_cors_by_default() -> None:
    """Without configured origins no browser of another origin may call."""
    client = create_app(Settings(auth="off")).test_client()
    response = client.get("/cds-services", headers={"Origin": ORIGIN})
    assert "Access-Control-Allow-Origin" not in response.headers


@pytest.fixture
def broken_app() -> Flask:
    """Return an application whose evaluation fails with patient data in its message."""

    def answer(service: HookService, call: Call) -> CardsResponse:
        raise KeyError(f"sentinel {service.id} {call.context.patient_id}")

    return create_app(Settings(auth="off", cors_origins=(ORIGIN,)), answer=answer)


def test_unexpected_error(
    broken_app: Flask,
    view: dict[str, Any],
    problem_of: Callable[[TestResponse], dict[str, Any]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A bug is a 500 without details, and its log line has type and place, no message."""
    with caplog.at_level(logging.DEBUG):
        response = broken_app.test_client().post(URL, json=view, headers={"Origin": ORIGIN})
    assert (response.status_code, problem_of(response)["code"]) == (500, "exception")
    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "KeyError" in caplog.text
    assert "test_surroundings.py" in caplog.text
    assert "sentinel" not in caplog.text + response.text


def test_unauthorized() -> None:
    """#90: a 401 has no body and only asks for a bearer token."""
    response = error_response(Unauthorized("the token is expired"))
    assert (response.status_code, response.data) == (401, b"")
    assert dict(response.headers) == {"WWW-Authenticate": "Bearer"}
