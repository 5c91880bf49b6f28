"""``cds-service screen``: an export in, a table of the patients who need a look out."""

import datetime as dt
import hashlib
import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from cds_service import __version__, terminology
from cds_service.commands.common import load_settings, warn
from cds_service.guideline import Guideline
from cds_service.guideline import read as read_guideline
from cds_service.screen import inputs, local
from cds_service.screen.errors import ScreenError
from cds_service.screen.evaluation import Screening
from cds_service.screen.inputs import Export
from cds_service.screen.output import Output, output_at
from cds_service.screen.report import Report
from cds_service.screen.state import BusyError, State

#: The exit code where something could not be read or evaluated; the rows are written.
INCOMPLETE = 3
_INTERRUPTED = 130
_SHOWN = 20


@click.command()
@click.argument("export")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    help="FILE.csv, FILE.parquet, or a directory for Parquet files.",
)
@click.option(
    "--date",
    type=click.DateTime(formats=["%Y-%m-%d"]),
    help="Today, for due dates; by default CDS_TODAY, else the real one.",
)
@click.option("--jobs", type=click.IntRange(1), help="Processes; by default one for each core.")
@click.option("--engine", type=click.Choice(("local", "spark")), default="local", show_default=True)
def screen(
    *, export: str, out: Path, date: dt.datetime | None, jobs: int | None, engine: str
) -> None:
    """Find the patients with the tumour, or with something to do about HLRCC, in an export.

    EXPORT is a FHIR Bulk Data export or any directory of NDJSON files and Bundles, or one such
    file; each may be compressed. There is one row for each of these patients. The report beside
    them says what could not be read.

    An interrupted run goes on when the same command is given again.

    Exits 0 when everything was read, 3 when something was not: the rows are written, and the
    report names it. 1 and 2: nothing was written.
    """
    settings = load_settings()
    today = date.date() if date else settings.today
    run = _on_spark if engine == "spark" else _here
    try:
        order = _Order(export, output_at(out, export=export), settings.guideline, today, jobs)
        report = run(order)
    except ScreenError as error:
        raise click.ClickException(str(error)) from None
    except (OSError, sqlite3.Error) as error:  # what is wrong with the export is in the report
        raise click.ClickException(
            f"The work cannot be written: {error}. The same command goes on from here."
        ) from None
    except KeyboardInterrupt:
        again = "" if engine == "spark" else " The same command goes on from here."
        click.echo(f"Interrupted.{again}", err=True)
        sys.exit(_INTERRUPTED)
    _tell(report, order.output)
    if report.problems:
        sys.exit(INCOMPLETE)


class _Order(NamedTuple):
    """What is to be done; ``guideline`` is the file of one in place of the package's."""

    export: str
    output: Output
    guideline: Path | None
    today: dt.date | None
    jobs: int | None

    @property
    def day(self) -> dt.date:
        """The day on which due dates are judged."""
        return self.today or dt.datetime.now().astimezone().date()


def _here(order: _Order) -> Report:
    if "://" in order.export:
        raise ScreenError(f"{order.export} is no path. To read addresses give --engine spark.")
    guideline = read_guideline(order.guideline)
    export = inputs.find(Path(order.export))
    own = order.guideline.read_bytes() if order.guideline else b""
    identity = {
        "export": export.fingerprint,
        "program": __version__,
        "guideline": f"{guideline.version} {hashlib.sha256(own).hexdigest()}",
        "valueSets": terminology.load().version,
        "today": order.day.isoformat(),
        "buckets": local.buckets_for(export),
    }
    # What is small is done before other processes have begun.
    jobs = order.jobs or (_cores() if export.weight > local.BUCKET else 1)
    try:
        with State(order.output.work, identity, any_day=order.today is None) as state:
            _say_whether_resumed(state)
            return _finish(export, order.output, state, guideline, jobs)
    except BusyError:
        raise ScreenError(f"Another run is writing {order.output.path}.") from None


def _finish(
    export: Export, output: Output, state: State, guideline: Guideline, jobs: int
) -> Report:
    with _progress() as progress:
        complete = local.read(export, state=state, jobs=jobs, progress=progress)
        if state.tally().is_empty:
            shutil.rmtree(output.work)
            raise ScreenError(f"{export.root} holds no FHIR resource.")
        today = dt.date.fromisoformat(str(state.identity["today"]))
        screening = Screening(today=today, guideline=guideline, lacking=complete.lacking)
        local.evaluate(screening, state=state, jobs=jobs, progress=progress)
    report = Report(
        export=export,
        engine="local",
        screening=screening,
        tally=state.tally(),
        completeness=complete,
        patients=state.patients,
    )
    output.write(state.rows(), report.as_json())
    shutil.rmtree(output.work)
    return report


def _say_whether_resumed(state: State) -> None:
    if state.resumed:
        click.echo(
            f"Goes on with the run that was interrupted: {len(state.buckets)} of "
            f"{state.identity['buckets']} parts are evaluated, as of {state.identity['today']}.",
            err=True,
        )
    elif state.found:
        warn("The export, the guideline, the program or the day has changed: begins anew.")


def _on_spark(order: _Order) -> Report:
    from cds_service.screen import spark  # noqa: PLC0415 - an extra

    guideline = read_guideline(order.guideline)
    if "://" not in order.export:
        inputs.find(Path(order.export))  # says what is wrong with it before Spark has started
    with spark.session(order.jobs) as session:
        order.output.work.mkdir(mode=0o700, exist_ok=True)
        try:
            return spark.run(
                session, order.export, order.output, guideline=guideline, today=order.day
            )
        finally:
            shutil.rmtree(order.output.work)


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on Linux
        return os.cpu_count() or 1


class _Bar(local.Progress):
    """The progress on a terminal."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._task = bars.add_task("")

    def begin(self, what: str, total: int, done: int) -> None:
        self._bars.remove_task(self._task)
        self._task = self._bars.add_task(what, total=total, completed=done)

    def advance(self, amount: int) -> None:
        self._bars.advance(self._task, amount)


@contextmanager
def _progress() -> Iterator[local.Progress]:
    console = Console(stderr=True)
    if not console.is_terminal:
        yield local.Progress()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bars:
        yield _Bar(bars)


def _tell(report: Report, output: Output) -> None:
    for line in report.lines(most=_SHOWN):
        click.echo(line, err=True)
    patients = report.patients
    rows = patients.get("row", 0)
    click.echo(f"{rows} rows of {sum(patients.values())} patients: {output.path}")
    click.echo(f"What was read, and what not: {output.report}")
