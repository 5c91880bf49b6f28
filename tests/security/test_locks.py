"""The lock files: complete, with hashes, and what pyproject.toml asks for."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
GROUPS: dict[str, list[str]] = PROJECT["dependency-groups"]
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
LOCKS = sorted(ROOT.glob("requirements*.lock"))
#: Groups whose tools do not import the project.
APART = {"bench", "deploy", "security"}
each = pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)


def entries(lock: Path) -> list[str]:
    """Return the requirements of a lock file, each with its hashes, without comments."""
    text = re.sub(r"^\s*#.*\n", "", lock.read_text(), flags=re.MULTILINE)
    return [line.strip() for line in text.replace("\\\n", " ").splitlines() if line.strip()]


def name_of(requirement: str) -> str:
    """Return a package's name in its one spelling."""
    return re.sub(r"[-_.]+", "-", Requirement(requirement).name).lower()


def versions(lock: Path) -> dict[tuple[str, str], str]:
    """Return the version of each package, where there are several by their markers."""
    found = {}
    for entry in entries(lock):
        requirement = Requirement(entry.partition(" --hash")[0])
        (specifier,) = requirement.specifier
        assert specifier.operator == "==", entry
        found[name_of(str(requirement)), str(requirement.marker or "")] = specifier.version
    return found


def satisfied(lock: Path, wanted: list[str]) -> bool:
    """Return whether a lock file has each of these packages, in a version of its range."""
    found = {(name, version) for (name, _), version in versions(lock).items()}
    ranges = [Requirement(text) for text in wanted]
    return all(
        any(
            name == name_of(str(item)) and item.specifier.contains(version)
            for name, version in found
        )
        for item in ranges
    )


def group_of(lock: Path) -> str:
    """Return the group or extra that a lock file is named by; "" is the image's."""
    return lock.stem.removeprefix("requirements").lstrip("-")


def test_everything_is_locked() -> None:
    """What can be installed is locked: the project, each group of tools, and each extra."""
    names = {group_of(lock) for lock in LOCKS}
    assert {"", *GROUPS} <= names <= {"", *GROUPS, *EXTRAS}
    for name, wanted in EXTRAS.items():
        assert any(satisfied(lock, wanted) for lock in LOCKS), name


@each
def test_hashes(lock: Path) -> None:
    """Every package is of one version, and has the SHA-256 of each of its files."""
    assert len(versions(lock)) == len(entries(lock)) > 0
    for entry in entries(lock):
        hashes = re.findall(r"--hash=(\S+)", entry)
        assert hashes, entry
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", item) for item in hashes)


@each
def test_no_address(lock: Path) -> None:
    """Where packages come from is the user's choice: no index, no address, no local file."""
    assert not re.search(r"--(extra-)?index-url|--find-links|--trusted-host|://", lock.read_text())


@each
def test_satisfies(lock: Path) -> None:
    """Each range that pyproject.toml names holds the locked version."""
    group = group_of(lock)
    assert satisfied(lock, GROUPS.get(group, []) + EXTRAS.get(group, []))
    if group not in APART:
        assert satisfied(lock, PROJECT["project"]["dependencies"] + EXTRAS["postgresql"])
    if group not in APART | {""}:
        assert satisfied(lock, GROUPS["dev"])


@each
def test_what_is_tested_is_what_is_run(lock: Path) -> None:
    """Whatever the tests import with the project is of the version that the image has."""
    if group_of(lock) not in APART:
        assert versions(ROOT / "requirements.lock").items() <= versions(lock).items()
