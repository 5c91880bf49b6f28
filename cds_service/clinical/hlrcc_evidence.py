"""What the record says of HLRCC: the diagnosis, FH variants, and features that suggest it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from cds_service.clinical.ages import surely_before
from cds_service.clinical.claims import FINAL
from cds_service.clinical.depth import condition_date
from cds_service.clinical.lens import Lens, Words
from cds_service.clinical.plan import Fact
from cds_service.clinical.sites import site_of
from cds_service.facts import (
    Chart,
    Concept,
    Condition,
    FamilyCondition,
    Observation,
    PartialDate,
    Procedure,
    Relative,
    Span,
)
from cds_service.guideline import Guideline
from cds_service.narrative import Certainty

Variant = Literal["pathogenic", "uncertain", "negative", "unstated-source"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """The facts of each kind."""

    confirmed: tuple[Fact, ...] = ()
    negative: tuple[Fact, ...] = ()
    uncertain: tuple[Fact, ...] = ()
    #: Feature key → its facts; features of the "two of" list stand under ``minor``.
    major: dict[str, tuple[Fact, ...]] = field(default_factory=dict)
    minor: dict[str, tuple[Fact, ...]] = field(default_factory=dict)

    @property
    def features(self) -> dict[str, tuple[Fact, ...]]:
        """The features that together ask for genetics: any major one, or two minor ones."""
        enough = self.major or len(self.minor) > 1
        return {**self.major, **self.minor} if enough else {}


def evidence_of(chart: Chart, guideline: Guideline, lens: Lens) -> Evidence:
    """Return everything in the chart that speaks of HLRCC."""
    search = _Search(chart, guideline, lens)
    variants = list(search.variants())
    major = {
        "multiple-leiomyomas": search.multiple_leiomyomas(),
        "fh-deficient": search.fh_deficient(),
        "young-renal": search.renal("renal_age", including=True, papillary=False),
        "relative-hlrcc": search.relatives_with_hlrcc(),
        "hlrcc-suspected": search.syndrome(suspected=True),
        "variant-source": tuple(fact for kind, fact in variants if kind == "unstated-source"),
    }
    minor = {
        "uterine-leiomyoma": search.treated_uterine_leiomyomas(),
        "papillary-renal": search.renal("treatment_age", including=False, papillary=True),
        "relative": search.first_degree_relatives(),
    }
    return Evidence(
        confirmed=search.syndrome(suspected=False)
        + tuple(fact for kind, fact in variants if kind == "pathogenic"),
        negative=tuple(fact for kind, fact in variants if kind == "negative"),
        uncertain=tuple(fact for kind, fact in variants if kind == "uncertain"),
        major={key: facts for key, facts in major.items() if facts},
        minor={key: facts for key, facts in minor.items() if facts},
    )


class _Search:
    def __init__(self, chart: Chart, guideline: Guideline, lens: Lens) -> None:
        self._chart = chart
        self._guideline = guideline
        self._lens = lens
        self._ages = guideline.policy["hlrcc_features"].numbers

    # --- The syndrome and the gene ---

    def syndrome(self, *, suspected: bool) -> tuple[Fact, ...]:
        """Return the Conditions that state HLRCC, confirmed or as a suspicion."""
        found = []
        for condition in self._chart.conditions:
            words = self._lens.words_of((condition.code,))
            coded = "hlrcc" in self._lens.sets(condition.code)
            doubted = "syndrome" in words.values("hlrcc", Certainty.UNCERTAIN)
            named = "syndrome" in words.now("hlrcc")
            if not (coded or named or doubted) or self._family_only(words):
                continue
            sure = condition.verification in {None, "confirmed"} and (named or not doubted)
            if sure is not suspected:
                found.append(_fact(condition, "hlrcc"))
        return tuple(found)

    def _family_only(self, words: Words) -> bool:
        spoken = [m for m in words.mentions if m.topic in {"hlrcc", "tumour", "leiomyoma"}]
        return bool(spoken) and all(m.about == "family" for m in spoken)

    def variants(self) -> Iterator[tuple[Variant, Fact]]:
        """Yield what genetic tests say of germline FH variants."""
        for observation in self._chart.observations:
            if observation.status in {None, *FINAL} and (kind := self._observed(observation)):
                date = observation.effective or observation.issued
                text = next(iter(observation.code.texts), "")
                yield kind, Fact(observation.reference, "variant", text, date)
        for report in self._chart.reports:
            if report.status in FINAL:
                words = self._lens.words(*report.texts)
                words = words + self._lens.words_of(report.conclusion_codes)
                germline = self._germline(*report.texts, *report.code.texts)
                if kind := self._worded(words, germline=germline):
                    yield kind, Fact(report.reference, "variant", words.quote("hlrcc"), report.date)
        for condition in self._chart.conditions:
            words = self._lens.words_of((condition.code,)) + self._lens.words(*condition.notes)
            if condition.verification in {None, "confirmed"} and (
                kind := self._worded(words, germline=True)
            ):
                yield kind, _fact(condition, "variant")

    def _germline(self, *texts: str) -> bool:
        return self._guideline.matches["germline"].says(*texts)

    def _worded(self, words: Words, *, germline: bool) -> Variant | None:
        said = words.now("hlrcc")
        if "fh-somatic" in said:
            return None
        if "fh-pathogenic" in said:
            return "pathogenic" if germline else "unstated-source"
        if "fh-vus" in said:
            return "uncertain"
        if "fh-negative" in said and germline:
            return "negative"
        return None

    def _observed(self, observation: Observation) -> Variant | None:
        concepts, texts = _said(observation)
        sets = self._lens.sets(*concepts)
        words = self._lens.words(*texts, *observation.notes, *observation.code.texts)
        every = (*texts, *observation.code.texts, *observation.method.texts, *observation.notes)
        if not (sets & {"fh-gene"} or self._guideline.matches["fh-gene"].says(*every)):
            return self._worded(words, germline=self._germline(*every))
        # A result opens its text: "Negative: no pathogenic variant", "Pathogenic (class 5)".
        plain = {re.split(r"[:;,.(]", text)[0].strip().lower() for text in texts}
        somatic = "somatic" in sets or "somatic" in plain or "fh-somatic" in words.now("hlrcc")
        if somatic:
            return None
        germline = "germline" in sets or self._germline(*every)
        negative = self._guideline.matches["negative-value"].words
        if plain & set(negative) or plain & {"benign", "likely benign"}:
            return "negative" if germline else None
        if sets & {"pathogenic", "likely-pathogenic"} or plain & {
            "pathogenic",
            "likely pathogenic",
        }:
            return "pathogenic" if germline else "unstated-source"
        if "uncertain-significance" in sets or any("uncertain sig" in text for text in plain):
            return "uncertain"
        return self._worded(words, germline=germline)

    # --- Features of the patient ---

    def multiple_leiomyomas(self) -> tuple[Fact, ...]:
        """Return the facts of multiple cutaneous leiomyomas, one confirmed histologically."""
        found: list[Condition] = []
        multiple = False
        proven: list[Fact] = []
        for condition in self._chart.conditions:
            words = self._lens.words_of((condition.code, *condition.body_sites))
            words = words + self._lens.words(*condition.notes)
            if condition.verification not in {None, "confirmed"} or self._family_only(words):
                continue
            coded = "cutaneous-leiomyoma" in self._lens.sets(condition.code)
            skin = [m for m in words.of("leiomyoma") if m.detail == "skin"]
            if not coded and not skin:
                continue
            found.append(condition)
            multiple = multiple or any(m.value == "multiple" for m in words.of("leiomyoma"))
            multiple = multiple or bool(words.of("multiplicity"))
            if self._guideline.matches["histology-proven"].says(
                *condition.code.texts, *condition.notes
            ):
                proven.append(_fact(condition, "feature"))
        places = {site_of(self._lens, c.body_sites, *c.code.texts) for c in found}
        facts = [_fact(condition, "feature") for condition in found]
        for report in self._chart.reports:
            words = self._lens.words(*report.texts)
            named = [m for m in words.of("leiomyoma") if m.detail != "uterus" and not m.history]
            if report.status in FINAL and named and not words.now("organ"):
                proven.append(Fact(report.reference, "pathology", named[0].quote, report.date))
                multiple = multiple or any(m.value == "multiple" for m in named)
        if (multiple or len(places) > 1) and proven:
            return (*facts, *proven)
        return ()

    def fh_deficient(self) -> tuple[Fact, ...]:
        """Return the facts of an FH-deficient or 2SC-positive tumour."""
        found = []
        for condition in self._chart.conditions:
            words = self._lens.words_of((condition.code,)) + self._lens.words(*condition.notes)
            if condition.verification in {None, "confirmed"} and (
                "hlrcc-renal-cancer" in self._lens.sets(condition.code)
                or "fh-deficient" in words.now("hlrcc")
            ):
                found.append(_fact(condition, "feature"))
        for report in self._chart.reports:
            words = self._lens.words(*report.texts)
            if report.status in FINAL and "fh-deficient" in words.now("hlrcc"):
                quote = next(m.quote for m in words.of("hlrcc") if m.value == "fh-deficient")
                found.append(Fact(report.reference, "pathology", quote, report.date))
        for observation in self._chart.observations:
            _, texts = _said(observation)
            title = next(iter(observation.code.texts), "")
            words = self._lens.words(*texts, *(f"{title}: {text}" for text in texts))
            if observation.status in {None, *FINAL} and "fh-deficient" in words.now("hlrcc"):
                date = observation.effective or observation.issued
                found.append(Fact(observation.reference, "pathology", title, date))
        return tuple(found)

    def renal(self, age: str, *, including: bool, papillary: bool) -> tuple[Fact, ...]:
        """Return the renal cancers before an age (at it too, where ``including``)."""
        limit = self._ages[age] + (1 if including else 0)
        return tuple(
            _fact(condition, "feature")
            for condition in self._chart.conditions
            if condition.verification in {None, "confirmed"}
            and self._renal(condition.code, papillary=papillary)
            and not self._denied(condition.code)
            and self._onset_before(condition, limit)
        )

    def _renal(self, code: Concept, *, papillary: bool) -> bool:
        sets = self._lens.sets(code)
        if papillary:
            return "renal-cancer-papillary" in sets or self._guideline.matches[
                "papillary-renal"
            ].says(*code.texts)
        return bool(
            sets
            & {
                "renal-cancer",
                "renal-cancer-papillary",
                "renal-cancer-weak",
                "hlrcc-renal-cancer",
            }
        ) or self._guideline.matches["renal-cancer"].says(*code.texts)

    def _onset_before(self, condition: Condition, limit: float) -> bool:
        if condition.onset_age is not None:
            return condition.onset_age < limit
        onset = condition.onset.start if condition.onset else None
        return surely_before(onset or condition.recorded, self._chart.patient.birth, limit)

    def treated_uterine_leiomyomas(self) -> tuple[Fact, ...]:
        """Return the facts of uterine leiomyomas with surgery or embolisation before the age."""
        leiomyomas = [
            _fact(condition, "feature")
            for condition in self._chart.conditions
            if condition.verification in {None, "confirmed"}
            and self._uterine(condition.code)
            and not self._denied(condition.code)
        ]
        treated = []
        for procedure in self._chart.procedures:
            day = _day(procedure.performed)
            if not surely_before(day, self._chart.patient.birth, self._ages["treatment_age"]):
                continue
            if self._treats_leiomyoma(procedure, known=bool(leiomyomas)):
                text = next(iter(procedure.code.texts), "")
                treated.append(Fact(procedure.reference, "feature", text, day))
        return (*leiomyomas, *treated) if treated else ()

    def _denied(self, code: Concept) -> bool:
        """Return whether the text denies or doubts what the code says, or tells of a relative."""
        return self._guideline.matches["not-present"].says(*code.texts)

    def _uterine(self, code: Concept) -> bool:
        return "uterine-leiomyoma" in self._lens.sets(code) or self._guideline.matches[
            "uterine-leiomyoma"
        ].says(*code.texts)

    def _treats_leiomyoma(self, procedure: Procedure, *, known: bool) -> bool:
        sets = self._lens.sets(procedure.code)
        texts = procedure.code.texts
        reasons = any(self._uterine(reason) for reason in procedure.reasons)
        named = self._guideline.matches["leiomyoma-treatment"].says(*texts)
        specific = "myomectomy" in sets or any("myomectom" in text.lower() for text in texts)
        return specific or (
            (named or "hysterectomy" in sets)
            and (known or reasons or self._guideline.matches["uterine-leiomyoma"].says(*texts))
        )

    # --- Relatives ---

    def first_degree_relatives(self) -> tuple[Fact, ...]:
        """Return first-degree relatives with uterine leiomyomas or papillary renal cancer."""
        limit = self._ages["treatment_age"]
        return tuple(
            self._relative_fact(relative, item)
            for relative in self._chart.relatives
            if self._first_degree(relative)
            for item in relative.conditions
            if item.onset_age is not None
            and item.onset_age < limit
            and (self._uterine(item.code) or self._renal(item.code, papillary=True))
        )

    def _first_degree(self, relative: Relative) -> bool:
        match = self._guideline.matches["first-degree"]
        codes = {coding.code for coding in relative.relationship.codings}
        return bool(codes & match.codes) or match.says(*relative.relationship.texts)

    def relatives_with_hlrcc(self) -> tuple[Fact, ...]:
        """Return relatives with HLRCC or a pathogenic FH variant, in any degree."""
        found = []
        for relative in self._chart.relatives:
            for item in relative.conditions:
                words = self._lens.words(*item.code.texts, *item.notes)
                said = {
                    m.value
                    for m in words.mentions
                    if m.topic == "hlrcc" and m.certainty is Certainty.ASSERTED
                }
                if "hlrcc" in self._lens.sets(item.code) or said & {"syndrome", "fh-pathogenic"}:
                    found.append(self._relative_fact(relative, item))
            words = self._lens.words(*relative.notes)
            if _family_hlrcc(words, anybody=True):
                found.append(
                    Fact(relative.reference, "feature", words.mentions[0].quote, relative.date)
                )
        for condition in self._chart.conditions:
            words = self._lens.words_of((condition.code,)) + self._lens.words(*condition.notes)
            if _family_hlrcc(words, anybody=False):
                found.append(_fact(condition, "feature"))
        return tuple(found)

    def _relative_fact(self, relative: Relative, item: FamilyCondition) -> Fact:
        who = next(iter(relative.relationship.texts), "")
        what = next(iter(item.code.texts), "")
        return Fact(
            relative.reference, "feature", ": ".join(filter(None, (who, what))), relative.date
        )


def _family_hlrcc(words: Words, *, anybody: bool) -> bool:
    return any(
        m.topic == "hlrcc"
        and m.value in {"syndrome", "fh-pathogenic"}
        and m.certainty is Certainty.ASSERTED
        and (anybody or m.about == "family")
        for m in words.mentions
    )


def _said(observation: Observation) -> tuple[list[Concept], list[str]]:
    values = [observation.value, *(item.value for item in observation.components)]
    concepts = [value for value in values if isinstance(value, Concept)]
    texts = [value for value in values if isinstance(value, str)]
    texts += [text for concept in concepts for text in concept.texts]
    return concepts, texts


def _fact(condition: Condition, label: str) -> Fact:
    text = next(iter(condition.code.texts), "")
    return Fact(condition.reference, label, text, condition_date(condition))


def _day(span: Span | None) -> PartialDate | None:
    return span.finished if span else None
