"""Charts that are read from a FHIR server."""

import json
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest

from cds_service.app import create_app
from cds_service.replay.client import Json, Store
from cds_service.settings import Settings
from cds_service.simulate.behaviours import BEHAVIOURS
from cds_service.simulate.ehr import Ehr
from cds_service.simulate.transport import InProcess

LOOPBACK = "http://127.0.0.1:1/fhir"
LISTED = "https://fhir.example.org/r4"


@pytest.fixture
def patient(chart: Json) -> str:
    """Return the id of the chart's patient."""
    return Store.of(chart).patient_id


@pytest.fixture
def ask(chart: Json) -> Callable[..., tuple[str, InProcess]]:
    """Return a way to ask about a patient of a simulated server: page, and the server."""

    def do(base: str = LOOPBACK, behaviour: str = "plain", **form: Any) -> tuple[str, InProcess]:
        network = InProcess(Ehr(Store.of(chart), base=base, behaviour=BEHAVIOURS[behaviour]))
        settings = Settings(auth="off", workbench=True, fhir_servers=(LISTED,), deadline=1.0)
        client = create_app(settings, transport=network).test_client()
        form = {"source": "server", "server": base, "date": "2026-12-01", **form}
        return client.post("/", data=form).text, network

    return do


def exchanged(page: str, name: str = "request") -> Json:
    """Return the JSON of the request or the response that a page shows."""
    found = re.search(rf'<pre[^>]*id="{name}-json">(.*?)</pre>', page, re.DOTALL)
    assert found, page
    body: Json = json.loads(unescape(found[1]))
    return body


Ask = Callable[..., tuple[str, InProcess]]


@pytest.mark.parametrize("base", [LOOPBACK, LISTED])
def test_prefetched(ask: Ask, chart: Json, patient: str, base: str) -> None:
    """A patient's chart is read, and sent as a client prefetches it; the facts lead to it."""
    page, _ = ask(base, patient=patient)
    sent = exchanged(page)
    assert sent["fhirServer"] == base
    (condition,) = (entry["resource"] for entry in sent["prefetch"]["conditions"]["entry"])
    assert condition in [entry["resource"] for entry in chart["entry"]]
    assert sent["prefetch"]["reports"]["entry"] == []
    assert "no-card" in page
    assert re.search(r'<a href="#resource-\d+"><code>Condition/dx', page)


def test_pages(ask: Ask, chart: Json, patient: str) -> None:
    """All pages of a search are one Bundle, which names no next page."""
    more = {"resourceType": "Observation", "subject": {"reference": f"Patient/{patient}"}}
    chart["entry"] += [{"resource": {**more, "id": f"more-{number}"}} for number in range(3)]
    page, network = ask(patient=patient, behaviour="pages")
    sent = exchanged(page)["prefetch"]["observations"]
    assert len(sent["entry"]) == 5
    assert not any(link["relation"] == "next" for link in sent.get("link", ()))
    assert network.count > 8


def test_entered_condition(ask: Ask, patient: str) -> None:
    """A diagnosis that the server holds can be entered."""
    page, _ = ask(patient=patient, hook="problem-list-item-create")
    (entry,) = exchanged(page)["context"]["conditions"]["entry"]
    assert entry["resource"]["id"] == "dx"
    assert len(exchanged(page, "response")["cards"]) == 3


def test_the_service_reads(ask: Ask, patient: str) -> None:
    """On request no prefetch is sent: the service reads the server itself, to the same cards."""
    page, _ = ask(patient=patient, hook="problem-list-item-create", reads="1")
    assert "prefetch" not in exchanged(page)
    assert len(exchanged(page, "response")["cards"]) == 3
    assert re.search(r'<a href="#resource-\d+"><code>Condition/dx', page)


def test_left_out(ask: Ask, patient: str) -> None:
    """What the server does not give is left out of the prefetch, and the page says why."""
    page, _ = ask(patient=patient, behaviour="no-orders")
    assert "orders" not in exchanged(page)["prefetch"]
    assert re.search(r"<b>orders</b> \(not there \(404\)\)", page)


def test_token(ask: Ask, patient: str) -> None:
    """A token goes to the server, and stands nowhere in the page."""
    page, network = ask(patient=patient, token="top-secret")  # noqa: S106 - a made-up one
    assert network.count
    assert "top-secret" not in page
    assert exchanged(page)["fhirAuthorization"]["access_token"] == "(not shown)"  # noqa: S105


@pytest.mark.parametrize(
    "base",
    [
        "https://other.example.org/r4",
        "http://169.254.169.254/latest",
        "http://10.0.0.1/fhir",
        "file:///etc/passwd",
        "https://fhir.example.org.evil.org/r4",
        "https://fhir.example.org/r4/../admin",
        "https://user@fhir.example.org/r4",
        "127.0.0.1:1/fhir",
        "",
    ],
)
def test_other_servers(ask: Ask, patient: str, base: str) -> None:
    """No other server is asked, with a token neither; the address stays in the form."""
    page, network = ask(LISTED, patient=patient, server=base, token="t")  # noqa: S106
    assert "does not ask this server" in page
    assert "CDS_FHIR_SERVERS" in page
    assert LISTED in page
    assert network.count == 0


@pytest.mark.parametrize("wrong", ["", "../metadata", "a/b", "x?y=1", "a b"])
def test_patient_id(ask: Ask, wrong: str) -> None:
    """An id that would change the address is refused before anything is asked."""
    page, network = ask(patient=wrong)
    assert "The id of the patient" in page
    assert network.count == 0


def test_dead_server(ask: Ask, patient: str) -> None:
    """A server that fails is told with what it said of each search."""
    page, _ = ask(patient=patient, behaviour="500")
    assert "Nothing could be read from the server" in page
    assert "conditions:" in page
