"""Where a text holds numbers and addresses by which somebody can be found or reached."""

import re
from collections.abc import Iterator
from functools import cache

from cds_service.narrative.fold import fold
from cds_service.scrub.textdates import Span
from cds_service.scrub.vocabulary import surroundings

ADDRESS, NUMBER = "Xxxx", "X0000"
_OLDEST = 90
_CODE = r"(?P<x>[a-z]{0,4}[-/ ]?\d[\w/-]{2,40}(?:\.\d{3,9}){0,4})"
_UNTIL_SPACE = r"[^\s<>\"')\]]+"
_AGE = r"(?P<x>9\d|1[0-3]\d)"
_NO_MEASURE = r"(?!\d|[.,/]\d|\s*(?:mm|cm|%))"
_AGES = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?<![\d.,]){_AGE}[ -]?(?:years?|yrs?|y ?/ ?o|yo\b|jahr|ans\b|anos\b|anni\b|jaar|jarige)",
        rf"\b(?:aged?|alter|edad|eta|idade|leeftijd)(?: of| de| von| di)?:? {_AGE}{_NO_MEASURE}",
    )
)


def spans(text: str) -> Iterator[Span]:
    """Yield where identifiers, numbers of telephones and addresses of the net stand."""
    folded = fold(text)
    for pattern, new in _patterns():
        for match in pattern.finditer(folded):
            yield (*match.span("x"), new)


def ages(text: str) -> Iterator[Span]:
    """Yield where an age above 89 stands."""
    folded = fold(text)
    for pattern in _AGES:
        for match in pattern.finditer(folded):
            yield (*match.span("x"), str(_OLDEST))


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    words = surroundings()
    labels = "|".join(fold(word) for word in words["numbers"])
    telephones = "|".join(fold(word) for word in words["telephones"])
    forms = (
        (r"(?<![\w.+-])(?P<x>[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5})", ADDRESS),
        (rf"(?P<x>\b(?:(?:https?|ftp|file)://|urn:){_UNTIL_SPACE})", ADDRESS),
        (rf"(?P<x>\bwww\.{_UNTIL_SPACE})", ADDRESS),
        (r"(?P<x>(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.]))", ADDRESS),
        (
            rf"(?<![a-z])(?:{labels})\b\.?\s*[:#.=]?\s*(?:no\.?|nr\.?|number|#)?\s*{_CODE}",
            NUMBER,
        ),
        (r"(?P<x>\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b)", NUMBER),
        (r"(?<![\w+/=-])(?P<x>(?=[a-z+/_-]{0,60}\d)[a-z0-9+/_-]{32,}={0,2})", NUMBER),
        (r"(?P<x>(?<!\d)\d{3}-\d{2}-\d{4}(?!\d))", NUMBER),
        (
            rf"\b(?:{telephones})\b\.?\s*[:.]?\s*(?P<x>[+(]?\d[\d ()./-]{{2,18}}\d)",
            NUMBER,
        ),
        (r"(?P<x>(?<![\w.])(?:\+|00)\d{1,3}[ ()./-]*\d[\d ()./-]{5,16}\d)", NUMBER),
        (r"(?P<x>(?<![\w.-])\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}(?![\w-]))", NUMBER),
        (r"(?P<x>(?<![\w.,/-])0\d{2,5} ?[ /-] ?\d{3,}(?:[ -]?\d{2,}){0,4}(?![\w,]|\.\d))", NUMBER),
        (r"(?P<x>(?<![\w/-])[a-z]{1,4}-?/?\d{2,4}[-/]\d{3,8}(?![\w]))", NUMBER),
        (r"(?P<x>(?<![\w/-])\d{2}[-/]?[a-z]{1,3}[-/]?\d{4,8}(?![\w]))", NUMBER),
        (r"(?P<x>(?<![\w.,/:-])\d{6,}(?![\w]|[.,]\d))", NUMBER),
        (r"(?P<x>\b[a-z]{2}\d{2}(?: ?[a-z0-9]{4}){3,7}\b)", NUMBER),
    )
    return tuple((re.compile(form), new) for form, new in forms)
