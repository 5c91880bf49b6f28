"""The phrase lists, compiled: where in a text which phrase stands.

A phrase is a row of words. ``stem*`` takes any ending, ``a|b`` either word, ``word?`` may be
missing, ``sub-cutis`` may be written with a hyphen, a space or neither, and ``~`` stands for up to
two words of any kind. A phrase that starts with ``!`` counts only in a text of its language,
because it means something else in another ("been", "main", "sein").
"""

import re
import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Final

LANGUAGES: Final = ("en", "es", "de", "fr", "pt", "it", "nl")
_TOKEN = re.compile(r"[a-z0-9]+")
_PLAIN = re.compile(r"[a-z0-9]+")
_NOT_WORD = r"(?![a-z0-9])"
_BETWEEN = r"[ -]{1,3}"
_GAP = r"(?:[a-z0-9]+[ -]{1,3}){0,2}"
_KEY = 5
#: Words that are remembered, and letters of the longest of them.
_MAX_WORDS, _LONGEST_WORD = 16_384, 40

#: Leiomyosarcoma in seven languages, with the usual slips of spelling.
_FUZZY = re.compile(
    r"(?:pilo-? ?)?l(?:ei|ie|ey|e|i)o?m[iy]{1,2}o?-? ?s{1,2}a(?:r[ck]|cr|rr[ck])o{1,2}m"
    r"(?!atous)[a-z]{0,4}(?![a-z0-9])"
)


@dataclass(slots=True)
class Hit:
    """A phrase found: its kind and value, its place, and the segment that it stands in."""

    kind: str
    value: str
    start: int
    end: int
    language: str = ""
    clause: int = 0
    segment: int = 0
    word: int = 0
    last_word: int = 0


@dataclass(slots=True)
class _Phrase:
    kind: str
    value: str
    source: str
    language: str
    weak: bool
    #: A later word without which the phrase cannot stand; "" where there is none.
    need: str = ""
    pattern: re.Pattern[str] | None = None

    def end(self, text: str, word: re.Match[str]) -> int:
        """Return where the phrase that begins with a word ends, or -1."""
        return word.end() if word[0] == self.source else self.match(text, word.start())

    def match(self, text: str, start: int) -> int:
        """Return where the phrase ends, or -1."""
        if self.pattern is None:
            self.pattern = re.compile(_regex(self.source))
        found = self.pattern.match(text, start)
        return found.end() if found else -1


@dataclass(frozen=True, slots=True)
class Lexicon:
    """All phrases by the first letters of their first word."""

    exact: dict[str, list[_Phrase]] = field(default_factory=dict)
    stems: dict[str, list[_Phrase]] = field(default_factory=dict)
    #: Function words and the languages that use them.
    languages: dict[str, tuple[str, ...]] = field(default_factory=dict)
    #: Words that in a language do not mean what they mean in the others.
    foreign: dict[str, frozenset[str]] = field(default_factory=dict)
    titles: dict[str, list[_Phrase]] = field(default_factory=dict)
    #: What :meth:`beginning` has found: texts repeat their words.
    _beginning: dict[str, tuple[_Phrase, ...]] = field(default_factory=dict)

    def beginning(self, word: str) -> tuple[_Phrase, ...]:
        """Return the phrases whose first word this may be."""
        found = self._beginning.get(word)
        if found is None:
            stems = self.stems
            found = (
                *self.exact.get(word, ()),
                *stems.get(word[:_KEY], ()),
                *stems.get(word[: _KEY - 1], ()),
            )
            if len(self._beginning) >= _MAX_WORDS:
                self._beginning.clear()
            if len(word) <= _LONGEST_WORD:
                self._beginning[word] = found
        return found

    def heading(self, text: str) -> tuple[str, int] | None:
        """Return the section whose name a folded text begins with, and where the name ends."""
        first = _TOKEN.match(text)
        best: tuple[str, int] | None = None
        for title in self.titles.get(first[0], ()) if first else ():
            end = title.match(text, 0)
            if end > (best[1] if best else 0):
                best = (title.value, end)
        return best

    def concerns(self, text: str) -> bool:
        """Tell quickly whether any word of a folded text could begin a phrase that says something.

        Negations and other words that only change a phrase do not count.
        """
        tokens = set(_TOKEN.findall(text))
        for token in tokens:
            for phrase in self.beginning(token):
                if phrase.kind in SPEAKING and (not phrase.need or phrase.need in tokens):
                    return True
            if token[:1] in "lp" and token[:4] in _FUZZY_STARTS:
                return True
        return False

    def language_of(self, text: str) -> str:
        """Guess the language of a folded text from its small words; English if nothing tells."""
        scores = dict.fromkeys(LANGUAGES, 0)
        known = self.languages
        for count, match in enumerate(_TOKEN.finditer(text)):
            for language in known.get(match[0], ()):
                scores[language] += 1
            if count > 400:  # noqa: PLR2004 - a few words or signs: as far as such phrases reach
                break
        return max(LANGUAGES, key=lambda language: scores[language])

    def hits(self, text: str, language: str) -> list[Hit]:
        """Return the longest phrases of a folded sentence from left to right."""
        found: list[Hit] = []
        foreign = self.foreign.get(language, frozenset())
        tokens = list(_TOKEN.finditer(text))
        names = {token[0] for token in tokens}
        done = 0
        for word, token in enumerate(tokens):
            start = token.start()
            if start < done:
                found[-1].last_word = word
                continue
            name = token[0]
            best: Hit | None = None
            for phrase in self.beginning(name):
                if phrase.need and phrase.need not in names:
                    continue
                if phrase.language != language and (phrase.weak or phrase.source in foreign):
                    continue
                end = phrase.end(text, token)
                if end > (best.end if best else start):
                    best = Hit(phrase.kind, phrase.value, start, end, phrase.language)
            if name[:4] in _FUZZY_STARTS:
                fuzzy = _FUZZY.match(text, start)
                if fuzzy and fuzzy.end() > (best.end if best else start):
                    value = "pilar" if name.startswith("pilo") else "leiomyosarcoma"
                    best = Hit("tumour", value, start, fuzzy.end())
            if best:
                best.word = best.last_word = word
                found.append(best)
                done = best.end
        return found


#: Kinds of phrases worth reading a text for; the others only change what these say.
SPEAKING: Final = frozenset(
    [
        "tumour",
        "mimic",
        "layer",
        "organ",
        "region",
        "side",
        "margin",
        "clear",
        "involved",
        "metastasis",
        "recurrence",
        "residual",
        "procedure",
        "syndrome",
        "gene",
        "grade",
        "gradeword",
        "followup",
        "nearest",
        "sizeword",
        "lesion",
        "lump",
    ]
)

_FUZZY_STARTS: Final = frozenset(
    {"leio", "leyo", "lieo", "leim", "leym", "leom", "liom", "liem", "lemy", "lemi", "limy"}
    | {"pilo", "limi"}
)


def _regex(source: str) -> str:
    parts: list[str] = []
    words = source.split()
    for index, word in enumerate(words):
        last = index == len(words) - 1
        if word == "~":
            parts.append(_GAP)
            continue
        optional = word.endswith("?")
        body = "|".join(_word(choice) for choice in word.removesuffix("?").split("|"))
        glue = "" if last else _BETWEEN
        piece = f"(?:{body}){_NOT_WORD}{glue}"
        parts.append(f"(?:{piece})?" if optional else piece)
    return "".join(parts)


def _word(choice: str) -> str:
    stem = choice.endswith("*")
    body = re.escape(choice.removesuffix("*"))
    body = body.replace(r"\-", "-? ?").replace(r"\.", r"\. ?")
    return body + ("[a-z]*" if stem else "")


def _keys(source: str) -> list[tuple[str, bool]]:
    """Return the beginnings of a phrase's first word, and whether each is only a stem."""
    keys: list[tuple[str, bool]] = []
    for choice in source.split(maxsplit=1)[0].split("|"):
        stem = choice.endswith("*")
        pieces = choice.removesuffix("*").split("-")
        first = _TOKEN.match(pieces[0])
        if first is None:
            raise ValueError(f"phrase {source!r}: the first word must begin with a letter or digit")
        joined = "".join(pieces)
        plain = _TOKEN.match(joined)
        whole = plain[0] if plain else joined
        keys.append((whole, stem))
        if len(pieces) > 1:
            keys.append((first[0], False))
    return keys


def _add(lexicon: Lexicon, phrase: _Phrase) -> None:
    for key, stem in _keys(phrase.source):
        if not stem:
            index, place = lexicon.exact, key
        elif len(key) >= _KEY:
            index, place = lexicon.stems, key[:_KEY]
        elif len(key) == _KEY - 1:
            index, place = lexicon.stems, key
        else:
            raise ValueError(f"phrase {phrase.source!r}: a stem needs at least four letters")
        rows = index.setdefault(place, [])
        if phrase not in rows:
            rows.append(phrase)


def _title(lexicon: Lexicon, phrase: _Phrase) -> None:
    for key, _ in _keys(phrase.source):
        lexicon.titles.setdefault(key, []).append(phrase)


def _phrases(name: str) -> dict[str, dict[str, list[str]]]:
    path = resources.files("cds_service.narrative").joinpath("phrases", f"{name}.toml")
    tables: dict[str, dict[str, list[str]]] = tomllib.loads(path.read_text("utf-8"))
    return tables


@cache
def lexicon() -> Lexicon:  # noqa: C901 - one branch a case
    """Return the phrase lists of all languages, read once."""
    whole = Lexicon()
    tongues: dict[str, list[str]] = {}
    for language in LANGUAGES:
        for kind, values in _phrases(language).items():
            if kind == "heading":
                for value, sources in values.items():
                    for source in sources:
                        _title(whole, _phrase(kind, value, source, language))
                continue
            if kind == "language":
                for word in values["words"]:
                    tongues.setdefault(word, []).append(language)
                whole.foreign[language] = frozenset(values.get("foreign", ()))
                continue
            for value, sources in values.items():
                for source in sources:
                    _add(whole, _phrase(kind, value, source, language))
    for region, words in _phrases("regions").items():
        for language in LANGUAGES:
            for source in words.get(language, ()):
                _add(whole, _phrase("region", region, source, language))
    whole.languages.update({word: tuple(names) for word, names in tongues.items()})
    return whole


def _phrase(kind: str, value: str, source: str, language: str) -> _Phrase:
    source, weak = source.removeprefix("!"), source.startswith("!")
    need = next((word for word in source.split()[1:] if _PLAIN.fullmatch(word)), "")
    return _Phrase(kind, value, source, language, weak, need)


@cache
def regions() -> dict[str, str | None]:
    """Return each body region with the region that it is part of (None for the largest)."""
    return {
        name: str(table["parent"]) if "parent" in table else None
        for name, table in _phrases("regions").items()
    }
