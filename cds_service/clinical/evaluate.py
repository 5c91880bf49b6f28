"""The evaluation: a chart, a guideline and a day give a plan."""

import datetime as dt
from collections.abc import Iterable

from cds_service import terminology
from cds_service.clinical.case import Case, Setting, unique
from cds_service.clinical.course import course, of_facts
from cds_service.clinical.depth import condition_date, depth_of
from cds_service.clinical.lens import Lens
from cds_service.clinical.lesions import Lesion, identify
from cds_service.clinical.metastasis import metastases
from cds_service.clinical.plan import TOPICS, Advice, Fact, Plan, State, Topic, TopicAdvice, Tumour
from cds_service.clinical.records import Attribution, TumourRecords
from cds_service.clinical.relevance import speaking
from cds_service.clinical.reports import Reports, read_reports
from cds_service.clinical.topics import (
    diagnosis,
    hlrcc,
    margin,
    radiation,
    surveillance,
    systemic_therapy,
)
from cds_service.clinical.treatment import Treatment, treatment_of
from cds_service.facts import Chart, Condition, Issue
from cds_service.guideline import Guideline

#: States from the strongest; an act with a warning is stronger still.
STRENGTH: tuple[State, ...] = ("act", "withheld", "inform", "done", "silent")
TUMOUR_TOPICS = {
    "diagnosis": diagnosis.advise,
    "margin": margin.advise,
    "radiation": radiation.advise,
    "systemic-therapy": systemic_therapy.advise,
    "surveillance": surveillance.advise,
}


def evaluate(chart: Chart, guideline: Guideline, *, today: dt.date) -> Plan:
    """Return what the guideline says for this chart on this day.

    Every topic is in the plan exactly once, the silent ones with their reason. The same
    facts in another order give the same plan.
    """
    if chart.patient.deceased:
        return Plan(today=today, advice=tuple(_silent(topic, "none.deceased") for topic in TOPICS))
    chart = speaking(chart, guideline)
    lens = Lens(terminology.load(), guideline.matches)
    reports = read_reports(chart, guideline, lens)
    found = identify(chart, reports, lens)
    attribution = Attribution(chart, reports, found.tumours, guideline=guideline, lens=lens)
    known = [
        (records, treatment_of(records, guideline=guideline, lens=lens))
        for records in map(attribution.of, found.tumours)
    ]
    spread, aside = (
        metastases(chart, reports, known, guideline=guideline, lens=lens) if known else ((), ())
    )
    setting = Setting(
        chart=chart,
        guideline=guideline,
        lens=lens,
        today=today,
        metastases=spread,
        pregnancy=_matching(chart, guideline, "pregnancy"),
        immunosuppression=_matching(chart, guideline, "immunosuppression"),
    )
    cases = [_case(setting, records, treatment, reports) for records, treatment in known]
    advice = [run(case) for case in cases for run in TUMOUR_TOPICS.values()]
    suspected = [_suspected(setting, lesion) for lesion in found.suspected]
    advice += [diagnosis.suspected(setting, tumour, facts) for tumour, facts in suspected]
    tumour_facts = unique(fact for case in cases for fact in case.diagnosis_facts)
    advice.append(hlrcc.advise(setting, tumour_facts))
    otherwise = "none.suspected" if suspected else "none.no-tumour"
    return Plan(
        today=today,
        tumours=tuple(c.tumour for c in cases) + tuple(tumour for tumour, _ in suspected),
        courses=(*map(course, cases), *(of_facts("suspected", facts) for _, facts in suspected)),
        advice=tuple(_topic(topic, advice, otherwise) for topic in TOPICS),
        set_aside=(*found.set_aside, *aside, *_ambiguous(records for records, _ in known)),
    )


def _silent(topic: Topic, rule: str) -> TopicAdvice:
    part = Advice(topic=topic, state="silent", rule=rule)
    return TopicAdvice(topic=topic, state="silent", indicator="info", parts=(part,))


def _topic(topic: Topic, advice: Iterable[Advice], otherwise: str) -> TopicAdvice:
    """Return all advice of a topic as one, with the strongest state of its parts."""
    parts = [part for part in advice if part.topic == topic]
    if not parts:
        return _silent(topic, otherwise)
    parts.sort(
        key=lambda p: (
            p.indicator != "warning",
            STRENGTH.index(p.state),
            p.tumour.site if p.tumour else "",
        )
    )
    return TopicAdvice(
        topic=topic, state=parts[0].state, indicator=parts[0].indicator, parts=tuple(parts)
    )


def _case(setting: Setting, records: TumourRecords, treatment: Treatment, reports: Reports) -> Case:
    depth, facts = depth_of(records, reports, setting.lens)
    lesion = records.lesion
    return Case(
        setting=setting,
        tumour=Tumour(
            site=lesion.site.label,
            depth=depth,
            name="atypical intradermal smooth muscle neoplasm"
            if lesion.aismn
            else "leiomyosarcoma",
            conditions=tuple(c.reference for c in records.conditions),
            by_text=lesion.by_text,
            history=lesion.history,
            t0=treatment.t0,
        ),
        records=records,
        treatment=treatment,
        depth_facts=facts,
        diagnosis_facts=_claims(lesion, setting.chart),
    )


def _suspected(setting: Setting, lesion: Lesion) -> tuple[Tumour, tuple[Fact, ...]]:
    conditions = tuple(
        c.reference for c in setting.chart.conditions if c.reference in lesion.references
    )
    tumour = Tumour(
        site=lesion.site.label, depth="unknown", conditions=conditions, level="suspected"
    )
    facts = _claims(lesion, setting.chart)
    return tumour, tuple(Fact(f.reference, "suspected", f.text, f.date) for f in facts)


def _claims(lesion: Lesion, chart: Chart) -> tuple[Fact, ...]:
    """Return the records that claim the tumour, as facts."""
    conditions = {condition.reference: condition for condition in chart.conditions}
    facts = []
    for claim in lesion.claims:
        condition = conditions.get(claim.reference)
        if condition:
            text = next(iter(condition.code.texts), claim.quote)
            facts.append(Fact(claim.reference, "diagnosis", text, condition_date(condition)))
        else:
            facts.append(Fact(claim.reference, "pathology", claim.quote, claim.date))
    return unique(facts)


def _matching(chart: Chart, guideline: Guideline, match: str) -> tuple[Fact, ...]:
    """Return the active Conditions, and the Procedures, whose words match."""
    words = guideline.matches[match]
    facts = [
        Fact(c.reference, match, next(iter(c.code.texts), ""), condition_date(c))
        for c in chart.conditions
        if _current(c) and words.says(*c.code.texts)
    ]
    if match == "immunosuppression":
        facts += [
            Fact(
                p.reference,
                match,
                next(iter(p.code.texts), ""),
                p.performed.begun if p.performed else None,
            )
            for p in chart.procedures
            if words.says(*p.code.texts)
        ]
    return tuple(facts)


def _current(condition: Condition) -> bool:
    return (
        condition.clinical_status in {None, "active", "recurrence", "relapse"}
        and condition.verification in {None, "confirmed"}
        and condition.abatement is None
    )


def _ambiguous(records: Iterable[TumourRecords]) -> tuple[Issue, ...]:
    return tuple(
        dict.fromkeys(
            Issue(
                operation.procedure.reference,
                "The operation could be of several tumours: it names neither reason nor site.",
            )
            for item in records
            for operation in item.ambiguous
        )
    )
