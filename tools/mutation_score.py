"""Write the score of a mutation run into its page.

    python tools/mutation_score.py TREE docs/mutation.md

TREE is where ``mutmut run`` was started. Only the table between the two marks of the page
is replaced. Exits with 1 where fewer mutants than the page's least share were killed.
"""

import datetime as dt
import json
import re
import sys
from collections import Counter
from pathlib import Path

#: mutmut's exit codes: those of pytest, its own, and the signals that end a run out of time.
STATES = {
    **dict.fromkeys((1, 3), "killed"),
    **dict.fromkeys((24, 36, 152, 255, -24, -9), "timeout"),
    0: "survived",
    **dict.fromkeys((5, 33), "no tests"),
}
COLUMNS = ("killed", "timeout", "survived", "no tests", "not run")
BEGIN, END = "<!-- score -->", "<!-- end of score -->"
LEAST = 90


def counts(tree: Path) -> dict[str, Counter[str]]:
    """Return for each module how many of its mutants had which end."""
    folder = tree / "mutants" / "cds_service" / "clinical"
    found = {}
    for path in sorted(folder.rglob("*.meta")):
        ends = json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"].values()
        if ends:
            name = str(path.relative_to(folder)).removesuffix(".py.meta")
            found[name] = Counter(STATES.get(end, "not run") for end in ends)
    return found


def share(ends: Counter[str]) -> float:
    """Return the percentage that was noticed; a mutant without an end in time is noticed too."""
    run = ends.total() - ends["not run"]
    return 100 * (ends["killed"] + ends["timeout"]) / run if run else 0.0


def table(found: dict[str, Counter[str]]) -> str:
    """Return the counts as a table in markdown, all modules together last."""
    total = sum(found.values(), Counter())
    rows = ["| Module | Mutants | " + " | ".join(c.capitalize() for c in COLUMNS) + " | Share |"]
    rows.append("| --- |" + " ---: |" * (len(COLUMNS) + 2))
    for name, ends in [*((f"`{name}`", ends) for name, ends in found.items()), ("all", total)]:
        numbers = [str(ends[column]) for column in COLUMNS]
        rows.append(f"| {name} | {ends.total()} | {' | '.join(numbers)} | {share(ends):.1f} % |")
    return "\n".join(rows)


def main(tree: Path, page: Path) -> int:
    """Write the table, and return the exit code."""
    found = counts(tree)
    day = dt.datetime.now(dt.UTC).date()
    text = f"{BEGIN}\n\nMeasured by `make mutation` on {day}.\n\n{table(found)}\n\n{END}"
    old = page.read_text(encoding="utf-8")
    pattern = re.compile(re.escape(BEGIN) + ".*" + re.escape(END), re.DOTALL)
    page.write_text(pattern.sub(lambda _: text, old), encoding="utf-8")
    killed = share(sum(found.values(), Counter()))
    print(f"{killed:.1f} % killed; {page} has the table")
    return int(killed < LEAST)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
