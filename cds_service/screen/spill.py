"""Records on disk, sorted into buckets of patients: all of one patient's are in one bucket.

Each file holds the records of one unit of work, bucket by bucket. A record is a line: where
it was read, a tab, and its payload.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

import orjson

#: Bytes that are kept in memory before they are written.
FLUSH = 16 * 2**20
#: Bytes of a bucket that are evaluated at once.
PASS = 64 * 2**20


class Segment(NamedTuple):
    """The part of a file that belongs to a bucket."""

    bucket: int
    path: str
    start: int
    size: int


class Record(NamedTuple):
    """A payload, and the unit, file and line at which it was read."""

    unit: int
    file: int
    line: int
    payload: bytes


class Spill:
    """The files of one unit of work."""

    def __init__(self, folder: Path, unit: int, *, buckets: int) -> None:
        """Write to ``folder``; files of an earlier attempt are replaced."""
        self.segments: list[Segment] = []
        self._folder = folder
        self._unit = unit
        self._buckets = buckets
        self._held: defaultdict[int, bytearray] = defaultdict(bytearray)
        self._size = 0
        self._parts = 0

    def add(self, patient: str, payload: bytes, file: int, line: int) -> None:
        """Take a record."""
        key = patient.encode(errors="replace")
        where = orjson.dumps([patient, self._unit, file, line])
        self._held[crc32(key) % self._buckets] += where + b"\t" + payload + b"\n"
        self._size += len(payload) + len(where)
        if self._size >= FLUSH:
            self.flush()

    def flush(self) -> None:
        """Write what is held."""
        if not self._held:
            return
        path = self._folder / f"{self._unit:06}-{self._parts:04}"
        self._parts += 1
        with path.open("wb") as file:
            for bucket, held in sorted(self._held.items()):
                self.segments.append(Segment(bucket, path.name, file.tell(), len(held)))
                file.write(held)
        self._held.clear()
        self._size = 0


def groups(
    folder: Path, segments: Iterable[Segment], *, buckets: int
) -> Iterator[dict[str, list[Record]]]:
    """Yield the records of a bucket by patient, as many patients at once as memory may hold."""
    segments = tuple(segments)
    passes = max(1, -(-sum(segment.size for segment in segments) // PASS))
    for number in range(passes):
        found: dict[str, list[Record]] = {}
        for segment in segments:
            for line in _lines(folder, segment):
                where, _, payload = line.partition(b"\t")
                patient, unit, file, place = orjson.loads(where)
                key = patient.encode(errors="replace")
                if passes == 1 or crc32(key) // buckets % passes == number:
                    found.setdefault(patient, []).append(Record(unit, file, place, payload))
        yield found


def _lines(folder: Path, segment: Segment) -> Iterator[bytes]:
    with (folder / segment.path).open("rb") as file:
        file.seek(segment.start)
        left = segment.size
        while left:
            line = file.readline()
            left -= len(line)
            yield line[:-1]
