from collections.abc import Iterator
from typing import Any

from cds_service.rulebook import Book, about
from cds_service.rulebook.blocks import Bullets, Para, Section, Table, Terms


def texts(section: Section) -> Iterator[str]:
    """Yield every text under a section."""
    for block in section.blocks:
        match block:
            case Para(line):
                yield str(line)
            case Bullets(items):
                yield from map(str, items)
            case Terms(items):
                yield from map(str, items)
            case Table(_, _, rows):
                yield from map(str, rows)
    for child in section.sections:
        yield from texts(child)


def leaves(node: Any) -> Iterator[str]:
    """Yield every string of a JSON value."""
    if isinstance(node, dict | list):
        for child in node.values() if isinstance(node, dict) else node:
            yield from leaves(child)
    elif isinstance(node, str):
        yield node


def test_page_and_json_agree(book: Book) -> None:
    """Every sentence of the JSON stands in the section, but title, status and references."""
    body = about.as_json(book)
    page = "\n".join(texts(about.section(book)))
    for key in ("kind", "sourceAttributes", "intendedUse", "limits", "outOfScope", "versions"):
        for text in leaves(body[key]):
            assert repr(text)[1:-1] in page


def test_front_states_status_and_versions(book: Book) -> None:
    """The front names source, status and both versions."""
    said = "\n".join(texts(about.front(book)))
    for text in (book.guideline.version, book.terms.version, "content pending human review"):
        assert text in said
