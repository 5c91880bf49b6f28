"""Files into pieces of JSON: lines of NDJSON, or whole documents; compressed or not.

What a file is shows in its content, not in its name: a first line that is JSON makes it
NDJSON. Nothing of a file's content gets into a message.
"""

import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

import orjson

from cds_service.screen.kinds import KEYS

#: A line, or a document, that is longer is not read: it would have to fit in memory at once.
LONGEST = 512 * 2**20
_GZIP = b"\x1f\x8b"
_UTF8 = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
#: zip, bzip2, xz and zstd.
_ARCHIVES = (b"PK\x03\x04", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")
_LINES = re.compile(r"\.(ndjson|jsonl)(\.gz)?$", re.IGNORECASE)
_NAMED = re.compile(r"\.(ndjson|jsonl|json)(\.gz)?$", re.IGNORECASE)
#: Lines that tell NDJSON from a document.
_HEAD = 2
_TOO_LONG = f"is longer than {LONGEST // 2**20} MB; give it as NDJSON, a resource a line"


class Damaged(Exception):  # noqa: N818 - what is read of the file, not of the program
    """A file that cannot be read, or not to its end; the message says why."""


class NotJson(Exception):  # noqa: N818 - as Damaged
    """A file that neither is JSON nor is called so."""


class Piece(NamedTuple):
    """Some JSON and the line at which it stands, or why that line was not read."""

    line: int
    raw: bytes
    problem: str = ""


def is_compressed(path: Path) -> bool:
    """Return whether a file is gzip, whatever its name; raises ``OSError``."""
    with path.open("rb") as file:
        return file.read(2) == _GZIP


def is_document(path: Path) -> bool:
    """Return whether a file that is not compressed is one document, not lines of NDJSON."""
    try:
        with path.open("rb") as file:
            return _begins_document(_head(file)[0], path.name)
    except (Damaged, OSError):
        return False


def type_named(name: str) -> str | None:
    """Return the needed resource type with which a file's name begins."""
    found = re.match(r"[A-Za-z]+", name)
    return next((kind for kind in KEYS if found and kind.lower() == found[0].lower()), None)


def pieces(path: Path, start: int = 0, end: int | None = None) -> Iterator[Piece]:
    """Yield the pieces of a file, or of the lines of it that begin between two bytes.

    The last piece of a range is empty: its line is how many lines the range has. Raises
    :class:`Damaged` or :class:`NotJson`, perhaps after some pieces.
    """
    try:
        with path.open("rb") as file:
            if end is None:
                yield from pieces_of(file, path.name)
            else:
                yield from _lines(file, start, end)
    except OSError as error:
        raise Damaged(f"cannot be read: {error.strerror or type(error).__name__}") from None


def pieces_of(file: BinaryIO, name: str) -> Iterator[Piece]:
    """Yield the pieces of an open file of this name; raises as :func:`pieces`."""
    compressed = file.read(2) == _GZIP
    file.seek(0)
    if not compressed:
        yield from _whole(file, name)
        return
    try:
        with gzip.open(file) as stream:
            yield from _whole(cast("BinaryIO", stream), name)
    except EOFError:
        raise Damaged("is cut off: its compressed data have no end; the rest is not read") from None
    except (gzip.BadGzipFile, zlib.error):
        raise Damaged("has damaged compressed data; the rest is not read") from None


def _lines(file: BinaryIO, start: int, end: int) -> Iterator[Piece]:
    """Yield the lines that begin in a range; the line that begins before it is another's."""
    if start:
        file.seek(start - 1)
        _skip(file)
    place = file.tell()
    line = 0
    while place < end and (read := _line(file)) is not None:
        place = place + len(read) if len(read) <= LONGEST else file.tell()
        line += 1
        first = start == 0 and line == 1
        yield from _piece(line, read.removeprefix(_UTF8) if first else read)
    yield Piece(line, b"")


def _line(file: BinaryIO) -> bytes | None:
    """Return the next line, None at the end; one that is too long is cut and passed over."""
    read = file.readline(LONGEST + 1)
    if not read:
        return None
    if len(read) > LONGEST and not read.endswith(b"\n"):
        _skip(file)
    return read


def _skip(file: BinaryIO) -> None:
    while (read := file.readline(2**20)) and not read.endswith(b"\n"):
        pass


def _piece(line: int, read: bytes) -> Iterator[Piece]:
    if len(read) > LONGEST:
        yield Piece(line, b"", _TOO_LONG)
    elif raw := read.strip():
        yield Piece(line, raw)


def _whole(file: BinaryIO, name: str) -> Iterator[Piece]:
    head, line = _head(file)
    start = b"".join(each.raw for each in head).lstrip()
    if start.startswith(_ARCHIVES):
        raise Damaged("is compressed, and not with gzip")
    if start.startswith(b"<") and b"hl7.org/fhir" in start:
        raise Damaged("is XML; JSON is expected")
    if head and not _NAMED.search(name) and head[0].raw.lstrip()[:1] not in b"{[":
        raise NotJson
    if _begins_document(head, name):
        yield from _document(head, file)
        return
    for first in head:
        yield from _piece(*first[:2])
    while (read := _line(file)) is not None:
        line += 1
        yield from _piece(line, read)


def _head(file: BinaryIO) -> tuple[list[Piece], int]:
    """Return the first two lines that are not blank, and how many lines were read for them."""
    head: list[Piece] = []
    line = 0
    while len(head) < _HEAD and (read := _line(file)) is not None:
        line += 1
        if line == 1:
            if read.startswith(_UTF16):
                raise Damaged("is UTF-16; UTF-8 is expected")
            read = read.removeprefix(_UTF8)
        if read.strip():
            head.append(Piece(line, read))
    return head, line


def _begins_document(head: list[Piece], name: str) -> bool:
    if len(head) < _HEAD or _LINES.search(name):
        return False
    return head[0].raw.strip() in {b"[", b"{"} or not any(_is_json(line.raw) for line in head)


def _document(head: list[Piece], file: BinaryIO) -> Iterator[Piece]:
    # As many lines as before, so that messages name the right one.
    raw = b"".join(
        b"\n" * (line.line - before - 1) + line.raw
        for before, line in zip((0, head[0].line), head, strict=True)
    )
    raw += file.read(LONGEST + 1)
    if len(raw) > LONGEST:
        yield Piece(1, b"", _TOO_LONG)
    else:
        yield Piece(1, raw)


def _is_json(read: bytes) -> bool:
    try:
        orjson.loads(read)
    except orjson.JSONDecodeError:
        return False
    return True
