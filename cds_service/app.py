"""``create_app``: the one place where the parts meet."""

import datetime as dt
from contextlib import suppress
from dataclasses import replace
from typing import Any

from flask import Flask
from requests.adapters import BaseAdapter

from cds_service import cards, chart, hooks, rulebook
from cds_service.clinical import evaluate
from cds_service.clinical.plan import Plan
from cds_service.errors import PreconditionFailed, UpstreamUnavailable
from cds_service.facts import Chart
from cds_service.guideline import Guideline
from cds_service.guideline import load as load_guideline
from cds_service.hooks.base import Call, HookService, Selection
from cds_service.protocol import prefetch
from cds_service.protocol.card import CardsResponse
from cds_service.protocol.dialect import DEFAULT, speak
from cds_service.settings import Settings
from cds_service.store import SentCard, Store
from cds_service.trust import KeyRing, Verifier, addresses
from cds_service.web import about, cds, openapi, surroundings
from cds_service.web import guideline as pages
from cds_service.web.auth import Gate
from cds_service.web.cds import Answer
from cds_service.web.feedback import Recorder
from cds_service.web.messages import Limits

#: The extension of a response that names the kinds of data that could not be read, with the
#: reasons: where there is no card there is nothing else to tell an outage from "no advice".
UNREAD = "org.example.cds-service.unread"
#: Seconds of the deadline that are kept for what comes after reading.
_THINKING = 0.25
_EPIC_VERSION = "com.epic.cdshooks.request.fhir-version"
#: The base of links where no public address is set: what ``serve`` listens on by default.
DEFAULT_URL = "http://127.0.0.1:8000"


class Engine:
    """The walk of one call through chart, evaluation, hook and cards."""

    def __init__(
        self,
        settings: Settings,
        guideline: Guideline,
        *,
        transport: BaseAdapter | None = None,
        store: Store | None = None,
    ) -> None:
        """Keep what every call uses; no connection is made yet.

        ``store`` remembers the cards that are sent.
        """
        self._settings = settings
        self._store = store
        self._guideline = guideline
        self._servers = chart.FhirServers(
            chart.OpenServers(
                allowed=(*settings.fhir_servers, *_internal_servers(settings)),
                loopback=settings.auth == "off",
            ),
            search=settings.fhir_search,
            transport=transport,
        )

    def answer(self, service: HookService, call: Call) -> CardsResponse:
        """Return the cards for a call. Raises :class:`cds_service.errors.ServiceError`."""
        today = self._today()
        drafts = chart.drafts(
            call.context.new_orders, patient_id=call.context.patient_id, today=today
        )
        if service.touches:
            call = replace(call, topics=service.touches(drafts, call, self._guideline))
        try:
            read = drafts.added_to(self.read(service, call, today=today))
        except PreconditionFailed:
            if call.topics is None or call.topics:
                raise
            # Orders that are no matter of the guideline's: nothing is required to say nothing.
            return CardsResponse()
        plan = self.evaluate(read, today=today)
        selection = service.select(plan, read, call)
        dialect = call.caller.client.dialect if call.caller else DEFAULT
        trace = dialect.trace if call.caller else self._settings.trace
        response = CardsResponse(
            cards=cards.render(
                selection.shown,
                guideline=self._guideline,
                base_url=self._settings.public_url or DEFAULT_URL,
                patient_id=call.context.patient_id,
                cut=selection.cut,
            ),
            extension={
                **({UNREAD: dict(read.unread)} if read.unread else {}),
                **(self._trace(plan, read, selection, service) if trace else {}),
            },
        )
        self._record(service, call, selection, response)
        return speak(response, dialect)

    def _record(
        self, service: HookService, call: Call, selection: Selection, response: CardsResponse
    ) -> None:
        """Remember the cards that are being sent, for the feedback on them."""
        if self._store is None:
            return
        now = dt.datetime.now(dt.UTC)
        # A database that fails stands in the log, and must not withhold advice.
        with suppress(UpstreamUnavailable):
            self._store.record_cards(
                SentCard(
                    uuid=card.uuid or "",
                    topic=advice.topic,
                    rule=",".join(
                        dict.fromkeys(part.rule for part in advice.parts if part.state != "silent")
                    ),
                    guideline_version=self._guideline.version,
                    service=service.id,
                    client=call.caller.client.name if call.caller else "",
                    sent_at=now,
                )
                for advice, card in zip(selection.shown, response.cards, strict=True)
            )

    def _trace(
        self, plan: Plan, read: Chart, selection: Selection, service: HookService
    ) -> dict[str, Any]:
        shown = {advice.topic for advice in selection.shown}
        trace = cards.decision_trace(
            plan, guideline=self._guideline, chart=read, shown=shown, selects=service.selects
        )
        return {cards.EXTENSION: trace}

    def read(self, service: HookService, call: Call, *, today: dt.date) -> Chart:
        """Return the chart of a call's patient, from its prefetch and its FHIR server."""
        request, context = call.request, call.context
        token = request.fhir_authorization
        values = context.token_values()
        queries = {
            key: query
            for key, template in service.prefetch.items()
            if (query := prefetch.resolve(template, values)) is not None
        }
        found = chart.gather(
            request.prefetch,
            queries=queries,
            required=service.required,
            reader=self._servers.reader(
                request.fhir_server if self._may_ask(call) else None,
                token=token.access_token if token else None,
                seconds=max(self._settings.deadline / 2, self._settings.deadline - _THINKING),
                version=chart.version_of(request.extension.get(_EPIC_VERSION)),
            ),
        )
        return chart.build(
            found.values,
            patient_id=context.patient_id,
            today=today,
            context_conditions=context.new_conditions,
            issues=found.issues,
        )

    def _may_ask(self, call: Call) -> bool:
        """Return whether the call's server is asked at all."""
        if call.topics is not None and not call.topics:
            return False
        server = addresses.normal(call.request.fhir_server or "")
        listed = {addresses.normal(address) for address in self._settings.fhir_servers}
        return (
            call.request.fhir_authorization is not None or call.caller is None or server in listed
        )

    def evaluate(self, read: Chart, *, today: dt.date) -> Plan:
        """Return what the guideline says for a chart."""
        return evaluate(read, self._guideline, today=today)

    def _today(self) -> dt.date:
        return self._settings.today or dt.datetime.now().astimezone().date()


def _internal_servers(settings: Settings) -> tuple[str, ...]:
    """Return the clients' servers that may lie in a private network."""
    clients = settings.clients if settings.auth == "required" else ()
    return tuple(server for client in clients for server in client.internal_servers)


def create_app(
    settings: Settings,
    *,
    guideline: Guideline | None = None,
    answer: Answer | None = None,
    transport: BaseAdapter | None = None,
    store: Store | None = None,
) -> Flask:
    """Return the WSGI application for ``settings``.

    ``guideline`` is the rule book, by default the one of the package; ``answer`` takes the
    place of the whole evaluation, for tests of the web alone, ``transport`` that of the network;
    ``store`` that of the database of the settings. Raises :class:`cds_service.store.StoreError`.
    """
    guideline = guideline or load_guideline()
    store = store or Store(settings.database_url, text_days=settings.feedback_text_days)
    store.migrate()
    gate = Gate(
        settings,
        base_url=settings.public_url or DEFAULT_URL,
        verifier=Verifier(
            settings.clients,
            keys=KeyRing(settings.clients),
            seen=store,
            skew=settings.token_skew,
            longest=settings.token_life,
        ),
    )
    app = Flask("cds_service.web")
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body
    # A redirect breaks a browser's preflight, and drops the body of a careless client's POST.
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.url_map.redirect_defaults = False
    surroundings.install(app, origins=settings.cors_origins)
    app.register_blueprint(
        cds.blueprint(
            hooks.services(),
            answer or Engine(settings, guideline, transport=transport, store=store).answer,
            gate=gate,
            recorder=Recorder(store, guideline, keep_text=settings.feedback_text_days > 0),
            limits=Limits(depth=settings.max_depth, entries=settings.max_entries),
        )
    )
    app.register_blueprint(cds.health())
    app.register_blueprint(openapi.blueprint(hooks.services()))
    book = rulebook.load(guideline)
    app.register_blueprint(pages.blueprint(book))
    app.register_blueprint(pages.resources(book))
    app.register_blueprint(about.blueprint(book))
    return app
