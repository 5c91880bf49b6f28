"""The service in this process: the application's test client, and the evaluation behind it."""

import datetime as dt
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from cds_service import clinical
from cds_service.app import create_app
from cds_service.cards import decision_trace
from cds_service.chart import MISSING, build, classify
from cds_service.clinical.plan import Plan
from cds_service.errors import ServiceError
from cds_service.facts import Chart
from cds_service.guideline import Guideline
from cds_service.guideline import read as read_guideline
from cds_service.hooks.base import PREFETCH
from cds_service.replay.client import Json
from cds_service.replay.outcome import Evaluation
from cds_service.settings import Settings


class Local:
    """The application of this installation, with its date fixed and authentication off."""

    def __init__(self, today: dt.date, guideline: Guideline) -> None:
        """Build the application once for a date."""
        self._today = today
        self._guideline = guideline
        settings = Settings(auth="off", today=today)
        self._client = create_app(settings, guideline=guideline).test_client()
        self._services = tuple(self._client.get("/cds-services").get_json()["services"])

    def discover(self) -> tuple[Json, ...]:
        """Return the entries of the discovery document."""
        return self._services

    def call(self, service_id: str, request: Json) -> tuple[int, Json]:
        """Return status and body of the answer."""
        answer = self._client.post(f"/cds-services/{service_id}", json=request)
        body = answer.get_json(silent=True)
        return answer.status_code, body if isinstance(body, dict) else {}

    def evaluate(self, request: Json) -> Evaluation | None:
        """Return what the evaluation says of the request; None where no chart can be read."""
        context = request.get("context")
        prefetch = request.get("prefetch")
        context = context if isinstance(context, dict) else {}
        prefetch = prefetch if isinstance(prefetch, dict) else {}
        try:
            chart = build(
                {key: classify(key, prefetch.get(key, MISSING)) for key in PREFETCH},
                patient_id=str(context.get("patientId", "")),
                today=self._today,
                context_conditions=context.get("conditions"),
            )
        except ServiceError:  # the answer to the call says why
            return None
        plan = clinical.evaluate(chart, self._guideline, today=self._today)
        return _said(chart, plan, decision_trace(plan, guideline=self._guideline, chart=chart))


@cache
def local(today: dt.date, guideline: Path | None = None) -> Local:
    """Return the service of a date; one application a date, whatever the number of cases.

    ``guideline`` is the file of one that takes the place of the package's.
    """
    return Local(today, read_guideline(guideline))


def _said(chart: Chart, plan: Plan, trace: Json) -> Evaluation:
    issues = (*chart.issues, *plan.set_aside)
    dropped = {issue.where for issue in issues if issue.effect == "dropped"}
    dropped |= {record.reference for record in (*chart.refuted, *chart.not_done)}
    return Evaluation(
        topics=dict(_topics(plan)),
        tumours=tuple({"site": each.site, "depth": each.depth} for each in plan.tumours),
        windows=tuple(_windows(plan)),
        dropped=tuple(sorted(dropped)),
        conditions=tuple(conditions(plan)),
        trace=trace,
    )


def _topics(plan: Plan) -> Iterator[tuple[str, dict[str, str]]]:
    for advice in plan.advice:
        # the rule of the part that decided the state of the whole
        rule = next((part.rule for part in advice.parts if part.state == advice.state), "")
        shown = {} if advice.state == "silent" else {"indicator": advice.indicator}
        yield advice.topic, {"state": advice.state, **shown, "rule": rule}


def _windows(plan: Plan) -> Iterator[dict[str, str]]:
    for window in plan.of("surveillance").parts:
        for each in window.windows:
            yield {
                "depth": each.depth,
                "earliest": each.earliest.isoformat(),
                "latest": each.latest.isoformat(),
                "lenient_latest": each.lenient_latest.isoformat(),
                "status": each.status,
            }


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
