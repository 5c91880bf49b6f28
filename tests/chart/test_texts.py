"""Texts of reports: attachments, character sets and HTML."""

import base64
import time
from collections.abc import Callable
from typing import Any

import pytest

from cds_service.chart.elements import MAX_TEXT
from cds_service.chart.texts import plain_text
from cds_service.facts import Chart


def form(text: str | bytes, media: str | None = "text/plain") -> dict[str, Any]:
    """Return an Attachment."""
    raw = text.encode() if isinstance(text, str) else text
    return {"contentType": media, "data": base64.b64encode(raw).decode()}


@pytest.fixture
def texts(chart: Callable[..., Chart], resource: Callable[..., Any]) -> Callable[..., Any]:
    """Return the texts and the issues of a report with these elements."""

    def read(*others: Any, **report: Any) -> tuple[tuple[str, ...], list[str]]:
        found = chart(resource("DiagnosticReport", "r", status="final", **report), *others)
        return found.reports[0].texts, [issue.reason for issue in found.issues]

    return read


def test_conclusion_stands_first(texts: Callable[..., Any]) -> None:
    """The conclusion comes before the presented forms, each text once."""
    found = texts(presentedForm=[form("b"), form("a"), form("b")], conclusion="a")
    assert found == (("a", "b"), [])


@pytest.mark.parametrize(
    ("attachment", "expected"),
    [
        (form("Läsion"), "Läsion"),
        (form("Läsion".encode("latin-1"), "text/plain; charset=ISO-8859-1"), "Läsion"),
        (form("Läsion".encode("utf-16")), "Läsion"),
        (form(b"\xef\xbb\xbfx"), "x"),
        (form("plain", None), "plain"),
        (form("plain", 'Text/Plain;charset="UTF-8"'), "plain"),
        (form("<p>a &lt; b</p><p>c</p>", "text/html"), "a < b\nc"),
        (form("<html><body>a<br/>b</body></html>", "application/xhtml+xml"), "a\nb"),
        (form("<html><body>a</body></html>"), "a"),
    ],
)
def test_attachment_is_text(texts: Callable[..., Any], attachment: Any, expected: str) -> None:
    """Plain text and HTML are read in their character set."""
    assert texts(presentedForm=[attachment]) == ((expected,), [])


def test_wrong_character_set_is_guessed_and_said(texts: Callable[..., Any]) -> None:
    """Text that is not in its declared set is read as windows-1252, which is reported."""
    found, reasons = texts(presentedForm=[form("Läsion".encode("latin-1"))])
    assert found == ("Läsion",)
    assert "windows-1252" in reasons[0]


@pytest.mark.parametrize(
    "attachment",
    [
        form("%PDF-1.7 x", "application/pdf"),
        form("%PDF-1.7 x", None),
        form(b"\x00\x01\x02"),
        form("{\\rtf1 x}", "text/plain"),
        form("x", "application/msword"),
        {"contentType": "text/plain", "data": "***"},
        {"contentType": "text/plain", "data": 5},
        {"contentType": "text/plain", "url": "https://elsewhere.example.org/1"},
    ],
)
def test_unreadable_form_is_reported(texts: Callable[..., Any], attachment: Any) -> None:
    """What is no text is an issue, and the conclusion is still read."""
    found, reasons = texts(presentedForm=[attachment], conclusion="c")
    assert found == ("c",)
    assert any("could not be read as text" in reason for reason in reasons)


def test_binary_in_the_bundle_is_the_form(texts: Callable[..., Any]) -> None:
    """A form that refers to a Binary of the Bundle is read from it."""
    binary = {"resourceType": "Binary", "id": "b", **form("from the binary")}
    assert texts(binary, presentedForm=[{"url": "Binary/b"}])[0] == ("from the binary",)


def test_narrative_only_where_there_is_nothing_else(texts: Callable[..., Any]) -> None:
    """The generated narrative never stands beside the report's own words."""
    narrative = {"status": "generated", "div": '<div xmlns="x"><b>n</b></div>'}
    assert texts(text=narrative)[0] == ("n",)
    assert texts(text=narrative, conclusion="c")[0] == ("c",)


def test_long_form_is_cut(texts: Callable[..., Any]) -> None:
    """A form is bounded like every text, whatever its bytes."""
    found, reasons = texts(presentedForm=[form("ä" * (MAX_TEXT * 3))])
    assert found == ("ä" * MAX_TEXT,)
    assert any("the rest was not read" in reason for reason in reasons)


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<head><title>t</title></head>a", "a"),
        ("<head><title>t</title><body>a", "a"),
        ("<!DOCTYPE html><?xml version='1.0'?><!-- no -->a", "a"),
        ("a<!-- never closed", "a"),
        ("a<SCRIPT>never closed", "a"),
        ("<![CDATA[a < b]]>", "a < b"),
        ("<h:p>a</h:p><h:p>b</h:p>", "a\nb"),
        ("size <x", "size <x"),
        ("&Auml;&nbsp;&#228; &amp;lt;", "Ä ä &lt;"),
        ("<script>x</script><style>y</style>a<style/>b", "ab"),
        ("<table><tr><td>Depth</td><td>dermis</td></tr></table>", "Depth dermis"),
        ("a\n b", "a b"),
        ("<pre>a\n b</pre>", "a\nb"),
        ("margin <2 mm", "margin <2 mm"),
    ],
)
def test_html_becomes_lines(html: str, expected: str) -> None:
    """Blocks are lines, cells are separated, and scripts, styles and heads are silent."""
    assert plain_text(html) == expected


@pytest.mark.parametrize(
    "piece", ["<", "<!", "<!--", "<a ", "</", "<script>", "&#", "<?", "<![CDATA["]
)
def test_hostile_html_takes_no_time(piece: str) -> None:
    """What is opened a hundred thousand times and never closed is read in one pass."""
    begun = time.process_time()
    plain_text(piece * 100_000)
    assert time.process_time() - begun < 5
