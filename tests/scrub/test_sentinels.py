"""Nothing of any element leaves but what the allow-list says."""

import base64
import datetime as dt
import json
import re
from collections import Counter
from typing import Any

import pytest

from cds_service.scrub.elements import allow_list
from cds_service.scrub.envelope import Envelope
from cds_service.scrub.identity import Identity
from cds_service.scrub.names import Found, Names
from cds_service.scrub.offset import Offset
from cds_service.scrub.resource import Cleaner
from cds_service.scrub.text import Text
from cds_service.scrub.textdates import TextDates

from .planting import Planter

Json = dict[str, Any]

TODAY = dt.date(2026, 12, 1)
KINDS = (
    *("Patient", "Condition", "Procedure", "Observation", "DiagnosticReport", "Encounter"),
    *("FamilyMemberHistory", "ServiceRequest", "MedicationRequest", "DeviceRequest", "Specimen"),
    *("Medication", "Binary"),
)
OTHERS = ("Practitioner", "PractitionerRole", "Organization", "Location", "RelatedPerson", "Device")
#: Elements of the allow-list whose own text, or the text of whose notes, is clinical.
TEXTS = re.compile(
    r"Condition\.(onset|abatement)String|Procedure\.performedString|"
    r"Observation\.(component\.)?valueString|Observation\.component\.valueString|"
    r"DiagnosticReport\.(conclusion|presentedForm\.data)|"
    r"FamilyMemberHistory\.(bornString|condition\.onsetString)|"
    r"(Binary|Medication)\.data|\w+\.(condition\.)?note\.text|Condition\.stage\.assessment\.display"
)


def scrubbed(value: Json) -> Json:
    """Return a chart or a request of a patient, scrubbed."""
    identity, named = Identity(), Found()
    identity.add(value)
    named.add(value)
    names, offset = Names(named, key=b"key"), Offset(-400)
    dates = TextDates(offset, today=TODAY, known=identity.dates)
    text = Text(identity, dates, renamed={})
    dropped: Counter[str] = Counter()
    cleaner = Cleaner(names=names, offset=offset, text=text, today=TODAY, dropped=dropped)
    envelope = Envelope(
        cleaner, names=names, offset=offset, text=text, patient="p1", dropped=dropped
    )
    return envelope.request(value) if "hook" in value else envelope.chart(value)


def told(value: Any) -> str:
    """Return everything that stands in JSON, base64 decoded."""
    found = json.dumps(value, ensure_ascii=False)
    documents = re.findall(r'"data": "([A-Za-z0-9+/=]+)"', found)
    return found + "".join(base64.b64decode(each).decode(errors="replace") for each in documents)


def is_clinical(path: str, kind: str) -> bool:
    """Return whether the text of an element is one that the allow-list keeps."""
    resource, _, element = path.partition(".")
    table = allow_list().types.get(resource, {})
    parts = element.split(".")
    top = table.get(parts[0])
    if isinstance(top, dict):
        top = top.get(parts[1]) if len(parts) > 1 else None
    if kind in {"CodeableConcept", "Coding"} and parts[-1] in {"text", "display"}:
        return top in {"concept", "site", "reason", "value", "word"} or parts[0] == "extension"
    return bool(TEXTS.fullmatch(path))


@pytest.mark.parametrize("kind", KINDS)
def test_every_element(kind: str) -> None:
    """A text in any element of a resource is gone, unless the element is one of clinical text."""
    planter = Planter()
    resource = planter.resource(kind, contentType="text/plain") | {"id": "r1"}
    if kind == "DiagnosticReport":
        resource["presentedForm"][0] |= {"contentType": "text/plain"}
    left = told(scrubbed({"resourceType": "Bundle", "entry": [{"resource": resource}]}))
    places = planter.places
    survivors = {places[text] for text in re.findall(r"Zq[a-j]+zq", left)}
    assert [place for place in survivors if not is_clinical(*place)] == []
    kept = {path for path, _ in survivors}
    assert kept or kind == "Patient"


@pytest.mark.parametrize("kind", OTHERS)
def test_people_and_places(kind: str) -> None:
    """Of people, organisations and devices nothing is left: alone, contained, or in a request."""
    planter = Planter()
    condition = {
        "resourceType": "Condition",
        "id": "c1",
        "code": {"text": "Leiomyosarcoma"},
        "contained": [planter.resource(kind, id="inner")],
        "recorder": {"reference": "#inner"},
    }
    bundle = {
        "resourceType": "Bundle",
        "entry": [{"resource": condition}, {"resource": planter.resource(kind)}],
    }
    request = {
        "hook": "patient-view",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {"userId": "Practitioner/1", "patientId": "p1"},
        "prefetch": {"conditions": bundle},
    }
    for value in (bundle, request):
        left = told(scrubbed(value))
        assert re.findall(r"Zq[a-j]+zq", left) == []
        assert "Leiomyosarcoma" in left


def test_names_leave_texts() -> None:
    """Whoever is named in any element of people is not named in a clinical text either."""
    planter = Planter()
    people = [planter.resource(one) for one in (*OTHERS, "Patient")]
    named = {
        text: path
        for text, (path, inner) in planter.places.items()
        if (inner == "HumanName" and path.rpartition(".")[2] in {"family", "given", "text"})
        or (inner == "Address" and path.rpartition(".")[2] in {"city", "district", "line"})
        or (inner == "ContactPoint" and path.endswith(".value"))
        or path in {"Organization.name", "Organization.alias", "Location.name"}
    }
    assert len(named) > 40
    words = " and ".join(named)
    chart = {
        "resourceType": "Bundle",
        "entry": [
            *({"resource": one} for one in people),
            {"resource": {"resourceType": "Condition", "id": "c", "note": [{"text": words}]}},
        ],
    }
    left = told(scrubbed(chart))
    assert [named[text] for text in re.findall(r"Zq[a-j]+zq", left)] == []


def test_envelope() -> None:
    """Around the resources, too, nothing is left but what the service asks for."""
    mark = "SENTINEL"
    condition = {"resourceType": "Condition", "id": f"{mark}-1", "code": {"text": "Sarcoma"}}
    body = {
        "hook": "patient-view",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "fhirServer": f"https://{mark}.example.org/r4",
        "fhirAuthorization": {
            "access_token": mark,
            "token_type": mark,
            "expires_in": 1,
            "scope": mark,
            "subject": mark,
            "patient": mark,
            mark: mark,
        },
        "user": {mark: mark},
        "extension": {
            "com.epic.cdshooks.request.bpa-trigger-action": "7",
            "com.epic.cdshooks.request.fhir-version": mark,
            mark: mark,
        },
        "context": {
            "userId": f"Practitioner/{mark}",
            "patientId": f"{mark}-2",
            "encounterId": f"{mark}-3",
            "selections": [f"ServiceRequest/{mark}", mark, 1],
            "conditions": {
                "resourceType": "Bundle",
                "id": mark,
                "identifier": {"value": mark},
                "type": mark,
                "timestamp": "2026-06-10T00:00:00Z",
                "link": [
                    {"relation": "self", "url": f"https://{mark}/Condition?patient={mark}"},
                    {"relation": "next", "url": f"https://{mark}/next"},
                ],
                "entry": [
                    {
                        "fullUrl": f"https://{mark}.example.org/Condition/{mark}",
                        "resource": condition,
                        "search": {"mode": mark, "score": 1},
                        "request": {"url": mark, "method": "PUT"},
                        "response": {"location": mark},
                    },
                    mark,
                ],
            },
            mark: mark,
        },
        "prefetch": {
            "conditions": {
                "resourceType": "OperationOutcome",
                "issue": [{"severity": "error", "code": "forbidden", "diagnostics": mark}],
                "text": {"div": mark},
            },
            "procedures": mark,
            "reports": {"resourceType": mark, "id": mark},
            "patient": None,
            "orders": [condition, mark],
            mark: condition,
        },
        mark: mark,
    }
    left = json.dumps(scrubbed(body), indent=1)
    assert mark not in left
    assert mark.lower() not in left.lower()
    assert '"bpa-trigger' not in left
    assert "bpa-trigger-action" in left
    assert '"code": "forbidden"' in left
    assert '"next"' in left
