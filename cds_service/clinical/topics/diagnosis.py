"""Diagnosis and depth: confirm a suspicion, ask pathology for what is missing."""

from cds_service.clinical.case import Case, Setting, split_orders
from cds_service.clinical.plan import Advice, Fact, Tumour


def suspected(setting: Setting, tumour: Tumour, facts: tuple[Fact, ...]) -> Advice:
    """Return the one advice of a suspected tumour: confirm by histology (S22)."""
    row = setting.guideline.rules["diagnosis.suspected"]
    offered, ordered = split_orders(setting, row.suggestions)
    return Advice(
        topic="diagnosis",
        state="act",
        rule=row.id,
        tumour=tumour,
        facts=facts,
        missing=("histology",),
        unread=setting.unread("diagnosis", suggests=bool(offered)),
        suggestions=offered,
        ordered=ordered,
        remarks=("immunosuppression",) if setting.immunosuppression else (),
    )


def advise(case: Case) -> Advice:
    """Return the diagnosis advice of a certain tumour (S12, S22, S44, S46)."""
    missing = _missing(case)
    remarks = ["by-text"] if case.tumour.by_text else []
    facts = case.depth_facts
    if case.setting.immunosuppression:
        remarks.append("immunosuppression")
        facts = (*facts, *case.setting.immunosuppression)
    if case.tumour.depth == "conflicting":
        return case.advise(
            "diagnosis.depth-conflicting", facts=facts, missing=missing, remarks=remarks
        )
    if case.tumour.depth == "unknown":
        return case.advise(
            "diagnosis.depth-unknown",
            facts=facts,
            missing=("depth", *missing),
            remarks=remarks,
            asked=("depth", *missing),
        )
    if not established(case):
        return case.advise(
            "diagnosis.no-histology", facts=facts, missing=("histology", *missing), remarks=remarks
        )
    return case.advise("diagnosis.established")


def established(case: Case) -> bool:
    """Return whether depth and histology are in the record: there is nothing to say."""
    return not case.depth_unclear and _histology(case)


def _histology(case: Case) -> bool:
    """Return whether a final report, or a result that only pathology gives, is in the record."""
    treatment = case.treatment
    return bool(
        any(entry.final and not entry.imaging for entry in case.records.reports)
        or treatment.grades
        or treatment.sizes
        or any(surgery.margin or surgery.kind == "mohs" for surgery in treatment.surgeries)
    )


def _missing(case: Case) -> tuple[str, ...]:
    treatment = case.treatment
    missing = []
    if not treatment.grades:
        missing.append("grade")
    if not treatment.sizes:
        missing.append("size")
    if treatment.surgeries and not treatment.surgeries[-1].margin:
        missing.append("margins")
    return tuple(missing)
