"""``cds-service replay``: files in, cards and differences out."""

import datetime as dt
import io
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TextIO

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from cds_service import __version__, settings
from cds_service.replay import cases, render, saved
from cds_service.replay.against import Against, AgainstError, resolve
from cds_service.replay.cases import Case
from cds_service.replay.expectation import differences, rewritten
from cds_service.replay.keys import named
from cds_service.replay.layout import dumps
from cds_service.replay.outcome import Result
from cds_service.replay.play import Service
from cds_service.replay.remote import Remote, UnreachableError, without_secrets
from cds_service.replay.report import Report, terminal
from cds_service.replay.report.html import html
from cds_service.replay.report.junit import junit
from cds_service.replay.run import Entry, run
from cds_service.replay.saved import SavedError

_HOOKS = ("patient-view", "problem-list-item-create", "order-select", "order-sign")
_FORMATS = ("table", "json", "markdown", "junit", "html")
_MANY = 50


class CannotCompareError(click.ClickException):
    """There is nothing to compare with: that is neither "the same" nor "different"."""

    exit_code = 2


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--url", help="Base URL of a running service; in-process by default.")
@click.option("--hook", "hooks", multiple=True, type=click.Choice(_HOOKS), help="Only this hook.")
@click.option(
    "--date",
    type=click.DateTime(formats=["%Y-%m-%d"]),
    help="Today, for the evaluation; by default that of expected.json, else that of the saved "
    "result, else the real one.",
)
@click.option(
    "--against",
    metavar="DIR|URL|REV",
    help="Compare with saved results, with another running service, or with the guideline of "
    "another git revision: an existing directory, else an http address, else a revision.",
)
@click.option(
    "--save",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Keep the results in a directory of their own, to compare with later.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMATS),
    default="table",
    show_default=True,
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the report to a file.",
)
@click.option(
    "--explain",
    is_flag=True,
    help="Show why: the decision trace of every case (not in junit and html).",
)
@click.option("--update", is_flag=True, help="Rewrite expected.json from what was seen.")
def replay(  # noqa: PLR0913 - the options of the command line
    *,
    paths: tuple[Path, ...],
    url: str | None,
    hooks: tuple[str, ...],
    date: dt.datetime | None,
    against: str | None,
    save: Path | None,
    form: str,
    output: Path | None,
    explain: bool,
    update: bool,
) -> None:
    """Play charts and captured requests against the service.

    PATH is a chart (a FHIR Bundle), a captured hook request, a directory with chart.json or
    request.json, or a directory of those. Where there is an expected.json beside it, the
    result is compared with it; with --against it is compared with another version.

    Exits 1 when a result differs from its expectation (with --against: from the other version)
    or a file cannot be read, and 2 when there is nothing to compare with.
    """
    if update and against is not None:
        raise click.UsageError("--update makes the expectation; --against compares: choose one")
    files = _files(paths, output)
    try:
        # Before anything is played: it may take long, and then be in vain.
        if save:
            saved.check(save)
        other = _against(against)
        service = Remote(url).at if url else _in_process()
        day = date.date() if date else None
        entries = tuple(
            run(files, service=service, hooks=hooks, date=day, against=other, progress=_progress)
        )
        report = _report(_updated(entries) if update else entries, url, other)
        if save:
            saved.save(save, report.outcomes, versions=report.versions)
    except (UnreachableError, SavedError, AgainstError) as error:
        kind = click.ClickException if against is None else CannotCompareError
        raise kind(str(error)) from None
    _show(report, form, output, explain=explain)
    for each in report.errors:
        click.echo(f"error: {each}", err=True)
    if report.errors or report.failed:
        sys.exit(1)


def _files(paths: tuple[Path, ...], output: Path | None) -> Mapping[str, Path]:
    if output and not output.absolute().parent.is_dir():
        raise click.UsageError(f"--output: there is no directory {output.absolute().parent}")
    for path in paths:
        if not cases.find(path):
            raise click.UsageError(f"{path} holds no chart.json, request.json or other .json file")
    return named(paths)


def _against(text: str | None) -> Against | None:
    return None if text is None else resolve(text, guideline=settings.load()[0].guideline)


def _in_process() -> Callable[[dt.date], Service]:
    # only here: a replay against --url needs no clinical code
    from cds_service.replay.local import local  # noqa: PLC0415

    return partial(local, guideline=settings.load()[0].guideline)


def _report(entries: tuple[Entry, ...], url: str | None, other: Against | None) -> Report:
    return Report(
        entries=entries,
        service=f"the service at {without_secrets(url)}" if url else f"cds-service {__version__}",
        against=other.label if other else "",
        notes=other.notes if other else (),
    )


def _updated(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    return tuple(
        replace(entry, outcome=_update(entry.case, entry.outcome))
        if entry.case and isinstance(entry.outcome, Result)
        else entry
        for entry in entries
    )


def _progress(keys: Iterable[str]) -> Iterable[str]:
    console = Console(stderr=True)
    keys = tuple(keys)
    if len(keys) < _MANY and not (console.is_terminal and len(keys) > 1):
        yield from keys
        return
    columns = (TextColumn("replay"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=console.is_terminal) as progress:
        yield from progress.track(keys)


def _update(case: Case, result: Result) -> Result:
    expected = rewritten(result, case.expected)
    text = dumps(expected) + "\n"
    if expected != case.expected:
        case.expected_path.write_text(text, encoding="utf-8")
        click.echo(f"wrote {case.expected_path}", err=True)
    # what people wrote stays, and may still differ
    return replace(result, differences=differences(result, expected))


def _show(report: Report, form: str, output: Path | None, *, explain: bool) -> None:
    if output is None:
        _print(report, form, sys.stdout, explain=explain)
        return
    text = io.StringIO()
    _print(report, form, text, explain=explain)
    try:
        output.write_text(text.getvalue(), encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{output} cannot be written: {error.strerror}") from None
    click.echo(report.total())


def _print(report: Report, form: str, file: TextIO, *, explain: bool) -> None:
    if form == "json":
        click.echo(dumps(terminal.as_data(report, explain=explain)), file=file)
        return
    if form == "junit":
        click.echo(junit(report), file=file)
        return
    if form == "html":
        click.echo(html(report), file=file)
        return
    compared = bool(report.against)
    if form == "markdown":
        said = terminal.markdown(report) if compared else render.markdown(report.results)
        click.echo(said, file=file)
    else:
        grid = terminal.table(report) if compared else render.table(report.results)
        render.console(file).print(grid)
    if explain:
        click.echo(render.explained(report.results), file=file)
