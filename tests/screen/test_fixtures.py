"""Every worked case, in exports of every shape, gives the row that its expectation implies."""

import pytest

from cds_service.guideline import load
from cds_service.screen.row import COLUMNS

from .conftest import SHAPES, Fixture, Screened, fixtures, run

_TOPICS = {column.name: column.topic for column in COLUMNS if column.topic}
_STRENGTH = ("act", "withheld", "inform", "done", "silent")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Screened]:
    """Return what an export of all worked cases gave, in each shape."""
    folder = tmp_path_factory.mktemp("exports")
    return {
        name: run(write(folder / name), folder / f"{name}.csv") for name, write in SHAPES.items()
    }


@pytest.mark.parametrize("shape", SHAPES)
def test_rows_are_the_patients_with_a_tumour_or_hlrcc_advice(
    shape: str, results: dict[str, Screened]
) -> None:
    """There is a row for each of these patients and for nobody else, in the order of ids."""
    result = results[shape]
    assert list(result.rows) == sorted(case.patient for case in fixtures() if case.has_row)
    assert result.report["problems"] == []
    assert sum(result.report["patients"].values()) == len(fixtures())


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_give_the_same_rows(shape: str, results: dict[str, Screened]) -> None:
    """How an export is laid out changes nothing."""
    assert results[shape].rows == next(iter(results.values())).rows


@pytest.mark.parametrize("case", [c for c in fixtures() if c.has_row], ids=lambda case: case.name)
def test_a_row_says_what_is_expected(case: Fixture, results: dict[str, Screened]) -> None:
    """Site, depth, window, and the state of every topic are those of the expectation."""
    row = next(iter(results.values())).rows[case.patient]
    expected = case.expected
    tumours = expected.get("tumours", ())
    assert int(row["tumours"]) == len(tumours)
    assert _values(row, "depth") == sorted(tumour["depth"] for tumour in tumours)
    assert _values(row, "site") == sorted(each["site"] or "not recorded" for each in tumours)
    for column, topic in _TOPICS.items():
        assert _state(row, column, topic) == expected["topics"][topic]["state"], column
    for name in ("earliest", "latest", "lenient_latest"):
        days = {day for value in _values(row, name) for day in value.split(" or ") if day}
        assert days == {window[name] for window in expected.get("windows", ())}
    acts = [name for name, topic in expected["topics"].items() if topic["state"] == "act"]
    assert sorted(filter(None, row["act"].split(", "))) == sorted(acts)
    assert row["today"] == expected["today"]
    assert row["guideline"] == load().version


def _values(row: dict[str, str], column: str) -> list[str]:
    return sorted(row[column].split("; ")) if row["tumours"] != "0" else []


def _state(row: dict[str, str], column: str, topic: str) -> str:
    """Return the state of the strongest rule that the row names for a topic."""
    rules = load().rules
    states = []
    for name in row[column].split("; "):
        rule = rules.get(f"{topic}.{name}")
        states.append(rule.state if rule else "silent")
        assert rule or name in {"", "suspected"}
    return min(states, key=_STRENGTH.index)
