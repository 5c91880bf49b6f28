"""The patient's facts, as ``chart`` writes them and ``clinical`` reads them.

Every class here is an immutable value: no FHIR JSON, no I/O, no medicine. A field that
the record does not carry is ``None`` or an empty tuple; what could not be *read* is named
in :attr:`Chart.unread`, because unknown is never absent.

References are relative (``Condition/c1``). ``chart`` rewrites every reference that it
meets (absolute, versioned, ``urn:uuid:``, contained, or to a duplicate that was merged)
to the reference of the record it means, so that equal strings mean the same record.
"""

import calendar
import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

Precision = Literal["year", "month", "day"]

#: The kinds of resources that the service reads, named as its prefetch keys.
Kind = Literal[
    "patient",
    "conditions",
    "procedures",
    "observations",
    "reports",
    "familyHistory",
    "orders",
    "encounters",
]


@dataclass(frozen=True, slots=True, order=True)
class PartialDate:
    """A date at the precision that the record stores: an interval of whole days.

    ``first`` and ``last`` are inclusive; for a full date they are equal. A day that is
    not recorded is never invented: "2026-05" is 1 to 31 May 2026.
    """

    first: dt.date
    last: dt.date
    precision: Precision = "day"

    @classmethod
    def of(cls, day: dt.date) -> "PartialDate":
        """Return the full date ``day``."""
        return cls(day, day, "day")

    @classmethod
    def parse(cls, text: str) -> "PartialDate":
        """Return the date of an ISO form: 2026, 2026-05 or 2026-05-20; ``ValueError`` otherwise."""
        first = dt.date.fromisoformat(f"{text}-01-01"[:10])
        last_day = calendar.monthrange(first.year, first.month)[1]
        found = {
            4: cls(first, first.replace(month=12, day=31), "year"),
            7: cls(first, first.replace(day=last_day), "month"),
            10: cls.of(first),
        }.get(len(text))
        if found is None or str(found) != text:
            raise ValueError("not a date of the form YYYY, YYYY-MM or YYYY-MM-DD")
        return found

    def __str__(self) -> str:
        """Return the ISO form at the stored precision: 2026, 2026-05 or 2026-05-20."""
        return self.first.isoformat()[: {"year": 4, "month": 7, "day": 10}[self.precision]]


@dataclass(frozen=True, slots=True)
class Span:
    """A period; either end may be unknown."""

    start: PartialDate | None = None
    end: PartialDate | None = None

    @property
    def begun(self) -> PartialDate | None:
        """The start, else the end."""
        return self.start or self.end

    @property
    def finished(self) -> PartialDate | None:
        """The end, else the start."""
        return self.end or self.start


@dataclass(frozen=True, slots=True)
class Coding:
    """A code of a system; ``system`` is the canonical URL that the value sets use."""

    system: str | None = None
    code: str | None = None
    display: str | None = None


@dataclass(frozen=True, slots=True)
class Concept:
    """A CodeableConcept: what a thing is, in codes and in words."""

    codings: tuple[Coding, ...] = ()
    text: str | None = None
    #: The text and the displays, each once, the text first.
    texts: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Collect the texts once: every rule asks for them."""
        words = (self.text, *(coding.display for coding in self.codings))
        object.__setattr__(self, "texts", tuple(dict.fromkeys(filter(None, words))))

    def __bool__(self) -> bool:
        """Return whether the concept says anything."""
        return bool(self.codings or self.text)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A measured value. ``unit`` is the UCUM code where there is one, else the printed unit."""

    value: float
    unit: str | None = None
    comparator: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What every record has: the reference by which cards name it."""

    reference: str
    #: Free-text annotations about this patient, in the order in which they stand.
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient(Record):
    """The person whose chart this is."""

    id: str
    birth: PartialDate | None = None
    #: Administrative gender; not what examinations follow.
    gender: str | None = None
    #: Sex for clinical use, else recorded sex (extensions), as "male", "female" or None.
    clinical_sex: Literal["male", "female"] | None = None
    deceased: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition(Record):
    """A problem or diagnosis.

    ``clinical_status`` and ``verification`` are lower-case FHIR codes
    ("active", "recurrence", "relapse", "inactive", "remission", "resolved"; "confirmed",
    "provisional", "differential", "unconfirmed", "refuted"), None where not recorded.
    """

    code: Concept = Concept()
    clinical_status: str | None = None
    verification: str | None = None
    categories: tuple[Concept, ...] = ()
    body_sites: tuple[Concept, ...] = ()
    #: mCODE histology-morphology-behavior extension.
    morphology: tuple[Concept, ...] = ()
    onset: Span | None = None
    #: Age at onset in completed years, where the record gives an age instead of a date.
    onset_age: int | None = None
    abatement: Span | None = None
    recorded: PartialDate | None = None
    #: Condition.stage: summary, type and assessment texts.
    stages: tuple[Concept, ...] = ()
    #: References of Condition.evidence.detail (R5: evidence), and codes given as evidence.
    evidence: tuple[str, ...] = ()
    evidence_codes: tuple[Concept, ...] = ()
    #: The record is a condition of the hook's context (a diagnosis that is being entered).
    from_context: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Procedure(Record):
    """Something that was done; ``status`` is always "completed" in :attr:`Chart.procedures`."""

    status: str
    code: Concept = Concept()
    categories: tuple[Concept, ...] = ()
    performed: Span | None = None
    body_sites: tuple[Concept, ...] = ()
    reasons: tuple[Concept, ...] = ()
    reason_references: tuple[str, ...] = ()
    reports: tuple[str, ...] = ()
    outcome: Concept = Concept()
    status_reason: Concept = Concept()
    #: CodeableConcepts of extensions (mCODE modality, technique, treatment intent).
    extension_concepts: tuple[Concept, ...] = ()


Value = Concept | Quantity | str | bool | float | PartialDate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One component of an Observation."""

    code: Concept = Concept()
    value: Value = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation(Record):
    """A measurement or a finding (pathology detail, genomics, staging)."""

    #: FHIR status; entered-in-error and cancelled ones are dropped by ``chart``.
    status: str | None = None
    code: Concept = Concept()
    categories: tuple[Concept, ...] = ()
    value: Value = None
    components: tuple[Component, ...] = ()
    interpretations: tuple[Concept, ...] = ()
    effective: PartialDate | None = None
    issued: PartialDate | None = None
    body_site: Concept = Concept()
    method: Concept = Concept()
    focus: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    derived_from: tuple[str, ...] = ()
    specimen: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report(Record):
    """A diagnostic report. ``status``: "final", "amended", "corrected", "appended",
    "preliminary", "registered", "partial" or "unknown"; cancelled and entered-in-error
    ones are dropped by ``chart``.
    """

    status: str
    code: Concept = Concept()
    categories: tuple[Concept, ...] = ()
    #: When the specimen was taken or the study done.
    effective: PartialDate | None = None
    #: When the report was issued.
    issued: PartialDate | None = None
    #: The report's texts: ``conclusion`` first, then each readable ``presentedForm``.
    texts: tuple[str, ...] = ()
    conclusion_codes: tuple[Concept, ...] = ()
    results: tuple[str, ...] = ()
    specimens: tuple[str, ...] = ()
    #: Body sites of specimens that are in the chart (contained or included).
    specimen_sites: tuple[Concept, ...] = ()
    based_on: tuple[str, ...] = ()
    #: Identifier values, for telling that two reports are versions of one.
    identifiers: tuple[str, ...] = ()

    @property
    def date(self) -> PartialDate | None:
        """The date to show: of the specimen, else of the report."""
        return self.effective or self.issued


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyCondition:
    """A condition of a relative, with the age at onset in years where it is given."""

    code: Concept = Concept()
    onset_age: float | None = None
    #: Onset as it was written, where it is not a number ("in his thirties").
    onset_text: str | None = None
    deceased_of: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Relative(Record):
    """A FamilyMemberHistory."""

    relationship: Concept = Concept()
    conditions: tuple[FamilyCondition, ...] = ()
    date: PartialDate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order(Record):
    """A ServiceRequest (or another request resource of a draft-orders Bundle)."""

    #: FHIR status, e.g. "draft", "active", "completed", "revoked".
    status: str | None = None
    intent: str | None = None
    code: Concept = Concept()
    body_sites: tuple[Concept, ...] = ()
    reasons: tuple[Concept, ...] = ()
    reason_references: tuple[str, ...] = ()
    authored: PartialDate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit(Record):
    """An Encounter. ``status`` is the FHIR code; R5 "completed" is given as "finished"."""

    status: str | None = None
    types: tuple[Concept, ...] = ()
    reasons: tuple[Concept, ...] = ()
    reason_references: tuple[str, ...] = ()
    period: Span | None = None


@dataclass(frozen=True, slots=True)
class Issue:
    """Something of the input that was not used, and why: nothing is lost silently.

    ``where`` is a reference or a path (``Condition/c1.onsetDateTime``,
    ``prefetch.reports``), ``reason`` a sentence without patient data.
    """

    where: str
    reason: str
    #: "dropped": the whole resource is not used; "ignored": one element of it is not.
    effect: Literal["dropped", "ignored"] = "ignored"


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Everything that was read about one patient.

    Each tuple is sorted (by date, then reference) and free of duplicates, so that the
    order and the repetition of resources in the input cannot change anything.
    """

    patient: Patient
    conditions: tuple[Condition, ...] = ()
    #: Conditions with verificationStatus refuted: they speak against other evidence.
    refuted: tuple[Condition, ...] = ()
    procedures: tuple[Procedure, ...] = ()
    #: Procedures documented as not done (status not-done).
    not_done: tuple[Procedure, ...] = ()
    observations: tuple[Observation, ...] = ()
    reports: tuple[Report, ...] = ()
    relatives: tuple[Relative, ...] = ()
    orders: tuple[Order, ...] = ()
    visits: tuple[Visit, ...] = ()
    #: Optional kinds that could not be read, with the reason.
    unread: Mapping[Kind, str] = field(default_factory=dict)
    issues: tuple[Issue, ...] = ()

    @cached_property
    def condition_references(self) -> frozenset[str]:
        """The references of the conditions."""
        return frozenset(condition.reference for condition in self.conditions)

    def records(self) -> Iterator[Record]:
        """Yield every record that may stand as a fact, the patient excluded."""
        yield from self.conditions
        yield from self.procedures
        yield from self.observations
        yield from self.reports
        yield from self.relatives
        yield from self.orders
        yield from self.visits
