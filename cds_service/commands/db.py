"""``cds-service db``: the tables of the database."""

import click

from cds_service.commands.common import load_settings, open_store


@click.group()
def db() -> None:
    """Look after the database of cards sent, feedback, used tokens and the audit record."""


@db.command()
def upgrade() -> None:
    """Bring the tables to this version. ``serve`` does the same when it starts."""
    store = open_store(load_settings())
    click.echo(f"The tables of {store.engine.url.render_as_string()} are of this version.")
