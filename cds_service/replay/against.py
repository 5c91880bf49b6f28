"""The other version: saved results, another service, or another revision of the guideline."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from cds_service.replay import saved
from cds_service.replay.cases import Case, CaseError
from cds_service.replay.compare import Failed, Outcome
from cds_service.replay.outcome import Result
from cds_service.replay.play import Service, play
from cds_service.replay.remote import Remote, UnreachableError, without_secrets

_OF_A_SERVICE = (
    "The day on which a service evaluates is its own (CDS_TODAY there). States, windows and "
    "depth are compared where its answers carry the decision trace (CDS_TRACE=1 with "
    "CDS_AUTH=off, or the client's profile), else its cards alone."
)


Held = Result | Failed


class AgainstError(ValueError):
    """There is nothing under that name to compare with; the message says why."""


class Against(Protocol):
    """The version that the present one is compared with."""

    #: What it is, for people.
    label: str
    #: What a reader of the comparison has to know.
    notes: tuple[str, ...]

    #: The cases that it holds, whatever is played.
    held: Mapping[str, Held]

    def outcome(self, key: str, case: Case, now: Result, hooks: tuple[str, ...]) -> Outcome:
        """Return what it gives for a case that gave ``now``: same day, same Conditions."""


class Live:
    """A version that plays what it is given."""

    def __init__(
        self, at: Callable[[dt.date], Service], *, label: str, notes: tuple[str, ...] = ()
    ) -> None:
        """Take the service for a day."""
        self._at = at
        self.held: Mapping[str, Held] = {}
        self.label = label
        self.notes = notes

    def outcome(self, key: str, case: Case, now: Result, hooks: tuple[str, ...]) -> Outcome:
        """Play the case on the same day, with the same Conditions entered."""
        del key
        try:
            return play(
                case,
                service=self._at,
                hooks=hooks,
                date=dt.date.fromisoformat(now.today),
                enter=next((each.conditions for each in now.played if each.conditions), ()),
            )
        except CaseError as error:
            return Failed(error.reason)


class Kept:
    """Saved results."""

    notes: tuple[str, ...] = ()

    def __init__(self, folder: Path) -> None:
        """Read them all. Raises ``SavedError``."""
        outcomes, versions = saved.read(folder)
        self.held: Mapping[str, Held] = outcomes
        self.label = f"the results saved in {folder}{_versions(versions)}"

    def outcome(self, key: str, case: Case, now: Result, hooks: tuple[str, ...]) -> Outcome:
        """Return what was saved, limited to the hooks that are played."""
        del case, now
        kept = self.held.get(key)
        if not isinstance(kept, Result) or not hooks:
            return kept
        return replace(kept, played=tuple(each for each in kept.played if each.hook in hooks))


def _versions(versions: Mapping[str, str]) -> str:
    said = ", ".join(f"{name} {version}" for name, version in versions.items())
    return f" ({said})" if said else ""


def resolve(text: str, *, guideline: Path | None) -> Against:
    """Return the version that a user names: a directory, else an http address, else a revision.

    ``guideline`` is the file in use in place of the package's. Raises ``AgainstError``.
    """
    if not text:
        raise AgainstError("--against is empty; it is a directory, an http address or a revision")
    path = Path(text)
    if path.is_dir():
        try:
            return Kept(path)
        except saved.SavedError as error:
            raise AgainstError(str(error)) from None
    if path.exists():
        raise AgainstError(
            f"{text} is a file; saved results are a directory, and a git revision of that name "
            f"can be written refs/heads/{text} or refs/tags/{text}"
        )
    if text.lower().startswith(("http://", "https://")):
        try:
            service = Remote(text)
        except UnreachableError as error:
            raise AgainstError(str(error)) from None
        return Live(
            service.at, label=f"the service at {without_secrets(text)}", notes=(_OF_A_SERVICE,)
        )
    # only here: nothing else needs a second guideline
    from cds_service.replay.revision import Revision, RevisionError  # noqa: PLC0415

    try:
        revision = Revision(text, guideline)
    except RevisionError as error:
        raise AgainstError(str(error)) from None
    return Live(revision.at, label=revision.label, notes=revision.notes)
