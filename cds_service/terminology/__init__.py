"""Which value sets a code belongs to.

    terms = load()
    terms.sets_of("http://snomed.info/sct", "254771006")  # {"cutaneous-leiomyosarcoma"}

The value sets are the FHIR ValueSet files of ``valuesets/``.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from cds_service.terminology.systems import (
    ICD_10,
    ICD_10_CM,
    ICD_11,
    MAX_LENGTH,
    canonical_system,
    normal_code,
)

__all__ = ["Terminology", "ValueSet", "canonical_system", "documents", "load"]

_NONE: frozenset[str] = frozenset()

#: Codes that ICD-10-CM uses in another sense than the ICD-10 of WHO and its modifications.
_OTHER_THAN_WHO = frozenset({"C80.0"})


@dataclass(frozen=True, slots=True)
class ValueSet:
    """A value set: its slug, what it is for, and its codes as (system, code, display)."""

    slug: str
    url: str
    title: str
    description: str
    codes: tuple[tuple[str, str, str | None], ...]
    version: str = ""
    copyright: str = ""


@dataclass(frozen=True, slots=True)
class Terminology:
    """All value sets, indexed by code."""

    #: Every value set by its slug.
    value_sets: Mapping[str, ValueSet]
    #: The version of the value sets, which are released together.
    version: str
    _sets_of: Callable[[str, str], frozenset[str]]
    _displays: Mapping[tuple[str, str], str]

    def sets_of(self, system: str | None, code: str | None) -> frozenset[str]:
        """Return the slugs of the value sets that hold ``code`` of ``system``.

        Any known spelling of system and code will do. An ICD-10 code belongs to the sets of
        the categories above it, too; the parts of an ICD-11 cluster count each.
        """
        if not (system and code) or len(system) + len(code) > MAX_LENGTH:
            return _NONE
        return self._sets_of(system, code)

    def display(self, system: str | None, code: str | None) -> str | None:
        """Return the display of a listed code; None if it is not listed or has none."""
        if not (system and code) or len(system) + len(code) > MAX_LENGTH:
            return None
        canonical = canonical_system(system)
        key = normal_code(canonical, code)
        return self._displays.get((canonical, key[1])) or self._displays.get(key)


def _read(document: Mapping[str, Any]) -> ValueSet:
    return ValueSet(
        slug=document["id"],
        url=document["url"],
        title=document["title"],
        description=document["description"],
        codes=tuple(
            (include["system"], concept["code"], concept.get("display"))
            for include in document["compose"]["include"]
            for concept in include["concept"]
        ),
        version=document["version"],
        copyright=document.get("copyright", ""),
    )


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _ancestry(system: str, code: str) -> Iterator[str]:
    yield code
    if system == ICD_10:
        for length in range(len(code) - 1, 2, -1):
            yield code[:length].removesuffix(".")


def _lookup(
    index: Mapping[tuple[str, str], frozenset[str]],
) -> Callable[[str, str], frozenset[str]]:
    def sets_of(uri: str, code: str) -> frozenset[str]:
        canonical = canonical_system(uri)
        found: frozenset[str] = _NONE
        for part in re.split(r"[&/]", code) if canonical == ICD_11 else (code,):
            system, plain = normal_code(canonical, part)
            if plain in _OTHER_THAN_WHO and canonical == ICD_10:
                continue
            for name in _ancestry(system, plain):
                found |= index.get((system, name), _NONE)
        return found

    # A chart repeats its codes; the bound keeps a flood of made-up ones from filling memory.
    return lru_cache(maxsize=16384)(sets_of)


def documents() -> tuple[dict[str, Any], ...]:
    """Return the value sets of the package as they are published: FHIR R4 ValueSets, by id."""
    folder = files("cds_service.terminology") / "valuesets"
    return tuple(
        json.loads(entry.read_text(encoding="utf-8"))
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".json")
    )


@cache
def load() -> Terminology:
    """Read the value sets of the package, once per process."""
    value_sets = {document["id"]: _read(document) for document in documents()}
    index: dict[tuple[str, str], frozenset[str]] = {}
    displays: dict[tuple[str, str], str] = {}
    for value_set in value_sets.values():
        for system, code, display in value_set.codes:
            key = normal_code(system, code)
            index[key] = index.get(key, _NONE) | {value_set.slug}
            if display:
                displays[system, key[1]] = display
                if system == ICD_10_CM and key[1] not in _OTHER_THAN_WHO:
                    displays.setdefault((ICD_10, key[1]), display)
    return Terminology(
        value_sets=MappingProxyType(value_sets),
        version=max((each.version for each in value_sets.values()), key=_parts),
        _sets_of=_lookup(MappingProxyType(index)),
        _displays=MappingProxyType(displays),
    )
