"""What an export consists of: its files, cut into units of work of about the same size."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from cds_service.screen import reading
from cds_service.screen.errors import ScreenError

#: Bytes of input in one unit of work: part of a large file, or many small ones.
UNIT = 64 * 2**20
#: What compressed FHIR grows to, about.
_GROWTH = 12


@dataclass(frozen=True, slots=True)
class File:
    """A file of the export."""

    #: Relative to the export.
    name: str
    path: Path
    size: int
    changed: int
    compressed: bool

    @property
    def weight(self) -> int:
        """The bytes that it holds, roughly."""
        return self.size * (_GROWTH if self.compressed else 1)


class Slice(NamedTuple):
    """A file, or with ``end`` the lines of it that begin from ``start`` on before ``end``."""

    file: int
    path: Path
    start: int = 0
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Export:
    """The files of an export, in the order of their names."""

    root: Path
    files: tuple[File, ...]

    @property
    def size(self) -> int:
        """The bytes of all files."""
        return sum(file.size for file in self.files)

    @property
    def weight(self) -> int:
        """The bytes that all files hold, roughly."""
        return sum(file.weight for file in self.files)

    def size_of(self, part: Slice) -> int:
        """Return the bytes of a slice."""
        return self.files[part.file].size if part.end is None else part.end - part.start

    @property
    def fingerprint(self) -> str:
        """What changes when a file is added, taken away or changed."""
        digest = hashlib.sha256()
        for file in self.files:
            digest.update(f"{file.name}\0{file.size}\0{file.changed}\n".encode(errors="replace"))
        return digest.hexdigest()

    def units(self, size: int = UNIT) -> Iterator[tuple[Slice, ...]]:
        """Yield the units of work: together they hold every file once."""
        gathered: list[Slice] = []
        weight = 0
        for number, file in enumerate(self.files):
            if file.size > size and not file.compressed and not reading.is_document(file.path):
                for start in range(0, file.size, size):
                    yield (Slice(number, file.path, start, min(start + size, file.size)),)
                continue
            if gathered and weight + file.weight > size:
                yield tuple(gathered)
                gathered, weight = [], 0
            gathered.append(Slice(number, file.path))
            weight += file.weight
        if gathered:
            yield tuple(gathered)


def find(root: Path) -> Export:
    """Return the export in a file or directory; raises :class:`ScreenError`.

    Hidden files, and those that begin with an underscore, are no part of it.
    """
    if not root.exists():
        raise ScreenError(f"{root} is not there.")
    try:
        paths = sorted(_walk(root)) if root.is_dir() else [root]
    except OSError as error:
        raise ScreenError(f"{error.filename} cannot be read: {error.strerror}") from None
    if not paths:
        raise ScreenError(f"{root} holds no file. An export has .ndjson or .json files.")
    return Export(root, tuple(_file(path, root) for path in paths))


def _walk(root: Path) -> Iterator[Path]:
    seen: set[str] = set()
    for folder, folders, names in os.walk(root, onerror=_raise, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:  # a link that leads back
            folders.clear()
            continue
        seen.add(real)
        folders[:] = [name for name in folders if not name.startswith((".", "_"))]
        for name in names:
            path = Path(folder, name)
            # A link to nothing stands for a file that is missing: reading it will say so.
            if not name.startswith((".", "_")) and (path.is_file() or path.is_symlink()):
                yield path


def _raise(error: OSError) -> None:
    raise error


def _file(path: Path, root: Path) -> File:
    name = path.name if path == root else path.relative_to(root).as_posix()
    # A report is UTF-8, which the name of a file need not be.
    name = os.fsencode(name).decode(errors="replace")
    try:
        stat = path.stat()
        return File(name, path, stat.st_size, stat.st_mtime_ns, reading.is_compressed(path))
    except OSError:  # reading it says why
        return File(name, path, 0, 0, compressed=False)
