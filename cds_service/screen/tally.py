"""What was read and what was not: counted, and named by file and line, without patient data."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Json = dict[str, Any]

#: Problems of one unit of work that are named one by one; the others are counted.
NAMED = 50
#: The reason of JSON that is not FHIR: no problem in a file that holds nothing else.
FOREIGN = "is no FHIR resource"
#: The reason of a file that neither is JSON nor is called so.
NO_JSON = "is no JSON"


class Problem(NamedTuple):
    """Something that could not be read or evaluated: the number of a file, a line, a reason."""

    file: int
    line: int | None
    reason: str
    times: int = 1


@dataclass(slots=True)
class Tally:
    """What reading a part of an export found."""

    #: Resources by type, those that are not needed included; 0 where a file says "none".
    types: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)
    #: What was left out with good reason, by file.
    notes: Counter[tuple[int, str]] = field(default_factory=Counter)
    #: Files that hold FHIR resources.
    fhir: set[int] = field(default_factory=set)
    manifests: list[Json] = field(default_factory=list)
    #: Prefetch keys of which a part could not be read, whoever's it was, and why.
    damaged: dict[str, str] = field(default_factory=dict)
    _more: Counter[tuple[int, str]] = field(default_factory=Counter)

    @property
    def is_empty(self) -> bool:
        """Whether nothing of FHIR was found, and nothing that may have been."""
        return not self.types and all(problem.reason == FOREIGN for problem in self.problems)

    def problem(self, file: int, line: int | None, reason: str) -> None:
        """Note a problem; of very many in one part most are only counted."""
        if len(self.problems) < NAMED:
            self.problems.append(Problem(file, line, reason))
        else:
            self._more[file, reason.partition(" (")[0]] += 1

    def all_problems(self) -> Iterable[Problem]:
        """Yield the problems, those that are only counted last."""
        yield from self.problems
        for (file, reason), count in sorted(self._more.items()):
            yield Problem(file, None, reason, count)
