"""For probes and scrapers: does it live, is it ready, what has it counted. No patient data."""

from hmac import compare_digest

from flask import Blueprint, Response, request

from cds_service.errors import Unauthorized
from cds_service.observe.metrics import Metrics
from cds_service.observe.readiness import Readiness
from cds_service.web.messages import json_response

#: Where a server that reads its configuration again leaves in the environment of a request what
#: stands of it.
CONFIGURATION = "cds_service.configuration"


def blueprint(readiness: Readiness) -> Blueprint:
    """Return ``/healthz`` and ``/readyz``."""
    routes = Blueprint("health", __name__)

    @routes.get("/healthz")
    def healthz() -> Response:
        return json_response({"status": "ok"})

    @routes.get("/readyz")
    def readyz() -> Response:
        ready, report = readiness.report()
        standing = request.environ.get(CONFIGURATION)
        report |= {"configuration": standing} if standing else {}
        response = json_response(report, 200 if ready else 503)
        response.headers["Cache-Control"] = "no-store"
        return response

    return routes


def metrics(counted: Metrics, *, token: str | None) -> Blueprint:
    """Return ``/metrics``, for everybody or for those who have the token."""
    routes = Blueprint("health_metrics", __name__)

    @routes.get("/metrics")
    def scrape() -> Response:
        given = request.headers.get("Authorization", "")
        if token and not compare_digest(given.encode(), f"Bearer {token}".encode()):
            raise Unauthorized("The token was refused.", reason="metrics")
        body, kind = counted.exposition(request.headers.get("Accept", ""))
        return Response(body, content_type=kind)

    return routes
