"""What the service is, for whom, and what it must not be used for: as a section and as JSON."""

from typing import Any

from cds_service import __version__
from cds_service.rulebook.blocks import Bullets, Line, Md, Section, Table, Terms, para
from cds_service.rulebook.book import Book


def front(book: Book) -> Section:
    """Return what the guideline data are: source, status, versions, and how sure they are."""
    meta = book.guideline.meta
    facts = (
        ("Source", (book.guideline.about.citation,)),
        ("Status of the source", (meta["source_status"],)),
        ("Status of this guideline data", ("content pending human review",)),
        ("Version of the guideline data", (f"{meta['version']}, {meta['revised']}",)),
        ("Version of the value sets", (book.terms.version,)),
    )
    certainty = tuple((key.capitalize(), (text,)) for key, text in book.guideline.certainty.items())
    return Section(
        "front",
        "What this is",
        (
            para(meta["closing"]),
            Terms(facts),
        ),
        (Section("certainty", "How certain a statement is", (Terms(certainty),)),),
    )


def section(book: Book) -> Section:
    """Return the source attributes, the use of the patient's attributes, and the limits."""
    about = book.guideline.about
    attributes: tuple[tuple[str, Line], ...] = (
        ("Kind of intervention", (about.kind,)),
        ("Bibliographic citation of the intervention", (about.citation,)),
        ("Developer of the intervention", (about.developer,)),
        ("Funding source of the technical implementation", (about.funding,)),
        ("Release date", (about.released,)),
        ("Revision dates", (about.revised,)),
    )
    rows = tuple(
        ((use.title,), ("used" if use.used else "not used",), (use.how,)) for use in about.uses
    )
    uses = Table("Use of the patient's attributes", ("Attribute", "Used", "How"), rows)
    return Section(
        "about",
        "About this service",
        (
            para(
                "The source attributes of an evidence-based decision support intervention "
                "(ONC HTI-1, 45 CFR 170.315(b)(11)(iv)(A)).",
            ),
        ),
        (
            Section("attributes", "Source attributes", (Terms(attributes),)),
            Section("uses", "Use of the patient's attributes", (uses,)),
            Section(
                "intended-use",
                "Intended use",
                (
                    para(
                        about.intended_use,
                    ),
                ),
            ),
            Section(
                "intended-users",
                "Intended users",
                (
                    para(
                        about.intended_users,
                    ),
                ),
            ),
            Section("limits", "Limits and cautions", (_bullets(about.limits),)),
            Section("out-of-scope", "Out of scope", (_bullets(about.out_of_scope),)),
            Section("versions", "Versions", (Terms(_versions(book)),)),
        ),
    )


def _bullets(texts: tuple[str, ...]) -> Bullets:
    return Bullets(tuple((Md(text),) for text in texts))


def _versions(book: Book) -> tuple[tuple[str, Line], ...]:
    return (
        ("Guideline data", (book.guideline.version,)),
        ("Value sets", (book.terms.version,)),
        ("Service", (__version__,)),
    )


def as_json(book: Book) -> dict[str, Any]:
    """Return the same as a JSON object."""
    about, meta = book.guideline.about, book.guideline.meta
    return {
        "title": meta["title"],
        "status": "content pending human review",
        "kind": about.kind,
        "sourceAttributes": {
            "citation": about.citation,
            "developer": about.developer,
            "funding": about.funding,
            "released": about.released,
            "revised": about.revised,
            "uses": {
                use.id: {"title": use.title, "used": use.used, "how": use.how} for use in about.uses
            },
        },
        "intendedUse": about.intended_use,
        "intendedUsers": about.intended_users,
        "limits": list(about.limits),
        "outOfScope": list(about.out_of_scope),
        "references": list(
            dict.fromkeys(each.verified_source for each in book.guideline.statements.values())
        ),
        "versions": {
            "guideline": book.guideline.version,
            "valueSets": book.terms.version,
            "service": __version__,
        },
    }
