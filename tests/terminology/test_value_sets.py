"""The shipped files: valid FHIR, right check digits, verified codes, reproducible."""

import importlib.util
import json
import os
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from fhir.resources.R4B.valueset import ValueSet

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "cds_service" / "terminology" / "valuesets"
FILES = sorted(FOLDER.glob("*.json"))
CODES = Path(os.environ.get("CDS_CODES", ROOT.parent / "shared" / "terminology" / "codes.json"))
SNOMED = "http://snomed.info/sct"
LOINC = "http://loinc.org"
CPT = "http://www.ama-assn.org/go/cpt"


def _tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "build_value_sets", ROOT / "tools" / "build_value_sets.py"
    )
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TOOL = _tool()


def concepts() -> list[tuple[str, str, dict[str, Any]]]:
    """Return (slug, system, concept) of everything that is shipped."""
    return [
        (file.stem, include["system"], concept)
        for file in FILES
        for include in json.loads(file.read_text(encoding="utf-8"))["compose"]["include"]
        for concept in include["concept"]
    ]


@pytest.fixture
def codes() -> Path:
    """Return the researched codes, which are not part of the repository."""
    if not CODES.is_file():
        pytest.skip("the list of researched codes is not on this machine")
    return CODES


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_is_a_valid_value_set(file: Path) -> None:
    """Each file is an R4 ValueSet of the project's own address."""
    value_set = ValueSet.model_validate_json(file.read_text(encoding="utf-8"))
    assert value_set.id == file.stem
    assert value_set.url == f"https://cds-service.example.org/fhir/ValueSet/{file.stem}"
    assert value_set.status == "active"
    assert value_set.experimental is True


def test_check_digits() -> None:
    """Every shipped SNOMED CT id and LOINC number has its right check digit."""
    wrong = [
        concept["code"]
        for _, system, concept in concepts()
        if (system == SNOMED and not TOOL.verhoeff_is_right(concept["code"]))
        or (
            system == LOINC
            and not concept["code"].startswith("LA")
            and not TOOL.loinc_is_right(concept["code"])
        )
    ]
    assert wrong == []


@pytest.mark.parametrize("code", ["306311006", "183567002", "440299008", "30367100", "25477100x"])
def test_verhoeff_finds_wrong_ids(code: str) -> None:
    """Ids with a wrong check digit that public sources print are found."""
    assert not TOOL.verhoeff_is_right(code)
    assert TOOL.verhoeff_is_right("254771006")


@pytest.mark.parametrize("code", ["21939-5", "219394", "21993-4"])
def test_mod_10_finds_wrong_numbers(code: str) -> None:
    """LOINC numbers with a wrong or no check digit are found."""
    assert not TOOL.loinc_is_right(code)
    assert TOOL.loinc_is_right("21939-4")


def test_no_rejected_code() -> None:
    """Nothing on the reject list is shipped, and no code in a meaning that is not its own."""
    rejected = TOOL.TABLE["rejected"]
    assert {concept["code"] for _, _, concept in concepts()}.isdisjoint(rejected["codes"])
    assert {
        (concept["code"], slug)
        for slug, _, concept in concepts()
        if concept["code"] in rejected["except-in"]
    } <= set(rejected["except-in"].items())


def test_no_cpt_descriptor() -> None:
    """Of CPT there are numbers alone."""
    cpt = [concept for _, system, concept in concepts() if system == CPT]
    assert cpt
    assert all(list(concept) == ["code"] for concept in cpt)


def test_only_verified_codes(codes: Path) -> None:
    """Every shipped code is a verified one, with its display."""
    rows = json.loads(codes.read_text(encoding="utf-8"))
    verified = {
        (row["system"], row["code"]): row.get("display")
        for row in rows
        if row["status"] == "verified"
    }
    for _, system, concept in concepts():
        assert (system, concept["code"]) in verified
        if system != CPT:
            assert concept["display"] == verified[system, concept["code"]]


def test_rebuild_is_identical(codes: Path) -> None:
    """Building again gives the shipped files, byte for byte."""
    built = TOOL.build(codes)
    assert {file.name for file in FILES} == set(built)
    for file in FILES:
        assert file.read_bytes() == built[file.name].encode()


ROW = {
    "group": "9-test",
    "role": "test",
    "system": SNOMED,
    "code": "254771006",
    "display": "d",
    "status": "verified",
}


@pytest.mark.parametrize(
    ("change", "selector", "message"),
    [
        ({"code": "254771007"}, "9/test", "check digit"),
        ({"system": LOINC, "code": "21939-5"}, "9/test", "check digit"),
        ({"code": "78904004"}, "9/test", "reject list"),
        ({"code": "254915003"}, "9/test", "reject list"),
        ({}, "9/other", "no verified row"),
        ({}, "SCT 51549004", "not verified"),
        ({"status": "unverified"}, "9/test", "no verified row"),
        ({"role": "more"}, "SCT", "neither in a set"),
    ],
)
def test_bad_input_stops_the_build(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, str],
    selector: str,
    message: str,
) -> None:
    """A wrong check digit, a rejected, an unverified or a forgotten code writes nothing."""
    table = {
        "sets": {"test": {"title": "t", "description": "d", "codes": [selector]}},
        "unused": {},
        "rejected": TOOL.TABLE["rejected"],
    }
    monkeypatch.setattr(TOOL, "TABLE", table)
    source = tmp_path / "codes.json"
    source.write_text(json.dumps([{**ROW, **change}]), encoding="utf-8")
    with pytest.raises(SystemExit, match=message):
        TOOL.build(source)
