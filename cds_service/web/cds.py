"""The CDS Hooks endpoints: discovery and service call."""

from collections.abc import Callable, Sequence

from flask import Blueprint, Response, request

from cds_service.errors import NotFound
from cds_service.hooks.base import Call, HookService
from cds_service.protocol.card import CardsResponse
from cds_service.protocol.discovery import document
from cds_service.web.messages import json_body, json_response

#: From a validated call to the response: what the app puts in between.
Answer = Callable[[HookService, Call], CardsResponse]


def blueprint(services: Sequence[HookService], answer: Answer) -> Blueprint:
    """Return the endpoints for ``services``, whose calls ``answer`` answers."""
    by_id = {service.id: service for service in services}
    discovery = document([service.entry for service in services])
    routes = Blueprint("cds", __name__)

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
        response = json_response(answer(service, service.read(json_body(request))).to_json())
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
