"""From what was given to the hook request that an EHR would send, and to what came of it."""

import datetime as dt
import time
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from cds_service import hooks
from cds_service.engine import Answered, Engine
from cds_service.errors import PayloadTooLarge, ServiceError
from cds_service.hooks.base import HookService
from cds_service.protocol import dialect
from cds_service.protocol.dialect import Dialect
from cds_service.replay import client
from cds_service.replay.cases import Case
from cds_service.replay.client import Json, Store
from cds_service.replay.local import conditions
from cds_service.replay.outcome import CHART_HOOKS
from cds_service.replay.play import entered, today_of
from cds_service.settings import Settings
from cds_service.web.messages import Limits, check_limits
from cds_service.web.seen import seen
from cds_service.web.surroundings import own_mistake
from cds_service.workbench import about
from cds_service.workbench.about import Choice
from cds_service.workbench.sources import USER, Given, InputError

_VIEW = "patient-view"
_ENTRY = "problem-list-item-create"
_SECONDS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How it is asked. ``hook`` "" is the one that fits; ``today`` None the day that counts."""

    hook: str = ""
    today: dt.date | None = None
    profile: str = "default"
    #: References of what the hook is about; where none fits the chart, the usual.
    about: tuple[str, ...] = ()
    #: Whether the service is to read the FHIR server itself: no prefetch is sent.
    reads: bool = False

    @property
    def dialect(self) -> Dialect:
        """The dialect of the profile."""
        return dialect.load(self.profile)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request that was put before the service, and what came of it."""

    given: Given
    service: HookService
    today: dt.date
    request: Json = field(repr=False)
    #: What the hook could be about; empty where it is about nothing, or was captured.
    choices: tuple[Choice, ...] = ()
    #: Prefetch keys that were not sent, with the reason.
    left_out: Mapping[str, str] = field(default_factory=dict)
    #: None where the service answered with an error.
    answered: Answered | None = None
    error: ServiceError | None = None
    #: Of the whole answer.
    seconds: float = 0.0


class Desk:
    """Asks the service's engine as its clients do, within a request to the application."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        """Take what answers; ``settings`` say its limits and its date."""
        self._engine = engine
        self._settings = settings
        self._services = {service.hook: service for service in hooks.services()}

    def ask(self, given: Given, options: Options) -> Asked:
        """Return what the service answers.

        Raises :class:`InputError`, or :class:`cds_service.replay.cases.CaseError`, where there
        is nothing that could be sent.
        """
        case = given.case
        captured = case.request
        hook = str(captured.get("hook")) if captured else options.hook or usual_hook(case)
        service = self._services.get(hook)
        if service is None:
            known = ", ".join(self._services)
            raise InputError(f"The service offers no hook of this name; it offers {known}.")
        today = options.today or self.today_of(case)
        if captured:
            asked = Asked(given=given, service=service, today=today, request=captured)
        else:
            asked = self._as_ehr(given, service, options, today)
        return self._sent(asked, options.dialect)

    def today_of(self, case: Case) -> dt.date:
        """Return the date that counts where none is chosen."""
        stated = "today" in (case.expected or {})
        return today_of(case, None if stated else self._settings.today)

    def _as_ehr(
        self, given: Given, service: HookService, options: Options, today: dt.date
    ) -> Asked:
        """Return the request that an EHR with this chart would send."""
        store = given.case.store or Store(())
        choices = self._choices(given, store, service, options, today)
        chosen = [choice for choice in choices if choice.chosen]
        context: dict[str, Any] = {"userId": USER, "patientId": given.case.patient_id}
        if service.hook == _ENTRY:
            context["conditions"] = about.collection([choice.resource for choice in chosen])
        elif service.touches:
            context["draftOrders"] = about.collection([choice.resource for choice in chosen])
        if service.hook == "order-select":
            context["selections"] = [choice.reference for choice in chosen]
        request, left_out = _request(given, store, service, context, reads=options.reads)
        return Asked(
            given=given,
            service=service,
            today=today,
            request=request,
            choices=choices,
            left_out=left_out,
        )

    def _choices(
        self, given: Given, store: Store, service: HookService, options: Options, today: dt.date
    ) -> tuple[Choice, ...]:
        case = given.case
        if service.hook == _ENTRY:
            usual = entered(case, store, self._taking_part(given, store, today))
            return about.conditions(store, options.about, usual)
        if service.touches:
            return about.orders(
                store, options.about, patient_id=case.patient_id, guideline=self._engine.guideline
            )
        return ()

    def _taking_part(self, given: Given, store: Store, today: dt.date) -> Collection[str]:
        """Return the Conditions of which the chart's evaluation says something."""
        service = self._services[_VIEW]
        context = {"userId": USER, "patientId": given.case.patient_id}
        request, _ = _request(given, store, service, context)
        try:
            found = self._engine.work(service, service.read(request), today=today).evaluated
        except ServiceError:
            return ()  # the answer to the call says why
        return tuple(conditions(found.plan)) if found else ()

    def _sent(self, asked: Asked, spoken: Dialect) -> Asked:
        begun = time.perf_counter()
        answered: Answered | None = None
        error: ServiceError | None = None
        # It is recorded as the call that it is.
        record = seen()
        record.endpoint, record.service = "call", asked.service
        try:
            self._check(asked.request)
            record.call = call = asked.service.read(asked.request)
            answered = self._engine.observed(asked.service, call, today=asked.today, dialect=spoken)
        except ServiceError as problem:
            error = record.error = problem
        except Exception as problem:  # noqa: BLE001 - shown like every other error
            error = own_mistake(problem)
        return replace(asked, answered=answered, error=error, seconds=time.perf_counter() - begun)

    def _check(self, request: Json) -> None:
        """Raise what the endpoint would: a request can be larger than the chart it is made of."""
        if len(orjson.dumps(request)) > self._settings.max_body:
            raise PayloadTooLarge("The body is larger than this service reads.")
        check_limits(
            request, Limits(depth=self._settings.max_depth, entries=self._settings.max_entries)
        )


def _request(
    given: Given, store: Store, service: HookService, context: Json, *, reads: bool = False
) -> tuple[Json, Mapping[str, str]]:
    body: Json = {"hook": service.hook, "hookInstance": str(uuid.uuid4())}
    if given.server:
        body["fhirServer"] = given.server
    if given.token:
        body["fhirAuthorization"] = {
            "access_token": given.token,
            "token_type": "Bearer",
            "expires_in": _SECONDS,
            "scope": "patient/*.rs",
            "subject": "cds-service-workbench",
        }
    body["context"] = context
    if reads and given.server:
        return body, dict.fromkeys(service.prefetch, "left to the service to read")
    values, left_out = given.prefetch, given.left_out
    if values is None:
        values, left_out = client.prefetch(service.prefetch, context=context, store=store)
    return {**body, "prefetch": values}, left_out


def usual_hook(case: Case) -> str:
    """Return the hook of a chart where none is chosen: the first that expects a card."""
    expected = (case.expected or {}).get("hooks", {})
    for hook in CHART_HOOKS:
        stated = expected.get(hook)
        if stated.get("cards") if isinstance(stated, Mapping) else stated:
            return hook
    return _VIEW
