"""Which Observations can say anything: most of a chart is values that no rule asks for."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from cds_service import terminology
from cds_service.clinical.findings import GRADE_TITLE, MARGIN_TITLE
from cds_service.clinical.lens import Lens
from cds_service.facts import Chart, Concept, Observation
from cds_service.guideline import Guideline, Match

#: The guideline's words that are looked for in Observations, whatever else they say.
_MATCHES = ("fh-gene", "staging")
_TITLES = Match((MARGIN_TITLE, GRADE_TITLE))
#: Where a value was taken says nothing without a finding.
_PLACES = frozenset({"organ", "region", "side", "layer"})
_MAX_KNOWN = 4096
#: Characters of names that charts share; longer ones are somebody's text.
_RECURRING = 400


def speaking(chart: Chart, guideline: Guideline) -> Chart:
    """Return the chart without the Observations that cannot change any plan.

    Such an Observation has no text, no note and no members; no value set holds one of its codes,
    and the names of these say nothing to the reader, to the guideline or to a rule.
    """
    silence = _silence(*(guideline.matches[name] for name in _MATCHES))
    kept = tuple(each for each in chart.observations if not silence.of(each))
    return replace(chart, observations=kept)


class _Silence:
    """Judges Observations by their concepts, and remembers those that charts repeat."""

    def __init__(self, *matches: Match) -> None:
        self._matches = (*matches, _TITLES)
        # By identity: what recurs is one object, and what is kept here cannot become another.
        self._known: dict[tuple[int, ...], tuple[tuple[Concept, ...], bool]] = {}

    def of(self, observation: Observation) -> bool:
        """Return whether nothing that an Observation holds can matter."""
        if observation.notes or observation.members:
            return False
        held = (observation.value, *(part.value for part in observation.components))
        if any(isinstance(value, str) for value in held):
            return False
        values = [value for value in held if isinstance(value, Concept)]
        codes = [observation.code, observation.body_site, observation.method]
        codes += [part.code for part in observation.components]
        concepts = (*codes, *values)
        key = (len(values), *map(id, concepts))
        known = self._known.get(key)
        if known:
            return known[1]
        silent = self._judged(codes, values)
        if sum(len(text) for concept in concepts for text in concept.texts) < _RECURRING:
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            self._known[key] = (concepts, silent)
        return silent

    def _judged(self, codes: Sequence[Concept], values: Sequence[Concept]) -> bool:
        lens = Lens(terminology.load())
        names = [text for code in codes for text in code.texts]
        texts = [text for value in values for text in value.texts]
        # A rule reads values behind the title.
        title = next(iter(codes[0].texts), "")
        together = (f"{title}: {text}" for text in texts)
        return not (
            lens.sets(*codes, *values)
            or any(match.says(*names, *texts) for match in self._matches)
            or lens.words(*texts).mentions
            or any(m.topic not in _PLACES for m in lens.words(*names, *together).mentions)
        )


_silence = lru_cache(maxsize=4)(_Silence)
