from typing import Any

import pytest

from cds_service.protocol.request import FhirAuthorization, HookRequest, InvalidRequest

TOKEN = {
    "access_token": "secret-token",
    "token_type": "Bearer",
    "expires_in": 300,
    "scope": "patient/*.rs",
    "subject": "cds-service",
}


def refused(body: Any) -> list[tuple[str | None, str]]:
    """Return where and how a body is refused."""
    with pytest.raises(InvalidRequest) as caught:
        HookRequest.read(body)
    return [(problem.where, problem.message) for problem in caught.value.problems]


def test_minimal(view: dict[str, Any]) -> None:
    """#35, #36, #39: hook, hookInstance and context are enough."""
    request = HookRequest.read(view)
    assert (request.hook, request.prefetch, request.fhir_server) == ("patient-view", {}, None)


@pytest.mark.parametrize("name", ["hook", "hookInstance", "context"])
@pytest.mark.parametrize("null", [True, False])
def test_required(view: dict[str, Any], name: str, *, null: bool) -> None:
    """#35, #36, #39: a required field that is missing or null is named."""
    if null:
        view[name] = None
    else:
        del view[name]
    assert refused(view) == [(name, f"{name} is required and is missing.")]


def test_all_problems_are_named() -> None:
    """Every invalid field is in the error, not only the first."""
    assert [where for where, _ in refused({})] == ["hook", "hookInstance", "context"]


@pytest.mark.parametrize(
    "uuid",
    [
        "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "D1577C69-DFBE-44AD-BA6D-3E05E953B2EA",
        "00000000-0000-0000-0000-000000000000",
    ],
)
def test_instance_is_any_uuid(view: dict[str, Any], uuid: str) -> None:
    """#36: any 8-4-4-4-12 hexadecimal text in any case is a hookInstance."""
    assert HookRequest.read(view | {"hookInstance": uuid}).hook_instance == uuid


@pytest.mark.parametrize("uuid", ["", "1", "d1577c69dfbe44adba6d3e05e953b2ea", 7, ["x"], "x" * 36])
def test_instance_is_a_uuid(view: dict[str, Any], uuid: object) -> None:
    """#36: anything else is refused at hookInstance."""
    assert refused(view | {"hookInstance": uuid})[0][0] == "hookInstance"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hook", 3),
        ("hook", ""),
        ("context", []),
        ("context", "x"),
        ("prefetch", []),
        ("prefetch", "x"),
        ("fhirServer", 1),
        ("fhirServer", "ftp://fhir.example.org"),
        ("fhirServer", "fhir.example.org/r4"),
        ("fhirServer", "https://"),
        ("fhirServer", "https://host:port/"),
        ("fhirServer", "https://host/a b"),
        ("fhirAuthorization", "x"),
    ],
)
def test_wrong_types(view: dict[str, Any], name: str, value: object) -> None:
    """#35 to #40: a field of another type is refused at its name."""
    assert refused(view | {name: value})[0][0] == name


def test_errors_hold_no_input(view: dict[str, Any]) -> None:
    """No value of the request stands in an error: it may be patient data."""
    body = view | {"hookInstance": "sentinel-1", "fhirServer": "sentinel-2", "prefetch": "sentinel"}
    assert "sentinel" not in str(refused(body))


def test_null_is_absent(view: dict[str, Any]) -> None:
    """#42: null for an optional field is its absence."""
    nulls = {"fhirServer": None, "fhirAuthorization": None, "prefetch": None, "extension": None}
    assert HookRequest.read(view | nulls) == HookRequest.read(view)


def test_prefetch_keeps_nulls(view: dict[str, Any]) -> None:
    """#40, #52: a prefetch value that is null is kept: the client looked and found nothing."""
    assert HookRequest.read(view | {"prefetch": {"patient": None}}).prefetch == {"patient": None}


def test_unknown_fields(view: dict[str, Any]) -> None:
    """#39, #41: unknown fields and extensions are accepted, an extension is kept."""
    extension = {"com.example": {"x": [1]}}
    body = view | {"extension": extension, "future": {"a": 1}}
    assert HookRequest.read(body).extension == extension


@pytest.mark.parametrize("extension", [[1], "x", 3, True])
def test_odd_extensions(view: dict[str, Any], extension: object) -> None:
    """#41: an extension of another shape concerns nobody here and never fails a request."""
    assert HookRequest.read(view | {"extension": extension}).extension == {}


def test_token_needs_server(view: dict[str, Any]) -> None:
    """#37: fhirAuthorization without fhirServer is refused at fhirServer."""
    expected = ("fhirServer", "fhirServer is required with fhirAuthorization and is missing.")
    assert refused(view | {"fhirAuthorization": TOKEN}) == [expected]


@pytest.mark.parametrize("name", list(TOKEN))
def test_token_fields(view: dict[str, Any], name: str) -> None:
    """#65: each field of fhirAuthorization is required and is named with its path."""
    token = {key: value for key, value in TOKEN.items() if key != name}
    body = view | {"fhirServer": "https://fhir.example.org", "fhirAuthorization": token}
    assert refused(body)[0][0] == f"fhirAuthorization.{name}"


@pytest.mark.parametrize(
    ("name", "value"),
    [("expires_in", "300"), ("expires_in", -1), ("expires_in", True), ("token_type", "MAC")],
)
def test_token_types(view: dict[str, Any], name: str, value: object) -> None:
    """#65: expires_in is a whole number of seconds, token_type is Bearer."""
    body = view | {
        "fhirServer": "https://fhir.example.org",
        "fhirAuthorization": TOKEN | {name: value},
    }
    assert refused(body)[0][0] == f"fhirAuthorization.{name}"


@pytest.mark.parametrize("scope", ["", "patient/*.*", "patient/Observation.rs", "Vendor (R4) x/y"])
def test_scopes(scope: str) -> None:
    """#68: any text is a scope, because vendors have their own."""
    assert FhirAuthorization.read(TOKEN | {"scope": scope}).scope == scope


def test_token_stays_out_of_sight(view: dict[str, Any]) -> None:
    """#67: the representation of a request holds neither the token nor the context."""
    body = view | {"fhirServer": "https://fhir.example.org", "fhirAuthorization": TOKEN}
    shown = repr(HookRequest.read(body))
    assert "secret-token" not in shown
    assert "1288992" not in shown
