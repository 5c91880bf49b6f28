"""Run the tests that name a requirement, and write docs/conformance.md from what they say.

usage: tools/conformance.py [PAGE]
"""

import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from cds_service.conform.requirements import Requirement, load

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "conformance.md"
_IDS = re.compile(r"#(\d+)\b(?!\.\d)(?: to #?(\d+))?")
#: Why a requirement can have no test here.
_REASONS = {
    1: "TLS is the reverse proxy's; `cds-service conform` checks it from outside",
    5: "no test measures time: it would depend on the machine",
    19: "every hook is one of the library's",
    27: "no template uses FHIRPath, so that every client resolves them",
    72: "organisational",
    149: "no card proposes a launch",
}


def ids_of(text: str | None) -> Iterator[int]:
    """Yield the requirements that a docstring names: #12, #13 to #15."""
    known = load()
    for first, last in _IDS.findall(text or ""):
        yield from (n for n in range(int(first), int(last or first) + 1) if n in known)


class Plugin:
    """Keeps the tests that name a requirement, and what became of each."""

    def __init__(self) -> None:
        """Start empty."""
        self.ids: dict[str, tuple[int, ...]] = {}
        self.failed: set[str] = set()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out the tests that name none."""
        for item in items:
            function = getattr(item, "function", None)
            self.ids[item.nodeid] = tuple(ids_of(getattr(function, "__doc__", None)))
        items[:] = [item for item in items if self.ids[item.nodeid]]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a failure."""
        if report.failed:
            self.failed.add(report.nodeid)


def page(plugin: Plugin) -> str:
    """Return the page as Markdown."""
    by_id: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for node, numbers in plugin.ids.items():
        for number in numbers:
            by_id[number][node.partition("[")[0].rpartition("::")[2]].append(node)
    rows = "\n".join(_row(item, by_id.get(number, {}), plugin) for number, item in load().items())
    lacking = [item for number, item in load().items() if number not in by_id]
    lines = "\n".join(
        f"- #{item.id} ({item.level}, {' and '.join(item.versions)}) {item.text}"
        + (f": {_REASONS[item.id]}" if item.id in _REASONS else "")
        for item in lacking
    )
    counts = "\n".join(_count(version, by_id) for version in ("2.0", "3.0"))
    return (
        "# Conformance to CDS Hooks 2.0 and 3.0\n\n"
        "Made by `make conformance` from a run of the tests that name a requirement in their "
        "docstring. Level `own` is engineering advice that the specification does not have. "
        "`cds-service conform URL` checks from outside what can be seen there, of any service.\n\n"
        f"| version | level | requirements | covered |\n|---|---|---|---|\n{counts}\n\n"
        "| # | level | 2.0 | 3.0 | requirement | tests |\n|---|---|---|---|---|---|\n"
        f"{rows}\n\n## Not covered by a test\n\n{lines}\n"
    )


def _row(item: Requirement, tests: dict[str, list[str]], plugin: Plugin) -> str:
    failed = any(node in plugin.failed for nodes in tests.values() for node in nodes)
    mark = "not covered" if not tests else "**fails**" if failed else "passes"
    versions = " | ".join(mark if version in item.versions else "–" for version in ("2.0", "3.0"))
    names = ", ".join(f"`{name}`" for name in sorted(tests)[:4])
    more = f" and {len(tests) - 4} more" if len(tests) > 4 else ""  # noqa: PLR2004
    return f"| {item.id} | {item.level} | {versions} | {item.text} | {names}{more} |"


def _count(version: str, by_id: dict[int, dict[str, list[str]]]) -> str:
    rows = []
    for level in ("MUST", "SHOULD", "MAY", "own"):
        own = [r for r in load().values() if r.level == level and version in r.versions]
        covered = sum(item.id in by_id for item in own)
        rows.append(f"| {version} | {level} | {len(own)} | {covered} |")
    return "\n".join(rows)


def main() -> int:
    """Return pytest's exit code."""
    plugin = Plugin()
    code = pytest.main(
        ["-q", "--no-header", "-p", "no:cacheprovider", str(ROOT / "tests")], [plugin]
    )
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else PAGE
    target.write_text(page(plugin), encoding="utf-8")
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
