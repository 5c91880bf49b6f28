"""``cds-service load``: charts into a FHIR server, one transaction for each."""

import sys
import time
from pathlib import Path

import click
from rich.console import Console
from rich.progress import track

from cds_service.fhirtools.charts import prepared, transaction
from cds_service.fhirtools.server import FhirError, Got, Server
from cds_service.replay import cases
from cds_service.replay.cases import CaseError
from cds_service.replay.client import Store

#: What a server says that does no transactions.
_NO_TRANSACTIONS = frozenset({404, 405, 501})


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--fhir", "base", required=True, help="Base address of the FHIR server.")
@click.option("--token", envvar="FHIR_TOKEN", help="Bearer token; or FHIR_TOKEN.")
@click.option("--keep-ids", is_flag=True, help="Leave the ids of resources as they are.")
@click.option(
    "--wait",
    default=0,
    type=click.IntRange(0),
    metavar="SECONDS",
    help="Wait for the server so long, where it is only starting.",
)
def load(
    *, paths: tuple[Path, ...], base: str, token: str | None, keep_ids: bool, wait: int
) -> None:
    """Load charts into a FHIR server.

    PATH is a chart (a FHIR Bundle) or a directory of charts. Each is one transaction of PUTs:
    to load it again changes nothing. The patient's id is put before the ids of the other
    resources, because charts share them. Exits 1 if any chart could not be loaded.
    """
    try:
        server = Server(base, token=token)
    except FhirError as error:
        raise click.ClickException(str(error)) from None
    if wait:
        _await(server, wait)
    files = [file for path in paths for file in cases.find(path)]
    console = Console(stderr=True)
    loaded, failed = 0, 0
    for file in track(files, "load", console=console, transient=console.is_terminal):
        try:
            case = cases.read(file)
        except CaseError as error:
            failed += 1
            click.echo(f"error: {error}", err=True)
            continue
        if case.store is None:
            click.echo(f"{file}: is a captured request, not a chart; left out", err=True)
            continue
        problem = put(server, prepared(case.store, keep_ids=keep_ids))
        if problem:
            failed += 1
            click.echo(f"error: {file}: {problem}", err=True)
        else:
            loaded += 1
            click.echo(f"Patient/{case.patient_id}  {case.name}")
    click.echo(f"{loaded} loaded, {failed} not")
    if failed:
        sys.exit(1)


def _await(server: Server, seconds: int) -> None:
    deadline = time.monotonic() + seconds
    while not (got := server.get("metadata")).ok:
        if time.monotonic() > deadline:
            raise click.ClickException(
                f"The server does not answer after {seconds} seconds: "
                f"{got.problem or f'HTTP {got.status}'}"
            )
        time.sleep(1)


def put(server: Server, store: Store) -> str:
    """Load one chart; returns what went wrong, "" where nothing did."""
    got = server.send("POST", "", transaction(store))
    if got.status in _NO_TRANSACTIONS:
        # The patient first: a server may insist that what is referred to is there.
        ordered = sorted(store.resources, key=lambda item: item["resourceType"] != "Patient")
        for resource in ordered:
            path = f"{resource['resourceType']}/{resource['id']}"
            problem = _problem(server.send("PUT", path, resource))
            if problem:
                return f"{path}: {problem}"
        return ""
    return _problem(got)


def _problem(got: Got) -> str:
    if got.problem:
        return got.problem
    entries = (got.body or {}).get("entry")
    for entry in entries if isinstance(entries, list) else ():
        status = str((entry.get("response") or {}).get("status", "")) if entry else ""
        if status and not status.startswith("2"):
            return f"an entry of the transaction was answered with {status}"
    return ""
