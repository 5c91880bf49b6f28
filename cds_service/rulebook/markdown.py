"""The rule book as GitHub-flavoured Markdown."""

import re
from collections.abc import Iterator

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

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~#])")
_LOWEST = 6
#: A pipe ends the cell of a table, in code too.
PIPE = r"\|"


def document(section: Section, *, footer: tuple[str, ...]) -> str:
    """Return a whole document: heading, table of contents, text, closing lines."""
    lines = [f"# {_escaped(section.title)}", ""]
    lines += _contents(section, 0)
    lines.append("")
    for block in section.blocks:
        lines += _block(block)
    for child in section.sections:
        lines += _section(child, 2)
    lines += ["---", ""]
    for line in footer:
        lines += [_escaped(line), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _contents(section: Section, depth: int) -> Iterator[str]:
    for child in section.sections:
        yield f"{'  ' * depth}- [{_escaped(child.title)}](#{child.id})"
        if child.open:
            yield from _contents(child, depth + 1)


def _section(section: Section, level: int) -> Iterator[str]:
    if section.id:
        # What a heading's own anchor is called differs from renderer to renderer.
        yield f'<a id="{section.id}"></a>'
        yield ""
    yield f"{'#' * min(level, _LOWEST)} {_escaped(section.title)}"
    yield ""
    for block in section.blocks:
        yield from _block(block)
    for child in section.sections:
        yield from _section(child, level + 1)


def _block(block: Block) -> Iterator[str]:
    match block:
        case Para(line, quote):
            yield f"{'> ' if quote else ''}{_line(line)}"
        case Bullets(items):
            yield from (f"- {_line(item)}" for item in items)
        case Terms(items):
            yield from (f"- **{_escaped(term)}:** {_line(line)}" for term, line in items)
        case Table(caption, head, rows):
            yield f"*{_escaped(caption)}*"
            yield ""
            yield _row(_escaped(name) for name in head)
            yield _row("---" for _ in head)
            for row in rows:
                yield _row(_line(cell) for cell in row)
    yield ""


def _row(cells: Iterator[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _line(line: Line) -> str:
    return "".join(map(_inline, line))


def _inline(part: Inline) -> str:
    match part:
        case Md(text):
            # A bracket would be a link; a pipe ends the cell of a table.
            return re.sub(r"([\[\]<>|])", r"\\\1", text)
        case Code(text):
            return f"`{text.replace('|', PIPE)}`"
        case Link(text, to):
            # A document stands alone: what is a page of the service is only named.
            return _escaped(text) if to.startswith("/") else f"[{_escaped(text)}](#{to})"
        case str():
            return _escaped(part)


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)
