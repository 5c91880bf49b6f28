"""What a run says of itself: the report beside its rows, and the lines on the terminal."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from cds_service import __version__, terminology
from cds_service.screen.completeness import Completeness
from cds_service.screen.evaluation import Screening
from cds_service.screen.inputs import Export
from cds_service.screen.tally import FOREIGN, NO_JSON, Tally

Json = dict[str, Any]

_NO_FHIR = (FOREIGN, NO_JSON)
#: The most problems that a report names.
NAMED = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was read and what became of it; nothing in it is a patient's."""

    export: Export
    engine: str
    screening: Screening
    tally: Tally
    completeness: Completeness
    #: How many patients became what (:data:`cds_service.screen.evaluation.Outcome`).
    patients: Mapping[str, int]

    @property
    def problems(self) -> list[Json]:
        """What could not be read or evaluated: file, line, reason, and how often."""
        of_files = (
            _present(
                file=self._name(item.file), line=item.line, reason=item.reason, count=item.times
            )
            for item in self.tally.problems
            if item.reason != FOREIGN or item.file in self.tally.fhir
        )
        missing = (
            _present(file=file, reason=reason, count=1)
            for file, reason in self.completeness.problems
        )
        return [*missing, *of_files]

    @property
    def left_out(self) -> list[Json]:
        """What was left out with good reason."""
        notes = Counter(self.tally.notes)
        for problem in self.tally.problems:
            if problem.reason == FOREIGN and problem.file not in self.tally.fhir:
                notes[problem.file, FOREIGN] += problem.times
        return [
            {"file": self._name(file), "reason": reason, "count": count}
            for (file, reason), count in sorted(notes.items())
        ]

    def _name(self, file: int) -> str:
        return self.export.files[file].name

    def as_json(self) -> bytes:
        """Return the report's file."""
        problems, left_out = self.problems, self.left_out
        body = {
            "program": __version__,
            "guideline": self.screening.guideline.version,
            "valueSets": terminology.load().version,
            "engine": self.engine,
            "today": self.screening.today.isoformat(),
            "exported": self.completeness.day,
            "files": len(self.export.files),
            "resources": dict(sorted(self.tally.types.items())),
            "lacking": dict(sorted(self.screening.lacking.items())),
            "patients": dict(sorted(self.patients.items())),
            "problems": problems[:NAMED],
            "problemsNotNamed": len(problems[NAMED:]),
            "leftOut": left_out[:NAMED],
            "leftOutNotNamed": len(left_out[NAMED:]),
        }
        return orjson.dumps(body, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)

    def lines(self, *, most: int) -> Iterator[str]:
        """Yield what is said on the terminal, at most so many problems of it."""
        day = self.completeness.day
        if day and day < self.screening.today.isoformat():
            yield f"The export is of {day}: what has happened since then is not known."
        for key, reason in sorted(self.screening.lacking.items()):
            yield f"{key}: {reason}"
        problems = self.problems
        for problem in problems[:most]:
            where = ":".join(str(problem[name]) for name in ("file", "line") if name in problem)
            times = f" ({problem['count']} times)" if problem["count"] > 1 else ""
            yield f"{where}: {problem['reason']}{times}" if where else problem["reason"]
        if len(problems) > most:
            yield f"… and {len(problems) - most} more; the report names them"
        left_out = len({note["file"] for note in self.left_out if note["reason"] in _NO_FHIR})
        if left_out:
            yield f"{left_out} files hold no FHIR; the report names them"
        unread = self.patients.get("unread", 0)
        if unread:
            yield f"{unread} patients have no row, but not all of theirs could be read"


def _present(**members: str | int | None) -> Json:
    return {name: value for name, value in members.items() if value not in {"", None}}
