"""The text of attachments and narratives: base64, character sets, and HTML made plain."""

import base64
import binascii
import html
import re
from collections.abc import Iterator, Mapping

from cds_service.chart.elements import MAX_TEXT, Json, Source, kind_of, string

_PLAIN = re.compile(r"text/(plain|markdown|x-markdown)|application/(text|plain)")
_HTML = re.compile(r"text/html|application/xhtml(\+xml)?")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_BLOCKS = frozenset(
    {
        *("address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "figure"),
        *("footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main"),
        *("nav", "ol", "p", "pre", "section", "table", "tbody", "tfoot", "thead", "tr", "ul"),
    }
)
_CELLS = frozenset({"td", "th"})
_SILENT = {
    name: re.compile(f"</{name}", re.IGNORECASE)
    for name in ("script", "style", "template", "title")
}
_TAG = re.compile(
    r"<(?:(?P<special>!--|!\[CDATA\[|[!?])|(?P<end>/)?(?:[A-Za-z]\w*:)?(?P<name>[A-Za-z]\w*))"
)
_CLOSE = {"!--": "-->", "![CDATA[": "]]>"}
#: Bytes that one text may take before it is decoded: four for each character.
_MAX_BYTES = MAX_TEXT * 4
_UNREADABLE = "could not be read as text"


def plain_text(markup: str) -> str:
    """Return the words of an HTML text, one line a block; scripts and styles are left out."""
    lines = "".join(_words(markup)).split("\n")
    return "\n".join(line for raw in lines if (line := re.sub(r"\s+", " ", raw).strip()))


def _words(markup: str) -> Iterator[str]:
    """Yield words and separators.

    Every character is looked at once: the parser of the standard library takes quadratic time
    on tags and comments that are opened and never closed.
    """
    place = 0
    preformatted = False
    while place < len(markup):
        start = markup.find("<", place)
        words = html.unescape(markup[place : start if start >= 0 else None])
        yield words if preformatted else re.sub(r"\s+", " ", words)
        if start < 0:
            return
        tag = _TAG.match(markup, start)
        if not tag:  # "margin <2 mm"
            yield "<"
            place = start + 1
            continue
        close = _CLOSE.get(tag["special"] or "", ">")
        end = markup.find(close, tag.end())
        if end < 0:
            yield markup[start:] if close == ">" else ""
            return
        place = end + len(close)
        if close == "]]>":
            yield markup[tag.end() : end]
        name = (tag["name"] or "").lower()
        yield "\n" if name in _BLOCKS else "\t" if name in _CELLS else ""
        if name == "pre":
            preformatted = not tag["end"]
        elif name in _SILENT and not tag["end"] and markup[end - 1] != "/":
            closing = _SILENT[name].search(markup, place)
            place = closing.start() if closing else len(markup)


def attachment(source: Source, value: Mapping[str, Json], path: str) -> str | None:
    """Return the text of an Attachment or Binary; None (and a report) where it has none."""
    media = value.get("contentType")
    media = media.strip().lower() if isinstance(media, str) else ""
    data = value.get("data") or value.get("content")  # DSTU2 Binary has content
    if data is None:
        if "url" in value:
            source.ignore(path, "is kept at another address and could not be read as text")
        return None
    if not isinstance(data, str):
        source.ignore(path, f"is {kind_of(data)} where base64 belongs; it {_UNREADABLE}")
        return None
    is_html = bool(_HTML.match(media))
    if media and not is_html and not _PLAIN.match(media):
        source.ignore(path, f"is neither plain text nor HTML; it {_UNREADABLE}")
        return None
    raw = _decoded(source, data, path)
    text = _characters(source, raw, media, path) if raw else None
    if text is None:
        return None
    if is_html or re.match(
        r"\s*<(!doctype html|html|\?xml[^>]{0,100}>\s*<html)", text[:300].lower()
    ):
        text = plain_text(text)
    return string(source, text, path)


def _decoded(source: Source, data: str, path: str) -> bytes | None:
    compact = "".join(data.split()).replace("-", "+").replace("_", "/").rstrip("=")
    limit = _MAX_BYTES // 3 * 4
    if len(compact) > limit:
        source.ignore(path, f"is longer than {MAX_TEXT} characters; the rest was not read")
        compact = compact[:limit]
    try:
        return base64.b64decode(compact + "=" * (-len(compact) % 4), validate=True)
    except (binascii.Error, ValueError):
        source.ignore(path, f"is not base64; it {_UNREADABLE}")
        return None


def _characters(source: Source, raw: bytes, media: str, path: str) -> str | None:
    marks = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}
    declared = _CHARSET.search(media)
    charset = next((name for mark, name in marks.items() if raw.startswith(mark)), None)
    charset = charset or (declared[1] if declared else "utf-8")
    try:
        # A text that was cut may end within a character.
        text = raw.decode(charset, errors="strict" if len(raw) < _MAX_BYTES - 4 else "ignore")
    except (UnicodeError, LookupError):
        text = raw.decode("cp1252", errors="replace")
        if "\ufffd" in text:
            source.ignore(path, f"is in an unknown character set; it {_UNREADABLE}")
            return None
        source.ignore(path, f"is not in the character set {charset[:20]}; read as windows-1252")
    if text.startswith(("%PDF", "{\\rtf", "PK\x03\x04")) or "\x00" in text:
        source.ignore(path, f"is a binary document; it {_UNREADABLE}")
        return None
    return text


def narrative(source: Source, value: Json, path: str) -> str | None:
    """Return the words of a resource's ``text.div``."""
    div = value.get("div") if isinstance(value, dict) else None
    text = string(source, div, path)
    return string(source, plain_text(text), path) if text else None
