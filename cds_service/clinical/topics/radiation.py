"""Radiation (S28–S30)."""

from cds_service.clinical.case import Case
from cds_service.clinical.plan import Advice
from cds_service.clinical.treatment import months_after, radiation_fact


def advise(case: Case) -> Advice:
    """Return the radiation advice of a tumour."""
    treatment = case.treatment
    if silent := _silent(case):
        return silent
    remarks = []
    facts = list(case.depth_facts)
    if case.setting.pregnancy:
        remarks.append("pregnancy-radiation")
        facts += case.setting.pregnancy
    if treatment.radiation_not_done:
        remarks.append("radiotherapy-not-done")
        facts += [radiation_fact(op) for op, _ in treatment.radiation_not_done]
    if case.tumour.depth == "subcutaneous":
        return case.advise("radiation.subcutaneous", facts=facts, remarks=remarks)
    last = treatment.last
    positive = (*last.facts, *last.margin_facts) if last and last.margin == "positive" else ()
    if case.depth_unclear:
        return case.advise(
            "radiation.depth-unclear",
            facts=(*facts, *positive),
            missing=("depth",),
            remarks=remarks,
            depth_word=case.tumour.depth,
        )
    if positive:
        return case.advise(
            "radiation.dermal-positive-margin",
            facts=(*facts, *positive, *treatment.high_grade),
            remarks=remarks,
        )
    if treatment.high_grade:
        return case.advise(
            "radiation.dermal-high-grade", facts=(*facts, *treatment.high_grade), remarks=remarks
        )
    return case.advise(
        "radiation.dermal",
        facts=(*facts, *(grade.fact for grade in treatment.grades)),
        missing=() if treatment.grades else ("grade",),
        remarks=remarks,
    )


def _silent(case: Case) -> Advice | None:
    treatment = case.treatment
    if treatment.radiation:
        return case.advise(
            "radiation.given", facts=[radiation_fact(op) for op in treatment.radiation]
        )
    if any(refused for _, refused in treatment.radiation_not_done):
        return case.advise("radiation.refused")
    if case.metastatic:
        return case.advise("radiation.metastatic")
    if case.history_only:
        return case.advise("radiation.history-only")
    months = case.setting.guideline.policy["radiation_window"].numbers["months"]
    surgery = treatment.definitive_surgery
    if surgery and months_after(surgery.last, months) < case.setting.today:
        return case.advise("radiation.late")
    return None
