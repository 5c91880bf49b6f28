"""Whatever is sent is answered: below 500, and with an OperationOutcome or what was asked for.

``FUZZ`` in the environment is how many requests each test sends; ``make fuzz`` sends many.
"""

import datetime as dt
import json
import os
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cds_service import hooks
from cds_service.app import create_app
from cds_service.settings import Settings

CASES = Path(__file__).parents[2] / "fixtures" / "fhir"
REQUESTS = [path.read_bytes() for path in sorted(CASES.glob("*/request.json"))]
IDS = [service.id for service in hooks.services()]
HOOKS = [service.hook for service in hooks.services()]
PATHS = [f"/cds-services/{name}{suffix}" for name in IDS for suffix in ("", "/feedback")]
NAMES = (
    *("hook", "hookInstance", "context", "prefetch", "fhirServer", "fhirAuthorization"),
    *("feedback", "card", "outcome", "outcomeTimestamp", "acceptedSuggestions", "overrideReason"),
    *("patientId", "userId", "conditions", "draftOrders", "selections", "resourceType", "entry"),
    *("resource", "id", "code", "coding", "text", "system", "status", "subject", "reference"),
    *("extension", "url", "valueString", "link", "relation", "next", "total", "search", "mode"),
)
VALUES = (
    *("Bundle", "Condition", "Patient", "OperationOutcome", "next", "match", "outcome", "draft"),
    *("d1577c69-dfbe-44ad-ba6d-3e05e953b2ea", "Practitioner/1", "1", "accepted", "overridden"),
    *("2026-12-01T00:00:00Z", "leiomyosarcoma of skin", "https://example.org/fhir", *HOOKS),
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(VALUES)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=8), inner, max_size=6)
    ),
    max_leaves=30,
)
FUZZ = settings(
    max_examples=int(os.environ.get("FUZZ", "200")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def shared() -> FlaskClient:
    """Return one client of the whole application, its storage included."""
    chosen = Settings(auth="off", today=dt.date(2026, 12, 1), feedback_text_days=1, fhir_servers=())
    return create_app(chosen).test_client()


def answered(client: FlaskClient, path: str, body: bytes, kind: str = "application/json") -> None:
    """Send ``body`` and check that the answer is one."""
    response = client.post(path, data=body, content_type=kind)
    assert response.status_code < 500, response.text
    if response.status_code == 200:
        assert {"cards", "received"} & set(response.json)
    else:
        assert response.json["resourceType"] == "OperationOutcome"
        assert all(issue["details"]["text"] for issue in response.json["issue"])


@FUZZ
@given(path=st.sampled_from(PATHS), body=st.binary(max_size=300), kind=st.text(max_size=30))
def test_bytes(shared: FlaskClient, path: str, body: bytes, kind: str) -> None:
    """#4: any bytes, under any content type that can be sent, are no 5xx."""
    answered(shared, path, body, "".join(c for c in kind if c.isprintable() and c.isascii()))


@FUZZ
@given(
    path=st.sampled_from(PATHS),
    body=st.sampled_from(REQUESTS),
    cuts=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 0.2), st.binary(max_size=6)), max_size=4),
)
def test_damaged(
    shared: FlaskClient, path: str, body: bytes, cuts: list[tuple[float, float, bytes]]
) -> None:
    """A real request with pieces cut out, doubled or overwritten is no 5xx."""
    for place, length, other in cuts:
        start = int(place * len(body))
        body = body[:start] + other + body[start + int(length * len(body)) :]
    answered(shared, path, body)


@FUZZ
@given(path=st.sampled_from(PATHS), body=JSON)
def test_json(shared: FlaskClient, path: str, body: object) -> None:
    """Any JSON is no 5xx."""
    answered(shared, path, json.dumps(body).encode())


@FUZZ
@given(service=st.sampled_from(tuple(zip(IDS, HOOKS, strict=True))), data=st.data())
def test_envelopes(shared: FlaskClient, service: tuple[str, str], data: st.DataObject) -> None:
    """Any JSON in the places of a good envelope is no 5xx."""
    patient = {"resourceType": "Patient", "id": "1"}
    bundle = st.fixed_dictionaries(
        {"resourceType": st.just("Bundle"), "entry": st.lists(data_entry(), max_size=3)}
    )
    body: dict[str, Any] = {
        "hook": service[1],
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {
            "userId": "Practitioner/1",
            "patientId": "1",
            "conditions": data.draw(bundle),
            "draftOrders": data.draw(bundle),
            "selections": data.draw(st.lists(st.text(min_size=1, max_size=20), max_size=3)),
        },
        "prefetch": {
            "patient": patient | data.draw(st.dictionaries(st.sampled_from(NAMES[17:]), JSON)),
            "conditions": data.draw(bundle),
            "procedures": data.draw(bundle),
            "reports": data.draw(JSON),
            "orders": data.draw(bundle),
        },
    }
    answered(shared, f"/cds-services/{service[0]}", json.dumps(body).encode())


def data_entry() -> st.SearchStrategy[Any]:
    """Return a strategy for entries of Bundles."""
    kinds = ("Condition", "Procedure", "DiagnosticReport", "ServiceRequest", "MedicationRequest")
    resource = st.dictionaries(
        st.sampled_from((*NAMES, "bodySite", "conclusion", "performedDateTime", "onsetDateTime")),
        JSON,
        max_size=6,
    )
    return JSON | st.builds(
        lambda kind, own: {"resource": own | {"resourceType": kind}},
        st.sampled_from(kinds),
        resource,
    )


@FUZZ
@given(
    item=st.fixed_dictionaries(
        {
            "card": JSON,
            "outcome": st.sampled_from(("accepted", "overridden")) | JSON,
            "outcomeTimestamp": st.just("2026-12-01T00:00:00Z") | st.datetimes().map(str) | JSON,
        },
        optional={
            "acceptedSuggestions": st.lists(st.fixed_dictionaries({"id": st.text()})) | JSON,
            "overrideReason": st.fixed_dictionaries({"userComment": st.text()}) | JSON,
            "overrideReasons": JSON,
        },
    )
)
def test_feedback(shared: FlaskClient, item: dict[str, Any]) -> None:
    """Any item of a feedback is no 5xx."""
    answered(shared, PATHS[1], json.dumps({"feedback": [item]}).encode())
