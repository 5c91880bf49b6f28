"""What surrounds every request: errors as OperationOutcomes, CORS, security headers."""

from collections.abc import Sequence

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException
from werkzeug.exceptions import MethodNotAllowed as WerkzeugMethodNotAllowed

from cds_service import errors
from cds_service.observe import logs
from cds_service.web import seen
from cds_service.web.messages import error_response

_BY_STATUS: dict[int, errors.ServiceError] = {
    404: errors.NotFound(
        "There is nothing at this address. GET /cds-services lists the services.", where="http.path"
    ),
    413: errors.PayloadTooLarge("The body is larger than this service reads."),
    415: errors.UnsupportedMediaType("Send JSON with the header Content-Type: application/json."),
}


def install(app: Flask, *, origins: Sequence[str]) -> None:
    """Give ``app`` its error handlers, and its headers for the CORS ``origins``."""
    app.register_error_handler(errors.ServiceError, _service_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unexpected)
    allowed = frozenset(origins)

    @app.after_request
    def surround(response: Response) -> Response:
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        if allowed:
            _cors(response, allowed)
        return response


def _cors(response: Response, allowed: frozenset[str]) -> None:
    response.vary.add("Origin")
    origin = request.headers.get("Origin", "")
    if origin not in allowed:
        return
    response.headers["Access-Control-Allow-Origin"] = origin
    if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
        response.headers["Access-Control-Allow-Methods"] = "GET, POST, OPTIONS"
        response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
        response.headers["Access-Control-Max-Age"] = "600"


def _service_error(error: errors.ServiceError) -> Response:
    seen.failed(error)
    return error_response(error)


def _http_error(error: HTTPException) -> Response:
    if isinstance(error, WerkzeugMethodNotAllowed):
        methods = ", ".join(sorted(error.valid_methods or ()))
        response = error_response(
            errors.MethodNotAllowed(f"This address takes {methods}.", where="http.method")
        )
        response.headers["Allow"] = methods
        return response
    known = _BY_STATUS.get(error.code or 0)
    return error_response(known or errors.BadRequest("The HTTP request cannot be read."))


def _unexpected(error: Exception) -> Response:
    return error_response(own_mistake(error))


def own_mistake(error: Exception) -> errors.ServiceError:
    """Log an exception that should not have been, and return what a client is told of it."""
    # The message and the frames' values may hold patient data: type and place only.
    logs.report("an unexpected exception", error)
    return errors.ServiceError("The service failed. This is its own mistake, not the request's.")
