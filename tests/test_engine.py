import datetime as dt
import json
from pathlib import Path

import pytest

from cds_service import hooks
from cds_service.engine import Answered, Engine
from cds_service.guideline import load
from cds_service.hooks.base import Call, HookService
from cds_service.protocol.dialect import load as profile
from cds_service.settings import Settings

CASE = Path(__file__).parents[1] / "fixtures/fhir/entered-dermal-margin-positive-reexcise"


@pytest.fixture
def seen() -> list[Answered]:
    """Return what the engine's observer has seen."""
    return []


@pytest.fixture
def engine(seen: list[Answered]) -> Engine:
    """Return an engine on the day of the worked cases, with an observer."""
    settings = Settings(auth="off", today=dt.date(2026, 12, 1))
    return Engine(settings, load(), observers=(seen.append,))


@pytest.fixture
def asked() -> tuple[HookService, Call]:
    """Return a captured request as the call of its service."""
    body = json.loads((CASE / "request.json").read_text())
    service = next(one for one in hooks.services() if one.hook == body["hook"])
    return service, service.read(body)


def test_work_is_not_observed(
    engine: Engine, asked: tuple[HookService, Call], seen: list[Answered]
) -> None:
    """Observers see what is answered, and not what is merely worked out."""
    engine.work(*asked)
    assert seen == []
    answered = engine.observed(*asked)
    assert seen == [answered]
    assert answered.today == dt.date(2026, 12, 1)


def test_another_day(engine: Engine, asked: tuple[HookService, Call]) -> None:
    """A call can be judged on another day than the service's: here before the excision."""
    earlier = engine.work(*asked, today=dt.date(2026, 10, 1)).trace
    assert earlier["today"] == "2026-10-01"
    unused = [(issue["where"], issue["reason"]) for issue in earlier["notUsed"]]
    assert unused == [("Procedure/ex-1", "is dated after today")]
    assert engine.work(*asked).trace["notUsed"] == []


def test_another_dialect(engine: Engine, asked: tuple[HookService, Call]) -> None:
    """A call can be answered in the dialect of a client that did not make it."""
    assert any(card.suggestions for card in engine.work(*asked).response.cards)
    spoken = engine.work(*asked, dialect=profile("oracle-health")).response.cards
    assert spoken
    assert not any(card.suggestions for card in spoken)
