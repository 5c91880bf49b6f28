"""Metastasis: a confirmed secondary malignancy not dated before the tumour, or M1."""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence

from cds_service.clinical.claims import FINAL
from cds_service.clinical.depth import condition_date
from cds_service.clinical.lens import Lens, Words
from cds_service.clinical.plan import Fact
from cds_service.clinical.records import TumourRecords
from cds_service.clinical.reports import Reports
from cds_service.clinical.treatment import Treatment
from cds_service.facts import Chart, Concept, Condition, Issue, Observation, PartialDate
from cds_service.guideline import Guideline

SECONDARY_SETS = frozenset({"secondary-malignancy", "metastasis-to-skin", "distant-metastasis"})
SPREAD = frozenset({"distant", "nodal", "to-skin"})


def metastases(
    chart: Chart,
    reports: Reports,
    tumours: Sequence[tuple[TumourRecords, Treatment]],
    *,
    guideline: Guideline,
    lens: Lens,
) -> tuple[tuple[Fact, ...], tuple[Issue, ...]]:
    """Return the facts that show a metastasis of the tumour, and what was set aside.

    A secondary malignancy without a date counts; one whose text names another primary, or
    that is not confirmed, does not.
    """
    first_trace = min(_traces(tumours), default=None)
    facts: list[Fact] = []
    aside: list[Issue] = []
    for condition in chart.conditions:
        words = lens.words_of((condition.code,)) + lens.words(*condition.notes)
        if not _secondary(condition, words, lens):
            continue
        date = condition_date(condition)
        text = next(iter(condition.code.texts), "")
        if why := _not_counted(condition, date, first_trace, guideline):
            aside.append(Issue(condition.reference, why))
        else:
            facts.append(Fact(condition.reference, "metastasis", text, date))
    for observation in chart.observations:
        date = observation.effective or observation.issued
        text = _m1(observation, guideline, lens)
        if text and observation.status in {None, *FINAL} and not _before(date, first_trace):
            facts.append(Fact(observation.reference, "metastasis", text, date))
    for entry in reports.current:
        quote = _reported(entry.words)
        if (
            quote
            and entry.final
            and not entry.imaging
            and not any(claim.elsewhere for claim in entry.claims)
            and not _before(entry.report.date, first_trace)
        ):
            facts.append(Fact(entry.report.reference, "metastasis", quote, entry.report.date))
    return tuple(facts), tuple(aside)


def _traces(tumours: Iterable[tuple[TumourRecords, Treatment]]) -> Iterator[dt.date]:
    for records, treatment in tumours:
        yield from (date.first for date in records.lesion.dates)
        # A report of the metastasis is no trace of the tumour that it came from.
        yield from (
            entry.report.date.first
            for entry in records.reports
            if entry.report.date and not entry.words.now("metastasis")
        )
        yield from (surgery.date.first for surgery in treatment.surgeries if surgery.date)


def _before(date: PartialDate | None, trace: dt.date | None) -> bool:
    return date is not None and trace is not None and date.last < trace


def _secondary(condition: Condition, words: Words, lens: Lens) -> bool:
    if lens.sets(condition.code) & SECONDARY_SETS:
        return True
    name = lens.words_of((condition.code,))
    if name.now("metastasis") & SPREAD:
        return True
    return bool(words.values("tumour")) and "distant" in words.now("metastasis")


def _not_counted(
    condition: Condition, date: PartialDate | None, trace: dt.date | None, guideline: Guideline
) -> str:
    if condition.verification not in {None, "confirmed"}:
        return f"A metastasis that is not confirmed ({condition.verification}) is not counted."
    if _before(date, trace):
        return "A metastasis dated before the tumour is not counted as the tumour's."
    texts = (*condition.code.texts, *condition.notes)
    if guideline.matches["sarcoma"].says(*texts):
        return ""
    # The text alone tells another primary; a display such as "of lung" is where it went.
    if guideline.matches["other-primary"].says(
        *(text for text in (condition.code.text, *condition.notes) if text)
    ):
        return "A metastasis whose text names another primary is not counted."
    return ""


def _m1(observation: Observation, guideline: Guideline, lens: Lens) -> str:
    """Return the text of an Observation that states M1, or ""."""
    values = [observation.value, *(item.value for item in observation.components)]
    concepts = [value for value in values if isinstance(value, Concept)]
    texts = [value for value in values if isinstance(value, str)]
    texts += [text for concept in concepts for text in concept.texts]
    codings = [coding for concept in concepts for coding in concept.codings]
    codes = [coding.code for coding in codings if coding.code]
    if "distant-metastasis" in lens.sets(*concepts):
        # A code alone is no word for a card.
        names = (lens.terminology.display(coding.system, coding.code) for coding in codings)
        return next(filter(None, (*texts, *names, *codes)), "")
    if "tnm-m" in lens.sets(observation.code):
        for text in (*texts, *codes):
            if any(part.lower().lstrip("cp").startswith("m1") for part in text.split()):
                return text
    if not guideline.matches["staging"].says(*observation.code.texts):
        return ""
    return next((text for text in texts if "distant" in lens.words(text).now("metastasis")), "")


def _reported(words: Words) -> str:
    """Return the sentence of a report that finds a metastasis of leiomyosarcoma, or ""."""
    if not words.values("tumour"):
        return ""
    for mention in words.of("metastasis"):
        if mention.value in {"distant", "nodal"} and not mention.history:
            return mention.quote
    return ""
