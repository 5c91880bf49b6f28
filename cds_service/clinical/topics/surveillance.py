"""Follow-up (S34–S39, S47): the window after the last visit, by depth."""

from collections.abc import Iterator

from cds_service.clinical.case import Case
from cds_service.clinical.plan import Advice, Fact, Window
from cds_service.clinical.records import EXCISIONS
from cds_service.clinical.schedule import KNOWN_DEPTHS, KnownDepth, phases, window
from cds_service.facts import PartialDate, Visit

COMPLETED = frozenset({"finished", "completed", "discharged"})
RULES = {
    "not-yet-due": "surveillance.not-yet-due",
    "due": "surveillance.due",
    "due-lenient": "surveillance.due-lenient",
    "overdue": "surveillance.overdue",
}


def advise(case: Case) -> Advice:
    """Return the follow-up advice of a tumour."""
    if case.metastatic:
        return case.advise("surveillance.metastatic")
    t0 = case.treatment.t0
    visit = last_visit(case, t0) if t0 else None
    facts = [*case.treatment.t0_facts, *case.depth_facts]
    if visit:
        facts.append(visit)
    windows = tuple(_windows(case, t0, visit.date if visit else None))
    if case.depth_unclear:
        return case.advise(
            "surveillance.depth-unclear",
            facts=facts,
            missing=("depth",),
            windows=windows,
            depth_word=case.tumour.depth,
        )
    return _known_depth(case, t0, visit, facts, windows)


def _known_depth(
    case: Case,
    t0: PartialDate | None,
    visit: Fact | None,
    facts: list[Fact],
    windows: tuple[Window, ...],
) -> Advice:
    chest, missing = chest_imaging(case)
    facts += chest
    if t0 is None:
        return case.advise(
            "surveillance.no-start", facts=facts, missing=missing, interval=_first_interval(case)
        )
    if not windows:
        last = visit.date if visit and visit.date else t0
        start = last if last.precision == "year" else t0
        return case.advise("surveillance.year-only", facts=facts, missing=missing, start=start)
    found = windows[0]
    if visit is None:
        missing = ("visit", *missing)
    remarks = ("t0-unknown-margin",) if case.treatment.margin is None else ()
    if "encounters" in case.setting.chart.unread and found.status != "not-yet-due":
        return case.advise(
            "surveillance.visits-unread", facts=facts, missing=missing, remarks=remarks
        )
    return case.advise(
        RULES[found.status],
        facts=facts,
        missing=missing,
        windows=windows,
        remarks=remarks,
        since=found.earliest,
        window=(found.earliest, found.latest),
        latest=found.latest,
        lenient=found.lenient_latest,
        start=found.start,
    )


def _windows(case: Case, t0: PartialDate | None, visit: PartialDate | None) -> Iterator[Window]:
    """Yield the window of the depth, or of both depths where it is unclear.

    A year alone gives no window: the start of surveillance, and a visit too.
    """
    start = visit or t0
    if t0 is None or start is None or "year" in {t0.precision, start.precision}:
        return
    for depth in KNOWN_DEPTHS:
        if case.depth_unclear or case.tumour.depth == depth:
            yield window(
                depth,
                t0=t0,
                visit=visit,
                today=case.setting.today,
                guideline=case.setting.guideline,
            )


def _first_interval(case: Case) -> str:
    depth: KnownDepth = "dermal" if case.tumour.depth == "dermal" else "subcutaneous"
    first = phases(depth, case.setting.guideline)[0]
    return f"{first.minimum:g}–{first.maximum:g} months"


def last_visit(case: Case, t0: PartialDate) -> Fact | None:
    """Return the last of the follow-up visits."""
    return max(visits(case, t0), key=lambda fact: (fact.date, fact.reference), default=None)


def visits(case: Case, t0: PartialDate) -> Iterator[Fact]:
    """Yield the completed follow-up visits after t0 that are linked to the tumour."""
    yield from (
        Fact(visit.reference, "visit", _visit_text(visit), date)
        for visit in case.setting.chart.visits
        if visit.status in COMPLETED
        and (date := visit.period.begun if visit.period else None)
        # A partial date counts where some of its days lie after all of t0's.
        and date.last > t0.last
        and date.first <= case.setting.today
        and _about_tumour(case, visit)
    )


def _about_tumour(case: Case, visit: Visit) -> bool:
    known = case.setting.chart.condition_references
    if named := known.intersection(visit.reason_references):
        return bool(named & case.records.lesion.references)
    concepts = (*visit.reasons, *visit.types)
    lens = case.setting.lens
    sets = lens.sets(*concepts)
    words = lens.words_of(concepts)
    if words.of("followup") or "cancer-follow-up" in sets:
        return True
    if words.values("procedure") & {*EXCISIONS, "biopsy"}:
        return False
    texts = [text for concept in concepts for text in concept.texts]
    return (
        "cutaneous-leiomyosarcoma" in sets
        or bool(words.values("tumour"))
        or case.setting.guideline.matches["sarcoma-visit"].says(*texts)
    )


def _visit_text(visit: Visit) -> str:
    return next((text for c in (*visit.reasons, *visit.types) for text in c.texts), "")


def chest_imaging(case: Case) -> tuple[list[Fact], tuple[str, ...]]:
    """Return the last chest imaging of a subcutaneous tumour, or that none is visible (S39)."""
    if case.tumour.depth != "subcutaneous":
        return [], ()
    setting = case.setting
    found: list[Fact] = []
    for procedure in setting.chart.procedures:
        day = procedure.performed.finished if procedure.performed else None
        if day and setting.matches("chest-imaging", procedure.code):
            text = next(iter(procedure.code.texts), "")
            found.append(Fact(procedure.reference, "chest-imaging", text, day))
    for report in setting.chart.reports:
        if report.date and setting.matches("chest-imaging", report.code):
            text = next(iter(report.code.texts), "")
            found.append(Fact(report.reference, "chest-imaging", text, report.date))
    if not found:
        return [], ("chest-imaging",)
    return [max(found, key=lambda fact: (fact.date, fact.reference))], ()
