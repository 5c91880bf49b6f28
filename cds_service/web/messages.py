"""Reading a JSON body, and writing JSON, errors included."""

import math
from dataclasses import dataclass
from typing import Any

import orjson
from flask import Request, Response

from cds_service.errors import (
    BadRequest,
    PayloadTooLarge,
    ServiceError,
    UnsupportedMediaType,
)
from cds_service.protocol.outcome import operation_outcome

JSON_TYPE = "application/json; charset=utf-8"
_ACCEPTED = {"application/json", "application/fhir+json"}
_CHARSETS = {"utf-8", "utf8", "us-ascii"}
_BOM = b"\xef\xbb\xbf"
_UNAUTHORIZED = 401


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a body may be at most."""

    #: Levels of JSON: deeper than any resource, and harmless to recursive readers.
    depth: int = 100
    #: Entries of all Bundles, or items of a feedback.
    entries: int = 20_000


def json_response(body: object, status: int = 200) -> Response:
    """Return ``body`` as JSON."""
    return Response(orjson.dumps(body), status, content_type=JSON_TYPE)


def error_response(error: ServiceError) -> Response:
    """Return ``error`` as an OperationOutcome; a 401 says nothing, so that nothing is learnt."""
    if error.status == _UNAUTHORIZED:
        response = Response(status=_UNAUTHORIZED)
        response.headers["WWW-Authenticate"] = "Bearer"
        del response.headers["Content-Type"]
        return response
    response = json_response(operation_outcome(error), error.status)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    return response


def json_body(request: Request, limits: Limits = Limits()) -> dict[str, Any]:
    """Return the request's JSON object.

    Where a name stands twice in an object, the last one counts, as in browsers. Raises
    :class:`UnsupportedMediaType`, :class:`PayloadTooLarge` or :class:`BadRequest`.
    """
    _check_headers(request)
    raw = _read(request).removeprefix(_BOM)
    if not raw.strip():
        raise BadRequest("The body is empty: send the hook request as a JSON object.")
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BadRequest(
            f"The body is not JSON (RFC 8259) in UTF-8: line {error.lineno}, "
            f"column {error.colno}, character {error.pos}.",
            code="structure",
        ) from None
    if not isinstance(body, dict):
        raise BadRequest("The body must be a JSON object.", code="structure")
    check_limits(body, limits)
    return body


def check_limits(body: object, limits: Limits) -> None:
    """Raise :class:`BadRequest` or :class:`PayloadTooLarge` where ``body`` exceeds a limit."""
    entries = _entries(body, limits.depth)
    if entries is None:
        raise BadRequest(
            f"The JSON is nested more than {limits.depth} levels deep (CDS_MAX_DEPTH).",
            code="too-costly",
        )
    if entries > limits.entries:
        raise PayloadTooLarge(
            f"The Bundles have more than {limits.entries} entries together (CDS_MAX_ENTRIES). "
            "Send fewer, or leave a key out of the prefetch and a fhirServer to read it from.",
            where="prefetch",
        )


def _read(request: Request) -> bytes:
    raw = request.get_data(cache=False)
    limit = request.max_content_length
    if request.content_length is None and limit is not None and len(raw) >= limit:
        # A body in chunks says no length beforehand, and is cut at the limit.
        raise PayloadTooLarge("The body is larger than this service reads.")
    return raw


def _entries(value: object, limit: int) -> int | None:
    """Return how many entries all Bundles have; None where it is deeper than ``limit``."""
    # Nothing stands below a scalar: only objects and arrays are carried along.
    level: list[Any] = [value] if isinstance(value, dict | list) else []
    entries = 0
    for _ in range(limit - 1):
        below: list[Any] = []
        for item in level:
            if type(item) is dict:
                own = item.get("entry")
                if type(own) is list:
                    entries += len(own)
                item = item.values()  # noqa: PLW2901 - its members, as of an array
            for each in item:
                kind = type(each)
                if kind is dict or kind is list:
                    below.append(each)
        if not below:
            return entries
        level = below
    return None if any(level) else entries


def _check_headers(request: Request) -> None:
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType(
            "Send the body uncompressed: no Content-Encoding is read.",
            where="http.Content-Encoding",
        )
    if not request.content_type:
        return  # a body that parses says enough
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if request.mimetype not in _ACCEPTED or charset not in _CHARSETS:
        raise UnsupportedMediaType(
            "Send JSON in UTF-8 with the header Content-Type: application/json.",
            where="http.Content-Type",
        )
