import re
from collections.abc import Iterator
from html import escape

import pytest

from cds_service.rulebook import Book, document, html
from cds_service.rulebook.blocks import Code, Link, Md, Section, Table, Terms, para
from cds_service.rulebook.markdown import document as written

#: What WCAG asks of text, and of lines and shapes.
TEXT, SHAPE = 4.5, 3.0


@pytest.fixture(scope="module")
def markdown(book: Book) -> str:
    """Return the rule book as Markdown."""
    return document.as_markdown(book)


@pytest.fixture(scope="module")
def page(book: Book) -> str:
    """Return the rule book as HTML."""
    return document.as_html(book)


def walk(section: Section) -> Iterator[Section]:
    """Yield a section and all under it."""
    yield section
    for child in section.sections:
        yield from walk(child)


def test_everything_stands_in_it(book: Book) -> None:
    """Every statement, rule, topic, policy, order, reason, word list, value set, case."""
    guideline = book.guideline
    ids = {section.id for section in walk(document.whole(book))}
    assert ids >= {*guideline.statements, *guideline.rules, *guideline.topics}
    assert ids >= {f"policy-{key}" for key in guideline.policy}
    assert ids >= {f"suggestion-{key}" for key in guideline.suggestions}
    assert ids >= {f"examination-{key}" for key in guideline.examinations}
    assert ids >= {f"override-{key}" for key in guideline.overrides}
    assert ids >= {f"match-{key}" for key in guideline.matches}
    assert ids >= {f"valueset-{slug}" for slug in book.terms.value_sets}
    assert ids >= {f"case-{name}" for name in book.proofs.why}


def test_statements_in_full(book: Book, markdown: str, page: str) -> None:
    """Text, caveat, citation, match and every number of each statement are in both forms."""
    parts = re.split(r'(?m)^<a id="(S\d\d)"></a>$', markdown)
    own = dict(zip(parts[1::2], parts[2::2], strict=True))
    for item in book.guideline.statements.values():
        assert item.text in own[item.id]
        for text in (item.caveat, item.verified_source, book.guideline.certainty[item.certainty]):
            assert text in own[item.id]
            assert escape(text) in page
        for name, value in item.numbers.items():
            assert f"{book.number(name)}: {value:g}" in own[item.id]
        assert (", ".join(item.cited_as) or "no reference") in own[item.id]


def test_every_number_has_a_unit(book: Book) -> None:
    """The data say what each number is: no name of a field is shown to a reader."""
    owners = (*book.guideline.statements.values(), *book.guideline.policy.values())
    names = {name for owner in owners for name in owner.numbers}
    assert names <= set(book.guideline.words["number"])


def test_what_a_chart_fills_in_is_named(book: Book) -> None:
    """Every rule's and order's wording can be read without a chart."""
    rules = book.guideline.rules.values()
    templates = [text for rule in rules for text in (rule.when, rule.summary, rule.advice)]
    templates += [each.text for each in book.guideline.suggestions.values()]
    for template in templates:
        assert "{" not in book.words(template)


def test_codes_in_full(book: Book, markdown: str, page: str) -> None:
    """Every code of every value set is listed, with its display where it has one."""
    for value_set in book.terms.value_sets.values():
        for _, code, display in value_set.codes:
            assert f"| `{code}` |" in markdown
            assert f"<code>{escape(code)}</code>" in page
            assert escape(display or "–") in page


def test_status(markdown: str, page: str) -> None:
    """Both forms say that the content is pending human review."""
    assert "content pending human review" in markdown.partition("## ")[2]
    assert "content pending human review" in page


def test_anchors_of_markdown(markdown: str) -> None:
    """Every link within the document leads to an anchor, and no anchor stands twice."""
    anchors = re.findall(r'<a id="([^"]+)"></a>', markdown)
    assert len(set(anchors)) == len(anchors)
    assert set(re.findall(r"\]\(#([^)]+)\)", markdown)) <= set(anchors)
    assert "](/" not in markdown


def test_tables_of_markdown(markdown: str) -> None:
    """Each row of a table has as many cells as its head."""
    tables = re.findall(r"(?m)(?:^\|.*\n)+", markdown)
    assert len(tables) > 100
    for table in tables:
        widths = {len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}
        assert len(widths) == 1, table


def test_one_file(page: str) -> None:
    """The HTML needs nothing else: its style is inside, its links stay inside, no script."""
    links = re.findall(r'href="([^"]*)"', page)
    ids = re.findall(r' id="([^"]*)"', page)
    assert all(link.startswith("#") for link in links)
    assert {link[1:] for link in links} <= set(ids)
    assert len(set(ids)) == len(ids)
    assert "<style>" in page
    assert not re.search(r"<(script|link|img|iframe)|@import|url\(|javascript:", page)


def test_contents_lead_to_every_rule(book: Book, page: str) -> None:
    """The table of contents of the HTML holds every topic and rule."""
    contents = page.partition('class="contents"')[2].partition("</nav>")[0]
    for key in (*book.guideline.topics, *book.guideline.rules):
        assert f'href="#{key}"' in contents


def test_the_same_every_time(book: Book, markdown: str, page: str) -> None:
    """The same guideline gives the same document, byte for byte."""
    assert document.as_markdown(book) == markdown
    assert document.as_html(book) == page


HOSTILE = "<b>&\"'`|[x](y)*_"


def hostile() -> Section:
    """Return a section of which every part holds markup."""
    table = Table(HOSTILE, (HOSTILE,), (((HOSTILE,), (Code(HOSTILE),), (Md("a | <b> *c*"),)),))
    line = (HOSTILE, Link(HOSTILE, "x"))
    return Section("x", HOSTILE, (para(*line), Terms(((HOSTILE, line),)), table))


def test_html_is_escaped() -> None:
    """What is a plain string or a code never becomes markup."""
    text = html.page(
        hostile(),
        title=HOSTILE,
        home=(HOSTILE, HOSTILE),
        about=HOSTILE,
        footer=(HOSTILE,),
        address=lambda to: f"#{to}",
        stylesheet=HOSTILE,
    )
    assert "<b>" not in text
    assert text.count("&lt;b&gt;") >= 10
    assert "<em>c</em>" in text


def test_markdown_is_escaped() -> None:
    """In Markdown, neither HTML nor a link nor a table's cell can come from a plain string."""
    text = written(hostile(), footer=(HOSTILE,))
    assert not re.search(r"(?<!\\)<b>", text.replace("`" + HOSTILE.replace("|", r"\|") + "`", ""))
    assert not re.search(r"(?<!\\)\[x\]", text.replace(HOSTILE.replace("|", r"\|"), ""))


def test_a_link_to_nowhere_is_text() -> None:
    """Where there is nothing to go to, the text of a link stays."""
    text = html.page(
        Section("x", "X", (para(Link("resource", "/fhir/X")),)),
        title="X",
        home=("X", "#x"),
        about="#x",
        footer=(),
        address=lambda _: None,
    )
    assert "<p>resource</p>" in text


def luminance(colour: str) -> float:
    """Return the relative luminance of a hexadecimal colour, as WCAG defines it."""
    digits = colour.lstrip("#")
    whole = digits if len(digits) == 6 else "".join(digit * 2 for digit in digits)
    parts = [int(whole[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [0, 1, 2], ids=["light", "dark", "print"])
def test_contrast(scheme: int) -> None:
    """Text and links stand out from what is behind them, in light, in dark and on paper."""
    palettes = re.findall(r":root \{([^}]*--text[^}]*)\}", html.style())
    assert len(palettes) == 3
    colours = dict(re.findall(r"--(\w+): (#\w+)", palettes[scheme]))
    for behind in ("page", "shade"):
        for front in ("text", "quiet", "link"):
            assert contrast(colours[front], colours[behind]) >= TEXT, (front, behind)
    assert contrast(colours["line"], colours["page"]) >= SHAPE
