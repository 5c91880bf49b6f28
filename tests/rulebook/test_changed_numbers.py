"""A number that is changed in the data changes cards, pages, schedule and resources alike."""

import datetime as dt
import json
import re
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from cds_service import rulebook, terminology
from cds_service.app import create_app
from cds_service.guideline import Guideline, loads
from cds_service.replay import cases
from cds_service.replay.local import Local
from cds_service.replay.play import play
from cds_service.rulebook import document, fhir
from cds_service.settings import Settings

FIXTURES = Path(__file__).parents[2] / "fixtures" / "fhir"
ENTRY = "/cds-services/cutaneous-leiomyosarcoma-problem-list-item-create"
TODAY = dt.date(2026, 12, 1)


def with_number(toml: str, statement: str, name: str, old: str, new: str) -> Guideline:
    """Return the guideline with one number of one statement changed."""
    pattern = rf"(\[statements\.{statement}\]\n(?:[^\[].*\n)*?numbers = .*?\b{name} = ){old}\b"
    text, count = re.subn(pattern, rf"\g<1>{new}", toml)
    assert count == 1
    return loads(text)


@pytest.fixture
def wider(toml: str) -> Guideline:
    """Return the guideline with a dermal margin of 1.5 cm."""
    return with_number(toml, "S24", "margin_cm", "1", "1.5")


@pytest.fixture
def slower(toml: str) -> Guideline:
    """Return the guideline with dermal follow-up after 5 to 6 months."""
    return with_number(toml, "S34", "minimum_months", "4", "5")


def client_of(guideline: Guideline) -> FlaskClient:
    """Return a client of the application with this guideline."""
    return create_app(Settings(auth="off", today=TODAY), guideline=guideline).test_client()


def margin_card(client: FlaskClient) -> dict[str, Any]:
    """Return the margin card of a dermal tumour with a positive margin."""
    case = FIXTURES / "entered-dermal-margin-positive-reexcise" / "request.json"
    cards = client.post(ENTRY, json=json.loads(case.read_text(encoding="utf-8"))).json["cards"]
    card: dict[str, Any] = next(c for c in cards if c["source"]["topic"]["code"] == "margin")
    return card


def test_margin_on_the_card(wider: Guideline) -> None:
    """The card's summary, source line and caveat have the new margin, and no longer the old."""
    card = margin_card(client_of(wider))
    assert "at least 1.5 cm" in card["summary"]
    assert "**1.5 cm**" in card["detail"]
    assert not re.search(r"\b1 cm\b", card["summary"] + card["detail"])


def test_links_of_a_card(toml: str) -> None:
    """A card's source names both versions, and its links open the pages of its rules."""
    guideline = loads(toml)
    client = client_of(guideline)
    card = margin_card(client)
    query = f"?version={guideline.version}&valuesets={terminology.load().version}"
    assert card["source"]["url"].endswith(f"/guideline/{query}")
    for url in (card["source"]["url"], *(link["url"] for link in card["links"])):
        page = client.get(url[url.index("/guideline") :])
        assert page.status_code == 200
        assert "The card was made" not in page.text
    [link] = card["links"]
    assert link["url"].endswith("/guideline/margin.positive")


def test_margin_decides(wider: Guideline) -> None:
    """A margin of 11 mm, enough for 1 cm, is below 1.5 cm."""
    case = cases.read(FIXTURES / "dermal-clear-11mm-follow-up-due" / "chart.json")
    said = play(case, service=lambda today: Local(today, wider)).evaluation
    assert said
    assert said.topics["margin"]["rule"] == "margin.below-minimum"


@pytest.mark.parametrize(
    "path", ["S24", "margin.no-surgery", "margin", "document", "statements", "margin.depth-unclear"]
)
def test_margin_on_the_pages(wider: Guideline, path: str) -> None:
    """The pages of the statement, of its rules and of its topic have the new margin."""
    page = client_of(wider).get(f"/guideline/{path}").text
    assert "1.5 cm" in page
    assert "<strong>1 cm</strong>" not in page


def test_margin_in_what_travels(wider: Guideline) -> None:
    """Printed rule book and FHIR resources have the new margin."""
    book = rulebook.load(wider)
    assert "a margin of at least **1.5 cm**" in document.as_markdown(book)
    resources = fhir.resources(book)
    plan = json.dumps(resources["PlanDefinition", "cutaneous-leiomyosarcoma"])
    assert "at least 1.5 cm" in plan
    assert "1.5 cm if dermal" in resources["ActivityDefinition", "wide-excision"]["code"]["text"]


def test_interval_in_the_window(slower: Guideline) -> None:
    """The window of a dermal tumour begins five months after surgery."""
    case = cases.read(FIXTURES / "dermal-clear-11mm-follow-up-due" / "chart.json")
    result = play(case, service=lambda today: Local(today, slower))
    assert result.evaluation
    [window] = result.evaluation.windows
    assert (window["earliest"], window["latest"]) == ("2026-11-10", "2026-12-10")
    [view] = [each for each in result.played if each.hook == "patient-view"]
    assert "5–6 months" in view.cards[0]["detail"]


def test_interval_in_the_schedule(slower: Guideline) -> None:
    """The schedule's page and the statement's page have the new interval."""
    client = client_of(slower)
    schedule = client.get("/guideline/schedule").text
    assert "<td>5–6</td>" in schedule
    assert "<td>4–6</td>" not in schedule
    assert "every 5–6 months" in client.get("/guideline/S34").text


def test_age_on_the_page_about(toml: str) -> None:
    """A changed start age is also what the page about the service says of age."""
    page = client_of(with_number(toml, "S42", "start_age", "8", "10")).get("/about").text
    assert "renal MRI (10 years, S42)" in page
