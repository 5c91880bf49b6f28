"""``cds-service trust``: for the operator, privately, why a token fails."""

import sys
from pathlib import Path

import click

from cds_service.commands.common import load_settings
from cds_service.errors import ServiceError
from cds_service.settings import DEFAULT_DATABASE
from cds_service.store import Store, StoreError
from cds_service.trust import KeyRing, Verifier
from cds_service.web.auth import base_addresses


@click.group()
def trust() -> None:
    """Look at clients and their tokens."""


@trust.command()
@click.argument("token")
@click.option(
    "--endpoint",
    metavar="URL",
    help="The address that was called; without it any address of the service will do.",
)
def check(token: str, endpoint: str | None) -> None:
    """Tell why TOKEN (- reads it from standard input) is accepted or refused.

    Nothing is stored, and the token is not used up. Exit code 1 where it is refused.
    """
    settings = load_settings()
    if not settings.clients:
        raise click.ClickException(
            "No client is configured: set CDS_CONFIG to a file with [clients.NAME] tables."
        )
    raw = (sys.stdin.read() if token == "-" else token).strip()  # noqa: S105 - no password
    raw = raw[7:].strip() if raw[:7].lower() == "bearer " else raw
    from cds_service import hooks  # noqa: PLC0415 - takes a while

    base = settings.public_url or "http://127.0.0.1:8000"
    audiences = base_addresses(base, [service.id for service in hooks.services()])
    try:
        store = Store(settings.database_url or _existing(DEFAULT_DATABASE))
        store.migrate()
    except StoreError as error:
        raise click.ClickException(str(error)) from None
    verifier = Verifier(
        settings.clients,
        keys=KeyRing(settings.clients),
        seen=store,
        skew=settings.token_skew,
        longest=settings.token_life,
    )
    refused = False
    try:
        for finding in verifier.inspect(raw, audiences=[endpoint] if endpoint else audiences):
            refused |= finding.problem is not None
            mark = click.style("ok  ", fg="green") if not finding.problem else _FAIL
            click.echo(f"{mark} {finding.check}" + f": {finding.problem}" * bool(finding.problem))
    except ServiceError as error:
        raise click.ClickException(error.message) from None
    click.echo("The token would be refused." if refused else "The token would be accepted.")
    sys.exit(int(refused))


def _existing(url: str) -> str | None:
    """Return the default database where there is one: looking at a token makes none."""
    return url if Path(url.removeprefix("sqlite:///")).exists() else None


_FAIL = click.style("FAIL", fg="red")
