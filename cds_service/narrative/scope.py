"""How far a negation, a doubt or a "history of" reaches within a sentence."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from cds_service.narrative.lexicon import Hit
from cds_service.narrative.model import Certainty, Mention, Topic
from cds_service.narrative.sections import Sentence

MODIFIERS: Final = frozenset(
    [
        "no",
        "denies",
        "denied",
        "doubts",
        "doubted",
        "versus",
        "past",
        "kin",
        "patient",
        "but",
        "intends",
        "ignore",
        "stop",
    ]
)
_CHANGING: Final = frozenset(["no", "denies", "denied", "doubts", "doubted", "past", "kin"])
#: What a list carries a doubt or a negation on to.
_DIAGNOSES: Final = frozenset({"tumour", "mimic", "metastasis", "recurrence", "syndrome"})
MAX_QUOTE: Final = 400
_FORWARD_WORDS: Final = 12
_PLAIN_WORDS: Final = 6
_BACKWARD_WORDS: Final = 6
_LIST_WORDS: Final = 4
_PLACES: Final = frozenset({"layer", "region", "side", "place"})
_PATIENT: Final = ("patient:", "the patient", "patient has", "patient was", "she ", "he ", "pt ")
_SEPARATOR = re.compile(r";|,(?!\d)|(?<= )-(?= )")
_WORD = re.compile(r"[a-z0-9]+")
_QUESTION = re.compile(r"\?")
#: After these words a plain "no" has found what it denies ("no atypia in the leiomyosarcoma").
_PREPOSITIONS: Final = frozenset(
    [
        "of",
        "in",
        "within",
        "from",
        "to",
        "for",
        "after",
        "on",
        "at",
        "by",
        "de",
        "en",
        "von",
        "im",
        "bei",
        "dans",
        "da",
        "do",
        "em",
        "di",
        "nel",
        "van",
        "into",
    ]
)
_BACK_BLOCKERS: Final = frozenset(
    [
        "with",
        "without",
        "showing",
        "invasion",
        "necrosis",
        "mitoses",
        "mitosis",
        "mitotic",
        "atypia",
        "margin",
        "margins",
        "involvement",
        "extension",
        "infiltration",
        "spread",
        "cells",
        "ulceration",
        "staining",
        "for",
        "con",
        "mit",
        "avec",
        "com",
        "met",
        "sin",
        "ohne",
        "sans",
        "sem",
        "senza",
        "zonder",
    ]
)


@dataclass(frozen=True, slots=True)
class Status:
    """How a phrase stands: its certainty, its time and whose it is."""

    certainty: Certainty = Certainty.ASSERTED
    history: bool = False
    family: bool = False


@dataclass(slots=True)
class Scene:
    """A sentence with its phrases, parted into what is said and what changes it."""

    sentence: Sentence
    hits: Sequence[Hit]
    contents: list[Hit] = field(default_factory=list)
    modifiers: list[Hit] = field(default_factory=list)

    #: Phrases that are told as part of another ("no residual leiomyosarcoma").
    told: set[int] = field(default_factory=set)
    kinds: frozenset[str] = frozenset()
    by_clause: dict[int, list[Hit]] = field(default_factory=dict)
    _statuses: dict[int, Status] = field(default_factory=dict)
    _leaning: dict[int, bool] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The folded sentence."""
        return self.sentence.text

    def of(self, *kinds: str) -> list[Hit]:
        """Return the phrases of these kinds that no rule has used up."""
        if self.kinds.isdisjoint(kinds):
            return []
        return [hit for hit in self.contents if hit.kind in kinds and id(hit) not in self.told]

    def tell(self, *hits: Hit) -> None:
        """Keep phrases from being read a second time."""
        self.told.update(id(hit) for hit in hits)

    def mention(
        self,
        topic: Topic,
        value: str | float,
        *,
        status: Status,
        detail: str | None = None,
        bound: Literal["<", ">"] | None = None,
    ) -> Mention:
        """Return a mention that stands in this sentence."""
        return Mention(
            topic=topic,
            value=value,
            certainty=status.certainty,
            detail=detail,
            bound=bound,
            about="family" if status.family else "patient",
            history=status.history,
            section=self.sentence.section,
            part=self.sentence.part,
            quote=self.sentence.shown[:MAX_QUOTE],
        )

    def between(self, first: Hit, second: Hit) -> str:
        """Return the text between two phrases."""
        return self.text[first.end : second.start]

    def status(self, hit: Hit) -> Status:
        """Return how a phrase stands."""
        known = self._statuses.get(id(hit))
        if known is None:
            known = self._statuses[id(hit)] = self._status(hit)
        return known

    def _status(self, hit: Hit) -> Status:  # noqa: C901, PLR0912 - one branch a case
        negated = doubted = history = False
        family = self.sentence.family and not self.text.startswith(_PATIENT)
        negated_at = doubted_at = -1
        for modifier in self.by_clause.get(hit.clause, ()):
            kind = modifier.kind
            before = modifier.end <= hit.start
            if kind == "kin":
                if self._of_relative(modifier, hit):
                    family = True
                    if modifier.value == "not":
                        negated = True
                continue
            if kind == "past":
                if before and self._forward(modifier, hit):
                    history = True
                    negated = negated or modifier.value == "not"
                continue
            backward = kind in {"denied", "doubted"}
            reaches = False
            if modifier.value == "either":
                # "ruled out" and "suspected" stand on either side of what they speak of.
                if self._leans_back(modifier):
                    reaches = not before and self._backward(modifier, hit)
                else:
                    reaches = before and self._forward(modifier, hit)
            elif backward:
                reaches = not before and self._backward(modifier, hit)
            else:
                reaches = before and self._forward(modifier, hit)
            if not reaches:
                continue
            if kind in {"no", "denies", "denied"}:
                negated, negated_at = True, modifier.start
            else:
                doubted, doubted_at = True, modifier.start
        if not negated and not doubted and self._versus(hit):
            doubted = True
        certainty = Certainty.ASSERTED
        if negated and not (doubted and doubted_at < negated_at < hit.start):
            certainty = Certainty.NEGATED
        elif doubted or negated:
            certainty = Certainty.UNCERTAIN
        return Status(certainty, history, family)

    def intended(self, hit: Hit) -> str:
        """Return "intends" or "declined" where a treatment is only planned or was refused."""
        for modifier in self.modifiers:
            if modifier.kind != "intends" or modifier.clause != hit.clause:
                continue
            near = abs(modifier.word - hit.word) <= _FORWARD_WORDS
            if modifier.value == "declined" and near:
                return "declined"
            if near and modifier.start < hit.start and modifier.segment == hit.segment:
                return "intends"
        return ""

    def _forward(self, modifier: Hit, hit: Hit) -> bool:  # noqa: C901, PLR0911 - one branch a case
        if modifier.clause != hit.clause:
            return False
        plain = modifier.kind == "no"
        if hit.word - modifier.last_word > (_PLAIN_WORDS if plain else _FORWARD_WORDS):
            return self._chained(modifier, hit)
        if modifier.value == "first" and any(
            modifier.end <= one.start < hit.start and one.kind in _DIAGNOSES
            for one in self.contents
        ):
            return False
        if modifier.segment != hit.segment:
            return self._chained(modifier, hit)
        for other in self.modifiers:
            if other.kind == "stop" and modifier.end <= other.start < hit.start:
                return False
        if plain:
            gap = self.text[modifier.end : hit.start]
            first = next(
                (one for one in self.contents if modifier.end <= one.start < hit.start), None
            )
            reached = first.start - modifier.end if first else len(gap)
            for word in _WORD.finditer(gap):
                if word.start() >= reached:
                    break
                if word[0] in _PREPOSITIONS:
                    return False
        return True

    def _chained(self, modifier: Hit, hit: Hit) -> bool:
        """Tell whether a list carries the modifier on: "no melanoma, carcinoma or sarcoma"."""
        if hit.kind not in _DIAGNOSES or modifier.kind == "past":
            return False
        row = [one for one in self.contents if one.kind in _DIAGNOSES]
        row = [one for one in row if modifier.end <= one.start <= hit.start]
        if not row or row[0].segment != modifier.segment or row[0] is hit:
            return False
        before = modifier.last_word
        for index, one in enumerate(row):
            if one.word - before > (_FORWARD_WORDS if index == 0 else _LIST_WORDS):
                return False
            before = one.last_word
        return not any(
            modifier.end <= other.start < hit.start and other.kind not in {"no", "ignore"}
            for other in self.modifiers
            if other is not modifier and other.kind in {"stop", "doubts", "denies", "past"}
        )

    def _backward(self, modifier: Hit, hit: Hit) -> bool:  # noqa: PLR0911 - each return is one case
        if modifier.clause != hit.clause:
            return False
        distance = modifier.word - hit.last_word
        if distance > _BACKWARD_WORDS + 4:
            return False
        gap = _WORD.findall(self.text[hit.end : modifier.start])
        if _BACK_BLOCKERS.intersection(gap):
            return False
        if any(
            hit.end <= other.start < modifier.start
            for other in self.modifiers
            if other.kind in {"stop", "no", "denies", "doubts"}
        ):
            return False
        if modifier.segment == hit.segment:
            return True
        # The nearest segment before counts where the modifier's own has nothing to say.
        own = [one for one in self.contents if one.segment == modifier.segment]
        own = [one for one in own if one.start < modifier.start]
        if not own:
            between = [one for one in self.contents if hit.end <= one.start < modifier.start]
            return modifier.segment - hit.segment == 1 or (
                bool(between) and all(one.kind in _PLACES for one in between)
            )
        listed = hit.kind in _DIAGNOSES and all(one.kind in _DIAGNOSES for one in own)
        return listed and distance <= _BACKWARD_WORDS + 2

    def _leans_back(self, modifier: Hit) -> bool:
        known = self._leaning.get(id(modifier))
        if known is None:
            known = self._leaning[id(modifier)] = self._stands_after(modifier)
        return known

    def _stands_after(self, modifier: Hit) -> bool:
        return any(
            one.end <= modifier.start
            and one.clause == modifier.clause
            and (
                modifier.segment == one.segment
                or not any(
                    after.start > modifier.end and after.segment == modifier.segment
                    for after in self.contents
                )
            )
            and modifier.word - one.last_word <= _BACKWARD_WORDS
            and one.kind not in {"region", "side", "lump", "layer", "procedure", "subject"}
            for one in self.contents
        )

    def _of_relative(self, kin: Hit, hit: Hit) -> bool:
        if kin.clause != hit.clause:
            return False
        low, high = (kin.end, hit.start) if kin.end <= hit.start else (hit.end, kin.start)
        if any(other.kind == "patient" and low <= other.start < high for other in self.modifiers):
            return False
        if kin.end <= hit.start:
            return True
        lead = self.text[hit.end : kin.start].split()
        return len(lead) <= _LIST_WORDS and bool(
            (
                lead
                and lead[0].strip("(")
                in {"in", "of", "en", "bei", "chez", "na", "no", "nel", "bij"}
            )
            or self.text[kin.start - 1 : kin.start] == "("
        )

    def _versus(self, hit: Hit) -> bool:
        if hit.kind not in {"tumour", "mimic"}:
            return False
        same = [one for one in self.contents if one.kind in {"tumour", "mimic"}]
        for other in same:
            if other is hit or other.clause != hit.clause or other.value == hit.value:
                continue
            first, second = (hit, other) if hit.start < other.start else (other, hit)
            if second.word - first.last_word > _LIST_WORDS + 2:
                continue
            if self.between(first, second).strip() == "/":
                return True
            if any(
                first.end <= one.start < second.start
                for one in self.modifiers
                if one.kind == "versus"
            ):
                return True
        return False


def scene(sentence: Sentence, hits: Sequence[Hit]) -> Scene:
    """Sort a sentence's phrases and number their clauses and segments.

    The numbers are those of the text: phrases that are known from an equal one have them already.
    """
    text = sentence.text
    breaks = [(match.start(), match[0]) for match in _SEPARATOR.finditer(text)]
    breaks += [(hit.start, "but") for hit in hits if hit.kind == "but"]
    breaks.sort()
    clause = segment = index = 0
    marks = [_question(text, match.start()) for match in _QUESTION.finditer(text)]
    if marks:
        hits = sorted([*hits, *(mark for mark in marks if mark)], key=lambda hit: hit.start)
        _number(text, hits)
    for hit in hits:
        while index < len(breaks) and breaks[index][0] <= hit.start:
            segment += 1
            if breaks[index][1] in {";", "but"}:
                clause += 1
            index += 1
        hit.clause, hit.segment = clause, segment
    whole = Scene(
        sentence,
        hits,
        contents=[hit for hit in hits if hit.kind not in MODIFIERS],
        modifiers=[hit for hit in hits if hit.kind in MODIFIERS],
    )
    whole.kinds = frozenset(hit.kind for hit in whole.contents)
    for modifier in whole.modifiers:
        if modifier.kind in _CHANGING:
            whole.by_clause.setdefault(modifier.clause, []).append(modifier)
    return whole


def _question(text: str, at: int) -> Hit | None:
    """Read a question mark: before a word it queries what follows, after one what precedes."""
    before, after = text[at - 1 : at] if at else "", text[at + 1 : at + 2]
    if before in {"", " ", "(", ":", "?"} and text[at + 1 :].strip(" ?)."):
        return Hit("doubts", "query", at, at + 1)
    if after == "" or not after.isalnum():
        return Hit("doubted", "query", at, at + 1)
    return Hit("doubts", "query", at, at + 1)


def _number(text: str, hits: Sequence[Hit]) -> None:
    starts = [match.start() for match in _WORD.finditer(text)]
    position = 0
    for hit in hits:
        while position < len(starts) and starts[position] < hit.start:
            position += 1
        if hit.value == "query":
            hit.word = hit.last_word = position if hit.kind == "doubted" else position - 1
