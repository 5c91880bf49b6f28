"""Which pages there are, and where each section stands on them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cds_service.guideline import Rule
from cds_service.rulebook import about, fhir, lists, rules, sections
from cds_service.rulebook.blocks import Bullets, Code, Line, Link, Md, Section, Table, para
from cds_service.rulebook.book import Book, statements_of

#: Paths below /guideline/ → titles, in the order of the contents.
PARTS = {
    "rules": "Rules",
    "schedule": "Follow-up schedule",
    "statements": "Statements of the source",
    "policy": "Policy: not in the source",
    "suggestions": "What can be ordered",
    "examinations": "Examinations of HLRCC",
    "override-reasons": "Override reasons",
    "match-words": "Words that tell records apart",
    "valuesets": "Value sets",
    "cases": "Worked cases",
    "fhir": "As FHIR resources",
}


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages by their path below ``/guideline/``, and where each section id stands."""

    pages: Mapping[str, Section]
    #: Section id → path with fragment, from the service's root.
    addresses: Mapping[str, str]


def build(book: Book) -> Pages:
    """Return every page of a book."""
    pages: dict[str, Section] = {"": index(book), "rules": _rules(book)}
    pages |= {
        "schedule": sections.follow_up(book),
        "statements": sections.statements(book),
        "policy": sections.policy(book),
        "suggestions": lists.suggestions(book),
        "examinations": lists.examinations(book),
        "override-reasons": lists.overrides(book),
        "match-words": lists.matches(book),
        "valuesets": lists.value_set_index(book),
        "cases": lists.cases(book),
        "fhir": _fhir(book),
    }
    pages |= {sections.topic_id(key): rules.topic(book, key) for key in book.topics}
    pages |= {key: sections.statement(book, key) for key in book.guideline.statements}
    pages |= {key: rule_page(book, item) for key, item in book.guideline.rules.items()}
    for item in book.terms.value_sets.values():
        pages[f"valuesets/{item.slug}"] = lists.value_set(book, item)
    return Pages(pages, dict(_addresses(pages)))


def _addresses(pages: Mapping[str, Section]) -> Iterator[tuple[str, str]]:
    """Yield where a link to an id goes: to the page of its own, else to the page that holds it."""
    for path, page in pages.items():
        for section in _walk(page):
            if section is not page and section.id:
                yield section.id, f"guideline/{path}#{section.id}"
    for path, page in pages.items():
        yield page.id, f"guideline/{path}"
    yield "about", "about"


def _walk(section: Section) -> Iterator[Section]:
    yield section
    for child in section.sections:
        yield from _walk(child)


def index(book: Book) -> Section:
    """Return the first page: what this is, and where everything stands."""
    topics = Section(
        "topics",
        "Rules by topic",
        (),
        tuple(
            Section("", sections.topic_title(book, key), (_topic_line(key), _rule_list(book, key)))
            for key in book.topics
        ),
    )
    said = Section(
        "contents-statements",
        "Statements of the source",
        (Bullets(tuple(_statement_lines(book))),),
    )
    rest = Section(
        "contents",
        "Contents",
        (
            Bullets(
                (
                    (Link("About this service: source, use, limits", "about"),),
                    (Link("The whole rule book on one page, to print", "/guideline/document"),),
                    *((Link(title, path),) for path, title in PARTS.items()),
                )
            ),
        ),
    )
    front = about.front(book)
    policies = Bullets(
        tuple(
            (Link(sections.titled(item.id), f"policy-{item.id}"), ": ", Md(item.reason))
            for item in book.guideline.policy.values()
        )
    )
    decided = Section("contents-policy", "Policy: decided here, not in the source", (policies,))
    return Section(
        "index",
        book.guideline.meta["title"],
        front.blocks,
        (rest, topics, said, decided, *front.sections),
    )


def _topic_line(key: str) -> Bullets:
    return Bullets(((Link("The whole topic on one page", sections.topic_id(key)),),))


def _rule_list(book: Book, key: str) -> Table:
    rows = tuple(
        ((Link(item.id, item.id),), (Md(book.words(item.when)),), (item.state,))
        for item in book.rules_of(key)
    )
    return Table(f"Rules: {sections.topic_title(book, key)}", ("Rule", "When", "Answer"), rows)


def _statement_lines(book: Book) -> Iterator[Line]:
    for item in book.guideline.statements.values():
        yield Link(item.id, item.id), " ", Md(item.text)


def _rules(book: Book) -> Section:
    note = para(
        "The rules of a topic are tried from top to bottom; the first that applies decides. "
        "Answers: ",
        "; ".join(f"{state}, {means}" for state, means in rules.STATES.items()),
        ".",
    )
    own = tuple(
        Section("", sections.topic_title(book, key), (_topic_line(key), _rule_list(book, key)))
        for key in book.topics
    )
    return Section("rules", "Rules", (note,), own)


def rule_page(book: Book, item: Rule) -> Section:
    """Return a rule's page: the rule, and each of its statements with source and caveat."""
    rule = rules.rule(book, item)
    said = tuple(
        sections.statement(book, key, anchor=f"{item.id}-{key}") for key in statements_of(item)
    )
    if said:
        said = (Section("", "The statements, with source and caveat", (), said),)
    return Section(rule.id, rule.title, rule.blocks, (*said, *rules.prognosis(book, item.topic)))


def _fhir(book: Book) -> Section:
    note = para(
        "The same knowledge as FHIR R4 resources. The conditions of the PlanDefinition are "
        "sentences for readers, not executable: the service itself is what evaluates them. ",
        "All of them at once: ",
        Code("cds-service guideline --fhir DIR"),
        ".",
    )
    rows = tuple(
        (
            (Link(f"{kind}/{key}", f"/fhir/{kind}/{key}"),),
            (str(resource.get("title", "")),),
        )
        for (kind, key), resource in fhir.resources(book).items()
    )
    return Section("fhir", PARTS["fhir"], (note, Table("Resources", ("Address", "Title"), rows)))
