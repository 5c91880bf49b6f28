"""The parts of the rule book: each statement, rule, policy and schedule as a section."""

import re
from collections.abc import Iterable, Mapping

from cds_service.clinical.schedule import KNOWN_DEPTHS
from cds_service.rulebook import schedule
from cds_service.rulebook.blocks import (
    Bullets,
    Inline,
    Line,
    Link,
    Md,
    Para,
    Section,
    Table,
    Terms,
    para,
)
from cds_service.rulebook.book import Book

DEPTHS = {"dermal": "Dermal", "subcutaneous": "Subcutaneous", "unclear": "Depth not known"}
_ACRONYMS = {"fh", "hlrcc"}


def topic_title(book: Book, topic: str) -> str:
    """Return the title of a topic, "*" included."""
    topics = book.guideline.topics
    return topics[topic].title if topic in topics else "All topics"


def topic_id(topic: str) -> str:
    """Return a topic's id on pages."""
    return "all-topics" if topic == "*" else topic


def titled(key: str) -> str:
    """Return the key of a table as a heading."""
    words = re.split(r"[-_]", key)
    words = [word.upper() if word in _ACRONYMS else word for word in words]
    text = " ".join(words)
    return text[:1].upper() + text[1:]


def joined(lines: Iterable[Line], between: str = ", ") -> Line:
    """Return lines as one, with a text between them."""
    found: list[Inline] = []
    for line in lines:
        found += [between, *line] if found else line
    return tuple(found)


def links(ids: Iterable[str], prefix: str = "") -> Line:
    """Return links to sections, by their ids."""
    return joined((Link(each, prefix + each),) for each in ids)


# --- Statements ---


def statement(book: Book, key: str, *, title: str = "", anchor: str | None = None) -> Section:
    """Return a statement: text, numbers, caveat, certainty, and what stands behind it."""
    item = book.guideline.statements[key]
    facts: list[tuple[str, Line]] = []
    if item.caveat:
        facts.append(("Mind", (Md(item.caveat),)))
    if item.numbers:
        numbers = _numbers(book, item.numbers)
        facts.append(("Numbers", numbers))
    cited = ", ".join(item.cited_as) or "no reference"
    facts += [
        ("Evidence", (Md(book.guideline.certainty[item.certainty]),)),
        ("Cited in the source as", (cited,)),
        ("Matched to", (Md(item.verified_source),)),
    ]
    rules = book.rules_by_statement.get(key, ())
    if rules and anchor is None:
        facts.append(("Rules that show it", links(rules)))
    quote = Para((Md(item.text),), quote=True)
    return Section(key if anchor is None else anchor, title or key, (quote, Terms(tuple(facts))))


def _numbers(book: Book, numbers: Mapping[str, float]) -> Line:
    return ("; ".join(f"{book.number(name)}: {value:g}" for name, value in numbers.items()),)


def statement_line(book: Book, key: str) -> Line:
    """Return a statement as a line with a link, and its caveat in the same line."""
    item = book.guideline.statements[key]
    caveat: Line = (" Mind: ", Md(item.caveat), ".") if item.caveat else ()
    return (Link(key, key), " ", Md(item.text), ".", *caveat)


def statements(book: Book) -> Section:
    """Return every statement of the source."""
    intro = para(
        "In the words of this project, with the numbers of the source. The source numbers "
        "its references, and they are shifted: what each was matched to stands beside it.",
    )
    own = tuple(statement(book, key) for key in book.guideline.statements)
    return Section("statements", "Statements of the source", (intro,), own)


# --- Policy and schedule ---


def policy(book: Book) -> Section:
    """Return what was decided where the source is silent."""
    note = para(
        "Decided by this project because the source is silent: not in the source.",
    )
    own = tuple(
        Section(
            f"policy-{item.id}",
            titled(item.id),
            (
                para(
                    Md(item.reason),
                ),
                *([Terms((("Numbers", _numbers(book, item.numbers)),))] if item.numbers else ()),
            ),
        )
        for item in book.guideline.policy.values()
    )
    return Section("policy", "Policy: not in the source", (note,), own)


def follow_up(book: Book) -> Section:
    """Return the follow-up schedule that the statements' numbers give."""
    note = para(
        "Months are calendar months. An interval starts at the last completed follow-up "
        "visit, or at definitive treatment where there is none. Where the source gives a "
        "range of years both readings hold: the stricter one sets the window, the other its "
        "lenient end.",
    )
    tables = []
    for depth in KNOWN_DEPTHS:
        head = (
            "Months since treatment when the interval starts",
            "Next visit after (months)",
            "Lenient end (months)",
        )
        rows = tuple(
            ((row.elapsed,), (row.interval,), (row.lenient or "the same",))
            for row in schedule.rows(depth, book.guideline)
        )
        tables.append(Table(f"{DEPTHS[depth]} leiomyosarcoma", head, rows))
    keys = dict.fromkeys(
        key
        for item in book.rules_of("surveillance")
        for ids in (item.statements, *item.by_depth.values())
        for key in ids
    )
    said = Bullets(tuple(statement_line(book, key) for key in sorted(keys)))
    basis = (
        para(
            "It is computed from these statements:",
        ),
        said,
    )
    return Section("schedule", "Follow-up schedule", (note, *tables, *basis))
