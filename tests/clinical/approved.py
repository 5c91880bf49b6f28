"""The whole plan of every chart that a test of this folder builds, as it was approved.

A test asserts what it is about; beside it the plan of its chart stands in ``golden/built``,
so that a change nobody asserted is read too. ``python -m tests.clinical.golden`` writes them.
A test whose plans were never approved passes with its own assertions alone.
"""

import os
from collections import defaultdict
from functools import cache
from pathlib import Path

from cds_service.clinical.plan import Plan

from .rendered import plan_lines

FOLDER = Path(__file__).parent / "golden" / "built"
#: Set while the plans of this run become the approved ones.
WRITING = "APPROVE_PLANS"
#: Their charts are drawn, or are all combinations: their own tests say what has to hold.
LEFT_OUT = frozenset({"test_invariants", "test_combinations"})

_met: dict[str, dict[str, str]] = defaultdict(dict)


def check(module: str, test: str, plans: list[Plan]) -> None:
    """Compare the plans of a test with the approved ones, or note them where that is asked."""
    if not plans or module in LEFT_OUT:
        return
    found = "\n\n".join("\n".join(plan_lines(plan)) for plan in plans)
    if os.environ.get(WRITING):
        _met[module][test] = found
        return
    expected = _approved(module).get(test)
    assert expected is None or found == expected, (
        f"the plan of this chart is not the approved one in {FOLDER.name}/{module}.txt: "
        "if the change is meant, run python -m tests.clinical.golden and read the difference"
    )


@cache
def _approved(module: str) -> dict[str, str]:
    path = FOLDER / f"{module}.txt"
    if not path.exists():
        return {}
    sections = path.read_text(encoding="utf-8").removeprefix("## ").split("\n\n## ")
    return {
        name: text.rstrip("\n") for name, _, text in (item.partition("\n") for item in sections)
    }


def write() -> None:
    """Write the noted plans as the approved ones."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.glob("*.txt"):
        old.unlink()
    for module, tests in sorted(_met.items()):
        text = "\n\n".join(f"## {name}\n{found}" for name, found in tests.items())
        (FOLDER / f"{module}.txt").write_text(text + "\n", encoding="utf-8")
