"""Reports among themselves: what kind each is, and which ones a later version replaces."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cds_service.clinical import claims as claim
from cds_service.clinical.claims import FINAL, Claim, Findings
from cds_service.clinical.lens import Lens, Words
from cds_service.clinical.sites import Site, place_in, site_of
from cds_service.facts import Chart, Concept, Observation, Report
from cds_service.guideline import Guideline
from cds_service.narrative import Certainty

REPLACING = frozenset({"amended", "corrected"})


@dataclass(frozen=True, slots=True)
class Entry:
    """A report with what was read in it."""

    report: Report
    words: Words
    site: Site
    claims: tuple[Claim, ...]
    imaging: bool

    @property
    def final(self) -> bool:
        """Whether the report can give a verdict."""
        return self.report.status in FINAL

    @property
    def asserts_tumour(self) -> bool:
        """Whether the findings name the tumour, here and now, wherever it sits."""
        return bool(self.words.values("tumour"))

    @property
    def denies_tumour(self) -> bool:
        """Whether the findings deny the tumour or name another lesion in its place."""
        return not self.asserts_tumour and bool(
            self.words.values("tumour", Certainty.NEGATED) or self.words.now("mimic")
        )


@dataclass(frozen=True, slots=True)
class Reports:
    """The reports of a chart; ``current`` leaves out what a later version replaced."""

    current: tuple[Entry, ...]
    #: Reference of a replaced report → its entry and the reference of what replaced it.
    replaced: Mapping[str, tuple[Entry, str]]

    def amended(self, item: Claim) -> Entry | None:
        """Return the amended report that supersedes a Condition's claim, if one does.

        It does when the Condition names it, or the version that it replaced, as evidence,
        or when no other report of the same site supports the Condition.
        """
        for entry in self.current:
            if entry.report.status not in REPLACING or entry.imaging:
                continue
            versions = {
                ref for ref, (_, by) in self.replaced.items() if by == entry.report.reference
            }
            if item.support & (versions | {entry.report.reference}):
                return entry
            if self._about(entry, versions, item) and not self._other_support(entry, item):
                return entry
        return None

    def _about(self, entry: Entry, versions: Iterable[str], item: Claim) -> bool:
        """Return whether the amended report plainly speaks of the claim's lesion."""
        if not item.site.compatible(entry.site):
            return False
        spoke = any(self.replaced[ref][0].claims for ref in versions)
        named = bool(entry.words.values("tumour", Certainty.NEGATED) or entry.claims)
        placed = item.site.known and entry.site.known
        return spoke or named or (placed and entry.denies_tumour)

    def _other_support(self, amended: Entry, item: Claim) -> bool:
        return any(
            entry is not amended
            and entry.final
            and any(
                other.level == "certain" and other.site.compatible(item.site)
                for other in entry.claims
            )
            for entry in self.current
        )


def read_reports(chart: Chart, guideline: Guideline, lens: Lens) -> Reports:
    """Read every report of the chart, and settle which versions are replaced."""
    entries = [_entry(report, guideline, lens) for report in chart.reports]
    replaced: dict[str, tuple[Entry, str]] = {}
    for newer in entries:
        if newer.report.status in REPLACING:
            for older in entries:
                if older is not newer and _version_of(older, newer):
                    replaced[older.report.reference] = (older, newer.report.reference)
    current = tuple(e for e in entries if e.report.reference not in replaced)
    return Reports(current, replaced)


def _entry(report: Report, guideline: Guideline, lens: Lens) -> Entry:
    words = lens.words(*report.texts) + lens.words_of(report.conclusion_codes)
    place = place_in(words)
    imaging = _imaging(report, guideline)
    return Entry(
        report=report,
        words=words,
        site=place if place.known else site_of(lens, report.specimen_sites, ""),
        claims=() if imaging else claim.of_report(report, lens),
        imaging=imaging,
    )


def _imaging(report: Report, guideline: Guideline) -> bool:
    concepts: tuple[Concept, ...] = (*report.categories, report.code)
    codes = {coding.code for concept in report.categories for coding in concept.codings}
    match = guideline.matches["imaging"]
    return bool(codes & match.codes) or match.says(
        *(f"{text} " for concept in concepts for text in concept.texts)
    )


def _version_of(older: Entry, newer: Entry) -> bool:
    """Return whether ``newer`` is a later version of ``older``.

    By a shared identifier, order, specimen or result; else by the same specimen date, or as
    the same kind of specimen from the same place, reported earlier.
    """
    old, new = older.report, newer.report
    if older.imaging != newer.imaging:
        return False
    shared = (
        set(old.identifiers) & set(new.identifiers)
        or set(old.based_on) & set(new.based_on)
        or set(old.specimens) & set(new.specimens)
        or set(old.results) & set(new.results)
    )
    if old.status in REPLACING and not shared:
        return False
    when_old, when_new = old.issued or old.effective, new.issued or new.effective
    if when_old and when_new and when_old.first > when_new.last:
        return False
    if shared:
        return when_old != when_new or old.status not in REPLACING
    if old.effective and new.effective:
        return old.effective == new.effective and older.site.compatible(newer.site)
    return older.site.compatible(newer.site) and bool(older.claims) and _same_kind(older, newer)


def _same_kind(older: Entry, newer: Entry) -> bool:
    one, two = older.words.values("procedure"), newer.words.values("procedure")
    return not one or not two or bool(one & two)


def linked_findings(
    references: Iterable[str], reports: Reports, observations: Iterable[Observation], lens: Lens
) -> Findings:
    """Return what the records of these references find, current and final ones only."""
    wanted = set(references)
    words = Words()
    codes: frozenset[str] = frozenset()
    if not wanted:
        return Findings(words, codes)
    for entry in reports.current:
        if entry.report.reference in wanted and entry.final and not entry.imaging:
            words = words + entry.words
            codes |= lens.sets(*entry.report.conclusion_codes)
    for observation in observations:
        if observation.reference in wanted and observation.status in {None, *FINAL}:
            words = words + observation_words(observation, lens)
            values = (observation.value, *(item.value for item in observation.components))
            codes |= lens.sets(*(value for value in values if isinstance(value, Concept)))
    return Findings(words, codes)


def observation_words(observation: Observation, lens: Lens) -> Words:
    """Return what the values and notes of an Observation say."""
    values = (observation.value, *(item.value for item in observation.components))
    words = lens.words(*(value for value in values if isinstance(value, str)))
    words = words + lens.words_of(value for value in values if isinstance(value, Concept))
    return words + lens.words(*observation.notes)
