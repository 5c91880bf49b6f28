"""``create_app``: the one place where the parts meet."""

from flask import Flask

from cds_service import hooks
from cds_service.guideline import Guideline
from cds_service.guideline import load as load_guideline
from cds_service.hooks.base import Call, HookService
from cds_service.protocol.card import CardsResponse
from cds_service.settings import Settings
from cds_service.web import cds, surroundings
from cds_service.web import guideline as pages
from cds_service.web.cds import Answer

#: The base of links where no public address is set: what ``serve`` listens on by default.
DEFAULT_URL = "http://127.0.0.1:8000"


def create_app(
    settings: Settings, *, guideline: Guideline | None = None, answer: Answer | None = None
) -> Flask:
    """Return the WSGI application for ``settings``.

    ``guideline`` is the rule book, by default the one of the package; ``answer`` takes the
    place of the whole evaluation, for tests of the web alone.
    """
    guideline = guideline or load_guideline()
    app = Flask("cds_service.web")
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body
    # A redirect breaks a browser's preflight, and drops the body of a careless client's POST.
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.url_map.redirect_defaults = False
    surroundings.install(app, origins=settings.cors_origins)
    app.register_blueprint(cds.blueprint(hooks.services(), answer or _nothing))
    app.register_blueprint(cds.health())
    app.register_blueprint(pages.blueprint(guideline))
    return app


def _nothing(service: HookService, call: Call) -> CardsResponse:
    del service, call
    return CardsResponse()
