"""A stand-in for the service: it answers from what it is asked, and knows no medicine."""

import copy
import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cds_service.replay import command
from cds_service.replay.outcome import Evaluation

Json = dict[str, Any]

PATIENT = {"resourceType": "Patient", "id": "p1", "birthDate": "1960-01-01"}
CONDITION = {
    "resourceType": "Condition",
    "id": "c1",
    "code": {"text": "Something"},
    "subject": {"reference": "Patient/p1"},
}
CHART = {
    "resourceType": "Bundle",
    "type": "collection",
    "entry": [{"resource": PATIENT}, {"resource": CONDITION}],
}
PREFETCH = {
    "patient": "Patient/{{context.patientId}}",
    "conditions": "Condition?patient={{context.patientId}}",
}
EXPECTED = {
    "today": "2026-12-01",
    "topics": {"margin": {"state": "act", "indicator": "info"}},
    "tumours": [{"site": "Back", "depth": "dermal"}],
    "windows": [],
    "hooks": {
        "patient-view": [{"topic": "margin", "indicator": "info"}],
        "problem-list-item-create": {
            "conditions": ["Condition/c1"],
            "cards": [{"topic": "margin", "indicator": "info"}],
        },
    },
    "says": {"margin": ["at least 1 cm"]},
    "note": "kept by hand",
}


def card(topic: str = "margin") -> Json:
    """Return a card of ``topic``."""
    return {
        "uuid": "5b0f0c1c-64d5-4d3c-8f4a-0d3f7b6e6a01",
        "summary": f"{topic}: at least 1 cm",
        "indicator": "info",
        "detail": "At **least** 1 cm \\(S24\\).",
        "source": {"label": "The source", "topic": {"code": topic, "system": "urn:topics"}},
        "suggestions": [{"label": "Propose it", "isRecommended": True}],
        "overrideReasons": [{"code": "planned", "system": "urn:r", "display": "already planned"}],
        "links": [{"label": "Why", "url": "https://example.org/why", "type": "absolute"}],
    }


class StandIn:
    """A service with one card for every patient who has a Condition."""

    def __init__(self, today: dt.date = dt.date(2026, 12, 1)) -> None:
        """Start with an empty record of calls."""
        self.today = today
        self.requests: list[Json] = []

    def discover(self) -> tuple[Json, ...]:
        """Offer the two hooks."""
        hooks = ("patient-view", "problem-list-item-create")
        return tuple({"id": f"test-{hook}", "hook": hook, "prefetch": PREFETCH} for hook in hooks)

    def call(self, service_id: str, request: Json) -> tuple[int, Json]:
        """Answer with a card, or with an OperationOutcome where the patient is missing."""
        self.requests.append(request)
        assert service_id == f"test-{request['hook']}"
        if "patient" not in request["prefetch"]:
            return 412, {
                "resourceType": "OperationOutcome",
                "issue": [{"severity": "error", "diagnostics": "prefetch.patient is missing"}],
            }
        return 200, {"cards": [card()] if "entry" in request["prefetch"]["conditions"] else []}

    def evaluate(self, request: Json) -> Evaluation | None:
        """Say what the card says."""
        found = "entry" in request["prefetch"].get("conditions", {})
        if not found:
            return Evaluation(topics={"margin": {"state": "silent", "rule": "none"}})
        return Evaluation(
            topics={"margin": {"state": "act", "indicator": "info", "rule": "margin-none"}},
            tumours=({"site": "back", "depth": "dermal"},),
            conditions=("Condition/c1",),
        )


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """Replace the application by the stand-in; dates are recorded in it."""
    service = StandIn()

    def at(today: dt.date) -> StandIn:
        service.today = today
        return service

    monkeypatch.setattr(command, "_in_process", lambda: at)
    return service


@pytest.fixture
def chart() -> Json:
    """Return a chart of one patient with one Condition."""
    return copy.deepcopy(CHART)


@pytest.fixture
def expected() -> Json:
    """Return the expectation that the stand-in meets with the chart."""
    return copy.deepcopy(EXPECTED)


@pytest.fixture
def make_card() -> Callable[..., Json]:
    """Return the maker of cards."""
    return card


@pytest.fixture
def case_dir(tmp_path: Path) -> Path:
    """Write a directory with one case that meets its expectation."""
    return _write(tmp_path / "case-one", chart=CHART, expected=EXPECTED)


def _write(path: Path, **files: Json) -> Path:
    path.mkdir(parents=True)
    for name, body in files.items():
        (path / f"{name}.json").write_text(json.dumps(body))
    return path


@pytest.fixture
def write() -> Callable[..., Path]:
    """Write ``<name>.json`` for each keyword into a directory."""
    return _write


@pytest.fixture
def run() -> Callable[..., Result]:
    """Run ``cds-service replay`` with these arguments."""

    def invoke(*arguments: object) -> Result:
        return CliRunner().invoke(command.replay, [str(each) for each in arguments])

    return invoke
