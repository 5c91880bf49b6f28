import datetime as dt
import html
import re

from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from cds_service.cards import text
from cds_service.facts import PartialDate

MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
#: What GitHub-flavoured Markdown turns into links without any markup.
AUTOLINK = re.compile(r"(?i)(https?://|ftp://|www\.[a-z0-9]|[\w.+-]+@[\w-]+\.\w)")


def inline(source: str) -> list[Token]:
    """Return the inline tokens of a paragraph."""
    return [t for block in MARKDOWN.parse(source) for t in block.children or ()]


@given(st.text(max_size=120))
@example("**bold** [link](https://evil.example) <b>html</b> `code` ~~gone~~")
@example("see www.evil.example or https://evil.example/x?a=1&b=2")
@example("mail me@evil.example &lt;script&gt; &#42;")
@example("| a | b |\n|---|---|\n# heading\n- item\n> quote")
@example("![image](http://evil.example/i.png) <http://evil.example>")
@example("back\\slash \\* a_b_c 1*2*3")
def test_chart_text_brings_in_nothing_but_its_own_characters(chart_text: str) -> None:
    """Escaped chart text renders as itself: no markup, no HTML, no link, one line."""
    tokens = inline(f"- Note: “{text.escaped(chart_text, limit=1000)}” – end")
    assert {token.type for token in tokens} <= {"text", "text_special"}
    shown = "".join(token.content for token in tokens)
    assert not AUTOLINK.search(shown)
    plain = " ".join("".join(c if c.isprintable() else " " for c in chart_text).split())
    assert shown.replace("\u200b", "") == f"Note: “{plain}” – end".replace("\u200b", "")


def test_long_chart_text_is_cut() -> None:
    """A long quotation ends in an ellipsis within its limit."""
    assert len(html.unescape(text.escaped("a" * 500, limit=50))) == 50
    assert text.escaped("a" * 500, limit=50).endswith("…")


def test_dates_stand_as_clinicians_write_them() -> None:
    """A date shows its day, month in letters and year, at the precision that is stored."""
    assert text.date(dt.date(2026, 11, 2)) == "2 Nov 2026"
    first, last = dt.date(2026, 5, 1), dt.date(2026, 5, 31)
    assert text.date(PartialDate(first, last, "month")) == "May 2026"
    whole = PartialDate(dt.date(2026, 1, 1), dt.date(2026, 12, 31), "year")
    assert text.date(whole) == "2026"


def test_a_window_of_one_day_is_one_day() -> None:
    """An annual visit has one day, any other window its two ends."""
    day = dt.date(2026, 10, 1)
    assert text.days(day, day) == "1 Oct 2026"
    assert text.days(day, dt.date(2026, 12, 1)) == "1 Oct 2026 to 1 Dec 2026"


def test_lists_read_as_sentences() -> None:
    """The last two items are joined with "and"."""
    assert text.listed([]) == ""
    assert text.listed(["depth"]) == "depth"
    assert text.listed(["depth", "grade", "size"]) == "depth, grade and size"


def test_a_line_is_shortened_at_a_word() -> None:
    """A line that fits stays; a longer one is cut before a word."""
    assert text.shortened("short", 10) == "short"
    assert text.shortened("one two three", 9) == "one two…"
