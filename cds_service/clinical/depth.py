"""How deep a tumour reaches: dermal, subcutaneous, unknown or conflicting. Never defaulted."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from cds_service.clinical.claims import CUTANEOUS, FINAL, LAYERS
from cds_service.clinical.lens import Lens, Words
from cds_service.clinical.plan import Depth, Fact
from cds_service.clinical.records import TumourRecords, excised
from cds_service.clinical.reports import Reports
from cds_service.facts import Concept, Condition, Observation, PartialDate, Report
from cds_service.narrative import Section

#: "deep" is an extension below the subcutis: beside a tumour of the skin, a contradiction.
Said = Literal["dermal", "subcutaneous", "deep"]

#: Ranks: excision pathology, other pathology, the problem list.
EXCISION, PATHOLOGY, PROBLEM, PAST_PROBLEM = range(4)


@dataclass(frozen=True, slots=True)
class Source:
    """What one record says of the depth."""

    depths: frozenset[Said]
    rank: int
    fact: Fact


def depth_of(
    records: TumourRecords, reports: Reports, lens: Lens
) -> tuple[Depth, tuple[Fact, ...]]:
    """Return the depth of a tumour, and the facts that it rests on.

    Among reports, excision pathology outranks other pathology. Reports of the highest rank
    that disagree, a report against an active Condition, or one text that gives both depths
    are conflicting.
    """
    sources = [source for source in _sources(records, reports, lens) if source.depths]
    pathology = [source for source in sources if source.rank in {EXCISION, PATHOLOGY}]
    best = min((source.rank for source in pathology), default=None)
    decisive = [source for source in pathology if source.rank == best]
    decisive += [source for source in sources if source.rank == PROBLEM]
    if not decisive:
        decisive = [source for source in sources if source.rank == PAST_PROBLEM]
    said = frozenset[Said]().union(*(source.depths for source in decisive))
    facts = tuple(source.fact for source in decisive)
    if not said:
        return "unknown", ()
    if said == {"dermal"}:
        return "dermal", facts
    if said == {"subcutaneous"}:
        return "subcutaneous", facts
    return "conflicting", facts


def _sources(records: TumourRecords, reports: Reports, lens: Lens) -> Iterator[Source]:
    for entry in records.reports:
        if entry.final and not entry.imaging:
            yield _of_report(entry.report, records.words_of_part(entry), lens)
    for observation in records.observations:
        if observation.status in {None, *FINAL}:
            yield _of_observation(observation, records, lens)
    for condition in records.conditions:
        claim = records.claim(condition.reference)
        if claim is None or not reports.amended(claim):
            yield _of_condition(condition, lens)


def _of_report(report: Report, words: Words, lens: Lens) -> Source:
    codes = lens.sets(*report.conclusion_codes, *report.specimen_sites)
    depths = _said(codes, words) | _of_specimen(words)
    rank = EXCISION if excised(words) else PATHOLOGY
    return Source(depths, rank, _fact(report.reference, report.date, depths, words))


def _of_specimen(words: Words) -> frozenset[Said]:
    """Return the depth of a specimen of one layer alone: that is where the tumour was."""
    if not words.values("tumour"):
        return frozenset()
    layers = {
        str(mention.value)
        for mention in words.of("layer")
        if mention.section is not Section.GROSS and mention.value in LAYERS
    }
    if words.now("depth"):
        return frozenset()
    if layers == {"subcutis"}:
        return frozenset({"subcutaneous"})
    if layers == {"dermis"}:
        return frozenset({"dermal"})
    return frozenset()


def _of_condition(condition: Condition, lens: Lens) -> Source:
    codes = lens.sets(condition.code, *condition.morphology, *condition.body_sites)
    words = lens.words_of((condition.code, *condition.morphology, *condition.stages))
    words = words + lens.words_of(condition.body_sites) + lens.words(*condition.notes)
    active = condition.clinical_status in {None, "active", "recurrence", "relapse"}
    sites = lens.words_of(condition.body_sites).values("layer")
    depths = _said(codes, words) | _of_layers(sites)
    return Source(
        depths,
        PROBLEM if active else PAST_PROBLEM,
        _fact(condition.reference, condition_date(condition), depths, words),
    )


def _of_layers(layers: Iterable[str | float]) -> frozenset[Said]:
    """Return the depth that a body site's own words give."""
    found: set[Said] = set()
    if "dermis" in layers:
        found.add("dermal")
    if "subcutis" in layers and "skin" not in layers:
        found.add("subcutaneous")
    return frozenset(found)


def condition_date(condition: Condition) -> PartialDate | None:
    """Return the date to show of a Condition: recorded, else onset."""
    return condition.recorded or (condition.onset.start if condition.onset else None)


def _of_observation(observation: Observation, records: TumourRecords, lens: Lens) -> Source:
    concepts = [value for value in _values(observation) if isinstance(value, Concept)]
    codes = lens.sets(*concepts)
    topic = " ".join(observation.code.texts).lower()
    about_depth = "depth-observation" in lens.sets(observation.code) or any(
        word in topic for word in ("depth", "invasion", "level", "extent", "layer")
    )
    words = lens.words_of(concepts)
    words = words + lens.words(*(v for v in _values(observation) if isinstance(v, str)))
    words = words + lens.words(*observation.notes)
    depths = _said(codes if about_depth or codes & CUTANEOUS else frozenset(), words)
    if about_depth:
        depths = depths or _of_layers(words.values("layer"))
    rank = records.rank_of(observation, EXCISION, PATHOLOGY)
    date = observation.effective or observation.issued
    return Source(depths, rank, _fact(observation.reference, date, depths, words))


def _values(observation: Observation) -> Iterator[object]:
    yield observation.value
    for component in observation.components:
        yield component.value


def _said(codes: frozenset[str], words: Words) -> frozenset[Said]:
    """Return the depths that codes and words assert."""
    found: set[Said] = set()
    said = {mention.value for mention in words.of("depth") if mention.section is not Section.GROSS}
    if "dermis-site" in codes or "atypical-intradermal-smooth-muscle-neoplasm" in codes:
        found.add("dermal")
    if "aismn" in words.values("tumour") or "dermal" in said:
        found.add("dermal")
    if "subcutis-site" in codes or "subcutaneous" in said:
        found.add("subcutaneous")
    if "deep" in said:
        found.add("deep")
    return frozenset(found)


def _fact(reference: str, date: PartialDate | None, depths: frozenset[Said], words: Words) -> Fact:
    quote = words.quote("depth") or words.quote("layer") or words.quote("tumour")
    return Fact(reference, "depth", quote or " and ".join(sorted(depths)), date)
