"""``cds-service feedback``: what became of the cards."""

import csv
import datetime as dt
import io
from collections.abc import Iterable
from html import escape
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from cds_service.commands.common import load_settings, open_store
from cds_service.store.report import Row, by_topic, rows

_BAR = 40
_DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def feedback() -> None:
    """Look at the feedback of clients."""


@feedback.command()
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "chart", "svg"]),
    default="table",
    show_default=True,
    help="A table, comma-separated values, bars of text, or bars as an SVG picture.",
)
@click.option("--by", type=click.Choice(["topic", "rule"]), default="rule", show_default=True)
@click.option("--since", type=_DAY, help="The first day on which cards were sent (UTC).")
@click.option("--until", type=_DAY, help="The last day on which cards were sent (UTC).")
def report(form: str, by: str, since: dt.datetime | None, until: dt.datetime | None) -> None:
    """Print how many cards were accepted and overridden, and why.

    Cards without feedback are neither: a card that is ignored is never reported. Under ``shadow``
    stand those that clients in shadow mode would have been sent, in no other number.
    """
    store = open_store(load_settings())
    found = rows(
        store, since=since.date() if since else None, until=until.date() if until else None
    )
    found = by_topic(found) if by == "topic" else found
    if form == "table":
        _print_table(found)
    else:
        shown = {"csv": _csv, "chart": _chart, "svg": _svg}[form](found)
        click.echo(shown, nl=False)


_HEAD = (
    "topic",
    "rule",
    "sent",
    "accepted",
    "overridden",
    "accept_rate",
    "override_rate",
    "reasons",
    "shadow",
)


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.topic,
        row.rule,
        str(row.sent),
        str(row.accepted),
        str(row.overridden),
        _percent(row.accept_rate),
        _percent(row.override_rate),
        "; ".join(f"{name}: {count}" for name, count in _sorted(row.reasons.items())),
        str(row.shadow),
    )


def _sorted(reasons: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    return sorted(reasons, key=lambda item: (-item[1], item[0]))


def _percent(rate: float | None) -> str:
    return "" if rate is None else f"{100 * rate:.1f}%"


def _print_table(found: Iterable[Row]) -> None:
    table = Table(*(name.replace("_", " ") for name in _HEAD))
    for row in found:
        table.add_row(*_cells(row))
    Console().print(table)


def _csv(found: Iterable[Row]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_HEAD)
    writer.writerows(_cells(row) for row in found)
    return text.getvalue()


def _chart(found: Iterable[Row]) -> str:
    lines = ["█ accepted  ▒ overridden  · no feedback\n"]
    for row in found:
        accepted, overridden = _parts(row, _BAR)
        rest = _BAR - accepted - overridden
        bar = "█" * accepted + "▒" * overridden + "·" * rest
        lines.append(f"{bar} {_label(row)}\n")
    return "".join(lines)


def _parts(row: Row, width: int) -> tuple[int, int]:
    whole = max(row.sent, row.accepted + row.overridden, 1)
    accepted = round(width * row.accepted / whole)
    return accepted, min(round(width * row.overridden / whole), width - accepted)


def _label(row: Row) -> str:
    name = f"{row.topic} {row.rule}".strip()
    shadow = f"; {row.shadow} in shadow mode" if row.shadow else ""
    return f"{name}: {row.accepted} accepted, {row.overridden} overridden of {row.sent}{shadow}"


def _svg(found: Iterable[Row]) -> str:
    width, height, items = 300, 24, list(found)
    parts: list[Any] = []
    for number, row in enumerate(items):
        top = number * height
        accepted, overridden = _parts(row, width)
        bars = ((0, width, "#ddd"), (0, accepted, "#2a7"), (accepted, overridden, "#c63"))
        parts += [
            f'<rect x="{left}" y="{top + 4}" width="{long}" height="16" fill="{colour}"/>'
            for left, long, colour in bars
        ]
        parts.append(f'<text x="{width + 8}" y="{top + 17}">{escape(_label(row))}</text>')
    size = f'width="900" height="{max(len(items), 1) * height}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" '
    return (
        f'{head}font-size="13"><title>Accepted and overridden cards</title>{"".join(parts)}</svg>\n'
    )
