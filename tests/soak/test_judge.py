"""The soak's own judge: whatever goes wrong in a soak is found, and nothing else is."""

from itertools import pairwise
from typing import Any

import pytest

from .__main__ import _plan
from .judge import Disturbance, Exchange, Expected, Item, Judge, growth

OUTCOME = {"resourceType": "OperationOutcome", "issue": []}
ITEM: Item = ("1b8dd0fe-5b1b-4a6d-b5b4-0d5a6e9c7c11", "overridden", "2026-12-01T12:00:00")


def card(uuid: str, summary: str = "Consider re-excision") -> dict[str, Any]:
    """Return a card."""
    topic = {"code": "margin"}
    return {"uuid": uuid, "summary": summary, "source": {"topic": topic}, "detail": "All known."}


REFERENCE = {"cards": [card("one")]}


def seen(status: int, body: object, expected: Expected, *, at: float = 0.0) -> list[str]:
    """Return what the judge finds in one exchange."""
    judge = Judge()
    judge.see(
        Exchange(
            what="view: a case", began=at, ended=at + 1, status=status, body=body, expected=expected
        )
    )
    judge.look_at_connections([Disturbance("restart", 100, 110)])
    return list(judge.violations)


SAME = Expected(reference=REFERENCE)
DEAD = Expected.unreadable(REFERENCE, always=True)
FLAPPING = Expected.unreadable(REFERENCE, always=False)
TOLD = card("x") | {"detail": "**Could not be read:** pathology reports."}
UNREAD = {"extension": {"org.example.cds-service.unread": {"reports": "no connection"}}}


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, {"cards": [card("another")]}, SAME),
        (400, OUTCOME, Expected.refused(400)),
        (401, None, Expected.refused(401)),
        (412, OUTCOME, DEAD),
        (503, OUTCOME, DEAD),
        (504, OUTCOME, FLAPPING),
        (200, {"cards": [card("another")]}, FLAPPING),
        (200, {"cards": [TOLD]} | UNREAD, FLAPPING),
        (200, {"received": 2}, Expected()),
    ],
)
def test_what_may_be(status: int, body: object, expected: Expected) -> None:
    """An answer that is called for is no violation."""
    assert seen(status, body, expected) == []


@pytest.mark.parametrize(
    ("status", "body", "expected", "said"),
    [
        (500, OUTCOME, SAME, "status 500, not 200"),
        (503, OUTCOME, SAME, "status 503, not 200"),
        (504, OUTCOME, Expected.refused(400), "status 504, not 400"),
        (500, OUTCOME, DEAD, "status 500, not 412 or 503 or 504"),
        (502, "<html>", FLAPPING, "status 502"),
        (200, {"cards": []}, SAME, "another answer than the reference"),
        (200, {"cards": [card("x", "No re-excision")]}, SAME, "another answer"),
        (200, REFERENCE | UNREAD, SAME, "another answer"),
        (200, {"cards": []}, DEAD, "status 200"),
        (200, {"cards": []}, FLAPPING, "differs and does not say"),
        (200, {"cards": [card("x", "No re-excision")]}, FLAPPING, "differs and does not say"),
        (200, {"cards": [card("x", "No re-excision")]} | UNREAD, FLAPPING, "differs"),
        (400, {"error": "x"}, Expected.refused(400), "without an OperationOutcome"),
        (400, "Bad Request", Expected.refused(400), "without an OperationOutcome"),
        (401, OUTCOME, Expected.refused(401), "a 401 with a body"),
        (200, {"cards": []}, Expected.refused(401), "status 200, not 401"),
        (0, None, SAME, "no answer, and nothing was disturbed"),
    ],
)
def test_what_may_not_be(status: int, body: object, expected: Expected, said: str) -> None:
    """Each planted fault is found: an error of the service's own, and a wrong answer."""
    (violation,) = seen(status, body, expected)
    assert violation.startswith("view: a case: ")
    assert said in violation


@pytest.mark.parametrize(
    ("at", "fine"), [(99.5, True), (105, True), (111.5, True), (90, False), (113, False)]
)
def test_connections(at: float, fine: bool) -> None:  # noqa: FBT001
    """A connection may break off while something is restarted, and shortly before and after."""
    assert (seen(0, None, SAME, at=at) == []) is fine


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        ([ITEM], None),
        ([], "acknowledged, and stored 0 times"),
        ([ITEM, ITEM], "acknowledged, and stored 2 times"),
        ([(ITEM[0], "accepted", ITEM[2])], "stored 0 times"),
        ([(*ITEM[:2], "2026-12-01T12:00:01")], "stored 0 times"),
    ],
)
def test_feedback(stored: list[Item], said: str | None) -> None:
    """An acknowledged item that is lost, or there twice, is found."""
    judge = Judge(acknowledged={ITEM})
    judge.look_at_stored(stored, ())
    assert [said in violation for violation in judge.violations] == ([True] if said else [])


def test_refused_feedback_and_lost_cards() -> None:
    """An item of a refused batch that was stored, and a card nobody remembers, are found."""
    judge = Judge(refused={ITEM}, cards={"one", "two"})
    judge.look_at_stored([], {"one", "two", "three"})
    assert not judge.violations
    judge.look_at_stored([ITEM], {"one"})
    assert set(judge.violations) == {
        "feedback: refused, and stored all the same",
        "cards: shown, and not remembered",
    }


def measured(
    start: float, a_second: float, noise: float = 0.0, *, seconds: int = 150
) -> list[tuple[float, float]]:
    """Return a sample in kilobytes for each second."""
    return [(float(t), start + a_second * t + noise * (-1) ** t) for t in range(seconds)]


@pytest.mark.parametrize(
    ("samples", "leaks"),
    [
        (measured(110_000, 0), False),
        (measured(110_000, 0, noise=9_000), False),
        (measured(110_000, 70), False),
        (measured(110_000, 200), True),
        (measured(110_000, 200, noise=9_000), True),
        (measured(110_000, -1_000), False),
        (measured(2_000_000, 1_000), False),
        (measured(2_000_000, 2_000), True),
        (measured(110_000, 1_000, seconds=30), False),
        (measured(110_000, 2_000, seconds=30), True),
    ],
)
def test_memory(samples: list[tuple[float, float]], leaks: bool) -> None:  # noqa: FBT001
    """A process that grows steadily is found; noise, and a little growth, are not."""
    judge = Judge()
    judge.look_at_memory({1: measured(100_000, 0), 2: samples})
    assert bool(judge.violations) is leaks
    assert all("process 2" in violation for violation in judge.violations)


def test_growth() -> None:
    """Growth is that of the line through the samples, over their whole time."""
    assert growth(measured(1_000, 10, seconds=30)) == pytest.approx(290)


def test_nothing_measured() -> None:
    """Where no process lived long enough the soak cannot say that memory is flat."""
    judge = Judge()
    judge.look_at_memory({1: [(0.0, 1.0), (1.0, 1.0)]})
    assert list(judge.violations) == ["memory: no process lived long enough to be measured"]


def test_secrets_in_the_log() -> None:
    """A token or a name in the log is found."""
    judge = Judge()
    judge.look_at_log('{"event":"request"}', ("secret",))
    assert not judge.violations
    judge.look_at_log('{"event":"secret"}', ("secret",))
    assert list(judge.violations) == ["log: it holds secret"]


def test_a_soak_that_did_nothing() -> None:
    """What was never answered counts as not shown."""
    judge = Judge()
    judge.statuses["view", 200] += 1
    judge.statuses["slow", 0] += 1
    judge.look_for(["view", "slow", "dead"])
    assert set(judge.violations) == {
        "slow: no such request was answered",
        "dead: no such request was answered",
    }


@pytest.mark.parametrize("seconds", [45, 60, 600, 86_400])
def test_plan(seconds: float) -> None:
    """Workers are killed and the service restarted in the first half alone; reloads go on."""
    plan = list(_plan(seconds))
    times = [at for at, _ in plan]
    assert times == sorted(times)
    assert all(later - earlier >= 7 for earlier, later in pairwise(times))
    disturbing = [at for at, kind in plan if kind in {"kill", "restart"}]
    assert {"kill", "restart", "reload", "broken reload"} == {kind for _, kind in plan}
    assert max(disturbing) < seconds / 2 < max(times) < seconds
