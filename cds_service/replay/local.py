"""The service in this process: the application's test client, and the engine behind it."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import orjson

from cds_service.app import create_app
from cds_service.clinical.plan import Plan
from cds_service.engine import Answered, Engine
from cds_service.guideline import Guideline
from cds_service.guideline import read as read_guideline
from cds_service.hooks.base import Call, HookService
from cds_service.protocol.card import CardsResponse
from cds_service.replay.client import Json
from cds_service.replay.outcome import Evaluation, of_trace
from cds_service.settings import Settings


class Local:
    """The application of this installation, with its date fixed and authentication off."""

    def __init__(self, today: dt.date, guideline: Guideline) -> None:
        """Build the application once for a date."""
        settings = Settings(auth="off", today=today)
        self._engine = Engine(settings, guideline)
        self._client = create_app(settings, guideline=guideline, answer=self._work).test_client()
        self._services = tuple(self._client.get("/cds-services").get_json()["services"])
        #: The last call, its answer, and what led to it: one request is asked for both.
        self._asked: tuple[str, bytes] | None = None
        self._said: tuple[int, Json] = (0, {})
        self._answered: Answered | None = None

    def _work(self, service: HookService, call: Call) -> CardsResponse:
        self._answered = self._engine.work(service, call)
        return self._answered.response

    def discover(self) -> tuple[Json, ...]:
        """Return the entries of the discovery document."""
        return self._services

    def call(self, service_id: str, request: Json) -> tuple[int, Json]:
        """Return status and body of the answer."""
        asked = service_id, orjson.dumps(request)
        if self._asked != asked:
            self._answered = None
            answer = self._client.post(
                f"/cds-services/{service_id}", data=asked[1], content_type="application/json"
            )
            body = answer.get_json(silent=True)
            self._said = answer.status_code, body if isinstance(body, dict) else {}
            self._asked = asked
        return self._said

    def evaluate(self, request: Json) -> Evaluation | None:
        """Return what the evaluation says of the request; None where there is none.

        The answer to the call says why.
        """
        for service in self._services:
            if service["hook"] == request.get("hook"):
                self.call(service["id"], request)
                return _evaluation(self._answered) if self._answered else None
        return None


@cache
def local(today: dt.date, guideline: Path | None = None) -> Local:
    """Return the service of a date; one application a date, whatever the number of cases.

    ``guideline`` is the file of one that takes the place of the package's.
    """
    return Local(today, read_guideline(guideline))


def _evaluation(answered: Answered) -> Evaluation | None:
    if answered.evaluated is None:
        return None
    chart, plan = answered.evaluated.chart, answered.evaluated.plan
    issues = (*chart.issues, *plan.set_aside)
    dropped = {issue.where for issue in issues if issue.effect == "dropped"}
    dropped |= {record.reference for record in (*chart.refuted, *chart.not_done)}
    return replace(
        of_trace(answered.trace),
        dropped=tuple(sorted(dropped)),
        conditions=tuple(conditions(plan)),
    )


def conditions(plan: Plan) -> Iterator[str]:
    """Yield the Conditions that take part in a tumour, or on which an advice rests."""
    named = [ref for tumour in plan.tumours for ref in tumour.conditions]
    rested_on = [
        ref
        for advice in plan.advice
        if advice.state != "silent"
        for ref in sorted(advice.references)
    ]
    yield from dict.fromkeys(ref for ref in (*named, *rested_on) if ref.startswith("Condition/"))
