"""The decision trace: per topic what decided, on which facts, and why the rest stayed silent."""

import datetime as dt
from collections.abc import Collection, Iterable
from typing import Any

from cds_service.clinical.plan import Advice, Event, Fact, Plan, Topic, Tumour, Window
from cds_service.clinical.schedule import KNOWN_DEPTHS, Phase, schedule
from cds_service.facts import Chart, Issue
from cds_service.guideline import Guideline

#: The key under which a response carries the trace.
EXTENSION = "org.example.cds-service.decision-trace"

Json = dict[str, Any]


def decision_trace(
    plan: Plan,
    *,
    guideline: Guideline,
    chart: Chart,
    shown: Collection[Topic] | None = None,
    selects: str = "",
) -> Json:
    """Return the trace of an evaluation as JSON.

    ``shown`` are the topics for which the hook shows a card, None where no hook was asked;
    ``selects`` says in a sentence what the hook shows: the reason for topics it leaves out.
    The trace quotes the chart: it is for the client that sent the chart, and for no log.
    """
    return {
        "today": plan.today.isoformat(),
        "guideline": guideline.version,
        "tumours": [
            _tumour(tumour, course, plan, guideline)
            for tumour, course in zip(plan.tumours, plan.courses, strict=True)
        ],
        "topics": [
            {
                "topic": advice.topic,
                "state": advice.state,
                **({} if advice.state == "silent" else {"indicator": advice.indicator}),
                **_shown(advice.topic, advice.state, shown, selects),
                "parts": [_part(part, plan, guideline) for part in advice.parts],
            }
            for advice in plan.advice
        ],
        "setAside": [_issue(issue) for issue in plan.set_aside],
        "notUsed": [_issue(issue) for issue in chart.issues],
        "unread": dict(chart.unread),
    }


def _shown(topic: Topic, state: str, shown: Collection[Topic] | None, selects: str) -> Json:
    if shown is None:
        return {}
    if topic in shown:
        return {"shown": True}
    return {"shown": False} | ({"notShown": selects} if state != "silent" and selects else {})


def _tumour(tumour: Tumour, course: Iterable[Event], plan: Plan, guideline: Guideline) -> Json:
    followed = any(
        part.tumour is tumour and part.state != "silent" for part in plan.of("surveillance").parts
    )
    return _present(
        site=tumour.site,
        depth=tumour.depth,
        level=tumour.level,
        name=tumour.name,
        history=tumour.history,
        byText=tumour.by_text,
        surveillanceStart=str(tumour.t0) if tumour.t0 else "",
        conditions=list(tumour.conditions),
        events=[_event(event, guideline) for event in course],
        schedules=list(_schedules(tumour, guideline)) if followed else [],
    )


def _event(event: Event, guideline: Guideline) -> Json:
    margin = _present(
        status=event.margin or "",
        widthMm=event.width if event.width is not None else "",
        below=event.below,
        facts=[_fact(fact, guideline) for fact in event.margin_facts],
    )
    return _present(
        kind=event.kind,
        date=str(event.date) if event.date else "",
        begun=str(event.begun) if event.begun else "",
        facts=[_fact(fact, guideline) for fact in event.facts],
        margin=margin if event.kind == "surgery" else {},
    )


def _schedules(tumour: Tumour, guideline: Guideline) -> Iterable[Json]:
    """Yield the schedule of the depth, or of both depths where it is unclear."""
    for depth in KNOWN_DEPTHS:
        if tumour.depth == depth or tumour.depth not in KNOWN_DEPTHS:
            phases = schedule(depth, t0=tumour.t0, guideline=guideline)
            yield {"depth": depth, "phases": [_phase(*each) for each in phases]}


def _phase(phase: Phase, end: dt.date | None) -> Json:
    return {
        **({} if phase.until is None else {"untilMonths": int(phase.until)}),
        **({} if end is None else {"until": end.isoformat()}),
        "minimumMonths": int(phase.minimum),
        "maximumMonths": int(phase.maximum),
        "lenientMaximumMonths": int(phase.lenient_maximum),
    }


def _part(part: Advice, plan: Plan, guideline: Guideline) -> Json:
    rule = guideline.rules[part.rule]
    which = [place for place, tumour in enumerate(plan.tumours) if tumour is part.tumour]
    return {
        # Two tumours may have one name: the place in "tumours" tells them apart.
        **({"tumour": which[0]} if which else {}),
        **_present(
            site=part.tumour.site if part.tumour else "",
            state=part.state,
            rule=part.rule,
            reason=guideline.fill(rule.when),
            facts=[_fact(fact, guideline) for fact in part.facts],
            missing=[guideline.words["missing"][key] for key in part.missing],
            unread=list(part.unread),
            windows=[_window(window) for window in part.windows],
            suggestions=list(part.suggestions),
            existingOrders={key: fact.reference for key, fact in part.ordered},
            remarks=[guideline.words["remark"][key] for key in part.remarks],
        ),
    }


def _fact(fact: Fact, guideline: Guideline) -> Json:
    return _present(
        reference=fact.reference,
        label=guideline.words["label"][fact.label],
        text=fact.text,
        date=str(fact.date) if fact.date else "",
    )


def _window(window: Window) -> Json:
    return {
        "depth": window.depth,
        "status": window.status,
        "start": str(window.start),
        "elapsedMonths": window.elapsed_months,
        "earliest": window.earliest.isoformat(),
        "latest": window.latest.isoformat(),
        "lenientLatest": window.lenient_latest.isoformat(),
    }


def _issue(issue: Issue) -> Json:
    return {"where": issue.where, "effect": issue.effect, "reason": issue.reason}


def _present(**members: Any) -> Json:  # noqa: ANN401 - JSON values
    return {name: value for name, value in members.items() if value not in ("", [], {}, False)}


def lines(trace: Json) -> Iterable[str]:
    """Yield the trace as text, for a terminal."""
    for tumour in trace["tumours"]:
        where = tumour.get("site", "site not recorded")
        yield f"tumour: {where}, {tumour['depth']}, {tumour['level']}"
    for topic in trace["topics"]:
        for part in topic["parts"]:
            site = f" ({part['site']})" if "site" in part else ""
            yield f"{topic['topic']}{site}: {part['state']} - {part['rule']}: {part['reason']}"
            for fact in part.get("facts", ()):
                quote = f": “{fact['text']}”" if "text" in fact else ""
                when = f", {fact['date']}" if "date" in fact else ""
                yield f"    {fact['label']}{quote}{when} [{fact['reference']}]"
            for name in ("missing", "unread", "remarks"):
                if part.get(name):
                    yield f"    {name}: {'; '.join(part[name])}"
    for name, title in (("setAside", "set aside"), ("notUsed", "not used")):
        for issue in trace[name]:
            yield f"{title}: {issue['where']}: {issue['reason']}"
    for kind, reason in trace["unread"].items():
        yield f"could not be read: {kind}: {reason}"
