"""What a hook is to this service: its context, its prefetch, and which advice it shows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cds_service.chart import Drafts
from cds_service.clinical.plan import Plan, Topic, TopicAdvice
from cds_service.errors import BadRequest
from cds_service.facts import Chart
from cds_service.guideline import Guideline
from cds_service.protocol import prefetch
from cds_service.protocol.context import Context
from cds_service.protocol.discovery import ServiceEntry
from cds_service.protocol.request import HookRequest
from cds_service.trust import Caller

#: Prefetch templates, by key: unfiltered searches, because every server knows ``patient``,
#: and a filter by code would lose what is coded otherwise or not at all.
PREFETCH: Mapping[str, str] = {
    "patient": "Patient/{{context.patientId}}",
    "conditions": "Condition?patient={{context.patientId}}",
    "procedures": "Procedure?patient={{context.patientId}}",
    "observations": "Observation?patient={{context.patientId}}",
    "reports": "DiagnosticReport?patient={{context.patientId}}",
    "familyHistory": "FamilyMemberHistory?patient={{context.patientId}}",
    "orders": "ServiceRequest?patient={{context.patientId}}",
    "encounters": "Encounter?patient={{context.patientId}}",
}
#: Without one of these there is no advice but an error (412).
REQUIRED: tuple[str, ...] = ("patient", "conditions", "procedures")


@dataclass(frozen=True, slots=True)
class Call:
    """A validated hook request with the context of its hook, and who sent it."""

    request: HookRequest
    context: Context
    #: None without authentication.
    caller: Caller | None = None
    #: The topics that the orders of the context touch; None where the hook is not about orders.
    topics: frozenset[Topic] | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """The advice to show, in card order, and the topics that had no room."""

    shown: tuple[TopicAdvice, ...] = ()
    cut: tuple[Topic, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HookService:
    """One CDS service: one hook. ``select`` decides which advice of a plan it shows."""

    id: str
    hook: str
    hook_version: str
    title: str
    description: str
    usage: str
    context: type[Context]
    #: What of a plan the hook shows, in a sentence: the trace's reason for what it leaves out.
    selects: str
    select: Callable[[Plan, Chart, Call], Selection]
    #: Of a hook about orders: the topics that they touch, known before the chart is read.
    touches: Callable[[Drafts, Call, Guideline], frozenset[Topic]] | None = None
    prefetch: Mapping[str, str] = field(default_factory=lambda: PREFETCH)
    required: tuple[str, ...] = REQUIRED

    def __post_init__(self) -> None:
        """Check the templates against the hook's tokens: a wrong one must not be published."""
        for template in self.prefetch.values():
            prefetch.lint(template, tokens=self.context.tokens)

    @property
    def entry(self) -> ServiceEntry:
        """The service's entry of the discovery document."""
        return ServiceEntry(
            id=self.id,
            hook=self.hook,
            title=self.title,
            description=self.description,
            usage_requirements=self.usage,
            hook_version=self.hook_version,
            prefetch=self.prefetch,
        )

    def read(self, body: Mapping[str, Any], *, caller: Caller | None = None) -> Call:
        """Return the request ``body`` of ``caller`` validated for this hook.

        Raises :class:`BadRequest`: an invalid field, another hook, or a token for another
        patient.
        """
        request = HookRequest.read(body)
        if request.hook != self.hook:
            raise BadRequest(
                f"hook must be {self.hook}: that is the hook of the service {self.id}.",
                where="hook",
            )
        context = self.context.read(request.context, at="context")
        token = request.fhir_authorization
        if token and token.patient and token.patient.removeprefix("Patient/") != context.patient_id:
            raise BadRequest(
                "fhirAuthorization.patient must be the patient of the context.",
                where="fhirAuthorization.patient",
            )
        return Call(request, context, caller)


def spoken(plan: Plan) -> tuple[TopicAdvice, ...]:
    """Return the advice of ``plan`` that says anything, in card order."""
    return tuple(advice for advice in plan.advice if advice.state != "silent")
