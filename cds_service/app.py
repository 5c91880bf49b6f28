"""``create_app``: the one place where the parts meet."""

import datetime as dt
import functools
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from flask import Flask
from requests.adapters import BaseAdapter

from cds_service import __version__, hooks, rulebook, terminology
from cds_service.engine import DEFAULT_URL, Answered, Engine, Observer
from cds_service.errors import UpstreamUnavailable
from cds_service.guideline import Guideline
from cds_service.guideline import read as read_guideline
from cds_service.observe import warming
from cds_service.observe.audit import Audit
from cds_service.observe.metrics import Metrics
from cds_service.observe.readiness import Patient, Readiness
from cds_service.observe.seen import log
from cds_service.settings import Settings
from cds_service.store import SentCard, Store
from cds_service.trust import KeyRing, Verifier
from cds_service.web import about, cds, health, openapi, seen, surroundings
from cds_service.web import guideline as pages
from cds_service.web.auth import Gate, Limit
from cds_service.web.capturing import Capturer
from cds_service.web.cds import Answer
from cds_service.web.feedback import Recorder
from cds_service.web.messages import Limits

_KEPT = "cds_service.kept"
#: Where an application has its :class:`Readiness`.
READINESS = "cds_service.readiness"


@dataclass(frozen=True, slots=True)
class _Kept:
    """What outlives the settings."""

    store: Store
    keys: KeyRing
    limit: Limit
    metrics: Metrics

    @classmethod
    def of(cls, settings: Settings, store: Store | None, before: Flask | None) -> Self:
        old: Self | None = before.extensions[_KEPT] if before else None
        keys = KeyRing(settings.clients, before=old.keys if old else None)
        if old and not store:
            return cls(old.store, keys, old.limit, old.metrics)
        store = store or Store(
            settings.database_url,
            text_days=settings.feedback_text_days,
            audit_days=settings.audit_days,
        )
        store.migrate()
        metrics = Metrics()
        store.failed = metrics.database_failed
        return cls(store, keys, Limit(), metrics)


def create_app(
    settings: Settings,
    *,
    guideline: Guideline | None = None,
    answer: Answer | None = None,
    transport: BaseAdapter | None = None,
    store: Store | None = None,
    before: Flask | None = None,
) -> Flask:
    """Return the WSGI application for ``settings``.

    ``guideline`` is the rule book, by default the one of the settings; ``answer`` takes the
    place of the whole evaluation, for tests of the web alone, ``transport`` that of the network;
    ``store`` that of the database of the settings. ``before`` is the application of which this one
    takes the place: it leaves its store, the keys that it fetched and its count of requests.

    Raises :class:`cds_service.store.StoreError`, :class:`cds_service.guideline.GuidelineError` and
    :class:`cds_service.settings.SettingsError`.
    """
    guideline = guideline or read_guideline(settings.guideline)
    kept = _Kept.of(settings, store, before)
    gate = Gate(
        settings,
        base_url=settings.public_url or DEFAULT_URL,
        verifier=Verifier(
            settings.clients,
            keys=kept.keys,
            seen=kept.store,
            skew=settings.token_skew,
            longest=settings.token_life,
        ),
        limit=kept.limit,
    )
    services = hooks.services()
    observers, read_observers = [seen.answered, _remembering(kept.store)], []
    capturer = None
    if settings.capture:
        capturer = Capturer(settings, services=services, guideline=guideline)
        observers.append(capturer.has_answered)
        read_observers.append(capturer.has_read)
    engine = Engine(
        settings,
        guideline,
        transport=transport,
        observers=observers,
        read_observers=read_observers,
        watch=kept.metrics,
    )
    kept.metrics.describe(
        services=services,
        servers=(
            *settings.fhir_servers,
            *(server for client in settings.clients for server in client.fhir_servers),
        ),
        versions={
            "version": __version__,
            "guideline": guideline.version,
            "value_sets": terminology.load().version,
        },
    )
    app = Flask("cds_service.web")
    app.extensions[_KEPT] = kept
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body
    # A redirect breaks a browser's preflight, and drops the body of a careless client's POST.
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.url_map.redirect_defaults = False
    audit = Audit(kept.store, settings)
    sinks = (kept.metrics.count, log, *([audit.record] if settings.audit_days else []))
    seen.install(app, sinks)
    surroundings.install(app, origins=settings.cors_origins)
    calls = cds.blueprint(
        services,
        answer or engine.answer,
        gate=gate,
        recorder=Recorder(kept.store, guideline, keep_text=settings.feedback_text_days > 0),
        limits=Limits(depth=settings.max_depth, entries=settings.max_entries),
    )
    if capturer:
        capturer.install(calls)
    app.register_blueprint(calls)
    app.extensions[READINESS] = readiness = _readiness(settings, guideline, kept.store)
    app.register_blueprint(health.blueprint(readiness))
    if settings.metrics == "on":
        app.register_blueprint(health.metrics(kept.metrics, token=settings.metrics_token))
    app.register_blueprint(openapi.blueprint(services))
    book = rulebook.load(guideline)
    app.register_blueprint(pages.blueprint(book))
    app.register_blueprint(pages.resources(book))
    app.register_blueprint(about.blueprint(book))
    if settings.workbench:
        # It plays clients and so stands above this; only where it is switched on is it loaded.
        from cds_service import workbench  # noqa: PLC0415

        workbench.install(app, engine, settings)
    return app


def _readiness(settings: Settings, guideline: Guideline, store: Store) -> Readiness:
    """Return the checks of what a call needs."""
    unobserved = Engine(settings, guideline)
    services = hooks.services()

    @functools.cache
    def warm() -> str | None:
        return warming.walk(unobserved, services)

    return Readiness(
        {
            "guideline": lambda: None if guideline.rules else "it has no rules",
            "models": warm,
            "database": Patient(store.problem),
        }
    )


def _remembering(store: Store) -> Observer:
    """Return the observer that remembers cards, for the feedback on them and its report."""

    def remember(answered: Answered) -> None:
        call, now = answered.call, dt.datetime.now(dt.UTC)
        # A database that fails stands in the log, and must not withhold advice.
        with suppress(UpstreamUnavailable):
            store.record_cards(
                SentCard(
                    uuid=card.uuid or "",
                    topic=advice.topic,
                    rule=advice.rules,
                    guideline_version=answered.guideline.version,
                    service=answered.service.id,
                    client=call.caller.client.name if call.caller else "",
                    sent_at=now,
                    shadow=answered.shadow,
                )
                for advice, card in zip(
                    answered.selection.shown, answered.rendered.cards, strict=True
                )
            )

    return remember
