"""Words and values as cards write them; text from the chart can bring in no markup."""

import datetime as dt
import re
from collections.abc import Iterable

from cds_service.facts import PartialDate

#: Characters that mean something in GitHub-flavoured Markdown inside a line.
_MARKUP = re.compile(r"([\\`*_\[\]~|$#!])")
_WWW = re.compile(r"(?i)(www)\.")
_ZERO_WIDTH = "\u200b"
_QUOTE_LIMIT = 240
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def escaped(text: str, limit: int = _QUOTE_LIMIT) -> str:
    """Return chart text for Markdown: one line, no markup, HTML or link can come of it.

    Clients turn bare addresses into links after they have undone escapes; a zero-width space
    in the address stops them and changes nothing for the reader.
    """
    line = on_one_line(text, limit).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    line = _MARKUP.sub(r"\\\1", line)
    line = _WWW.sub(rf"\1{_ZERO_WIDTH}.", line)
    return line.replace("://", f":{_ZERO_WIDTH}//").replace("@", f"@{_ZERO_WIDTH}")


def on_one_line(text: str, limit: int) -> str:
    """Return chart text in one line of at most ``limit`` characters, all of them printable."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " for c in text)
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def date(value: dt.date | PartialDate) -> str:
    """Return a date as clinicians write it, at its precision: 2 Nov 2026, Nov 2026, 2026."""
    if isinstance(value, PartialDate):
        day, precision = value.first, value.precision
    else:
        day, precision = value, "day"
    month = _MONTHS[day.month - 1]
    return {
        "day": f"{day.day} {month} {day.year}",
        "month": f"{month} {day.year}",
        "year": f"{day.year}",
    }[precision]


def days(first: dt.date, last: dt.date) -> str:
    """Return a window: "10 Oct 2026 to 10 Dec 2026", or the one day that it is."""
    return date(first) if first == last else f"{date(first)} to {date(last)}"


def listed(words: Iterable[str]) -> str:
    """Return words as a list in a sentence: "depth, grade and size"."""
    items = list(words)
    if len(items) < 2:  # noqa: PLR2004
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def shortened(line: str, limit: int) -> str:
    """Return a line of at most ``limit`` characters, cut at a word."""
    if len(line) <= limit:
        return line
    return line[: limit - 1].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"


def capital(text: str) -> str:
    """Return the text with its first letter in upper case."""
    return text[:1].upper() + text[1:]
