"""What every report tells: the cases, the two versions, and how many differ."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cds_service.replay.cases import CaseError
from cds_service.replay.compare import Comparison, Outcome, counted
from cds_service.replay.outcome import Result
from cds_service.replay.run import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A run, with or without another version to compare with."""

    entries: tuple[Entry, ...]
    #: The present service, in words.
    service: str
    #: The version that it is compared with, in words; "" where there is none.
    against: str = ""
    #: What a reader of the comparison has to know.
    notes: tuple[str, ...] = ()

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """What became of each case that is here."""
        return {entry.key: entry.outcome for entry in self.entries if entry.outcome}

    @property
    def results(self) -> tuple[Result, ...]:
        """The cases that could be played."""
        return tuple(e.outcome for e in self.entries if isinstance(e.outcome, Result))

    @property
    def errors(self) -> tuple[CaseError, ...]:
        """The cases that could not be played."""
        return tuple(entry.error for entry in self.entries if entry.error)

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        """The cases that were compared, in order."""
        return tuple(entry.comparison for entry in self.entries if entry.comparison)

    @property
    def differing(self) -> tuple[Comparison, ...]:
        """The cases that differ."""
        return tuple(each for each in self.comparisons if not each.same)

    @property
    def same(self) -> tuple[Comparison, ...]:
        """The cases that were played on both sides and are the same."""
        return tuple(c for c in self.comparisons if c.same and isinstance(c.after, Result))

    @property
    def versions(self) -> dict[str, str]:
        """The versions of what was played."""
        return {"service": self.service} | _versions(self.results)

    @property
    def now(self) -> str:
        """The present version, in words."""
        said = ", ".join(f"{name} {version}" for name, version in _versions(self.results).items())
        return f"{self.service} ({said})" if said else self.service

    @property
    def failed(self) -> bool:
        """Whether anything differs: from the other version, or else from the expectations."""
        return bool(self.differing) if self.against else bool(self.unexpected)

    @property
    def unexpected(self) -> int:
        """How many results differ from their expectation."""
        return sum(result.failed for result in self.results)

    def remarks(self) -> Iterator[str]:
        """Yield what a reader has to know beside the differences."""
        yield from self.notes
        before, after = (
            _versions(each for each in sides if isinstance(each, Result))
            for sides in (
                [each.before for each in self.comparisons],
                [each.after for each in self.comparisons],
            )
        )
        for name in before:
            if before[name] != after.get(name, before[name]):
                yield (
                    f"Version of the {name}: {before[name]} there, {after[name]} here. "
                    "That alone is no difference."
                )
        apart = [each for each in self.comparisons if each.cards_alone]
        if apart:
            yield (
                f"Of {len(apart)} {_cases(len(apart))} only the cards are compared: states, "
                "windows and depth of one side are not within reach."
            )
        if self.unexpected:
            yield (
                f"Different from expected.json: {self.unexpected} {_cases(self.unexpected)}; "
                "replay without --against shows how. That alone does not count here."
            )

    def total(self) -> str:
        """Return the whole in one sentence."""
        only = counted(self.differing)
        here, there = only.get("only here", 0), only.get("only there", 0)
        if not self.against:
            played, off = len(self.results), self.unexpected
            return f"{played} {_cases(played)} played, {off} with differences{self._unplayed()}"
        said = f"{len(self.same)} {_cases(len(self.same))} the same, {len(self.differing)} differ"
        apart = [f"{here} only here"] * bool(here) + [f"{there} only there"] * bool(there)
        said += f" ({', '.join(apart)})" if apart else ""
        return said + self._unplayed()

    def _unplayed(self) -> str:
        return f"; {len(self.errors)} could not be played" if self.errors else ""


def _versions(results: Iterable[Result]) -> dict[str, str]:
    found: dict[str, set[str]] = {}
    for result in results:
        for name, version in result.versions.items():
            found.setdefault(name, set()).add(version)
    return {name: " and ".join(sorted(versions)) for name, versions in found.items()}


def _cases(number: int) -> str:
    return "case" if number == 1 else "cases"
