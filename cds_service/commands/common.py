"""What commands share: the settings, and how they warn."""

import sys
from typing import TYPE_CHECKING

import click

from cds_service import settings as settings_module
from cds_service.guideline import GuidelineError
from cds_service.settings import DEFAULT_DATABASE, Settings, SettingsError

if TYPE_CHECKING:
    from cds_service.store import Store

_LOGS = "cds_service.logs"


class ServerCommand(click.Command):
    """A command whose standard error is a log, where it is no terminal: what it says is lines."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; an error that ends it is a line of the log, too."""
        ctx.meta[_LOGS] = not sys.stderr.isatty()
        try:
            return super().invoke(ctx)
        except (click.ClickException, SettingsError, GuidelineError) as error:
            if not ctx.meta[_LOGS]:
                raise
            _write(
                "error", error.message if isinstance(error, click.ClickException) else str(error)
            )
            ctx.exit(1)


def load_settings() -> Settings:
    """Return the settings of the environment. Raises what ends a command with one line."""
    settings, warnings = settings_module.load()
    for warning in warnings:
        warn(warning)
    return settings


def open_store(settings: Settings) -> "Store":
    """Return the store of the settings, its tables of this version."""
    from cds_service.store import Store, StoreError  # noqa: PLC0415 - takes a while

    try:
        store = Store(
            settings.database_url or DEFAULT_DATABASE,
            text_days=settings.feedback_text_days,
            audit_days=settings.audit_days,
        )
        store.migrate()
    except StoreError as error:
        raise click.ClickException(str(error)) from None
    return store


def warn(message: str) -> None:
    """Print a warning that is seen."""
    context = click.get_current_context(silent=True)
    if context and context.meta.get(_LOGS):
        _write("warning", message)
    else:
        click.secho(f"WARNING: {message}", fg="red", bold=True, err=True)


def _write(level: str, message: str) -> None:
    from cds_service.observe import logs  # noqa: PLC0415 - takes a while

    logs.write(level, message)
