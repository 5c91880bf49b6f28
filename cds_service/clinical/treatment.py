"""The treatment of a tumour so far: operations and their margins, radiation, recurrence, t0."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from dateutil.relativedelta import relativedelta

from cds_service.clinical.claims import FINAL, RECURRENT_STATUS
from cds_service.clinical.findings import (
    Margin,
    Measured,
    Status,
    grades_of,
    margins_of,
    of_words,
    rank,
    sizes_of,
)
from cds_service.clinical.lens import Lens
from cds_service.clinical.plan import Fact
from cds_service.clinical.records import EXCISIONS, Operation, TumourRecords
from cds_service.facts import PartialDate
from cds_service.guideline import Guideline


@dataclass(frozen=True, slots=True, kw_only=True)
class Surgery:
    """One operation on the tumour, with what is known of its margins."""

    kind: str
    date: PartialDate | None
    facts: tuple[Fact, ...]
    references: frozenset[str]
    margin: Status | None = None
    width: float | None = None
    #: The stated width is an upper bound.
    below: bool = False
    which: str | None = None
    named: frozenset[str] = frozenset()
    margin_facts: tuple[Fact, ...] = ()

    @property
    def definitive(self) -> bool:
        """Whether the operation can start surveillance: its margin is not positive."""
        return self.margin != "positive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """Everything that was done for one tumour, and what it found."""

    surgeries: tuple[Surgery, ...] = ()
    radiation: tuple[Operation, ...] = ()
    #: Radiation that is documented as not done, with whether it was refused.
    radiation_not_done: tuple[tuple[Operation, bool], ...] = ()
    surgery_not_done: tuple[Operation, ...] = ()
    #: A recurrence after the last treatment: the tumour is untreated again.
    untreated_recurrence: tuple[Fact, ...] = ()
    #: With the date of the recurrence itself, which a record of the tumour need not hold.
    recurrences: tuple[tuple[Fact, PartialDate | None], ...] = ()
    grades: tuple[Measured, ...] = ()
    sizes: tuple[Measured, ...] = ()
    t0: PartialDate | None = None
    t0_facts: tuple[Fact, ...] = ()

    @property
    def last(self) -> Surgery | None:
        """The last operation, unless a recurrence made the tumour untreated again."""
        return self.surgeries[-1] if self.surgeries and not self.untreated_recurrence else None

    @property
    def margin(self) -> Status | None:
        """The margin status of the last operation."""
        return self.last.margin if self.last else None

    @property
    def high_grade(self) -> tuple[Fact, ...]:
        """The facts that state a high grade (FNCLCC 3)."""
        return tuple(grade.fact for grade in self.grades if rank(grade.value) == max(RANKS))

    @property
    def definitive_surgery(self) -> PartialDate | None:
        """The date of the last operation whose margin is not positive."""
        return self.last.date if self.last and self.last.definitive else None


RANKS = (1, 2, 3)


def treatment_of(records: TumourRecords, *, guideline: Guideline, lens: Lens) -> Treatment:
    """Return the treatment of a tumour from its records."""
    margins = tuple(margins_of(records, guideline, lens))
    surgeries = _surgeries(records, margins, guideline)
    radiation = tuple(op for op in records.operations if op.kind == "radiotherapy")
    recurrences = _recurrences(records, margins, surgeries, lens)
    last_treated = _latest([s.date for s in surgeries] + [op.date for op in radiation])
    untreated = tuple(
        fact for fact, date in recurrences if _after_treatment(date, last_treated, surgeries)
    )
    treatment = Treatment(
        surgeries=surgeries,
        radiation=radiation,
        radiation_not_done=tuple(
            (op, _refused(op, guideline)) for op in records.not_done if op.kind == "radiotherapy"
        ),
        surgery_not_done=tuple(op for op in records.not_done if op.kind in EXCISIONS),
        untreated_recurrence=untreated,
        recurrences=tuple(recurrences),
        grades=grades_of(records, lens),
        sizes=sizes_of(records, lens),
    )
    t0, facts = _start(treatment, _latest(date for _, date in recurrences))
    return replace(treatment, t0=t0, t0_facts=facts)


def _refused(operation: Operation, guideline: Guideline) -> bool:
    procedure = operation.procedure
    return guideline.matches["refused"].says(*procedure.status_reason.texts, *procedure.notes)


# --- Operations -----------------------------------------------------------------------------


def _surgeries(
    records: TumourRecords, margins: Sequence[Margin], guideline: Guideline
) -> tuple[Surgery, ...]:
    surgeries = _recorded(records)
    lag = int(guideline.policy["report_lag"].numbers["days"])
    # Reports first, so that an Observation of an excision known only from its report finds it.
    ordered = sorted(margins, key=lambda m: (m.kind is None, _key(m.date), sorted(m.ties)))
    for margin in ordered:
        if margin.excision is False:
            continue
        index = _operation_of(margin, surgeries, lag)
        if index is not None:
            surgeries[index] = _with_margin(surgeries[index], margin)
        elif margin.excision or margin.status:
            surgeries.append(_reported(margin))
            surgeries.sort(key=lambda s: _key(s.date))
    # A biopsy is not treatment; one that removed the tumour shows it by its margins.
    return tuple(s for s in surgeries if s.kind != "excisional-biopsy" or s.margin)


def _recorded(records: TumourRecords) -> list[Surgery]:
    """Return the recorded operations; several records of one day are one operation."""
    by_day: dict[PartialDate | None, Surgery] = {}
    operations = [op for op in records.operations if op.kind in EXCISIONS]
    for op in sorted(operations, key=lambda op: (EXCISIONS.index(op.kind), op.procedure.reference)):
        surgery = _surgery(op)
        if op.date in by_day:
            first = by_day[op.date]
            surgery = replace(
                _merged(first, surgery),
                facts=first.facts + surgery.facts,
                references=first.references | surgery.references,
            )
        by_day[op.date] = surgery
    return sorted(by_day.values(), key=lambda s: _key(s.date))


def _surgery(operation: Operation) -> Surgery:
    procedure = operation.procedure
    status, width, below, which, named = of_words(operation.words)
    text = next(iter(procedure.code.texts), "")
    facts = (Fact(procedure.reference, operation.kind, text, operation.date),)
    quote = operation.words.quote("margin") or operation.words.quote("width")
    return Surgery(
        kind=operation.kind,
        date=operation.date,
        facts=facts,
        references=frozenset({procedure.reference, *procedure.reports}),
        margin=status,
        width=width,
        below=below,
        which=which,
        named=named,
        margin_facts=(Fact(procedure.reference, "margin", quote, operation.date),)
        if status and quote
        else (),
    )


def _merged(one: Surgery, two: Surgery) -> Surgery:
    """Return the first operation with the margins of both: positive if either is."""
    if two.margin is None:
        return one
    status: Status = "positive" if "positive" in {one.margin, two.margin} else "negative"
    widths = [s.width for s in (one, two) if s.width is not None]
    closest = min(widths) if widths and status == "negative" else None
    return replace(
        one,
        margin=status,
        width=closest,
        below=any(s.below for s in (one, two) if s.width == closest),
        which=two.which if two.margin == "positive" and one.margin != "positive" else one.which,
        named=one.named | two.named,
        margin_facts=one.margin_facts + two.margin_facts,
    )


def _with_margin(surgery: Surgery, margin: Margin) -> Surgery:
    kind = surgery.kind
    if margin.kind and kind == "excision":
        kind = margin.kind if margin.kind != "excisional-biopsy" else kind
    return replace(
        _merged(surgery, _as_surgery(margin)),
        kind=kind,
        # A procedure without a date is dated by its report.
        date=surgery.date or (margin.date if margin.excision else None),
        references=surgery.references | margin.ties,
    )


def _as_surgery(margin: Margin) -> Surgery:
    return Surgery(
        kind=margin.kind or "excision",
        date=margin.date,
        facts=(),
        references=margin.ties,
        margin=margin.status,
        width=margin.width,
        below=margin.below,
        which=margin.which,
        named=margin.named,
        margin_facts=margin.facts,
    )


def _reported(margin: Margin) -> Surgery:
    """Return the operation that only a pathology record tells of, dated by the record."""
    facts = tuple(replace(fact, label="reported-excision") for fact in margin.facts[:1])
    reference = min(margin.ties, key=lambda ref: (not ref.startswith("DiagnosticReport/"), ref))
    return replace(
        _as_surgery(margin),
        facts=facts or (Fact(reference, "reported-excision", "", margin.date),),
    )


def _operation_of(margin: Margin, surgeries: Sequence[Surgery], lag: int) -> int | None:
    """Return which operation a margin finding is of, or None for one that is not recorded."""
    for index, surgery in enumerate(surgeries):
        if margin.ties & surgery.references:
            return index
    if margin.date is None:
        return len(surgeries) - 1 if surgeries else None
    for index in reversed(range(len(surgeries))):
        date = surgeries[index].date
        if date is None:
            return index
        # A day's leeway: the same operation may stand under two time zones.
        if date.first <= margin.date.last + dt.timedelta(days=1):
            late = (margin.date.first - date.last).days > lag
            own = late or _repeated(margin, surgeries[index])
            return None if own and margin.excision else index
    return None


def _repeated(margin: Margin, surgery: Surgery) -> bool:
    """Return whether a re-excision is reported of which only the first operation is recorded."""
    return (
        margin.kind == "re-excision"
        and surgery.margin is not None
        and (surgery.kind != "re-excision")
    )


def _key(date: PartialDate | None) -> tuple[dt.date, dt.date]:
    return (date.last, date.first) if date else (dt.date.min, dt.date.min)


def _latest(dates: Iterable[PartialDate | None]) -> PartialDate | None:
    return max((date for date in dates if date), key=_key, default=None)


# --- Recurrence -------------------------------------------------------------------------------


def _recurrences(
    records: TumourRecords, margins: Sequence[Margin], surgeries: Sequence[Surgery], lens: Lens
) -> list[tuple[Fact, PartialDate | None]]:
    """Return each recurrence with its date; one found in an operation has that operation's."""
    found: list[tuple[Fact, PartialDate | None]] = []
    tied = {
        ref: surgery.date
        for surgery in surgeries
        for margin in margins
        if margin.ties & surgery.references and margin.excision
        for ref in margin.ties
    }
    for entry in records.reports:
        words = records.words_of_part(entry)
        if entry.final and "local" in words.now("recurrence"):
            reference = entry.report.reference
            fact = Fact(reference, "recurrence", words.quote("recurrence"), entry.report.date)
            found.append((fact, tied.get(reference, entry.report.date)))
    for observation in records.observations:
        words = lens.words_of((observation.code,))
        values = [observation.value, *(item.value for item in observation.components)]
        words = words + lens.words(*(value for value in values if isinstance(value, str)))
        if observation.status in {None, *FINAL} and "local" in words.now("recurrence"):
            date = observation.effective or observation.issued
            found.append(
                (Fact(observation.reference, "recurrence", words.quote("recurrence"), date), date)
            )
    for condition in (*records.conditions, *records.recurrences):
        words = lens.words_of((condition.code,)) + lens.words(*condition.notes)
        coded = "recurrence" in lens.sets(condition.code)
        if (
            condition.clinical_status in RECURRENT_STATUS
            or coded
            or "local" in words.now("recurrence")
        ):
            date = condition.recorded or (condition.onset.start if condition.onset else None)
            text = words.quote("recurrence") or next(iter(condition.code.texts), "")
            fact = Fact(condition.reference, "recurrence", text, date)
            found.append((fact, _own_date(date, surgeries)))
    return found


def _own_date(date: PartialDate | None, surgeries: Sequence[Surgery]) -> PartialDate | None:
    """Return the date of a Condition's recurrence, None where the date is of the first tumour.

    A recurrence presupposes a treatment: a date before the first operation is that of the
    tumour itself.
    """
    first = next((s.date for s in surgeries if s.date), None)
    return None if date and first and date.last < first.first else date


def _after_treatment(
    date: PartialDate | None, last_treated: PartialDate | None, surgeries: Sequence[Surgery]
) -> bool:
    if date is None:
        # Without a date of its own a recurrence follows the first operation; a second
        # operation is taken as its treatment.
        return len(surgeries) <= 1
    return last_treated is None or date.first > last_treated.last


# --- Start of surveillance ----------------------------------------------------------------------


def _start(
    treatment: Treatment, recurred: PartialDate | None
) -> tuple[PartialDate | None, tuple[Fact, ...]]:
    """Return t0: the last operation without positive margin, else the end of radiation.

    A recurrence after the last operation that radiation has treated counts from its end.
    """
    last = treatment.last
    if last is None:
        return None, ()
    if last.definitive and not (recurred and _key(recurred) > _key(last.date)):
        return last.date, last.facts
    later = [op for op in treatment.radiation if op.date and _key(op.date) >= _key(last.date)]
    if not later:
        return None, ()
    end = max(later, key=lambda op: _key(op.date))
    return end.date, (radiation_fact(end),)


def radiation_fact(operation: Operation) -> Fact:
    """Return the fact of a radiation course."""
    text = next(iter(operation.procedure.code.texts), "")
    return Fact(operation.procedure.reference, "radiotherapy", text, operation.date)


@lru_cache(maxsize=4096)
def months_after(date: dt.date, months: float) -> dt.date:
    """Return the day ``months`` calendar months later, clamped to the month's end."""
    day: dt.date = date + relativedelta(months=int(months))
    return day
