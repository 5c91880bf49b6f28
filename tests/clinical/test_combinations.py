"""Every combination of depth, margin, width, grade, time, spread and treatment has one row.

The rows are written here a second time, from the contract and not from the code: for each
topic the first condition that holds names the rule.
"""

import itertools
from dataclasses import dataclass
from typing import Any

import pytest

from cds_service.facts import Record

from .charts import (
    CUTANEOUS_LMS,
    HISTOLOGIC_GRADE,
    condition,
    observation,
    plan_of,
    procedure,
    report,
    rules,
)

NAMES = {
    "dermal": "Dermal leiomyosarcoma, left thigh",
    "subcutaneous": "Subcutaneous leiomyosarcoma, left thigh",
    "unknown": "Cutaneous leiomyosarcoma, left thigh",
    "conflicting": "Dermal leiomyosarcoma, left thigh",
}
MINIMUM = {"dermal": 10, "subcutaneous": 20}
#: Surgery, by the state of follow-up that it gives on 1 December 2026 without a visit.
TIMES = {"recent": "2026-10-20", "old": "2026-04-20"}
MARGINS: tuple[tuple[str, int | None], ...] = (
    ("no surgery", None),
    ("positive", None),
    ("unknown", None),
    ("clear", None),
    ("clear", 9),
    ("clear", 10),
    ("clear", 20),
)


@dataclass(frozen=True)
class Combination:
    """One patient."""

    depth: str
    margin: str
    width: int | None
    kind: str
    when: str
    grade: str
    metastatic: bool
    radiation: str
    history: bool

    @property
    def operated(self) -> bool:
        """Whether there was surgery."""
        return self.margin != "no surgery"

    @property
    def unclear(self) -> bool:
        """Whether the depth is unknown or conflicting."""
        return self.depth not in MINIMUM

    @property
    def records(self) -> list[Record]:
        """The chart of the patient."""
        found: list[Record] = [
            condition(
                NAMES[self.depth],
                CUTANEOUS_LMS,
                id="c",
                status="resolved" if self.history else "active",
                recorded="2026-04-01",
            ),
            observation(HISTOLOGIC_GRADE, self.grade, on="2026-04-02"),
        ]
        if self.depth == "conflicting":
            found += [
                report("Biopsy, left thigh: subcutaneous leiomyosarcoma.", on="2026-04-02"),
                report("Biopsy, left thigh: dermal leiomyosarcoma.", on="2026-04-03"),
            ]
        if self.operated:
            outcome = {"positive": "Deep margin positive", "clear": "Margins clear"}.get(
                self.margin
            )
            if self.width:
                outcome = f"Margins clear, closest margin {self.width} mm"
            found.append(procedure(self.kind, on=TIMES[self.when], outcome=outcome))
        if self.metastatic:
            found.append(condition("Metastatic leiomyosarcoma, lung", recorded="2026-11-05"))
        if self.radiation == "given":
            found.append(procedure("Radiotherapy, left thigh", on="2026-11-10"))
        if self.radiation == "refused":
            found.append(
                procedure("Radiotherapy", status="not-done", status_reason="Patient declined")
            )
        return found


def first(*rows: tuple[bool, str]) -> str:
    """Return the name of the first row whose condition holds."""
    return next(name for holds, name in rows if holds)


def margin_row(c: Combination) -> str:
    """Return the row of the margin topic, as the contract has it."""
    return first(
        (c.metastatic, "metastatic"),
        (c.history, "history-only"),
        (c.margin == "positive", "positive"),
        (c.unclear, "depth-unclear"),
        (not c.operated, "no-surgery"),
        (c.margin == "unknown", "status-not-found"),
        (c.kind.startswith("Mohs"), "clear-mohs"),
        (c.width is None, "width-not-stated"),
        ((c.width or 0) < MINIMUM.get(c.depth, 0), "below-minimum"),
        (True, "clear"),
    )


def radiation_row(c: Combination) -> str:
    """Return the row of the radiation topic, as the contract has it."""
    definitive = c.operated and c.margin != "positive"
    return first(
        (c.radiation == "given", "given"),
        (c.radiation == "refused", "refused"),
        (c.metastatic, "metastatic"),
        (c.history, "history-only"),
        (definitive and c.when == "old", "late"),
        (c.depth == "subcutaneous", "subcutaneous"),
        (c.unclear, "depth-unclear"),
        (c.margin == "positive", "dermal-positive-margin"),
        (c.grade == "G3", "dermal-high-grade"),
        (True, "dermal"),
    )


def surveillance_row(c: Combination) -> str:
    """Return the row of the surveillance topic, as the contract has it."""
    started = c.operated and (c.margin != "positive" or c.radiation == "given")
    recent = c.when == "recent" or c.margin == "positive"
    return first(
        (c.metastatic, "metastatic"),
        (c.unclear, "depth-unclear"),
        (not started, "no-start"),
        (recent, "not-yet-due"),
        (True, "overdue"),
    )


def diagnosis_row(c: Combination) -> str:
    """Return the row of the diagnosis topic, as the contract has it; a grade is on record."""
    return first(
        (c.depth == "conflicting", "depth-conflicting"),
        (c.depth == "unknown", "depth-unknown"),
        (True, "established"),
    )


def expected(c: Combination) -> dict[str, str]:
    """Return the rule of every topic."""
    return {
        "diagnosis": f"diagnosis.{diagnosis_row(c)}",
        "margin": f"margin.{margin_row(c)}",
        "radiation": f"radiation.{radiation_row(c)}",
        "systemic-therapy": "systemic-therapy." + ("metastatic" if c.metastatic else "localised"),
        "surveillance": f"surveillance.{surveillance_row(c)}",
        "hlrcc": "hlrcc.tumour-only",
    }


@pytest.mark.parametrize("depth", NAMES)
@pytest.mark.parametrize(("margin", "width"), MARGINS)
def test_every_combination_is_decided_by_its_row(
    depth: str, margin: str, width: int | None
) -> None:
    """Exactly one row answers for each topic, and it is the first that holds."""
    wrong: dict[Combination, Any] = {}
    for kind, when, grade, metastatic, radiation, history in itertools.product(
        ("Wide excision, left thigh", "Mohs surgery, left thigh"),
        TIMES,
        ("G1", "G3"),
        (False, True),
        ("none", "given", "refused"),
        (False, True),
    ):
        c = Combination(depth, margin, width, kind, when, grade, metastatic, radiation, history)
        plan = plan_of(*c.records)
        assert all(len(advice.parts) == 1 for advice in plan.advice)
        if rules(plan) != expected(c):
            wrong[c] = set(rules(plan).items()) - set(expected(c).items())
    assert wrong == {}
