"""What a page is made of, whatever it is rendered to."""

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Md:
    """A text of the guideline data: Markdown, of which bold and italics are used."""

    text: str


@dataclass(frozen=True, slots=True)
class Code:
    """A code, an id or an address, to be shown as it stands."""

    text: str


@dataclass(frozen=True, slots=True)
class Link:
    """A link to the section with the id ``to``, or to a path of the service ("/fhir/…")."""

    text: str
    to: str


#: A plain string holds no markup: each renderer escapes it.
Inline: TypeAlias = str | Md | Code | Link
Line: TypeAlias = tuple[Inline, ...]


@dataclass(frozen=True, slots=True)
class Para:
    """A paragraph; ``quote`` sets it off as what the source says."""

    line: Line
    quote: bool = False


def para(*line: Inline) -> Para:
    """Return a plain paragraph."""
    return Para(line)


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list without order."""

    items: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Terms:
    """Terms, each with what it means here."""

    items: tuple[tuple[str, Line], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table; the first cell of a row names the row."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Line, ...], ...]


Block: TypeAlias = Para | Bullets | Terms | Table


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with what stands under it. ``id`` is where links point to; "" if nowhere."""

    id: str
    title: str
    blocks: tuple[Block, ...] = ()
    sections: tuple["Section", ...] = ()
    #: Whether a table of contents goes down to the sections under this one.
    open: bool = field(default=False, kw_only=True)
