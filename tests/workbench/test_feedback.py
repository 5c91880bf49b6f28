import datetime as dt
import json
import re
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient

from cds_service.store import Store, report

CASE = "/?case=entered-dermal-margin-positive-reexcise"


@pytest.fixture
def card(client: FlaskClient) -> dict[str, Any]:
    """Return the first card of a page that was just shown."""
    page = client.get(CASE).text
    found = re.search(r'<pre[^>]*id="response-json">(.*?)</pre>', page, re.DOTALL)
    assert found
    first: dict[str, Any] = json.loads(unescape(found[1]))["cards"][0]
    return first


@pytest.fixture
def form(card: dict[str, Any]) -> dict[str, Any]:
    """Return what the form of the card sends in any case."""
    service = "cutaneous-leiomyosarcoma-problem-list-item-create"
    return {"service": service, "card": card["uuid"]}


def counted(store: Store) -> dict[str, tuple[int, int, dict[str, int]]]:
    """Return what the feedback report counts: accepted, overridden and reasons by topic."""
    rows = report.by_topic(report.rows(store))
    return {row.topic: (row.accepted, row.overridden, dict(row.reasons)) for row in rows}


def test_accepted(
    client: FlaskClient, card: dict[str, Any], form: dict[str, Any], store: Store
) -> None:
    """An accepted suggestion is real feedback, and what the EHR then writes is shown."""
    (first, second) = card["suggestions"]
    given = {
        **form,
        "outcome": "accepted",
        "suggestion": [first["uuid"]],
        f"actions-{first['uuid']}": json.dumps(first["actions"]),
        f"actions-{second['uuid']}": json.dumps(second["actions"]),
    }
    page = unescape(client.post("/workbench/feedback", data=given).text)
    assert "The service has received 1." in page
    assert json.dumps(first["actions"]) in page
    assert json.dumps(second["actions"]) not in page
    assert counted(store)["margin"] == (1, 0, {})


def test_overridden(
    client: FlaskClient, card: dict[str, Any], form: dict[str, Any], store: Store
) -> None:
    """An override is sent with its reason and comment."""
    reason = card["overrideReasons"][1]
    given = {**form, "outcome": "overridden", "reason": json.dumps(reason), "comment": "seen"}
    page = unescape(client.post("/workbench/feedback", data=given).text)
    assert "The service has received 1." in page
    assert '"userComment": "seen"' in page
    assert counted(store)["margin"] == (0, 1, {reason["code"]: 1})


def test_override_without_reason(client: FlaskClient, form: dict[str, Any], store: Store) -> None:
    """An override needs no reason."""
    page = client.post("/workbench/feedback", data={**form, "outcome": "overridden", "reason": ""})
    assert "The service has received 1." in page.text
    assert counted(store)["margin"] == (0, 1, {})


@pytest.mark.parametrize("outcome", ["accepted", "ignored", ""])
def test_refused(client: FlaskClient, form: dict[str, Any], store: Store, outcome: str) -> None:
    """What the endpoint refuses is shown as refused, with its words."""
    page = unescape(client.post("/workbench/feedback", data={**form, "outcome": outcome}).text)
    assert "Not received: HTTP 400." in page
    assert "feedback.0." in page
    assert counted(store)["margin"] == (0, 0, {})


def test_unknown_service(client: FlaskClient, form: dict[str, Any]) -> None:
    """Feedback goes to the services that there are, and to no other address."""
    answer = client.post("/workbench/feedback", data={**form, "service": "../guideline"})
    assert answer.status_code == 404


@pytest.mark.parametrize("reason", ["{", "[]", '"x"', "\x00"])
def test_odd_reason(client: FlaskClient, form: dict[str, Any], reason: str) -> None:
    """A reason that no form of the page sends is an error of the request, not of the service."""
    given = {**form, "outcome": "overridden", "reason": reason}
    answer = client.post("/workbench/feedback", data=given)
    assert answer.status_code < 500
    assert "received 1" not in answer.text


def test_time(client: FlaskClient, form: dict[str, Any]) -> None:
    """Feedback says when it was given."""
    page = unescape(client.post("/workbench/feedback", data={**form, "outcome": "overridden"}).text)
    found = re.search(r'"outcomeTimestamp": "([^"]*)"', page)
    assert found
    assert abs(dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(found[1])) < dt.timedelta(
        hours=1
    )
