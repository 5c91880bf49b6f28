"""Time lines of the approved traces, and of traces that are put together here."""

import json
from pathlib import Path
from typing import Any

import pytest

TRACES = Path(__file__).parents[1] / "clinical" / "golden"
KNOWN = "subcutaneous-third-year-due-stricter-reading-passed"


def approved(name: str) -> dict[str, Any]:
    """Return the approved decision trace of a fixture."""
    found: dict[str, Any] = json.loads((TRACES / f"{name}.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture
def trace() -> dict[str, Any]:
    """Return a trace with one tumour, excised 15 June 2024; today is 1 December 2026."""
    return approved(KNOWN)


def event(
    kind: str, label: str, date: str | None = None, *, reference: str = "Condition/c", **more: Any
) -> dict[str, Any]:
    """Return an event as a trace holds it."""
    when = {} if date is None else {"date": date}
    return {"kind": kind, **when, "facts": [{"reference": reference, "label": label}], **more}
