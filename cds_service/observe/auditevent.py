"""Rows of the audit record as FHIR R4 AuditEvents.

The codes are those of DICOM, of FHIR's own systems and of IHE BALP, whose pattern for a query about
a patient this follows; the query itself is not kept, so the profile is not claimed.
"""

from collections.abc import Iterator
from typing import Any

from cds_service.observe.audit import ALERTS, DIGEST
from cds_service.protocol.resource import resource_json
from cds_service.store import AuditRow

_DCM = "http://dicom.nema.org/resources/ontology/DCM"
_HL7 = "http://terminology.hl7.org/CodeSystem"
_BALP = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType"
_QUERY = {"system": _DCM, "code": "110112", "display": "Query"}
_ALERT = {"system": _DCM, "code": "110113", "display": "Security Alert"}
_BY_STATUS = {
    401: {"system": _DCM, "code": "110126", "display": "Node Authentication"},
    403: {"system": _DCM, "code": "110132", "display": "Use of Restricted Function"},
}
_SUCCESS, _MINOR, _SERIOUS = "0", "4", "8"
_SERVER_ERROR, _CLIENT_ERROR = 500, 400
_NOBODY = "a client that is not known"


def event(row: AuditRow, *, server: str, canonical: str) -> dict[str, Any]:
    """Return a row as FHIR JSON, validated.

    ``server`` is the public address of the service; ``canonical`` the base of its own names.
    """
    alert = row.status in ALERTS
    subtype = _BY_STATUS[row.status] if alert else None
    described = {"outcomeDesc": _outcome_words(row)} if row.status >= _CLIENT_ERROR else {}
    return resource_json(
        {
            "resourceType": "AuditEvent",
            "id": str(row.id),
            "type": _ALERT if alert else _QUERY,
            **({"subtype": [subtype]} if subtype else {}),
            "action": "E",
            "recorded": row.at.isoformat(timespec="milliseconds"),
            "outcome": _outcome(row),
            **described,
            "agent": list(_agents(row, server, canonical)),
            "source": {
                "observer": {"display": "cds-service"},
                "type": [_coding("security-source-type", "4", "Application Server")],
            },
            "entity": list(_entities(row, canonical)),
        }
    )


def _outcome(row: AuditRow) -> str:
    if row.status in ALERTS or row.status >= _SERVER_ERROR:
        return _SERIOUS
    return _MINOR if row.status >= _CLIENT_ERROR else _SUCCESS


def _outcome_words(row: AuditRow) -> str:
    return f"HTTP {row.status}, {row.reason}" if row.reason else f"HTTP {row.status}"


def _agents(row: AuditRow, server: str, canonical: str) -> Iterator[dict[str, Any]]:
    """Yield the client, this service, and the user for whom the client asked."""
    yield {
        "type": _concept(_DCM, "110153", "Source Role ID"),
        "who": {"display": row.client or _NOBODY},
        **({"name": row.tenant} if row.tenant else {}),
        "requestor": not row.user,
    }
    yield {
        "type": _concept(_DCM, "110152", "Destination Role ID"),
        "who": {"display": "cds-service"},
        "requestor": False,
        "network": {"address": server, "type": "5"},
    }
    if row.user:
        kind = f"{_HL7}/v3-ParticipationType"
        yield {
            "type": _concept(kind, "IRCP", "information recipient"),
            "who": _reference(row.user, canonical),
            "requestor": True,
        }


def _entities(row: AuditRow, canonical: str) -> Iterator[dict[str, Any]]:
    """Yield what was asked, about whom, and the id under which the log has it."""
    details = {
        "endpoint": row.endpoint,
        "service": row.service,
        "hookInstance": row.hook_instance,
        "status": str(row.status),
        "cards": str(row.cards),
        "program": row.program,
        "guideline": row.guideline,
    }
    yield {
        "type": _coding("audit-entity-type", "2", "System Object"),
        "role": _coding("object-role", "24", "Query"),
        "name": row.hook or row.endpoint,
        "detail": [
            {"type": name, "valueString": value} for name, value in details.items() if value
        ],
    }
    if row.patient:
        yield {
            "what": _reference(row.patient, canonical),
            "type": _coding("audit-entity-type", "1", "Person"),
            "role": _coding("object-role", "1", "Patient"),
        }
    yield {
        "what": {"identifier": {"value": row.request}},
        "type": {"system": _BALP, "code": "XrequestId"},
    }


def _reference(kept: str, canonical: str) -> dict[str, Any]:
    if not kept.startswith(DIGEST):
        return {"reference": kept}
    system = f"{canonical}/audit/{DIGEST.rstrip(':')}"
    return {"identifier": {"system": system, "value": kept.removeprefix(DIGEST)}}


def _coding(system: str, code: str, display: str) -> dict[str, str]:
    return {"system": f"{_HL7}/{system}", "code": code, "display": display}


def _concept(system: str, code: str, display: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, "display": display}]}
