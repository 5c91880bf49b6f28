"""The worked cases of the project's checkout, in groups; none where the package is installed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cds_service.replay import cases
from cds_service.replay.cases import Case, CaseError
from cds_service.rulebook import proofs

_OTHER = "HLRCC and others"
#: The groups in the order in which they are shown, with the first words of their cases' names.
_GROUPS: Mapping[str, tuple[str, ...]] = {
    "As an EHR sends it": ("entered", "epic"),
    "Dermal": ("dermal", "aismn"),
    "Subcutaneous": ("subcutaneous",),
    "Depth unknown": ("depth",),
    "Several tumours": ("two",),
    _OTHER: (),
    "Traps": ("trap",),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One worked case: its name says the answer that is expected of it, ``why`` the reason."""

    name: str
    why: str


class Library:
    """Finds worked cases by name."""

    def __init__(self, root: Path = cases.WORKED) -> None:
        """Take the directory of the cases, which need not exist."""
        self._paths = {path.parent.name: path for path in cases.find(root)} if root.is_dir() else {}

    @property
    def groups(self) -> Mapping[str, tuple[Entry, ...]]:
        """The cases by group."""
        why = proofs.load().why
        found: dict[str, list[Entry]] = {title: [] for title in _GROUPS}
        for name in self._paths:
            found[_group(name)].append(Entry(name, why.get(name, "")))
        return {title: tuple(entries) for title, entries in found.items() if entries}

    def case(self, name: str) -> Case:
        """Return a case. Raises :class:`CaseError` where there is none, or its files are broken."""
        if name not in self._paths:
            raise CaseError(Path(name), "there is no worked case of this name")
        return cases.read(self._paths[name])


def _group(name: str) -> str:
    first = name.partition("-")[0]
    return next((title for title, words in _GROUPS.items() if first in words), _OTHER)
