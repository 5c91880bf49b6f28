"""Results that are kept: whole, equal byte by byte, and never mixed with anything else."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from click.testing import Result as Ran

from cds_service.replay import saved
from cds_service.replay.compare import Failed, compare
from cds_service.replay.outcome import Evaluation, Played, Result
from cds_service.replay.saved import SavedError

Json = dict[str, Any]
Run = Callable[..., Ran]
VERSIONS = {"service": "cds-service 0.1.0", "guideline": "1.0.0"}


@pytest.fixture
def result(make_card: Callable[..., Json]) -> Result:
    """Return a result with everything that a result can hold."""
    return Result(
        name="x",
        path="x",
        today="2026-12-01",
        digest="d",
        evaluation=Evaluation(
            topics={"margin": {"state": "act", "indicator": "info", "rule": "r"}},
            tumours=({"site": "back", "depth": "dermal"},),
            windows=({"depth": "dermal", "earliest": "2026-10-10"},),
            dropped=("Condition/d",),
            conditions=("Condition/c",),
            trace={"today": "2026-12-01", "guideline": "1.0.0", "tumours": [], "topics": []},
        ),
        played=(
            Played(
                hook="patient-view",
                status=200,
                cards=(make_card() | {"uuid": str(uuid4())},),
                conditions=("Condition/c",),
                left_out={"user": "unknown"},
                more={"systemActions": []},
            ),
            Played(hook="order-sign", status=412, problem="no patient – „ß“"),
        ),
        seconds=1.5,
    )


def test_what_is_kept_compares_as_the_same(tmp_path: Path, result: Result) -> None:
    """Cards, evaluation, trace, problems and versions survive keeping."""
    outcomes = {"a/chart.json": result, "b.json": Failed("holds no Patient")}
    saved.save(tmp_path / "kept", outcomes, versions=VERSIONS)
    found, versions = saved.read(tmp_path / "kept")
    assert versions == VERSIONS
    assert found["b.json"] == Failed("holds no Patient")
    kept = found["a/chart.json"]
    assert isinstance(kept, Result)
    assert compare("x", kept, result).same
    assert kept.evaluation == result.evaluation
    assert kept.versions == {"guideline": "1.0.0"}


def test_keeping_twice_gives_the_same_bytes(tmp_path: Path, result: Result) -> None:
    """A random id of a card does not make a difference between two directories."""
    card = result.played[0].cards[0] | {"uuid": str(uuid4())}
    first = replace(result.played[0], cards=(card,))
    again = replace(result, seconds=9.0, played=(first, *result.played[1:]))
    for name, each in (("one", result), ("two", again)):
        saved.save(tmp_path / name, {"a/chart.json": each}, versions=VERSIONS)
    files = ("replay.json", "cases/a/chart.json")
    one, two = ([(tmp_path / n / f).read_bytes() for f in files] for n in ("one", "two"))
    assert one == two
    assert len(one[1].splitlines()) > 10


def test_what_was_kept_before_is_replaced_whole(tmp_path: Path, result: Result) -> None:
    """A case that is no longer played does not stay behind, and nothing else is left."""
    folder = tmp_path / "kept"
    saved.save(folder, {"a.json": result, "b.json": result}, versions=VERSIONS)
    saved.save(folder, {"b.json": result}, versions=VERSIONS)
    assert set(saved.read(folder)[0]) == {"b.json"}
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert files == {"replay.json", "cases/b.json"}


def test_the_files_are_for_their_owner_alone(tmp_path: Path, result: Result) -> None:
    """They quote charts: nobody else on the machine can read them."""
    saved.save(tmp_path / "kept", {"a.json": result}, versions=VERSIONS)
    modes = {path.stat().st_mode & 0o077 for path in (tmp_path / "kept").rglob("*.json")}
    assert modes == {0}


@pytest.mark.parametrize("name", ["notes.txt", "chart.json", "cases/a.json"])
def test_a_directory_of_something_else_is_refused(
    tmp_path: Path, name: str, result: Result
) -> None:
    """Nothing is written beside other people's files."""
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("{}")
    with pytest.raises(SavedError, match="holds something else"):
        saved.save(tmp_path, {"a.json": result}, versions=VERSIONS)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [Path(name).name]


def test_another_programs_replay_json_is_refused(tmp_path: Path, result: Result) -> None:
    """A file of our name is not enough: it has to be our list."""
    (tmp_path / "replay.json").write_text('{"format": "other"}')
    with pytest.raises(SavedError, match="not a list of saved results"):
        saved.save(tmp_path, {"a.json": result}, versions=VERSIONS)


def test_a_file_in_place_of_the_directory_is_refused(tmp_path: Path, result: Result) -> None:
    """The message says what is there."""
    (tmp_path / "kept").write_text("")
    with pytest.raises(SavedError, match="is a file"):
        saved.save(tmp_path / "kept", {"a.json": result}, versions=VERSIONS)


def test_an_interrupted_write_leaves_what_was_there(
    tmp_path: Path, result: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full while new results are written costs none of the old ones."""
    folder = tmp_path / "kept"
    saved.save(folder, {"a.json": result}, versions=VERSIONS)
    before = (folder / "cases" / "a.json").read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(SavedError, match="cannot be written: No space left on device"):
        saved.save(folder, {"b.json": result}, versions=VERSIONS)
    assert (folder / "cases" / "a.json").read_bytes() == before
    assert set(saved.read(folder)[0]) == {"a.json"}


def test_a_process_that_died_while_writing_is_found_out(tmp_path: Path, result: Result) -> None:
    """What was not written to its end is an error to read, and can be written again."""
    folder = tmp_path / "kept"
    saved.save(folder, {"a.json": result}, versions=VERSIONS)
    index = json.loads((folder / "replay.json").read_text())
    (folder / "replay.json").write_text(json.dumps(index | {"cases": None}))
    (folder / ".writing-1").mkdir()
    with pytest.raises(SavedError, match="not written to its end"):
        saved.read(folder)
    saved.save(folder, {"a.json": result}, versions=VERSIONS)
    assert set(saved.read(folder)[0]) == {"a.json"}
    assert not (folder / ".writing-1").exists()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-200]), "is not valid JSON"),
        (lambda path: path.write_text("[]"), "an object is expected"),
        (lambda path: path.write_text("{}"), "is not a saved result"),
        (lambda path: path.write_text(path.read_text().replace("2026-12-01", "x")), "not a saved"),
        (lambda path: path.unlink(), "cannot be read"),
    ],
)
def test_a_spoilt_file_is_named(
    tmp_path: Path, result: Result, spoil: Callable[[Path], None], said: str
) -> None:
    """A file that is half-written, of another shape or gone is an error, never "the same"."""
    saved.save(tmp_path / "kept", {"a/chart.json": result}, versions=VERSIONS)
    spoil(tmp_path / "kept" / "cases" / "a" / "chart.json")
    with pytest.raises(SavedError, match=said) as caught:
        saved.read(tmp_path / "kept")
    assert "a/chart.json" in str(caught.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"edition": 9}, "save the results again"),
        ({"cases": ["../../etc/passwd"]}, "not a list of paths"),
        ({"cases": [1]}, "not a list of paths"),
    ],
)
def test_a_list_that_cannot_be_used_is_refused(
    tmp_path: Path, result: Result, change: Json, said: str
) -> None:
    """Another edition, or paths that lead out of the directory, are errors."""
    saved.save(tmp_path / "kept", {"a.json": result}, versions=VERSIONS)
    path = tmp_path / "kept" / "replay.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(SavedError, match=said):
        saved.read(tmp_path / "kept")


# --- From the command line ---


@pytest.mark.usefixtures("stand_in")
def test_saved_results_are_the_same_afterwards(case_dir: Path, run: Run, tmp_path: Path) -> None:
    """Saved, then compared with: nothing differs, and it is said how many are the same."""
    assert run(case_dir, "--save", tmp_path / "kept").exit_code == 0
    result = run(case_dir, "--against", tmp_path / "kept")
    assert result.exit_code == 0, result.output
    assert "1 case the same, 0 differ" in result.stdout


@pytest.mark.usefixtures("stand_in")
def test_results_kept_beside_the_cases_are_no_cases(case_dir: Path, run: Run) -> None:
    """Where the results stand below the cases, only the cases are played."""
    folder = case_dir.parent
    run(folder, "--save", folder / "kept")
    result = run(folder, "--against", folder / "kept")
    assert result.exit_code == 0, result.output
    assert "1 case the same, 0 differ" in result.stdout


@pytest.mark.usefixtures("stand_in")
def test_a_save_that_cannot_be_is_refused_before_anything_is_played(
    case_dir: Path, run: Run, stand_in: Any
) -> None:
    """A directory of something else costs no waiting."""
    result = run(case_dir, "--save", case_dir)
    assert result.exit_code == 1
    assert "holds something else" in result.stderr
    assert stand_in.requests == []


def test_saved_results_set_the_day(
    tmp_path: Path, run: Run, stand_in: Any, chart: Json, write: Callable[..., Path]
) -> None:
    """Without a date of its own a case is played on the day on which it was saved."""
    case = write(tmp_path / "case", chart=chart)
    run(case, "--save", tmp_path / "kept", "--date", "2020-02-03")
    result = run(case, "--against", tmp_path / "kept")
    assert result.exit_code == 0, result.output
    assert str(stand_in.today) == "2020-02-03"
    other = run(case, "--against", tmp_path / "kept", "--date", "2021-01-01")
    assert other.exit_code == 1
    assert "2020-02-03" in other.stdout
    assert "2021-01-01" in other.stdout


@pytest.mark.usefixtures("stand_in")
def test_a_chart_that_changed_is_another_case(
    tmp_path: Path, run: Run, chart: Json, write: Callable[..., Path]
) -> None:
    """Results of another chart are not passed off as those of another version."""
    run(write(tmp_path / "case", chart=chart), "--save", tmp_path / "kept", "--date", "2026-12-01")
    shutil.rmtree(tmp_path / "case")
    chart["entry"][1]["resource"]["code"] = {"text": "Something else"}
    result = run(write(tmp_path / "case", chart=chart), "--against", tmp_path / "kept")
    assert result.exit_code == 1
    assert "other case" in result.stdout


@pytest.mark.usefixtures("stand_in")
def test_cases_of_one_side_are_named(
    tmp_path: Path, run: Run, chart: Json, write: Callable[..., Path]
) -> None:
    """A case that was not saved, and one that is not played any more, are differences."""
    for name in ("one", "two"):
        write(tmp_path / "cases" / name, chart=chart)
    run(tmp_path / "cases", "--save", tmp_path / "kept")
    shutil.rmtree(tmp_path / "cases" / "one")
    write(tmp_path / "cases" / "three", chart=chart)
    result = run(tmp_path / "cases", "--against", tmp_path / "kept", "--format", "json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)["comparison"]
    assert {(c["case"], c["changes"][0]["kind"]) for c in found["cases"]} == {
        ("one/chart.json", "only there"),
        ("three/chart.json", "only here"),
    }
    assert found["same"] == ["two/chart.json"]


@pytest.mark.usefixtures("stand_in")
def test_a_case_that_cannot_be_read_any_more_is_an_error_gained(
    case_dir: Path, run: Run, tmp_path: Path
) -> None:
    """The saved result does not hide that the file is broken now."""
    run(case_dir, "--save", tmp_path / "kept")
    (case_dir / "chart.json").write_text("{")
    result = run(case_dir, "--against", tmp_path / "kept")
    assert result.exit_code == 1
    assert "error gained" in result.stdout
    assert "is not valid JSON" in result.stderr


@pytest.mark.usefixtures("stand_in")
def test_one_hook_is_compared_with_the_same_hook(case_dir: Path, run: Run, tmp_path: Path) -> None:
    """What was saved of other hooks is no difference where one hook is asked for."""
    run(case_dir, "--save", tmp_path / "kept")
    result = run(case_dir, "--against", tmp_path / "kept", "--hook", "patient-view")
    assert result.exit_code == 0, result.output


@pytest.mark.usefixtures("stand_in")
def test_a_half_written_file_is_an_error_and_no_difference(
    case_dir: Path, run: Run, tmp_path: Path
) -> None:
    """Exit status 2 tells "cannot compare" from "differs"."""
    run(case_dir, "--save", tmp_path / "kept")
    file = tmp_path / "kept" / "cases" / "case-one" / "chart.json"
    file.write_bytes(file.read_bytes()[:100])
    result = run(case_dir, "--against", tmp_path / "kept")
    assert result.exit_code == 2
    assert f"{file} is not valid JSON" in result.stderr
