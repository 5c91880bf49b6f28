"""Asks for known vulnerabilities of every locked package; what was not asked about is no pass.

python tools/audit.py requirements.lock …      the exit code is 0: none known, 1: some, 3: not known

AUDIT_SERVICE chooses pip-audit's source: pypi (default) or osv.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

NONE, SOME, UNKNOWN = 0, 1, 3


def verdict(packages: Iterable[Mapping[str, Any]]) -> tuple[int, list[str]]:
    """Return the exit code and the words for what pip-audit says of the packages."""
    bad, skipped, asked = [], [], 0
    for package in packages:
        if "skip_reason" in package:
            skipped.append(f"{package['name']}: {package['skip_reason']}")
            continue
        asked += 1
        for each in package["vulns"]:
            fixed = ", ".join(each.get("fix_versions", ())) or "none"
            name = f"{package['name']} {package['version']}"
            bad.append(f"VULNERABLE {name}: {each['id']}, fixed in: {fixed}")
    lines = [*bad, *(f"NOT AUDITED {item}" for item in skipped)]
    if bad:
        return SOME, lines
    if skipped or not asked:
        hint = "Can the vulnerability service be reached? AUDIT_SERVICE=osv asks another one."
        return UNKNOWN, [*lines, f"NOT AUDITED: {len(skipped)} entries. This is no pass. {hint}"]
    return NONE, [f"{asked} packages, no known vulnerability"]


def ask(lock: Path) -> list[dict[str, Any]]:
    """Return what pip-audit says of each package; where it fails, that nothing is known."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", lock, "--format", "json"]
    options = ["--disable-pip", "--require-hashes", "--progress-spinner", "off"]
    service = ["--vulnerability-service", os.environ.get("AUDIT_SERVICE") or "pypi"]
    done = subprocess.run(  # noqa: S603 - our own arguments
        [*command, *options, *service], check=False, capture_output=True, text=True
    )
    try:
        packages: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        said = done.stderr.strip().splitlines()
        return [{"name": str(lock), "skip_reason": said[-1] if said else "pip-audit failed"}]
    return packages


def main(locks: Sequence[str]) -> int:
    """Ask about every lock file; return the worst exit code."""
    worst = NONE
    for lock in locks:
        code, lines = verdict(ask(Path(lock)))
        print(f"{lock}:", *lines, sep="\n  ")
        worst = code if worst in {NONE, UNKNOWN} and code else worst
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
