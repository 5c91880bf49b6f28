"""The black-box checks, against this service and against ones that break a requirement each."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask, Response, jsonify, request
from jwt.algorithms import ECAlgorithm
from werkzeug.serving import make_server

from cds_service import cli
from cds_service.app import create_app
from cds_service.conform.cards import problems
from cds_service.conform.checks import Outcome, run
from cds_service.conform.client import Client, Signer, request_for
from cds_service.conform.requirements import load
from cds_service.settings import Settings
from cds_service.trust import Client as Trusted

ORIGIN = "https://ehr.example.org"
CASE = Path(__file__).parents[2] / "fixtures/fhir/entered-dermal-margin-positive-reexcise"
Serve = Callable[[Flask], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Yield a starter of servers on this machine."""
    running = []

    def start(app: Flask) -> str:
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        running.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


def by_result(outcomes: list[Outcome], result: str) -> set[int]:
    """Return the requirements with this result."""
    return {outcome.requirement for outcome in outcomes if outcome.result == result}


def test_this_service(serve: Serve) -> None:
    """#6, #102, #171: this service breaks no requirement, cards included."""
    app = create_app(Settings(auth="off", cors_origins=(ORIGIN,)))
    sample = json.loads((CASE / "request.json").read_text())
    found = list(run(Client(serve(app)), samples=[sample], origin=ORIGIN))
    assert by_result(found, "fail") | by_result(found, "warn") == set()
    assert {1} == by_result(found, "skip")
    assert {4, 35, 39, 41, 93, 100, 156, 158, 171} <= by_result(found, "pass")


def test_with_tokens(serve: Serve) -> None:
    """#80: a service that authenticates is called with a token for each address."""
    key = ec.generate_private_key(ec.SECP384R1())
    public = json.loads(ECAlgorithm.to_jwk(key.public_key())) | {"kid": "k"}
    trusted = Trusted(name="kit", issuer="https://kit.example.org", jwks={"keys": [public]})
    # The address is known once the server is there: the audience is configured afterwards.
    apps: list[Flask] = []

    def late(environ: Any, start: Any) -> Any:
        return apps[0](environ, start)

    base = serve(late)  # type: ignore[arg-type]
    apps.append(create_app(Settings(public_url=base, clients=(trusted,), max_requests=0)))
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    sign = Signer(pem, "ES384", "k", trusted.issuer)
    found = list(run(Client(base + "/cds-services", sign=sign)))
    assert by_result(found, "fail") | by_result(found, "warn") == set()
    assert 80 in by_result(found, "pass")


def test_command(serve: Serve, tmp_path: Path) -> None:
    """The command ends with 0 for a good service and with 1 for a broken one or none."""
    base = serve(create_app(Settings(auth="off")))
    good = CliRunner().invoke(cli.main, ["conform", base])
    assert good.exit_code == 0, good.output
    assert "0 fail" in good.output
    broken = CliRunner().invoke(cli.main, ["conform", serve(service()), "--quiet"])
    assert broken.exit_code == 1
    assert "fail #35 MUST" in broken.output
    assert "pass #" not in broken.output
    assert CliRunner().invoke(cli.main, ["conform", "http://127.0.0.1:9"]).exit_code == 1
    (tmp_path / "x.json").write_text("{")
    (tmp_path / "y.json").write_text("[]")
    for wrong in (
        ["ftp://x"],
        [base, "--key", str(tmp_path / "x.json")],
        [base, "--request", str(tmp_path / "x.json")],
        [base, "--request", str(tmp_path / "y.json")],
    ):
        result = CliRunner().invoke(cli.main, ["conform", *wrong])
        assert result.exit_code == 1
        assert result.stderr.startswith("Error: ")


def service(answer: Any = None, **entry: Any) -> Flask:
    """Return a service that believes everything, and answers with ``answer``."""
    app = Flask("lax")
    own = {
        "id": "lax",
        "hook": "patient-view",
        "title": "Lax",
        "description": "Lax",
        "prefetch": {"patient": "Patient/{{context.patientId}}"},
    }

    @app.get("/cds-services")
    def discover() -> Response:
        entries = {name: value for name, value in (own | entry).items() if value is not None}
        return jsonify({"services": [entries]})

    @app.post("/cds-services/<_>")
    def call(_: str) -> Response:
        request.get_data()
        return jsonify({"cards": []} if answer is None else answer)

    return app


def test_lax_service(serve: Serve) -> None:
    """A service that checks nothing breaks what asks for checks."""
    found = list(run(Client(serve(service())), origin=ORIGIN))
    assert {4, 35, 36, 37, 39, 93, 102} <= by_result(found, "fail")
    assert 155 in by_result(found, "skip")


@pytest.mark.parametrize(
    ("entry", "result", "requirement"),
    [
        ({"description": None}, "fail", 12),
        ({"title": None}, "warn", 13),
        ({"prefetch": {"a": 1}}, "fail", 14),
        ({"prefetch": {"a": "Patient/{{context.draftOrders}}"}}, "warn", 29),
        ({"version": "3"}, "warn", 15),
        ({"id": "a b"}, "warn", 18),
        ({"hook": "org.example.own"}, "skip", 100),
    ],
)
def test_discovery(serve: Serve, entry: dict[str, Any], result: str, requirement: int) -> None:
    """A fault of the discovery is found under its number."""
    assert requirement in by_result(list(run(Client(serve(service(**entry))))), result)


GOOD: dict[str, Any] = {"summary": "s", "indicator": "info", "source": {"label": "l"}}
SUGGESTION: dict[str, Any] = {"label": "l"}


def with_suggestion(**changes: Any) -> dict[str, Any]:
    """Return a card with a suggestion."""
    return GOOD | {"selectionBehavior": "any", "suggestions": [SUGGESTION | changes]}


def with_action(**action: Any) -> dict[str, Any]:
    """Return a card with an action."""
    return with_suggestion(actions=[action])


@pytest.mark.parametrize(
    ("card", "requirement"),
    [
        ("card", 100),
        (GOOD | {"links": []}, 2),
        (GOOD | {"extension": {"a": None}}, 2),
        (GOOD | {"uuid": 1}, 110),
        (GOOD | {"summary": "x" * 140}, 111),
        (GOOD | {"detail": 1}, 112),
        (GOOD | {"indicator": "hard-stop"}, 113),
        (GOOD | {"source": "l"}, 114),
        (GOOD | {"source": {"url": "https://example.org"}}, 115),
        (GOOD | {"source": {"label": "l", "url": "page"}}, 116),
        (GOOD | {"source": {"label": "l", "icon": "http://["}}, 117),
        (GOOD | {"source": {"label": "l", "topic": {"code": "c"}}}, 118),
        (GOOD | {"suggestions": [SUGGESTION]}, 120),
        (GOOD | {"selectionBehavior": "all"}, 120),
        (GOOD | {"overrideReasons": [{"code": "c", "system": "s"}]}, 121),
        (GOOD | {"extension": "x"}, 123),
        (with_suggestion(label=1), 130),
        (with_suggestion(uuid=1), 131),
        (
            GOOD
            | {
                "selectionBehavior": "at-most-one",
                "suggestions": [SUGGESTION | {"isRecommended": True}] * 2,
            },
            132,
        ),
        (with_action(type="CREATE", description="d"), 135),
        (with_action(type="delete", resourceId="Task/1"), 136),
        (with_action(type="create", description="d", resource="Task"), 137),
        (with_action(type="delete", description="d", resourceId="1"), 138),
        (GOOD | {"links": [{"label": "l", "url": "/page", "type": "absolute"}]}, 145),
        (GOOD | {"links": [{"label": "l", "url": "https://a.example", "type": "web"}]}, 145),
        (
            GOOD
            | {
                "links": [
                    {
                        "label": "l",
                        "url": "https://a.example",
                        "type": "absolute",
                        "appContext": "x",
                    }
                ]
            },
            146,
        ),
    ],
)
def test_cards(card: Any, requirement: int) -> None:
    """Each fault of a card is found under its number, and no other."""
    assert {number for number, _ in problems({"cards": [card]})} == {requirement}


@pytest.mark.parametrize("body", [[], {}, {"cards": {}}, None])
def test_no_cards(body: object) -> None:
    """A body without the array is found."""
    assert [number for number, _ in problems(body)] == [100]


def test_good_cards() -> None:
    """Good cards, system actions and an empty array have no fault."""
    action = {"type": "create", "description": "d", "resource": {"resourceType": "Task"}}
    body = {"cards": [GOOD, with_action(**action)], "systemActions": [action]}
    assert list(problems(body)) == list(problems({"cards": []})) == []


def test_bad_cards_of_a_service(serve: Serve) -> None:
    """A service whose card is broken fails with the card's requirement."""
    found = list(run(Client(serve(service({"cards": [GOOD | {"indicator": "none"}]})))))
    assert 113 in by_result(found, "fail")


@pytest.mark.parametrize("hook", ["order-select", "order-sign", "encounter-start"])
def test_known_hooks(hook: str) -> None:
    """A good request is known for the common hooks, with values for every template."""
    made = request_for(
        {"hook": hook, "prefetch": {"a": "Patient/{{context.patientId}}", "b": "Task?x=1", "c": 1}}
    )
    assert made is not None
    assert made["prefetch"]["a"]["id"] == made["context"]["patientId"]
    assert made["prefetch"]["b"]["resourceType"] == "Bundle"
    assert made["prefetch"]["c"] is None


def test_requirements() -> None:
    """Every requirement has a level, its versions and words, once."""
    assert len(load()) > 90
    for item in load().values():
        assert item.level in {"MUST", "SHOULD", "MAY", "own"}
        assert set(item.versions) <= {"2.0", "3.0"}
        assert item.text
