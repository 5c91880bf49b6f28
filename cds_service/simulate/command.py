"""``cds-service simulate``: one chart served as an awkward EHR, or all of them as a table."""

import sys
import threading
from collections import Counter
from pathlib import Path

import click
from rich.console import Console
from rich.progress import track
from rich.table import Table

from cds_service.replay import cases
from cds_service.replay.cases import Case, CaseError
from cds_service.simulate import matrix
from cds_service.simulate.behaviours import BEHAVIOURS
from cds_service.simulate.ehr import Ehr
from cds_service.simulate.transport import serving

_COLUMNS = ("same", "said", "error", "FAULT")


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--behaviour",
    "behaviours",
    multiple=True,
    type=click.Choice(tuple(BEHAVIOURS)),
    metavar="NAME",
    help="How it is awkward; --list names the ways. Several only with --matrix.",
)
@click.option("--port", default=8090, show_default=True, type=click.IntRange(0, 65535))
@click.option("--page", type=click.IntRange(1), help="Entries on a page; all by default.")
@click.option("--matrix", "is_matrix", is_flag=True, help="Play every PATH under every behaviour.")
@click.option(
    "--list",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=lambda ctx, _, value: _list(ctx) if value else None,
    help="List the behaviours.",
)
def simulate(
    *,
    paths: tuple[Path, ...],
    behaviours: tuple[str, ...],
    port: int,
    page: int | None,
    is_matrix: bool,
) -> None:
    """Serve a chart as the FHIR server of an EHR that behaves awkwardly.

    PATH is a chart, a captured request, or a directory with one. With --matrix any number of
    them is played under every behaviour, in this process, and what the service answers is
    printed: the same cards as from an EHR without fault, cards that say what could not be read,
    or an error. Exits 1 if an answer is anything else.
    """
    found = [_case(file) for path in paths for file in cases.find(path)]
    if is_matrix:
        _matrix(found, behaviours)
        return
    if len(found) != 1 or len(behaviours) > 1:
        raise click.UsageError("Serve one chart with one behaviour, or use --matrix.")
    _serve(found[0], behaviours[0] if behaviours else "plain", port=port, page=page)


def _list(ctx: click.Context) -> None:
    for name, behaviour in BEHAVIOURS.items():
        click.echo(f"{name:20} {behaviour.help}")
    ctx.exit()


def _case(file: Path) -> Case:
    try:
        return cases.read(file)
    except CaseError as error:
        raise click.ClickException(str(error)) from None


def _serve(case: Case, name: str, *, port: int, page: int | None) -> None:
    store = matrix.store_of(case)
    if store is None:
        raise click.ClickException(f"{case.path} holds no chart with its Patient.")
    behaviour = BEHAVIOURS[name]
    if not behaviour.server:
        raise click.ClickException(f"{name} is a way of the client's; --matrix plays it.")
    try:
        with serving(Ehr(store, base="", behaviour=behaviour, page=page), port=port) as base:
            click.echo(
                f"{case.name}, as an EHR that is: {behaviour.help}.\n\n"
                f"  FHIR server  {base}\n"
                f"  Patient      {case.patient_id}\n\n"
                f"cds-service call --fhir {base} --patient {case.patient_id} --no-prefetch\n\n"
                "Ctrl-C ends it."
            )
            threading.Event().wait()
    except KeyboardInterrupt:
        return
    except OSError as error:
        raise click.ClickException(
            f"Cannot listen on port {port}: {error.strerror}. Choose another with --port."
        ) from None


def _matrix(found: list[Case], names: tuple[str, ...]) -> None:
    chosen = {name: BEHAVIOURS[name] for name in names or BEHAVIOURS}
    progress = Console(stderr=True)
    rows = list(
        track(
            matrix.run(found, behaviours=chosen),
            "simulate",
            total=len(found) * len(chosen),
            console=progress,
            transient=True,
        )
    )
    Console(highlight=False).print(grid(matrix.table(rows)))
    for row in rows:
        if row.fault:
            click.echo(f"{row.case}, {row.behaviour}: {row.fault}", err=True)
    if any(row.fault for row in rows):
        sys.exit(1)


def grid(counted: dict[str, Counter[str]]) -> Table:
    """Return the table of outcomes: behaviours down, outcomes across."""
    table = Table(header_style="bold", pad_edge=False)
    for name in ("behaviour", "is", *_COLUMNS):
        table.add_column(name, justify="left" if name in {"behaviour", "is"} else "right")
    for name, counts in counted.items():
        cells = []
        for column in _COLUMNS:
            parts = [
                f"{outcome.removeprefix('error ')}: {count}" if column == "error" else str(count)
                for outcome, count in counts.items()
                if outcome.startswith(column)
            ]
            cells.append(", ".join(parts))
        table.add_row(name, BEHAVIOURS[name].help, *cells)
    return table
