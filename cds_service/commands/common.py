"""What commands share: the settings, and how they warn."""

import click

from cds_service import settings as settings_module
from cds_service.settings import Settings, SettingsError


def load_settings() -> Settings:
    """Return the settings of the environment, or end with one line that says what is wrong."""
    try:
        settings, warnings = settings_module.load()
    except SettingsError as error:
        raise click.ClickException(str(error)) from None
    for warning in warnings:
        warn(warning)
    return settings


def warn(message: str) -> None:
    """Print a warning that is seen."""
    click.secho(f"WARNING: {message}", fg="red", bold=True, err=True)
