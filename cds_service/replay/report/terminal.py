"""A comparison for a terminal, as Markdown, and as JSON."""

import re
from collections.abc import Iterator
from dataclasses import asdict

from rich.box import HORIZONTALS
from rich.console import Group
from rich.table import Table
from rich.text import Text

from cds_service.replay.client import Json
from cds_service.replay.compare import Comparison, counted
from cds_service.replay.outcome import as_json
from cds_service.replay.report.model import Report
from cds_service.replay.report.words import brief, visible

_STYLES = {"lost": "red", "gained": "green", "error": "bold red", "only": "bold", "window": "cyan"}


def table(report: Report) -> Group:
    """Return every difference as a row, and below them what they come to."""
    grid = Table(header_style="bold", box=HORIZONTALS, pad_edge=False, expand=True)
    for column, share in (("case", 2), ("what", 1), ("where", 2), ("there", 3), ("here", 3)):
        grid.add_column(column, overflow="fold", ratio=share)
    for each in report.differing:
        for number, change in enumerate(each.changes):
            before, after = brief(change.before, change.after)
            grid.add_row(
                "" if number else Text(visible(each.key), "bold"),
                Text(change.kind, _style(change.kind)),
                Text(visible(change.where)),
                Text(before, "red"),
                Text(after, "green"),
                end_section=number == len(each.changes) - 1,
            )
    return Group(*([grid] if report.differing else []), *(Text(line) for line in summary(report)))


def _style(kind: str) -> str:
    return next((style for word, style in _STYLES.items() if word in kind), "default")


def summary(report: Report) -> Iterator[str]:
    """Yield the lines that stand below the differences."""
    yield f"\nhere:  {report.now}"
    yield f"there: {report.against}"
    yield from report.remarks()
    if kinds := counted(report.differing):
        yield "differences: " + ", ".join(f"{many} {kind}" for kind, many in kinds.items())
    yield report.total()


def markdown(report: Report) -> str:
    """Return the comparison as Markdown."""
    lines = [f"# {report.total()}", ""]
    lines += [f"- {line.strip()}" for line in list(summary(report))[:-1]]
    for each in report.differing:
        lines += ["", f"## {_code(each.key)}", ""]
        for change in each.changes:
            before, after = brief(change.before, change.after)
            said = " → ".join(_code(text) if text else "nothing" for text in (before, after))
            nothing = not (before or after)
            lines.append(
                f"- **{change.kind}**, {_code(visible(change.where))}"
                + ("" if nothing else f": {said}")
            )
    return "\n".join(lines)


def _code(text: str) -> str:
    """Return text as Markdown code, which nothing in it can end."""
    line = " ".join(text.split())
    fence = "`" * (max(map(len, re.findall("`+", line)), default=0) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def as_data(report: Report, *, explain: bool = False) -> Json:
    """Return the run, and the comparison where there is one, for programs."""
    body: Json = {
        "cases": [as_json(each, explain=explain) for each in report.results],
        "errors": [{"path": str(e.path), "reason": e.reason} for e in report.errors],
    }
    if report.against:
        body["comparison"] = {
            "here": report.now,
            "there": report.against,
            "notes": list(report.remarks()),
            "same": [each.key for each in report.same],
            "differences": counted(report.differing),
            "cases": [_compared(each) for each in report.differing],
        }
    return body


def _compared(each: Comparison) -> Json:
    return {"case": each.key, "changes": [asdict(change) for change in each.changes]}
