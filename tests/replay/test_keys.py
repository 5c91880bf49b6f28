"""What cases are called in kept results."""

import json
from pathlib import Path

import pytest

from cds_service.replay.keys import named

FILES = ("a/chart.json", "b/chart.json", "b/request.json", "c/deep/chart.json", "export.json")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write five cases in folders below ``cases``."""
    for name in FILES:
        path = tmp_path / "cases" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"hook": "patient-view"}))
    return tmp_path / "cases"


def test_a_key_is_the_path_below_what_was_named(folder: Path) -> None:
    """Nothing of where the directory lies is in it."""
    assert set(named([folder])) == set(FILES)


def test_a_case_has_one_key_however_it_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its file, its folder, or from within its folder: the key is the same."""
    assert list(named([folder / "a"])) == ["a/chart.json"]
    assert list(named([folder / "a" / "chart.json"])) == ["a/chart.json"]
    assert list(named([folder / "export.json"])) == ["export.json"]
    monkeypatch.chdir(folder / "a")
    assert list(named([Path()])) == ["a/chart.json"]


def test_files_of_one_name_in_other_folders_do_not_collide(folder: Path) -> None:
    """As many folders as are needed tell them apart; the others keep their keys."""
    other = folder.parent / "more"
    (other / "a").mkdir(parents=True)
    (other / "a" / "chart.json").write_text("{}")
    found = named([folder, other])
    assert len(found) == len(FILES) + 1
    assert {"cases/a/chart.json", "more/a/chart.json", "b/chart.json"} < set(found)


def test_a_file_that_is_named_twice_is_one_case(folder: Path) -> None:
    """A directory and a file in it give each file once."""
    assert len(named([folder, folder / "a", folder / ".." / "cases"])) == len(FILES)
