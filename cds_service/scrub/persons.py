"""Where a text names people and places, by what stands around the names."""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Literal

from cds_service.scrub.textdates import Span
from cds_service.scrub.vocabulary import WORD, surroundings, vocabulary

#: What stands in the place of a name. No phrase list has it, in no language.
NAME = "Xxxx"
_APOSTROPHES = "'\u2019"
_WORD = rf"[A-ZÀ-ÖØ-Þ][\w{_APOSTROPHES}-]{{0,40}}"
#: A capital word or an initial; "M.D." is neither.
_CAPITAL = rf"(?:[A-Z]\.(?![A-Z])|(?:[Oo][{_APOSTROPHES}])?{_WORD}(?!\.[A-Z]))"
_PLACE = rf"(?:St\.|{_WORD})"
_FIRST = r"(?P<name>"
#: How much of what stands there is a name: all of it, its first word at least, or perhaps nothing.
Sure = Literal["all", "first", "nothing"]


def spans(text: str) -> Iterator[Span]:
    """Yield where somebody or some place is named, with what is to stand there."""
    for pattern, sure in _patterns():
        for match in pattern.finditer(text):
            start, end = match.span("name")
            if sure != "all":
                start, end = _trimmed(text, start, end, sure=sure)
            if start < end:
                yield start, end, NAME


def _trimmed(text: str, start: int, end: int, *, sure: Sure) -> tuple[int, int]:
    """Return the part of a place that is a name: up to the first word that medicine has."""
    known = vocabulary()
    finish = start
    for number, match in enumerate(WORD.finditer(text, start, end)):
        is_heading = text[match.end() : match.end() + 1] == ":"
        may_end = match[0][0].isupper() and (number or sure == "nothing")
        if is_heading or (may_end and known.is_clinical(match[0])):
            return start, finish
        finish = match.end()
    return start, end


def _any(words: Iterable[str]) -> str:
    return "(?:" + "|".join(word.replace(" ", r"\s+") for word in words) + ")"


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], Sure], ...]:
    """Return each form, and how sure it is."""
    words = surroundings()
    one = rf"(?:{_any(words['particles'])}\s+){{0,3}}{_CAPITAL}"
    several = rf"{_FIRST}{one}(?: {one}){{0,3}})"
    listed = rf"{_FIRST}{one}(?:[ ,^]{{1,2}}{one}){{0,3}})"
    degrees = rf"(?:\s+(?i:{_any(words['degrees'])})\b\.?)*"
    both = several[:-1] + rf"(?: (?:and|und|&|et|y) {one})?)"
    of = rf"(?:{_any(words['particles'])}\s+){{0,2}}"
    two = rf"(?:{_PLACE}\s+){{1,3}}"
    forms: tuple[tuple[str, Sure], ...] = (
        (rf"\b(?i:{_any(words['titles'])})\b\.?{degrees}\s+{both}", "first"),
        (rf"\b(?i:{_any(words['labels'])})\s*[:=]\s*{listed}", "nothing"),
        (rf"\b(?i:{_any(words['by'])})\s*:?\s+(?i:dr\.?\s+)?{several}", "nothing"),
        (
            rf"(?<![\w-]){_FIRST}{_CAPITAL}(?: {_CAPITAL}){{0,2}}),? {_any(words['after'])}\b",
            "nothing",
        ),
        (rf"\b(?i:née|nee|geb\.?|geborene)\s+{_FIRST}{_CAPITAL})", "first"),
        (
            rf"{_FIRST}\b\d{{1,5}}[a-z]?\s+(?:[NSEW]\.?\s+)?{two}{_any(words['streets'])}\b\.?)",
            "all",
        ),
        (rf"{_FIRST}\b{_PLACE}{_any(words['streets_joined'])}\s+\d{{1,4}}\s?[a-z]?\b)", "all"),
        (
            rf"{_FIRST}\b(?i:{_any(words['streets_of'])})\s+{of}{two},?\s*(?:n[°º.]?\s*)?\d{{1,4}}\b)",
            "all",
        ),
        (rf"{_FIRST}\b(?:D|A|CH|F|I|E|NL|B)-\d{{4,5}}\s+{_PLACE})", "all"),
        (rf"{_FIRST}\b{_PLACE}(?: {_PLACE})?,\s+[A-Z]{{2}}\s+\d{{5}}(?:-\d{{4}})?)\b", "all"),
        (rf"(?<=, ){_FIRST}\d{{4,5}}\s+{_PLACE})", "all"),
        (rf"{_FIRST}\b[A-Z]{{1,2}}\d[A-Z\d]? \d[ABD-HJLNP-UW-Z]{{2}}\b)", "all"),
        (rf"\b{_any(words['streets_in'])} {_FIRST}{two}\d{{1,4}})(?=[,;·\n]|\s·|$)", "nothing"),
        (rf"{_FIRST}(?:\b{_PLACE} ){{1,4}}(?i:{_any(words['institutions'])})\b)", "nothing"),
        (rf"\b(?:St\.|Saint|Sankt) {_FIRST}{_PLACE})", "first"),
        (rf"\b{_any(words['institutions_of'])} {of}{_FIRST}{_PLACE}(?: {_PLACE})?)", "nothing"),
    )
    return tuple((re.compile(form), sure) for form, sure in forms)
