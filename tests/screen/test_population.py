"""615 synthetic patients, none of whom has the tumour, and the worked cases among them."""

import gzip
import json
from pathlib import Path

import pytest

from .conftest import ROOT, Fixture, Json, Screen, fixtures, lines

POPULATION = ROOT.parent / "shared" / "data" / "synthea-r4.ndjson.gz"

pytestmark = pytest.mark.skipif(
    not POPULATION.exists(), reason=f"the synthetic population ({POPULATION.name}) is not here"
)


@pytest.fixture(scope="module")
def people() -> list[bytes]:
    """Return a line for each synthetic patient."""
    with gzip.open(POPULATION) as file:
        return file.readlines()


def test_nobody_has_a_row(screen: Screen, people: list[bytes]) -> None:
    """No row is a false alarm, and every patient was looked at."""
    done = screen(POPULATION)
    assert done.rows == {}
    assert done.report["patients"] == {"silent": len(people)}
    assert done.report["problems"] == []


def test_cases_are_found_in_the_crowd(screen: Screen, people: list[bytes], tmp_path: Path) -> None:
    """Among the synthetic patients the worked cases have their rows, and nobody else has."""
    cases = lines({"resources": case.resources} for case in fixtures())
    export = tmp_path / "crowd.ndjson"
    export.write_bytes(b"".join(people[:200]) + cases + b"".join(people[200:400]))
    assert list(screen(export).rows) == sorted(case.patient for case in fixtures() if case.has_row)


def test_a_tumour_is_found_in_a_long_chart(
    screen: Screen, people: list[bytes], tmp_path: Path
) -> None:
    """The records of a worked case, put into a synthetic patient's chart, give the same tumour."""
    cases = [case for case in fixtures() if case.expected.get("tumours")]
    charts = [json.loads(line) for line in people]
    hosts = [chart for chart in charts if not _patient(chart).get("deceasedDateTime")]
    spliced = {
        _patient(host)["id"]: (case, _spliced(host, case))
        for host, case in zip(hosts, cases, strict=False)
    }
    export = tmp_path / "spliced.ndjson"
    export.write_bytes(lines(chart for _, chart in spliced.values()))
    done = screen(export)
    assert done.rows.keys() == spliced.keys()
    for patient, (case, _) in spliced.items():
        depths = sorted(tumour["depth"] for tumour in case.expected["tumours"])
        assert sorted(done.rows[patient]["depth"].split("; ")) == depths, case.name


def _patient(chart: Json) -> Json:
    return next(each for each in chart["resources"] if each["resourceType"] == "Patient")


def _spliced(host: Json, case: Fixture) -> Json:
    """Return the host's chart with the case's records, which then are the host's."""
    own = f'"Patient/{case.patient}"'
    records = [each for each in case.resources if each["resourceType"] != "Patient"]
    text = json.dumps(records).replace(own, f'"urn:uuid:{_patient(host)["id"]}"')
    return {**host, "resources": [*host["resources"], *json.loads(text)]}
