"""From claims to lesions: which records speak of one and the same tumour."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce

from cds_service.clinical import claims as claim
from cds_service.clinical.claims import Claim
from cds_service.clinical.lens import Lens
from cds_service.clinical.reports import Reports, linked_findings
from cds_service.clinical.sites import Site
from cds_service.facts import Chart, Condition, Issue, PartialDate


@dataclass(frozen=True)
class Lesion:
    """One tumour: the claims that speak of it."""

    claims: tuple[Claim, ...]

    @cached_property
    def site(self) -> Site:
        """The most specific place that a claim gives."""
        return reduce(Site.merged, (item.site for item in self.claims), Site())

    @cached_property
    def references(self) -> frozenset[str]:
        """The references of the records that claim the tumour."""
        return frozenset(item.reference for item in self.claims)

    @cached_property
    def _certain(self) -> tuple[Claim, ...]:
        return tuple(item for item in self.claims if item.level == "certain")

    @property
    def certain(self) -> bool:
        """Whether a record states the tumour as certain."""
        return bool(self._certain)

    @property
    def history(self) -> bool:
        """Whether the tumour is recorded as past: by its Conditions, else by its reports."""
        conditions = [c for c in self._certain if c.reference.startswith("Condition/")]
        return all(item.history for item in conditions or self._certain)

    @property
    def by_text(self) -> bool:
        """Whether only text was the evidence."""
        return all(item.by_text for item in self._certain)

    @property
    def aismn(self) -> bool:
        """Whether every record calls it atypical intradermal smooth muscle neoplasm."""
        return all(item.aismn for item in self._certain)

    @property
    def dates(self) -> tuple[PartialDate, ...]:
        """The dates of the claims."""
        return tuple(item.date for item in self.claims if item.date)


@dataclass(frozen=True, slots=True)
class Identified:
    """The lesions of a chart, and what was set aside on the way."""

    lesions: tuple[Lesion, ...] = ()
    set_aside: tuple[Issue, ...] = ()

    @property
    def tumours(self) -> tuple[Lesion, ...]:
        """The lesions that are certain."""
        return tuple(lesion for lesion in self.lesions if lesion.certain)

    @property
    def suspected(self) -> tuple[Lesion, ...]:
        """The lesions that are only suspected."""
        return tuple(lesion for lesion in self.lesions if not lesion.certain)


def identify(chart: Chart, reports: Reports, lens: Lens) -> Identified:
    """Return the cutaneous leiomyosarcomas of a chart, certain and suspected."""
    found = _claims(chart, reports, lens)
    excluded = [item for item in found if item.level == "excluded"]
    refuted = [
        (item, condition)
        for condition in chart.refuted
        if (item := claim.of_condition(replace(condition, verification=None), lens))
    ]
    aside = [
        Issue(item.reference, f"Not a primary tumour of the skin: {item.reason}.")
        for item in excluded
    ]
    standing = []
    for item in found:
        if item.level == "excluded":
            continue
        if why := _beaten(item, reports, excluded, refuted):
            aside.append(Issue(item.reference, why))
        else:
            standing.append(item)
    lesions = [_with_final_pathology(lesion, reports) for lesion in cluster(standing)]
    return Identified(tuple(lesions), tuple(aside))


def _claims(chart: Chart, reports: Reports, lens: Lens) -> list[Claim]:
    found = [item for entry in reports.current for item in entry.claims]
    observed = (claim.of_observation(observation, lens) for observation in chart.observations)
    found += [item for item in observed if item]
    focused = [o for o in chart.observations if o.focus]
    for condition in chart.conditions:
        about = [o.reference for o in focused if condition.reference in o.focus]
        named = (*condition.evidence, *about)
        linked = linked_findings(named, reports, chart.observations, lens)
        if item := claim.of_condition(condition, lens, linked):
            found.append(item)
    return found


def _beaten(
    item: Claim,
    reports: Reports,
    excluded: Sequence[Claim],
    refuted: Sequence[tuple[Claim, Condition]],
) -> str:
    """Return why a claim does not stand although its record makes it, or ""."""
    if item.reference.startswith("Condition/"):
        amended = reports.amended(item)
        if amended and not any(c.level == "certain" for c in amended.claims):
            return f"{amended.report.reference} is a later version that does not confirm it."
    elsewhere = any(other.elsewhere for other in excluded)
    for other in excluded:
        same_place = item.site.known and other.site.known and item.site.compatible(other.site)
        overrides = other.elsewhere or (other.to_skin and elsewhere)
        if overrides and (same_place or other.reference in item.support):
            return f"{other.reference} says of the same lesion: {other.reason}."
    for denied, condition in refuted:
        if item.site.compatible(denied.site) and _not_after(item.date, condition):
            return f"The diagnosis was refuted ({condition.reference})."
    return ""


def _not_after(date: PartialDate | None, refuted: Condition) -> bool:
    """Return whether a claim of this date is not later than the refutation.

    A refutation without a date is the record's present state and beats everything.
    """
    if refuted.recorded is None or date is None:
        return True
    return date.first <= refuted.recorded.last


def cluster(standing: Iterable[Claim]) -> list[Lesion]:
    """Group claims by place.

    The most specific places are settled first, so that the order of the records does not
    matter. A claim whose place fits several lesions supports each of them.
    """
    groups: list[list[Claim]] = []
    ordered = sorted(
        standing,
        key=lambda c: (c.site.known, c.site.specificity, c.site.label, c.reference),
        reverse=True,
    )
    for item in ordered:
        fitting = [group for group in groups if _fits(item, group)]
        linked = [group for group in fitting if any(_linked(item, other) for other in group)]
        for group in linked or fitting or [[]]:
            if not group:
                groups.append(group)
            group.append(item)
    lesions = [Lesion(tuple(sorted(group, key=lambda c: c.reference))) for group in groups]
    return sorted(lesions, key=lambda lesion: (lesion.site.label, sorted(lesion.references)))


def _linked(one: Claim, two: Claim) -> bool:
    return two.reference in one.support or one.reference in two.support


def _fits(item: Claim, group: Sequence[Claim]) -> bool:
    return all(item.site.compatible(other.site) for other in group)


def _with_final_pathology(lesion: Lesion, reports: Reports) -> Lesion:
    """Return the lesion, made certain where a final pathology report asserts a suspicion.

    The report need not name the skin again: the suspected diagnosis does.
    """
    if lesion.certain:
        return lesion
    added = tuple(
        Claim(
            reference=entry.report.reference,
            level="certain",
            reason="final pathology",
            site=entry.site,
            date=entry.report.date,
            by_text=True,
            quote=entry.words.quote("tumour"),
        )
        for entry in reports.current
        if entry.final
        and not entry.imaging
        and entry.asserts_tumour
        and not any(item.level == "excluded" for item in entry.claims)
        and entry.site.compatible(lesion.site)
        and "to-skin" not in entry.words.now("metastasis")
        and not entry.words.now("organ")
    )
    return Lesion(lesion.claims + added)
