import base64
import datetime as dt
import gzip
import itertools
import json
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import responses
from click.testing import CliRunner, Result

from cds_service.app import create_app
from cds_service.commands.scrub import scrub
from cds_service.guideline import load as load_guideline
from cds_service.replay import cases
from cds_service.replay.command import replay
from cds_service.replay.local import local
from cds_service.replay.play import play
from cds_service.scrub.run import Options, Outcome, run
from cds_service.settings import Settings
from cds_service.simulate.behaviours import BEHAVIOURS
from cds_service.simulate.ehr import Ehr
from cds_service.simulate.transport import InProcess

FIXTURES = Path(__file__).parents[2] / "fixtures" / "fhir"
ENTERED = FIXTURES / "entered-dermal-margin-positive-reexcise"
OVERDUE = FIXTURES / "dermal-annual-follow-up-overdue"
BASE = "http://127.0.0.1:1/fhir"
TODAY = dt.date(2026, 12, 1)
Json = dict[str, Any]
Run = Callable[..., Result]


@pytest.fixture
def cli(tmp_path: Path) -> Run:
    """Run ``cds-service scrub`` into ``tmp_path/out``."""

    def invoke(source: Path, *more: object) -> Result:
        arguments = [str(source), "--out", str(tmp_path / "out"), *map(str, more)]
        return CliRunner().invoke(scrub, arguments)

    return invoke


@pytest.fixture(scope="module")
def fixtures(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """Return what came of scrubbing all worked cases, once."""
    out = tmp_path_factory.mktemp("fixtures") / "out"
    return run(FIXTURES, out, guideline=load_guideline(), options=Options(key=b"key"))


@pytest.fixture
def entered() -> Json:
    """Return a request that is answered with cards."""
    found: Json = json.loads((ENTERED / "request.json").read_bytes())
    return found


def replayed(path: Path) -> Result:
    """Return what a replay of a path gave."""
    return CliRunner().invoke(replay, [str(path), "--format", "json"])


def answer(path: Path) -> tuple[Any, ...]:
    """Return what a case is answered with, without dates; it is what the case expects."""
    result = play(cases.read(path), service=local)
    said = result.evaluation
    assert not result.differences, path
    assert said
    return (
        {name: (one["state"], one.get("indicator")) for name, one in said.topics.items()},
        [(one["site"], one["depth"]) for one in said.tumours],
        [(one["depth"], one["status"]) for one in said.windows],
        [(played.hook, played.status, played.shown) for played in result.played],
    )


def dates(value: Any) -> Iterator[dt.date]:
    """Yield the full dates of elements, in the order of the file."""
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from dates(item)
    elif isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\d", value):
        yield dt.date.fromisoformat(value[:10])


def test_worked_cases(fixtures: Outcome) -> None:
    """Every worked case is answered as before once it is scrubbed."""
    assert (fixtures.failed, len(fixtures.written)) == ([], len(list(FIXTURES.iterdir())))
    for old, new in fixtures.written:
        assert answer(old) == answer(new), old


def test_days_between(fixtures: Outcome) -> None:
    """All dates of a worked case, today included, move by the same days, by no few."""
    moves = set()
    for old, new in fixtures.written:
        before = list(dates([json.loads(old.read_bytes()), _today(old)]))
        after = list(dates([json.loads(new.read_bytes()), _today(new)]))
        assert len(before) == len(after), old
        moved = {second - first for first, second in zip(before, after, strict=True)}
        assert len(moved) == 1, old
        moves |= moved
    assert len(moves) > 60
    assert max(moves) <= dt.timedelta(-183)


def _today(path: Path) -> Any:
    return json.loads(path.with_name("expected.json").read_bytes())["today"]


def test_no_identity_left(fixtures: Outcome) -> None:
    """Of no patient of the worked cases a name, an id or a birth date is left anywhere."""
    for old, new in fixtures.written:
        body = json.loads(old.read_bytes())
        found = b"".join(file.read_bytes() for file in new.parent.iterdir()).decode()
        for patient in _patients(body):
            assert f'"{patient["id"]}"' not in found, old
            assert f"Patient/{patient['id']}" not in found, old
            assert f'"{patient["birthDate"]}"' not in found, old
            for name in patient.get("name", ()):
                assert name["family"] not in found, old


def _patients(value: Any) -> Iterator[Json]:
    if isinstance(value, dict):
        if value.get("resourceType") == "Patient":
            yield value
        for item in value.values():
            yield from _patients(item)
    elif isinstance(value, list):
        for item in value:
            yield from _patients(item)


@pytest.mark.parametrize("name", ["prefetch", "plain", "pages", "503-optional", "page-lost"])
def test_captures(cli: Run, tmp_path: Path, name: str) -> None:
    """A capture, of prefetch or of what a FHIR server gave, replays to the same cards."""
    case = cases.read(OVERDUE / "chart.json")
    assert case.store
    ehr = Ehr(case.store, base=BASE, behaviour=BEHAVIOURS[name])
    settings = Settings(auth="off", today=TODAY, capture=tmp_path / "captures")
    client = create_app(settings, transport=InProcess(ehr)).test_client()
    body = {
        "hook": "patient-view",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "fhirServer": BASE,
        "context": {"userId": "Practitioner/1", "patientId": case.patient_id},
    }
    sent = client.post("/cds-services/cutaneous-leiomyosarcoma-patient-view", json=body)
    assert sent.status_code == 200
    result = cli(tmp_path / "captures")
    assert (result.exit_code, result.stderr) == (0, "")
    (old,) = (tmp_path / "captures").iterdir()
    (new,) = (tmp_path / "out").iterdir()
    assert answer(old / "request.json") == answer(new / "request.json")
    assert replayed(tmp_path / "out").exit_code == 0
    assert {file.name for file in new.iterdir()} == {file.name for file in old.iterdir()}
    meta = json.loads((new / "meta.json").read_bytes())
    assert set(meta) == {"service", "status", "shadow", "versions", "seconds", "read_from_server"}
    assert old.name[:8] not in new.name
    everything = b"".join(file.read_bytes() for file in new.iterdir())
    assert b"127.0.0.1:1" not in everything
    topics = [card["source"]["topic"]["code"] for card in sent.get_json()["cards"]]
    response = json.loads((new / "response.json").read_bytes())
    assert [card["source"]["topic"]["code"] for card in response["cards"]] == topics


def test_refused_calls(cli: Run, tmp_path: Path, entered: Json) -> None:
    """A capture of a refused call is refused as before; a body that is no JSON is left out."""
    settings = Settings(auth="off", today=TODAY, capture=tmp_path / "captures")
    client = create_app(settings).test_client()
    url = f"/cds-services/cutaneous-leiomyosarcoma-{entered['hook']}"
    token = {"access_token": "opensesame", "token_type": "mac", "patient": "somebody"}
    refused = (
        entered | {"prefetch": {}},
        entered | {"context": {"patientId": "x/y", "userId": "nobody"}},
        entered | {"fhirServer": "https://ehr.example.org", "fhirAuthorization": token},
    )
    for body in refused:
        assert client.post(url, json=body).status_code in {400, 412}
    client.post(url, data=b"{", content_type="application/json")
    result = cli(tmp_path / "captures")
    assert result.exit_code == 0
    assert "request.raw: cannot be scrubbed" in result.stderr
    assert len(list((tmp_path / "out").iterdir())) == len(refused)
    assert replayed(tmp_path / "out").exit_code == 0
    found = b"".join(file.read_bytes() for file in (tmp_path / "out").rglob("*.json"))
    assert not [word for word in (b"opensesame", b"somebody", b"ehr.example") if word in found]


def _write(path: Path, body: Json, expected: Json | None = None) -> Path:
    path.mkdir(parents=True)
    name = "request.json" if "hook" in body else "chart.json"
    (path / name).write_text(json.dumps(body))
    if expected:
        (path / "expected.json").write_text(json.dumps(expected))
    return path


def test_one_patient(cli: Run, tmp_path: Path, entered: Json) -> None:
    """What is one patient's moves by one offset and has one id; another's has others."""
    expected = {"today": "2026-12-01"}
    other = json.loads(json.dumps(entered).replace('"v08"', '"other"'))
    patient = entered["context"]["patientId"]
    other = json.loads(json.dumps(entered).replace(f'"{patient}"', '"other-1"'))
    other = json.loads(json.dumps(other).replace(f"Patient/{patient}", "Patient/other-1"))
    for name, body in (("a", entered), ("b", entered), ("c", other)):
        _write(tmp_path / "in" / name, body, expected)
    assert cli(tmp_path / "in").exit_code == 0
    read = [json.loads((tmp_path / "out" / name / "request.json").read_bytes()) for name in "abc"]
    todays = [_today(tmp_path / "out" / name / "request.json") for name in "abc"]
    assert read[0] == read[1]
    assert todays[0] == todays[1] != todays[2]
    ids = [body["context"]["patientId"] for body in read]
    assert ids[0] == ids[1] != ids[2]


def test_key(tmp_path: Path, entered: Json) -> None:
    """With a key two runs agree; without one no two do."""
    source = _write(tmp_path / "in", entered, {"today": "2026-12-01"})
    key = tmp_path / "key"
    key.write_text("a secret that is long enough")
    short = tmp_path / "short"
    short.write_text("secret")

    def once(name: str, *more: str) -> str:
        arguments = [str(source), "--out", str(tmp_path / name), *more]
        result = CliRunner().invoke(scrub, arguments)
        assert result.exit_code == 0, result.output
        return (tmp_path / name / "request.json").read_text()

    assert once("a", "--key", str(key)) == once("b", "--key", str(key))
    assert once("c") != once("d")
    arguments = [str(source), "--out", str(tmp_path / "e"), "--key", str(short)]
    refused = CliRunner().invoke(scrub, arguments)
    assert refused.exit_code == 2
    assert "at least 16" in refused.stderr


def test_changed_answer(cli: Run, tmp_path: Path) -> None:
    """A case whose answer would change is not written, and said; the others are."""
    chart = json.loads((OVERDUE / "chart.json").read_bytes())
    expected = json.loads((OVERDUE / "expected.json").read_bytes())
    named = deepcopy(chart)
    for entry in named["entry"]:
        resource = entry["resource"]
        if resource["resourceType"] == "Patient":
            resource |= {
                "id": "p-77777",
                "name": [{"family": "Leiomyosarcoma", "given": ["Dermal"]}],
            }
        else:
            resource["subject"] = {"reference": "Patient/p-77777"}
    text = json.dumps(named).replace("ermal leiomyosarcoma", "ermal Leiomyosarcoma")
    text = text.replace("254771006", "1234567")
    _write(tmp_path / "in" / "bad", json.loads(text), {"today": expected["today"]})
    _write(tmp_path / "in" / "good", chart, expected)
    result = cli(tmp_path / "in")
    assert result.exit_code == 1
    assert "bad/chart.json: its answer would change (" in result.stderr
    assert "topics." in result.stderr
    assert "Leiomyosarcoma" not in result.output + result.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["good"]


def test_no_server_is_asked(cli: Run, tmp_path: Path, entered: Json) -> None:
    """A request with a FHIR server and a token is scrubbed without asking the server."""
    del entered["prefetch"]["reports"]
    entered["fhirServer"] = "https://9.9.9.9/fhir"
    entered["fhirAuthorization"] = {
        "access_token": "opensesame",
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": "x",
        "subject": "y",
    }
    source = _write(tmp_path / "in", entered, {"today": "2026-12-01"})
    with responses.RequestsMock() as mock:
        assert cli(source).exit_code == 0
        assert len(mock.calls) == 0
    found = (tmp_path / "out" / "request.json").read_text()
    assert "opensesame" not in found
    assert "9.9.9.9" not in found


def test_documents(cli: Run, tmp_path: Path) -> None:
    """The texts of attachments are scrubbed; what is no text is replaced."""
    chart = json.loads((OVERDUE / "chart.json").read_bytes())
    report = next(
        entry["resource"]
        for entry in chart["entry"]
        if entry["resource"]["resourceType"] == "DiagnosticReport"
    )
    words = f"<p>{report.pop('conclusion')}</p><p>Signed by Dr. Jane Roe, 555-123-4567</p>"
    report["presentedForm"] = [
        {"contentType": "text/html", "data": base64.b64encode(words.encode()).decode()},
        {"contentType": "application/pdf", "data": base64.b64encode(b"%PDF Roe").decode()},
        {"contentType": "image/png", "url": "https://ehr.example.org/roe.png", "title": "Roe"},
    ]
    source = _write(tmp_path / "in", chart, {"today": _today(OVERDUE / "chart.json")})
    assert cli(source).exit_code == 0
    body = json.loads((tmp_path / "out" / "chart.json").read_bytes())
    (form, pdf, image) = next(
        entry["resource"]["presentedForm"]
        for entry in body["entry"]
        if "presentedForm" in entry["resource"]
    )
    text = base64.b64decode(form["data"]).decode()
    assert "leiomyosarcoma" in text
    assert text.endswith("Signed by Dr. Xxxx, X0000")
    assert base64.b64decode(pdf["data"]) == b"(removed)"
    assert image == {"url": "https://scrubbed.invalid/document"}


def _export(path: Path, *, lines: bool) -> Path:
    """Write the resources of two patients as an export, by type or a patient a line."""
    path.mkdir()
    resources: list[Json] = []
    for name in (OVERDUE, FIXTURES / "two-tumours-two-sites-one-card-names-both"):
        bundle = json.loads((name / "chart.json").read_bytes())
        own = [entry["resource"] for entry in bundle["entry"]]
        own.append({"resourceType": "Practitioner", "id": "dr", "name": [{"family": "Roe"}]})
        if lines:
            with (path / "patients.ndjson").open("a") as file:
                file.write(json.dumps({"source": "x", "resources": own}) + "\n")
        resources += own
    if not lines:
        for kind, group in itertools.groupby(
            sorted(resources, key=lambda one: str(one["resourceType"])),
            key=lambda one: str(one["resourceType"]),
        ):
            text = "".join(json.dumps(one) + "\n" for one in group)
            (path / f"{kind}.ndjson.gz").write_bytes(gzip.compress(text.encode()))
    return path


@pytest.mark.parametrize("lines", [True, False])
def test_exports(cli: Run, tmp_path: Path, *, lines: bool) -> None:
    """The lines of exports are scrubbed, each with its patient's offset and names."""
    result = cli(_export(tmp_path / "in", lines=lines), "--date", "2026-12-01")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "2 patients of exports" in result.stdout
    assert "Practitioner (2)" in result.stdout
    found = [
        json.loads(line)
        for path in (tmp_path / "out").iterdir()
        for line in path.read_text().splitlines()
    ]
    assert "Roe" not in json.dumps(found)
    patients = {one["id"] for one in found if one["resourceType"] == "Patient"}
    assert len(patients) == 2
    references = {one["subject"]["reference"] for one in found if one["resourceType"] != "Patient"}
    assert references == {f"Patient/{each}" for each in patients}


def test_broken_lines(cli: Run, tmp_path: Path) -> None:
    """A line that is no resource is an error with its number, and the others are written."""
    export = _export(tmp_path / "in", lines=False)
    (export / "Extra.ndjson").write_text('\n{"x": 1}\nnonsense\n')
    result = cli(export, "--date", "2026-12-01")
    assert result.exit_code == 1
    assert "Extra.ndjson:2: is no FHIR resource" in result.stderr
    assert "Extra.ndjson:3: is no FHIR resource" in result.stderr
    assert "nonsense" not in result.stderr
    assert (tmp_path / "out" / "Condition.ndjson").stat().st_size


def test_single_file(cli: Run, tmp_path: Path) -> None:
    """One file becomes one file of the name that was asked for, with its expectation beside it."""
    source = tmp_path / "case.json"
    source.write_bytes((OVERDUE / "chart.json").read_bytes())
    target = tmp_path / "scrubbed.json"
    result = CliRunner().invoke(scrub, [str(source), "--out", str(target), "--date", "2026-12-01"])
    assert result.exit_code == 0
    assert (tmp_path / "scrubbed.expected.json").exists()
    assert replayed(target).exit_code == 0
    assert cli(source, "--date", "2026-12-01").exit_code == 0
    assert (tmp_path / "out" / "case.json").exists()


def test_names_of_files(cli: Run, tmp_path: Path, entered: Json) -> None:
    """The name of a file or directory says no more than what is in it."""
    patient = entered["prefetch"]["patient"]["name"][0]["family"]
    expected = {"today": "2026-12-01"}
    _write(tmp_path / "in" / f"{patient.lower()}-2026-06-10-mrn-7654321", entered, expected)
    _write(tmp_path / "in" / "follow-up", entered, expected)
    assert cli(tmp_path / "in").exit_code == 0
    first, second = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert first.startswith("Xxxx-20")
    assert not [part for part in ("2026-06-10", "7654321", patient.lower()) if part in first]
    assert second == "follow-up"


def test_words_to_look_over(cli: Run, tmp_path: Path, entered: Json) -> None:
    """Unknown words of free text are printed, or written into a file with how often they stand."""
    report = entered["prefetch"]["reports"]["entry"][0]["resource"]
    report["conclusion"] += " Discussed with Wojciech."
    source = _write(tmp_path / "in", entered, {"today": "2026-12-01"})
    assert "wojciech" in cli(source).stdout
    second = tmp_path / "second"
    review = tmp_path / "words"
    arguments = [str(source), "--out", str(second), "--review", str(review)]
    result = CliRunner().invoke(scrub, arguments)
    assert "wojciech" not in result.stdout
    assert "1\twojciech\n" in review.read_text()
    third = tmp_path / "third"
    assert CliRunner().invoke(scrub, [str(source), "--out", str(third), "--strict"]).exit_code == 0
    assert "Wojciech" in (second / "request.json").read_text()
    assert "Wojciech" not in (third / "request.json").read_text()


def test_the_oldest(cli: Run, tmp_path: Path, entered: Json) -> None:
    """Of a patient above 89 the year of birth says 90, in elements and in words."""
    entered["prefetch"]["patient"]["birthDate"] = "1929-05-06"
    report = entered["prefetch"]["reports"]["entry"][0]["resource"]
    report["conclusion"] = f"97-year-old man. {report['conclusion']}"
    assert cli(_write(tmp_path / "in", entered, {"today": "2026-12-01"})).exit_code == 0
    body = json.loads((tmp_path / "out" / "request.json").read_bytes())
    today = dt.date.fromisoformat(_today(tmp_path / "out" / "request.json"))
    assert body["prefetch"]["patient"]["birthDate"] == str(today.year - 90)
    conclusion = body["prefetch"]["reports"]["entry"][0]["resource"]["conclusion"]
    assert conclusion.startswith("90-year-old man.")


def test_copies_stay_apart(cli: Run, tmp_path: Path) -> None:
    """Records that differ only in what is dropped are as many as before."""
    chart = json.loads((FIXTURES / "multiple-leiomyomas-one-proven-refer-to-genetics" / "chart.json").read_bytes())  # fmt: skip  # noqa: E501
    expected = {"today": "2026-12-01"}
    condition = next(
        entry["resource"]
        for entry in chart["entry"]
        if entry["resource"]["resourceType"] == "Condition"
    )
    for number in range(3):
        copy = condition | {"id": f"copy-{number}", "asserter": {"display": f"Dr. {number}"}}
        chart["entry"].append({"resource": copy})
    source = _write(tmp_path / "in", chart, expected)
    before = play(cases.read(source / "chart.json"), service=local).evaluation
    assert cli(source).exit_code == 0
    after = play(cases.read(tmp_path / "out" / "chart.json"), service=local).evaluation
    assert before
    assert after
    assert before.topics == after.topics
    body = json.loads((tmp_path / "out" / "chart.json").read_bytes())
    kept = [e["resource"] for e in body["entry"] if e["resource"]["resourceType"] == "Condition"]
    contents = {json.dumps({k: v for k, v in one.items() if k != "id"}) for one in kept}
    assert len(contents) == len(kept)


def test_where_to_write(cli: Run, tmp_path: Path, entered: Json) -> None:
    """Nothing is overwritten, and nothing is written among the originals."""
    source = _write(tmp_path / "in", entered, {"today": "2026-12-01"})
    assert cli(source).exit_code == 0
    assert "is not empty" in cli(source).stderr
    inside = CliRunner().invoke(scrub, [str(source), "--out", str(source / "out")])
    assert "outside of IN" in inside.stderr
    assert inside.exit_code == 2
    taken = tmp_path / "taken.json"
    taken.write_text("{}")
    arguments = [str(source / "request.json"), "--out", str(taken)]
    assert "exists" in CliRunner().invoke(scrub, arguments).stderr


def test_nothing_there(cli: Run, tmp_path: Path) -> None:
    """A directory in which there is nothing to scrub is an error, not a success."""
    (tmp_path / "in").mkdir()
    result = cli(tmp_path / "in")
    assert result.exit_code == 1
    assert "holds no capture, chart, request or export" in result.stderr


def test_unreadable(cli: Run, tmp_path: Path) -> None:
    """A file that is no case is an error with its place; nothing is said of what is in it."""
    source = tmp_path / "in"
    source.mkdir()
    (source / "one.json").write_text('{"resourceType": "SENTINEL')
    (source / "notes.txt").write_text("SENTINEL")
    result = cli(source)
    assert result.exit_code == 1
    assert "one.json: is not valid JSON" in result.stderr
    assert "left out: notes.txt" in result.stderr
    assert "SENTINEL" not in result.output + result.stderr
