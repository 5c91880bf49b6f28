"""Shadow mode: everything is done but one thing, nobody is shown the cards."""

import datetime as dt
import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.test import TestResponse

from cds_service import hooks
from cds_service.app import create_app
from cds_service.protocol import dialect
from cds_service.protocol.dialect import Dialect
from cds_service.settings import Settings
from cds_service.store import Store
from cds_service.store.report import rows
from cds_service.store.tables import card_sent
from cds_service.trust import Client

CASE = Path(__file__).parents[2] / "fixtures/fhir/entered-dermal-margin-positive-reexcise"
MODE = "CDS-Service-Mode"
#: A client that wants everything that an answer can hold.
TALKATIVE = Dialect(trace=True, system_actions=True, action_selection_behavior=True)


def body(hook: str) -> dict[str, Any]:
    """Return a request of this hook that is answered with cards."""
    made: dict[str, Any] = json.loads((CASE / "request.json").read_text())
    conditions = made["context"].pop("conditions")
    made["hook"] = hook
    if hook == "problem-list-item-create":
        made["context"]["conditions"] = conditions
        return made
    made["prefetch"]["conditions"] = conditions | {"type": "searchset"}
    if hook.startswith("order"):
        order = {
            "resourceType": "ServiceRequest",
            "id": "draft",
            "status": "draft",
            "intent": "order",
            "code": {"text": "Re-excision of skin lesion"},
            "subject": {"reference": f"Patient/{made['context']['patientId']}"},
        }
        made["context"]["selections"] = ["ServiceRequest/draft"]
        made["context"]["draftOrders"] = {"resourceType": "Bundle", "entry": [{"resource": order}]}
    return made


SERVICES = {service.hook: service.id for service in hooks.services()}


def client(name: str, *, shadow: bool, speaks: Dialect = dialect.DEFAULT) -> Client:
    """Return a client that its certificate identifies."""
    subject = f"CN={name}"
    return Client(name=name, issuer=name, certificate=subject, shadow=shadow, dialect=speaks)


@pytest.fixture
def store() -> Store:
    """Return the store of the application."""
    return Store()


@pytest.fixture
def app(store: Store) -> Flask:
    """Return an application with a client that is watched and one that is served."""
    settings = Settings(
        today=dt.date(2026, 12, 1),
        clients=(
            client("watched", shadow=True, speaks=TALKATIVE),
            client("served", shadow=False, speaks=TALKATIVE),
        ),
        certificate_header="X-Subject",
        trusted_proxies=("127.0.0.1",),
    )
    return create_app(settings, store=store)


def ask(app: Flask, name: str, hook: str, request: dict[str, Any] | None = None) -> TestResponse:
    """Send a call of a client."""
    return app.test_client().post(
        f"/cds-services/{SERVICES[hook]}",
        json=body(hook) if request is None else request,
        headers={"X-Subject": f"CN={name}"},
    )


def remembered(store: Store) -> list[tuple[str, str, bool]]:
    """Return the topic, the client and the mark of the cards that are remembered."""
    columns = (card_sent.c.topic, card_sent.c.client, card_sent.c.shadow)
    with store.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.select(*columns))]


@pytest.mark.parametrize("hook", SERVICES)
def test_nobody_sees_the_cards(app: Flask, store: Store, hook: str) -> None:
    """The watched client gets an empty list and a header; what it would have got is remembered."""
    shown = ask(app, "served", hook)
    topics = [card["source"]["topic"]["code"] for card in shown.json["cards"]]
    assert topics
    assert MODE not in shown.headers
    assert remembered(store) == [(topic, "served", False) for topic in topics]
    withheld = ask(app, "watched", hook)
    assert (withheld.status_code, withheld.text) == (200, '{"cards":[]}')
    assert withheld.headers[MODE] == "shadow"
    assert remembered(store)[len(topics) :] == [(topic, "watched", True) for topic in topics]
    assert [(name, value) for name, value in withheld.headers if name != MODE] == [
        (name, str(len(withheld.data)) if name == "Content-Length" else value)
        for name, value in shown.headers
    ]


def test_what_could_not_be_read(app: Flask) -> None:
    """Not even what could not be read is told: it stands for what the advice depends on."""
    request = body("patient-view")
    del request["prefetch"]["reports"]
    assert "extension" in ask(app, "served", "patient-view", request).json
    assert ask(app, "watched", "patient-view", request).text == '{"cards":[]}'


def test_errors_stay_errors(app: Flask, store: Store) -> None:
    """A failure is never an empty list of cards, in shadow mode neither."""
    incomplete = body("patient-view")
    del incomplete["prefetch"]["conditions"]
    wrong = body("patient-view") | {"hook": "order-sign"}
    for request, status in ((incomplete, 412), (wrong, 400), ({}, 400)):
        seen, hidden = (ask(app, name, "patient-view", request) for name in ("served", "watched"))
        assert seen.status_code == hidden.status_code == status
        assert hidden.json == seen.json
        assert hidden.json["resourceType"] == "OperationOutcome"
        assert MODE not in hidden.headers
    assert remembered(store) == []


def test_nothing_to_say(app: Flask, store: Store) -> None:
    """Where there is nothing to say the watched client is told no less and no more."""
    request = body("patient-view")
    request["prefetch"] = dict.fromkeys(request["prefetch"]) | {
        "patient": request["prefetch"]["patient"]
    }
    assert ask(app, "served", "patient-view", deepcopy(request)).json["cards"] == []
    answer = ask(app, "watched", "patient-view", request)
    assert (answer.text, answer.headers[MODE]) == ('{"cards":[]}', "shadow")
    assert remembered(store) == []


def test_everybody(store: Store) -> None:
    """CDS_SHADOW holds without authentication, and for clients whose table says nothing."""
    settings = Settings(auth="off", today=dt.date(2026, 12, 1), shadow=True)
    app = create_app(settings, store=store)
    answer = ask(app, "", "patient-view")
    assert (answer.text, answer.headers[MODE]) == ('{"cards":[]}', "shadow")
    assert {mark for _, _, mark in remembered(store)} == {True}
    assert app.test_client().get("/readyz").status_code == 200


def test_feedback_on_what_was_never_shown(app: Flask, store: Store) -> None:
    """Feedback that guesses the id of a withheld card counts as of an unknown card."""
    ask(app, "watched", "patient-view")
    with store.connect() as connection:
        guessed = connection.execute(sa.select(card_sent.c.uuid)).scalars().first()
    item = {"card": guessed, "outcome": "overridden", "outcomeTimestamp": "2026-12-01T12:00:00Z"}
    sent = app.test_client().post(
        f"/cds-services/{SERVICES['patient-view']}/feedback",
        json={"feedback": [item]},
        headers={"X-Subject": "CN=watched"},
    )
    assert sent.status_code == 200
    *withheld, unknown = rows(store)
    assert withheld
    assert {(row.sent, row.overridden, row.shadow) for row in withheld} == {(0, 0, 1)}
    assert (unknown.topic, unknown.overridden, unknown.shadow) == ("(unknown card)", 1, 0)
    metrics = app.test_client().get("/metrics").text
    assert "cds_service_shadow_cards_total{" in metrics
    assert "cds_service_cards_total{" not in metrics
