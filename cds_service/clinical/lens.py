"""Codes and words of the chart, looked at through the value sets and the text reader."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cds_service.facts import Concept
from cds_service.guideline import Match
from cds_service.narrative import Certainty, Mention, Reading, Section, read
from cds_service.narrative.model import Topic
from cds_service.terminology import Terminology

ICD_O = "http://terminology.hl7.org/CodeSystem/icd-o-3"
#: The behaviour digit of ICD-O morphology for a metastasis (8890/6).
METASTATIC = "/6"
# Most records of a chart say nothing of what is looked for: that must cost next to nothing.
_NO_VALUES: frozenset[str | float] = frozenset()


@dataclass(frozen=True, slots=True)
class Words:
    """What some texts say about the patient, now; what was only asked is left out.

    Mentions of the clinical history of a report are questions to the pathologist, and
    mentions of relatives are not about the patient: neither is evidence of a tumour.
    """

    mentions: tuple[Mention, ...] = ()

    def of(self, topic: Topic, certainty: Certainty = Certainty.ASSERTED) -> tuple[Mention, ...]:
        """Return the mentions of ``topic`` with this certainty that are findings."""
        if not self.mentions:
            return ()
        return tuple(
            [
                mention
                for mention in self.mentions
                if mention.topic == topic
                and mention.certainty is certainty
                and mention.about == "patient"
                and mention.section is not Section.CLINICAL
            ]
        )

    def values(
        self, topic: Topic, certainty: Certainty = Certainty.ASSERTED
    ) -> frozenset[str | float]:
        """Return the values of :meth:`of`."""
        if not self.mentions:
            return _NO_VALUES
        return frozenset([mention.value for mention in self.of(topic, certainty)])

    def now(self, topic: Topic) -> frozenset[str | float]:
        """Return the asserted values that do not speak of the past."""
        if not self.mentions:
            return _NO_VALUES
        return frozenset([mention.value for mention in self.of(topic) if not mention.history])

    def quote(self, topic: Topic) -> str:
        """Return the sentence of the first asserted mention of ``topic``, or ""."""
        return next((mention.quote for mention in self.of(topic)), "")

    def __add__(self, other: "Words") -> "Words":
        """Return what both say."""
        if not self.mentions:
            return other
        return Words(self.mentions + other.mentions) if other.mentions else self


_NO_WORDS = Words()


@dataclass(slots=True)
class Lens:
    """Looks codes up and reads texts, each text once in an evaluation."""

    terminology: Terminology
    #: The guideline's match words, by name.
    matches: Mapping[str, Match] = field(default_factory=dict)
    _readings: dict[str, Reading] = field(default_factory=dict)

    def sets(self, *concepts: Concept) -> frozenset[str]:
        """Return the names of the value sets that hold a code of these concepts."""
        found: frozenset[str] = frozenset()
        for concept in concepts:
            for coding in concept.codings:
                if coding.system and coding.code:
                    found |= self.terminology.sets_of(coding.system, coding.code)
                    if coding.system == ICD_O and coding.code.endswith(METASTATIC):
                        found |= {"metastasis-to-skin"}
        return found

    def says(self, match: str, *concepts: Concept) -> bool:
        """Return whether a text or display of these concepts has the words of a match."""
        return self.matches[match].says(*(text for c in concepts for text in c.texts))

    def words(self, *texts: str | None) -> Words:
        """Return what these texts say, in their order."""
        mentions: tuple[Mention, ...] = ()
        for text in texts:
            if text:
                reading = self._readings.get(text)
                if reading is None:
                    reading = self._readings[text] = read(text)
                mentions += reading.mentions
        return Words(mentions) if mentions else _NO_WORDS

    def words_of(self, concepts: Iterable[Concept]) -> Words:
        """Return what the texts and displays of these concepts say."""
        return self.words(*[text for concept in concepts for text in concept.texts])
