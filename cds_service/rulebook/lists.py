"""The lists of the rule book: orders, examinations, reasons, words, value sets, worked cases."""

from collections.abc import Iterable

from cds_service.guideline import Match
from cds_service.guideline.loader import HL7_REASONS
from cds_service.rulebook import systems
from cds_service.rulebook.blocks import (
    Block,
    Code,
    Inline,
    Line,
    Link,
    Md,
    Section,
    Table,
    Terms,
    para,
)
from cds_service.rulebook.book import Book
from cds_service.rulebook.sections import joined, links, titled, topic_id, topic_title
from cds_service.terminology import ValueSet

_FEMALES = (
    "females: by sex for clinical use or recorded sex, by administrative gender only where "
    "neither is recorded"
)


def suggestions(book: Book) -> Section:
    """Return what can be ordered from a card, and how an existing order is recognised."""
    note = para(
        "Each is a proposal that the clinician may take up. One that exists already, as an "
        "order or as something done, is not proposed again: it is recognised by value set "
        "or by words.",
    )
    own = []
    for item in book.guideline.suggestions.values():
        facts: list[tuple[str, Line]] = [("Text of the order", (Md(book.words(item.text)),))]
        if item.code:
            system, code = item.code
            display = book.terms.display(system, code) or ""
            facts.append(("Code", (f"{systems.name(system)} ", Code(code), f" {display}")))
        else:
            facts.append(("Code", ("none verified: text alone",)))
        facts += _recognised(book, item.match_sets, item.match_words)
        own.append(Section(f"suggestion-{item.id}", item.label, (Terms(tuple(facts)),)))
    return Section("suggestions", "What can be ordered", (note,), tuple(own))


def examinations(book: Book) -> Section:
    """Return the examinations of confirmed HLRCC, and how a completed one is recognised."""
    own = []
    for item in book.guideline.examinations.values():
        facts: list[tuple[str, Line]] = [
            (
                "Statement",
                (
                    Link(item.statement, item.statement),
                    " ",
                    Md(book.guideline.statements[item.statement].text),
                ),
            ),
            ("Proposed as", (_suggestion(book, item.suggestion),)),
        ]
        if item.female_only:
            facts.append(("Shown for", (_FEMALES,)))
        facts += _recognised(book, item.match_sets, item.match_words)
        title = item.name[:1].upper() + item.name[1:]
        own.append(Section(f"examination-{item.id}", title, (Terms(tuple(facts)),)))
    return Section("examinations", "Examinations of HLRCC", (), tuple(own))


def _suggestion(book: Book, key: str) -> Inline:
    return Link(book.guideline.suggestions[key].label, f"suggestion-{key}")


def _recognised(book: Book, slugs: Iterable[str], words: Iterable[str]) -> list[tuple[str, Line]]:
    facts: list[tuple[str, Line]] = []
    sets = [(_value_set(book, slug),) for slug in sorted(slugs)]
    if sets:
        facts.append(("Recognised by codes of", joined(sets)))
    said = tuple(words)
    if said:
        facts.append(("Recognised by the words", (_quoted(said),)))
    return facts


def _value_set(book: Book, slug: str) -> Inline:
    known = book.terms.value_sets.get(slug)
    return Link(known.title, f"valueset-{slug}") if known else Code(slug)


def _quoted(words: Iterable[str]) -> str:
    return ", ".join(f"“{word}”" for word in words)


def overrides(book: Book) -> Section:
    """Return the reasons for not following a card, with their codes."""
    note = para(
        "Where a reason of HL7's list of non-adherence reasons fits, its code is sent with "
        "our wording; otherwise a code of this project's own.",
    )
    own = []
    for topic, reasons in book.guideline.overrides.items():
        rows = tuple(
            (
                (reason.display,),
                (Code(reason.code),),
                ("HL7 non-adherence reason" if reason.system == HL7_REASONS else "own",),
            )
            for reason in reasons
        )
        title = topic_title(book, topic)
        table = Table(f"Reasons on the card “{title}”", ("Reason", "Code", "Code system"), rows)
        own.append(Section(f"override-{topic_id(topic)}", title, (table,)))
    addresses = Terms(
        (
            ("HL7 non-adherence reason", (Code(HL7_REASONS),)),
            ("Own", (Code(book.guideline.meta["override_system"]),)),
        )
    )
    return Section("override-reasons", "Override reasons", (note, addresses), tuple(own))


def matches(book: Book) -> Section:
    """Return the words and codes by which records are told apart without a value set."""
    note = para(
        "A text counts where it holds one of the words and none of the excluded ones.",
    )
    own = tuple(
        Section(f"match-{key}", titled(key), _match(item))
        for key, item in book.guideline.matches.items()
    )
    return Section("match-words", "Words that tell records apart", (note,), own)


def _match(item: Match) -> tuple[Block, ...]:
    facts: list[tuple[str, Line]] = [("Words", (_quoted(item.words),))]
    if item.not_words:
        facts.append(("Excluded by", (_quoted(item.not_words),)))
    if item.codes:
        facts.append(("Codes", joined((Code(code),) for code in sorted(item.codes))))
    return (Terms(tuple(facts)),)


def value_sets(book: Book) -> Section:
    """Return every value set with every code."""
    own = tuple(value_set(book, item) for item in book.terms.value_sets.values())
    return Section("valuesets", "Value sets", (*_overview(book),), own)


def value_set_index(book: Book) -> Section:
    """Return the value sets without their codes."""
    return Section("valuesets", "Value sets", (*_overview(book),))


def _overview(book: Book) -> tuple[Block, ...]:
    note = para(
        f"Version {book.terms.version}. Each code was seen together with its display in its "
        "source; that does not say that it is active in the newest release. Codes are shown "
        "without a display where its owner does not allow one.",
    )
    rows = tuple(
        ((Link(item.title, f"valueset-{item.slug}"),), (item.description,), (str(len(item.codes)),))
        for item in book.terms.value_sets.values()
    )
    return note, Table("Value sets", ("Value set", "What it holds", "Codes"), rows)


def value_set(book: Book, item: ValueSet) -> Section:
    """Return one value set with its codes."""
    facts: list[tuple[str, Line]] = [
        ("Address", (Code(item.url),)),
        ("Version", (item.version,)),
    ]
    used = book.sets_used_by.get(item.slug, ())
    if used:
        orders, found = book.guideline.suggestions, book.guideline.examinations
        named = [
            (_suggestion(book, key),) if key in orders else (Link(key, f"examination-{key}"),)
            for key in used
            if key in orders or key in found
        ]
        facts.append(("Recognises", joined(named)))
    if item.copyright:
        facts.append(("Rights", (item.copyright,)))
    facts.append(("As FHIR", (Link(f"ValueSet/{item.slug}", f"/fhir/ValueSet/{item.slug}"),)))
    rows = tuple(
        ((Code(code),), (display or "–",), (systems.name(system),))
        for system, code, display in item.codes
    )
    table = Table(f"Codes of “{item.title}”", ("Code", "Display", "Code system"), rows)
    blocks = (
        para(
            item.description,
        ),
        Terms(tuple(facts)),
        table,
    )
    return Section(f"valueset-{item.slug}", item.title, blocks)


def cases(book: Book) -> Section:
    """Return the worked cases, each with the rules that decide in it."""
    note = para(
        "Charts and requests of patients that do not exist, each with the answer that was "
        "worked out by hand. All are played at every change; a case whose answer differs "
        "stops the change. A name states the answer; “trap” is a case that looks as if "
        "more should be said than is right.",
    )
    by_case: dict[str, list[str]] = {name: [] for name in book.proofs.why}
    for rule, names in book.proofs.cases.items():
        for name in names:
            by_case[name].append(rule)
    order = list(book.guideline.rules)
    own = tuple(
        Section(
            f"case-{name}",
            name,
            (
                para(
                    why,
                ),
                para(
                    "Decided by ",
                    *links(rule for rule in order if rule in by_case[name]),
                    ".",
                ),
            ),
        )
        for name, why in book.proofs.why.items()
    )
    return Section("cases", "Worked cases", (note,), own)
