"""A call of nobody's, walked once before any other: what is loaded at first use is loaded then."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

import orjson

from cds_service.engine import Engine
from cds_service.hooks.base import HookService

_TODAY = dt.date(2026, 12, 1)
_DAY = "2026-11-02"
_PATIENT = "warming"
_TEXT = (
    "Leiomyosarcoma confined to the dermis, FNCLCC grade 2. Peripheral margin positive, deep "
    "margin 3 mm. No evidence of fumarate hydratase deficiency."
)


def walk(engine: Engine, services: Iterable[HookService]) -> str | None:
    """Answer a made-up call of each service; return what is wrong, None where nothing is.

    ``engine`` should be one that nobody observes. No server is asked.
    """
    cards = 0
    for service in services:
        call = service.read(_request(service))
        answered = engine.work(service, call, today=_TODAY).rendered.to_json()
        orjson.dumps(answered)
        cards += len(answered["cards"])
    return None if cards else "a made-up tumour is answered without cards"


def _request(service: HookService) -> dict[str, Any]:
    own = {"subject": {"reference": f"Patient/{_PATIENT}"}}
    condition = {
        "resourceType": "Condition",
        "id": "c",
        "clinicalStatus": _concept("condition-clinical", "active"),
        "verificationStatus": _concept("condition-ver-status", "confirmed"),
        "code": {"text": "Leiomyosarcoma of skin of left thigh"},
        "recordedDate": _DAY,
        **own,
    }
    procedure = {
        "resourceType": "Procedure",
        "id": "p",
        "status": "completed",
        "code": {"text": "Excision of skin lesion of left thigh"},
        "performedDateTime": _DAY,
        **own,
    }
    report = {
        "resourceType": "DiagnosticReport",
        "id": "r",
        "status": "final",
        "code": {"text": "Surgical pathology"},
        "effectiveDateTime": _DAY,
        "conclusion": _TEXT,
        **own,
    }
    order = {
        "resourceType": "ServiceRequest",
        "id": "o",
        "status": "draft",
        "intent": "order",
        "code": {"text": "Re-excision of skin lesion"},
        **own,
    }
    lists = {key: _bundle() for key in service.prefetch}
    lists |= {
        "conditions": _bundle(condition),
        "procedures": _bundle(procedure),
        "reports": _bundle(report),
    }
    return {
        "hook": service.hook,
        "hookInstance": "00000000-0000-4000-8000-000000000000",
        "context": {
            "userId": "Practitioner/warming",
            "patientId": _PATIENT,
            "conditions": _bundle(condition),
            "selections": ["ServiceRequest/o"],
            "draftOrders": _bundle(order),
        },
        "prefetch": lists | {"patient": {"resourceType": "Patient", "id": _PATIENT}},
    }


def _concept(system: str, code: str) -> dict[str, Any]:
    base = "http://terminology.hl7.org/CodeSystem/"
    return {"coding": [{"system": base + system, "code": code}]}


def _bundle(*resources: dict[str, Any]) -> dict[str, Any]:
    entries = [{"resource": resource} for resource in resources]
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries}
