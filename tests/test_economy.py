"""What a call may cost, counted without a clock: how often it parses, reads, judges and asks.

docs/performance.md has what it takes in time.
"""

import datetime as dt
import importlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from pydantic import BaseModel

from cds_service import cards, engine
from cds_service.app import create_app
from cds_service.chart import index
from cds_service.clinical import lens
from cds_service.protocol import resource
from cds_service.settings import Settings
from cds_service.store import Store

CASE = Path(__file__).parents[1] / "fixtures/fhir/entered-dermal-margin-positive-reexcise"
TODAY = dt.date(2026, 12, 1)
LABS = 40
#: The module; the package has the function under this name.
build = importlib.import_module("cds_service.chart.build")
Count = Callable[..., list[Any]]


@pytest.fixture
def body() -> bytes:
    """Return a request that is answered with proposals, among ordinary values."""
    request = json.loads((CASE / "request.json").read_text())
    patient = request["context"]["patientId"]
    entries = request["prefetch"]["observations"].setdefault("entry", [])
    entries += [
        {
            "fullUrl": f"https://ehr.example.org/fhir/Observation/lab-{number}",
            "resource": {
                "resourceType": "Observation",
                "id": f"lab-{number}",
                "status": "final",
                "code": {"coding": [{"system": "http://loinc.org", "code": "2339-0"}]},
                "subject": {"reference": f"Patient/{patient}"},
                "effectiveDateTime": f"2026-11-02T10:{number:02}:00Z",
                "valueQuantity": {"value": 90 + number, "unit": "mg/dL"},
            },
        }
        for number in range(LABS)
    ]
    return orjson.dumps(request)


@pytest.fixture
def store() -> Iterator[Store]:
    """Yield a store in memory."""
    made = Store()
    yield made
    made.engine.dispose()


def app(store: Store, **settings: Any) -> Flask:
    """Return the application on the day of the worked cases."""
    return create_app(Settings(auth="off", today=TODAY, **settings), store=store)


def call(client: FlaskClient, body: bytes) -> dict[str, Any]:
    """Send a call, which is answered with cards that propose something."""
    path = f"/cds-services/cutaneous-leiomyosarcoma-{json.loads(body)['hook']}"
    response = client.post(path, data=body, content_type="application/json")
    assert response.status_code == 200
    answer: dict[str, Any] = json.loads(response.data)
    assert any(card.get("suggestions") for card in answer["cards"])
    return answer


@pytest.fixture
def warm(store: Store, body: bytes) -> FlaskClient:
    """Return a client of a service that has answered the call before."""
    client = app(store).test_client()
    call(client, body)
    return client


@pytest.fixture
def count(monkeypatch: pytest.MonkeyPatch) -> Count:
    """Return what counts the calls of a function: the list of their first arguments."""

    def counted(owner: Any, name: str, first: int = 0) -> list[Any]:
        seen: list[Any] = []
        original = getattr(owner, name)

        def counting(*arguments: Any, **named: Any) -> Any:
            seen.append(arguments[first] if arguments else None)
            return original(*arguments, **named)

        monkeypatch.setattr(owner, name, counting)
        return seen

    return counted


def test_one_parse(warm: FlaskClient, body: bytes, count: Count) -> None:
    """The body is parsed once, whole; nothing else of a call is JSON that has to be read."""
    parsed = count(orjson, "loads")
    others = count(json, "loads")
    path = f"/cds-services/cutaneous-leiomyosarcoma-{json.loads(body)['hook']}"
    others.clear()
    warm.post(path, data=body, content_type="application/json")
    assert parsed == [body]
    assert others == []


def test_one_evaluation(warm: FlaskClient, body: bytes, count: Count) -> None:
    """The chart is built and evaluated once, and rendered once."""
    built = count(engine.chart, "build")
    evaluated = count(engine, "evaluate")
    rendered = count(cards, "render")
    call(warm, body)
    assert [len(built), len(evaluated), len(rendered)] == [1, 1, 1]


def test_each_resource_is_read_once(
    warm: FlaskClient, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every resource of the prefetch is read once, also one that stands under two keys."""
    read: Counter[str] = Counter()
    readers = {}
    for kind, reader in build._READERS.items():  # noqa: SLF001 - counted here, seen nowhere else

        def counting(source: Any, *rest: Any, _reader: Any = reader, **named: Any) -> Any:
            read[source.reference] += 1
            return _reader(source, *rest, **named)

        readers[kind] = counting
    monkeypatch.setattr(build, "_READERS", readers)
    call(warm, body)
    assert set(read.values()) == {1}
    assert sum(reference.startswith("Observation/lab-") for reference in read) == LABS


def test_each_text_is_read_once(warm: FlaskClient, body: bytes, count: Count) -> None:
    """However many rules ask what a text says, it is read once."""
    read = count(lens, "read")
    call(warm, body)
    assert read
    assert Counter(read).most_common(1)[0][1] == 1


def test_contents_are_compared_where_duplicates_may_be(
    warm: FlaskClient, body: bytes, count: Count
) -> None:
    """Resources of different moments are no duplicates: their contents are not even made."""
    made = count(index, "content")
    call(warm, body)
    assert not [each for each in made if each["id"].startswith("lab-")]


def test_no_model_is_validated(
    warm: FlaskClient, body: bytes, count: Count, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a call two small models are built; no resource that comes or goes is one."""
    validated = count(resource, "_validate")
    models: list[type[BaseModel]] = []
    original = BaseModel.model_validate.__func__  # type: ignore[attr-defined]

    def noted(cls: type[BaseModel], *arguments: Any, **named: Any) -> Any:
        models.append(cls)
        return original(cls, *arguments, **named)

    monkeypatch.setattr(BaseModel, "model_validate", classmethod(noted))
    call(warm, body)
    assert validated == []
    assert [model.__name__ for model in models] == ["HookRequest", "ProblemListItemCreateContext"]


def test_a_new_shape_is_validated_once(
    store: Store, body: bytes, count: Count, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each shape of a proposal is validated when it is first made, and not again."""
    monkeypatch.setattr(resource, "_valid", set())
    validated = count(resource, "_validate")
    client = app(store).test_client()
    call(client, body)
    first = len(validated)
    assert first
    call(client, body)
    assert len(validated) == first


def test_no_trace_that_nobody_wants(warm: FlaskClient, body: bytes, count: Count) -> None:
    """Log, metrics and audit record do without the decision trace; who wants it gets it once."""
    traced = count(cards, "decision_trace")
    call(warm, body)
    assert traced == []
    call(app(Store(), trace=True).test_client(), body)
    assert len(traced) == 1


def test_two_statements(store: Store, warm: FlaskClient, body: bytes) -> None:
    """A call asks the database to keep its cards and its record, each in one transaction."""
    said: list[str] = []
    ended: list[str] = []
    sa.event.listen(store.engine, "before_cursor_execute", lambda *given: said.append(given[2]))
    sa.event.listen(store.engine, "commit", lambda _: ended.append("commit"))
    answer = call(warm, body)
    assert len(answer["cards"]) > 1
    assert [" ".join(text.split()[:3]) for text in said] == [
        "INSERT INTO card_sent",
        "INSERT INTO audit",
    ]
    assert len(ended) == 2
