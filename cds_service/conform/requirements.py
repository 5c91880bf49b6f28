"""The requirements on a CDS service, by their numbers; ``requirements.toml`` holds them."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

Level = Literal["MUST", "SHOULD", "MAY", "own"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One requirement. Level ``own``: engineering advice, not the specification's."""

    id: int
    level: Level
    #: The versions of CDS Hooks that have it.
    versions: tuple[str, ...]
    text: str


@cache
def load() -> Mapping[int, Requirement]:
    """Return every requirement by its number."""
    text = files("cds_service.conform").joinpath("requirements.toml").read_text("utf-8")
    found: dict[int, Requirement] = {}
    for section in tomllib.loads(text)["section"]:
        for number, level, versions, words in section["rows"]:
            found[number] = Requirement(
                id=number, level=level, versions=tuple(versions.split()), text=words
            )
    return found
