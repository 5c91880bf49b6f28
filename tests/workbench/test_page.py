import json
import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient

from cds_service import cards, hooks
from cds_service.app import create_app
from cds_service.protocol import dialect
from cds_service.protocol.card import Card, Link
from cds_service.settings import Settings, SettingsError
from cds_service.store import Store, audit

CASE = "entered-dermal-margin-positive-reexcise"
Words = Callable[[str], str]


def section(page: str, heading: str) -> str:
    """Return a section of the page by the id of its heading."""
    found = re.search(rf'<section[^>]*aria-labelledby="{heading}".*?</section>', page, re.DOTALL)
    assert found, heading
    return found[0]


def exchanged(page: str, name: str) -> Any:
    """Return the JSON of the request or the response that a page shows."""
    found = re.search(rf'<pre[^>]*id="{name}-json">(.*?)</pre>', page, re.DOTALL)
    assert found
    return json.loads(unescape(found[1]))


def paste(client: FlaskClient, body: Any, **form: Any) -> str:
    """Return the page for a text that was pasted."""
    text = body if isinstance(body, str) else json.dumps(body)
    return client.post("/", data={"source": "paste", "text": text, **form}).text


def test_start(client: FlaskClient, words: Words) -> None:
    """The first page has the worked cases, the hooks and every client profile to choose from."""
    answer = client.get("/")
    assert answer.status_code == 200
    assert f'href="./?case={CASE}"' in answer.text
    assert "See what the service sees" in words(answer.text)
    for name in (*(service.hook for service in hooks.services()), *dialect.shipped()):
        assert f'<option value="{name}"' in answer.text


def test_off() -> None:
    """Without the setting there is nothing at the root but an error in JSON."""
    answer = create_app(Settings(auth="off")).test_client().get("/")
    assert (answer.status_code, answer.mimetype) == (404, "application/json")
    assert answer.json["resourceType"] == "OperationOutcome"


def test_refused_with_authentication() -> None:
    """The page would show patients' data to callers who bring no token, so there is none."""
    with pytest.raises(SettingsError, match=r"CDS_WORKBENCH.*CDS_AUTH=off"):
        create_app(Settings(auth="required", workbench=True))


def test_case(client: FlaskClient, words: Words) -> None:
    """A worked case is shown on its own day: cards, time line, decision, facts, exchange."""
    page = client.get(f"/?case={CASE}").text
    said = words(page)
    assert "4 cards" in said
    assert "today 2026-12-01" in said
    assert page.count('<article class="card') == 4
    assert "Warning Resection margin" in said
    assert "<strong>1 cm</strong>" in page
    assert 'class="tl"' in section(page, "timeline")
    assert '<a href="./guideline/margin.positive">' in section(page, "decision")
    assert "Peripheral margin positive." in words(section(page, "facts"))
    assert "deep margin" in words(section(page, "decision"))
    assert exchanged(page, "request")["hook"] == "problem-list-item-create"
    assert len(exchanged(page, "response")["cards"]) == 4
    assert all(phase in said for phase in ("read", "evaluate", "render", "whole answer"))


def test_unknown_case(client: FlaskClient, words: Words) -> None:
    """A case that is not there is said so, whatever its name."""
    answer = client.get("/?case=../../etc/passwd")
    assert answer.status_code == 400
    assert "no worked case of this name" in words(answer.text)


def test_case_without_card(client: FlaskClient, words: Words) -> None:
    """Where there is no card, the reasons stand there by topic."""
    page = client.get("/?case=trap-negated-in-report-dermatofibroma-no-card").text
    assert "No cutaneous leiomyosarcoma is recorded" in words(section(page, "no-card"))
    assert "an error" not in words(section(page, "no-card")).replace("without an error", "")


@pytest.mark.parametrize("hook", [service.hook for service in hooks.services()])
def test_every_hook(client: FlaskClient, chart: dict[str, Any], hook: str) -> None:
    """A chart can be asked about with every hook: what it is about is chosen from the chart."""
    page = paste(client, chart, hook=hook)
    sent = exchanged(page, "request")
    assert sent["hook"] == hook
    assert sent["prefetch"]["patient"]["id"] == sent["context"]["patientId"]
    assert "cards" in exchanged(page, "response")


def test_entered_condition(client: FlaskClient, chart: dict[str, Any]) -> None:
    """The Condition that is entered can be chosen; without a choice it is that of the tumour."""
    chart["entry"].insert(
        0, {"resource": {"resourceType": "Condition", "id": "cold", "code": {"text": "Cold"}}}
    )

    def entered(**form: Any) -> list[str]:
        page = paste(client, chart, hook="problem-list-item-create", **form)
        entries = exchanged(page, "request")["context"]["conditions"]["entry"]
        return [entry["resource"]["id"] for entry in entries]

    assert entered() == ["dx"]
    assert entered(about="Condition/cold") == ["cold"]
    assert entered(about=["Condition/cold", "Condition/dx"]) == ["cold", "dx"]
    assert entered(about="Condition/of-another-chart") == ["dx"]


def test_draft_orders(client: FlaskClient, chart: dict[str, Any]) -> None:
    """Orders are the guideline's or the chart's; an order-select names what was selected."""
    chart["entry"].append(
        {
            "resource": {
                "resourceType": "ServiceRequest",
                "id": "mri",
                "status": "draft",
                "intent": "order",
                "code": {"text": "MRI of kidney"},
                "subject": {"reference": f"Patient/{chart['entry'][0]['resource']['id']}"},
            }
        }
    )
    page = paste(client, chart, hook="order-select")
    assert exchanged(page, "request")["context"]["selections"] == ["ServiceRequest/mri"]
    page = paste(client, chart, hook="order-sign", about="ServiceRequest/draft-wide-excision")
    (entry,) = exchanged(page, "request")["context"]["draftOrders"]["entry"]
    assert entry["resource"]["code"]["coding"][0]["code"] == "177302005"
    assert "[" not in entry["resource"]["code"]["text"]
    topics = [card["source"]["topic"]["code"] for card in exchanged(page, "response")["cards"]]
    assert topics == ["margin"]


def test_orders_of_no_topic(client: FlaskClient, captured: dict[str, Any], words: Words) -> None:
    """Orders that are no matter of the guideline's: no card, and the reason is another one."""
    context = {key: captured["context"][key] for key in ("userId", "patientId")}
    order = {"resourceType": "ServiceRequest", "id": "x", "code": {"text": "Blood count"}}
    context["draftOrders"] = {"resourceType": "Bundle", "entry": [{"resource": order}]}
    body = {**captured, "hook": "order-sign", "context": context, "prefetch": {}}
    assert "None of these orders is a matter of the guideline" in words(paste(client, body))


def test_date(client: FlaskClient, chart: dict[str, Any], words: Words) -> None:
    """The date that is chosen is today; without one the demonstration's is."""
    assert "today 2026-12-01" in words(paste(client, chart))
    page = paste(client, chart, date="2030-01-02")
    assert "today 2030-01-02" in words(page)
    assert "overdue" in words(section(page, "timeline"))
    assert "The date must be a day" in words(paste(client, chart, date="tomorrow"))


@pytest.mark.parametrize("date", ["0001-01-01", "9999-12-31"])
def test_ends_of_the_calendar(client: FlaskClient, chart: dict[str, Any], date: str) -> None:
    """A date from which nothing can be counted is answered, without a picture if need be."""
    answer = client.post("/", data={"text": json.dumps(chart), "date": date})
    assert answer.status_code == 200
    assert f"today {date}" in answer.text


@pytest.mark.parametrize("value", [None, 0, True, "x", [], {}, [None], ["x"], {"entry": 1}])
@pytest.mark.parametrize(
    "path",
    ["hook", "hookInstance", "context", "prefetch", "context.conditions", "prefetch.patient"],
)
def test_odd_requests(client: FlaskClient, captured: dict[str, Any], path: str, value: Any) -> None:
    """Whatever stands in a captured request, the page shows what came of it."""
    *outer, last = path.split(".")
    body = captured[outer[0]] if outer else captured
    body[last] = value
    answer = client.post("/", data={"text": json.dumps(captured)})
    assert answer.status_code < 500
    assert answer.mimetype == "text/html"


def test_profile(client: FlaskClient, captured: dict[str, Any], words: Words) -> None:
    """A client profile gives what this client gets, and the page says what is different."""
    assert '<input type="checkbox" name="suggestion"' in paste(client, captured)
    page = paste(client, captured, profile="oracle-health")
    assert 'name="suggestion"' not in page
    assert not any("suggestions" in card for card in exchanged(page, "response")["cards"])
    assert "suggestions: no" in words(section(page, "exchange"))
    assert "no such client profile" in words(paste(client, captured, profile="../x"))


def test_what_cards_may_be(
    client: FlaskClient, captured: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What this service's cards are not yet is shown as an EHR shows it: a critical card, a choice
    of one suggestion, an application.
    """
    render = cards.render

    def other(*args: Any, **options: Any) -> tuple[Card, ...]:
        links = (Link(label="App", url="https://app.example.org", type="smart"),)
        changed = {"indicator": "critical", "selection_behavior": "at-most-one", "links": links}
        found = render(*args, **options)
        return tuple(
            replace(card, **changed if card.suggestions else {"indicator": "critical"})
            for card in found
        )

    monkeypatch.setattr(cards, "render", other)
    page = paste(client, captured, profile="strict-3.0")
    assert page.count('<article class="card critical"') == 4
    assert "Critical" in page
    assert '<input type="radio" name="suggestion"' in page
    assert '<input type="checkbox" name="suggestion"' not in page
    assert '<a href="https://app.example.org" rel="noopener noreferrer">App</a>' in page
    assert "SMART app" in page


def test_captured_hook(client: FlaskClient, captured: dict[str, Any], words: Words) -> None:
    """A captured request is sent as it is, and the page says so where another hook was chosen."""
    page = paste(client, captured, hook="patient-view")
    assert exchanged(page, "request") == captured
    assert "A captured request is sent as it was captured" in words(page)


def test_error(client: FlaskClient, captured: dict[str, Any], words: Words) -> None:
    """An error of the service is shown as one, with its status and its place in the request."""
    captured["prefetch"] = {}
    answer = client.post("/", data={"source": "paste", "text": json.dumps(captured)})
    assert answer.status_code == 412
    page = answer.text
    said = words(section(page, "error"))
    assert "HTTP 412: an error, not “no card”" in said
    assert "procedures" in said
    assert exchanged(page, "response")["resourceType"] == "OperationOutcome"
    captured["context"]["patientId"] = "a/b"
    assert "at context.patientId" in words(section(paste(client, captured), "error"))


def test_unread(client: FlaskClient, captured: dict[str, Any], words: Words) -> None:
    """What could not be read is said, and so is what was not used, with the reason."""
    captured["prefetch"]["reports"] = {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": "timeout"}],
    }
    wrong = {"resourceType": "Procedure", "id": "x", "status": "entered-in-error"}
    captured["prefetch"]["procedures"]["entry"].append({"resource": wrong})
    page = paste(client, captured)
    assert "Could not be read: reports" in words(page)
    assert "Procedure/x" in words(section(page, "unused"))
    assert "not used at all" in words(section(page, "unused"))


def test_facts_lead_to_resources(client: FlaskClient, captured: dict[str, Any]) -> None:
    """Each fact leads to the resource that it came from, whose JSON stands in the page."""
    page = paste(client, captured)
    leads = set(re.findall(r'<a href="#(resource-\d+)"><code>Procedure/ex-1', page))
    assert len(leads) == 1
    found = re.search(rf'<pre[^>]*id="{leads.pop()}">(.*?)</pre>', page, re.DOTALL)
    assert found
    (sent,) = (entry["resource"] for entry in captured["prefetch"]["procedures"]["entry"])
    assert json.loads(unescape(found[1])) == sent


def test_resource_without_id(client: FlaskClient, captured: dict[str, Any]) -> None:
    """A resource without an id is found by the name that the service gives it."""
    del captured["prefetch"]["procedures"]["entry"][0]["resource"]["id"]
    page = paste(client, captured)
    assert re.search(r'<a href="#resource-\d+"><code>Procedure/\(no id\) 1', page)


def test_token_is_not_shown(client: FlaskClient, captured: dict[str, Any]) -> None:
    """The access token of a captured request stands neither in the exchange nor in the command."""
    captured["fhirServer"] = "https://fhir.example.org"
    captured["fhirAuthorization"] = {
        "access_token": "top-secret",
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": "patient/*.rs",
        "subject": "cds",
    }
    page = paste(client, captured)
    after = page.partition('<div class="answer"')[2]
    assert "(not shown)" in after
    assert "top-secret" not in after


def test_without_checkout(monkeypatch: pytest.MonkeyPatch, words: Words) -> None:
    """Where the package is installed without the worked cases, the page works without them."""
    monkeypatch.setattr("cds_service.workbench.library.Library.groups", {})
    page = create_app(Settings(auth="off", workbench=True)).test_client().get("/").text
    assert "This installation has none" in words(page)


def test_own_mistake(client: FlaskClient, monkeypatch: pytest.MonkeyPatch, words: Words) -> None:
    """A mistake of the service itself is shown as an error, too, without what it held."""
    monkeypatch.setattr("cds_service.engine.evaluate", lambda *_, **__: {}["John Doe"])
    answer = client.get(f"/?case={CASE}")
    assert answer.status_code == 500
    assert "HTTP 500: an error, not “no card”" in words(section(answer.text, "error"))
    assert "John Doe" not in answer.text


def test_shadow(words: Words) -> None:
    """In shadow mode the cards are shown, and that clients get none of them."""
    settings = Settings(auth="off", workbench=True, shadow=True)
    page = create_app(settings).test_client().get(f"/?case={CASE}").text
    assert "Shadow mode" in words(page)
    assert page.count('<article class="card') == 4
    assert exchanged(page, "response") == {"cards": []}


def test_recorded(client: FlaskClient, store: Store) -> None:
    """A call from the page stands in the audit record like any other."""
    client.get(f"/?case={CASE}")
    client.get("/?case=nothing")
    (row,) = audit.rows(store)
    assert (row.endpoint, row.hook, row.status) == ("call", "problem-list-item-create", 200)
