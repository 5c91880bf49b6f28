"""What lasts is set apart from the garbage collector, at the start and after a reload."""

import datetime as dt
import gc
import weakref
from collections.abc import Iterator
from dataclasses import replace

import pytest

from cds_service.guideline import load
from cds_service.serving import memory, worker
from cds_service.serving.configuration import Configuration
from cds_service.serving.news import News
from cds_service.settings import Settings


class Knot:
    """An object that holds itself."""

    def __init__(self) -> None:
        """Tie it."""
        self.own = self


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Leave the collector as it was."""
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


def test_settle() -> None:
    """What is there is looked at no more; what has gone by the next time is found then."""
    knot = Knot()
    gone = weakref.ref(knot)
    before = gc.get_threshold()
    memory.settle()
    assert gc.get_freeze_count() > 0
    assert gc.get_threshold() > before
    del knot
    gc.collect()
    assert gone() is not None
    memory.settle()
    assert gone() is None


def test_a_worker_settles(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker settles when its application is built, and again when another takes its place."""
    settled: list[None] = []
    monkeypatch.setattr(memory, "settle", lambda: settled.append(None))
    settings = Settings(auth="off", audit_days=0)
    news = News(
        configuration=Configuration(settings=settings, guideline=load()),
        since=dt.datetime.now(dt.UTC),
    )
    application = worker.Application(news)
    assert len(settled) == 1
    application.take(news)
    assert len(settled) == 1
    changed = replace(news.configuration, settings=replace(settings, trace=True))
    application.take(replace(news, configuration=changed))
    assert len(settled) == 2
