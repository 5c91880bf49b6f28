import pytest
from fhir.resources.R4B.operationoutcome import OperationOutcome

from cds_service import errors
from cds_service.protocol.outcome import operation_outcome
from cds_service.protocol.request import InvalidRequest


@pytest.mark.parametrize("error", errors.ServiceError.__subclasses__())
def test_valid(error: type[errors.ServiceError]) -> None:
    """#57, #103: every error becomes a valid OperationOutcome with its code and place."""
    outcome = operation_outcome(error("It failed. Do this.", where="prefetch.patient"))
    OperationOutcome.model_validate(outcome)
    assert outcome["issue"] == [
        {
            "severity": "error",
            "code": error.default_code,
            "details": {"text": "It failed. Do this."},
            "diagnostics": "prefetch.patient: It failed. Do this.",
            "expression": ["prefetch.patient"],
        }
    ]


def test_without_place() -> None:
    """An error of the service itself is fatal and has no place in the request."""
    (issue,) = operation_outcome(errors.ServiceError("It failed."))["issue"]
    assert issue == {"severity": "fatal", "code": "exception", "details": {"text": "It failed."}}


def test_several_places() -> None:
    """Places that one problem has in common are each an expression."""
    error = errors.PreconditionFailed("Cannot be had.", where="prefetch.a, prefetch.b")
    (issue,) = operation_outcome(error)["issue"]
    assert issue["expression"] == ["prefetch.a", "prefetch.b"]


def test_several_problems() -> None:
    """An invalid request has one issue for each field."""
    problems = tuple(errors.BadRequest(f"{name} is wrong.", where=name) for name in ("a", "b"))
    issues = operation_outcome(InvalidRequest(problems))["issue"]
    assert [issue["diagnostics"] for issue in issues] == ["a is wrong.", "b is wrong."]
