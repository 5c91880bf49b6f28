"""``cds-service call``: plays the EHR against a FHIR server, and shows the cards."""

import datetime as dt
import sys
import time

import click

from cds_service.fhirtools import ehr
from cds_service.fhirtools.server import FhirError, Server
from cds_service.replay import render
from cds_service.replay.layout import dumps
from cds_service.replay.outcome import Played, Result
from cds_service.replay.remote import Remote, UnreachableError

_OK = 200


@click.command()
@click.option("--fhir", "base", required=True, help="Base address of the FHIR server.")
@click.option("--patient", required=True, help="Id of the patient.")
@click.option("--hook", default="patient-view", show_default=True)
@click.option("--service", "url", help="Base URL of a running service; in-process by default.")
@click.option("--token", envvar="FHIR_TOKEN", help="Bearer token of the server; or FHIR_TOKEN.")
@click.option("--no-prefetch", is_flag=True, help="Send fhirServer alone: the service reads.")
@click.option("--about", multiple=True, metavar="TYPE/ID", help="What the hook is about.")
@click.option("--date", type=click.DateTime(formats=["%Y-%m-%d"]), help="Today; in-process only.")
@click.option(
    "--format",
    "form",
    type=click.Choice(("markdown", "json")),
    default="markdown",
    show_default=True,
)
def call(
    *,
    base: str,
    patient: str,
    hook: str,
    url: str | None,
    token: str | None,
    no_prefetch: bool,
    about: tuple[str, ...],
    date: dt.datetime | None,
    form: str,
) -> None:
    """Call the service as an EHR with this FHIR server would.

    The service's prefetch templates are filled by real searches, as far as the server can; what
    it cannot is left out, and said. Exits 1 if the service does not answer with cards.
    """
    try:
        server = Server(base, token=token)
        today = date.date() if date else None
        service: ehr.Service = Remote(url) if url else ehr.InProcess(server.base, today=today)
        entries = [entry for entry in service.discover() if entry.get("hook") == hook]
        if not entries:
            raise click.ClickException(f"The service offers no {hook}.")
        entry = entries[0]
        asked = ehr.request(
            server,
            hook=hook,
            patient=patient,
            templates=entry.get("prefetch") or {},
            keys=() if no_prefetch else None,
            about=about,
        )
        begun = time.monotonic()
        status, body = service.call(str(entry["id"]), asked.request)
    except (FhirError, UnreachableError) as error:
        raise click.ClickException(str(error)) from None
    seconds = time.monotonic() - begun
    for key, reason in asked.left_out.items():
        click.echo(f"not prefetched: {key}: {reason}", err=True)
    click.echo(f"HTTP {status} in {seconds * 1000:.0f} ms", err=True)
    if form == "json":
        click.echo(dumps(body))
    else:
        click.echo(_markdown(hook, status, body, patient, today))
    if status != _OK:
        sys.exit(1)


def _markdown(
    hook: str, status: int, body: dict[str, object], patient: str, today: dt.date | None
) -> str:
    cards = body.get("cards")
    played = Played(
        hook=hook,
        status=status,
        cards=tuple(cards) if isinstance(cards, list) else (),
        problem="" if status == _OK else dumps(body),
    )
    day = (today or dt.datetime.now().astimezone().date()).isoformat()
    result = Result(
        name=f"Patient/{patient}", path="", today=day, evaluation=None, played=(played,)
    )
    return render.markdown([result])
