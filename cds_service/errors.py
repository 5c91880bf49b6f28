# ruff: noqa: N818 - the names are those of the HTTP statuses
"""What aborts a request: each error is one HTTP status and one OperationOutcome issue code.

Problems that do not abort (a malformed element, a dropped resource) are
:class:`cds_service.facts.Issue` values and are collected instead.
"""

from typing import ClassVar


class ServiceError(Exception):
    """A request that cannot be answered with cards.

    ``status`` is the HTTP status, ``code`` the OperationOutcome issue code, ``where`` the
    place in the input (``context.patientId``, ``prefetch.conditions``). ``message`` says what
    happened and what to do; it never holds patient data, tokens or addresses.
    """

    status: ClassVar[int] = 500
    default_code: ClassVar[str] = "exception"

    def __init__(
        self,
        message: str,
        *,
        where: str | None = None,
        code: str | None = None,
        retry_after: float | None = None,
        reason: str | None = None,
        detail: str | None = None,
    ) -> None:
        """Keep the parts of the OperationOutcome; ``code`` replaces the class's own.

        ``retry_after``: the seconds after which the same call may work. ``reason`` (one of few
        words) and ``detail`` are for the operator alone, who counts and reads refusals.
        """
        super().__init__(message)
        self.message = message
        self.where = where
        self.code = code or self.default_code
        self.retry_after = retry_after
        self.reason = reason
        self.detail = detail


class BadRequest(ServiceError):
    """The request is not what the protocol asks for."""

    status = 400
    default_code = "invalid"


class Unauthorized(ServiceError):
    """The caller is not known; the body says no more than that."""

    status = 401
    default_code = "login"


class Forbidden(ServiceError):
    """The caller is known and may not do this."""

    status = 403
    default_code = "forbidden"


class NotFound(ServiceError):
    """There is nothing at this address."""

    status = 404
    default_code = "not-found"


class MethodNotAllowed(ServiceError):
    """The address exists and does not take this HTTP method."""

    status = 405
    default_code = "not-supported"


class PreconditionFailed(ServiceError):
    """Required data can be had neither from the prefetch nor from the FHIR server."""

    status = 412
    default_code = "incomplete"


class PayloadTooLarge(ServiceError):
    """The body is larger than the service reads."""

    status = 413
    default_code = "too-long"


class UnsupportedMediaType(ServiceError):
    """The body is not declared as JSON."""

    status = 415
    default_code = "not-supported"


class TooManyRequests(ServiceError):
    """The client asks more often than the operator allows."""

    status = 429
    default_code = "throttled"


class UpstreamUnavailable(ServiceError):
    """A server that is needed does not answer now; the same call may work later."""

    status = 503
    default_code = "transient"


class UpstreamTimeout(ServiceError):
    """A server that is needed was too slow for the request's budget."""

    status = 504
    default_code = "timeout"
