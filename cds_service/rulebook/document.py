"""The whole rule book in one file: HTML to read and print, Markdown to review."""

from cds_service.rulebook import about, html, lists, markdown, rules, sections
from cds_service.rulebook.blocks import Section
from cds_service.rulebook.book import Book


def whole(book: Book) -> Section:
    """Return the whole rule book as one section."""
    return Section(
        "top",
        book.guideline.meta["title"],
        (),
        (
            about.front(book),
            about.section(book),
            rules.rules(book),
            sections.follow_up(book),
            sections.statements(book),
            sections.policy(book),
            lists.suggestions(book),
            lists.examinations(book),
            lists.overrides(book),
            lists.matches(book),
            lists.value_sets(book),
            lists.cases(book),
        ),
        open=True,
    )


def footer(book: Book) -> tuple[str, ...]:
    """Return the closing lines of everything that shows the guideline."""
    meta = book.guideline.meta
    versions = f"Guideline data {meta['version']}, {meta['revised']}"
    source = f"Source: {book.guideline.about.citation}."
    return (f"{source} {versions}; value sets {book.terms.version}.", meta["closing"])


def as_html(book: Book) -> str:
    """Return the rule book as one HTML file that needs nothing else."""
    title = book.guideline.meta["title"]
    return html.page(
        whole(book),
        title=title,
        home=(title, "#top"),
        about="#about",
        footer=footer(book),
        address=lambda to: None if to.startswith("/") else f"#{to}",
        contents=True,
    )


def as_markdown(book: Book) -> str:
    """Return the rule book as GitHub-flavoured Markdown."""
    return markdown.document(whole(book), footer=footer(book))
