"""Files of every make, read to pieces; what is damaged is told with its line."""

import bz2
import gzip
import json
import lzma
from pathlib import Path

import pytest

from cds_service.screen import reading
from cds_service.screen.inputs import find
from cds_service.screen.reading import Damaged, NotJson, Piece, pieces

ONE, TWO, THREE = (json.dumps({"resourceType": "Patient", "id": f"p{n}"}).encode() for n in "123")
BOM = b"\xef\xbb\xbf"


def read(path: Path, data: bytes) -> list[Piece]:
    """Return the pieces of a file with some content."""
    path.write_bytes(data)
    return list(pieces(path))


@pytest.mark.parametrize(
    "data",
    [
        ONE + b"\n" + TWO + b"\n",
        ONE + b"\n" + TWO,
        BOM + ONE + b"\r\n" + TWO + b"\r\n",
        gzip.compress(ONE + b"\n" + TWO + b"\n"),
        gzip.compress(ONE + b"\n") + gzip.compress(TWO + b"\n"),
        gzip.compress(BOM + ONE + b"\n" + TWO),
    ],
    ids=["plain", "no end of line", "BOM and CRLF", "gzip", "two gzips", "gzip with BOM"],
)
@pytest.mark.parametrize("name", ["Patient.ndjson", "Patient.json", "Patient", "x.gz"])
def test_lines_of_any_make(tmp_path: Path, name: str, data: bytes) -> None:
    """Compressed or not, whatever the name and the ends of lines: the same two lines."""
    assert read(tmp_path / name, data) == [Piece(1, ONE), Piece(2, TWO)]


def test_blank_lines_are_counted_and_passed_over(tmp_path: Path) -> None:
    """The number of a line is that of the file."""
    found = read(tmp_path / "x.ndjson", b"\n\r\n" + ONE + b"\n  \n" + TWO + b"\n\n")
    assert found == [Piece(3, ONE), Piece(5, TWO)]


@pytest.mark.parametrize("indent", [0, 1, 4])
@pytest.mark.parametrize("name", ["chart.json", "chart", "chart.json.gz"])
def test_a_document_is_one_piece(tmp_path: Path, name: str, indent: int) -> None:
    """A Bundle that is printed over many lines is read as a whole."""
    value = {"resourceType": "Bundle", "entry": [{"resource": json.loads(ONE)}]}
    ((line, raw, problem),) = read(tmp_path / name, json.dumps(value, indent=indent).encode())
    assert (line, json.loads(raw), problem) == (1, value, "")


def test_an_array_is_a_document(tmp_path: Path) -> None:
    """An array with a resource on each line is one piece, not lines with brackets between."""
    ((_, raw, _),) = read(tmp_path / "x.json", b"[\n" + ONE + b"\n]\n")
    assert json.loads(raw) == [json.loads(ONE)]


@pytest.mark.parametrize("name", ["x.ndjson", "x.json"])
def test_a_broken_first_line_does_not_make_a_document(tmp_path: Path, name: str) -> None:
    """NDJSON stays NDJSON when its first line is cut off."""
    found = read(tmp_path / name, ONE[:9] + b"\n" + TWO + b"\n" + THREE + b"\n")
    assert [piece.line for piece in found] == [1, 2, 3]


def test_other_files_are_told_apart(tmp_path: Path) -> None:
    """What neither is JSON nor is called so is no JSON; what is called so is broken."""
    with pytest.raises(NotJson):
        read(tmp_path / "README.md", b"# Export\n\nHello\n")
    assert read(tmp_path / "x.json", b"<html>\n") == [Piece(1, b"<html>")]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"PK\x03\x04....", "not with gzip"),
        (bz2.compress(ONE), "not with gzip"),
        (lzma.compress(ONE), "not with gzip"),
        (b'<?xml version="1.0"?>\n<Bundle xmlns="http://hl7.org/fhir">\n', "is XML"),
    ],
    ids=["zip", "bzip2", "xz", "XML"],
)
def test_data_in_another_form_are_told(tmp_path: Path, data: bytes, says: str) -> None:
    """What holds FHIR but cannot be read is damaged, and not left out as if it held none."""
    with pytest.raises(Damaged, match=says):
        read(tmp_path / "export.dat", data)


def test_an_empty_file_has_no_pieces(tmp_path: Path) -> None:
    """A file of no bytes, or of blank lines, holds nothing and is no error."""
    assert read(tmp_path / "Encounter.ndjson", b"") == []
    assert read(tmp_path / "Encounter.json", b"\n\n") == []


@pytest.mark.parametrize("cut", [1, 4, 12])
def test_compressed_data_that_are_cut_off_are_damaged(tmp_path: Path, cut: int) -> None:
    """What could be read before the cut is read, and the rest is not lost silently."""
    path = tmp_path / "x.ndjson.gz"
    path.write_bytes(gzip.compress(ONE + b"\n" + TWO + b"\n")[:-cut])
    found = []
    with pytest.raises(Damaged, match="cut off"):
        found.extend(pieces(path))


def test_damaged_compressed_data_are_told(tmp_path: Path) -> None:
    """Bytes that no gzip has are a problem of the file."""
    path = tmp_path / "x.ndjson.gz"
    path.write_bytes(b"\x1f\x8b\x08\x00" + b"\xff" * 50)
    with pytest.raises(Damaged, match="damaged"):
        list(pieces(path))


def test_utf16_is_told(tmp_path: Path) -> None:
    """A file in another encoding gives one clear message, not one a line."""
    with pytest.raises(Damaged, match="UTF-16"):
        read(tmp_path / "x.ndjson", ONE.decode().encode("utf-16"))


def test_a_file_that_is_gone_is_told(tmp_path: Path) -> None:
    """A link to nothing stands for a file that could not be read."""
    (tmp_path / "Patient.ndjson").symlink_to(tmp_path / "nowhere")
    (file,) = find(tmp_path).files
    with pytest.raises(Damaged, match="cannot be read: No such file"):
        list(pieces(file.path))


def test_a_line_without_end_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line longer than memory may hold is passed over, and told."""
    monkeypatch.setattr(reading, "LONGEST", 100)
    found = read(tmp_path / "x.ndjson", ONE + b"\n" + b"x" * 5000 + b"\n" + TWO + b"\n")
    assert [(piece.line, piece.raw) for piece in found] == [(1, ONE), (2, b""), (3, TWO)]
    assert "is longer than" in found[1].problem


@pytest.mark.parametrize("size", [1, 7, 40, 64, 1000])
def test_ranges_share_the_lines(tmp_path: Path, size: int) -> None:
    """Cut anywhere, every line is in exactly one range, and the numbers add up."""
    data = BOM + b"".join(b'{"n":%d}' % n + b"\r\n" * (1 + n % 2) for n in range(50))
    path = tmp_path / "x.ndjson"
    path.write_bytes(data)
    found, lines = [], 0
    for start in range(0, len(data), size):
        *read_, last = pieces(path, start, min(start + size, len(data)))
        found += [(lines + piece.line, piece.raw) for piece in read_]
        lines += last.line
    assert found == [(piece.line, piece.raw) for piece in pieces(path)]
    assert lines == data.count(b"\n")
