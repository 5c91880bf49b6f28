"""Which kinds of records an export lacks: what nobody could read is not what nobody has."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cds_service.screen import manifest
from cds_service.screen.kinds import KEYS, TYPES
from cds_service.screen.tally import Tally


@dataclass(frozen=True, slots=True)
class Completeness:
    """What is lacking, by prefetch key with the reason, and what the manifest misses."""

    lacking: Mapping[str, str]
    #: A file's name ("" where it is not about one file) and a reason.
    problems: tuple[tuple[str, str], ...]
    #: The day of the export, "" where that is not known.
    day: str = ""


def completeness(tally: Tally, names: Iterable[str]) -> Completeness:
    """Judge what was read; ``names`` are those of the files."""
    checked = manifest.check(tally.manifests, names=names, counts=tally.types)
    known = {KEYS[kind] for kind in tally.types if kind in KEYS} | checked.asked
    lacking = {
        key: f"the export holds no {kind}" for key, kind in TYPES.items() if key not in known
    }
    return Completeness(
        {**lacking, **tally.damaged, **checked.partial}, checked.problems, checked.day
    )
