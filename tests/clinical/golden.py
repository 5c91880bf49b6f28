"""The decision trace of every fixture, as it was read and approved.

``python -m tests.clinical.golden`` rewrites the approved traces, and the approved plans of
the charts that tests build; their difference is then read in review, like that of any other
file.
"""

import datetime as dt
import json
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from cds_service.cards import decision_trace
from cds_service.chart import MISSING, build, classify
from cds_service.clinical import evaluate
from cds_service.facts import Chart
from cds_service.guideline import load
from cds_service.hooks.base import PREFETCH
from cds_service.replay import cases

from .approved import LEFT_OUT, WRITING

ROOT = Path(__file__).parents[2]
APPROVED = Path(__file__).parent / "golden"


@cache
def charts() -> dict[str, tuple[Chart, dt.date]]:
    """Return the chart and the day of every fixture."""
    return {path.parent.name: _chart(path) for path in _files()}


def _files() -> tuple[Path, ...]:
    return cases.find(ROOT / "fixtures" / "fhir")


def _chart(path: Path) -> tuple[Chart, dt.date]:
    case = cases.read(path)
    today = dt.date.fromisoformat((case.expected or {})["today"])
    request = case.request or {}
    prefetch: dict[str, Any] = dict(request.get("prefetch") or {})
    if case.store is not None:
        for key, template in PREFETCH.items():
            query = template.replace("{{context.patientId}}", case.patient_id)
            kind, _, search = query.partition("?")
            store = case.store
            prefetch[key] = store.search(kind, search) if search else store.read(query)
    conditions = (request.get("context") or {}).get("conditions")
    values = {key: classify(key, prefetch.get(key, MISSING)) for key in PREFETCH}
    chart = build(values, patient_id=case.patient_id, today=today, context_conditions=conditions)
    return chart, today


def trace(name: str) -> dict[str, Any]:
    """Return the decision trace of a fixture."""
    chart, today = charts()[name]
    guideline = load()
    plan = evaluate(chart, guideline, today=today)
    found = decision_trace(plan, guideline=guideline, chart=chart)
    # The version of the guideline is not a decision.
    return {key: value for key, value in found.items() if key != "guideline"}


def main() -> None:
    """Write the traces of all fixtures as the approved ones."""
    for old in APPROVED.glob("*.json"):
        old.unlink()
    for name in charts():
        text = json.dumps(trace(name), indent=1, ensure_ascii=False)
        (APPROVED / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(f"{len(charts())} traces written\n")
    os.environ[WRITING] = "1"
    folder = Path(__file__).parent
    ignored = [f"--ignore={folder / name}.py" for name in sorted(LEFT_OUT)]
    sys.exit(pytest.main(["-q", *ignored, str(folder)]))


if __name__ == "__main__":
    main()
