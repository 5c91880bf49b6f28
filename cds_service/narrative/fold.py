"""Texts made comparable: one case, no accents, one kind of space, dash and apostrophe."""

import html
import re
import unicodedata

_TAG = re.compile(
    r"</?(?:p|br|div|span|b|i|u|em|strong|li|ul|ol|td|tr|th|table|tbody|h[1-6]|html|body|pre)"
    r"\b[^<>]{0,300}>",
    re.IGNORECASE,
)
_BLOCK = re.compile(r"<(?:/?(?:p|div|li|tr|table|h[1-6]|pre|br))\b", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z]{2,8});", re.IGNORECASE)
_SPECIAL = {
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
    **dict.fromkeys("\u2019\u2018\u02bc`\u00b4'", " "),
    "ß": "s",
    "ø": "o",
    "æ": "a",
    "œ": "o",
    "ł": "l",
    "đ": "d",
    "\u0131": "i",
    "⩾": "≥",
    "⩽": "≤",
    "\u00d7": "x",
    "□": "☐",
    "▢": "☐",
    "❑": "☐",
    "❏": "☐",
    "◻": "☐",
    "☑": "☒",
    "✓": "☒",
    "✔": "☒",
    "✗": "☒",
    "✘": "☒",
    "■": "☒",
}
_ASCII = {ord("'"): " ", ord("`"): " ", ord("\t"): " ", ord("\f"): "\n", ord("\v"): "\n"}


def clean(text: str) -> str:
    """Return the text as it is quoted: compatibility forms, marks and HTML resolved."""
    if "<" in text and _TAG.search(text):
        text = _TAG.sub(lambda tag: "\n" if _BLOCK.match(tag[0]) else " ", text)
    if "&" in text and _ENTITY.search(text):
        text = html.unescape(text)
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
        odd = {
            ord(char): None
            for char in set(text)
            if unicodedata.category(char) in {"Cf", "Mn", "Me", "Cs", "Co", "Cn"}
        }
        if odd:
            text = text.translate(odd)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def fold(text: str) -> str:
    """Return a text of the same length in lower case without accents."""
    if text.isascii():
        return text.lower().translate(_ASCII)
    table: dict[int, str] = {}
    for char in set(text):
        if not char.isascii():
            table[ord(char)] = _fold_char(char)
    return text.translate({**table, **_ASCII}).lower()


def _fold_char(char: str) -> str:
    special = _SPECIAL.get(char) or _SPECIAL.get(char.lower())
    if special is not None:
        return special
    if char in "\u2028\u2029\x85":
        return "\n"
    if char.isspace():
        return " "
    base = unicodedata.normalize("NFKD", char)[:1]
    lowered = base.lower()
    # One character in, one out: positions in both texts must agree.
    return lowered if len(lowered) == 1 else char
