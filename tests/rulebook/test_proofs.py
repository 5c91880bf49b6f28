import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

from cds_service.guideline import load as load_guideline
from cds_service.rulebook import Book, proofs

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    """Return the script that makes proofs.json."""
    path = ROOT / "tools" / "prove_rules.py"
    spec = importlib.util.spec_from_file_location("prove_rules", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_index_is_what_the_cases_prove_today(tool: ModuleType) -> None:
    """The shipped index is the one that playing every case gives."""
    shipped = tool.TARGET.read_text(encoding="utf-8")
    assert shipped == tool.build(), "stale: run python tools/prove_rules.py and commit its result"


def test_every_rule_is_proven(book: Book) -> None:
    """No rule of the guideline is without a case in which it decides."""
    unproven = [rule for rule in book.guideline.rules if not book.proofs.of(rule)]
    assert unproven == [], "add a case to fixtures/fhir that reaches the rule"


def test_no_case_proves_what_is_not_there(book: Book) -> None:
    """The index names only rules of the guideline, and every case of it has its reason."""
    assert set(book.proofs.cases) <= set(load_guideline().rules)
    assert all(len(why) > 10 for why in book.proofs.why.values())


def test_an_unproven_rule_is_named(tool: ModuleType) -> None:
    """The script tells which rules no case proves."""
    table = json.dumps({"case": {"why": "", "rules": ["margin.clear"]}})
    missing = tool.unproven(table)
    assert "margin.clear" not in missing
    assert len(missing) == len(load_guideline().rules) - 1


def test_a_case_that_differs_proves_nothing(tool: ModuleType, tmp_path: Path) -> None:
    """A case whose answer is not the expected one ends the script, by its name."""
    source = ROOT / "fixtures" / "fhir" / "dermal-biopsy-only-excise-1cm"
    case = tmp_path / source.name
    case.mkdir()
    for file in source.iterdir():
        text = file.read_text(encoding="utf-8")
        (case / file.name).write_text(text.replace('"right forearm", "depth"', '"left", "depth"'))
    with pytest.raises(SystemExit, match=source.name):
        tool.build(tmp_path)


def test_loads() -> None:
    """The index is turned round: from a rule to its cases."""
    text = json.dumps(
        {"one": {"why": "because", "rules": ["a", "b"]}, "two": {"why": "why", "rules": ["b"]}}
    )
    found = proofs.loads(text)
    assert found.of("a") == ("one",)
    assert found.of("b") == ("one", "two")
    assert found.of("c") == ()
    assert found.why == {"one": "because", "two": "why"}
