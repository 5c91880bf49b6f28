"""``cds-service audit``: who asked about whom."""

import datetime as dt
from collections.abc import Iterable, Iterator

import click
import orjson
from sqlalchemy.exc import SQLAlchemyError

from cds_service.commands.common import load_settings, open_store

_DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def audit() -> None:
    """Look at the audit record of calls."""


@audit.command()
@click.option("--since", type=_DAY, help="The first day (UTC).")
@click.option("--until", type=_DAY, help="The last day (UTC).")
@click.option("--patient", metavar="ID", help="Only what is about this patient.")
@click.option("--user", metavar="TYPE/ID", help="Only what this user asked, as Practitioner/123.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["ndjson", "bundle"]),
    default="ndjson",
    show_default=True,
    help="One resource a line, or a Bundle of type collection.",
)
def export(
    since: dt.datetime | None,
    until: dt.datetime | None,
    patient: str | None,
    user: str | None,
    form: str,
) -> None:
    """Print the record as FHIR R4 AuditEvents, the oldest first.

    A patient or user who stands there as a digest is found with the CDS_AUDIT_KEY of that time.
    """
    settings = load_settings()
    from cds_service.engine import DEFAULT_URL  # noqa: PLC0415 - takes a while
    from cds_service.guideline import read as read_guideline  # noqa: PLC0415
    from cds_service.observe.audit import References  # noqa: PLC0415
    from cds_service.observe.auditevent import event  # noqa: PLC0415
    from cds_service.store.audit import rows  # noqa: PLC0415

    references = References(settings)
    about = references.spellings(f"Patient/{patient.removeprefix('Patient/')}") if patient else ()
    by = references.spellings(user) if user else ()
    canonical = read_guideline(settings.guideline).meta["canonical"]
    found = rows(
        open_store(settings),
        since=since.date() if since else None,
        until=until.date() if until else None,
        patient=about,
        user=by,
    )
    server = settings.public_url or DEFAULT_URL
    events = (orjson.dumps(event(row, server=server, canonical=canonical)) for row in found)
    try:
        for line in events if form == "ndjson" else _bundle(events):
            click.echo(line)
    except SQLAlchemyError as error:
        raise click.ClickException(f"The database failed: {type(error).__name__}.") from None


def _bundle(resources: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of a Bundle, however long it is."""
    before = b'{"resourceType":"Bundle","type":"collection","entry":['
    for resource in resources:
        yield before
        yield b'{"resource":' + resource + b"}"
        before = b","
    yield b"]}" if before == b"," else b'{"resourceType":"Bundle","type":"collection"}'
