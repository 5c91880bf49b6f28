"""What every real FHIR server is put through: load the fixtures, and answer as from the files."""

import json
import re
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pytest

from cds_service import hooks
from cds_service.engine import Engine
from cds_service.fhirtools import ehr
from cds_service.fhirtools.charts import prepared
from cds_service.fhirtools.load import put
from cds_service.fhirtools.server import Server
from cds_service.guideline import load
from cds_service.hooks.base import PREFETCH
from cds_service.replay import cases
from cds_service.replay.client import prefetch
from cds_service.replay.play import today_of
from cds_service.settings import Settings

FIXTURES = Path(__file__).parents[2] / "fixtures" / "fhir"
CHARTS = [case for file in cases.find(FIXTURES) if (case := cases.read(file)).store is not None]
GUIDELINE = load()
SERVICE = next(service for service in hooks.services() if service.hook == "patient-view")
#: Epic's diagnosis entry: all advice that says anything.
EVERYTHING = {"com.epic.cdshooks.request.bpa-trigger-action": "7"}
Cards = list[dict[str, Any]]


def _cards(engine: Engine, request: dict[str, Any]) -> tuple[Cards, Any]:
    body = {**request, "extension": EVERYTHING}
    answer = engine.answer(SERVICE, SERVICE.read(body)).to_json()
    text = re.sub(r'"uuid": "[^"]*"', '"uuid": ""', json.dumps(answer["cards"], sort_keys=True))
    found: Cards = json.loads(text)
    return found, answer.get("extension")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test that takes a ``case`` every chart."""
    if "case" in metafunc.fixturenames:
        metafunc.parametrize("case", CHARTS, ids=lambda case: case.name)


@pytest.fixture(scope="session")
def loaded() -> Callable[[str], Server]:
    """Return a function that loads every chart into a server, and loads them again."""

    def run(base: str) -> Server:
        server = Server(base)
        for case in CHARTS:
            assert case.store is not None
            assert put(server, prepared(case.store)) == "", case.name
        for case in CHARTS[:3]:
            assert case.store is not None
            assert put(server, prepared(case.store)) == "", f"{case.name}, again"
        return server

    return run


@pytest.fixture
def check() -> Callable[..., None]:
    """Return a function that compares the cards from a server with those from the file."""

    def run(server: Server, case: cases.Case, keys: Collection[str] | None) -> None:
        assert case.store is not None
        store = prepared(case.store)
        settings = Settings(
            auth="off", today=today_of(case, None), deadline=30.0, fhir_servers=(server.base,)
        )
        engine = Engine(settings, GUIDELINE)
        asked = ehr.request(
            server, hook="patient-view", patient=case.patient_id, templates=PREFETCH, keys=keys
        )
        assert not asked.left_out
        values, _ = prefetch(PREFETCH, context=asked.request["context"], store=store)
        plain = {name: asked.request[name] for name in ("hook", "hookInstance", "context")}
        expected, _ = _cards(engine, {**plain, "prefetch": values})
        cards, unread = _cards(engine, asked.request)
        assert unread is None
        assert cards == expected

    return run
