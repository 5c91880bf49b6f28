"""One request: what is known of it by the time that its answer goes out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from cds_service import __version__
from cds_service.engine import Answered
from cds_service.errors import ServiceError
from cds_service.hooks.base import Call, HookService
from cds_service.observe.logs import logger
from cds_service.trust import Caller

#: ``probe``: health and metrics, asked by machines all the time.
Endpoint = Literal["discovery", "call", "feedback", "probe", "other"]
_log = logger("requests")
_OWN_MISTAKE = 500


@dataclass(slots=True, kw_only=True)
class Seen:
    """A request, filled in on its way by whoever gets to know more."""

    request_id: str
    endpoint: Endpoint = "other"
    #: None for an id that is none of ours.
    service: HookService | None = None
    #: None before, and without, authentication.
    caller: Caller | None = None
    call: Call | None = None
    answered: Answered | None = None
    #: How often each topic and outcome was new in the feedback; the topic is "" for a card that
    #: was never sent.
    feedback: Mapping[tuple[str, str], int] = field(default_factory=dict)
    error: ServiceError | None = None
    status: int = 0
    #: Seconds, of the whole request.
    total: float = 0.0

    @property
    def client(self) -> str:
        """The name of the client; "" where nobody is known."""
        return self.caller.client.name if self.caller else ""

    @property
    def tenant(self) -> str:
        """The tenant, if the operator has written it down; any other could say anything."""
        caller = self.caller
        known = caller and caller.tenant in caller.client.tenants
        return (caller.tenant or "") if caller and known else ""

    @property
    def reason(self) -> str:
        """Why the request was refused, as a word of our own; "" where it was not."""
        return (self.error.reason or "") if self.error else ""


#: Takes a request when its answer is ready. What it raises is logged, and the answer goes out.
Sink = Callable[[Seen], None]


def log(seen: Seen) -> None:
    """Write the line of a request."""
    level = "error" if seen.status == _OWN_MISTAKE else "info"
    level = "debug" if seen.endpoint == "probe" else level
    getattr(_log, level)("request", **_fields(seen))


def _fields(seen: Seen) -> Mapping[str, Any]:
    service, answered = seen.service, seen.answered
    evaluated = answered.evaluated if answered else None
    plan = evaluated.plan if evaluated else None
    fields = {
        "request_id": seen.request_id,
        "endpoint": seen.endpoint,
        "client": seen.client,
        "tenant": seen.tenant,
        "service": service.id if service else None,
        "hook": service.hook if service else None,
        "hookInstance": seen.call.request.hook_instance if seen.call else None,
        "status": seen.status,
        "reason": seen.reason,
        "detail": seen.error.detail if seen.error else None,
        "cards": len(answered.response.cards) if answered else None,
        "shadow": (answered.shadow or None) if answered else None,
        "states": {item.topic: item.state for item in plan.advice} if plan else None,
        "rules": {item.topic: item.rules for item in plan.advice if item.rules} if plan else None,
        "unread": sorted(evaluated.chart.unread) if evaluated else None,
        "timings": {**(answered.seconds if answered else {}), "total": seen.total},
        "versions": {
            "program": __version__,
            **({"guideline": answered.guideline.version} if answered else {}),
        },
    }
    return {name: value for name, value in fields.items() if value not in (None, "")}
