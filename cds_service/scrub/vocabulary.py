"""The words that this service knows: whoever is called one of them is not found by it alone."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from cds_service import terminology
from cds_service.narrative.fold import fold
from cds_service.narrative.lexicon import lexicon

WORD = re.compile(r"[^\W\d_]+")
_LEAST, _LEAST_STEM = 2, 4
_ENDINGS = ("s", "es", "n", "en", "e", "er", "al", "ly", "ed", "ing")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Folded words, beginnings of words, and which of the words are those of medicine."""

    words: frozenset[str]
    stems: tuple[str, ...]
    clinical: frozenset[str]

    def knows(self, word: str) -> bool:
        """Return whether a word is one that the service reads, or that its own texts use."""
        return self._has(word, self.words)

    def is_clinical(self, word: str) -> bool:
        """Return whether the service reads a word, or a code is called by it."""
        return self._has(word, self.clinical)

    def _has(self, word: str, words: frozenset[str]) -> bool:
        folded = fold(word)
        if len(folded) < _LEAST:
            return False
        return (
            folded in words
            or folded.startswith(self.stems)
            or any(
                folded.endswith(ending)
                and len(folded) - len(ending) >= _LEAST_STEM
                and folded.removesuffix(ending) in words
                for ending in _ENDINGS
            )
        )


@cache
def vocabulary() -> Vocabulary:
    """Return the words of the phrase lists, the value sets and the guideline."""
    clinical, stems = set[str](), set[str]()
    for source in _phrases():
        for choice in re.split(r"[ |?!~]+", source):
            target = stems if choice.endswith("*") else clinical
            for part in (choice.rstrip("*").replace("-", ""), *re.split(r"[-*]", choice)):
                (target if len(part) >= _LEAST_STEM else clinical).add(part)
    for value_set in terminology.load().value_sets.values():
        for _, _, display in value_set.codes:
            clinical.update(map(fold, WORD.findall(display or "")))
    general = {fold(word) for text in _texts() for word in WORD.findall(text)}
    return Vocabulary(
        words=frozenset(clinical | general | lexicon().languages.keys()),
        stems=tuple(stems),
        clinical=frozenset(clinical),
    )


@cache
def surroundings() -> Mapping[str, tuple[str, ...]]:
    """Return what stands around names, numbers and addresses, as in ``words.toml``."""
    file = resources.files("cds_service.scrub").joinpath("words.toml")
    tables: dict[str, list[str]] = tomllib.loads(file.read_text(encoding="utf-8"))
    return {name: tuple(words) for name, words in tables.items()}


def _phrases() -> Iterator[str]:
    for table in (lexicon().exact, lexicon().stems, lexicon().titles):
        for phrases in table.values():
            yield from (phrase.source for phrase in phrases)


def _texts() -> Iterator[str]:
    """Yield the texts of the guideline, and what stands around names."""
    guideline = resources.files("cds_service.guideline").joinpath("guideline.toml")
    yield from _strings(tomllib.loads(guideline.read_text(encoding="utf-8")))
    for words in surroundings().values():
        yield from words


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        inner: Iterable[object] = value.values() if isinstance(value, dict) else value
        for item in inner:
            yield from _strings(item)
