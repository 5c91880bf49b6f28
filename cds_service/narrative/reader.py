"""Read a clinical text: the one way in."""

import re
from collections.abc import Iterable, Sequence
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
from cds_service.narrative.lexicon import SPEAKING, Hit, lexicon
from cds_service.narrative.margins import margins
from cds_service.narrative.measures import grade
from cds_service.narrative.model import Mention, Reading
from cds_service.narrative.scope import scene
from cds_service.narrative.sections import Sentence, sentences

_NOTHING: Final = Reading()
#: Characters. Names of codes, short phrases and sentences are the same in most charts, whole
#: reports are not.
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
    # A sentence that stands twice in one place says nothing new the second time.
    spoken = {
        sentence: hits
        for sentence in sentences(text, words)
        if (hits := _phrases(sentence.text, language))
    }
    context = _context(spoken.values(), folded)
    mentions: dict[Mention, None] = {}
    for sentence, hits in spoken.items():
        known = len(sentence.shown) <= _RECURRING
        said = _said(sentence, language, context) if known else _mentions(sentence, hits, context)
        mentions.update(dict.fromkeys(said))
    return Reading(tuple(mentions))


_remembered = lru_cache(maxsize=4096)(_read)


def _phrases(text: str, language: str) -> Sequence[Hit]:
    """Return the phrases of a sentence; none where they say nothing."""
    return _known_phrases(text, language) if len(text) <= _RECURRING else _found(text, language)


def _found(text: str, language: str) -> Sequence[Hit]:
    hits = lexicon().hits(text, language)
    return hits if any(hit.kind in SPEAKING for hit in hits) else ()


_known_phrases = lru_cache(maxsize=4096)(_found)


@lru_cache(maxsize=4096)
def _said(sentence: Sentence, language: str, context: Context) -> Sequence[Mention]:
    return _mentions(sentence, _phrases(sentence.text, language), context)


def _context(spoken: Iterable[Sequence[Hit]], folded: str) -> Context:
    sarcoma = bool(_SARCOMA_CONTEXT.search(folded)) and not _OTHER_LMS.search(folded)
    tumour = any(
        hit.kind == "tumour" and (hit.value != "maybe" or sarcoma)
        for hits in spoken
        for hit in hits
    )
    return Context(tumour=tumour, sarcoma=sarcoma)


def _mentions(sentence: Sentence, hits: Sequence[Hit], context: Context) -> Sequence[Mention]:
    one = scene(sentence, hits)
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
    return tuple(mention for _, mention in sorted(found, key=lambda pair: pair[0]))
