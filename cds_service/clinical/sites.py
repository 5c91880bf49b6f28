"""Body sites: which two places can be the same, and what a place is called."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, reduce

from cds_service.clinical.lens import Lens, Words
from cds_service.facts import Concept
from cds_service.narrative import Section
from cds_service.narrative.lexicon import regions


@dataclass(frozen=True, slots=True, order=True)
class Site:
    """A place on the body: regions of the reader's lexicon and a side, each perhaps unknown.

    Several regions mean "one of these" (ICD-10 C44.4 is scalp or neck).
    """

    regions: frozenset[str] = frozenset()
    side: str | None = None

    @property
    def known(self) -> bool:
        """Whether a region is recorded."""
        return bool(self.regions)

    @property
    def label(self) -> str:
        """The place in words ("left thigh"), or "" where no region is recorded."""
        if not self.regions:
            return ""
        names = " or ".join(sorted(self.regions))
        return f"{self.side} {names}" if self.side else names

    @property
    def specificity(self) -> tuple[int, int, int]:
        """How much the place says: the deeper the region and the surer the side, the more."""
        depth = max((len(_line(region)) for region in self.regions), default=0)
        return (depth, -len(self.regions), int(self.side is not None))

    def compatible(self, other: "Site") -> bool:
        """Return whether both can be the same place; unknown can be any place."""
        if self.side and other.side and self.side != other.side:
            return False
        if not self.regions or not other.regions:
            return True
        return any(_same(one, two) for one in self.regions for two in other.regions)

    def merged(self, other: "Site") -> "Site":
        """Return the more specific of two compatible places, with the side of either."""
        best = max(self, other, key=lambda site: (site.specificity, site.label))
        return Site(best.regions, best.side or self.side or other.side)


_NOWHERE = Site()


@cache
def _line(region: str) -> tuple[str, ...]:
    """Return the region and all that contain it, the nearest first."""
    parent = regions().get(region)
    return (region, *_line(parent)) if parent else (region,)


def _same(one: str, two: str) -> bool:
    return one in _line(two) or two in _line(one)


def site_of(lens: Lens, concepts: Iterable[Concept], *texts: str) -> Site:
    """Return the place that body-site concepts name, else the first text that names one."""
    candidates = [text for concept in concepts for text in concept.texts]
    site = reduce(
        Site.merged,
        (place for text in candidates if (place := _place(lens, text)).known),
        Site(),
    )
    sides = [place.side for text in candidates if (place := _place(lens, text)).side]
    if not site.known:
        site = next((place for text in texts if (place := _place(lens, text)).known), site)
    if not site.side:
        sides += [place.side for text in texts if (place := _place(lens, text)).side]
        site = Site(site.regions, sides[0] if len(set(sides)) == 1 else None)
    return site


def _place(lens: Lens, text: str) -> Site:
    # ICD displays name neighbours after the region ("lower limb, including hip").
    return place_in(lens.words(text.partition(", including")[0]))


def place_in(words: Words) -> Site:
    """Return the place that a text names: its most specific regions, and the side if one."""
    if not words.mentions:
        return _NOWHERE
    found = {
        str(mention.value)
        for mention in words.of("region")
        if mention.section is not Section.GROSS and not mention.history
    }
    leaves = frozenset(
        region
        for region in found
        if not any(other != region and region in _line(other) for other in found)
    )
    sides = {str(mention.value) for mention in words.of("side") if not mention.history}
    return Site(leaves, sides.pop() if len(sides) == 1 else None)
