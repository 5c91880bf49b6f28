"""``cds-service db``: the tables of the database."""

import click

from cds_service.commands.common import load_settings
from cds_service.settings import DEFAULT_DATABASE
from cds_service.store import Store, StoreError


@click.group()
def db() -> None:
    """Look after the database of cards sent, feedback and used tokens."""


@db.command()
def upgrade() -> None:
    """Bring the tables to this version. ``serve`` does the same when it starts."""
    settings = load_settings()
    try:
        store = Store(
            settings.database_url or DEFAULT_DATABASE, text_days=settings.feedback_text_days
        )
        store.migrate()
    except StoreError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"The tables of {store.engine.url.render_as_string()} are of this version.")
