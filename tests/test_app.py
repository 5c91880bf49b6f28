import datetime as dt
import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import responses
import sqlalchemy as sa
from fhir.resources.R4B.servicerequest import ServiceRequest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from cds_service.app import create_app
from cds_service.guideline import load as load_guideline
from cds_service.settings import Settings
from cds_service.store.tables import feedback

ENTRY = "/cds-services/cutaneous-leiomyosarcoma-problem-list-item-create"
VIEW = "/cds-services/cutaneous-leiomyosarcoma-patient-view"
CASE = Path(__file__).parents[1] / "fixtures/fhir/entered-dermal-margin-positive-reexcise"
README = Path(__file__).parents[1] / "README.md"
OPEN = "https://hapi.fhir.org/baseR4"
OTHER = "https://fhir.example.org/r4"
TOKEN = {
    "access_token": "secret",
    "token_type": "Bearer",
    "expires_in": 300,
    "scope": "patient/*.rs",
    "subject": "cds",
}
OUTCOME = {
    "resourceType": "OperationOutcome",
    "issue": [{"severity": "error", "code": "timeout"}],
}
Problem = Callable[[TestResponse], dict[str, Any]]


@pytest.fixture
def whole() -> FlaskClient:
    """Return a client of the whole application on the day of the worked cases."""
    chosen = Settings(
        auth="off", today=dt.date(2026, 12, 1), public_url="https://cds.example.org/base"
    )
    return create_app(chosen).test_client()


@pytest.fixture
def entered() -> dict[str, Any]:
    """Return a captured request that is answered with cards."""
    body: dict[str, Any] = json.loads((CASE / "request.json").read_text())
    return body


def as_view(body: dict[str, Any]) -> dict[str, Any]:
    """Return the patient-view request of a chart that holds the entered diagnosis."""
    body = deepcopy(body)
    conditions = body["context"].pop("conditions") | {"type": "searchset"}
    return body | {
        "hook": "patient-view",
        "prefetch": body["prefetch"] | {"conditions": conditions},
    }


def topics(response: TestResponse) -> list[str]:
    """Return the topics of the answer's cards."""
    assert response.status_code == 200, response.text
    return [card["source"]["topic"]["code"] for card in response.json["cards"]]


def test_diagnosis_entry(whole: FlaskClient, entered: dict[str, Any]) -> None:
    """A diagnosis that stands in the context alone is answered with its four cards."""
    assert topics(whole.post(ENTRY, json=entered)) == [
        "margin",
        "radiation",
        "surveillance",
        "hlrcc",
    ]


def test_entry_that_the_chart_holds(whole: FlaskClient, entered: dict[str, Any]) -> None:
    """The same diagnosis in context and chart counts once."""
    alone = whole.post(ENTRY, json=entered).json["cards"]
    entered["prefetch"]["conditions"] = entered["context"]["conditions"] | {"type": "searchset"}
    both = whole.post(ENTRY, json=entered).json["cards"]
    assert [card["detail"] for card in both] == [card["detail"] for card in alone]


def test_chart_opening(whole: FlaskClient, entered: dict[str, Any]) -> None:
    """Opening the chart shows only what there is to do."""
    assert topics(whole.post(VIEW, json=as_view(entered))) == ["margin", "radiation"]


def test_epic_entry_is_cut(whole: FlaskClient, entered: dict[str, Any]) -> None:
    """Epic's entry through patient-view shows three cards; the last names the fourth."""
    body = as_view(entered)
    body["extension"] = {"com.epic.cdshooks.request.bpa-trigger-action": 6}
    response = whole.post(VIEW, json=body)
    assert topics(response) == ["margin", "radiation", "surveillance"]
    assert "HLRCC" in response.json["cards"][-1]["detail"]


def test_cards_are_whole(whole: FlaskClient, entered: dict[str, Any]) -> None:
    """#2, #110 to #148: cards carry uuids, valid drafts, reasons, and links to our pages."""
    response = whole.post(ENTRY, json=entered)
    assert not any(empty in response.text for empty in (":null", ':""', ":[]", ":{}"))
    for card in response.json["cards"]:
        assert len(card["summary"]) < 140
        assert 3 <= len(card["overrideReasons"]) <= 5
        for link in card["links"]:
            assert link["url"].startswith("https://cds.example.org/base/guideline/")
            page = link["url"].removeprefix("https://cds.example.org/base")
            assert whole.get(page).status_code == 200
        for suggestion in card.get("suggestions", []):
            (action,) = suggestion["actions"]
            order = ServiceRequest.model_validate(action["resource"])
            assert (order.status, order.intent) == ("draft", "proposal")
            assert order.subject.reference == "Patient/entered-1"


def test_unrelated_problem(whole: FlaskClient, entered: dict[str, Any]) -> None:
    """#100: a new problem that has nothing to do with the tumour is answered with no cards."""
    body = as_view(entered)
    fracture = {
        "resourceType": "Condition",
        "id": "fracture",
        "category": "problem-list-item",
        "clinicalStatus": "active",
        "code": {"text": "Fracture of ankle"},
        "subject": {"reference": "Patient/entered-1"},
    }
    body["context"]["conditions"] = {"resourceType": "Bundle", "entry": [{"resource": fracture}]}
    body["hook"] = "problem-list-item-create"
    assert whole.post(ENTRY, json=body).json == {"cards": []}


def test_deceased(whole: FlaskClient, entered: dict[str, Any]) -> None:
    """A deceased patient gets no card."""
    entered["prefetch"]["patient"]["deceasedBoolean"] = True
    assert whole.post(ENTRY, json=entered).json == {"cards": []}


@pytest.mark.parametrize("key", ["conditions", "procedures"])
@pytest.mark.parametrize("value", [None, {"resourceType": "Bundle", "type": "searchset"}])
def test_known_empty(
    whole: FlaskClient, entered: dict[str, Any], key: str, value: dict[str, Any] | None
) -> None:
    """#52, #53: null and an empty Bundle are knowledge, not a lack of it."""
    entered["prefetch"][key] = value
    assert whole.post(ENTRY, json=entered).status_code == 200


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("patient", None),
        ("patient", OUTCOME),
        ("conditions", OUTCOME),
        ("procedures", OUTCOME),
        ("conditions", "absent"),
    ],
)
def test_required_data(
    whole: FlaskClient, entered: dict[str, Any], problem_of: Problem, key: str, value: object
) -> None:
    """#54, #56, #57: required data that cannot be had are a 412 that names the key."""
    if value == "absent":
        del entered["prefetch"][key]
    else:
        entered["prefetch"][key] = value
    response = whole.post(ENTRY, json=entered)
    assert response.status_code == 412
    assert problem_of(response)["expression"] == [f"prefetch.{key}"]


def test_no_second_query(whole: FlaskClient, entered: dict[str, Any]) -> None:
    """#54: what the client tried in vain is not asked for again, on an open server either."""
    entered["prefetch"]["conditions"] = OUTCOME
    with responses.RequestsMock() as server:
        response = whole.post(ENTRY, json=entered | {"fhirServer": OPEN})
        assert (response.status_code, len(server.calls)) == (412, 0)


@pytest.mark.parametrize("value", ["x", 3, [], {"resourceType": "Patient", "id": "entered-1"}])
def test_required_data_of_another_type(
    whole: FlaskClient, entered: dict[str, Any], problem_of: Problem, value: object
) -> None:
    """#58: a required key with another type of thing is a 400 that names the key."""
    entered["prefetch"]["conditions"] = value
    response = whole.post(ENTRY, json=entered)
    assert response.status_code == 400
    assert problem_of(response)["expression"] == ["prefetch.conditions"]


def test_another_patient(whole: FlaskClient, entered: dict[str, Any], problem_of: Problem) -> None:
    """#58: a Patient who is not the context's is a 400; nothing is advised."""
    entered["prefetch"]["patient"]["id"] = "somebody-else"
    response = whole.post(ENTRY, json=entered)
    assert response.status_code == 400
    assert problem_of(response)["expression"] == ["prefetch.patient"]
    assert "somebody-else" not in response.text


def test_optional_data_missing(whole: FlaskClient, entered: dict[str, Any]) -> None:
    """#50, #51: without the optional keys there is advice, and it says what it could not read."""
    for key in ("observations", "familyHistory", "orders", "encounters"):
        del entered["prefetch"][key]
    cards = whole.post(ENTRY, json=entered).json["cards"]
    assert "Could not be read" in cards[0]["detail"]


@pytest.mark.parametrize(("server", "token"), [(OPEN, None), (OTHER, TOKEN)])
def test_reads_what_is_missing(
    whole: FlaskClient, entered: dict[str, Any], server: str, token: dict[str, Any] | None
) -> None:
    """#51, #66: a missing key is read, with the token, or from an open server without one."""
    reports = entered["prefetch"].pop("reports")
    body = entered | {"fhirServer": server, "fhirAuthorization": token}
    with responses.RequestsMock() as mock:
        mock.get(f"{server}/DiagnosticReport?patient=entered-1", json=reports)
        found = topics(whole.post(ENTRY, json=body))
        sent = mock.calls[0].request.headers.get("Authorization")
    assert found == ["margin", "radiation", "surveillance", "hlrcc"]
    assert sent == ("Bearer secret" if token else None)


def test_closed_server(whole: FlaskClient, entered: dict[str, Any]) -> None:
    """Without a token only listed servers are read: the address comes from the caller."""
    del entered["prefetch"]["conditions"]
    with responses.RequestsMock() as mock:
        response = whole.post(ENTRY, json=entered | {"fhirServer": OTHER})
        assert (response.status_code, len(mock.calls)) == (412, 0)


def test_clock(entered: dict[str, Any]) -> None:
    """Without a fixed date the clock decides, and the answer is still an answer."""
    client = create_app(Settings(auth="off")).test_client()
    assert client.post(ENTRY, json=entered).status_code == 200


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(("coding", "code", "text", "reference", "id", "start", "resource")),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)
KINDS = ("patient", "conditions", "procedures", "reports", "observations", "encounters")


@pytest.fixture(scope="module")
def shared() -> FlaskClient:
    """Return one client of the whole application for many calls."""
    return create_app(Settings(auth="off", today=dt.date(2026, 12, 1))).test_client()


@settings(max_examples=150, deadline=None)
@given(key=st.sampled_from(KINDS), value=JSON_VALUES)
def test_any_prefetch_value(shared: FlaskClient, key: str, value: object) -> None:
    """No prefetch value is a 5xx."""
    body: dict[str, Any] = json.loads((CASE / "request.json").read_text())
    body["prefetch"][key] = value
    assert shared.post(ENTRY, json=body).status_code in {200, 400, 412}


@settings(max_examples=300, deadline=None)
@given(data=st.data(), value=JSON_VALUES)
def test_any_element(shared: FlaskClient, data: st.DataObject, value: object) -> None:
    """No value of an element, at any depth of the request, is a 5xx."""
    body: Any = json.loads((CASE / "request.json").read_text())
    target = body
    while True:
        keys = list(target) if isinstance(target, dict) else range(len(target))
        key = data.draw(st.sampled_from(keys))
        child = target[key]
        if not isinstance(child, dict | list) or not child or data.draw(st.booleans()):
            break
        target = child
    target[key] = value
    assert shared.post(ENTRY, json=body).status_code in {200, 400, 412}


def test_card_of_the_readme(whole: FlaskClient, entered: dict[str, Any]) -> None:
    """The card that README.md shows is the card that the example request is answered with."""
    card = whole.post(ENTRY, json=entered).json["cards"][0]
    quoted = [line[1:] for line in README.read_text().splitlines() if line.startswith(">")]
    shown = " ".join(" ".join(quoted).split())
    texts = (card["summary"], *card["detail"].splitlines())
    for text in (*texts, *(suggestion["label"] for suggestion in card["suggestions"])):
        assert text in shown


def test_the_trace_is_in_the_answer_only_where_it_is_wanted() -> None:
    """With CDS_TRACE the answer carries the decision trace, empty cards included; else not."""
    body = json.loads((CASE / "request.json").read_text())
    path = f"/cds-services/cutaneous-leiomyosarcoma-{body['hook']}"
    today = dt.date(2026, 12, 1)
    plain = create_app(Settings(auth="off", today=today)).test_client().post(path, json=body)
    assert "extension" not in plain.get_json()
    traced = create_app(Settings(auth="off", today=today, trace=True)).test_client()
    trace = traced.post(path, json=body).get_json()["extension"]
    assert trace["org.example.cds-service.decision-trace"]["topics"]
    body["context"]["conditions"]["entry"] = []
    answer = traced.post(path, json=body).get_json()
    assert answer["cards"] == []
    topics = answer["extension"]["org.example.cds-service.decision-trace"]["topics"]
    assert all(topic["parts"][0]["reason"] for topic in topics)


def test_one_application_after_another() -> None:
    """An application that takes another's place has its store; the guideline is its own."""
    first = create_app(Settings(auth="off"))
    card = "1b8dd0fe-5b1b-4a6d-b5b4-0d5a6e9c7c11"
    item = {"card": card, "outcome": "overridden", "outcomeTimestamp": "2026-12-01T12:00:00Z"}
    sent = first.test_client().post(f"{VIEW}/feedback", json={"feedback": [item]})
    assert sent.status_code == 200
    shipped = load_guideline()
    own = replace(shipped, meta={**shipped.meta, "version": "1.0.0-site.1"})
    second = create_app(Settings(auth="off"), guideline=own, before=first)
    store = second.extensions["cds_service.kept"].store
    with store.connect() as connection:
        assert connection.execute(sa.select(feedback.c.card)).scalars().all() == [card]
    assert "1.0.0-site.1" in second.test_client().get("/about").text
    assert "1.0.0-site.1" not in first.test_client().get("/about").text
