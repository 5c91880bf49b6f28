import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from cds_service.app import create_app
from cds_service.settings import Settings
from cds_service.store import Store
from cds_service.store.report import rows
from cds_service.store.tables import card_sent, feedback

CASE = Path(__file__).parents[2] / "fixtures/fhir/entered-dermal-margin-positive-reexcise"
SERVICE = "cutaneous-leiomyosarcoma-problem-list-item-create"
URL = f"/cds-services/{SERVICE}"
NOON = "2026-12-01T12:00:00.000Z"
ORIGIN = "https://sandbox.cds-hooks.org"
CARD = "4e0a3a1e-3283-4575-ab82-028d55fe2719"


@pytest.fixture
def store() -> Store:
    """Return a store in memory."""
    return Store()


@pytest.fixture
def client(store: Store) -> FlaskClient:
    """Return a client of the whole application on the fixture's day."""
    chosen = Settings(
        auth="off", today=dt.date(2026, 12, 1), cors_origins=(ORIGIN,), max_entries=2000
    )
    return create_app(chosen, store=store).test_client()


@pytest.fixture
def cards(client: FlaskClient) -> list[dict[str, Any]]:
    """Return cards that were sent."""
    sent: list[dict[str, Any]] = client.post(
        URL, json=json.loads((CASE / "request.json").read_text())
    ).json["cards"]
    return sent


def stored(store: Store, table: sa.Table) -> list[Any]:
    """Return the rows of a table."""
    with store.connect() as connection:
        return list(connection.execute(sa.select(table)))


def accepted(card: dict[str, Any]) -> dict[str, Any]:
    """Return the sandbox's feedback on an accepted suggestion."""
    return {
        "card": card["uuid"],
        "outcome": "accepted",
        "acceptedSuggestions": [{"id": card["suggestions"][0]["uuid"]}],
        "outcomeTimestamp": NOON,
    }


def overridden(card: str = CARD, **more: Any) -> dict[str, Any]:
    """Return feedback on a dismissed card."""
    return {"card": card, "outcome": "overridden", "outcomeTimestamp": NOON} | more


def test_every_card_is_recorded(store: Store, cards: list[dict[str, Any]]) -> None:
    """Each card that is sent is remembered by its uuid, with topic, rule and version."""
    found = {row.uuid: row for row in stored(store, card_sent)}
    assert list(found) == [card["uuid"] for card in cards]
    for card in cards:
        row = found[card["uuid"]]
        assert row.topic == card["source"]["topic"]["code"]
        assert f"/guideline/{row.rule}" in card["links"][0]["url"]
        assert (row.service, row.client, row.guideline_version) == (SERVICE, "", "1.0.0")


def test_no_cards_no_row(client: FlaskClient, store: Store, view: dict[str, Any]) -> None:
    """An answer without cards is not remembered."""
    empty = {"resourceType": "Bundle"}
    patient = {"resourceType": "Patient", "id": "1288992"}
    view["prefetch"] = {"patient": patient, "conditions": empty, "procedures": empty}
    path = "/cds-services/cutaneous-leiomyosarcoma-patient-view"
    assert client.post(path, json=view).json["cards"] == []
    assert stored(store, card_sent) == []


def test_feedback_joins(client: FlaskClient, store: Store, cards: list[dict[str, Any]]) -> None:
    """#155 to #158, #163: the sandbox's feedback is taken, and counts for the card's rule."""
    for item in (accepted(cards[0]), overridden(cards[1]["uuid"])):
        answer = client.post(f"{URL}/feedback", json={"feedback": [item]})
        assert (answer.status_code, answer.json) == (200, {"received": 1})
    counts = {row.topic: (row.accepted, row.overridden) for row in rows(store)}
    assert counts["margin"] == (1, 0)
    assert counts["radiation"] == (0, 1)


@pytest.mark.parametrize("path", [f"{URL}/feedback/", f"/cds-services//{SERVICE}/feedback"])
def test_spellings_of_the_address(client: FlaskClient, path: str) -> None:
    """#18: other spellings of the address are not redirected."""
    assert client.post(path, json={"feedback": [overridden()]}).status_code == 200


def test_epic(client: FlaskClient, store: Store) -> None:
    """#162: Epic's plural, with a reason of its own as an extension."""
    item = overridden(overrideReasons={"extension": {"com.epic.x": {"code": "SENTINEL"}}})
    assert client.post(f"{URL}/feedback", json={"feedback": [item]}).status_code == 200
    (row,) = stored(store, feedback)
    assert (row.reason, row.text) == ("other", None)


def test_unknown_cards_are_kept(client: FlaskClient, store: Store) -> None:
    """#163: feedback on a card that is not known is taken, whatever its id looks like."""
    batch = [overridden(), overridden("SENTINEL Jane Doe")]
    assert client.post(f"{URL}/feedback", json={"feedback": batch}).status_code == 200
    assert len(stored(store, feedback)) == 2
    assert "SENTINEL" not in str(stored(store, feedback))


def test_batch_is_atomic(client: FlaskClient, store: Store) -> None:
    """#156: a malformed item makes the batch a 400, and nothing of it is stored."""
    batch = [overridden(), overridden(outcome="ignored")]
    answer = client.post(f"{URL}/feedback", json={"feedback": batch})
    assert answer.status_code == 400
    assert answer.json["issue"][0]["expression"] == ["feedback.1.outcome"]
    assert stored(store, feedback) == []


def test_repeats(client: FlaskClient, store: Store) -> None:
    """#156: the same feedback sent again changes nothing."""
    body = {"feedback": [overridden(), overridden(card=CARD.upper())]}
    answers = [client.post(f"{URL}/feedback", json=body) for _ in range(3)]
    assert [answer.json for answer in answers] == [{"received": 2}] * 3
    assert len(stored(store, feedback)) == 1


def test_empty_batch(client: FlaskClient) -> None:
    """#156: an empty batch is taken."""
    assert client.post(f"{URL}/feedback", json={"feedback": []}).json == {"received": 0}


@pytest.mark.parametrize("body", [{}, [], {"feedback": {}}])
def test_malformed(client: FlaskClient, body: object) -> None:
    """#163: what is no batch is a 400."""
    assert client.post(f"{URL}/feedback", json=body).status_code == 400


def test_unknown_service(client: FlaskClient) -> None:
    """Feedback for a service that there is not is a 404."""
    assert client.post("/cds-services/x/feedback", json={"feedback": []}).status_code == 404


def test_too_many_items(client: FlaskClient) -> None:
    """A batch over the limit is a 413."""
    body = {"feedback": [overridden()] * 2001}
    assert client.post(f"{URL}/feedback", json=body).status_code == 413


def test_cors(client: FlaskClient) -> None:
    """#93: a browser may send feedback."""
    headers = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    answer = client.options(f"{URL}/feedback", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN


@pytest.mark.parametrize(("days", "kept"), [(0, None), (30, "own | urn:x | Mine | SENTINEL")])
def test_free_text(days: int, kept: str | None) -> None:
    """Free text, reasons of the client's own included, is kept if that is switched on alone."""
    store = Store(text_days=days)
    chosen = Settings(auth="off", feedback_text_days=days)
    client = create_app(chosen, store=store).test_client()
    reason = {"code": "own", "system": "urn:x", "display": "Mine"}
    item = overridden(overrideReason={"reason": reason, "userComment": "SENTINEL"})
    known = overridden(overrideReason={"reason": {"code": "patient-refuses"}}, card="b")
    client.post(f"{URL}/feedback", json={"feedback": [item, known]})
    assert {(row.reason, row.text) for row in stored(store, feedback)} == {
        ("other", kept),
        ("patient-refuses", None),
    }


def test_database_down(tmp_path: Path) -> None:
    """Without its database the service still advises; feedback, which would be lost, is a 503."""
    store = Store(f"sqlite:///{tmp_path}/store.sqlite3")
    chosen = Settings(auth="off", today=dt.date(2026, 12, 1))
    client = create_app(chosen, store=store).test_client()
    with store.engine.begin() as connection:
        for table in ("card_sent", "feedback"):
            connection.execute(sa.text(f"DROP TABLE {table}"))
    body = json.loads((CASE / "request.json").read_text())
    assert len(client.post(URL, json=body).json["cards"]) == 4
    assert client.post(f"{URL}/feedback", json={"feedback": [overridden()]}).status_code == 503
