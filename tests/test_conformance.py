"""Requirements that no other test shows from outside, and the page that lists them all."""

import ast
import datetime as dt
import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import pytest
import responses
from flask.testing import FlaskClient

from cds_service.app import create_app
from cds_service.settings import Settings

ROOT = Path(__file__).parents[1]
CASE = ROOT / "fixtures/fhir/entered-dermal-margin-positive-reexcise/request.json"
ENTRY = "/cds-services/cutaneous-leiomyosarcoma-problem-list-item-create"
OPEN = "https://open.example.org/fhir"


@pytest.fixture
def client() -> FlaskClient:
    """Return a client of the whole application on the fixture's day."""
    chosen = Settings(auth="off", today=dt.date(2026, 12, 1), fhir_servers=(OPEN,))
    return create_app(chosen).test_client()


@pytest.fixture
def body() -> dict[str, Any]:
    """Return a request that is answered with cards."""
    request: dict[str, Any] = json.loads(CASE.read_text())
    return request


def details(answer: Any) -> list[str]:
    """Return what the cards say."""
    assert answer.status_code == 200, answer.text
    return [card["detail"] for card in answer.json["cards"]]


def test_prefetch_or_server(client: FlaskClient, body: dict[str, Any]) -> None:
    """#71: the same chart gives the same cards, sent along or read from the server."""
    sent = details(client.post(ENTRY, json=body))
    prefetch = body.pop("prefetch")
    with responses.RequestsMock() as server:
        server.get(f"{OPEN}/Patient/entered-1", json=prefetch["patient"])
        for kind, key in (
            ("Condition", "conditions"),
            ("Procedure", "procedures"),
            ("Observation", "observations"),
            ("DiagnosticReport", "reports"),
            ("FamilyMemberHistory", "familyHistory"),
            ("ServiceRequest", "orders"),
            ("Encounter", "encounters"),
        ):
            server.get(f"{OPEN}/{kind}?patient=entered-1", json=prefetch[key])
        assert details(client.post(ENTRY, json=body | {"fhirServer": OPEN})) == sent


def test_unfinished_pages(client: FlaskClient, body: dict[str, Any]) -> None:
    """#55: a Bundle whose next page cannot be had is not taken as complete."""
    next_page = {"relation": "next", "url": f"{OPEN}?page=2"}
    body["prefetch"]["reports"]["link"] = [next_page]
    assert all("Could not be read:** diagnostic reports" in text for text in details(
        client.post(ENTRY, json=body)
    ))  # fmt: skip


def test_unknown_keys(client: FlaskClient, body: dict[str, Any]) -> None:
    """#59: a key that was not asked for changes nothing, whatever it holds."""
    plain = details(client.post(ENTRY, json=body))
    body["prefetch"] |= {"-user": {"resourceType": "Practitioner"}, "x": [1], "y": None}
    assert details(client.post(ENTRY, json=body)) == plain


@pytest.mark.parametrize("extension", [{"a": {"b": 1}}, {}, [], "x", None, 3])
def test_extensions(client: FlaskClient, body: dict[str, Any], extension: object) -> None:
    """#170: an extension that was not agreed upon changes nothing, whatever its shape."""
    plain = details(client.post(ENTRY, json=body))
    body["extension"] = extension
    body["context"]["extension"] = extension
    assert details(client.post(ENTRY, json=body)) == plain


def test_page() -> None:
    """docs/conformance.md claims nothing that no test names; ``make conformance`` writes it."""
    spec = importlib.util.spec_from_file_location("page", ROOT / "tools" / "conformance.py")
    assert spec
    assert spec.loader
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    named: set[int] = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                named |= set(tool.ids_of(ast.get_docstring(node)))
    page = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| .*passes", page, re.MULTILINE)
    assert rows
    assert {int(number) for number in rows} <= named
    assert "**fails**" not in page
