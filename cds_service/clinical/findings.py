"""What pathology found: margin status and width, grade and size, with the record of each."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from cds_service.clinical.claims import FINAL
from cds_service.clinical.lens import Lens, Words
from cds_service.clinical.plan import Fact
from cds_service.clinical.records import TumourRecords
from cds_service.facts import Concept, Observation, PartialDate, Quantity, Value
from cds_service.guideline import Guideline
from cds_service.narrative import Certainty, Section

Status = Literal["positive", "negative"]

MM_PER_UNIT = {
    "mm": 1.0,
    "millimeter": 1.0,
    "millimetre": 1.0,
    "cm": 10.0,
    "centimeter": 10.0,
    "centimetre": 10.0,
    "m": 1000.0,
}
#: Words in the name of an Observation that is about margins, and about the grade.
MARGIN_TITLE, GRADE_TITLE = "margin", "grade"
GRADE_SETS = {"grade-low": "low", "grade-intermediate": "intermediate", "grade-high": "high"}
#: FNCLCC grades in order; words stand beside the number that they mean.
GRADE_RANK: dict[str | float, int] = {
    1: 1,
    "1": 1,
    "low": 1,
    2: 2,
    "2": 2,
    "intermediate": 2,
    3: 3,
    "3": 3,
    "high": 3,
}


@dataclass(frozen=True, slots=True)
class Margin:
    """One record's word on the margins."""

    status: Status | None
    #: Closest stated distance in mm.
    width: float | None
    #: The width is an upper bound ("less than").
    below: bool
    date: PartialDate | None
    facts: tuple[Fact, ...]
    #: "deep", "peripheral": the margin that is positive, where it is said.
    which: str | None = None
    #: Margins that were named.
    named: frozenset[str] = frozenset()
    #: References that tie the finding to an operation: the report, the observation.
    ties: frozenset[str] = frozenset()
    #: The record is the report of an excision (True), of a biopsy (False), or neither is said.
    excision: bool | None = None
    kind: str | None = None
    recurrence: bool = False


@dataclass(frozen=True, slots=True)
class Measured:
    """A grade or a size that a record gives."""

    value: str | float
    fact: Fact


class Said(NamedTuple):
    """What words say of the margins."""

    status: Status | None
    #: The closest width in mm; None beside a positive margin.
    width: float | None
    #: The width is an upper bound.
    below: bool
    #: The margin that is positive, where it is one that is named.
    which: str | None
    #: The margins that were named.
    named: frozenset[str]


def of_words(words: Words) -> Said:
    """Return what words say of the margins: positive if one is, and the closest width."""
    margins = [m for m in words.of("margin") if not m.history]
    positive = [m for m in margins if m.value == "positive"]
    negative = [m for m in margins if m.value == "negative"]
    clear = bool(negative) or any(not m.history for m in words.of("residual", Certainty.NEGATED))
    widths = [
        m
        for m in words.of("width")
        if m.detail != "clinical" and not m.history and m.section is not Section.GROSS
    ]
    closest = min(widths, key=lambda m: float(m.value), default=None)
    status: Status | None = None
    if positive:
        status = "positive"
    elif clear or closest:
        # A distance of 0 mm comes with its word for it: the reader says positive.
        status = "negative"
    named = frozenset(m.detail for m in (*margins, *widths) if m.detail)
    which = sorted({m.detail for m in positive if m.detail})
    return Said(
        status=status,
        width=float(closest.value) if closest and status == "negative" else None,
        below=bool(closest and closest.bound == "<"),
        which=which[0] if len(which) == 1 else None,
        named=named,
    )


def margins_of(records: TumourRecords, guideline: Guideline, lens: Lens) -> Iterator[Margin]:
    """Yield what reports and Observations of the tumour say of margins (biopsies included)."""
    for entry in records.reports:
        if not entry.final or entry.imaging:
            continue
        words = records.words_of_part(entry)
        status, width, below, which, named = of_words(words)
        kinds, biopsy = specimen_kinds(words, guideline)
        excision = True if kinds else (False if biopsy else None)
        reference, date = entry.report.reference, entry.report.date
        facts = tuple(
            Fact(reference, label, quote, date)
            for label, quote in (("margin", words.quote("margin") or words.quote("width")),)
            if quote
        )
        if not facts and status:
            facts = (Fact(reference, "margin", _residual_quote(words), date),)
        yield Margin(
            status,
            width,
            below,
            date,
            facts,
            which,
            named,
            frozenset({reference, *entry.report.results}),
            excision,
            kinds[0] if kinds else None,
            bool(words.now("recurrence")),
        )
    for observation in records.observations:
        if observation.status in {None, *FINAL} and (
            found := _observed_margin(observation, guideline, lens)
        ):
            report = records.report_of(observation)
            ties = frozenset({observation.reference, *observation.derived_from})
            if report:
                ties |= {report.report.reference}
                kinds, biopsy = specimen_kinds(records.words_of_part(report), guideline)
                excision = True if kinds else (False if biopsy else None)
            else:
                excision = None
            status, width, below, which, text = found
            date = observation.effective or observation.issued
            if date is None and report:
                date = report.report.date
            yield Margin(
                status,
                width,
                below,
                date,
                (Fact(observation.reference, "margin", text, date),),
                which,
                frozenset({which} if which else ()),
                ties,
                excision,
            )


def _residual_quote(words: Words) -> str:
    return next((m.quote for m in words.of("residual", Certainty.NEGATED)), "")


def specimen_kinds(words: Words, guideline: Guideline) -> tuple[tuple[str, ...], bool]:
    """Return the kinds of excision that a report's own specimen is, and whether it is a biopsy.

    An operation that is only recommended or planned is not the specimen's.
    """
    planned = guideline.matches["planned"]
    named = [
        str(m.value) for m in words.of("procedure") if not m.history and not planned.says(m.quote)
    ]
    order = ("mohs", "re-excision", "wide-excision", "excisional-biopsy", "excision")
    return tuple(kind for kind in order if kind in named), "biopsy" in named


def _observed_margin(
    observation: Observation, guideline: Guideline, lens: Lens
) -> tuple[Status | None, float | None, bool, str | None, str] | None:
    sets = lens.sets(observation.code)
    items = [(observation.code, observation.value)]
    items += [(item.code or observation.code, item.value) for item in observation.components]
    status: Status | None = None
    width: float | None = None
    below, which, texts = False, None, []
    for code, value in items:
        title = " ".join(code.texts)
        about = sets | lens.sets(code)
        if not about & {"margin-status", "margin-distance"} and MARGIN_TITLE not in title.lower():
            continue
        detail = next((d for d in ("deep", "peripheral") if d in title.lower()), None)
        if isinstance(value, Quantity):
            distance = millimetres(value)
            if distance is not None and (width is None or distance < width):
                width, below = distance, value.comparator in {"<", "<="}
            texts.append(f"{value.value:g} {value.unit or ''}".strip())
        else:
            said, seen, text = _status(value, observation, guideline, lens)
            texts.append(text)
            if seen is not None and (width is None or seen < width):
                width = seen
            if said and status != "positive":
                status, which = said, detail if said == "positive" else None
    if status is None and width is None:
        return None
    if status is None:
        status = "negative" if width else "positive"
    return (
        status,
        width if status == "negative" else None,
        below,
        which,
        "; ".join(filter(None, texts)),
    )


def _status(
    value: Value, observation: Observation, guideline: Guideline, lens: Lens
) -> tuple[Status | None, float | None, str]:
    """Return the margin status that a value gives, a width in its text, and the text."""
    positive, negative = guideline.matches["positive-value"], guideline.matches["negative-value"]
    if isinstance(value, bool):
        return ("positive" if value else "negative"), None, "yes" if value else "no"
    texts: tuple[str, ...] = (value,) if isinstance(value, str) else ()
    codes = {c.code for concept in observation.interpretations for c in concept.codings}
    if isinstance(value, Concept):
        texts = value.texts
        if lens.sets(value) & {"present", "positive"}:
            codes |= positive.codes
    # SNOMED CT names end in their hierarchy: "Negative (qualifier value)".
    plain = {text.partition(" (")[0].strip().lower() for text in texts}
    words = lens.words(*texts)
    if not words.of("margin"):
        words = lens.words(*(f"Margins: {text}" for text in texts))
    said = of_words(words)
    status, width = said.status, said.width
    if plain & set(positive.words):
        status = "positive"
    elif plain & set(negative.words):
        status = "negative"
    elif status is None and codes & (positive.codes | negative.codes):
        status = "positive" if codes & positive.codes else "negative"
    return status, width, texts[0] if texts else status or ""


def millimetres(quantity: Quantity) -> float | None:
    """Return a length in mm, or None where the unit is not one of length."""
    factor = MM_PER_UNIT.get((quantity.unit or "").strip().lower().rstrip("s"))
    return None if factor is None or quantity.value < 0 else quantity.value * factor


def grades_of(records: TumourRecords, lens: Lens) -> tuple[Measured, ...]:
    """Return every grade that final pathology of the tumour gives."""
    found = [
        Measured(m.value, Fact(entry.report.reference, "grade", m.quote, entry.report.date))
        for entry in records.reports
        if entry.final and not entry.imaging
        for m in records.words_of_part(entry).of("grade")
    ]
    for observation in records.observations:
        if observation.status not in {None, *FINAL}:
            continue
        title = " ".join(observation.code.texts).lower()
        sets = lens.sets(observation.code, observation.method)
        if not sets & {"grade-observation", "grade-method-fnclcc"} and GRADE_TITLE not in title:
            continue
        date = observation.effective or observation.issued
        for value, text in _graded(observation, lens):
            found.append(Measured(value, Fact(observation.reference, "grade", text, date)))
    for condition in records.conditions:
        words = lens.words_of((condition.code, *condition.stages)) + lens.words(*condition.notes)
        found += [
            Measured(m.value, Fact(condition.reference, "grade", m.quote, condition.recorded))
            for m in words.of("grade")
        ]
    return tuple(found)


def _graded(observation: Observation, lens: Lens) -> Iterator[tuple[str | float, str]]:
    for value in (observation.value, *(item.value for item in observation.components)):
        if isinstance(value, Concept):
            text = value.texts[0] if value.texts else ""
            for name in lens.sets(value):
                if name in GRADE_SETS:
                    yield GRADE_SETS[name], text
            for word in value.texts:
                yield from _worded(word, lens)
        elif isinstance(value, str):
            yield from _worded(value, lens)
        elif isinstance(value, Quantity) and value.value in (1, 2, 3):
            yield value.value, f"{value.value:g}"
        elif isinstance(value, int | float) and value in (1, 2, 3) and not isinstance(value, bool):
            yield value, f"{value:g}"


def _worded(text: str, lens: Lens) -> Iterator[tuple[str | float, str]]:
    words = lens.words(text)
    if not words.of("grade"):
        words = lens.words(f"Grade: {text}")
    for mention in words.of("grade"):
        yield mention.value, text


def rank(grade: str | float) -> int:
    """Return a grade as FNCLCC 1 to 3; 0 for one that is not known."""
    return GRADE_RANK.get(grade, 0)


def sizes_of(records: TumourRecords, lens: Lens) -> tuple[Measured, ...]:
    """Return every tumour size in mm that final pathology gives."""
    found = [
        Measured(m.value, Fact(entry.report.reference, "size", m.quote, entry.report.date))
        for entry in records.reports
        if entry.final and not entry.imaging
        for m in records.words_of_part(entry).of("size")
    ]
    for observation in records.observations:
        if "size" in lens.sets(observation.code) and isinstance(observation.value, Quantity):
            size = millimetres(observation.value)
            if size is not None and observation.status in {None, *FINAL}:
                date = observation.effective or observation.issued
                found.append(
                    Measured(size, Fact(observation.reference, "size", f"{size:g} mm", date))
                )
    return tuple(found)
