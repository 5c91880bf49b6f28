"""The page on screening says what the code does."""

from cds_service.guideline import load
from cds_service.screen.row import COLUMNS

from .conftest import ROOT

PAGE = (ROOT / "docs" / "screen.md").read_text(encoding="utf-8")


def table(head: str) -> list[str]:
    """Return the lines of the page's table that begins so."""
    lines = PAGE[PAGE.index(head) :].splitlines()[2:]
    return lines[: lines.index("")] if "" in lines else lines


def test_every_column_is_documented() -> None:
    """The page has the columns of the rows, in their order."""
    assert table("| column | of | says |") == [
        f"| `{column.name}` | {column.of} | {column.says} |" for column in COLUMNS
    ]


def test_every_value_is_documented() -> None:
    """The page has every rule of every topic as a value."""
    guideline = load()
    assert table("| column | value | means |") == [
        f"| `{column.name}` | `{rule.id.partition('.')[2]}` | {guideline.fill(rule.when)} |"
        for column in COLUMNS
        for rule in guideline.rules.values()
        if column.topic and rule.topic == column.topic
    ]
