"""What single records claim: a cutaneous leiomyosarcoma, a suspicion of one, or another lesion.

The levels are those of the identification table: certain by code, certain by text,
suspected, or excluded (the record speaks of a leiomyosarcoma that is not a primary of the
skin). A record that claims nothing gives None.
"""

from dataclasses import dataclass, replace
from typing import Literal

from cds_service.clinical.lens import Lens, Words
from cds_service.clinical.sites import Site, place_in, site_of
from cds_service.facts import Concept, Condition, Observation, PartialDate, Report
from cds_service.narrative import Certainty

Level = Literal["certain", "suspected", "excluded"]

LAYERS = frozenset({"skin", "dermis", "subcutis"})
SKIN_DEPTHS = frozenset({"dermal", "subcutaneous"})
TUMOURS = frozenset({"leiomyosarcoma", "aismn"})
FINAL = frozenset({"final", "amended", "corrected", "appended"})
HISTORY_STATUS = frozenset({"resolved", "remission", "inactive"})
RECURRENT_STATUS = frozenset({"recurrence", "relapse"})
CUTANEOUS = frozenset({"cutaneous-leiomyosarcoma", "atypical-intradermal-smooth-muscle-neoplasm"})
SKIN_SETS = frozenset({"skin-site", "dermis-site", "subcutis-site"})
#: Codes that say what the lesion is.
HISTOLOGY_SETS = CUTANEOUS | {"leiomyosarcoma", "leiomyosarcoma-excluded", "metastasis-to-skin"}
#: Codes under which a note or a linked report may say that the lesion is the tumour.
NEOPLASM_SETS = (
    CUTANEOUS
    | SKIN_SETS
    | {
        "leiomyosarcoma",
        "leiomyosarcoma-genital",
        "soft-tissue-site",
        "genital-site",
        "skin-malignancy-unspecific",
        "neoplasm-uncertain-behaviour",
        "smooth-muscle-tumour-uncertain",
    }
)
#: Codes of something else: they beat text that names the tumour.
OTHER_LESION_SETS = frozenset(
    {
        "secondary-malignancy",
        "benign-mimic",
        "benign-skin-or-soft-tissue-neoplasm",
        "other-sarcoma",
    }
)
#: Why a leiomyosarcoma is not a primary of the skin.
OTHER_NAME = "code and text name different lesions"
ORGAN = "a site other than the skin"
TO_SKIN = "a metastasis in the skin"
DEEP = "a site below the subcutis"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One record's claim about one lesion."""

    reference: str
    level: Level
    reason: str
    site: Site = Site()
    date: PartialDate | None = None
    by_text: bool = False
    history: bool = False
    #: The record's own word is atypical intradermal smooth muscle neoplasm.
    aismn: bool = False
    quote: str = ""
    #: Other records that the record names as its support.
    support: frozenset[str] = frozenset()

    @property
    def elsewhere(self) -> bool:
        """Whether the record places the primary tumour outside the skin."""
        return self.reason in {ORGAN, DEEP}

    @property
    def to_skin(self) -> bool:
        """Whether the record calls the skin lesion a metastasis."""
        return self.reason == TO_SKIN


@dataclass(frozen=True, slots=True)
class Findings:
    """What the records that a Condition names as its support find."""

    words: Words = Words()
    codes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Evidence:
    """The parts of a record that identification weighs."""

    codes: frozenset[str]
    #: What names the lesion: the code's text and displays, or a report's findings.
    name: Words
    #: What else is said in the record: notes, linked records.
    more: Words = Words()
    #: What the body site says.
    place: Words = Words()


def judge(evidence: Evidence) -> tuple[Level, str] | None:
    """Weigh one lesion's evidence; return the level and the reason, or None for no claim."""
    every = evidence.name + evidence.more
    tumours = evidence.name.values("tumour") or evidence.more.values("tumour")
    doubted = every.values("tumour", Certainty.UNCERTAIN)
    coded = bool(evidence.codes & (CUTANEOUS | {"leiomyosarcoma"}))
    if not (coded or tumours or doubted) or _of_a_relative(evidence.name):
        return None
    if elsewhere := _elsewhere(evidence):
        return "excluded", elsewhere
    denied = evidence.name.values("tumour", Certainty.NEGATED) and not (tumours or doubted)
    if denied or not _in_skin(evidence, tumours | doubted):
        return None
    if doubted and not tumours:
        return "suspected", "the text is a question, not a finding"
    if evidence.name.now("mimic") and not evidence.name.values("tumour"):
        return "suspected", OTHER_NAME
    return "certain", "code" if coded else "text"


def _elsewhere(evidence: Evidence) -> str:
    """Return why the lesion is not a primary of the skin, or ""."""
    words = evidence.name + evidence.place
    to_skin = "metastasis-to-skin" in evidence.codes or "to-skin" in (words + evidence.more).now(
        "metastasis"
    )
    # "Metastatic leiomyosarcoma, consistent with uterine primary" doubts which primary only.
    doubted_organ = to_skin and words.values("organ", Certainty.UNCERTAIN)
    if words.now("organ") or doubted_organ:
        return ORGAN
    if to_skin:
        return TO_SKIN
    if "leiomyosarcoma-excluded" in evidence.codes:
        return ORGAN
    layers = words.now("layer")
    deep = "deep" in words.now("depth") or (
        bool(evidence.codes & {"deep-site"} or "deep" in layers) and not layers & LAYERS
    )
    if deep and not words.now("depth") & SKIN_DEPTHS:
        return DEEP
    if found := evidence.codes & OTHER_LESION_SETS:
        return f"a code of {min(found)}"
    return ""


def _of_a_relative(name: Words) -> bool:
    spoken = [mention for mention in name.mentions if mention.topic == "tumour"]
    return bool(spoken) and all(mention.about == "family" for mention in spoken)


def _in_skin(evidence: Evidence, tumours: frozenset[str | float]) -> bool:
    if evidence.codes & (CUTANEOUS | SKIN_SETS) or "aismn" in tumours:
        return True
    every = evidence.name + evidence.more + evidence.place
    layers = every.values("layer") | every.values("layer", Certainty.UNCERTAIN)
    depths = every.values("depth") | every.values("depth", Certainty.UNCERTAIN)
    return bool(layers & LAYERS or depths & SKIN_DEPTHS)


def naming_words(lens: Lens, concept: Concept) -> Words:
    """Return what a concept's text says; its displays speak where the text names no tumour.

    EHRs pair a precise text with an imprecise code: "rule out leiomyosarcoma" under the
    code of the tumour is a question.
    """
    text = lens.words(concept.text)
    named = any(mention.topic in {"tumour", "mimic", "leiomyoma"} for mention in text.mentions)
    return text if named else lens.words_of((concept,)) + text


def of_condition(condition: Condition, lens: Lens, linked: Findings | None = None) -> Claim | None:
    """Return the claim of a Condition; ``linked`` is what records find that it names."""
    linked = linked or Findings()
    codes = lens.sets(condition.code, *condition.morphology, *condition.body_sites)
    name = naming_words(lens, condition.code) + lens.words_of(condition.morphology)
    notes = lens.words(*condition.notes)
    if not (codes & NEOPLASM_SETS or name.of("tumour") or lens.says("lesion", condition.code)):
        # A note under another problem may tell of the tumour, but is not its diagnosis.
        notes, linked = Words(), Findings()
    evidence = Evidence(
        codes=codes | linked.codes & HISTOLOGY_SETS,
        name=name,
        more=notes + linked.words,
        place=lens.words_of(condition.body_sites),
    )
    verdict = judge(evidence)
    if verdict is None:
        return None
    level, reason = verdict
    displays = lens.words_of((replace(condition.code, text=None),))
    if level == "certain" and displays.now("mimic") and not displays.values("tumour"):
        level, reason = "suspected", OTHER_NAME
    if level == "certain" and condition.verification not in {None, "confirmed"}:
        level, reason = "suspected", f"verification status {condition.verification}"
    spoken = (name + notes).of("tumour")
    return Claim(
        reference=condition.reference,
        level=level,
        reason=reason,
        site=site_of(lens, condition.body_sites, *condition.code.texts, *condition.notes),
        date=(condition.onset and condition.onset.start) or condition.recorded,
        by_text=not codes & (CUTANEOUS | {"leiomyosarcoma"}),
        history=condition.clinical_status in HISTORY_STATUS
        or (bool(spoken) and all(mention.history for mention in spoken)),
        aismn=_says_aismn(codes, name),
        quote=(name + notes).quote("tumour"),
        support=frozenset(condition.evidence),
    )


def _says_aismn(codes: frozenset[str], name: Words) -> bool:
    return (
        "atypical-intradermal-smooth-muscle-neoplasm" in codes or "aismn" in name.values("tumour")
    ) and "leiomyosarcoma" not in name.values("tumour")


def of_report(report: Report, lens: Lens) -> tuple[Claim, ...]:
    """Return the claims of a pathology report, one for each specimen that has one."""
    words = lens.words(*report.texts) + lens.words_of(report.conclusion_codes)
    specimen = lens.words_of(report.specimen_sites)
    codes = lens.sets(*report.conclusion_codes, *report.specimen_sites)
    claims = []
    for part in parts(words):
        verdict = judge(Evidence(codes=codes, name=part, place=specimen))
        if verdict is None:
            continue
        level, reason = verdict
        if level == "certain" and report.status not in FINAL:
            level, reason = "suspected", f"a report of status {report.status}"
        site = place_in(part)
        claims.append(
            Claim(
                reference=report.reference,
                level=level,
                reason=reason,
                site=site if site.known else site_of(lens, report.specimen_sites, ""),
                date=report.date,
                by_text=not codes & CUTANEOUS,
                history=all(mention.history for mention in part.of("tumour"))
                and bool(part.of("tumour")),
                aismn=_says_aismn(codes, part),
                quote=part.quote("tumour"),
                support=frozenset(report.results),
            )
        )
    return tuple(claims)


def parts(words: Words) -> tuple[Words, ...]:
    """Split what a report says by specimen; what belongs to no specimen belongs to each."""
    names = sorted({mention.part for mention in words.mentions if mention.part})
    if not names:
        return (words,)
    return tuple(
        Words(tuple(m for m in words.mentions if m.part in {None, name})) for name in names
    )


def of_observation(observation: Observation, lens: Lens) -> Claim | None:
    """Return the claim of an Observation of histology."""
    concepts = [
        value
        for value in (observation.value, *(item.value for item in observation.components))
        if isinstance(value, Concept)
    ]
    texts = [
        value
        for value in (observation.value, *(item.value for item in observation.components))
        if isinstance(value, str)
    ]
    codes = lens.sets(*concepts, observation.body_site)
    name = lens.words_of(concepts) + lens.words(*texts)
    verdict = judge(
        Evidence(
            codes=codes,
            name=name,
            more=lens.words(*observation.notes),
            place=lens.words_of((observation.body_site,)),
        )
    )
    if verdict is None:
        return None
    level, reason = verdict
    if level == "certain" and observation.status not in {None, *FINAL}:
        level, reason = "suspected", f"an observation of status {observation.status}"
    return Claim(
        reference=observation.reference,
        level=level,
        reason=reason,
        site=site_of(lens, (observation.body_site,), *texts),
        date=observation.effective or observation.issued,
        by_text=not codes & (CUTANEOUS | {"leiomyosarcoma"}),
        aismn=_says_aismn(codes, name),
        quote=name.quote("tumour"),
        support=frozenset(observation.focus),
    )
