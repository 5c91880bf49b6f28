"""Free text without what is recognised as identifying."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from cds_service.capture import without_secrets
from cds_service.narrative.fold import clean, fold
from cds_service.scrub import identifiers, persons
from cds_service.scrub.identity import Identity, is_unspaced, spellings
from cds_service.scrub.persons import NAME
from cds_service.scrub.textdates import Span, TextDates
from cds_service.scrub.vocabulary import WORD, vocabulary

Finder = Callable[[str], Iterator[Span]]

_TOKEN = re.compile(r"[^\W\d_]+")
#: Endings that names take: Smith's, Müllers, Hansens, Rossinis.
_ENDINGS = ("", "s", "es", "ns", "ens", "en", "n", "sche", "schen", "scher")
_LEAST = 3
_INITIAL = re.compile(r"\b[A-Z]\.? ?$")
_MASK = "xxx"
#: Characters before a name in which an initial may stand.
_FAR = 5


class Text:
    """Scrubs the texts of one patient."""

    def __init__(
        self,
        identity: Identity,
        dates: TextDates,
        *,
        renamed: Mapping[str, str],
        strict: bool = False,
    ) -> None:
        """Take what identifies, and the new names of what has one.

        ``strict``: words that the service does not know are taken out as well.
        """
        self._dates = dates
        self._renamed = {**dict.fromkeys(identity.numbers | identity.phrases, NAME), **renamed}
        longest = sorted(self._renamed, key=len, reverse=True)
        self._numbers = (
            re.compile("|".join(map(_alone, longest)), re.IGNORECASE) if longest else None
        )
        self._folded = {text.lower(): new for text, new in self._renamed.items()}
        self._names = identity.words
        self._strict = strict
        #: How often each word is left that is neither known nor recognised.
        self.unknown: Counter[str] = Counter()

    def __call__(self, text: str) -> str:
        """Return a text without what is recognised in it."""
        return self._counted(self.label(text))

    def label(self, text: str) -> str:
        """Return the words for a code, which are looked over with the code, not word by word."""
        return self._masked(
            self._without(
                without_secrets(clean(text)),
                self._known,
                identifiers.ages,
                self._dates.spans,
                identifiers.spans,
                persons.spans,
                self._named,
            )
        )

    def names(self, text: str) -> str:
        """Return a name of a file without what identifies."""
        return self._without(text, self._known, self._dates.spans, identifiers.spans, self._named)

    @staticmethod
    def _without(text: str, *finders: Finder) -> str:
        """Return a text with what the finders find replaced; the first to find a place has it."""
        found: list[Span] = []
        taken = bytearray(len(text))
        for finder in finders:
            for start, end, new in finder(text):
                if not any(taken[start:end]):
                    taken[start:end] = b"\1" * (end - start)
                    found.append((start, end, new))
        return _replaced(text, found)

    def _known(self, text: str) -> Iterator[Span]:
        """Yield the identifiers that structured elements have."""
        for match in self._numbers.finditer(text) if self._numbers else ():
            yield (*match.span(), self._folded[match[0].lower()])

    def _named(self, text: str) -> Iterator[Span]:
        """Yield the names that structured elements have.

        A name that is also a word of medicine ("Long", "Klein", "Berg") counts only with a
        capital and beside another name.
        """
        last_end = -1
        for match in _TOKEN.finditer(text):
            if not self._is_name(match[0]):
                continue
            beside = text[last_end : match.start()] if last_end >= 0 else ""
            near = last_end >= 0 and len(beside.strip(" ,.-'\u2019")) <= 1
            if self._is_word(match[0]) and not (
                match[0][0].isupper() and (near or self._name_follows(text, match.end()))
            ):
                continue
            begin = max(0, match.start() - _FAR)
            initial = _INITIAL.search(text[begin : match.start()])
            yield begin + initial.start() if initial else match.start(), match.end(), NAME
            last_end = match.end()

    def _is_name(self, word: str) -> bool:
        return any(
            form.removesuffix(ending) in self._names
            for form in spellings(word)
            for ending in _ENDINGS
            if form.endswith(ending)
        )

    @staticmethod
    def _is_word(word: str) -> bool:
        return len(word) < _LEAST or vocabulary().knows(word)

    def _name_follows(self, text: str, end: int) -> bool:
        following = _TOKEN.search(text, end, end + 40)
        if not following or text[end : following.start()].strip(" ,.-"):
            return False
        return following[0][0].isupper() and self._is_name(following[0])

    def _counted(self, text: str) -> str:
        self.unknown.update(fold(word) for word in WORD.findall(text) if _is_unknown(word))
        return text

    def _masked(self, text: str) -> str:
        if not self._strict:
            return text
        return WORD.sub(lambda match: _MASK if _is_unknown(match[0]) else match[0], text)


def _alone(text: str) -> str:
    """Return the pattern of a text that stands for itself; scripts without spaces have no words."""
    escaped = re.escape(text)
    return escaped if is_unspaced(text) else rf"(?<!\w){escaped}(?!\w)"


def _is_unknown(word: str) -> bool:
    return len(word) >= _LEAST and word not in {NAME, _MASK} and not vocabulary().knows(word)


def _replaced(text: str, spans: list[Span]) -> str:
    pieces: list[str] = []
    done = 0
    for start, end, new in sorted(spans):
        pieces += [text[done:start], new]
        done = end
    return "".join((*pieces, text[done:]))
