"""The manifest of a Bulk Data export: what was asked for, and whether all of it is here."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from cds_service.screen.kinds import KEYS, TYPES

Json = dict[str, Any]

#: Parameters of the export that leave something out, and what they do.
_RESTRICTIONS: Mapping[str, str] = {
    "_since": "the export holds only what changed since a date",
    "_until": "the export holds only what changed until a date",
    "_elements": "the export holds only some elements",
    "_typeFilter": "the export was filtered",
}


@dataclass(frozen=True, slots=True)
class Checked:
    """What manifests tell: problems (a file's name and a reason), and what is not complete."""

    problems: tuple[tuple[str, str], ...]
    #: Prefetch keys of which something is missing, and why.
    partial: Mapping[str, str]
    #: Prefetch keys that were asked for: where there is nothing of them, nobody has any.
    asked: frozenset[str]


def check(manifests: Iterable[Json], *, names: Iterable[str], counts: Mapping[str, int]) -> Checked:
    """Compare manifests with what was read.

    ``names`` are those of the files, ``counts`` the resources read by type.
    """
    manifests = tuple(manifests)
    partial: dict[str, str] = {}
    asked: set[str] = set()
    for manifest in manifests:
        query = _query(manifest)
        types = {name.strip() for value in query.get("_type", ()) for name in value.split(",")}
        asked |= {KEYS[name] for name in types & KEYS.keys()}
        partial |= _restricted(query)
    problems = []
    for kind, name, reason in (*_missing(manifests, names), *_fewer(manifests, counts)):
        problems.append((name, reason))
        if kind in KEYS:
            partial[KEYS[kind]] = "not all that the manifest of the export names is here"
    return Checked(tuple(problems), partial, frozenset(asked))


def _query(manifest: Json) -> dict[str, list[str]]:
    request = manifest.get("request")
    return parse_qs(urlsplit(request).query) if isinstance(request, str) else {}


def _restricted(query: Mapping[str, list[str]]) -> Iterator[tuple[str, str]]:
    for name, reason in _RESTRICTIONS.items():
        values = query.get(name, ())
        if name == "_typeFilter":
            kinds = {filter_.partition("?")[0] for value in values for filter_ in value.split(",")}
            yield from ((KEYS[kind], reason) for kind in kinds & KEYS.keys())
        elif values:
            yield from ((key, reason) for key in TYPES)


def _outputs(manifests: Iterable[Json]) -> Iterator[tuple[str, str, object]]:
    """Yield type, file name ("" where it has none) and count of every file that was made."""
    for manifest in manifests:
        for item in manifest["output"]:
            if isinstance(item, dict):
                url = item.get("url")
                path = unquote(urlsplit(url).path) if isinstance(url, str) else ""
                yield str(item.get("type", "")), PurePosixPath(path).name, item.get("count")


def _missing(manifests: Iterable[Json], names: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """Yield the files that are not there; where none bears its name, all have been renamed."""
    here = {_stem(name) for name in names}
    listed = [(kind, name) for kind, name, _ in _outputs(manifests) if name]
    if any(_stem(name) in here for _, name in listed):
        for kind, name in listed:
            if _stem(name) not in here:
                yield kind, name, "is in the manifest of the export, and not there"


def _stem(name: str) -> str:
    name = PurePosixPath(name).name.lower()
    for suffix in (".gz", ".ndjson", ".jsonl", ".json"):
        name = name.removesuffix(suffix)
    return name


def _fewer(manifests: Iterable[Json], counts: Mapping[str, int]) -> Iterator[tuple[str, str, str]]:
    """Yield the types of which fewer resources were read than were made."""
    expected: Counter[str] = Counter()
    uncounted = set()
    for kind, _, count in _outputs(manifests):
        if type(count) is int:
            expected[kind] += count
        else:
            uncounted.add(kind)
    for kind, count in sorted(expected.items()):
        read = counts.get(kind, 0)
        if kind not in uncounted and read < count:
            yield kind, "", f"the manifest names {count} {kind}, {read} were read"
