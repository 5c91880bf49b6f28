"""The guideline of another git revision, loaded by the present code."""

import datetime as dt
import subprocess
from importlib import resources
from pathlib import Path

from cds_service.guideline import Guideline, GuidelineError, checked
from cds_service.replay.local import Local

_SECONDS = 30


class RevisionError(ValueError):
    """There is no such revision of the guideline, or the present code cannot load it."""


class Revision:
    """The guideline file as it was at a revision; the code, value sets and phrases of now."""

    def __init__(self, name: str, guideline: Path | None) -> None:
        """Read the file that is in use (``guideline``, by default the package's) at ``name``."""
        package = Path(str(resources.files("cds_service.guideline")))
        self._file = (guideline or package / "guideline.toml").resolve()
        self.commit = self._resolved(name)
        text = self._git(
            "show",
            f"{self.commit}:./{self._file.name}",
            failed=f"{self._file} is not in the git revision {name}",
        )
        try:
            self.guideline: Guideline = checked(text)
        except GuidelineError as error:
            raise RevisionError(
                f"The present code cannot load the guideline of {name}: {error}"
            ) from None
        self._locals: dict[dt.date, Local] = {}
        self.label = f"the guideline of {name} ({self.commit[:12]}), with the present code"
        self.notes = tuple(self._other_data(package))

    def at(self, today: dt.date) -> Local:
        """Return the service of a day with this guideline."""
        if today not in self._locals:
            self._locals[today] = Local(today, self.guideline)
        return self._locals[today]

    def _resolved(self, name: str) -> str:
        inside = self._run("rev-parse", "--is-inside-work-tree")
        if inside.returncode:
            raise RevisionError(
                f"{name} is no directory and no http address, and as a revision it needs a git "
                f"checkout: {self._file.parent} is in none ({_said(inside)})"
            )
        return self._git(
            "rev-parse",
            "--verify",
            "--quiet",
            "--end-of-options",
            f"{name}^{{commit}}",
            failed=f"{name} is no directory, no http address, and no revision of the git checkout "
            f"that {self._file} is in",
        ).strip()

    def _other_data(self, package: Path) -> list[str]:
        """Return what else of the service's data is not of the revision."""
        folder = package.parent / "terminology" / "valuesets"
        if (
            self._file.is_relative_to(package)
            and self._run("diff", "--quiet", self.commit, "--", str(folder)).returncode
        ):
            return ["The value sets differ, too; both sides are evaluated with the present ones."]
        return []

    def _git(self, *arguments: str, failed: str) -> str:
        done = self._run(*arguments)
        if done.returncode:
            said = _said(done)
            raise RevisionError(f"{failed}{f': {said}' if said else ''}")
        return done.stdout

    def _run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        try:
            return subprocess.run(  # noqa: S603 - arguments are no options, and no shell sees them
                ["git", "-C", str(self._file.parent), *arguments],  # noqa: S607 - the user's git
                capture_output=True,
                text=True,
                encoding="utf-8",
                errors="replace",
                timeout=_SECONDS,
                check=False,
            )
        except FileNotFoundError:
            raise RevisionError(
                "A git revision needs the command git, which is not here."
            ) from None
        except subprocess.TimeoutExpired:
            raise RevisionError(f"git did not answer within {_SECONDS} seconds.") from None


def _said(done: "subprocess.CompletedProcess[str]") -> str:
    return " ".join(done.stderr.split())
