"""The parts of the rule book: each statement, rule, policy and schedule as a section."""

from collections.abc import Iterable, Iterator, Mapping

from cds_service.guideline import Rule
from cds_service.rulebook import schedule
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
    para,
)
from cds_service.rulebook.book import Book

STATES = {
    "act": "something to do now",
    "withheld": "cannot be said",
    "inform": "applies, nothing to do now",
    "done": "satisfied by the record",
    "silent": "no card",
}
_DEPTHS = {"dermal": "Dermal", "subcutaneous": "Subcutaneous", "unclear": "Depth not known"}
#: Cases that are told in full at a rule; the others are named.
_TOLD = 3


def topic_title(book: Book, topic: str) -> str:
    """Return the title of a topic, "*" included."""
    topics = book.guideline.topics
    return topics[topic].title if topic in topics else "All topics"


def topic_id(topic: str) -> str:
    """Return a topic's id on pages."""
    return "all-topics" if topic == "*" else topic


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


# --- Rules ---


def rule(book: Book, item: Rule) -> Section:
    """Return a rule: when it applies, what it answers, what it rests on, what proves it."""
    facts: list[tuple[str, Line]] = [
        ("Rule", (Code(item.id),)),
        ("Topic", (Link(topic_title(book, item.topic), topic_id(item.topic)),)),
        ("Answer", (Code(item.state), f": {STATES.get(item.state, item.state)}")),
    ]
    if item.state != "silent":
        facts.append(("Indicator of the card", (Code(item.indicator),)))
    if item.summary:
        facts.append(("The card says", (Md(book.words(item.summary)),)))
    if item.advice:
        facts.append(("And in its detail", (Md(book.words(item.advice)),)))
    facts += _suggestions(book, item)
    return Section(
        item.id,
        book.words(item.when),
        (Terms(tuple(facts)), *_said(book, item), *_caveats(item), *_proofs(book, item)),
    )


def _suggestions(book: Book, item: Rule) -> Iterator[tuple[str, Line]]:
    groups = {"": item.suggestions} | dict(item.suggestions_by_depth)
    for depth, keys in groups.items():
        if keys:
            name = f"Can be ordered from it, {_DEPTHS[depth].lower()}" if depth else ""
            labels = (
                (Link(book.guideline.suggestions[key].label, f"suggestion-{key}"),) for key in keys
            )
            yield name or "Can be ordered from it", joined(labels, "; ")
    due = examinations_of(book, item)
    if due:
        yield (
            "Can be ordered from it",
            ("what is due of the ", Link("examinations", "examinations")),
        )


def examinations_of(book: Book, item: Rule) -> tuple[str, ...]:
    """Return the examinations that a rule proposes: those whose statements it acts upon."""
    return tuple(
        each.id
        for each in book.guideline.examinations.values()
        if item.state == "act" and each.statement in item.statements
    )


def _said(book: Book, item: Rule) -> Iterator[Block]:
    groups = {"": item.statements} | dict(item.by_depth)
    for depth, keys in groups.items():
        if keys:
            yield para(
                f"What the source says{f', {_DEPTHS[depth].lower()}' if depth else ''}:",
            )
            yield Bullets(
                tuple(
                    (Link(key, key), " ", Md(book.guideline.statements[key].text)) for key in keys
                )
            )


def _caveats(item: Rule) -> Iterator[Block]:
    groups = {"": item.caveats} | dict(item.caveats_by_depth)
    named = [
        (f"{_DEPTHS[depth]}: " if depth else "", *links(keys))
        for depth, keys in groups.items()
        if keys
    ]
    if named:
        yield para("The card carries the caveat of ", *joined(named, "; "), ".")


def _proofs(book: Book, item: Rule) -> Iterator[Block]:
    names = book.proofs.of(item.id)
    if not names:
        yield para(
            "Proven by no worked case yet.",
        )
        return
    yield para(
        f"Proven by {len(names)} worked case{'s' * (len(names) > 1)}:",
    )
    told: list[Line] = [
        (Link(name, f"case-{name}"), f": {book.proofs.why[name]}") for name in names[:_TOLD]
    ]
    if names[_TOLD:]:
        told.append(("and ", *links(names[_TOLD:], "case-")))
    yield Bullets(tuple(told))


def prognosis(book: Book, topic: str, *, anchor: str = "") -> tuple[Section, ...]:
    """Return the statements on prognosis that a topic's page shows, each with its caveat."""
    info = book.guideline.topics.get(topic)
    if not info or not info.prognosis:
        return ()
    note = para(
        "What the source reports of groups of patients; it says nothing of one patient.",
    )
    lines = Bullets(tuple(statement_line(book, key) for key in info.prognosis))
    return (Section(anchor, "Prognosis", (note, lines)),)


def topic(book: Book, key: str) -> Section:
    """Return a topic with its rules, in the order in which they are tried."""
    note = (
        "They are looked at before every topic."
        if key == "*"
        else "The rules are tried from top to bottom; the first that applies decides."
    )
    own = tuple(rule(book, item) for item in book.rules_of(key))
    return Section(
        topic_id(key),
        topic_title(book, key),
        (
            para(
                note,
            ),
        ),
        (*own, *prognosis(book, key, anchor=f"{topic_id(key)}-prognosis")),
        open=True,
    )


def rules(book: Book) -> Section:
    """Return every rule, by topic."""
    note = Para(
        (
            "Words in square brackets stand for what a card says of the chart that it is about. ",
            "The answers: ",
            *joined(((Code(state), f" {means}") for state, means in STATES.items()), "; "),
            ".",
        )
    )
    own = tuple(topic(book, key) for key in book.topics)
    return Section("rules", "Rules", (note,), own, open=True)


# --- Policy and schedule ---


def policy(book: Book) -> Section:
    """Return what was decided where the source is silent."""
    note = para(
        "Decided by this project because the source is silent: not in the source.",
    )
    own = tuple(
        Section(
            f"policy-{item.id}",
            item.id.replace("_", " ").capitalize(),
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
    for depth in schedule.DEPTHS:
        head = (
            "Months since treatment when the interval starts",
            "Next visit after (months)",
            "Lenient end (months)",
        )
        rows = tuple(
            ((row.elapsed,), (row.interval,), (row.lenient or "the same",))
            for row in schedule.rows(depth, book.guideline)
        )
        tables.append(Table(f"{_DEPTHS[depth]} leiomyosarcoma", head, rows))
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
