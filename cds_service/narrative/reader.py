"""Read a clinical text: the one way in."""

import re
from functools import lru_cache
from typing import Final

from cds_service.narrative.depth import depth
from cds_service.narrative.disease import (
    Context,
    followups,
    mimics,
    organs,
    places,
    spread,
    treatments,
    tumours,
)
from cds_service.narrative.fold import clean, fold
from cds_service.narrative.genetics import hlrcc, leiomyomas
from cds_service.narrative.lexicon import SPEAKING, lexicon
from cds_service.narrative.margins import margins
from cds_service.narrative.measures import grade
from cds_service.narrative.model import Mention, Reading
from cds_service.narrative.scope import Scene, scene
from cds_service.narrative.sections import sentences

_NOTHING: Final = Reading()
#: Characters. Names of codes and short phrases are the same in most charts, reports are not.
_RECURRING: Final = 80
_SARCOMA_CONTEXT = re.compile(
    r"sarcom|sarkom|leiom|leiomi|skin|cutan|derm|smooth|tumou?r|excis|margin|biops|fnclcc|"
    r"haut|piel|peau|pele|pelle|huid|histolog|patholog|clms|aismn"
)
_OTHER_LMS = re.compile(
    r"coronary|stenosis|left main|stent|angiogra|learning|circumflex|sleep|e-learning|lad\b"
)


def read(text: str) -> Reading:
    """Return what a text says of leiomyosarcoma, its depth, margins, course and relatives.

    Any string may be given, in English, Spanish, German, French, Portuguese, Italian or Dutch,
    plain or with HTML marks; a text about something else gives an empty reading. Never raises.
    """
    return _remembered(text) if len(text) <= _RECURRING else _read(text)


def _read(text: str) -> Reading:
    words = lexicon()
    folded = fold(clean(text))
    if not words.concerns(folded):
        return _NOTHING
    language = words.language_of(folded)
    scenes: list[Scene] = []
    # A sentence that stands twice in one place says nothing new the second time.
    for sentence in dict.fromkeys(sentences(text, words)):
        hits = words.hits(sentence.text, language)
        if any(hit.kind in SPEAKING for hit in hits):
            scenes.append(scene(sentence, hits))
    context = _context(scenes, folded)
    mentions: dict[Mention, None] = {}
    for one in scenes:
        for mention in _mentions(one, context):
            mentions[mention] = None
    return Reading(tuple(mentions))


_remembered = lru_cache(maxsize=4096)(_read)


def _context(scenes: list[Scene], folded: str) -> Context:
    contents = [hit for one in scenes for hit in one.contents]
    sarcoma = bool(_SARCOMA_CONTEXT.search(folded)) and not _OTHER_LMS.search(folded)
    tumour = any(hit.kind == "tumour" and (hit.value != "maybe" or sarcoma) for hit in contents)
    return Context(tumour=tumour, sarcoma=sarcoma)


def _mentions(one: Scene, context: Context) -> list[Mention]:
    # Margins come first: they use up the tumours that they are free of.
    found = [*margins(one)]
    found += grade(one, sarcoma=context.tumour)
    found += tumours(one, context)
    found += depth(one)
    found += spread(one, context)
    found += mimics(one)
    found += organs(one, context)
    found += places(one)
    found += treatments(one)
    found += hlrcc(one)
    found += leiomyomas(one)
    found += followups(one, context)
    return [mention for _, mention in sorted(found, key=lambda pair: pair[0])]
