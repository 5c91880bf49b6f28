"""Two texts, word by word: what went, what came, what stayed."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

_WORDS = re.compile(r"\s+|\w+(?:[-./]\w+)*|[^\w\s]")
#: Longer texts are compared line by line: the time that words take grows with their square.
_MANY = 2500
_AROUND = 4
_LONG = 400


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of both texts, or of one."""

    kind: Literal["same", "lost", "gained"]
    text: str


def visible(text: str) -> str:
    """Return the text with what cannot be seen, and what steers a terminal, as its number.

    XML can hold what is left, and a text cannot change the direction of what stands around it.
    """
    return "".join(c if _plain(c) else f"\\u{ord(c):04x}" for c in text)


def _plain(character: str) -> bool:
    return character.isprintable() or character in "\t\n" or unicodedata.category(character) == "Zs"


def pieces(before: str, after: str) -> list[Piece]:
    """Return both texts as one; without what is "gained" it is the first, else the second."""
    one, two = _split(visible(before)), _split(visible(after))
    found: list[Piece] = []
    matcher = SequenceMatcher(None, one, two, autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal":
            found.append(Piece("same", "".join(one[a:b])))
            continue
        found += [Piece("lost", "".join(one[a:b]))] if b > a else []
        found += [Piece("gained", "".join(two[c:d]))] if d > c else []
    return found


def _split(text: str) -> list[str]:
    words = _WORDS.findall(text)
    return words if len(words) <= _MANY else text.splitlines(keepends=True)


def brief(before: str, after: str) -> tuple[str, str]:
    """Return both texts cut to what differs, with a few words around it."""
    if not before or not after:
        return _cut(visible(before)), _cut(visible(after))
    found = pieces(before, after)
    return _cut("".join(_side(found, "lost"))), _cut("".join(_side(found, "gained")))


def _side(found: list[Piece], kind: str) -> Iterator[str]:
    for number, piece in enumerate(found):
        if piece.kind == "same":
            yield _shortened(piece.text, first=number == 0, last=number == len(found) - 1)
        elif piece.kind == kind:
            yield piece.text


def _shortened(text: str, *, first: bool, last: bool) -> str:
    words = _WORDS.findall(text)
    keep = 2 * _AROUND  # words and the spaces between them
    if len(words) <= 2 * keep:
        return text
    head = "" if first else "".join(words[:keep])
    tail = "" if last else "".join(words[-keep:])
    return f"{head}…{tail}"


def _cut(text: str) -> str:
    return text if len(text) <= _LONG else text[: _LONG - 1] + "…"
