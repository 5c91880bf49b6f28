"""The workbench: a page on which to put a chart or a request before the service, and see why.

A development tool of the demonstration, and of ``serve`` where CDS_WORKBENCH=1.
"""

from flask import Flask

from cds_service.engine import Engine
from cds_service.settings import Settings, SettingsError
from cds_service.workbench.pages import blueprint


def install(app: Flask, engine: Engine, settings: Settings) -> None:
    """Give ``app`` the page on which ``engine`` is asked; ``settings`` are theirs.

    Raises :class:`SettingsError` where callers must authenticate: the page cannot ask them to,
    and it shows patients' data.
    """
    if settings.auth != "off":
        raise SettingsError(
            "CDS_WORKBENCH=1 cannot be had together with client authentication: the workbench asks "
            "nobody for a token, and shows patient data. Use cds-service demo, or start a second "
            "service with CDS_AUTH=off CDS_WORKBENCH=1 on this machine alone."
        )
    app.register_blueprint(blueprint(engine, settings))
