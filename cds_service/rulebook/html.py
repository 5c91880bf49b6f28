"""The rule book as HTML: no script, one style sheet, readable by whatever reads a page."""

import re
from collections.abc import Callable, Iterator
from html import escape
from importlib import resources

from cds_service.rulebook.blocks import (
    Block,
    Bullets,
    Code,
    Inline,
    Line,
    Link,
    Md,
    Para,
    Section,
    Table,
    Terms,
)

#: From what a link points to (a section id, or a path of the service) to its href; None where
#: there is nothing to go to, and the text alone is shown.
Address = Callable[[str], str | None]

_BOLD = re.compile(r"\*\*(.+?)\*\*")
_ITALIC = re.compile(r"\*(.+?)\*")
_LOWEST = 6
_QUOTE = ' class="statement"'


def style() -> str:
    """Return the style sheet."""
    return resources.files(__package__).joinpath("guideline.css").read_text("utf-8")


def page(
    section: Section,
    *,
    title: str,
    home: tuple[str, str],
    about: str,
    footer: tuple[str, ...],
    address: Address,
    stylesheet: str | None = None,
    contents: bool = False,
) -> str:
    """Return a whole page.

    ``home`` is the text and address of the link at the top, ``about`` the address of the page
    about the service; ``stylesheet`` the address of the style sheet, which otherwise stands
    in the page itself; ``contents`` puts a table of contents before the text.
    """
    look = (
        f'<link rel="stylesheet" href="{escape(stylesheet)}">'
        if stylesheet
        else f"<style>\n{style()}</style>"
    )
    name = section.title if section.title == title else f"{section.title} – {title}"
    text = "\n".join(_section(section, 1, address, _contents(section) if contents else ""))
    said = "\n".join(f"<p>{escape(line)}</p>" for line in footer)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(_plain(name))}</title>
{look}
</head>
<body>
<a class="skip" href="#main">Skip to the text</a>
<header>
<nav aria-label="Service"><a href="{escape(home[1])}">{escape(home[0])}</a> \
<a href="{escape(about)}">About</a></nav>
</header>
<main id="main">
{text}
</main>
<footer>
{said}
</footer>
</body>
</html>
"""


def _plain(text: str) -> str:
    return text.replace("*", "")


def _contents(section: Section) -> str:
    lines = "\n".join(_entries(section))
    return f'<nav class="contents" aria-label="Contents">\n{lines}\n</nav>'


def _entries(section: Section) -> Iterator[str]:
    yield "<ul>"
    for child in section.sections:
        yield f'<li><a href="#{escape(child.id)}">{escape(_plain(child.title))}</a>'
        if child.open and child.sections:
            yield from _entries(child)
        yield "</li>"
    yield "</ul>"


def _section(section: Section, level: int, address: Address, after: str = "") -> Iterator[str]:
    anchor = f' id="{escape(section.id)}"' if section.id else ""
    depth = min(level, _LOWEST)
    yield f"<section{anchor}>"
    yield f"<h{depth}>{escape(_plain(section.title))}</h{depth}>"
    if after:
        yield after
    for block in section.blocks:
        yield from _block(block, address)
    for child in section.sections:
        yield from _section(child, level + 1, address)
    yield "</section>"


def _block(block: Block, address: Address) -> Iterator[str]:
    match block:
        case Para(line, quote):
            yield f"<p{_QUOTE if quote else ''}>{_line(line, address)}</p>"
        case Bullets(items):
            yield "<ul>"
            yield from (f"<li>{_line(item, address)}</li>" for item in items)
            yield "</ul>"
        case Terms(items):
            yield "<dl>"
            for term, line in items:
                yield f"<dt>{escape(term)}</dt>"
                yield f"<dd>{_line(line, address)}</dd>"
            yield "</dl>"
        case Table():
            yield from _table(block, address)


def _table(table: Table, address: Address) -> Iterator[str]:
    # A table wider than the window scrolls in its own box, which the keyboard must reach.
    yield f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(table.caption)}">'
    yield f"<table>\n<caption>{escape(table.caption)}</caption>\n<thead>\n<tr>"
    yield from (f'<th scope="col">{escape(name)}</th>' for name in table.head)
    yield "</tr>\n</thead>\n<tbody>"
    for first, *others in table.rows:
        cells = "".join(f"<td>{_line(cell, address)}</td>" for cell in others)
        yield f'<tr><th scope="row">{_line(first, address)}</th>{cells}</tr>'
    yield "</tbody>\n</table>\n</div>"


def _line(line: Line, address: Address) -> str:
    return "".join(_inline(part, address) for part in line)


def _inline(part: Inline, address: Address) -> str:
    match part:
        case Md(text):
            return _ITALIC.sub(r"<em>\1</em>", _BOLD.sub(r"<strong>\1</strong>", escape(text)))
        case Code(text):
            return f"<code>{escape(text)}</code>"
        case Link(text, to):
            href = address(to)
            return f'<a href="{escape(href)}">{escape(text)}</a>' if href else escape(text)
        case str():
            return escape(part)
