"""What a call costs at least: a Flask handler that parses its body and sends six stored cards."""

import json

import orjson
from flask import Flask, Response, request

from cds_service.replay.cases import WORKED

#: As many cards as the service has topics, each as long as one of its own.
_CARDS = 6
_DETAIL = 900


def cards() -> bytes:
    """Return the stored answer."""
    expected = (WORKED / "dermal-annual-follow-up-overdue" / "why.md").read_text("utf-8")
    detail = (expected * _DETAIL)[:_DETAIL]
    card = {"summary": detail[:120], "indicator": "info", "source": {"label": "bench"}}
    return json.dumps({"cards": [card | {"detail": detail}] * _CARDS}).encode()


def create_app() -> Flask:
    """Return the application."""
    app = Flask(__name__)
    stored = orjson.loads(cards())

    @app.post("/cds-services/bare")
    def call() -> Response:
        body = orjson.loads(request.get_data(cache=False))
        if body["hook"] != "patient-view":
            return Response(status=400)
        return Response(orjson.dumps(stored), mimetype="application/json")

    return app


app = create_app()
