import io
import json
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from cds_service.hooks.base import Call

ENTRY = "cutaneous-leiomyosarcoma-problem-list-item-create"
VIEW = "cutaneous-leiomyosarcoma-patient-view"
HOOKS = ("patient-view", "problem-list-item-create", "order-select", "order-sign")
Problem = Callable[[TestResponse], dict[str, Any]]
JSON = "application/json"


def url(service: str = VIEW) -> str:
    """Return the path of a service."""
    return f"/cds-services/{service}"


@pytest.mark.parametrize("path", ["/cds-services", "/cds-services/"])
def test_discovery(client: FlaskClient, path: str) -> None:
    """#10, #11, #18: both spellings of the address list the services, without a redirect."""
    response = client.get(path)
    assert (response.status_code, response.content_type) == (200, f"{JSON}; charset=utf-8")
    ids = {service["id"] for service in response.json["services"]}
    assert ids == {f"cutaneous-leiomyosarcoma-{hook}" for hook in HOOKS}


@pytest.mark.parametrize("path", [url(ENTRY), url(ENTRY) + "/", "/cds-services//" + ENTRY])
def test_entry_example(client: FlaskClient, entry: dict[str, Any], path: str) -> None:
    """#18, #42, #100: the page's example (category a string) is answered, redirected nowhere."""
    response = client.post(path, json=entry)
    assert response.status_code == 200
    assert [card["summary"] for card in response.json["cards"]] == ["problem-list-item-create"]
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("extra", [{}, {"encounterId": "456", "userId": "Practitioner/abc"}])
def test_view_examples(client: FlaskClient, view: dict[str, Any], extra: dict[str, str]) -> None:
    """#39: both examples of the patient-view page are answered."""
    view["context"] |= extra
    assert client.post(url(), json=view).status_code == 200


def test_stu3_example(client: FlaskClient, entry: dict[str, Any]) -> None:
    """#42: the STU3 shapes of the page (statuses as codes) are no errors of the request."""
    resource = entry["context"]["conditions"]["entry"][0]["resource"]
    resource |= {"clinicalStatus": "active", "verificationStatus": "confirmed"}
    assert client.post(url(ENTRY), json=entry).status_code == 200


def test_sandbox_body(client: FlaskClient, calls: list[Call]) -> None:
    """The body that the public sandbox sends for patient-view is answered."""
    body = {
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "hook": "patient-view",
        "fhirServer": "https://launch.smarthealthit.org/v/r4/fhir",
        "context": {
            "patientId": "smart-1288992",
            "userId": "Practitioner/COREPRACTITIONER1",
        },
        "fhirAuthorization": {
            "access_token": "t",
            "token_type": "Bearer",
            "expires_in": 300,
            "scope": "patient/*.* user/*.* launch openid profile online_access",
            "subject": "48163c5e-88b5-4cb3-92d3-23b800caa927",
        },
        "prefetch": {"patient": {"resourceType": "Patient", "id": "smart-1288992"}},
    }
    assert client.post(url(), json=body).status_code == 200
    assert list(calls[0].request.prefetch) == ["patient"]


def test_epic_body(client: FlaskClient, view: dict[str, Any], calls: list[Call]) -> None:
    """Epic's extensions, vendor scopes and unknown prefetch keys are no errors."""
    body = view | {
        "fhirServer": "https://epic.example.org/api/FHIR/R4",
        "fhirAuthorization": {
            "access_token": "t",
            "token_type": "Bearer",
            "expires_in": 600,
            "scope": "PATIENT.READ (R4) Condition.Search (Problems)",
            "subject": "client",
        },
        "prefetch": {"-user": None},
        "extension": {
            "com.epic.cdshooks.request.bpa-trigger-action": "6",
            "com.epic.cdshooks.request.fhir-version": "R4",
            "internal": None,
        },
    }
    assert client.post(url(), json=body).status_code == 200
    assert calls[0].request.extension["com.epic.cdshooks.request.fhir-version"] == "R4"


@pytest.mark.parametrize(
    ("service", "path", "value", "where"),
    [
        (VIEW, ["hook"], "order-sign", "hook"),
        (VIEW, ["hook"], "problem-list-item-create", "hook"),
        (ENTRY, ["hook"], "patient-view", "hook"),
        (VIEW, ["hook"], 5, "hook"),
        (VIEW, ["hookInstance"], "x", "hookInstance"),
        (VIEW, ["context"], None, "context"),
        (VIEW, ["context", "patientId"], "Patient/1", "context.patientId"),
        (VIEW, ["context", "userId"], "doctor", "context.userId"),
        (ENTRY, ["context", "conditions"], [], "context.conditions"),
        (ENTRY, ["context", "conditions", "entry"], "x", "context.conditions"),
        (VIEW, ["prefetch"], [1], "prefetch"),
        (VIEW, ["fhirServer"], "not a url", "fhirServer"),
        (VIEW, ["fhirAuthorization"], [], "fhirAuthorization"),
    ],
)
def test_invalid_requests(
    client: FlaskClient,
    view: dict[str, Any],
    entry: dict[str, Any],
    problem_of: Problem,
    service: str,
    path: list[str],
    value: object,
    where: str,
) -> None:
    """#35 to #40: an invalid field is a 400 that says what and where."""
    body = entry if service == ENTRY else view
    target = body
    for name in path[:-1]:
        target = target[name]
    target[path[-1]] = value
    response = client.post(url(service), json=body)
    issue = problem_of(response)
    assert (response.status_code, issue["expression"]) == (400, [where])
    assert where in issue["details"]["text"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  ",
        b"{",
        b"hook=patient-view",
        b"[]",
        b"null",
        b'"x"',
        b'{"a": NaN}',
        b'{"a": 1,}',
        b"{'a': 1}",
        b'{"a": 1} // comment',
        b'{"a": "\xff"}',
        b'{"a":' * 1100,
        "{}".encode("utf-16"),
    ],
)
def test_not_a_json_object(client: FlaskClient, problem_of: Problem, body: bytes) -> None:
    """#4: what is no JSON object in UTF-8 is a 400 that says so."""
    response = client.post(url(), data=body, content_type=JSON)
    assert response.status_code == 400
    assert "JSON" in problem_of(response)["details"]["text"]


def test_json_error_has_its_position(client: FlaskClient, problem_of: Problem) -> None:
    """A syntax error is named with its line and column."""
    response = client.post(url(), data=b'{\n"a": x}', content_type=JSON)
    assert "line 2, column 6" in problem_of(response)["details"]["text"]


def test_deep_nesting(client: FlaskClient, view: dict[str, Any], problem_of: Problem) -> None:
    """A body nested deeper than any FHIR resource is a 400."""
    deep = b'{"a":' * 200 + b"1" + b"}" * 200
    body = orjson.dumps(view)[:-1] + b',"prefetch":{"patient":' + deep + b"}}"
    response = client.post(url(), data=body, content_type=JSON)
    assert response.status_code == 400
    assert "nested" in problem_of(response)["details"]["text"]


def test_repeated_names(client: FlaskClient, view: dict[str, Any], calls: list[Call]) -> None:
    """Where a name stands twice the last one counts, as in browsers."""
    body = orjson.dumps(view)[:-1] + b',"hookInstance":"00000000-0000-0000-0000-000000000000"}'
    assert client.post(url(), data=body, content_type=JSON).status_code == 200
    assert calls[0].request.hook_instance == "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize(
    "kind",
    [
        JSON,
        "application/fhir+json",
        "application/json; charset=UTF-8",
        "Application/JSON;charset=utf8",
        None,
    ],
)
def test_content_types(client: FlaskClient, view: dict[str, Any], kind: str | None) -> None:
    """JSON media types in UTF-8 are read, and a body without a type that parses."""
    response = client.post(url(), data=b"\xef\xbb\xbf" + orjson.dumps(view), content_type=kind)
    assert response.status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Type": JSON, "Content-Encoding": "gzip"},
    ],
)
def test_unsupported_media(
    client: FlaskClient, view: dict[str, Any], problem_of: Problem, headers: dict[str, str]
) -> None:
    """#1.10: another media type, character set or encoding is a 415 that says what to send."""
    response = client.post(url(), data=orjson.dumps(view), headers=headers)
    assert response.status_code == 415
    assert problem_of(response)["expression"] == [f"http.{list(headers)[-1]}"]


def test_too_large(client: FlaskClient, problem_of: Problem) -> None:
    """#1.10: a body over the limit is a 413."""
    response = client.post(url(), data=b" " * 100_001, content_type=JSON)
    assert response.status_code == 413
    assert problem_of(response)["code"] == "too-long"


def test_too_large_in_chunks(
    client: FlaskClient, view: dict[str, Any], problem_of: Problem
) -> None:
    """#1.10: a body without a length is a 413, too, once it is over the limit."""
    chunked = {"wsgi.input_terminated": True}
    headers = {"Content-Type": JSON, "Transfer-Encoding": "chunked"}
    for length, status in ((0, 200), (100_001, 413)):
        body = io.BytesIO(orjson.dumps(view) + b" " * length)
        response = client.post(url(), input_stream=body, headers=headers, environ_overrides=chunked)
        assert response.status_code == status
    assert problem_of(response)["code"] == "too-long"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/cds-services/unknown"),
        ("GET", "/"),
        ("GET", "/cds-services//"),
        ("GET", "/cds-services/a/b"),
        ("GET", "//cds-services"),
        ("POST", "/cds-services/%2e%2e"),
        ("GET", "/guideline/S99"),
        ("GET", "/static/../settings.py"),
    ],
)
def test_unknown_addresses(
    client: FlaskClient, view: dict[str, Any], problem_of: Problem, method: str, path: str
) -> None:
    """#1.10: an unknown address or service is a 404, redirected nowhere."""
    body = {"json": view} if method == "POST" else {}
    response = client.open(path, method=method, **body)
    assert response.status_code == 404
    assert problem_of(response)["code"] == "not-found"


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", url(), "OPTIONS, POST"),
        ("PUT", url(), "OPTIONS, POST"),
        ("DELETE", url() + "/", "OPTIONS, POST"),
        ("POST", "/cds-services", "GET, HEAD, OPTIONS"),
    ],
)
def test_methods(
    client: FlaskClient, problem_of: Problem, method: str, path: str, allow: str
) -> None:
    """#1.10: another method is a 405 with Allow."""
    response = client.open(path, method=method)
    assert (response.status_code, response.headers["Allow"]) == (405, allow)
    assert problem_of(response)["code"] == "not-supported"


def test_health(client: FlaskClient) -> None:
    """The liveness address answers."""
    assert client.get("/healthz").json == {"status": "ok"}


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=20,
)


def dumps(value: object) -> bytes:
    """Return JSON, or what comes near it: infinities, and integers of any length."""
    return json.dumps(value).encode()


FIELDS = ("hook", "hookInstance", "fhirServer", "fhirAuthorization", "context", "prefetch")
FUZZ = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@FUZZ
@given(body=st.binary(max_size=200) | JSON_VALUES.map(dumps))
def test_raw_bodies(client: FlaskClient, body: bytes) -> None:
    """No body of bytes, JSON or not, is a 5xx."""
    assert client.post(url(), data=body, content_type=JSON).status_code in {400, 413}


@FUZZ
@given(name=st.sampled_from(FIELDS), value=JSON_VALUES)
def test_any_value(client: FlaskClient, view: dict[str, Any], name: str, value: object) -> None:
    """No value of a field is a 5xx."""
    response = client.post(url(), data=dumps(view | {name: value}), content_type=JSON)
    assert response.status_code in {200, 400}


@FUZZ
@given(
    name=st.sampled_from(("userId", "patientId", "encounterId", "conditions")), value=JSON_VALUES
)
def test_any_context_value(
    client: FlaskClient, entry: dict[str, Any], name: str, value: object
) -> None:
    """No value of a context field is a 5xx."""
    body = entry | {"context": entry["context"] | {name: value}}
    response = client.post(url(ENTRY), data=dumps(body), content_type=JSON)
    assert response.status_code in {200, 400}
