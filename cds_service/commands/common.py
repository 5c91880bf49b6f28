"""What commands share: the settings, and how they warn."""

import click

from cds_service import settings as settings_module
from cds_service.settings import Settings


def load_settings() -> Settings:
    """Return the settings of the environment. Raises what ends a command with one line."""
    settings, warnings = settings_module.load()
    for warning in warnings:
        warn(warning)
    return settings


def warn(message: str) -> None:
    """Print a warning that is seen."""
    click.secho(f"WARNING: {message}", fg="red", bold=True, err=True)
