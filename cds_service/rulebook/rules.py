"""The rules as sections: when it applies, what it answers, what it rests on, what proves it."""

from collections.abc import Iterator

from cds_service.guideline import Rule
from cds_service.rulebook.blocks import (
    Block,
    Bullets,
    Code,
    Line,
    Link,
    Md,
    Section,
    Terms,
    para,
)
from cds_service.rulebook.book import Book
from cds_service.rulebook.sections import (
    DEPTHS,
    joined,
    links,
    statement_line,
    topic_id,
    topic_title,
)

STATES = {
    "act": "something to do now",
    "withheld": "cannot be said",
    "inform": "applies, nothing to do now",
    "done": "satisfied by the record",
    "silent": "no card",
}
#: Cases that are told in full at a rule; the others are named.
_TOLD = 3


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
        (Terms(tuple(facts)), *_said(book, item), *_caveats(book, item), *_proofs(book, item)),
    )


def _suggestions(book: Book, item: Rule) -> Iterator[tuple[str, Line]]:
    groups = {"": item.suggestions} | dict(item.suggestions_by_depth)
    for depth, keys in groups.items():
        if keys:
            name = f"Can be ordered from it, {DEPTHS[depth].lower()}" if depth else ""
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
                f"What the source says{f', {DEPTHS[depth].lower()}' if depth else ''}:",
            )
            yield Bullets(
                tuple(
                    (Link(key, key), " ", Md(book.guideline.statements[key].text)) for key in keys
                )
            )


def _caveats(book: Book, item: Rule) -> Iterator[Block]:
    """Yield the caveats that the card carries, each with the depths at which it does."""
    depths: dict[str, list[str]] = {}
    for depth, keys in ({"": item.caveats} | dict(item.caveats_by_depth)).items():
        for key in keys:
            depths.setdefault(key, []).append(DEPTHS[depth].lower() if depth else "")
    lines: list[Line] = []
    for key, names in depths.items():
        caveat = book.guideline.statements[key].caveat
        where = " and ".join(filter(None, names))
        if caveat:
            lines.append((Link(key, key), f" ({where}): " if where else ": ", Md(caveat)))
    if lines:
        yield para("The caveats that the card carries:")
        yield Bullets(tuple(lines))


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
    note = para(
        "Words in square brackets stand for what a card says of the chart that it is about. ",
        "The answers: ",
        *joined(((Code(state), f" {means}") for state, means in STATES.items()), "; "),
        ".",
    )
    own = tuple(topic(book, key) for key in book.topics)
    return Section("rules", "Rules", (note,), own, open=True)
