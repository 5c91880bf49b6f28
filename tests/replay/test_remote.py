import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import responses
from click.testing import Result

Json = dict[str, Any]
Run = Callable[..., Result]

BASE = "http://127.0.0.1:9/base"


def serve(status: int = 200, **answer: Any) -> None:
    """Register a CDS service with the two hooks that answers so."""
    hooks = ("patient-view", "problem-list-item-create")
    services = [
        {"id": f"s-{hook}", "hook": hook, "prefetch": {"patient": "Patient/{{context.patientId}}"}}
        for hook in hooks
    ]
    responses.get(f"{BASE}/cds-services", json={"services": services})
    for service in services:
        responses.post(f"{BASE}/cds-services/{service['id']}", json=answer, status=status)


@responses.activate
@pytest.mark.parametrize("base", [BASE, BASE + "/", BASE + "/cds-services"])
def test_url_plays_a_running_service(
    case_dir: Path, run: Run, base: str, make_card: Callable[..., Json]
) -> None:
    """Templates come from the service's discovery; only its cards are compared."""
    serve(cards=[make_card()])
    result = run(case_dir, "--url", base)
    assert result.exit_code == 0, result.output
    sent = json.loads(responses.calls[1].request.body or "")
    assert sent["prefetch"]["patient"]["id"] == "p1"
    assert sent["hook"] == "patient-view"


@responses.activate
def test_url_shows_cards_that_differ(
    case_dir: Path, run: Run, make_card: Callable[..., Json]
) -> None:
    """A running service that answers otherwise is a difference."""
    serve(cards=[make_card("radiation")])
    result = run(case_dir, "--url", BASE)
    assert result.exit_code == 1
    assert "hooks.patient-view.cards" in result.stdout
    assert "topics" not in result.stdout


@responses.activate
def test_url_shows_refusals(case_dir: Path, run: Run) -> None:
    """An answer that is no card list is a difference with its status."""
    serve(status=401)
    result = run(case_dir, "--url", BASE)
    assert result.exit_code == 1
    assert "401 the answer holds neither cards nor an OperationOutcome" in result.stdout


@responses.activate
def test_a_url_that_is_no_service_is_one_clear_line(case_dir: Path, run: Run) -> None:
    """No connection, and an address that answers something else, both say what came."""
    down = run(case_dir, "--url", "http://127.0.0.1:9/down")
    assert down.exit_code == 1
    assert "is the service up?" in down.stderr
    responses.get("http://127.0.0.1:9/page/cds-services", body="<html>", status=200)
    page = run(case_dir, "--url", "http://127.0.0.1:9/page")
    assert page.exit_code == 1
    assert "HTTP 200 without a list of services" in page.stderr


@responses.activate
def test_a_service_that_goes_away_is_one_clear_line(case_dir: Path, run: Run) -> None:
    """A connection that breaks in the middle is an error and no traceback."""
    services = [{"id": "gone", "hook": "patient-view"}]
    responses.get(f"{BASE}/cds-services", json={"services": services})
    result = run(case_dir, "--url", BASE)
    assert result.exit_code == 1
    assert "gone: ConnectionError" in result.stderr
