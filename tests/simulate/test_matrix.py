"""The awkward-EHR matrix: every fixture under every behaviour, and what may come of it."""

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from cds_service.replay import cases
from cds_service.simulate import matrix
from cds_service.simulate.behaviours import BEHAVIOURS
from cds_service.simulate.command import grid
from cds_service.simulate.matrix import Answer, judge

FIXTURES = Path(__file__).parents[2] / "fixtures" / "fhir"
CASES = [cases.read(file) for file in cases.find(FIXTURES)]
SOURCE = {"source": {"topic": {"code": "margin"}}}
CARD: dict[str, Any] = {"summary": "x", "detail": "y", **SOURCE}
OTHER: dict[str, Any] = {"summary": "z", "detail": "y", **SOURCE}
ELSE: dict[str, Any] = {**OTHER, "source": {"topic": {"code": "hlrcc"}}}
UNREAD: dict[str, Any] = {"summary": "x", "detail": "**Could not be read:** reports.", **SOURCE}
LOST = ("reports",)
OTHER = CARD | {"detail": "Another detail."}


@pytest.fixture(scope="module")
def rows() -> list[matrix.Row]:
    """Play everything once."""
    return list(matrix.run(CASES))


def test_every_fixture_under_every_behaviour(
    rows: list[matrix.Row], capsys: pytest.CaptureFixture[str]
) -> None:
    """The same answer, an honest part of it or an error; and the table of it is printed."""
    with capsys.disabled():
        Console(highlight=False, width=150).print("\n", grid(matrix.table(rows)))
    assert [(row.case, row.behaviour, row.fault) for row in rows if row.fault] == []
    assert len(rows) == len(BEHAVIOURS) * len({row.case for row in rows})
    assert len({row.case for row in rows}) >= len(CASES) - 5


@pytest.mark.parametrize("name", [name for name, b in BEHAVIOURS.items() if "said" in b.allowed])
def test_each_loss_is_noticed_somewhere(rows: list[matrix.Row], name: str) -> None:
    """A behaviour that may lose data does lose some in at least one fixture, and it is said."""
    assert any(row.outcome == "said" for row in rows if row.behaviour == name)


@pytest.mark.parametrize(
    ("answer", "behaviour", "fault"),
    [
        (Answer(200, (CARD,)), "plain", None),
        (Answer(200, ()), "plain", "the answer differs"),
        (Answer(200, (UNREAD,), LOST), "plain", "said is not called for"),
        (Answer(200, (CARD,)), "401", "same is not called for"),
        (Answer(200, ()), "401", "the answer differs"),
        (Answer(412), "plain", "error is not called for"),
        (Answer(500), "401", "the status is 500"),
        (Answer(412, problem='{"x": "John Doe"}'), "401", "the error holds John Doe"),
        (Answer(200, (UNREAD,), LOST), "403-optional", None),
        (Answer(200, (UNREAD,)), "403-optional", "does not say"),
        (Answer(200, (UNREAD, CARD), LOST), "403-optional", None),
        (Answer(200, (UNREAD, OTHER), LOST), "403-optional", "does not say"),
        (Answer(200, (ELSE,), LOST), "403-optional", "does not say"),
        (Answer(200, ()), "403-optional", "does not say"),
        (Answer(200, (), LOST), "403-optional", None),
    ],
)
def test_the_judge(answer: Answer, behaviour: str, fault: str | None) -> None:
    """The judge of the matrix can find each kind of fault."""
    _, found = judge(answer, Answer(200, (CARD,)), BEHAVIOURS[behaviour])
    assert (found is None) if fault is None else fault in str(found)
