"""What many tests share: an application whose evaluation is a stub, and valid requests."""

from collections.abc import Callable
from typing import Any

import pytest
from fhir.resources.R4B.operationoutcome import OperationOutcome
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from cds_service.app import create_app
from cds_service.hooks.base import Call, HookService
from cds_service.protocol.card import Card, CardsResponse, Coding, Source
from cds_service.settings import Settings

from .postgresql import cluster  # noqa: F401 - a fixture for all

ORIGIN = "https://ehr.example.org"


@pytest.fixture
def calls() -> list[Call]:
    """Return the validated calls that the stub has answered."""
    return []


@pytest.fixture
def stub_app(calls: list[Call]) -> Flask:
    """Return the application with a stub that answers every call with one card."""

    def answer(service: HookService, call: Call) -> CardsResponse:
        calls.append(call)
        source = Source(label="test", topic=Coding("margin", "https://example.org/topics"))
        return CardsResponse(cards=(Card(summary=service.hook, indicator="info", source=source),))

    settings = Settings(auth="off", cors_origins=(ORIGIN,), max_body=100_000)
    return create_app(settings, answer=answer)


@pytest.fixture
def client(stub_app: Flask) -> FlaskClient:
    """Return a client of the application with the stub."""
    return stub_app.test_client()


@pytest.fixture
def entry() -> dict[str, Any]:
    """Return the R4 example of the problem-list-item-create page, in its envelope."""
    condition = {
        "resourceType": "Condition",
        "id": "3a14127f",
        "category": "problem-list-item",
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "16114001"}]},
        "subject": {"reference": "Patient/1288992"},
        "assertedDate": "2018-11-15",
    }
    return {
        "hook": "problem-list-item-create",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {
            "userId": "Practitioner/123",
            "patientId": "1288992",
            "encounterId": "89284",
            "conditions": {"resourceType": "Bundle", "entry": [{"resource": condition}]},
        },
    }


@pytest.fixture
def view() -> dict[str, Any]:
    """Return the first example of the patient-view page, in its envelope."""
    return {
        "hook": "patient-view",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {"userId": "PractitionerRole/123", "patientId": "1288992"},
    }


@pytest.fixture
def problem_of() -> Callable[[TestResponse], dict[str, Any]]:
    """Return a reader of error responses: a valid OperationOutcome's first issue."""

    def read(response: TestResponse) -> dict[str, Any]:
        assert response.content_type == "application/json; charset=utf-8"
        OperationOutcome.model_validate(response.json)
        issue: dict[str, Any] = response.json["issue"][0]
        assert issue["details"]["text"]
        return issue

    return read
