"""The CDS Hooks endpoints: discovery and service call."""

from collections.abc import Callable, Sequence

from flask import Blueprint, Response, g, request

from cds_service.errors import NotFound
from cds_service.hooks.base import Call, HookService
from cds_service.protocol.card import CardsResponse
from cds_service.protocol.discovery import document
from cds_service.web.auth import Gate, check_server
from cds_service.web.messages import json_body, json_response

#: From a validated call to the response: what the app puts in between.
Answer = Callable[[HookService, Call], CardsResponse]


def blueprint(services: Sequence[HookService], answer: Answer, *, gate: Gate) -> Blueprint:
    """Return the endpoints for ``services``, whose calls ``answer`` answers.

    ``gate`` admits the clients.
    """
    by_id = {service.id: service for service in services}
    discovery = document([service.entry for service in services])
    routes = Blueprint("cds", __name__)

    @routes.before_request
    def admit() -> None:
        # A browser's preflight cannot carry a token.
        g.caller = None if request.method == "OPTIONS" else gate.admit(request)

    @routes.get("/cds-services")
    def discover() -> Response:
        return json_response(discovery)

    # The second rule is for clients to whom the base was given with a trailing slash.
    @routes.post("/cds-services/<service_id>")
    @routes.post("/cds-services//<service_id>")
    def call(service_id: str) -> Response:
        service = by_id.get(service_id)
        if service is None:
            raise NotFound(
                "There is no service with this id. GET /cds-services lists the services.",
                where="http.path",
            )
        asked = service.read(json_body(request), caller=g.caller)
        check_server(asked)
        response = json_response(answer(service, asked).to_json())
        response.headers["Cache-Control"] = "no-store"
        return response

    return routes


def health() -> Blueprint:
    """Return the liveness endpoint."""
    routes = Blueprint("health", __name__)

    @routes.get("/healthz")
    def healthz() -> Response:
        return json_response({"status": "ok"})

    return routes
