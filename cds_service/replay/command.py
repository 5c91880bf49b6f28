"""``cds-service replay``: files in, cards and differences out."""

import datetime as dt
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from cds_service import settings
from cds_service.replay import cases, render
from cds_service.replay.cases import Case, CaseError
from cds_service.replay.expectation import differences, rewritten
from cds_service.replay.layout import dumps
from cds_service.replay.outcome import Result, as_json
from cds_service.replay.play import Service, play
from cds_service.replay.remote import Remote, UnreachableError

_HOOKS = ("patient-view", "problem-list-item-create", "order-select", "order-sign")
_MANY = 50


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--url", help="Base URL of a running service; in-process by default.")
@click.option("--hook", "hooks", multiple=True, type=click.Choice(_HOOKS), help="Only this hook.")
@click.option(
    "--date",
    type=click.DateTime(formats=["%Y-%m-%d"]),
    help="Today, for the evaluation; by default that of expected.json, else the real one.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(("table", "json", "markdown")),
    default="table",
    show_default=True,
)
@click.option("--explain", is_flag=True, help="Show why: the decision trace of every case.")
@click.option("--update", is_flag=True, help="Rewrite expected.json from what was seen.")
def replay(
    *,
    paths: tuple[Path, ...],
    url: str | None,
    hooks: tuple[str, ...],
    date: dt.datetime | None,
    form: str,
    explain: bool,
    update: bool,
) -> None:
    """Play charts and captured requests against the service.

    PATH is a chart (a FHIR Bundle), a captured hook request, a directory with chart.json or
    request.json, or a directory of those. Where there is an expected.json beside it, the
    result is compared with it.

    Exits 1 when a result differs from its expectation or a file cannot be read.
    """
    files = tuple(dict.fromkeys(file for path in paths for file in _files(path)))
    try:
        service = Remote(url).at if url else _in_process()
        results, broken = _play_all(
            files, service=service, hooks=hooks, date=date.date() if date else None
        )
    except UnreachableError as error:
        raise click.ClickException(str(error)) from None
    if update:
        results = [_update(case, result) for case, result in results]
    _print([result for _, result in results], broken, form, explain=explain)
    for each in broken:
        click.echo(f"error: {each}", err=True)
    if broken or any(result.failed for _, result in results):
        sys.exit(1)


_Pair = tuple[Case, Result]


def _files(path: Path) -> tuple[Path, ...]:
    found = cases.find(path)
    if not found:
        raise click.UsageError(f"{path} holds no chart.json, request.json or other .json file")
    return found


def _in_process() -> Callable[[dt.date], Service]:
    # only here: a replay against --url needs no clinical code
    from cds_service.replay.local import local  # noqa: PLC0415

    return partial(local, guideline=settings.load()[0].guideline)


def _play_all(
    files: tuple[Path, ...],
    *,
    service: Callable[[dt.date], Service],
    hooks: tuple[str, ...],
    date: dt.date | None,
) -> tuple[list[_Pair], list[CaseError]]:
    results: list[_Pair] = []
    broken: list[CaseError] = []
    for file in _progress(files):
        try:
            case = cases.read(file)
            results.append((case, play(case, service=service, hooks=hooks, date=date)))
        except CaseError as error:
            broken.append(error)
    return results, broken


def _progress(files: tuple[Path, ...]) -> Iterable[Path]:
    console = Console(stderr=True)
    if len(files) < _MANY and not (console.is_terminal and len(files) > 1):
        yield from files
        return
    columns = (TextColumn("replay"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=console.is_terminal) as progress:
        yield from progress.track(files)


def _update(case: Case, result: Result) -> _Pair:
    expected = rewritten(result, case.expected)
    text = dumps(expected) + "\n"
    if expected != case.expected:
        case.expected_path.write_text(text, encoding="utf-8")
        click.echo(f"wrote {case.expected_path}", err=True)
    # what people wrote stays, and may still differ
    return case, replace(result, differences=differences(result, expected))


def _print(results: list[Result], broken: list[CaseError], form: str, *, explain: bool) -> None:
    if form == "json":
        errors = [{"path": str(error.path), "reason": error.reason} for error in broken]
        click.echo(
            dumps({"cases": [as_json(each, explain=explain) for each in results], "errors": errors})
        )
    elif form == "markdown":
        click.echo(render.markdown(results))
    else:
        console = render.console(terminal=sys.stdout.isatty())
        console.print(render.table(results))
    if explain and form != "json":
        click.echo(render.explained(results))
