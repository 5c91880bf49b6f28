"""Dates as people write them in the languages of the narrative reader, found and moved."""

import datetime as dt
import re
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Literal, NamedTuple

from cds_service.narrative.fold import fold
from cds_service.narrative.lexicon import lexicon
from cds_service.scrub.offset import Offset

#: A place in a text and what is to stand there instead.
Span = tuple[int, int, str]
#: Day, month in digits, month as a word, year, the ending of "3rd".
Role = Literal["d", "m", "w", "y", "o"]
#: What is written for each role.
Parts = Mapping[Role, str]
Place = tuple[int, int]

_NAMES: Mapping[str, str] = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre "
    "diciembre",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre "
    "dicembre",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro "
    "dezembro",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
}
_SHORT_NAMES: Mapping[str, str] = {
    "en": "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
    "de": "Jan Feb Mrz Apr Mai Jun Jul Aug Sep Okt Nov Dez",
    "fr": "janv févr mars avr mai juin juil août sept oct nov déc",
    "es": "ene feb mar abr may jun jul ago sep oct nov dic",
    "it": "gen feb mar apr mag giu lug ago set ott nov dic",
    "pt": "jan fev mar abr mai jun jul ago set out nov dez",
    "nl": "jan feb mrt apr mei jun jul aug sep okt nov dec",
}
_OTHERS = {"sept": ("en", 9), "jänner": ("de", 1), "mär": ("de", 3)}
#: Languages that write months with a capital.
_CAPITALS = ("en", "de")
_ROLES: tuple[Role, ...] = ("d", "m", "w", "y", "o")
_ENGLISH = ("st", "nd", "rd", "th")
_ENDINGS = {1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd", 31: "st"}
_NO_UNIT = r"(?! ?(?:mm|cm|ml|dl|mg|ug|kg|g|cgy|gy|hpf|x|%|°)(?![a-z]))"
_UNIT = _NO_UNIT + r"(?![\w]|[.,/-]\d)"
#: Of 6/10 what is no date.
_COUNTED = r"(?! ?(?:hpf|nodes?|cores?|levels?|sections?|blocks?|slides?|fields?|sites?)\b)"
#: What stands before a month alone.
_BEFORE = (
    r"in|im|since|seit|en|em|nel|dal|depuis|desde|last|next|early|late|mid|ende|anfang|mitte|"
    r"until|bis"
)
_FIRST, _LAST = dt.date(1850, 1, 1), dt.date(2200, 1, 1)
_SHORT = 2


class _Word(NamedTuple):
    language: str
    short: bool
    month: int


class TextDates:
    """Finds the dates of a text and moves them."""

    def __init__(self, offset: Offset, *, today: dt.date, known: Collection[dt.date] = ()) -> None:
        """Take the offset.

        ``known`` are the dates of the patient's structured elements: the reading of 3/4/2026
        that is one of these is right. ``today`` tells the century of 3/4/26, and the year of
        3 April.
        """
        self._offset = offset
        self._today = today
        self._known = frozenset(known)

    def spans(self, text: str) -> Iterator[Span]:
        """Yield where dates stand, with the moved ones in the form of the old."""
        folded = fold(text)
        language = lexicon().language_of(folded)
        for pattern in _patterns():
            for match in pattern.finditer(folded):
                for places in self._readings(match, language):
                    parts = {role: text[slice(*place)] for role, place in places.items()}
                    moved = self._moved(parts, language)
                    if moved:
                        yield _joined(text, places, moved)
                        break

    def _readings(self, match: re.Match[str], language: str) -> list[dict[Role, Place]]:
        """Return which part is what, the likeliest reading first."""
        found = {name: match.span(name) for name, value in match.groupdict().items() if value}
        if "a" not in found:
            return [{role: found[role] for role in _ROLES if role in found}]
        year: dict[Role, Place] = {"y": found["y"]} if "y" in found else {}
        day_first: dict[Role, Place] = {"d": found["a"], "m": found["b"], **year}
        month_first: dict[Role, Place] = {"m": found["a"], "d": found["b"], **year}
        readings = [day_first, month_first]
        if language == "en" and match["s"] != ".":
            readings.reverse()

        def is_unknown(reading: dict[Role, Place]) -> bool:
            parts = {role: match.string[slice(*place)] for role, place in reading.items()}
            return self._date(parts) not in self._known

        return sorted(readings, key=is_unknown)

    def _date(self, parts: Parts) -> dt.date | None:
        """Return the date that is written; the middle of it where a part is missing."""
        month = int(parts.get("m", "7"))
        if "w" in parts:
            month = _words()[fold(parts["w"])][0].month
        is_year = not {"m", "w"} & parts.keys()
        day = int(parts.get("d", "1" if is_year else "15"))
        year = self._year(parts["y"]) if "y" in parts else self._today.year
        try:
            found = dt.date(year, month, day)
            if "y" not in parts and found > self._today:
                found = found.replace(year=year - 1)
        except ValueError:
            return None
        return found if _FIRST <= found <= _LAST else None

    def _year(self, digits: str) -> int:
        year = int(digits)
        if len(digits) > _SHORT:
            return year
        return year + (2000 if year <= self._today.year % 100 + 1 else 1900)

    def _moved(self, parts: Parts, language: str) -> Parts | None:
        """Return the parts of the moved date, each written as the old one was."""
        if "w" in parts and "y" not in parts and not _is_month(parts["w"]):
            return None
        old = self._date(parts)
        if old is None:
            return None
        new = self._offset.date(old)
        return {role: _written(role, text, new, parts, language) for role, text in parts.items()}


def _joined(text: str, places: Mapping[Role, Place], moved: Parts) -> Span:
    ordered = sorted((place, role) for role, place in places.items())
    start, end = ordered[0][0][0], ordered[-1][0][1]
    pieces: list[str] = []
    done = start
    for (begin, finish), role in ordered:
        pieces += [text[done:begin], moved[role]]
        done = finish
    return start, end, "".join(pieces)


def _is_month(word: str) -> bool:
    """Return whether a word is a month where no year follows: "3 may suffice" is none."""
    known = _words()[fold(word)]
    return word[:1].isupper() or any(
        not one.short and one.language not in _CAPITALS for one in known
    )


def _written(role: Role, old: str, new: dt.date, parts: Parts, language: str) -> str:
    match role:
        case "d":
            return f"{new.day:0{len(old)}}" if "m" in parts or old[0] == "0" else str(new.day)
        case "m":
            return f"{new.month:0{len(old)}}"
        case "y":
            return f"{new.year:04}"[-len(old) :]
        case "w":
            return _month(old, new.month, language)
        case "o":
            return _ENDINGS.get(new.day, "th") if old.lower() in _ENGLISH else old


def _month(old: str, month: int, language: str) -> str:
    known = _words()[fold(old)]
    same = next((word for word in known if word.language == language), known[0])
    name = (_SHORT_NAMES if same.short else _NAMES)[same.language].split()[month - 1]
    if old.isupper():
        return name.upper()
    return name.capitalize() if old[0].isupper() else name.lower()


@cache
def _words() -> Mapping[str, tuple[_Word, ...]]:
    found: dict[str, list[_Word]] = {}
    for short, table in ((False, _NAMES), (True, _SHORT_NAMES)):
        for language, names in table.items():
            for month, name in enumerate(names.split(), start=1):
                found.setdefault(fold(name), []).append(_Word(language, short, month))
    for name, (language, month) in _OTHERS.items():
        found.setdefault(fold(name), []).append(_Word(language, short=True, month=month))
    return {name: tuple(words) for name, words in found.items()}


@cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    """Return the forms of dates in folded text, the fullest first."""
    word = "|".join(sorted(_words(), key=len, reverse=True))
    month = rf"(?P<w>{word})(?![a-z])\.?"
    year = r"(?P<y>(?:1[89]|20|21)\d\d)(?!\d)"
    start = r"(?<![\w.,/-])"
    forms = (
        start + rf"(?P<d>\d{{1,2}})-{month}-(?P<y>\d\d)" + _UNIT,
        r"(?<!\w)(?P<y>\d{4})(?P<s>[-/.])(?P<m>\d{1,2})(?P=s)(?P<d>\d{1,2})(?=t\d|\b)",
        start + r"(?P<y>(?:19|20)\d\d)(?P<m>0[1-9]|1[0-2])(?P<d>0[1-9]|[12]\d|3[01])"
        r"(?=(?:t?\d{4}(?:\d\d)?)?\b)(?!\.\d)",
        rf"(?<!\w)(?P<a>\d{{1,2}})(?P<s>[-/.]) ?(?P<b>\d{{1,2}})(?P=s) ?{year}",
        r"(?<![\w,/])(?<!\d\.)(?P<a>\d{1,2})(?P<s>[/.])(?P<b>\d{1,2})(?P=s)(?P<y>\d\d)"
        + _NO_UNIT
        + r"(?![\w]|[.,/]\d)",
        start + r"(?P<a>\d{1,2})(?P<s>-)(?P<b>\d{1,2})-(?P<y>\d\d)" + _UNIT,
        start + r"(?P<d>\d{1,2})(?:(?P<o>st|nd|rd|th)|er|re|ste|de|º|ª|o|a|\.)?[ -]?"
        rf"(?:of |de |del |d |den )?{month}(?:[ ,-]{{1,2}}(?:de |del |di )?{year}|-(?P<y2>\d\d)"
        rf"{_UNIT})?",
        rf"\b{month} (?P<d>\d{{1,2}})(?P<o>st|nd|rd|th)?,? {year}",
        rf"\b{month} (?P<d>\d{{1,2}})(?P<o>st|nd|rd|th)?" + _UNIT,
        rf"\b{month},?[ -](?:de |del |of )?{year}",
        start + rf"(?P<m>0?[1-9]|1[0-2])/{year}(?![\w/-]|\.\d)",
        start + rf"(?P<m>0[1-9]|1[0-2])\.{year}(?![\w/-]|\.\d)",
        r"(?<![\w/-])(?P<y>(?:19|20)\d\d)[-/](?P<m>0[1-9]|1[0-2])(?![\w/-]|\.\d)",
        r"\b(?:am|vom|zum|bis|seit|ab|den|op) (?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?!\d)",
        r"\b(?:on|since|dated) (?P<a>\d{1,2})(?P<s>/)(?P<b>\d{1,2})" + _COUNTED + _UNIT,
        rf"\b(?:{_BEFORE}) {month}(?! ?\d)",
        r"(?<!\w)(?P<y>(?:19|20)\d\d)(?= ?[-/] ?(?:19|20)\d\d(?!\d))",
        r"(?<=[12]\d{3}[-/])(?P<y>(?:19|20)\d\d)(?!\d)",
        start + r"(?P<y>19[3-9]\d|20[0-4]\d)" + _UNIT,
    )
    return tuple(re.compile(form) for form in forms)
