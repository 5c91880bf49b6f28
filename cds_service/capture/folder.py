"""The directory of captures: one directory a call, whole or not there, for its owner alone."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

#: Bytes that are left free: what else stands on the disk (the database) must go on.
_RESERVE = 128 * 2**20


class CaptureError(Exception):
    """A capture that was not written; the message says why and holds no patient data."""


class Folder:
    """Writes captures; any number of threads and processes may share the directory."""

    def __init__(self, path: Path, *, most: int) -> None:
        """Take the directory and how many captures it may hold; nothing is made yet."""
        self.path = path
        self._most = most

    def prepare(self) -> None:
        """Make the directory where it is missing. Raises :class:`CaptureError`."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.path):
                pass
        except OSError as error:
            raise CaptureError(f"{self.path} cannot be written to: {error.strerror}") from None

    def write(self, name: str, files: Mapping[str, bytes]) -> None:
        """Write one capture. Raises :class:`CaptureError`.

        The files stand in a hidden directory until all of them are there.
        """
        unfinished = None
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._check_room(sum(map(len, files.values())))
            unfinished = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=self.path))
            for file, content in files.items():
                _write(unfinished / file, content)
            unfinished.rename(self.path / name)
        except OSError as error:
            if unfinished:
                shutil.rmtree(unfinished, ignore_errors=True)
            raise CaptureError(error.strerror or type(error).__name__) from None

    def _check_room(self, size: int) -> None:
        with os.scandir(self.path) as entries:
            held = sum(1 for entry in entries if not entry.name.startswith("."))
        if held >= self._most:
            raise CaptureError(f"{held} captures are there, and CDS_CAPTURE_MOST is {self._most}")
        if shutil.disk_usage(self.path).free < size + _RESERVE:
            raise CaptureError("the disk is nearly full")


def _write(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
