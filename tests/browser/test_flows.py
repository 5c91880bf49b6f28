"""What an engineer does with the page: choose, paste, drop, read a server, answer the cards."""

import json
from typing import Any

import pytest

from cds_service.replay.client import Json, Store
from cds_service.simulate.ehr import Ehr
from cds_service.simulate.transport import serving
from cds_service.store import report

from .conftest import CASES, Service, Watched, Window

CASE = "/?case=entered-dermal-margin-positive-reexcise"
DROP = """([name, text]) => {
  const data = new DataTransfer();
  data.items.add(new File([text], name, { type: "application/json" }));
  for (const type of ["dragover", "drop"]) {
    document.body.dispatchEvent(
      new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
  }
}"""


def counted(service: Service) -> dict[str, tuple[int, int]]:
    """Return what the feedback report counts: accepted and overridden, by topic."""
    return {
        row.topic: (row.accepted, row.overridden)
        for row in report.by_topic(report.rows(service.store()))
    }


def test_case(window: Window) -> None:
    """A worked case is one click away, and its address can be shared."""
    page = window().open()
    page.get_by_role("link", name="entered-dermal-margin-positive-reexcise").click()
    page.get_by_role("heading", name="4 cards").wait_for()
    assert page.url.endswith(CASE)
    assert page.title() == "4 cards – cds-service"
    assert page.locator("svg.tl").bounding_box()["width"] > 400


def test_options(window: Window) -> None:
    """Hook, date and client profile are chosen, and the answer is that of the choice."""
    page = window().open("/?case=dermal-fourth-year-follow-up-not-yet-due-lenient")
    page.locator("#case-hook").select_option("order-sign")
    page.get_by_role("button", name="Ask again").click()
    page.get_by_role("checkbox", name="Follow-up visit").check()
    page.get_by_role("checkbox", name="Wide excision").uncheck()
    page.locator("#case-date").fill("2027-12-24")
    page.locator("#case-profile").select_option("oracle-health")
    page.get_by_role("button", name="Ask again").click()
    page.get_by_role("heading", name="1 card").wait_for()
    assert "Follow-up" in page.locator(".card .says").inner_text()
    assert page.locator(".card input[name=suggestion]").count() == 0
    assert "today 2027-12-24" in page.locator(".head").inner_text()
    assert "suggestions: no" in page.locator(".exchange").inner_text()


def test_paste(window: Window, chart: Json) -> None:
    """A pasted chart stays in the form, so that it can be asked about in another way."""
    shown = window()
    page = shown.paste(chart)
    page.get_by_role("heading", name="No card", exact=True).wait_for()
    page.locator("#paste-hook").select_option("problem-list-item-create")
    page.get_by_role("button", name="Ask the service").first.click()
    page.get_by_role("heading", name="3 cards").wait_for()
    assert json.loads(page.locator("#text").input_value()) == chart
    assert page.url == f"{shown.service.base}/"


@pytest.mark.parametrize("source", ["", CASE])
def test_drop(window: Window, captured: Json, source: str) -> None:
    """A file that is dropped anywhere on the page is asked about at once."""
    page = window().open(source or "/")
    with page.expect_navigation():
        page.evaluate(DROP, ["captured.json", json.dumps(captured)])
    assert page.get_by_role("heading", name="4 cards").is_visible()
    assert "pasted" in page.locator(".head").inner_text()


def test_file(window: Window) -> None:
    """A file that is chosen is asked about."""
    page = window().open()
    page.get_by_text("Paste or drop", exact=True).click()
    page.get_by_label("or a file").set_input_files(
        CASES / "dermal-annual-follow-up-overdue" / "chart.json"
    )
    page.get_by_role("button", name="Ask the service").first.click()
    page.get_by_role("heading", name="1 card").wait_for()


def test_no_json(window: Window) -> None:
    """What is no JSON keeps the text, says the place, and puts the cursor there."""
    text = '{"resourceType": "Bundle",\n "entry": [}'
    page = window().paste(text)
    assert "line 2, column 12" in page.get_by_role("alert").inner_text()
    assert page.locator("#text").input_value() == text
    assert page.evaluate("document.activeElement.id") == "text"
    start, end = page.evaluate("[text.selectionStart, text.selectionEnd]")
    assert text[start:end] == "}"


def test_too_large(window: Window) -> None:
    """A file that is larger than the service reads is told so, with the setting's name."""
    page = window().open()
    page.get_by_text("Paste or drop", exact=True).click()
    big: dict[str, Any] = {"name": "big.json", "mimeType": "application/json"}
    page.get_by_label("or a file").set_input_files([{**big, "buffer": b" " * 450_000}])
    page.get_by_role("button", name="Ask the service").first.click()
    assert "CDS_MAX_BODY" in page.get_by_role("alert").inner_text()


def test_error_is_not_no_card(window: Window, captured: Json) -> None:
    """An error looks like one, and no card like none."""
    shown = window()
    page = shown.paste({**captured, "prefetch": {}})
    assert "HTTP 412: an error" in page.get_by_role("alert").inner_text()
    assert page.get_by_role("heading", name="No card", exact=True).count() == 0
    page = shown.open("/?case=trap-single-leiomyoma-no-card")
    assert page.get_by_role("heading", name="No card", exact=True).is_visible()
    assert page.get_by_role("alert").count() == 0


def test_accept(window: Window, service: Service) -> None:
    """An accepted suggestion is feedback in the service's database; its action is shown."""
    before = counted(service).get("margin", (0, 0))
    page = window().open(CASE)
    card = page.locator(".card").first
    card.get_by_label("Propose re-excision").check()
    card.get_by_role("button", name="Accept").click()
    outcome = card.locator(".outcome")
    outcome.get_by_text("The service has received 1.").wait_for()
    assert "An EHR now writes" in outcome.inner_text()
    assert '"resourceType": "ServiceRequest"' in outcome.inner_text()
    assert "Re-excision of dermal leiomyosarcoma" in outcome.inner_text()
    assert counted(service)["margin"] == (before[0] + 1, before[1])
    assert page.url.endswith(CASE)


def test_accept_nothing(window: Window, service: Service) -> None:
    """To accept without a suggestion is refused by the endpoint, and shown as refused."""
    page = window().open(CASE)
    before = counted(service)["margin"]
    card = page.locator(".card").first
    card.get_by_role("button", name="Accept").click()
    card.get_by_text("Not received: HTTP 400.").wait_for()
    assert counted(service)["margin"] == before


def test_override(window: Window, service: Service) -> None:
    """An override with reason and comment is feedback in the service's database."""
    page = window().open(CASE)
    before = counted(service)["radiation"]
    card = page.locator(".card").nth(1)
    card.get_by_text("Override…").click()
    card.get_by_label("Reason").select_option(label="Patient declined")
    card.get_by_label("Comment").fill("told so")
    card.get_by_role("button", name="Override").click()
    card.get_by_text("Overridden.").wait_for()
    assert counted(service)["radiation"] == (before[0], before[1] + 1)
    rows = report.by_topic(report.rows(service.store()))
    reasons = next(row.reasons for row in rows if row.topic == "radiation")
    assert "patient-refuses" in reasons


def test_service_is_gone(window: Window) -> None:
    """Where feedback does not reach the service, the card says so."""
    shown = window()
    page = shown.open(CASE)
    page.route("**/workbench/feedback", lambda route: route.abort())
    card = page.locator(".card").first
    card.get_by_text("Override…").click()
    card.get_by_role("button", name="Override").click()
    card.get_by_text("Not received:").wait_for()
    assert [fault for fault in shown.faults if "ERR_FAILED" not in fault] == []
    shown.faults.clear()


def test_server(window: Window, chart: Json) -> None:
    """A patient of a FHIR server on this machine is asked about."""
    store = Store.of(chart)
    with serving(Ehr(store, base="")) as base:
        page = window().open()
        page.get_by_text("FHIR server", exact=True).click()
        page.get_by_label("Base address").fill(base)
        page.get_by_label("Id of the patient").fill(store.patient_id)
        page.get_by_label("Bearer token").fill("top-secret")
        page.locator("#server-hook").select_option("problem-list-item-create")
        page.get_by_role("button", name="Ask the service").last.click()
        page.get_by_role("heading", name="3 cards").wait_for()
        assert page.get_by_label("Bearer token").input_value() == ""
        assert "top-secret" not in page.content()
        assert page.url.endswith("/")


def test_copy(window: Window) -> None:
    """The request is copied as it is shown."""
    shown = window(permissions=["clipboard-read", "clipboard-write"])
    page = shown.open(CASE)
    page.get_by_text("Request", exact=True).click()
    page.get_by_role("button", name="Copy the request").click()
    page.get_by_role("button", name="Copied").wait_for()
    copied = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert copied["hook"] == "problem-list-item-create"


def test_while_asking(window: Window, captured: Json) -> None:
    """While the service is being asked the button says so, and is pressed once only."""
    shown = window()
    page = shown.open()
    page.get_by_text("Paste or drop", exact=True).click()
    page.locator("#text").fill(json.dumps(captured))
    asked: list[str] = []

    def wait(route: Any) -> None:
        asked.append(route.request.method)
        route.fulfill(status=204)  # the browser stays where it is

    page.route(f"{shown.service.base}/", wait)
    button = page.locator("[data-paste] button")
    button.click()
    page.get_by_text("Asking…").wait_for()
    assert button.get_attribute("aria-disabled") == "true"
    button.dispatch_event("click")
    assert asked == ["POST"]


def without_script(window: Window) -> Watched:
    """Return a window in which no script runs."""
    return window(java_script_enabled=False)


def test_without_script(window: Window, service: Service, captured: Json) -> None:
    """Without a script everything works by links and forms, feedback included."""
    shown = without_script(window)
    page = shown.paste(captured)
    assert page.get_by_role("heading", name="4 cards").is_visible()
    assert page.locator("[data-copy]:visible, #filter:visible").count() == 0
    before = counted(service)["margin"][0]
    card = page.locator(".card").first
    card.get_by_label("Propose re-excision").check()
    card.get_by_role("button", name="Accept").click()
    assert "The service has received 1." in page.content()
    assert "Re-excision of dermal leiomyosarcoma" in page.content()
    assert counted(service)["margin"][0] == before + 1
    page = shown.open(CASE)
    page.get_by_role("link", name="Procedure/ex-1").first.click()
    assert page.url.partition("#")[2].startswith("resource-")
