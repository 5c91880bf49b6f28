"""Errors as OperationOutcome resources, the one shape of every error body."""

from typing import Any

from cds_service.errors import ServiceError
from cds_service.protocol.request import InvalidRequest

_INTERNAL = 500


def operation_outcome(error: ServiceError) -> dict[str, Any]:
    """Return the OperationOutcome (FHIR R4) that says what went wrong and where."""
    problems = error.problems if isinstance(error, InvalidRequest) else (error,)
    return {
        "resourceType": "OperationOutcome",
        "issue": [_issue(problem) for problem in problems],
    }


def _issue(error: ServiceError) -> dict[str, Any]:
    issue: dict[str, Any] = {
        "severity": "fatal" if error.status == _INTERNAL else "error",
        "code": error.code,
        "details": {"text": error.message},
    }
    if error.where:
        named = error.where in error.message
        issue["diagnostics"] = error.message if named else f"{error.where}: {error.message}"
        issue["expression"] = error.where.split(", ")
    return issue
