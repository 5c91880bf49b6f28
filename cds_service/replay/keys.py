"""What a case is called in kept results: its path under the path that was named."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from cds_service.replay import cases

_OWN_FOLDER = ("chart.json", "request.json")


def named(paths: Iterable[Path]) -> Mapping[str, Path]:
    """Return the files that the paths stand for, each by its key, in their order.

    A key says nothing of where the paths lie, so that it is the same in another checkout:
    ``case-one/chart.json``. Files of one key get as many of their folders as tell them apart.
    """
    found: dict[Path, tuple[Path, int]] = {}
    for path in paths:
        for file in cases.find(path):
            found.setdefault(_whole(file), (file, _depth(path, file)))
    parts = {whole: many for whole, (_, many) in found.items()}
    while True:
        keys = {whole: "/".join(whole.parts[-many:]) for whole, many in parts.items()}
        twice = {key for key, many in Counter(keys.values()).items() if many > 1}
        if not twice:
            return {keys[whole]: file for whole, (file, _) in found.items()}
        parts = {whole: many + (keys[whole] in twice) for whole, many in parts.items()}


def _whole(file: Path) -> Path:
    return Path(os.path.abspath(file))  # noqa: PTH100 - links keep the names that they have here


def _depth(path: Path, file: Path) -> int:
    """Return how many parts of the file's path the key has: with its folder, where it is one."""
    below = 1 if path == file else len(file.relative_to(path).parts)
    return max(below, 2) if file.name in _OWN_FOLDER else below
