"""The risk file and the threat model: what they name is there, and nothing is left open."""

import ast
import functools
import re
from pathlib import Path

import pytest

from cds_service.settings import SETTINGS

ROOT = Path(__file__).parents[2]
RISK = (ROOT / "docs" / "risk.md").read_text()
THREATS = (ROOT / "docs" / "threat-model.md").read_text()
PAGES = ("SECURITY.md", "docs/security.md", "docs/threat-model.md", "docs/risk.md")
#: Tests and controls, as the pages name them.
NAMED = re.compile(
    r"`((?:tests|cds_service|tools|deploy)/[\w./-]+|Dockerfile|Makefile|requirements\.lock)"
    r"(?:::(\w+))?`"
)
FIELDS = ("Sequence", "Harm", "Controls", "Proof", "Residual")


@functools.cache
def functions(path: str) -> frozenset[str]:
    """Return the tests of a module that pytest would collect."""
    tree = ast.parse((ROOT / path).read_text())
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def hazards() -> dict[str, dict[str, str]]:
    """Return each hazard's fields by its heading."""
    found = {}
    for part in re.split(r"^## ", RISK, flags=re.MULTILINE)[1:]:
        title, _, body = part.partition("\n")
        fields = re.findall(r"- \*\*(\w+):\*\* (.+?)(?=\n- \*\*|\Z)", body, flags=re.DOTALL)
        found[title] = dict(fields)
    return found


def rows(text: str) -> list[list[str]]:
    """Return the cells of every row of the page's tables, but for their heads."""
    lines = re.findall(r"^\|(.+)\|$(?!\n\|[-|]+\|)", text, flags=re.MULTILINE)
    return [[cell.strip() for cell in line.split("|")] for line in lines if set(line) - set("-|")]


@pytest.mark.parametrize("page", PAGES)
def test_what_is_named_exists(page: str) -> None:
    """Every file, test, setting and make target that a page names is there."""
    text = (ROOT / page).read_text()
    for path, name in NAMED.findall(text):
        assert (ROOT / path).exists(), path
        if name:
            assert path.startswith("tests/")
            assert name.startswith("test_")
            assert name in functions(path), f"{path}::{name}"
    for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert ((ROOT / page).parent / link).exists(), link
    settings = {setting.name for setting in SETTINGS}
    assert set(re.findall(r"CDS_[A-Z_]+", text)) <= settings
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert set(re.findall(r"`make ([\w-]+)`", text)) <= targets


def test_every_hazard_is_whole() -> None:
    """A hazard has its sequence, harm and controls, tests that prove them, and what remains."""
    for title, fields in hazards().items():
        assert tuple(fields) == FIELDS, title
        assert any(not path.startswith("tests/") for path, _ in NAMED.findall(fields["Controls"]))
        proofs = NAMED.findall(fields["Proof"])
        assert proofs
        assert all(name for _, name in proofs)
        assert not re.sub(NAMED, "", fields["Proof"]).strip(" ,\n")


def test_the_table_has_every_hazard() -> None:
    """The table at the head lists the hazards in their order, estimated on the scales."""
    listed = [cells for cells in rows(RISK) if cells[0].startswith("[H")]
    assert [f"{cells[0][1:].partition(']')[0]} {cells[1]}" for cells in listed] == list(hazards())
    for link, title, severity, before, after in listed:
        name = f"{link[1:].partition(']')[0]} {title}"
        anchor = re.sub(r"[^\w -]", "", name.lower()).replace(" ", "-")
        assert link.endswith(f"(#{anchor})")
        assert re.fullmatch(r"S[1-4]", severity)
        assert re.fullmatch(r"P[1-4]", before)
        assert re.fullmatch(r"P[1-4]", after)
        assert after <= before


def test_the_named_hazards_are_there() -> None:
    """Those that must not be forgotten are among them, and the estimates are called estimates."""
    titles = " ".join(hazards()).lower()
    for hazard in ("wrong depth", "missed metastasis", "not due", "wrong patient", "stale data"):
        assert hazard in titles
    assert "for the hospital's own assessment" in RISK


def test_every_threat_has_control_and_test() -> None:
    """Each row of the threat model is of STRIDE, with a control that exists and a test."""
    threats = [cells for cells in rows(THREATS) if len(cells) == 4 and len(cells[0]) == 1]
    assert {cells[0] for cells in threats} == set("STRIDE")
    for _, threat, control, test in threats:
        assert any(not path.startswith("tests/") for path, _ in NAMED.findall(control)), threat
        assert all(name for _, name in NAMED.findall(test)), threat
        assert NAMED.findall(test), threat


def test_every_border_says_what_is_left() -> None:
    """No border of the threat model claims to be without gap."""
    borders = re.split(r"^## ", THREATS, flags=re.MULTILINE)[1:]
    assert len(borders) == 7
    assert all("\nLeft: " in border for border in borders)
