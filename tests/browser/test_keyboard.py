"""The page without a mouse."""

from .conftest import Window

CASE = "/?case=entered-dermal-margin-positive-reexcise"
#: What is focused, and whether one can see it.
FOCUS = """() => {
  const item = document.activeElement;
  const style = getComputedStyle(item);
  const box = item.getBoundingClientRect();
  return {
    name: item === document.body ? "" : (item.ariaLabel || item.innerText || item.name || item.id),
    seen: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2
      && box.width > 0 && box.bottom > 0 && box.top < innerHeight
      && box.right > 0 && box.left < innerWidth,
  };
}"""


def test_skip_link(window: Window) -> None:
    """The first stop leads past the forms to the answer."""
    page = window().open(CASE)
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUS) == {"name": "Skip to the answer", "seen": True}
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "answer"
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUS)["name"] == "Cards"


def test_find_a_case(window: Window) -> None:
    """A case is found by typing words, and chosen with the arrows and Enter."""
    page = window().open()
    page.get_by_label("Find").focus()
    page.keyboard.type("margin DERMAL clear")
    names = page.locator(".cases li:visible").all_inner_texts()
    assert len(names) > 1
    assert page.locator("#filter-says").inner_text().startswith(f"{len(names)} of ")
    page.keyboard.press("ArrowDown")
    assert page.evaluate(FOCUS)["name"] == names[0]
    page.keyboard.press("ArrowDown")
    assert page.evaluate(FOCUS)["name"] == names[1]
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.id") == "filter"
    page.keyboard.press("ArrowDown")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.url.endswith(f"case={names[0]}")
    assert page.locator(".cases [aria-current]").inner_text() == names[0]
    assert page.evaluate(FOCUS) == {"name": names[0], "seen": True}
    page.keyboard.press("ArrowDown")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.url.endswith(f"case={names[1]}")


def test_find_by_reason(window: Window) -> None:
    """Cases are found by what they show, not by their names alone; none is a state, too."""
    page = window().open()
    find = page.get_by_label("Find")
    find.fill("abbreviation has no other meaning")
    assert page.locator(".cases li:visible").all_inner_texts() == [
        "depth-unknown-abbreviation-clms-ask-pathology"
    ]
    page.reload()
    assert find.input_value() == "abbreviation has no other meaning"
    find.fill("zzz")
    assert page.locator(".cases li:visible").count() == 0
    assert page.locator("#filter-says").inner_text().startswith("0 of ")


def test_walk(window: Window) -> None:
    """Every stop on the way has a name and can be seen; the order is that of reading."""
    page = window().open(CASE)
    names, unseen = [], []
    for _ in range(150):
        page.keyboard.press("Tab")
        found = page.evaluate(FOCUS)
        if not found["name"]:
            break
        names.append(found["name"])
        if not found["seen"]:
            unseen.append(found["name"])
    else:
        raise AssertionError("the walk has no end")
    assert unseen == []
    case = "entered-dermal-margin-positive-reexcise"
    stops = ["Skip to the answer", "Guideline", case, "Ask again", "Cards", "Accept"]
    assert sum(name.startswith(("dermal-", "trap-")) for name in names) == 0
    places = [names.index(stop) for stop in stops]
    assert places == sorted(places)


def test_answer_a_card(window: Window) -> None:
    """A card is accepted and overridden with the keys alone."""
    page = window().open(CASE)
    card = page.locator(".card").first
    card.locator("input[name=suggestion]").first.focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUS)["name"] == "Accept"
    page.keyboard.press("Enter")
    card.get_by_text("Accepted.").wait_for()
    card.locator("summary", has_text="Override").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.type("by hand")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    card.get_by_text("Overridden.").wait_for()


def test_fact_to_resource(window: Window) -> None:
    """From a fact, Enter leads to the JSON of its resource, which is opened and focused."""
    page = window().open(CASE)
    page.get_by_role("link", name="Procedure/ex-1").first.focus()
    page.keyboard.press("Enter")
    resource = page.locator(".resource.hit")
    resource.wait_for()
    assert resource.locator("pre").is_visible()
    assert '"resourceType": "Procedure"' in resource.inner_text()
    assert page.evaluate("document.activeElement.ariaLabel") == "Procedure/ex-1"
