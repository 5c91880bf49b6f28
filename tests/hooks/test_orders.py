"""order-select and order-sign: what an order touches, whatever it is called or coded."""

import datetime as dt
import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import responses
from flask.testing import FlaskClient

from cds_service import hooks
from cds_service.app import create_app
from cds_service.chart import drafts
from cds_service.errors import BadRequest
from cds_service.guideline import load
from cds_service.hooks.orders import topics_of
from cds_service.settings import Settings

ROOT = Path(__file__).parents[2]
CASE = ROOT / "fixtures/fhir/entered-dermal-margin-positive-reexcise/request.json"
SERVICES = {service.hook: service for service in hooks.services()}
SCT = "http://snomed.info/sct"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
LOINC = "http://loinc.org"


def order(kind: str = "ServiceRequest", name: str = "o1", **elements: Any) -> dict[str, Any]:
    """Return a draft order of the fixture's patient."""
    own = {"resourceType": kind, "id": name, "status": "draft", "intent": "order"}
    return own | {"subject": {"reference": "Patient/entered-1"}} | elements


def bundle(*resources: dict[str, Any]) -> dict[str, Any]:
    """Return a draftOrders Bundle as the sandbox sends it: without a type."""
    return {"resourceType": "Bundle", "entry": [{"resource": item} for item in resources]}


def touched(*resources: dict[str, Any]) -> set[str]:
    """Return the topics that these orders touch."""
    found = drafts(bundle(*resources), patient_id="entered-1", today=dt.date(2026, 12, 1))
    return set(topics_of(found.orders, load()))


def text(words: str, **more: Any) -> dict[str, Any]:
    """Return an order that is known by its words alone."""
    return order(code={"text": words}, **more)


def coded(system: str, code: str, kind: str = "ServiceRequest") -> dict[str, Any]:
    """Return an order that is known by its code alone."""
    element = "medicationCodeableConcept" if kind == "MedicationRequest" else "code"
    return order(kind, **{element: {"coding": [{"system": system, "code": code}]}})


@pytest.mark.parametrize(
    ("words", "topic"),
    [
        ("Wide local excision of skin lesion, left thigh", "margin"),
        ("Re-excision", "margin"),
        ("Excision", "margin"),
        ("Mohs micrographic surgery", "margin"),
        ("Nachexzision", "margin"),
        ("Excisional biopsy of skin lesion", "margin"),
        ("Radiotherapy to left thigh", "radiation"),
        ("Referral to radiation oncology", "radiation"),
        ("Bestrahlung", "radiation"),
        ("Follow-up visit", "surveillance"),
        ("Oncology follow up in 4 months", "surveillance"),
        ("Tumornachsorge", "surveillance"),
        ("CT chest without contrast", "surveillance"),
        ("XR chest 2 views", "surveillance"),
        ("Computed tomography of thorax", "surveillance"),
        ("Chest X-ray", "surveillance"),
        ("Referral to clinical genetics", "hlrcc"),
        ("FH gene sequencing, germline", "hlrcc"),
        ("Fumarate hydratase gene analysis", "hlrcc"),
        ("MRI kidneys with and without contrast", "hlrcc"),
        ("Renal MRI", "hlrcc"),
        ("Doxorubicin 75 mg/m2", "systemic-therapy"),
        ("Chemotherapy", "systemic-therapy"),
    ],
)
def test_words(words: str, topic: str) -> None:
    """An order's words say which topic it touches, and no other."""
    assert touched(text(words)) == {topic}


@pytest.mark.parametrize(
    ("resource", "topic"),
    [
        (coded(SCT, "177302005"), "margin"),
        (coded(SCT, "35646002"), "margin"),
        (coded(SCT, "1287742003"), "radiation"),
        (coded(SCT, "399208008"), "surveillance"),
        (coded(LOINC, "24627-2"), "surveillance"),
        (coded(SCT, "306279004"), "hlrcc"),
        (coded(SCT, "241624001"), "hlrcc"),
        (coded(RXNORM, "3639", "MedicationRequest"), "systemic-therapy"),
    ],
)
def test_codes(resource: dict[str, Any], topic: str) -> None:
    """A code without a word does as well."""
    assert touched(resource) == {topic}


@pytest.mark.parametrize("drug", load().statements["S33"].text.split(": ")[1].split(", "))
def test_every_drug_of_the_source(drug: str) -> None:
    """S33: every drug that the source names touches systemic therapy."""
    for name in drug.split(" + "):
        medication = order("MedicationRequest", medicationCodeableConcept={"text": name.upper()})
        assert touched(medication) == {"systemic-therapy"}


@pytest.mark.parametrize(
    "resource",
    [
        text("Chest", bodySite=[{"text": "Chest"}]),
        text("Complete blood count"),
        text("Transurethral resection of prostate"),
        text("Resection of colon"),
        text("Excision of uterus"),
        text("Lipid panel, FH (familial hypercholesterolaemia)"),
        text("MRI brain"),
        text("CT abdomen"),
        order("MedicationRequest", medicationCodeableConcept={"text": "Aspirin 81 mg"}),
        order("MedicationRequest"),
        order(code={"coding": [{}]}),
        order("NutritionOrder", code={"text": "Radiotherapy"}),
        text("Radiotherapy", status="revoked"),
        text("Radiotherapy", status="entered-in-error"),
        text("Radiotherapy", doNotPerform=True),
        text("Radiotherapy", subject={"reference": "Patient/somebody-else"}),
    ],
    ids=lambda resource: json.dumps(resource)[60:120],
)
def test_untouched(resource: dict[str, Any]) -> None:
    """An order of another kind, for somebody else, or of nothing yet, touches nothing."""
    assert touched(resource) == set()


@pytest.mark.parametrize(
    ("code", "site", "topic"),
    [
        ("Magnetic resonance imaging", "Kidney", "hlrcc"),
        ("Computed tomography", "Thorax", "surveillance"),
    ],
)
def test_place_in_the_body_site(code: str, site: str, topic: str) -> None:
    """The body site says what a general imaging order is of."""
    assert touched(text(code, bodySite=[{"text": site}])) == {topic}


@pytest.mark.parametrize(
    "medication",
    [
        {"medicationReference": {"reference": "#m"}},
        {"medicationReference": {"reference": "Medication/m2"}},
        {"medication": {"reference": {"reference": "Medication/m2"}}},
        {"medication": {"concept": {"text": "Pazopanib"}}},
    ],
)
def test_medications_elsewhere(medication: dict[str, Any]) -> None:
    """The drug may be contained, beside the order in the Bundle, or in R5's shape."""
    contained = [{"resourceType": "Medication", "id": "m", "code": {"text": "Pazopanib 200 mg"}}]
    beside = {"resourceType": "Medication", "id": "m2", "code": {"text": "Pazopanib 200 mg"}}
    request = order("MedicationRequest", contained=contained, **medication)
    assert touched(request, beside) == {"systemic-therapy"}


def test_dstu2() -> None:
    """The sandbox's DSTU2 order is read: MedicationOrder, patient, dateWritten."""
    request = {
        "resourceType": "MedicationOrder",
        "id": "order-123",
        "dateWritten": "2026-11-01",
        "status": "draft",
        "patient": {"reference": "Patient/entered-1"},
        "medicationCodeableConcept": {"text": "Trabectedin 1 MG Injection", "coding": [{}]},
    }
    assert touched(request) == {"systemic-therapy"}


# --- Whole calls ---


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    """Return a client of the whole application on the fixture's day."""
    return create_app(Settings(auth="off", today=dt.date(2026, 12, 1))).test_client()


@pytest.fixture
def body() -> dict[str, Any]:
    """Return an order-sign request of a chart with a positive margin."""
    request: dict[str, Any] = json.loads(CASE.read_text())
    conditions = request["context"].pop("conditions") | {"type": "searchset"}
    request["prefetch"]["conditions"] = conditions
    request["context"]["draftOrders"] = bundle()
    return request | {"hook": "order-sign"}


def ask(client: FlaskClient, body: dict[str, Any], *orders: dict[str, Any], **more: Any) -> Any:
    """Return the answer to these orders; ``selections`` makes it order-select."""
    request = deepcopy(body)
    request["context"] |= {"draftOrders": bundle(*orders)} | more
    hook = "order-select" if "selections" in more else "order-sign"
    url = f"/cds-services/cutaneous-leiomyosarcoma-{hook}"
    return client.post(url, json=request | {"hook": hook})


def topics(response: Any) -> list[str]:
    """Return the topics of the cards."""
    assert response.status_code == 200, response.text
    return [card["source"]["topic"]["code"] for card in response.json["cards"]]


def test_sign(client: FlaskClient, body: dict[str, Any]) -> None:
    """Every draft counts when orders are signed; cards stand in their usual order."""
    answer = ask(client, body, text("Radiotherapy"), text("Re-excision of back", name="o2"))
    assert topics(answer) == ["margin", "radiation"]


def test_select_looks_at_selections(client: FlaskClient, body: dict[str, Any]) -> None:
    """When an order is chosen the others in the basket are left alone."""
    both = (text("Radiotherapy"), text("Re-excision of back", name="o2"))
    for selections, expected in (
        (["ServiceRequest/o2"], ["margin"]),
        (["https://ehr.example.org/fhir/ServiceRequest/o1"], ["radiation"]),
        (["o1"], ["radiation"]),
        (["ServiceRequest/o1", "ServiceRequest/gone"], ["radiation"]),
        (["ServiceRequest/gone"], []),
        ([], []),
    ):
        assert topics(ask(client, body, *both, selections=selections)) == expected


def test_other_orders(client: FlaskClient, body: dict[str, Any]) -> None:
    """An order that no topic is about is answered with no cards."""
    aspirin = order("MedicationRequest", medicationCodeableConcept={"text": "Aspirin"})
    assert ask(client, body, aspirin).json == {"cards": []}
    assert ask(client, body).json == {"cards": []}


def test_other_orders_need_nothing(client: FlaskClient, body: dict[str, Any]) -> None:
    """Nothing is required, and no server asked, to say nothing of an order."""
    del body["prefetch"]
    body["fhirServer"] = "https://hapi.fhir.org/baseR4"
    with responses.RequestsMock() as server:
        assert ask(client, body, text("Complete blood count")).json == {"cards": []}
        assert not server.calls


def test_touching_orders_need_the_chart(client: FlaskClient, body: dict[str, Any]) -> None:
    """#56: advice about an order needs what every advice needs."""
    del body["prefetch"]["procedures"]
    assert ask(client, body, text("Radiotherapy")).status_code == 412


@pytest.mark.parametrize("words", ["Radiotherapy", "Complete blood count"])
def test_another_patient(client: FlaskClient, body: dict[str, Any], words: str) -> None:
    """#58: a mixed-up chart is a 400, whatever is ordered."""
    body["prefetch"]["patient"]["id"] = "somebody-else"
    assert ask(client, body, text(words)).status_code == 400


def test_the_order_is_not_suggested_again(client: FlaskClient, body: dict[str, Any]) -> None:
    """An order that is being signed is named, and not proposed once more."""
    (card,) = ask(client, body, text("Re-excision of skin of back")).json["cards"]
    labels = [suggestion["label"] for suggestion in card.get("suggestions", [])]
    assert "Propose re-excision" not in labels
    assert "ServiceRequest/o1" in card["detail"]


def test_sandbox_order_select(client: FlaskClient) -> None:
    """#42: the sandbox's order-select, before a drug is chosen, is answered with no cards."""
    request = {
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "hook": "order-select",
        "fhirServer": "https://launch.smarthealthit.org/v/r4/fhir",
        "context": {
            "patientId": "smart-1288992",
            "userId": "Practitioner/COREPRACTITIONER1",
            "selections": ["MedicationRequest/request-123"],
            "draftOrders": bundle(
                {
                    "resourceType": "MedicationRequest",
                    "id": "request-123",
                    "status": "draft",
                    "category": {"coding": [{"code": "outpatient"}]},
                    "subject": {"reference": "Patient/smart-1288992"},
                    "dosageInstruction": [{"doseQuantity": {"value": 1}}],
                }
            ),
        },
    }
    for hook in ("order-select", "order-sign"):
        url = f"/cds-services/cutaneous-leiomyosarcoma-{hook}"
        assert client.post(url, json=request | {"hook": hook}).json == {"cards": []}


@pytest.mark.parametrize("hook", ["order-select", "order-sign"])
@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"draftOrders": None}, "context.draftOrders"),
        ({"draftOrders": []}, "context.draftOrders"),
        ({"draftOrders": {"resourceType": "Patient"}}, "context.draftOrders"),
        ({"draftOrders": {"resourceType": "Bundle", "entry": {}}}, "context.draftOrders"),
        ({"userId": "Patient/1"}, "context.userId"),
        ({"userId": "RelatedPerson/1"}, "context.userId"),
        ({"patientId": "a/b"}, "context.patientId"),
        ({"encounterId": "Encounter/1"}, "context.encounterId"),
        ({"selections": "ServiceRequest/o1"}, "context.selections"),
        ({"selections": [1]}, "context.selections.0"),
        ({"selections": None}, "context.selections"),
    ],
)
def test_contexts(body: dict[str, Any], hook: str, changes: dict[str, Any], where: str) -> None:
    """#39: the contexts are validated as their tables say; selections are order-select's."""
    context = body["context"] | {"selections": ["ServiceRequest/o1"]} | changes
    request = body | {"hook": hook, "context": context}
    if hook == "order-sign" and "selections" in changes:
        assert SERVICES[hook].read(request)
        return
    with pytest.raises(BadRequest) as caught:
        SERVICES[hook].read(request)
    assert caught.value.where == where


def test_encounter_id_with_a_slash(client: FlaskClient, body: dict[str, Any]) -> None:
    """An id with a slash is a 400: it would change the address that is read."""
    for field in ("patientId", "encounterId"):
        answer = ask(client, body, text("Radiotherapy"), **{field: "a/b"})
        assert answer.status_code == 400
        assert answer.json["issue"][0]["expression"] == [f"context.{field}"]
