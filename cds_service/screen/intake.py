"""Files into records and a tally: what every engine does with the pieces of a file."""

from collections.abc import Callable, Iterable

from cds_service.screen.kinds import KEYS
from cds_service.screen.reading import Damaged, NotJson, Piece, type_named
from cds_service.screen.sorting import sort
from cds_service.screen.tally import FOREIGN, NO_JSON, Tally

#: Takes a record: the patient, the payload, the number of the file and the line.
Add = Callable[[str, bytes, int, int], None]


class Intake:
    """Hands on the records of some files, and tallies what it met."""

    def __init__(self, add: Add) -> None:
        """Hand records on to ``add``."""
        self.tally = Tally()
        #: References of resources that the export says were deleted.
        self.deleted: list[str] = []
        self._add = add

    def take(self, file: int, name: str, pieces: Iterable[Piece]) -> int:
        """Sort the pieces of a file, or of a part of it; return the line of the last one."""
        seen: set[str] = set()
        line = 0
        try:
            for line, raw, problem in pieces:
                if raw:
                    seen |= self._sort(raw, file, line)
                elif problem:
                    self.tally.problem(file, line, problem)
                    self._damaged(seen, name, "a line of the export is too long to be read")
        except NotJson:
            self.tally.notes[file, NO_JSON] += 1
        except Damaged as error:
            self.tally.problem(file, line or None, str(error))
            self._damaged(seen, name, "a file of the export could not be read to its end")
        else:
            if not line and (named := type_named(name)):
                # There are none, which is not the same as no such file.
                self.tally.types[named] += 0
        return line

    def _sort(self, raw: bytes, file: int, line: int) -> set[str]:
        """Sort one piece; return the types of its resources."""
        found, tally = sort(raw), self.tally
        for patient, payload in found.records:
            self._add(patient, payload, file, line)
        for reason in found.problems:
            tally.problem(file, line or None, reason)
        for reason in found.notes:
            tally.notes[file, reason] += 1
        if found.foreign:
            tally.problem(file, line or None, FOREIGN)
        if found.manifest:
            tally.manifests.append(found.manifest)
        if found.types:
            tally.types.update(found.types)
            tally.fhir.add(file)
        self.deleted += found.deleted
        return set(found.types)

    def _damaged(self, seen: set[str], name: str, reason: str) -> None:
        """Note of which kinds something was not read: those of the file, else any."""
        named = type_named(name)
        keys = {KEYS[kind] for kind in seen & KEYS.keys()} or ({KEYS[named]} if named else set())
        self.tally.damaged |= dict.fromkeys(sorted(keys or set(KEYS.values())), reason)
