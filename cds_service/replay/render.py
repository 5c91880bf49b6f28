"""Results for people: a table, or the cards as an EHR would show them."""

from collections.abc import Iterable, Iterator
from typing import TextIO

from rich.box import HORIZONTALS
from rich.console import Console, Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from cds_service.cards.trace import lines
from cds_service.replay.client import Json
from cds_service.replay.layout import dumps
from cds_service.replay.outcome import Evaluation, Played, Result, topic

_STYLES = {
    "act": "bold cyan",
    "warning": "bold yellow",
    "withheld": "magenta",
    "inform": "default",
    "done": "green",
    "silent": "dim",
}
_WIDTH_OF_A_FILE = 150


def console(file: TextIO) -> Console:
    """Return a console that writes to ``file``; wide where nothing limits the width."""
    width = None if file.isatty() else _WIDTH_OF_A_FILE
    return Console(file=file, highlight=False, soft_wrap=False, width=width)


def table(results: Iterable[Result]) -> Group:
    """Return the table of the results, with the differences below it."""
    results = tuple(results)
    grid = Table(header_style="bold", box=HORIZONTALS, show_lines=True, pad_edge=False)
    for column in ("case", "tumour", "states", "window", "cards", ""):
        grid.add_column(column, overflow="fold")
    for result in results:
        said = result.evaluation
        grid.add_row(
            result.name,
            "\n".join(_tumours(said)),
            _states(said),
            "\n".join(_windows(said)),
            "\n".join(map(_hook, result.played)),
            _verdict(result),
        )
    return Group(grid, *_differences(results), Text(_total(results)))


def markdown(results: Iterable[Result]) -> str:
    """Return the cards of every case as an EHR shows them, in Markdown."""
    return "\n".join(line for result in results for line in _case(result))


def explained(results: Iterable[Result]) -> str:
    """Return the decision trace of every case, and what each hook showed of it."""
    found: list[str] = []
    for result in results:
        found += ["", f"## {result.name}", ""]
        if result.evaluation is None:
            found.append("not evaluated in this process: the answers alone are known")
            continue
        found += lines(result.evaluation.trace)
        found += [f"{played.hook} shows: {_shown(played)}" for played in result.played]
    return "\n".join(found)


def _shown(played: Played) -> str:
    if played.problem:
        return f"an error: {played.problem}"
    return ", ".join(topic(card) for card in played.cards) or "no card"


def _tumours(said: Evaluation | None) -> Iterator[str]:
    for tumour in said.tumours if said else ():
        yield f"{escape(tumour['site']) or 'no site'}: {tumour['depth']}"


def _states(said: Evaluation | None) -> Text:
    text = Text()
    for name, one in (said.topics if said else {}).items():
        if one["state"] != "silent":
            warned = one.get("indicator") == "warning"
            style = _STYLES["warning" if warned else one["state"]]
            text.append("\n" if text else "").append(f"{name} ")
            text.append(one["state"] + (" (warning)" if warned else ""), style)
    return text or Text("all silent" if said else "", "dim")


def _windows(said: Evaluation | None) -> Iterator[str]:
    for window in said.windows if said else ():
        lenient = window["lenient_latest"]
        more = f" ({lenient})" if lenient != window["latest"] else ""
        yield f"{window['depth']} {window['status']}:"
        yield f"{window['earliest']} to {window['latest']}{more}"


def _hook(played: Played) -> str:
    shown = ", ".join(topic(card) or "?" for card in played.cards) or "none"
    return f"{played.hook}: {f'HTTP {played.status}' if played.problem else escape(shown)}"


def _verdict(result: Result) -> Text:
    if result.differences is None:
        return Text("no expectation", "dim")
    if result.failed:
        return Text("differs", "bold red")
    return Text("as expected", "green")


def _differences(results: Iterable[Result]) -> Iterator[Text]:
    for result in results:
        for each in result.differences or ():
            text = Text().append(f"\n{result.name} ", "bold").append(each.where)
            text.append("\n  expected ").append(_value(each.expected), "green")
            yield text.append("\n  got      ").append(_value(each.actual), "red")
        for played in result.played if result.differences is None else ():
            if played.problem:
                answer = f"{played.hook}: HTTP {played.status}: {played.problem}"
                yield Text().append(f"\n{result.name} ", "bold").append(answer, "red")


def _value(value: object) -> str:
    """Return an expected or actual value; cards and windows one a line."""
    if isinstance(value, list) and value:
        return "\n           ".join(dumps(item) for item in value)
    return dumps(value)


def _total(results: tuple[Result, ...]) -> str:
    compared = [result for result in results if result.differences is not None]
    failed = sum(result.failed for result in compared)
    more = f", {len(results) - len(compared)} without expectation" * (len(compared) < len(results))
    return f"\n{len(compared) - failed} as expected, {failed} with differences{more}"


def _case(result: Result) -> Iterator[str]:
    yield f"# {result.name}\n"
    for played in result.played:
        yield f"## {played.hook}, {result.today}\n"
        if played.problem:
            yield f"HTTP {played.status}: {played.problem}\n"
        elif not played.cards:
            yield "No card.\n"
        for card in played.cards:
            yield from _card(card)
    for each in result.differences or ():
        expected, actual = dumps(each.expected), dumps(each.actual)
        yield f"- **differs** at `{each.where}`: expected `{expected}`, got `{actual}`\n"


def _card(card: Json) -> Iterator[str]:
    yield f"### {str(card.get('indicator', '')).upper()} · {card.get('summary', '')}\n"
    if card.get("detail"):
        yield f"{card['detail']}\n"
    for suggestion in card.get("suggestions") or ():
        mark = " (recommended)" if suggestion.get("isRecommended") else ""
        yield f"- [ ] {suggestion.get('label', '')}{mark}"
    reasons = " · ".join(str(r.get("display", "")) for r in card.get("overrideReasons") or ())
    if reasons:
        yield f"\nOverride: {reasons}"
    for link in card.get("links") or ():
        yield f"\n[{link.get('label', '')}]({link.get('url', '')})"
    source = card.get("source") or {}
    yield f"\n_{source.get('label', '')}_\n"
