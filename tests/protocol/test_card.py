from typing import Any

import pytest
from fhir.resources.R4B.servicerequest import ServiceRequest

from cds_service.protocol.card import (
    Action,
    Card,
    CardError,
    CardsResponse,
    Coding,
    Link,
    Source,
    Suggestion,
)

UUID = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"
ORDER: dict[str, Any] = {
    "resourceType": "ServiceRequest",
    "status": "draft",
    "intent": "proposal",
    "subject": {"reference": "Patient/1"},
    "code": {"text": "Wide excision"},
}


def card(**changes: Any) -> Card:
    """Return a minimal card with changes."""
    base = {"summary": "One sentence", "indicator": "info", "source": Source(label="test")}
    return Card(**(base | changes))


def action(**changes: Any) -> Action:
    """Return a create action with changes."""
    return Action(**({"type": "create", "description": "Order", "resource": ORDER} | changes))


def suggestion(**changes: Any) -> Suggestion:
    """Return a minimal suggestion with changes."""
    return Suggestion(**({"label": "Do it"} | changes))


def test_empty_response() -> None:
    """#100, #101: cards is there when it is empty, systemActions is not."""
    assert CardsResponse().to_json() == {"cards": []}


def test_minimal_card() -> None:
    """#2: what has no value is not written, neither as null nor as empty."""
    assert card().to_json() == {
        "summary": "One sentence",
        "indicator": "info",
        "source": {"label": "test"},
    }


def test_full_card() -> None:
    """#110 to #147: every member is written under its name."""
    full = card(
        uuid=UUID,
        detail="**text**",
        indicator="warning",
        source=Source(
            label="s",
            url="https://example.org/s",
            icon="https://example.org/i.png",
            topic=Coding("margin", "https://example.org/topics", "Margin"),
        ),
        suggestions=(suggestion(uuid=UUID, is_recommended=True, actions=(action(),)),),
        selection_behavior="any",
        override_reasons=(Coding("planned", "https://example.org/o", "Planned"),),
        links=(
            Link(label="Source", url="https://example.org/x"),
            Link(
                label="App",
                url="https://app.example.org/launch",
                type="smart",
                app_context="{}",
                autolaunchable=False,
            ),
        ),
        extension={"org.example": {"a": 1}},
    )
    response = CardsResponse(cards=(full,), system_actions=(action(),))
    order = {"type": "create", "description": "Order", "resource": ORDER}
    assert response.to_json() == {
        "cards": [
            {
                "uuid": UUID,
                "summary": "One sentence",
                "detail": "**text**",
                "indicator": "warning",
                "source": {
                    "label": "s",
                    "url": "https://example.org/s",
                    "icon": "https://example.org/i.png",
                    "topic": {
                        "code": "margin",
                        "system": "https://example.org/topics",
                        "display": "Margin",
                    },
                },
                "suggestions": [
                    {"label": "Do it", "uuid": UUID, "isRecommended": True, "actions": [order]}
                ],
                "selectionBehavior": "any",
                "overrideReasons": [
                    {"code": "planned", "system": "https://example.org/o", "display": "Planned"}
                ],
                "links": [
                    {"label": "Source", "url": "https://example.org/x", "type": "absolute"},
                    {
                        "label": "App",
                        "url": "https://app.example.org/launch",
                        "type": "smart",
                        "appContext": "{}",
                        "autolaunchable": False,
                    },
                ],
                "extension": {"org.example": {"a": 1}},
            }
        ],
        "systemActions": [order],
    }


@pytest.mark.parametrize("summary", ["", "  ", "x" * 140, "two\nlines"])
def test_summary(summary: str) -> None:
    """#111: a summary is one line of at most 139 characters."""
    with pytest.raises(CardError, match="summary"):
        card(summary=summary)


def test_longest_summary() -> None:
    """#111: 139 characters are allowed."""
    assert len(card(summary="x" * 139).to_json()["summary"]) == 139


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"uuid": UUID.upper()}, "uuid"),
        ({"uuid": "1"}, "uuid"),
        ({"indicator": "high"}, "indicator"),
        ({"suggestions": (suggestion(),)}, "selectionBehavior"),
        ({"suggestions": (suggestion(),), "selection_behavior": "all"}, "selectionBehavior"),
        ({"override_reasons": (Coding("a", "https://example.org"),)}, "overrideReasons"),
    ],
)
def test_card_rules(changes: dict[str, Any], message: str) -> None:
    """#110, #113, #120, #121: a card against a rule cannot be built."""
    with pytest.raises(CardError, match=message):
        card(**changes)


def test_recommended_suggestions() -> None:
    """#132: more than one is recommended only where any number may be chosen."""
    both = (suggestion(is_recommended=True), suggestion(is_recommended=True))
    assert card(suggestions=both, selection_behavior="any").suggestions == both
    with pytest.raises(CardError, match="isRecommended"):
        card(suggestions=both, selection_behavior="at-most-one")


def test_no_behaviour_without_suggestions() -> None:
    """#120: without suggestions no selectionBehavior is written."""
    assert "selectionBehavior" not in card(selection_behavior="any").to_json()


@pytest.mark.parametrize(
    "changes", [{"label": ""}, {"url": "source.html"}, {"icon": "javascript:alert(1)"}]
)
def test_source_rules(changes: dict[str, str]) -> None:
    """#115 to #117: a source has a label, and absolute URLs."""
    with pytest.raises(CardError, match=r"source\."):
        Source(**({"label": "s"} | changes))


@pytest.mark.parametrize(("code", "system"), [("", "https://example.org"), ("a", "")])
def test_coding_rules(code: str, system: str) -> None:
    """#118: a coding has code and system."""
    with pytest.raises(CardError, match="Coding"):
        Coding(code, system)


@pytest.mark.parametrize(
    "changes",
    [
        {"label": ""},
        {"url": "/guideline/S24"},
        {"url": "ftp://example.org"},
        {"type": "relative"},
        {"app_context": "x"},
    ],
)
def test_link_rules(changes: dict[str, Any]) -> None:
    """#145, #146: links are labelled, absolute, and carry appContext only as SMART links."""
    with pytest.raises(CardError, match=r"link\."):
        Link(**({"label": "l", "url": "https://example.org"} | changes))


@pytest.mark.parametrize("changes", [{"label": ""}, {"uuid": "D" * 36}])
def test_suggestion_rules(changes: dict[str, Any]) -> None:
    """#130, #131: a suggestion has a label, and a lower-case UUID if any."""
    with pytest.raises(CardError, match=r"label|uuid"):
        suggestion(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "CREATE"},
        {"description": ""},
        {"resource": None},
        {"resource_id": "ServiceRequest/1"},
        {"type": "update"},
        {"type": "delete"},
        {"type": "delete", "resource": None},
        {"type": "delete", "resource": None, "resource_id": "https://example.org/x/1"},
    ],
)
def test_action_rules(changes: dict[str, Any]) -> None:
    """#135 to #138: type, description, and the member that the type asks for."""
    with pytest.raises(CardError, match=r"action|update"):
        action(**changes)


def test_delete_action() -> None:
    """#138: a delete names its resource by a relative reference."""
    deleted = action(type="delete", resource=None, resource_id="ServiceRequest/1")
    assert deleted.to_json()["resourceId"] == "ServiceRequest/1"


@pytest.mark.parametrize(
    "change",
    [
        {"resourceType": None},
        {"resourceType": 5},
        {"resourceType": "Order"},
        {"status": "drafty"},
        {"subject": None},
        {"subject": {"reference": 5}},
        {"unknown": 1},
        {"authoredOn": "2026-11-31"},
        {"code": {"coding": [{"system": "not a uri", "code": 5}]}},
    ],
)
def test_invalid_resources(change: dict[str, Any]) -> None:
    """#3, #137: an action with an invalid resource cannot be built."""
    with pytest.raises(CardError, match=r"action\.resource"):
        action(resource=ORDER | change)


def test_resource_without_required_element() -> None:
    """#137: a required element that is missing is named."""
    with pytest.raises(CardError, match="subject"):
        action(resource={key: value for key, value in ORDER.items() if key != "subject"})


def test_invalid_resource_names_no_value() -> None:
    """The error of an invalid resource names the element and never its value."""
    with pytest.raises(CardError) as caught:
        action(resource=ORDER | {"status": 7, "authoredOn": "sentinel"})
    assert "authoredOn" in str(caught.value)
    assert "sentinel" not in str(caught.value)


def test_model_as_resource() -> None:
    """#3: a model of fhir.resources is written as FHIR JSON."""
    assert action(resource=ServiceRequest.model_validate(ORDER)).to_json()["resource"] == ORDER
