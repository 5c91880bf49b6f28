"""Replay against the application itself: every fixture, and what is behind the cards."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from cds_service.engine import Engine
from cds_service.guideline import load
from cds_service.replay import cases
from cds_service.replay.local import Local, local
from cds_service.replay.play import play

FIXTURES = Path(__file__).parents[2] / "fixtures" / "fhir"
FILES = cases.find(FIXTURES)
TODAY = dt.date(2026, 12, 1)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_every_fixture_meets_its_expectation(file: Path) -> None:
    """States, tumours, windows, cards and texts are those that the expectation states."""
    result = play(cases.read(file), service=local)
    assert result.evaluation is not None
    assert result.differences == ()


@pytest.mark.parametrize(
    ("name", "entered"),
    [
        ("two-tumours-two-sites-one-card-names-both", {"Condition/dx", "Condition/dx-2"}),
        ("subcutaneous-lung-metastasis-systemic-therapy", {"Condition/dx", "Condition/met"}),
        ("trap-unrelated-new-problem-no-entry-card", {"Condition/dx"}),
        ("trap-icd10-c49-alone-no-card", {"Condition/dx"}),
    ],
)
def test_conditions_to_enter_are_those_of_the_tumours(name: str, entered: set[str]) -> None:
    """Without a stated choice those of tumours and metastases are entered, else the first."""
    case = replace(cases.read(FIXTURES / name / "chart.json"), expected=None)
    [_, entry] = play(case, service=local, date=TODAY).played
    assert set(entry.conditions) == entered


def test_a_request_without_a_patient_is_answered_and_not_evaluated() -> None:
    """The refusal is the service's; there is no evaluation to compare with."""
    request = {
        "hook": "patient-view",
        "hookInstance": "4e6c5f7a-3b1d-4f55-8f0e-5b7d0c2a9e41",
        "context": {"userId": "Practitioner/x", "patientId": "p1"},
        "prefetch": {"patient": None},
    }
    assert local(TODAY).evaluate(request) is None
    status, body = local(TODAY).call("cutaneous-leiomyosarcoma-patient-view", request)
    assert status == 412
    assert body["resourceType"] == "OperationOutcome"


def test_the_date_decides(run: Callable[..., Result]) -> None:
    """The day before the window opens the follow-up is not due: state and card differ."""
    case = FIXTURES / "dermal-clear-11mm-follow-up-due"
    assert run(case, "--date", "2026-10-10").exit_code == 0
    assert run(case, "--date", "2026-10-09").exit_code == 1
    early: Any = play(cases.read(case / "chart.json"), service=local, date=dt.date(2026, 10, 9))
    assert early.evaluation.windows[0]["status"] == "not-yet-due"
    assert early.played[0].cards == ()


def test_one_request_is_worked_once_for_answer_and_evaluation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What led to an answer is that of the answer; a request that was changed is another one."""
    worked = []
    work = Engine.work

    def counted(*arguments: Any, **more: Any) -> Any:
        worked.append(arguments)
        return work(*arguments, **more)

    monkeypatch.setattr(Engine, "work", counted)
    service = Local(TODAY, load())
    patient = {"resourceType": "Patient", "id": "p1"}
    empty = {"resourceType": "Bundle", "type": "searchset"}
    request = {
        "hook": "patient-view",
        "hookInstance": "5b0f0c1c-64d5-4d3c-8f4a-0d3f7b6e6a01",
        "context": {"userId": "Practitioner/x", "patientId": "p1"},
        "prefetch": {"patient": patient, "conditions": empty, "procedures": empty},
    }
    (entry,) = [each for each in service.discover() if each["hook"] == "patient-view"]
    assert service.evaluate(request) is not None
    assert service.call(entry["id"], request)[0] == 200
    assert len(worked) == 1
    del request["prefetch"]["patient"]
    assert service.call(entry["id"], request)[0] == 412
    assert service.evaluate(request) is None
