"""What everybody can read and use: axe-core, zoom, narrow windows."""

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from .conftest import Watched, Window

CASE = "/?case=entered-dermal-margin-positive-reexcise"
LENIENT = "/?case=dermal-fourth-year-follow-up-not-yet-due-lenient"
#: Where a wide thing has a scroll bar of its own, and the keyboard reaches it.
WIDE = """() => [...document.querySelectorAll("body *")].filter((item) =>
  item.getBoundingClientRect().right > document.documentElement.clientWidth + 1
  && !item.closest("[tabindex='0'], .skip") && !item.closest("svg")
).map((item) => item.outerHTML.slice(0, 120))"""


def start(window: Watched) -> None:
    """Show the first page."""
    window.open()


def case(window: Watched) -> None:
    """Show a case with cards."""
    window.open(CASE)


def opened(window: Watched) -> None:
    """Show a case with everything unfolded."""
    page = window.open(LENIENT + "&hook=order-sign&profile=epic")
    page.evaluate("for (const each of document.querySelectorAll('main details')) each.open = true")


def answered(window: Watched) -> None:
    """Show a card that was accepted and another that was overridden."""
    page = window.open(CASE)
    first, second = page.locator(".card").nth(0), page.locator(".card").nth(1)
    first.locator("input[name=suggestion]").first.check()
    first.get_by_role("button", name="Accept").click()
    first.get_by_text("has received 1").wait_for()
    second.get_by_text("Override…").click()
    second.get_by_role("button", name="Override").click()
    second.get_by_text("has received 1").wait_for()


def no_card(window: Watched) -> None:
    """Show a case without a card."""
    window.open("/?case=trap-negated-in-report-dermatofibroma-no-card")


def unread(window: Watched) -> None:
    """Show a case in which something could not be read, with what was not used."""
    window.open("/?case=trap-encounters-unread-no-follow-up-window")


def error(window: Watched) -> None:
    """Show an error of the service."""
    window.paste({"hook": "patient-view", "context": {}})


def problem(window: Watched) -> None:
    """Show what is no JSON."""
    window.paste('{"resourceType": "Bundle",\n "entry": [}')


def server(window: Watched) -> None:
    """Show a server that is not asked."""
    page = window.open()
    page.get_by_text("FHIR server", exact=True).click()
    page.get_by_label("Base address").fill("https://other.example.org")
    page.get_by_label("Id of the patient").fill("1")
    page.get_by_role("button", name="Ask the service").last.click()
    page.get_by_text("does not ask this server").wait_for()


def rule(window: Watched) -> None:
    """Show a page of the guideline."""
    window.open("/guideline/margin.positive")


def about(window: Watched) -> None:
    """Show the page about the service."""
    window.open("/about")


STATES = (start, case, opened, answered, no_card, unread, error, problem, server, rule, about)
State = Callable[[Watched], None]


def found_by_axe(window: Watched) -> list[str]:
    """Return what axe-core has to say of a page, whatever its weight."""
    results: dict[str, Any] = Axe().run(window.page).response
    return [
        f"{item['id']} ({item['impact']}): {node['html'][:200]}"
        for item in results["violations"]
        for node in item["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("state", STATES)
def test_axe(window: Window, state: State, scheme: str) -> None:
    """axe-core finds nothing in any state of the page, light and dark."""
    shown = window(color_scheme=scheme)
    state(shown)
    assert found_by_axe(shown) == []


@pytest.mark.parametrize("width", [640, 320])
@pytest.mark.parametrize("state", STATES[:9])
def test_zoom(window: Window, state: State, width: int) -> None:
    """At 200 % of 1280 pixels, and at 400 %, nothing is cut off or needs scrolling sideways."""
    shown = window(viewport={"width": width, "height": 512}, device_scale_factor=2)
    state(shown)
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= width
    assert shown.page.evaluate(WIDE) == []


def test_indicator_without_colour(window: Window) -> None:
    """An indicator is a word and a shape, too."""
    page = window().open(CASE)
    says = page.locator(".card .says")
    words = [text.split()[0] for text in says.all_inner_texts()]
    assert words == ["Warning", "Info", "Info", "Info"]
    shapes = {word: says.nth(i).locator("path").get_attribute("d") for i, word in enumerate(words)}
    assert len(set(shapes.values())) == 2


def test_larger_letters(window: Window) -> None:
    """Letters twice as large leave nothing outside the window."""
    shown = window()
    shown.open(CASE)
    shown.page.evaluate("document.documentElement.classList.add('large')")
    shown.page.evaluate(
        "document.documentElement.attributeStyleMap.set('font-size', CSS.percent(200))"
    )
    assert shown.page.evaluate("document.documentElement.scrollWidth") <= 1280
