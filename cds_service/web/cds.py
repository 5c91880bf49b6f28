"""The CDS Hooks endpoints: discovery and service call."""

from collections.abc import Callable, Sequence

from flask import Blueprint, Response, g, request

from cds_service.errors import NotFound
from cds_service.hooks.base import Call, HookService
from cds_service.protocol.card import CardsResponse
from cds_service.protocol.discovery import document
from cds_service.protocol.feedback import read as read_feedback
from cds_service.web.auth import Gate, check_server
from cds_service.web.feedback import Recorder
from cds_service.web.messages import Limits, json_body, json_response
from cds_service.web.seen import seen

#: From a validated call to the response: what the app puts in between.
Answer = Callable[[HookService, Call], CardsResponse]


def blueprint(
    services: Sequence[HookService],
    answer: Answer,
    *,
    gate: Gate,
    recorder: Recorder,
    limits: Limits,
) -> Blueprint:
    """Return the endpoints for ``services``, whose calls ``answer`` answers.

    ``gate`` admits the clients, ``recorder`` takes their feedback.
    """
    by_id = {service.id: service for service in services}
    discovery = document([service.entry for service in services])
    routes = Blueprint("cds", __name__)

    @routes.before_request
    def admit() -> None:
        # A browser's preflight cannot carry a token.
        g.caller = None if request.method == "OPTIONS" else gate.admit(request)
        seen().caller = g.caller

    @routes.get("/cds-services")
    def discover() -> Response:
        return json_response(discovery)

    # The second rule is for clients to whom the base was given with a trailing slash.
    @routes.post("/cds-services/<service_id>")
    @routes.post("/cds-services//<service_id>")
    def call(service_id: str) -> Response:
        service = known(service_id)
        asked = service.read(json_body(request, limits), caller=g.caller)
        seen().call = asked
        check_server(asked)
        response = json_response(answer(service, asked).to_json())
        response.headers["Cache-Control"] = "no-store"
        answered = seen().answered
        if answered and answered.shadow:
            # The empty list of cards must not be taken for "nothing to say".
            response.headers["CDS-Service-Mode"] = "shadow"
        return response

    @routes.post("/cds-services/<service_id>/feedback")
    @routes.post("/cds-services//<service_id>/feedback")
    def feedback(service_id: str) -> Response:
        service = known(service_id)
        items = read_feedback(json_body(request, limits), most=limits.entries)
        seen().feedback = recorder.record(items, service=service.id, caller=g.caller)
        return json_response({"received": len(items)})

    def known(service_id: str) -> HookService:
        service = by_id.get(service_id)
        if service is None:
            raise NotFound(
                "There is no service with this id. GET /cds-services lists the services.",
                where="http.path",
            )
        seen().service = service
        return service

    return routes
