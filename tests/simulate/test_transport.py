"""The simulated server over a real socket, and the command that starts it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner

from cds_service.chart import FhirServers, OpenServers
from cds_service.chart.prefetch import PrefetchValue
from cds_service.hooks.base import PREFETCH
from cds_service.replay import cases
from cds_service.replay.client import Store
from cds_service.simulate.behaviours import BEHAVIOURS
from cds_service.simulate.command import simulate
from cds_service.simulate.ehr import Ehr
from cds_service.simulate.transport import InProcess, serving

FIXTURES = Path(__file__).parents[2] / "fixtures" / "fhir"
CASE = cases.read(FIXTURES / "dermal-annual-follow-up-overdue" / "chart.json")
#: Those whose way through a socket is not that through the adapter, without the long delays.
SAMPLE = (
    *("plain", "drops-once", "truncates-once", "503-once", "gzip", "pages", "post-only", "stu3"),
    *("truncates-optional", "half-json-optional", "drops-optional", "html-optional", "wrong-type"),
)


def values(base: str, transport: InProcess | None, seconds: float = 4.0) -> dict[str, Any]:
    """Read the whole chart."""
    servers = FhirServers(OpenServers(loopback=True), transport=transport)
    reader = servers.reader(base, token=None, seconds=seconds)
    queries = {
        key: t.replace("{{context.patientId}}", CASE.patient_id) for key, t in PREFETCH.items()
    }
    return dict(reader.read(queries, {}))


def told(found: dict[str, PrefetchValue], base: str) -> str:
    """Return the values without the server's address."""
    return repr(sorted(found.items())).replace(base, "BASE")


@pytest.fixture
def store() -> Store:
    """Return a chart."""
    assert CASE.store is not None
    return CASE.store


@pytest.mark.parametrize("name", SAMPLE)
def test_a_socket_is_as_the_adapter(store: Store, name: str) -> None:
    """What is tested without a socket happens with one."""
    with serving(Ehr(store, base="", behaviour=BEHAVIOURS[name])) as base:
        real = told(values(base, None), base)
    base = "http://127.0.0.1:1/fhir"
    inner = values(base, InProcess(Ehr(store, base=base, behaviour=BEHAVIOURS[name])))
    assert real == told(inner, base)


def test_delays_are_not_waited_for(store: Store) -> None:
    """A server that is too slow gives failures at the deadline, over a socket as well."""
    with serving(Ehr(store, base="", behaviour=BEHAVIOURS["slow"])) as base:
        found = values(base, None, seconds=0.3)
    assert {value.reason for value in found.values()} == {"no answer in time"}


def test_other_addresses_are_not_served(store: Store) -> None:
    """Only what is below the base is there."""
    ehr = Ehr(store, base="http://127.0.0.1:1/fhir")
    session = requests.Session()
    session.mount("http://", InProcess(ehr))
    for path in (
        "http://127.0.0.1:1/",
        "http://127.0.0.2:1/fhir/Patient/x",
        ehr.base,
        ehr.base + "/a",
    ):
        assert session.get(path).status_code == 404


def test_the_command_serves() -> None:
    """``simulate`` prints where it serves, and serves there until it is ended."""
    command = [sys.executable, "-m", "cds_service", "simulate", str(CASE.path), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(4)]
            base = next(line.split()[-1] for line in lines if "FHIR server" in line)
            answer = requests.get(f"{base}/Patient/{CASE.patient_id}", timeout=5).json()
            assert answer["id"] == CASE.patient_id
        finally:
            process.terminate()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ([], "one chart"),
        ([str(CASE.path), "--behaviour", "pages", "--behaviour", "gzip"], "one behaviour"),
        ([str(CASE.path), "--behaviour", "omits-all"], "client's"),
        ([str(FIXTURES / "README.md")], "exist"),
    ],
)
def test_what_cannot_be_served(arguments: list[str], word: str) -> None:
    """Several charts, several behaviours and the client's ways are refused, with a reason."""
    paths = arguments or [str(FIXTURES)]
    result = CliRunner().invoke(simulate, paths)
    assert result.exit_code in {1, 2}
    assert word in result.output


def test_the_table_and_the_list() -> None:
    """``--matrix`` prints the table; ``--list`` names the ways."""
    arguments = [str(CASE.path), "--matrix", "--behaviour", "pages", "--behaviour", "403"]
    result = CliRunner().invoke(simulate, arguments)
    assert result.exit_code == 0
    assert "412: 1" in result.output
    listed = CliRunner().invoke(simulate, ["--list"])
    assert all(name in listed.output for name in BEHAVIOURS)
