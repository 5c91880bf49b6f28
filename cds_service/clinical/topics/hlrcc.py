"""HLRCC: examinations for those who have it, genetics for those who may (S40–S43)."""

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cds_service.clinical.ages import birthday
from cds_service.clinical.case import Setting, split_orders, unique
from cds_service.clinical.hlrcc_evidence import Evidence, evidence_of
from cds_service.clinical.plan import Advice, Fact, State
from cds_service.clinical.topics.surveillance import COMPLETED
from cds_service.clinical.treatment import months_after
from cds_service.facts import Concept, PartialDate
from cds_service.guideline import Examination


@dataclass(frozen=True, slots=True)
class Item:
    """One examination: what is due, from when, and why."""

    examination: Examination
    #: The day from which it is due; None where it is to be confirmed (hysterectomy).
    due_from: dt.date | None
    last: Fact | None
    #: The start age lies ahead.
    waiting: bool = False

    def due(self, today: dt.date) -> bool:
        """Return whether the examination is due today."""
        return self.due_from is not None and self.due_from <= today


def advise(setting: Setting, tumour_facts: tuple[Fact, ...]) -> Advice:
    """Return the HLRCC advice of the patient; ``tumour_facts`` tell of a certain tumour."""
    evidence = evidence_of(setting.chart, setting.guideline, setting.lens)
    if evidence.confirmed:
        return _confirmed(setting, (*evidence.confirmed, *tumour_facts))
    if evidence.negative:
        return _advice(setting, "hlrcc.negative-test", evidence.negative)
    if evidence.features:
        return _features(setting, evidence, tumour_facts)
    if evidence.uncertain:
        return _advice(setting, "hlrcc.uncertain-variant", evidence.uncertain)
    if tumour_facts:
        return _advice(setting, "hlrcc.tumour-only", tumour_facts)
    return _advice(setting, "hlrcc.none", ())


def _advice(
    setting: Setting,
    rule: str,
    facts: Iterable[Fact],
    *,
    suggestions: Iterable[str] = (),
    missing: Iterable[str] = (),
    remarks: Iterable[str] = (),
    left_out: Iterable[str] = (),
    **values: object,
) -> Advice:
    row = setting.guideline.rules[rule]
    state: State = row.state  # type: ignore[assignment]
    offered, ordered = split_orders(setting, (*row.suggestions, *suggestions))
    return Advice(
        topic="hlrcc",
        state=state,
        rule=rule,
        facts=unique(facts),
        missing=tuple(missing),
        unread=setting.unread("hlrcc", suggests=bool(offered)) if state != "silent" else (),
        values=values,
        suggestions=offered,
        ordered=ordered,
        remarks=tuple(remarks),
        left_out=frozenset(left_out),
    )


def _features(setting: Setting, evidence: Evidence, tumour_facts: tuple[Fact, ...]) -> Advice:
    words = setting.guideline.words["feature"]
    features = evidence.features
    facts = [fact for found in features.values() for fact in found]
    return _advice(
        setting,
        "hlrcc.features",
        (*facts, *tumour_facts),
        features=tuple(words[key] for key in features),
    )


def _confirmed(setting: Setting, facts: tuple[Fact, ...]) -> Advice:
    hysterectomy = _hysterectomy(setting)
    items = tuple(_items(setting, hysterectomy))
    due = [item for item in items if item.due(setting.today)]
    facts = (*facts, *(item.last for item in items if item.last))
    missing = [f"examination-{i.examination.id}" for i in due if i.last is None]
    remarks = []
    if any(item.due_from is None for item in items):
        remarks.append("hysterectomy")
        facts = (*facts, *hysterectomy)
    if setting.chart.patient.birth is None:
        missing.append("birth")
    if _sex(setting) is None:
        missing.append("sex")
        remarks.append("clinical-sex-unknown")
    if setting.pregnancy:
        remarks.append("pregnancy-mri")
        facts = (*facts, *setting.pregnancy)
    return _advice(
        setting,
        "hlrcc.due" if due else "hlrcc.current",
        facts,
        suggestions=[item.examination.suggestion for item in due],
        missing=missing,
        remarks=remarks,
        left_out={e.statement for e in setting.guideline.examinations.values()}
        - {item.examination.statement for item in items},
        due=tuple(item.examination.name for item in due),
        next=tuple(_next(item, setting) for item in items if item not in due and item.due_from),
    )


def _next(item: Item, setting: Setting) -> tuple[str, str, dt.date]:
    """Return name, start age ("" once it is reached) and date of an examination to come."""
    numbers = setting.guideline.statements[item.examination.statement].numbers
    age = f"{numbers['start_age']:g}" if item.waiting else ""
    assert item.due_from is not None  # noqa: S101 – asked only of items with a date
    return item.examination.name, age, item.due_from


def _sex(setting: Setting) -> str | None:
    """Return sex for clinical use or recorded sex, else the administrative gender's."""
    patient = setting.chart.patient
    if patient.clinical_sex:
        return patient.clinical_sex
    return patient.gender if patient.gender in {"male", "female"} else None


def _items(setting: Setting, hysterectomy: tuple[Fact, ...]) -> Iterator[Item]:
    for examination in setting.guideline.examinations.values():
        if examination.female_only and _sex(setting) == "male":
            continue
        if examination.female_only and hysterectomy:
            yield Item(examination, None, _last(setting, examination))
            continue
        yield _item(setting, examination)


def _item(setting: Setting, examination: Examination) -> Item:
    numbers = setting.guideline.statements[examination.statement].numbers
    last = _last(setting, examination)
    birth = setting.chart.patient.birth
    if "start_age" in numbers and birth:
        start = birthday(birth, numbers["start_age"])[1]
        if start > setting.today:
            return Item(examination, start, last, waiting=True)
    if last and last.date:
        return Item(examination, months_after(last.date.first, numbers["interval_months"]), last)
    return Item(examination, setting.today, last)


def _last(setting: Setting, examination: Examination) -> Fact | None:
    """Return the last completed examination: a Procedure, or an Encounter by reason or type."""
    found = []
    for procedure in setting.chart.procedures:
        day = procedure.performed.finished if procedure.performed else None
        if _is(setting, examination, (procedure.code,)):
            found.append(_examined(procedure.reference, (procedure.code,), day))
    for visit in setting.chart.visits:
        concepts = (*visit.types, *visit.reasons)
        day = visit.period.begun if visit.period else None
        if (
            visit.status in COMPLETED
            and _is(setting, examination, concepts)
            and not (day and day.first > setting.today)
        ):
            found.append(_examined(visit.reference, concepts, day))
    dated = [fact for fact in found if fact.date]
    return max(dated, key=lambda fact: (fact.date, fact.reference), default=None)


def _examined(reference: str, concepts: Iterable[Concept], day: PartialDate | None) -> Fact:
    text = next((text for concept in concepts for text in concept.texts), "")
    return Fact(reference, "examination", text, day)


def _is(setting: Setting, examination: Examination, concepts: Iterable[Concept]) -> bool:
    concepts = tuple(concepts)
    if setting.lens.sets(*concepts) & examination.match_sets:
        return True
    texts = [text.lower() for concept in concepts for text in concept.texts]
    return any(word in text for text in texts for word in examination.match_words)


def _hysterectomy(setting: Setting) -> tuple[Fact, ...]:
    match = setting.guideline.matches["hysterectomy"]
    found = []
    for procedure in setting.chart.procedures:
        if "hysterectomy" in setting.lens.sets(procedure.code) or match.says(*procedure.code.texts):
            text = next(iter(procedure.code.texts), "")
            day = procedure.performed.finished if procedure.performed else None
            found.append(Fact(procedure.reference, "hysterectomy", text, day))
    for condition in setting.chart.conditions:
        if "absent-uterus" in setting.lens.sets(condition.code) or match.says(
            *condition.code.texts
        ):
            text = next(iter(condition.code.texts), "")
            found.append(Fact(condition.reference, "hysterectomy", text, condition.recorded))
    return tuple(found)
