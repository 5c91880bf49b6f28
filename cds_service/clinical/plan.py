"""What the clinical evaluation says: tumours, and for each topic an advice with its reason."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from cds_service.facts import Issue, Kind, PartialDate

#: The topics of advice, in the order of the cards; each is a card's ``source.topic.code``.
Topic = Literal["diagnosis", "margin", "radiation", "systemic-therapy", "surveillance", "hlrcc"]
TOPICS: tuple[Topic, ...] = (
    "diagnosis",
    "margin",
    "radiation",
    "systemic-therapy",
    "surveillance",
    "hlrcc",
)

#: ``act``: something to do now; ``withheld``: cannot be said, and why; ``inform``: applies,
#: nothing to do now; ``done``: satisfied by the record; ``silent``: does not apply, and why.
State = Literal["act", "withheld", "inform", "done", "silent"]
Indicator = Literal["info", "warning"]
Depth = Literal["dermal", "subcutaneous", "unknown", "conflicting"]


@dataclass(frozen=True, slots=True)
class Fact:
    """A piece of the record that an advice rests on.

    ``text`` is what was read, in the words of the record or of the code's display: it comes
    from the chart and is escaped by ``cards``. ``label`` is the service's own word for it
    (a key of the guideline's fact wording).
    """

    reference: str
    label: str
    text: str = ""
    date: PartialDate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The next follow-up window (decisions of section 6), as calendar days."""

    depth: Literal["dermal", "subcutaneous"]
    status: Literal["not-yet-due", "due", "due-lenient", "overdue"]
    start: PartialDate
    elapsed_months: int
    earliest: dt.date
    latest: dt.date
    lenient_latest: dt.date
    minimum_months: int
    maximum_months: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tumour:
    """One cutaneous leiomyosarcoma, named by its site."""

    #: "left thigh", or "" where no site is recorded.
    site: str
    depth: Depth
    #: The word that the reports use for it.
    name: str = "leiomyosarcoma"
    #: Condition references, the one to cite in a proposal first.
    conditions: tuple[str, ...] = ()
    level: Literal["certain", "suspected"] = "certain"
    #: Text, not a code, was the evidence.
    by_text: bool = False
    #: Only a history of the tumour is recorded (resolved, remission, inactive).
    history: bool = False
    #: The start of surveillance; None where there is none yet.
    t0: PartialDate | None = None


#: What an event of a tumour's course is.
EventKind = Literal[
    "diagnosis",
    "suspected",
    "pathology",
    "surgery",
    "radiation",
    "not-done",
    "recurrence",
    "metastasis",
    "visit",
    "chest-imaging",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened in the course of a tumour, as the evaluation read it."""

    kind: EventKind
    #: Where it was read; the first names it.
    facts: tuple[Fact, ...]
    #: When it was, for something that took time when it ended; None where that is not known.
    date: PartialDate | None
    #: When it began, where that is another date.
    begun: PartialDate | None = None
    #: Of an operation: its margin, the closest width in mm (an upper bound where ``below``),
    #: and where they were read.
    margin: Literal["positive", "negative"] | None = None
    width: float | None = None
    below: bool = False
    margin_facts: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """The advice of one topic for one tumour (or, for HLRCC, for the patient)."""

    topic: Topic
    state: State
    #: The id of the rule in the guideline data that decided.
    rule: str
    indicator: Indicator = "info"
    tumour: Tumour | None = None
    facts: tuple[Fact, ...] = ()
    #: Keys of the guideline's wording for what was looked for and not found.
    missing: tuple[str, ...] = ()
    #: Kinds that the advice depends on and that could not be read.
    unread: tuple[Kind, ...] = ()
    #: Values for the wording of the rule: own words, numbers and dates, or chart text.
    values: Mapping[str, object] = field(default_factory=dict)
    windows: tuple[Window, ...] = ()
    #: Keys of the guideline's suggestions that are offered, in order; the first is recommended.
    suggestions: tuple[str, ...] = ()
    #: Suggestion keys for which an order exists already, with the order's fact.
    ordered: tuple[tuple[str, Fact], ...] = ()
    #: Statements of the rule that do not apply to this patient.
    left_out: frozenset[str] = frozenset()
    #: Keys of added lines that are not in the source (pregnancy, immunosuppression).
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicAdvice:
    """All advice of one topic: what becomes one card."""

    topic: Topic
    state: State
    indicator: Indicator
    parts: tuple[Advice, ...]

    @property
    def rules(self) -> str:
        """The ids of the rules that say something, separated by commas."""
        return ",".join(dict.fromkeys(part.rule for part in self.parts if part.state != "silent"))

    @property
    def references(self) -> frozenset[str]:
        """The references of every fact that takes part."""
        return frozenset(fact.reference for part in self.parts for fact in part.facts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The outcome of one evaluation: every topic once, in card order, silent ones included."""

    today: dt.date
    tumours: tuple[Tumour, ...] = ()
    #: What happened to each of ``tumours``, in the order of time, what has no date last.
    courses: tuple[tuple[Event, ...], ...] = ()
    advice: tuple[TopicAdvice, ...] = ()
    #: What was looked at and set aside in the evaluation, with the reason.
    set_aside: tuple[Issue, ...] = ()

    def of(self, topic: Topic) -> TopicAdvice:
        """Return the advice of ``topic``."""
        return next(advice for advice in self.advice if advice.topic == topic)
