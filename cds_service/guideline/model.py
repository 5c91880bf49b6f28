"""The types of the guideline."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from types import SimpleNamespace

#: The keys of ``by_depth`` tables: a depth, or "unclear" for unknown and conflicting.
DEPTH_KEYS = ("dermal", "subcutaneous", "unclear")


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of the source, in our words, with its numbers as typed fields."""

    id: str
    #: Markdown; the numbers are filled in.
    text: str
    numbers: Mapping[str, float]
    #: The reference numbers that the source prints.
    cited_as: tuple[str, ...]
    #: What those references were matched to.
    verified_source: str
    caveat: str
    certainty: str

    def __getitem__(self, number: str) -> float:
        """Return the number of this name."""
        return self.numbers[number]


@dataclass(frozen=True, slots=True)
class Policy:
    """A decision of ours where the source is silent, with its reason and its numbers."""

    id: str
    reason: str
    numbers: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row of an advice table."""

    id: str
    #: A topic, or "*" for rows that silence every topic.
    topic: str
    state: str
    when: str
    indicator: str = "info"
    #: Templates; the values that they name come from the evaluation.
    summary: str = ""
    advice: str = ""
    statements: tuple[str, ...] = ()
    by_depth: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    caveats: tuple[str, ...] = ()
    caveats_by_depth: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    suggestions: tuple[str, ...] = ()
    suggestions_by_depth: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: Whether the first suggestion is marked as recommended.
    recommended: bool = True

    def statements_for(self, depth: str) -> tuple[str, ...]:
        """Return the ids of the statements that the row shows at this depth."""
        return self.statements + self.by_depth.get(depth_key(depth), ())

    def caveats_for(self, depth: str) -> tuple[str, ...]:
        """Return the ids of the statements whose caveats the row shows at this depth."""
        return self.caveats + self.caveats_by_depth.get(depth_key(depth), ())

    def suggestions_for(self, depth: str) -> tuple[str, ...]:
        """Return the keys of the suggestions that the row makes at this depth."""
        return self.suggestions + self.suggestions_by_depth.get(depth_key(depth), ())


def depth_key(depth: str) -> str:
    """Return the key of ``depth`` in a ``by_depth`` table."""
    return depth if depth in {"dermal", "subcutaneous"} else "unclear"


@dataclass(frozen=True, slots=True)
class TopicInfo:
    """A topic's title, and the kinds of resources (prefetch keys) its advice depends on."""

    id: str
    title: str
    depends_on: tuple[str, ...]
    #: Statements on prognosis: for the topic's pages, never for a card.
    prognosis: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """Something that can be ordered, and how an order of it that exists is recognised."""

    id: str
    label: str
    #: Template of the order's text.
    text: str
    #: (system, code), where a verified code exists.
    code: tuple[str, str] | None = None
    match_sets: frozenset[str] = frozenset()
    match_words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """An HLRCC examination: its statement, and how a completed one is recognised."""

    id: str
    statement: str
    name: str
    suggestion: str
    female_only: bool = False
    match_sets: frozenset[str] = frozenset()
    match_words: tuple[str, ...] = ()


#: Characters of a phrase that charts repeat, and how many of them are remembered.
_RECURRING, _MAX_FOUND = 80, 2048


@cache
def _any_of(words: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, words)) or r"(?!)")


@dataclass(frozen=True, slots=True)
class Match:
    """Words and codes that tell a record apart where no value set can."""

    words: tuple[str, ...]
    not_words: tuple[str, ...] = ()
    codes: frozenset[str] = frozenset()
    #: What was found in names and short phrases, which charts repeat.
    _found: dict[str, bool] = field(default_factory=dict, init=False, repr=False, compare=False)

    def says(self, *texts: str) -> bool:
        """Return whether one of the texts has one of the words and none of the others.

        Words are parts of words; a space in them is the edge of one.
        """
        return any(map(self._says, texts))

    def _says(self, text: str) -> bool:
        found = self._found.get(text)
        if found is None:
            found = self._looked(f" {text.lower()} ")
            if len(text) <= _RECURRING:
                if len(self._found) >= _MAX_FOUND:
                    self._found.clear()
                self._found[text] = found
        return found

    def _looked(self, text: str) -> bool:
        return _any_of(self.words).search(text) is not None and not (
            self.not_words and _any_of(self.not_words).search(text)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderMatch:
    """How an order is recognised that is a matter of a topic."""

    sets: frozenset[str] = frozenset()
    #: Parts of words; a space in them is the edge of one.
    words: tuple[str, ...] = ()
    #: Groups of words: an order that has one of each group, in its name or its body site.
    together: tuple[tuple[tuple[str, ...], ...], ...] = ()
    #: What the text reader calls the procedure.
    procedures: frozenset[str] = frozenset()
    #: Words of orders that are something else.
    not_words: tuple[str, ...] = ()
    #: An order that names another organ than the skin is something else.
    skin_only: bool = False


@dataclass(frozen=True, slots=True)
class OverrideReason:
    """A reason for not following a card."""

    code: str
    system: str
    display: str


@dataclass(frozen=True, slots=True)
class Use:
    """Whether an attribute of the patient is used, and how."""

    id: str
    title: str
    used: bool
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """The source attributes of the intervention (45 CFR 170.315(b)(11)(iv)(A)), and its limits."""

    kind: str
    citation: str
    developer: str
    funding: str
    released: str
    revised: str
    intended_use: str
    intended_users: str
    limits: tuple[str, ...]
    out_of_scope: tuple[str, ...]
    uses: tuple[Use, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guideline:
    """The whole rule book."""

    meta: Mapping[str, str]
    about: About
    certainty: Mapping[str, str]
    statements: Mapping[str, Statement]
    policy: Mapping[str, Policy]
    rules: Mapping[str, Rule]
    topics: Mapping[str, TopicInfo]
    suggestions: Mapping[str, Suggestion]
    examinations: Mapping[str, Examination]
    matches: Mapping[str, Match]
    #: By topic.
    orders: Mapping[str, OrderMatch]
    overrides: Mapping[str, tuple[OverrideReason, ...]]
    words: Mapping[str, Mapping[str, str]]
    _numbers: Mapping[str, object] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Name the numbers once: every card fills templates with them."""
        object.__setattr__(self, "_numbers", named(self.statements, self.policy))

    @property
    def version(self) -> str:
        """The version of the guideline data."""
        return self.meta["version"]

    def number(self, statement: str, name: str) -> float:
        """Return a number of a statement (``S24``, ``margin_cm``)."""
        return self.statements[statement].numbers[name]

    def fill(self, template: str, **values: object) -> str:
        """Fill a template with ``values``, statements' numbers and the policy's numbers."""
        return template.format_map({**values, **self._numbers})


def named(
    statements: Mapping[str, Statement], policy: Mapping[str, Policy]
) -> Mapping[str, object]:
    """Return what templates name: ``{S24.margin_cm}``, ``{policy.radiation_window.months}``."""
    by_policy = {key: _numbers(item.numbers) for key, item in policy.items()}
    return {
        **{key: _numbers(item.numbers) for key, item in statements.items()},
        "policy": SimpleNamespace(**by_policy),
    }


def _numbers(values: Mapping[str, float]) -> SimpleNamespace:
    """Return the numbers as attributes, written without a needless ".0"."""
    return SimpleNamespace(**{name: f"{value:g}" for name, value in values.items()})
