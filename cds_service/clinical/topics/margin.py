"""Resection margin (S23–S27, S45)."""

from cds_service.clinical.case import Case
from cds_service.clinical.plan import Advice, Fact
from cds_service.clinical.records import Operation
from cds_service.clinical.topics import diagnosis
from cds_service.clinical.treatment import Surgery

MM_PER_CM = 10
MINIMUM = {"dermal": "S24", "subcutaneous": "S25"}


def advise(case: Case) -> Advice:
    """Return the margin advice of a tumour."""
    last = case.treatment.last
    if case.metastatic:
        return case.advise("margin.metastatic")
    if case.history_only:
        return case.advise("margin.history-only")
    # The line stands once: here, where the diagnosis card is silent.
    facts = case.setting.immunosuppression if diagnosis.established(case) else ()
    remarks = ("immunosuppression",) if facts else ()
    if last and last.margin == "positive":
        return _positive(case, last, facts, remarks)
    if case.depth_unclear:
        surgery = (*last.facts, *last.margin_facts) if last else ()
        return case.advise(
            "margin.depth-unclear",
            facts=(*case.depth_facts, *surgery, *facts),
            missing=("depth",),
            remarks=remarks,
            depth_word=case.tumour.depth,
        )
    if last is None:
        return _no_surgery(case, (*case.depth_facts, *facts), remarks)
    return _judged(case, last, facts, remarks)


def _positive(
    case: Case, last: Surgery, facts: tuple[Fact, ...], remarks: tuple[str, ...]
) -> Advice:
    other = {"deep": "peripheral", "peripheral": "deep"}.get(last.which or "")
    missing = [f"{other}-margin"] if other and other not in last.named else []
    if case.depth_unclear:
        missing.append("depth")
    date = next((fact.date for fact in last.margin_facts if fact.date), None)
    return case.advise(
        "margin.positive",
        facts=(*last.facts, *last.margin_facts, *case.depth_facts, *facts),
        missing=missing,
        remarks=remarks,
        since=last.date.last if last.date else None,
        which=last.which,
        on_date=last.date or date,
    )


def _no_surgery(case: Case, facts: tuple[Fact, ...], remarks: tuple[str, ...]) -> Advice:
    recurrence = case.treatment.untreated_recurrence
    return case.advise(
        "margin.no-surgery",
        facts=(*facts, *recurrence, *map(_not_done, case.treatment.surgery_not_done)),
        missing=() if recurrence else ("surgery",),
        remarks=remarks,
    )


def _not_done(operation: Operation) -> Fact:
    text = next(iter(operation.procedure.code.texts), "")
    return Fact(operation.procedure.reference, "not-done", text, operation.date)


def _judged(case: Case, last: Surgery, facts: tuple[Fact, ...], remarks: tuple[str, ...]) -> Advice:
    """Return the verdict on the last operation, whose margin is not positive."""
    facts = (*last.facts, *last.margin_facts, *case.depth_facts, *facts)
    if last.margin is None:
        return case.advise(
            "margin.status-not-found", facts=facts, missing=("margins",), remarks=remarks
        )
    if last.kind == "mohs":
        return case.advise("margin.clear-mohs", facts=facts, remarks=remarks)
    if last.width is None:
        return case.advise(
            "margin.width-not-stated", facts=facts, missing=("width",), remarks=remarks
        )
    needed = case.setting.guideline.number(MINIMUM[case.tumour.depth], "margin_cm") * MM_PER_CM
    enough = last.width > needed or (last.width == needed and not last.below)
    return case.advise(
        "margin.clear" if enough else "margin.below-minimum",
        facts=facts,
        remarks=remarks,
        width=f"{'less than ' if last.below else ''}{last.width:g} mm",
    )
