"""Whatever stands in a file, scrubbing neither fails nor lets through what it does not know."""

import json
import random
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cds_service.commands.scrub import scrub

from .test_sentinels import scrubbed

FIXTURES = Path(__file__).parents[2] / "fixtures" / "fhir"
CASES = ("entered-dermal-margin-positive-reexcise", "trap-encounters-unread-no-follow-up-window")
MARK = "Zqzq-77"
ODD: tuple[Any, ...] = (
    None,
    True,
    0,
    -1.5,
    1e300,
    "",
    " ",
    [],
    {},
    [[]],
    [None],
    [{}],
    {MARK: MARK},
    {"coding": MARK},
    {"coding": {"code": 5}},
    {"reference": {"reference": 7}},
    {"resourceType": MARK},
    {"resourceType": 3, "entry": 4},
    {"url": 1, "extension": {"url": None}},
    {"display": "x", "type": {}},
    "2026-02-31",
    "9" * 40,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the place of every node."""
    yield path
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(item, (*path, key))


def put(value: Any, path: tuple[Any, ...], odd: Any) -> None:
    """Put something odd at a place."""
    for key in path[:-1]:
        value = value[key]
    value[path[-1]] = odd


@pytest.mark.parametrize("name", CASES)
def test_odd_values(name: str) -> None:
    """Anything in the place of anything is scrubbed without failing."""
    body = json.loads((FIXTURES / name / "request.json").read_bytes())
    found = [path for path in places(body) if path and path != ("hook",)]
    drawn = random.Random(name)  # noqa: S311 - the same every time
    for number, path in enumerate(found):
        for odd in drawn.sample(ODD, 4):
            spoilt = deepcopy(body)
            put(spoilt, path, odd)
            assert MARK not in json.dumps(scrubbed(spoilt)), (number, path, odd)


def test_too_deep(tmp_path: Path) -> None:
    """A file that is nested too deep is an error of its own, and the others are written."""
    good = json.loads((FIXTURES / CASES[0] / "request.json").read_bytes())
    deep = '{"hook": "patient-view", "context": ' + '{"x":' * 900 + "1" + "}" * 901
    for name, text in (("good", json.dumps(good)), ("deep", deep)):
        (tmp_path / "in" / name).mkdir(parents=True)
        (tmp_path / "in" / name / "request.json").write_text(text)
    arguments = [str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--date", "2026-12-01"]
    result = CliRunner().invoke(scrub, arguments)
    assert result.exit_code == 1
    assert "deep/request.json: is nested too deep" in result.stderr
    assert (tmp_path / "out" / "good" / "request.json").exists()


def test_own_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake of the program in one case is told by its place, without what the case holds."""

    def fail(*_: object) -> None:
        raise TypeError("SENTINEL")

    monkeypatch.setattr("cds_service.scrub.patient.Scrubber._try", fail)
    source = FIXTURES / CASES[0]
    result = CliRunner().invoke(scrub, [str(source), "--out", str(tmp_path / "out")])
    assert result.exit_code == 1
    assert "unexpected TypeError at " in result.stderr
    assert "SENTINEL" not in result.output + result.stderr
