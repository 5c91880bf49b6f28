"""The manifest of a Bulk Data export: what was asked for, and whether all of it is here."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from cds_service.screen.kinds import KEYS, TYPES

Json = dict[str, Any]

#: Parameters of the export that leave something out, and what they do.
_RESTRICTIONS: Mapping[str, str] = {
    "_since": "the export holds only what changed since a date",
    "_until": "the export holds only what changed until a date",
    "_elements": "the export holds only some elements",
    "_typeFilter": "the export was filtered",
}
#: Parts of a manifest, and what it means that a file of them is not there.
_PARTS: Mapping[str, str] = {
    "output": "is in the manifest of the export, and not there",
    "error": "holds errors of the export by its manifest, and is not there",
    "deleted": "names what was deleted by the manifest, and is not there",
}
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True, slots=True)
class Checked:
    """What manifests tell: problems (a file's name and a reason), and what is not complete."""

    problems: tuple[tuple[str, str], ...]
    #: Prefetch keys of which something is missing, and why.
    partial: Mapping[str, str]
    #: Prefetch keys that were asked for: where there is nothing of them, nobody has any.
    asked: frozenset[str]
    #: The day of the (oldest) export, as it was written; "" where that is not known.
    day: str = ""


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
    days = [str(manifest["transactionTime"])[:10] for manifest in manifests]
    day = min((day for day in days if _DAY.fullmatch(day)), default="")
    return Checked(tuple(problems), partial, frozenset(asked), day)


def _query(manifest: Json) -> dict[str, list[str]]:
    return parse_qs(_split(manifest.get("request")).query)


def _split(address: object) -> SplitResult:
    try:
        return urlsplit(address if isinstance(address, str) else "")
    except ValueError:
        return urlsplit("")


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
    for item in _listed(manifests, "output"):
        yield str(item.get("type", "")), _name(item), item.get("count")


def _listed(manifests: Iterable[Json], part: str) -> Iterator[Json]:
    for manifest in manifests:
        items = manifest.get(part)
        for item in items if isinstance(items, list) else ():
            if isinstance(item, dict):
                yield item


def _name(item: Json) -> str:
    return PurePosixPath(unquote(_split(item.get("url")).path)).name


def _missing(manifests: Iterable[Json], names: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """Yield the files that are not there; where none bears its name, all have been renamed."""
    here = {_stem(name) for name in names}
    listed = [(kind, name, _PARTS["output"]) for kind, name, _ in _outputs(manifests)]
    for part in ("error", "deleted"):
        listed += [("", _name(item), _PARTS[part]) for item in _listed(manifests, part)]
    if any(_stem(name) in here for _, name, _ in listed):
        yield from (each for each in listed if each[1] and _stem(each[1]) not in here)


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
