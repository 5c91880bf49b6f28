"""Watches every request: what came of it goes to the log, the metrics and the audit record."""

import time
import uuid
from collections.abc import Mapping, Sequence

import structlog
from flask import Flask, Response, g, has_request_context, request

from cds_service.engine import Answered
from cds_service.errors import ServiceError
from cds_service.observe import logs
from cds_service.observe.fields import is_uuid
from cds_service.observe.seen import Endpoint, Seen, Sink

_ENDPOINTS: Mapping[str, Endpoint] = {
    "cds.discover": "discovery",
    "cds.call": "call",
    "cds.feedback": "feedback",
}
_PROBES = ("health.", "health_metrics.")


def install(app: Flask, sinks: Sequence[Sink]) -> None:
    """Let ``sinks`` see every request of ``app``, in their order, before its answer is sent."""

    @app.before_request
    def begin() -> None:
        g.begun = time.perf_counter()
        given = request.headers.get("X-Request-Id", "")
        g.seen = Seen(
            request_id=given if is_uuid(given) else str(uuid.uuid4()), endpoint=_endpoint()
        )
        structlog.contextvars.bind_contextvars(request_id=g.seen.request_id)

    @app.after_request
    def end(response: Response) -> Response:
        seen: Seen = g.seen
        seen.status = response.status_code
        seen.total = time.perf_counter() - g.begun
        for sink in sinks:
            try:
                sink(seen)
            except Exception as error:  # noqa: BLE001 - an answer is worth more than its record
                logs.report("a request could not be recorded", error)
        structlog.contextvars.clear_contextvars()
        return response


def seen() -> Seen:
    """Return the request that is being answered, to write down what becomes known of it."""
    found: Seen = g.seen
    return found


def answered(answer: Answered) -> None:
    """Note the answer to a call: an observer of the engine."""
    if has_request_context():
        seen().answered = answer


def failed(error: ServiceError) -> None:
    """Note why there is no answer."""
    seen().error = error


def _endpoint() -> Endpoint:
    # A browser's preflight to the address of a call is no call.
    name = (request.endpoint or "") if request.method != "OPTIONS" else ""
    return "probe" if name.startswith(_PROBES) else _ENDPOINTS.get(name, "other")
