import json

import pytest

from .golden import APPROVED, charts, trace


@pytest.mark.parametrize("name", sorted(charts()))
def test_the_decision_trace_is_the_approved_one(name: str) -> None:
    """Every fact, reason, date and suggestion of a fixture is as it was approved."""
    approved = json.loads((APPROVED / f"{name}.json").read_text(encoding="utf-8"))
    assert json.loads(json.dumps(trace(name))) == approved


def test_every_approved_trace_has_its_fixture() -> None:
    """No approved trace is left over from a fixture that is gone."""
    assert {path.stem for path in APPROVED.glob("*.json")} == set(charts())
