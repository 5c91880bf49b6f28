"""Fixtures that read charts as the service does."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from cds_service.chart import build, classify
from cds_service.facts import Chart

PATIENT = {"resourceType": "Patient", "id": "p1", "birthDate": "1960"}
TODAY = dt.date(2026, 12, 1)


def own(kind: str, id_: str | None, **elements: Any) -> dict[str, Any]:
    """Return a resource of the patient."""
    subject = "patient" if kind == "FamilyMemberHistory" else "subject"
    named = {"resourceType": kind, **({"id": id_} if id_ else {})}
    return {**named, subject: {"reference": "Patient/p1"}, **elements}


@pytest.fixture
def resource() -> Callable[..., dict[str, Any]]:
    """Return a factory of resources of the patient."""
    return own


@pytest.fixture
def chart() -> Callable[..., Chart]:
    """Return a factory of charts: any number of resources (or raw entries) in one Bundle."""

    def read(*resources: Any, context: Any = None, patient: Any = PATIENT, **values: Any) -> Chart:
        bundle = {
            "resourceType": "Bundle",
            "entry": [
                item if not isinstance(item, dict) or "resource" in item else {"resource": item}
                for item in resources
            ],
        }
        raw = {"patient": patient, "conditions": bundle, **values}
        return build(
            {key: classify(key, value) for key, value in raw.items()},
            patient_id="p1",
            today=TODAY,
            context_conditions=context,
        )

    return read
