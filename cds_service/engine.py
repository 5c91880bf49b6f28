"""The walk of one call through chart, evaluation, hook and cards, and what came of it."""

import datetime as dt
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from requests.adapters import BaseAdapter

from cds_service import cards, chart
from cds_service.chart.watch import UNWATCHED
from cds_service.clinical import evaluate
from cds_service.clinical.plan import Plan
from cds_service.errors import PreconditionFailed
from cds_service.facts import Chart, Kind
from cds_service.guideline import Guideline
from cds_service.hooks.base import Call, HookService, Selection
from cds_service.protocol import prefetch
from cds_service.protocol.card import CardsResponse
from cds_service.protocol.dialect import DEFAULT, Dialect, speak
from cds_service.settings import Settings
from cds_service.trust import addresses

#: The extension of a response that names the kinds of data that could not be read, with the
#: reasons: where there is no card there is nothing else to tell an outage from "no advice".
UNREAD = "org.example.cds-service.unread"
#: The base of links where no public address is set: what ``serve`` listens on by default.
DEFAULT_URL = "http://127.0.0.1:8000"
#: Seconds of the deadline that are kept for what comes after reading.
_THINKING = 0.25
_EPIC_VERSION = "com.epic.cdshooks.request.fhir-version"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """A chart, and what the guideline says for it."""

    chart: Chart
    plan: Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One call and all that came of it, for those who record, measure or explain it."""

    service: HookService
    call: Call
    guideline: Guideline
    #: The date on which due dates were judged.
    today: dt.date
    #: None where nothing had to be read: the orders are no matter of the guideline's.
    evaluated: Evaluated | None
    selection: Selection
    #: In the client's dialect.
    rendered: CardsResponse
    #: Whether the client is only watched: what was rendered is withheld from it.
    shadow: bool
    #: Seconds by phase: ``read``, ``evaluate``, ``render``.
    seconds: Mapping[str, float]

    @property
    def response(self) -> CardsResponse:
        """As the client gets it: in shadow mode nothing, so nothing that tells of the advice."""
        return CardsResponse() if self.shadow else self.rendered

    @property
    def trace(self) -> dict[str, Any]:
        """The decision trace; empty where nothing was evaluated. It quotes the chart."""
        if self.evaluated is None:
            return {}
        return cards.decision_trace(
            self.evaluated.plan,
            guideline=self.guideline,
            chart=self.evaluated.chart,
            shown={advice.topic for advice in self.selection.shown},
            selects=self.service.selects,
        )


#: Sees every answer before it is sent, in the thread of the request; must not raise.
Observer = Callable[[Answered], None]
#: Sees what was read for a call before it is evaluated, so of a call that then fails, too; in the
#: thread of the request; must not raise.
ReadObserver = Callable[[Call, chart.Gathered], None]


class Engine:
    """Answers calls. One for a process: it keeps the connections to FHIR servers."""

    def __init__(
        self,
        settings: Settings,
        guideline: Guideline,
        *,
        transport: BaseAdapter | None = None,
        observers: Sequence[Observer] = (),
        read_observers: Sequence[ReadObserver] = (),
        watch: chart.Watch = UNWATCHED,
    ) -> None:
        """Keep what every call uses; no connection is made yet.

        ``transport`` takes the place of the network; ``watch`` sees how charts are read.
        """
        self._settings = settings
        self.guideline = guideline
        self._observers = tuple(observers)
        self._read_observers = tuple(read_observers)
        self._watch = watch
        self.servers = chart.FhirServers(
            chart.OpenServers(
                allowed=(*settings.fhir_servers, *_internal_servers(settings)),
                loopback=settings.auth == "off",
            ),
            search=settings.fhir_search,
            transport=transport,
            watch=watch,
        )

    def answer(self, service: HookService, call: Call) -> CardsResponse:
        """Return the cards for a call. Raises :class:`cds_service.errors.ServiceError`."""
        return self.observed(service, call).response

    def observed(
        self,
        service: HookService,
        call: Call,
        *,
        today: dt.date | None = None,
        dialect: Dialect | None = None,
    ) -> Answered:
        """Return what :meth:`work` returns, once the observers have seen it."""
        answered = self.work(service, call, today=today, dialect=dialect)
        for observer in self._observers:
            observer(answered)
        return answered

    def work(
        self,
        service: HookService,
        call: Call,
        *,
        today: dt.date | None = None,
        dialect: Dialect | None = None,
    ) -> Answered:
        """Return the answer to a call with all that led to it; no observer sees it.

        ``today`` takes the place of the setting's or the clock's date, ``dialect`` that of the
        caller's. Raises :class:`cds_service.errors.ServiceError`.
        """
        clock = _Clock()
        today = today or self._today()
        dialect = dialect or (call.caller.client.dialect if call.caller else DEFAULT)
        with clock.phase("read"):
            drafts = chart.drafts(
                call.context.new_orders, patient_id=call.context.patient_id, today=today
            )
            if service.touches:
                call = replace(call, topics=service.touches(drafts, call, self.guideline))
            try:
                read = drafts.added_to(self._read(service, call, today=today))
            except PreconditionFailed:
                if call.topics is None or call.topics:
                    raise
                # Orders that are no matter of the guideline's: nothing is required to say nothing.
                read = None
        found = Answered(
            service=service,
            call=call,
            guideline=self.guideline,
            today=today,
            evaluated=None,
            selection=Selection(),
            rendered=CardsResponse(),
            shadow=self._settings.shadow or (call.caller is not None and call.caller.client.shadow),
            seconds=clock.seconds,
        )
        if read is None:
            return found
        with clock.phase("evaluate"):
            plan = evaluate(read, self.guideline, today=today)
            found = replace(
                found,
                evaluated=Evaluated(chart=read, plan=plan),
                selection=service.select(plan, read, call),
            )
        with clock.phase("render"):
            return replace(found, rendered=speak(self._rendered(found, read.unread), dialect))

    def _rendered(self, found: Answered, unread: Mapping[Kind, str]) -> CardsResponse:
        caller = found.call.caller
        traced = caller.client.dialect.trace if caller else self._settings.trace
        return CardsResponse(
            cards=cards.render(
                found.selection.shown,
                guideline=self.guideline,
                base_url=self._settings.public_url or DEFAULT_URL,
                patient_id=found.call.context.patient_id,
                cut=found.selection.cut,
            ),
            extension={
                **({UNREAD: dict(unread)} if unread else {}),
                **({cards.EXTENSION: found.trace} if traced else {}),
            },
        )

    def _read(self, service: HookService, call: Call, *, today: dt.date) -> Chart:
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
            reader=self.servers.reader(
                request.fhir_server if self._may_ask(call) else None,
                token=token.access_token if token else None,
                seconds=max(self._settings.deadline / 2, self._settings.deadline - _THINKING),
                version=chart.version_of(request.extension.get(_EPIC_VERSION)),
            ),
            watch=self._watch,
        )
        for observer in self._read_observers:
            observer(call, found)
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

    def _today(self) -> dt.date:
        return self._settings.today or dt.datetime.now().astimezone().date()


def _internal_servers(settings: Settings) -> tuple[str, ...]:
    """Return the clients' servers that may lie in a private network."""
    clients = settings.clients if settings.auth == "required" else ()
    return tuple(server for client in clients for server in client.internal_servers)


class _Clock:
    """Measures the phases of one call."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = time.perf_counter() - start
