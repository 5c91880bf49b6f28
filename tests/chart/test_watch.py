"""What is seen of reading, by those who count it."""

from collections.abc import Mapping
from typing import Any

import pytest
import requests
import responses

from cds_service.chart import FhirServers, OpenServers, Watch, gather
from cds_service.chart.breaker import Breakers
from cds_service.chart.watch import BreakerState, Outcome, State
from cds_service.errors import ServiceError

BASE = "https://9.9.9.9/fhir"
QUERIES = {"patient": "Patient/1", "conditions": "Condition?patient=1", "reports": "R?patient=1"}
EMPTY = {"resourceType": "Bundle"}
PATIENT = {"resourceType": "Patient", "id": "1"}
FAILED = {"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]}
PAGE = {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Condition"}}]}


class Seen(Watch):
    """Writes down what it sees."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.states: list[Mapping[str, State]] = []
        self.asked: list[tuple[str, Outcome]] = []
        self.breakers: list[tuple[str, BreakerState | None]] = []

    def has_gathered(self, states: Mapping[str, State]) -> None:
        """Write down."""
        self.states.append(states)

    def has_asked(self, server: str, outcome: Outcome, seconds: float) -> None:
        """Write down."""
        assert seconds >= 0
        self.asked.append((server, outcome))

    def breaker_is(self, server: str, state: BreakerState | None) -> None:
        """Write down."""
        self.breakers.append((server, state))


@pytest.fixture
def seen() -> Seen:
    """Return what was seen."""
    return Seen()


@pytest.mark.parametrize(
    ("sent", "found", "state"),
    [
        (PAGE, None, "present"),
        (EMPTY, None, "empty"),
        (None, None, "empty"),
        (FAILED, None, "failed"),
        (PAGE | {"total": 9}, None, "partial"),
        ("nothing", {"json": EMPTY}, "fetched"),
        ("nothing", {"json": PAGE}, "fetched"),
        ("nothing", {"json": PAGE | {"total": 9}}, "partial"),
        ("nothing", {"status": 403}, "failed"),
    ],
)
def test_states(seen: Seen, sent: Any, found: dict[str, Any] | None, state: State) -> None:
    """Each key is seen once, as what became of it."""
    servers = FhirServers(OpenServers(), watch=seen)
    prefetch = {"patient": PATIENT, "conditions": sent, "reports": EMPTY}
    if sent == "nothing":
        del prefetch["conditions"]
    with responses.RequestsMock() as mock:
        if found:
            mock.get(f"{BASE}/Condition", **found)
        gather(
            prefetch,
            queries=QUERIES,
            required=(),
            reader=servers.reader(BASE, token="t", seconds=5),  # noqa: S106
            watch=seen,
        )
    assert seen.states == [{"patient": "present", "conditions": state, "reports": "empty"}]


@pytest.mark.parametrize("prefetch", [{}, {"patient": FAILED}, {"patient": "x"}])
def test_states_of_a_failure(seen: Seen, prefetch: dict[str, Any]) -> None:
    """Where there is no answer for want of data, the keys are seen all the same."""
    with pytest.raises(ServiceError):
        gather(prefetch, queries=QUERIES, required=("patient",), watch=seen)
    (states,) = seen.states
    assert states["conditions"] == "missing"
    assert states["patient"] == ("failed" if prefetch else "missing")


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ({"json": EMPTY}, "answered"),
        ({"status": 401}, "refused"),
        ({"status": 302, "headers": {"Location": "https://other.example.org"}}, "unusable"),
        ({"status": 500}, "failed"),
        ({"status": 503, "headers": {"Retry-After": "99"}}, "failed"),
        ({"body": "<html>"}, "unusable"),
        ({"body": responses.ConnectionError()}, "down"),
        ({"body": requests.Timeout()}, "slow"),
    ],
)
def test_outcomes(seen: Seen, answer: dict[str, Any], outcome: Outcome) -> None:
    """A question is seen once by how it ended, whatever was repeated."""
    reader = FhirServers(OpenServers(), watch=seen).reader(BASE, token="t", seconds=5)  # noqa: S106
    with responses.RequestsMock() as mock:
        mock.get(f"{BASE}/Condition", **answer)
        reader.read({"conditions": "Condition?patient=1"}, {})
    assert seen.asked == [(BASE, outcome)]


def test_breakers(seen: Seen) -> None:
    """A server that dies is seen to be left alone, and each question that is then not asked."""
    servers = FhirServers(OpenServers(), watch=seen)
    with responses.RequestsMock() as mock:
        mock.get(f"{BASE}/Condition", body=responses.ConnectionError())
        for _ in range(6):
            servers.reader(BASE, token="t", seconds=5).read({"conditions": "Condition?x"}, {})  # noqa: S106
    assert seen.breakers == [("https://9.9.9.9", "closed"), ("https://9.9.9.9", "open")]
    assert [outcome for _, outcome in seen.asked] == ["down"] * 5 + ["skipped"]


def test_forgotten_breakers(seen: Seen) -> None:
    """A breaker that is forgotten is seen to be: what is counted stays bounded."""
    breakers = Breakers(seen)
    for number in range(257):
        breakers.of(f"https://{number}")
    breakers.of("https://256")
    assert seen.breakers[-2:] == [("https://256", "closed"), ("https://0", None)]
