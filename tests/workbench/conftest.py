"""What the tests of the workbench share: its application, a chart, and how a page is read."""

import datetime as dt
import json
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from cds_service.app import create_app
from cds_service.settings import Settings
from cds_service.store import Store

CASES = Path(__file__).parents[2] / "fixtures" / "fhir"
TODAY = dt.date(2026, 12, 1)


@pytest.fixture
def store() -> Store:
    """Return an empty database."""
    return Store()


@pytest.fixture
def app(store: Store) -> Flask:
    """Return the application of a demonstration."""
    settings = Settings(auth="off", today=TODAY, workbench=True, max_body=200_000)
    return create_app(settings, store=store)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Return a client of the demonstration."""
    return app.test_client()


@pytest.fixture
def chart() -> dict[str, Any]:
    """Return a chart that is answered with cards."""
    text = (CASES / "dermal-fourth-year-follow-up-not-yet-due-lenient/chart.json").read_text()
    found: dict[str, Any] = json.loads(text)
    return found


@pytest.fixture
def captured() -> dict[str, Any]:
    """Return a captured request that is answered with four cards."""
    text = (CASES / "entered-dermal-margin-positive-reexcise/request.json").read_text()
    found: dict[str, Any] = json.loads(text)
    return found


@pytest.fixture
def words() -> Callable[[str], str]:
    """Return a reader of what stands in a page between its tags."""

    def read(page: str) -> str:
        return " ".join(unescape(re.sub(r"<[^>]*>", " ", page)).split())

    return read
