"""The pages of the documentation, and what stands in them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = tuple(
    path.relative_to(ROOT).as_posix()
    for path in sorted((*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")))
)
#: Blocks without a language are for the shell, too.
_SHELL = ("", "console", "sh", "bash", "shell")
_FENCE = re.compile(r"^ *(```+|~~~+) *([\w-]*)[^\n]*\n(.*?)^ *\1 *$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_LINK = re.compile(r"(?<!!)\[(?:[^\]\[]|\[[^\]]*\])*\]\(\s*<?([^)\s>]+)>?[^)]*\)")
_IMAGE = re.compile(r"!\[[^\]]*\]\(\s*([^)\s]+)[^)]*\)|(?:src|srcset)=\"([^\"]+)\"")
_HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: where it begins, and in which language it is."""

    page: str
    line: int
    language: str
    text: str

    @property
    def is_shell(self) -> bool:
        """Whether it holds commands."""
        return self.language in _SHELL

    @property
    def commands(self) -> tuple[str, ...]:
        """Return the commands: after ``$`` in a console, else each line; continued ones whole."""
        lines = self.text.split("\n")
        if self.language == "console":
            lines = list(_typed(lines))
        found: list[str] = []
        for line in lines:
            if found and found[-1].endswith("\\"):
                found[-1] += "\n" + line
            elif line.strip() and not line.lstrip().startswith("#"):
                found.append(line.strip())
        return tuple(found)


def _typed(lines: list[str]) -> Iterator[str]:
    """Yield what somebody types; the rest is what comes of it."""
    continued = False
    for line in lines:
        if continued or line.startswith("$ "):
            typed = line if continued else line[2:]
            continued = typed.endswith("\\")
            yield typed


def text_of(page: str) -> str:
    """Return a page."""
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str) -> tuple[Block, ...]:
    """Return the fenced blocks of a page."""
    text = text_of(page)
    return tuple(
        Block(page, text.count("\n", 0, match.start()) + 1, match[2], match[3])
        for match in _FENCE.finditer(text)
    )


def prose(page: str) -> str:
    """Return a page without its fenced blocks."""
    return _FENCE.sub("", text_of(page))


def spans(page: str) -> tuple[str, ...]:
    """Return what is set as code within the text."""
    return tuple(_SPAN.findall(prose(page)))


def links(page: str) -> tuple[str, ...]:
    """Return the targets of a page's links and images."""
    text = _SPAN.sub("", prose(page))
    images = (first or second for first, second in _IMAGE.findall(text))
    # An image may be a link's text.
    return (*_LINK.findall(_IMAGE.sub("", text)), *images)


def anchors(page: str) -> set[str]:
    """Return the anchors of a page's headings, as they are made on the web."""
    found: set[str] = set()
    for heading in _HEADING.findall(prose(page)):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        slug = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
        number = 0
        while (unique := f"{slug}-{number}" if number else slug) in found:
            number += 1
        found.add(unique)
    return found
