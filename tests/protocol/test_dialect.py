import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from cds_service.protocol import dialect
from cds_service.protocol.card import (
    Action,
    Card,
    CardsResponse,
    Coding,
    Link,
    Source,
    Suggestion,
)
from cds_service.protocol.dialect import DEFAULT, Dialect, DialectError, speak

TRUST = Path(__file__).parents[2] / "docs" / "trust.md"
UUID = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"
TASK = {"resourceType": "Task", "status": "draft", "intent": "proposal"}


def action(words: str) -> Action:
    """Return an action."""
    return Action(type="create", description=words, resource=TASK)


def response() -> CardsResponse:
    """Return a response that uses all there is."""
    card = Card(
        uuid=UUID,
        summary="Something",
        indicator="info",
        detail="**Source:** a *b* \\*c\\*\n\n- &lt;1 mm &amp; more",
        source=Source(label="test", topic=Coding("margin", "https://example.org/topics")),
        suggestions=(
            Suggestion(
                label="Both",
                uuid=UUID,
                actions=(action("first"), action("second")),
                action_selection_behavior="any",
                is_recommended=True,
            ),
            Suggestion(label="One", actions=(action("one"),)),
        ),
        selection_behavior="at-most-one",
        links=(
            Link(label="app", url="https://example.org/app", type="smart", app_context="{}"),
            Link(label="page", url="https://example.org/page"),
        ),
    )
    return CardsResponse(cards=(card,), system_actions=(action("system"),))


def spoken(**flags: Any) -> dict[str, Any]:
    """Return the JSON of the response in a dialect, and that of its card."""
    return speak(response(), Dialect(**flags)).to_json()


def test_default() -> None:
    """#101, #134: what has to be agreed upon first is left out: two keys of 3.0 alone."""
    body = spoken()
    assert "systemActions" not in body
    (card,) = body["cards"]
    assert card["selectionBehavior"] == "at-most-one"
    assert [len(item["actions"]) for item in card["suggestions"]] == [2, 1]
    assert not any("actionSelectionBehavior" in item for item in card["suggestions"])


def test_system_actions() -> None:
    """#101: the key is there for clients that want it, and never empty."""
    assert len(spoken(system_actions=True)["systemActions"]) == 1
    none = speak(CardsResponse(), Dialect(system_actions=True)).to_json()
    assert none == {"cards": []}


def test_action_selection_behavior() -> None:
    """#134: the key is sent where it is declared alone."""
    (card,) = spoken(action_selection_behavior=True)["cards"]
    assert card["suggestions"][0]["actionSelectionBehavior"] == "any"


def test_one_action() -> None:
    """#133: suggestions with several actions become one each, named by what it does."""
    (card,) = spoken(several_actions=False, action_selection_behavior=True)["cards"]
    assert [item["label"] for item in card["suggestions"]] == ["first", "second", "One"]
    assert [len(item["actions"]) for item in card["suggestions"]] == [1, 1, 1]
    assert card["selectionBehavior"] == "any"
    first, second, _ = card["suggestions"]
    assert len({first["uuid"], second["uuid"], UUID}) == 3
    assert spoken(several_actions=False)["cards"][0]["suggestions"][0]["uuid"] == first["uuid"]


def test_any_only() -> None:
    """#120: a client that knows ``any`` alone gets nothing else."""
    assert spoken(at_most_one=False)["cards"][0]["selectionBehavior"] == "any"


def test_no_suggestions() -> None:
    """#120: without suggestions there is no behaviour of them."""
    (card,) = spoken(suggestions=False)["cards"]
    assert not {"suggestions", "selectionBehavior"} & set(card)


def test_no_app_context() -> None:
    """#146: links stay, appContext goes."""
    (card,) = spoken(app_context=False)["cards"]
    assert [link["label"] for link in card["links"]] == ["app", "page"]
    assert not any("appContext" in link for link in card["links"])
    assert spoken()["cards"][0]["links"][0]["appContext"] == "{}"


def test_plain() -> None:
    """#112: plain text has the words and no markup."""
    assert spoken(detail="plain")["cards"][0]["detail"] == "Source: a b *c*\n\n- <1 mm & more"
    assert spoken()["cards"][0]["detail"].startswith("**Source:**")
    bare = replace(response().cards[0], detail=None)
    assert speak(CardsResponse(cards=(bare,)), Dialect(detail="plain")).cards[0].detail is None


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("a_b and 2 \\* 3", "a_b and 2 * 3"),
        ("## Head\n`code`", "Head\ncode"),
        ("[label](https://example.org/x)", "label (https://example.org/x)"),
        ("\\[no\\](link)", "[no](link)"),
        ("&amp;lt;", "&lt;"),
        ("a\\\\b", "a\\b"),
    ],
)
def test_markup(markdown: str, text: str) -> None:
    """Escapes become what they stand for, once."""
    assert dialect.plain(markdown) == text


@pytest.mark.parametrize("name", dialect.shipped())
def test_profiles(name: str) -> None:
    """Each shipped profile can be read, says whose it is, and stands in the documentation."""
    assert dialect.load(name).description
    assert f"| `{name}` |" in TRUST.read_text(encoding="utf-8")


def test_documented_keys() -> None:
    """Every key of a profile stands in the documentation."""
    page = TRUST.read_text(encoding="utf-8")
    assert all(f"`{field.name}`" in page for field in fields(Dialect))


def test_epic_and_oracle() -> None:
    """Epic takes one action a suggestion and ``any``; Oracle Health no appContext."""
    epic = speak(response(), dialect.load("epic")).to_json()["cards"][0]
    assert epic["selectionBehavior"] == "any"
    assert all(len(item["actions"]) == 1 for item in epic["suggestions"])
    oracle = speak(response(), dialect.load("oracle-health")).to_json()["cards"][0]
    assert not re.search("appContext|suggestions", str(oracle))


def test_own_profile(tmp_path: Path) -> None:
    """An operator's own profile is a file beside the configuration."""
    (tmp_path / "own.toml").write_text("trace = true\n")
    assert dialect.load("own.toml", folder=tmp_path) == replace(DEFAULT, trace=True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = ", "is not TOML"),
        ("colour = true", "colour is not known"),
        ("trace = 1", "trace must be a bool"),
        ("detail = 'html'", "detail must be markdown or plain"),
    ],
)
def test_mistakes(text: str, message: str) -> None:
    """A mistake in a profile is named."""
    with pytest.raises(DialectError, match=message):
        dialect.parse(text)
