"""A report cut into sentences, each with its section and its specimen."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from cds_service.narrative.fold import clean, fold
from cds_service.narrative.lexicon import Lexicon
from cds_service.narrative.model import Section

#: Longer sentences are cut: what one phrase can reach stays bounded, and so does the time.
MAX_SENTENCE: Final = 600
#: A line shorter than this is not taken for one that was wrapped.
_NARROW: Final = 40
#: The least line length that text is wrapped at, and the greatest.
_WIDTH: Final = 60
_LONG: Final = 200

_ABBREVIATION = re.compile(
    r"(?:^|[^a-z0-9])(?:[a-z]|no|nr|approx|vs|dr|mr|mrs|cf|ca|fig|st|dd|ddx|ggf|bzw|inkl|lat|post|ant|"
    r"max|min|incl|resp|evtl|etc|al|ed|z\. ?n|v\. ?a|z\. ?b|e\. ?g|i\. ?e|u\. ?a|d\. ?h|sog|"
    r"usw|hx|lt|rt|re|li|izq|dcha|der|dx|sx|gr|prof|sr|jr|susp|ev|jfr|bv|pt)$"
)
_STOP = re.compile(r"[.!?](?=[ )\"]|$)|(?<=[a-z)]{3})\.(?=[a-z]{3})")
_BULLET = re.compile(r"[ ]{0,20}(?:[-*•▪◦·>]+|\d{1,2}[.)](?!\d)|\([a-z\d]{1,2}\))[ ]{1,8}")
_PART = re.compile(
    r"[ ]{0,20}(?:(?:part|specimen|sample|probe|praparat|jar|pot|muestra|prelievement|prelievo|"
    r"amostra|campione|preparaat)[ ]{1,3}(?P<named>[a-z]|\d{1,2}|[ivx]{1,4})[.:) ]|"
    r"(?P<bare>[a-l])[.:)](?![a-z]\.)(?=[ ]{0,4}[a-z\[☐☒(]))[ :.-]{0,4}"
)
_BOX = re.compile(
    r"\[ ?(?P<square>[x*✕ ]?) ?\]|\((?P<round>x| {1,3})\)|(?P<empty>[☐○])|(?P<full>☒)"
)
_TEMPLATE = re.compile(r"_{2,}|\.{4,}")
_FIELD = re.compile(r"[ ]{0,20}[a-z][a-z /()-]{1,45}:")
_JOINING: Final = frozenset(
    [
        "of",
        "for",
        "the",
        "and",
        "or",
        "in",
        "with",
        "to",
        "no",
        "by",
        "from",
        "a",
        "an",
        "at",
        "on",
        "not",
        "into",
        "without",
        "is",
        "are",
        "was",
        "de",
        "la",
        "el",
        "del",
        "con",
        "sin",
        "y",
        "en",
        "por",
        "una",
        "un",
        "der",
        "die",
        "das",
        "des",
        "ein",
        "eine",
        "einer",
        "eines",
        "im",
        "in",
        "am",
        "von",
        "mit",
        "ohne",
        "und",
        "fur",
        "zu",
        "zum",
        "zur",
        "kein",
        "keine",
        "le",
        "les",
        "du",
        "et",
        "sans",
        "pour",
        "dans",
        "da",
        "do",
        "em",
        "com",
        "sem",
        "e",
        "di",
        "della",
        "delle",
        "senza",
        "het",
        "een",
        "van",
        "met",
        "zonder",
        "op",
        "wide",
        "local",
        "deep",
        "left",
        "right",
        "skin",
    ]
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence or line: as written, folded, and where it stands."""

    shown: str
    text: str
    section: Section = Section.BODY
    part: str | None = None
    #: Under a heading such as "Family history".
    family: bool = False


@dataclass(slots=True)
class _Place:
    section: Section = Section.BODY
    family: bool = False
    part: str | None = None
    label: str = ""


def sentences(text: str, lexicon: Lexicon) -> list[Sentence]:
    """Cut a text into its sentences; headings and specimen letters become their place."""
    shown = clean(text)
    folded = fold(shown)
    place = _Place()
    found: list[Sentence] = []
    for start, end in _paragraphs(folded, lexicon):
        _read_paragraph(shown[start:end], folded[start:end], place, lexicon, found)
    parts = {sentence.part for sentence in found if sentence.part}
    if len(parts) < 2:  # noqa: PLR2004 - a few words or signs: as far as such phrases reach
        found = [
            Sentence(one.shown, one.text, one.section, None, one.family) if one.part else one
            for one in found
        ]
    return found


def _paragraphs(folded: str, lexicon: Lexicon) -> list[tuple[int, int]]:
    """Join the lines that were only wrapped; return where each joined line begins and ends."""
    lines: list[tuple[int, int]] = []
    start = 0
    for line in folded.split("\n"):
        lines.append((start, start + len(line)))
        start += len(line) + 1
    if len(lines) == 1:
        return lines
    width = max([_WIDTH, *(end - begin for begin, end in lines if end - begin < _LONG)])
    joined: list[tuple[int, int]] = []
    for begin, end in lines:
        line = folded[begin:end]
        if joined and _wrapped(folded[joined[-1][0] : joined[-1][1]], line, width, lexicon):
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((begin, end))
    return joined


def _wrapped(before: str, line: str, width: int, lexicon: Lexicon) -> bool:  # noqa: PLR0911 - each return is one case
    """Tell whether a line goes on with the sentence of the one before it."""
    before = before[-400:].rstrip()
    following = line[:200].strip()
    if not before or not following or len(line) > MAX_SENTENCE:
        return False
    if _BULLET.match(line) or _PART.match(line) or _BOX.match(following):
        return False
    if _heading(following, lexicon) is not None or _FIELD.match(following):
        return False
    last = before.rsplit("\n", 1)[-1].strip()
    if last.endswith(":"):
        return _heading(last, lexicon) is None
    if last.endswith((".", "!", "?", ";")):
        return False
    if last.endswith((",", "-", "/", "(")):
        return True
    words = last.split()
    if words[-1] in _JOINING:
        return True
    if _heading(last, lexicon) is not None:
        return False
    first = following.split(maxsplit=1)[0]
    if first in _JOINING:
        return True
    return len(last) >= _NARROW and len(last) + 1 + len(first) > width * 0.9


def _read_paragraph(
    shown: str, text: str, place: _Place, lexicon: Lexicon, found: list[Sentence]
) -> None:
    if not text.strip():
        place.label = ""
        return
    if _BOX.search(text):
        _read_boxes(shown, text, place, found)
        return
    place.label = text.strip() if text.rstrip().endswith(":") else ""
    for start, end in _cuts(text.replace("\n", " ")):
        _read_sentence(shown[start:end], text[start:end], place, lexicon, found)


def _read_sentence(
    shown: str, text: str, place: _Place, lexicon: Lexicon, found: list[Sentence]
) -> None:
    """Take headings and specimen letters off the front, then keep the sentence."""
    for _ in range(4):
        bullet = _BULLET.match(text)
        if bullet:
            shown, text = shown[bullet.end() :], text[bullet.end() :]
        part = _PART.match(text)
        if part and part.end() < len(text):
            place.part = (part["named"] or part["bare"]).upper()
            shown, text = shown[part.end() :], text[part.end() :]
            continue
        heading = _heading(text, lexicon)
        if heading is None:
            break
        name, end = heading
        if place.section is Section.SYNOPTIC and name in {"other", "gross"}:
            break  # "Procedure:" and "Specimen:" are fields of a synoptic report
        _enter(name, place)
        shown, text = shown[end:], text[end:]
    _keep(shown, text, place, found)


def _enter(name: str, place: _Place) -> None:
    place.family = name == "family"
    place.part = None
    if name == "family":
        place.section = Section.CLINICAL
    elif name == "other":
        if place.section in {Section.CLINICAL, Section.GROSS}:
            place.section = Section.BODY
    else:
        place.section = Section(name)


def _keep(shown: str, text: str, place: _Place, found: list[Sentence]) -> None:
    if _TEMPLATE.search(text):
        return
    text = " ".join(text.split())
    shown = " ".join(shown.split())
    if text:
        found.append(Sentence(shown, text, place.section, place.part, place.family))


def _read_boxes(shown: str, text: str, place: _Place, found: list[Sentence]) -> None:
    """Read a line of boxes: each speaks for the words after it, an empty one for nothing."""
    boxes = list(_BOX.finditer(text))
    label = text[: boxes[0].start()].strip(" -*•") or place.label
    place.label = label
    if not label.endswith(":"):
        _keep(label, label, place, found)
        label = ""
    for box, after in zip(boxes, [*boxes[1:], None], strict=True):
        end = after.start() if after else len(text)
        ticked = bool((box["square"] or "").strip() or box["full"] or box["round"] == "x")
        if ticked:
            item = text[box.end() : end]
            written = f"{label} {shown[box.end() : end]}" if label else shown[box.end() : end]
            _keep(written, f"{label} {item}", place, found)


def _cuts(text: str) -> list[tuple[int, int]]:
    """Return where the sentences of a line begin and end."""
    cuts: list[tuple[int, int]] = []
    start = 0
    for stop in _STOP.finditer(text):
        at = stop.end()
        if at - start < 2:  # noqa: PLR2004 - a few words or signs: as far as such phrases reach
            continue
        mark = stop[0]
        if mark == "." and _ABBREVIATION.search(text, max(start, at - 12), at - 1):
            continue
        if mark == "?" and text[at - 2 : at - 1] == " " and text[at:].strip():
            continue
        cuts.append((start, at))
        start = at
    if start < len(text):
        cuts.append((start, len(text)))
    return [piece for start, end in cuts for piece in _bounded(text, start, end)]


def _bounded(text: str, start: int, end: int) -> list[tuple[int, int]]:
    pieces: list[tuple[int, int]] = []
    while end - start > MAX_SENTENCE:
        at = text.rfind(" ", start + MAX_SENTENCE // 2, start + MAX_SENTENCE)
        at = at if at > 0 else start + MAX_SENTENCE
        pieces.append((start, at))
        start = at
    pieces.append((start, end))
    return pieces


def _heading(text: str, lexicon: Lexicon) -> tuple[str, int] | None:
    """Return the section that a sentence's first words name, and where its own text begins."""
    lead = len(text) - len(text.lstrip(" *#=-\t"))
    head = text[lead : lead + 80]
    if not head or not head[0].isalnum():
        return None
    best = lexicon.heading(head)
    if best is None:
        return None
    name, end = best
    after = _heading_end().match(head, end)
    return (name, lead + after.end()) if after else None


@cache
def _heading_end() -> re.Pattern[str]:
    return re.compile(r"(?: ?\([a-z0-9 ,./-]{0,30}\))? ?(?:[:=*#-]{1,4}(?: |$|\n)|:|$)")
