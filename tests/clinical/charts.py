"""Builders of facts, so that a test reads like a chart.

A date is written as the record stores it ("2026", "2026-05", "2026-05-20"), a concept as its
text or as one of the codings below. A record without ``id`` is numbered by :func:`chart`.
"""

import calendar
import dataclasses
import datetime as dt
from collections.abc import Iterable
from typing import Any

from cds_service import guideline
from cds_service.clinical.evaluate import evaluate
from cds_service.clinical.plan import Advice, Plan, Topic
from cds_service.facts import (
    Chart,
    Coding,
    Component,
    Concept,
    Condition,
    FamilyCondition,
    Observation,
    Order,
    PartialDate,
    Patient,
    Procedure,
    Quantity,
    Record,
    Relative,
    Report,
    Span,
    Visit,
)

TODAY = dt.date(2026, 12, 1)

#: The plans that the running test has made.
PLANS: list[Plan] = []

SNOMED = "http://snomed.info/sct"
LOINC = "http://loinc.org"
ICD_10_CM = "http://hl7.org/fhir/sid/icd-10-cm"

CUTANEOUS_LMS = Coding(SNOMED, "254771006", "Cutaneous leiomyosarcoma (disorder)")
LMS_MORPHOLOGY = Coding(SNOMED, "51549004", "Leiomyosarcoma")
AISMN = Coding("http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl", "C4484", None)
DERMIS = Coding(SNOMED, "53534000", "Dermis")
SUBCUTIS = Coding(SNOMED, "71966008", "Subcutaneous tissue")
SKELETAL_MUSCLE = Coding(SNOMED, "127954009", None)
MARGINS = Coding(LOINC, "21939-4", "Surgical margins cancer involvement")
MARGIN_DISTANCE = Coding(LOINC, "81175-2", "Distance of tumor from closest margin")
HISTOLOGIC_GRADE = Coding(LOINC, "33732-9", "Histology grade")
HIGH_GRADE = Coding(SNOMED, "61026006", "Grade 3: poorly differentiated")
TUMOUR_SIZE = Coding(LOINC, "21889-1", "Size Tumor")
DEPTH_OF_INVASION = Coding(SNOMED, "370052007", "Status of invasion by tumor")
PM_CATEGORY = Coding(SNOMED, "371497001", "pM category")
DISTANT_METASTASIS = Coding(SNOMED, "399409002", None)
PRESENT = Coding(LOINC, "LA9633-4", "Present")
GENE_STUDIED = Coding(LOINC, "48018-6", "Gene studied [ID]")
SIGNIFICANCE = Coding(LOINC, "53037-8", "Genetic variation clinical significance")
SOURCE_CLASS = Coding(LOINC, "48002-0", "Genomic source class")
FH = Coding("http://www.genenames.org", "HGNC:3700", "FH")
PATHOGENIC = Coding(LOINC, "LA6668-3", "Pathogenic")
LIKELY_PATHOGENIC = Coding(LOINC, "LA26332-9", "Likely Pathogenic")
UNCERTAIN = Coding(LOINC, "LA26333-7", "Uncertain Significance")
GERMLINE = Coding(LOINC, "LA6683-2", "Germline")
SOMATIC = Coding(LOINC, "LA6684-0", "Somatic")
HLRCC = Coding(SNOMED, "1162799008", None)
RENAL_MRI = Coding(SNOMED, "241624001", "Magnetic resonance imaging of kidneys (procedure)")
HYSTERECTOMY = Coding(SNOMED, "236886002", "Hysterectomy")

Said = str | Coding | Concept | None


def day(text: str | None) -> PartialDate | None:
    """Return the date that is written, at its precision."""
    if text is None:
        return None
    numbers = [int(part) for part in text.split("-")]
    year = numbers[0]
    if len(numbers) == 1:
        return PartialDate(dt.date(year, 1, 1), dt.date(year, 12, 31), "year")
    month = numbers[1]
    if len(numbers) == 2:
        end = calendar.monthrange(year, month)[1]
        return PartialDate(dt.date(year, month, 1), dt.date(year, month, end), "month")
    return PartialDate.of(dt.date(year, month, numbers[2]))


def concept(said: Said, *codings: Coding) -> Concept:
    """Return a concept of a text, a coding or both."""
    if isinstance(said, Concept):
        return said
    if isinstance(said, Coding):
        return Concept((said, *codings))
    return Concept(codings, said)


def concepts(said: Said | Iterable[Said]) -> tuple[Concept, ...]:
    """Return one or several things said as concepts."""
    if said is None:
        return ()
    if isinstance(said, str | Coding | Concept):
        return (concept(said),)
    return tuple(concept(item) for item in said)


def span(start: str | None, end: str | None = None) -> Span | None:
    """Return a period, or None where neither end is given."""
    return Span(day(start), day(end)) if start or end else None


def many(texts: str | Iterable[str]) -> tuple[str, ...]:
    """Return one text or several as a tuple."""
    return (texts,) if isinstance(texts, str) else tuple(texts)


def condition(
    said: Said,
    *codings: Coding,
    id: str = "",  # noqa: A002 - as the resource calls it
    status: str | None = "active",
    verification: str | None = "confirmed",
    site: Said | Iterable[Said] = None,
    morphology: Said = None,
    recorded: str | None = None,
    onset: str | None = None,
    notes: str | Iterable[str] = (),
    stages: Said = None,
    **more: Any,
) -> Condition:
    """Return a confirmed, active problem unless said otherwise."""
    return Condition(
        reference=f"Condition/{id}",
        code=concept(said, *codings),
        clinical_status=status,
        verification=verification,
        body_sites=concepts(site),
        morphology=concepts(morphology),
        recorded=day(recorded),
        onset=span(onset),
        notes=many(notes),
        stages=concepts(stages),
        **more,
    )


def procedure(
    said: Said,
    *codings: Coding,
    on: str | None = None,
    until: str | None = None,
    id: str = "",  # noqa: A002
    status: str = "completed",
    site: Said = None,
    reasons: Said = None,
    reason_references: tuple[str, ...] = (),
    outcome: Said = None,
    status_reason: Said = None,
    notes: str | Iterable[str] = (),
    **more: Any,
) -> Procedure:
    """Return a completed procedure unless said otherwise."""
    return Procedure(
        reference=f"Procedure/{id}",
        status=status,
        code=concept(said, *codings),
        performed=span(on, until),
        body_sites=concepts(site),
        reasons=concepts(reasons),
        reason_references=reason_references,
        outcome=concept(outcome),
        status_reason=concept(status_reason),
        notes=many(notes),
        **more,
    )


def report(
    *texts: str,
    on: str | None = None,
    issued: str | None = None,
    id: str = "",  # noqa: A002
    status: str = "final",
    code: Said = "Pathology report",
    category: Said = None,
    conclusion: Said | Iterable[Said] = None,
    specimen_site: Said = None,
    **more: Any,
) -> Report:
    """Return a final pathology report unless said otherwise."""
    return Report(
        reference=f"DiagnosticReport/{id}",
        status=status,
        code=concept(code),
        categories=concepts(category),
        effective=day(on),
        issued=day(issued),
        texts=texts,
        conclusion_codes=concepts(conclusion),
        specimen_sites=concepts(specimen_site),
        **more,
    )


def valued(value: Any) -> Any:
    """Return an Observation's value; a coding becomes a concept."""
    return concept(value) if isinstance(value, Coding) else value


def observation(
    said: Said,
    value: Any = None,
    *,
    on: str | None = None,
    issued: str | None = None,
    id: str = "",  # noqa: A002
    status: str | None = "final",
    components: Iterable[tuple[Said, Any]] = (),
    site: Said = None,
    method: Said = None,
    interpretation: Said = None,
    notes: str | Iterable[str] = (),
    **more: Any,
) -> Observation:
    """Return a final observation unless said otherwise."""
    return Observation(
        reference=f"Observation/{id}",
        status=status,
        code=concept(said),
        value=valued(value),
        components=tuple(
            Component(code=concept(code), value=valued(item)) for code, item in components
        ),
        interpretations=concepts(interpretation),
        effective=day(on),
        issued=day(issued),
        body_site=concept(site),
        method=concept(method),
        notes=many(notes),
        **more,
    )


def millimetres(value: float, comparator: str | None = None) -> Quantity:
    """Return a length."""
    return Quantity(value, "mm", comparator)


def visit(
    *reasons: Said,
    on: str | None = None,
    id: str = "",  # noqa: A002
    status: str | None = "finished",
    types: Said = None,
    reason_references: tuple[str, ...] = (),
) -> Visit:
    """Return a completed encounter unless said otherwise."""
    return Visit(
        reference=f"Encounter/{id}",
        status=status,
        types=concepts(types),
        reasons=concepts(reasons),
        reason_references=reason_references,
        period=span(on),
    )


def order(
    said: Said,
    *,
    status: str = "active",
    on: str | None = None,
    id: str = "",  # noqa: A002
    site: Said = None,
    reasons: Said = None,
    reason_references: tuple[str, ...] = (),
) -> Order:
    """Return an active order unless said otherwise."""
    return Order(
        reference=f"ServiceRequest/{id}",
        status=status,
        intent="order",
        code=concept(said),
        body_sites=concepts(site),
        reasons=concepts(reasons),
        reason_references=reason_references,
        authored=day(on),
    )


def relative(
    who: Said,
    *has: Said | tuple[Said, float],
    id: str = "",  # noqa: A002
    notes: str | Iterable[str] = (),
    item_notes: str | Iterable[str] = (),
) -> Relative:
    """Return a relative with conditions, each perhaps with the age at onset."""
    pairs = [item if isinstance(item, tuple) else (item, None) for item in has]
    return Relative(
        reference=f"FamilyMemberHistory/{id}",
        relationship=concept(who),
        conditions=tuple(
            FamilyCondition(code=concept(said), onset_age=age, notes=many(item_notes))
            for said, age in pairs
        ),
        notes=many(notes),
    )


def patient(
    *,
    birth: str | None = "1960-03-05",
    gender: str | None = "male",
    clinical_sex: Any = None,
    deceased: bool = False,
) -> Patient:
    """Return a man born in 1960 unless said otherwise."""
    return Patient(
        reference="Patient/p",
        id="p",
        birth=day(birth),
        gender=gender,
        clinical_sex=clinical_sex,
        deceased=deceased,
    )


def chart(*records: Record, who: Patient | None = None, unread: Iterable[str] = ()) -> Chart:
    """Return the chart of these records, in their order; nameless ones are numbered."""
    named = [
        dataclasses.replace(record, reference=f"{record.reference}{number}")
        if record.reference.endswith("/")
        else record
        for number, record in enumerate(records, 1)
    ]

    def of(kind: type) -> tuple[Any, ...]:
        return tuple(record for record in named if isinstance(record, kind))

    conditions, procedures = of(Condition), of(Procedure)
    return Chart(
        patient=who or patient(),
        conditions=tuple(c for c in conditions if c.verification != "refuted"),
        refuted=tuple(c for c in conditions if c.verification == "refuted"),
        procedures=tuple(p for p in procedures if p.status == "completed"),
        not_done=tuple(p for p in procedures if p.status == "not-done"),
        observations=of(Observation),
        reports=of(Report),
        relatives=of(Relative),
        orders=of(Order),
        visits=of(Visit),
        unread=dict.fromkeys(unread, "not answered"),  # type: ignore[misc]
    )


def plan_of(
    *records: Record | Chart,
    today: str | dt.date = TODAY,
    who: Patient | None = None,
    unread: Iterable[str] = (),
    book: guideline.Guideline | None = None,
) -> Plan:
    """Return the plan for a chart, or for the chart of these records."""
    if len(records) == 1 and isinstance(records[0], Chart):
        whole = records[0]
    else:
        whole = chart(
            *(record for record in records if isinstance(record, Record)), who=who, unread=unread
        )
    now = dt.date.fromisoformat(today) if isinstance(today, str) else today
    plan = evaluate(whole, book or guideline.load(), today=now)
    PLANS.append(plan)
    return plan


def rules(plan: Plan) -> dict[str, str]:
    """Return the rule of each topic (of the strongest part, where there are several)."""
    return {advice.topic: advice.parts[0].rule for advice in plan.advice}


def only(plan: Plan, topic: Topic) -> Advice:
    """Return the one advice of a topic; fails where there are several."""
    (part,) = plan.of(topic).parts
    return part


def dates(plan: Plan) -> list[tuple[str, str, str, str]]:
    """Return each window of the surveillance advice: depth, earliest, latest, lenient."""
    return [
        (w.depth, str(w.earliest), str(w.latest), str(w.lenient_latest))
        for part in plan.of("surveillance").parts
        for w in part.windows
    ]
