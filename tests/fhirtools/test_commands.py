"""load, call and doctor against simulated servers."""

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cds_service.cli import main
from cds_service.fhirtools.charts import prepared, transaction
from cds_service.fhirtools.server import FhirError, Server
from cds_service.replay import cases
from cds_service.replay.client import Store
from cds_service.simulate.behaviours import BEHAVIOURS
from cds_service.simulate.ehr import Ehr
from cds_service.simulate.transport import serving

FIXTURES = Path(__file__).parents[2] / "fixtures" / "fhir"
CASE = cases.read(FIXTURES / "dermal-annual-follow-up-overdue" / "chart.json")
STORE = CASE.store or Store(())
DAY = ("--date", "2026-12-01")


def run(*arguments: str) -> Result:
    """Run a command."""
    return CliRunner().invoke(main, arguments)


@pytest.fixture
def fhir() -> Iterator[Callable[[str], str]]:
    """Return a function that serves the chart in a way."""
    open_: list[Any] = []

    def start(name: str = "plain") -> str:
        open_.append(serving(Ehr(STORE, base="", behaviour=BEHAVIOURS[name])))
        base: str = open_[-1].__enter__()
        return base

    yield start
    for each in open_:
        each.__exit__(None, None, None)


class _Sink(BaseHTTPRequestHandler):
    """Keeps what is written to it, as a FHIR server; transactions if it does them."""

    held: dict[str, Any]
    transactions = True
    refused: str = ""

    def answer(self, status: int, body: dict[str, Any]) -> None:
        """Answer."""
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def _body(self) -> Any:
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def do_POST(self) -> None:
        bundle = self._body()
        if not self.transactions:
            self.answer(405, {})
            return
        entries = []
        for entry in bundle["entry"]:
            self.held[entry["request"]["url"]] = entry["resource"]
            bad = entry["request"]["url"].startswith(self.refused or "-")
            entries.append({"response": {"status": "422 no" if bad else "200 OK"}})
        self.answer(200, {"resourceType": "Bundle", "entry": entries})

    def do_PUT(self) -> None:
        path = self.path.removeprefix("/fhir/")
        if path.startswith(self.refused or "-"):
            text = {"severity": "error", "code": "invalid", "diagnostics": "no such thing"}
            self.answer(422, {"resourceType": "OperationOutcome", "issue": [text]})
            return
        self.held[path] = self._body()
        self.answer(200, self.held[path])

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def sink() -> Iterator[Callable[..., tuple[str, dict[str, Any]]]]:
    """Return a function that starts a server that can be written to."""
    servers: list[ThreadingHTTPServer] = []

    def start(**attributes: Any) -> tuple[str, dict[str, Any]]:
        held: dict[str, Any] = {}
        kind = type("Sink", (_Sink,), {"held": held, **attributes})
        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), kind))
        Thread(target=servers[-1].serve_forever, kwargs={"poll_interval": 0.01}).start()
        return f"http://127.0.0.1:{servers[-1].server_port}/fhir", held

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("transactions", ["transactions", "updates"])
def test_load_is_idempotent(
    sink: Callable[..., tuple[str, dict[str, Any]]], transactions: str
) -> None:
    """Two charts with the same ids stand side by side; loading again changes nothing."""
    base, held = sink(transactions=transactions == "transactions")
    other = FIXTURES / "dermal-biopsy-only-excise-1cm"
    paths = (str(CASE.path), str(other))
    result = run("load", *paths, "--fhir", base)
    assert result.exit_code == 0, result.output
    assert "2 loaded, 0 not" in result.output
    first = dict(held)
    assert run("load", *paths, "--fhir", base).exit_code == 0
    assert held == first
    assert f"Patient/{CASE.patient_id}" in held
    conditions = [path for path in held if path.startswith("Condition/")]
    assert len(conditions) == len(set(conditions)) >= 2
    patients = {held[path]["subject"]["reference"] for path in conditions}
    assert len(patients) == 2


@pytest.mark.parametrize("transactions", ["transactions", "updates"])
def test_load_says_what_went_wrong(
    sink: Callable[..., tuple[str, dict[str, Any]]], tmp_path: Path, transactions: str
) -> None:
    """A chart that the server refuses and a file that is none are named; the rest is loaded."""
    base, _ = sink(transactions=transactions == "transactions", refused="Condition/")
    (tmp_path / "broken.json").write_text("{")
    result = run("load", str(CASE.path), str(tmp_path), "--fhir", base)
    assert result.exit_code == 1
    assert "422" in result.output
    assert "broken.json" in result.output
    assert "0 loaded, 2 not" in result.output


def test_captured_requests_are_left_out(sink: Callable[..., tuple[str, dict[str, Any]]]) -> None:
    """What is no chart is not loaded, and is no error."""
    base, held = sink()
    request = FIXTURES / "entered-dermal-margin-positive-reexcise"
    result = run("load", str(request), "--fhir", base)
    assert result.exit_code == 0
    assert "captured request" in result.output
    assert not held


def test_load_waits(
    sink: Callable[..., tuple[str, dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that is only starting is waited for, and no longer than was said."""
    monkeypatch.setattr("cds_service.fhirtools.load.time.sleep", lambda _: None)
    answers = iter([503, 503, 200])
    base, held = sink(do_GET=lambda handler: handler.answer(next(answers), {}))
    assert run("load", str(CASE.path), "--fhir", base, "--wait", "20").exit_code == 0
    assert held
    base, held = sink(do_GET=lambda handler: handler.answer(503, {}))
    result = run("load", str(CASE.path), "--fhir", base, "--wait", "1")
    assert result.exit_code == 1
    assert "does not answer after 1 seconds: HTTP 503" in result.output
    assert not held


def test_ids_of_a_prepared_chart() -> None:
    """Ids carry the patient's, references follow, long and missing ids are made up for."""
    store = Store(
        (
            {"resourceType": "Patient", "id": "p1"},
            {"resourceType": "Condition", "id": "dx", "subject": {"reference": "Patient/p1"}},
            {"resourceType": "Condition", "id": "p1-own"},
            {"resourceType": "Condition", "code": {"text": "x"}},
            {"resourceType": "Procedure", "id": "y" * 64},
            {
                "resourceType": "Observation",
                "id": "o",
                "focus": [
                    {"reference": "Condition/dx"},
                    {"reference": "Condition/dx/_history/2"},
                    {"reference": "#inner"},
                    {"reference": "https://elsewhere.example.org/Condition/dx"},
                ],
            },
        )
    )
    found = prepared(store)
    ids = [str(resource["id"]) for resource in found.resources]
    assert ids[:3] == ["p1", "p1-dx", "p1-own"]
    assert all(len(each) <= 64 for each in ids)
    assert len(set(ids)) == len(ids)
    assert [item["reference"] for item in found.resources[-1]["focus"]] == [
        "Condition/p1-dx",
        "Condition/p1-dx/_history/2",
        "#inner",
        "https://elsewhere.example.org/Condition/dx",
    ]
    assert prepared(found) == found
    assert prepared(store, keep_ids=True).resources[1]["id"] == "dx"
    entries = transaction(found)["entry"]
    assert [entry["request"]["url"] for entry in entries][1] == "Condition/p1-dx"


@pytest.mark.parametrize("hook", ["patient-view", "problem-list-item-create"])
@pytest.mark.parametrize("extra", [(), ("--no-prefetch",)])
def test_call_shows_the_cards(fhir: Callable[..., str], hook: str, extra: tuple[str, ...]) -> None:
    """The cards are those of the chart, whether the client or the service reads it."""
    arguments = ("--fhir", fhir(), "--patient", CASE.patient_id, "--hook", hook)
    result = run("call", *arguments, *DAY, *extra)
    assert result.exit_code == 0, result.output
    assert "### WARNING" in result.output or "### INFO" in result.output
    assert "follow" in result.output.lower()


def test_call_says_what_could_not_be_prefetched(fhir: Callable[..., str]) -> None:
    """A search that the server refuses is left out and named."""
    result = run("call", "--fhir", fhir("403-optional"), "--patient", CASE.patient_id, *DAY)
    assert result.exit_code == 0
    assert "not prefetched: reports: HTTP 403" in result.output


def test_call_without_an_answer(fhir: Callable[..., str]) -> None:
    """An error of the service is shown, as is what cannot be asked."""
    base = fhir("401")
    result = run(
        "call", "--fhir", base, "--patient", CASE.patient_id, "--no-prefetch", "--format", "json"
    )
    assert result.exit_code == 1
    assert "OperationOutcome" in result.output
    entry = ("--hook", "problem-list-item-create")
    assert "cannot be read" in run("call", "--fhir", base, "--patient", "x", *entry).output
    assert "offers no" in run("call", "--fhir", base, "--patient", "x", "--hook", "y").output
    assert "not an http" in run("call", "--fhir", "ftp://x", "--patient", "x").output
    about = ("--hook", "problem-list-item-create", "--about", "Condition/none")
    assert "Condition/none cannot" in run("call", "--fhir", base, "--patient", "x", *about).output


def test_call_a_running_service_that_is_not_there(fhir: Callable[..., str]) -> None:
    """A service that does not answer is said to be so."""
    result = run("call", "--fhir", fhir(), "--patient", "x", "--service", "http://127.0.0.1:1")
    assert result.exit_code == 1
    assert "is the service up?" in result.output


def test_doctor_of_a_good_server(fhir: Callable[..., str]) -> None:
    """A server without fault gets no remark."""
    result = run("doctor", "--fhir", fhir(), "--patient", CASE.patient_id)
    assert result.exit_code == 0, result.output
    assert result.output.count("works") == 8
    assert "FHIR 4.0.1 (R4)" in result.output
    assert "could not" not in result.output


@pytest.mark.parametrize(
    ("behaviour", "code", "words"),
    [
        ("pages", 0, ["works"]),
        ("403-optional", 0, ["does not work", "HTTP 403", "follow-up may be withheld"]),
        ("html-optional", 0, ["no JSON object", "said on cards about: Diagnosis and depth"]),
        ("outcomes-optional", 0, ["does not work"]),
        ("404", 1, ["no advice at all"]),
        ("page-lost", 0, ["works in part", "page 2: HTTP 500"]),
        ("page-elsewhere", 0, ["works in part", "another server"]),
        ("ignores-patient", 0, ["ignores the patient"]),
        ("ignores-quietly", 0, ["works in part", "ignores the patient", "every card says"]),
        ("no-self", 0, ["no link self"]),
        ("stu3", 0, ["STU3", "ReferralRequest", "ProcedureRequest"]),
    ],
)
def test_doctor_of_an_awkward_server(behaviour: str, code: int, words: list[str]) -> None:
    """What a server does not support or ignores is named, with the advice that it costs."""
    case = cases.read(FIXTURES / "two-tumours-two-sites-one-card-names-both" / "chart.json")
    ehr = Ehr(case.store or STORE, base="", behaviour=BEHAVIOURS[behaviour])
    with serving(ehr) as base:
        result = run("doctor", "--fhir", base, "--patient", case.patient_id)
    assert result.exit_code == code, result.output
    flat = " ".join(result.output.replace("│", " ").split())
    for word in words:
        assert word in flat


def test_doctor_without_a_patient(fhir: Callable[..., str]) -> None:
    """Without a patient the first one is taken, or one is asked for."""
    assert run("doctor", "--fhir", fhir()).exit_code == 0
    assert "--patient" in run("doctor", "--fhir", fhir("404")).output
    assert "metadata" in run("doctor", "--fhir", "http://127.0.0.1:1/fhir").output


def test_links_to_other_servers_are_not_followed() -> None:
    """The token goes nowhere else."""
    server = Server("http://127.0.0.1:1/fhir", token="t")  # noqa: S106 - a made-up one
    got = server.get("https://elsewhere.example.org/x")
    assert got.problem == "the link leads to another server"
    with pytest.raises(FhirError):
        Server("https://")
