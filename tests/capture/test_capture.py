import datetime as dt
import gzip
import json
import logging
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from requests.adapters import BaseAdapter

from cds_service.app import create_app
from cds_service.capture import folder
from cds_service.chart import exchange
from cds_service.replay import cases
from cds_service.replay.command import replay
from cds_service.replay.local import local
from cds_service.replay.play import play
from cds_service.settings import Settings, SettingsError
from cds_service.simulate.behaviours import BEHAVIOURS
from cds_service.simulate.ehr import Ehr
from cds_service.simulate.matrix import prefetched
from cds_service.simulate.transport import InProcess
from cds_service.trust import Client
from cds_service.web import capturing

FIXTURES = Path(__file__).parents[2] / "fixtures" / "fhir"
ENTERED = FIXTURES / "entered-dermal-margin-positive-reexcise" / "request.json"
CHART = FIXTURES / "dermal-annual-follow-up-overdue" / "chart.json"
BASE = "http://127.0.0.1:1/fhir"
TODAY = dt.date(2026, 12, 1)
TOKEN = "opensesame-7"  # noqa: S105 - a made-up one
ENTRY = "/cds-services/cutaneous-leiomyosarcoma-problem-list-item-create"
VIEW = "/cds-services/cutaneous-leiomyosarcoma-patient-view"
Json = dict[str, Any]
Start = Callable[..., FlaskClient]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Return the maker of a client of a service that captures into ``tmp_path/captures``."""

    def make(*, transport: BaseAdapter | None = None, **changes: Any) -> FlaskClient:
        chosen: Json = {"auth": "off", "today": TODAY, "capture": tmp_path / "captures"}
        return create_app(Settings(**(chosen | changes)), transport=transport).test_client()

    return make


@pytest.fixture
def captures(tmp_path: Path) -> Callable[[], list[Path]]:
    """Return the reader of what was captured, in the order of the calls."""

    def found() -> list[Path]:
        path = tmp_path / "captures"
        return sorted(path.iterdir()) if path.exists() else []

    return found


@pytest.fixture
def entered() -> Json:
    """Return a request that is answered with cards."""
    found: Json = json.loads(ENTERED.read_text())
    return found


def held(path: Path, name: str) -> Any:
    """Return the content of one of a capture's JSON files."""
    return json.loads((path / name).read_bytes())


def everything(path: Path) -> bytes:
    """Return all that was written."""
    return b"\n".join(file.read_bytes() for file in path.rglob("*") if file.is_file())


def without_ids(answer: Any) -> str:
    """Return cards as text, without the identifiers that each answer has of its own."""
    cards = [{**card, "uuid": ""} for card in answer.get("cards", ())]
    for card in cards:
        card["suggestions"] = [{**each, "uuid": ""} for each in card.get("suggestions", ())]
    return json.dumps(cards, sort_keys=True)


def replayed(path: Path) -> None:
    """Assert that a capture replays as it was answered, cards to the letter."""
    case = cases.read(path / "request.json")
    result = play(case, service=local)
    assert result.differences == (), path
    status = held(path, "meta.json")["status"]
    if status == 200:
        (hook,) = result.played
        assert without_ids({"cards": hook.cards}) == without_ids(held(path, "response.json"))


def test_request_with_cards(
    start: Start, captures: Callable[[], list[Path]], entered: Json
) -> None:
    """A call becomes a case: the request, the answer, what is expected, and whence it came."""
    answer = start().post(ENTRY, json=entered)
    (capture,) = captures()
    assert held(capture, "request.json") == entered
    assert held(capture, "response.json") == answer.json
    expected = held(capture, "expected.json")
    assert expected["today"] == "2026-12-01"
    topics = [card["source"]["topic"]["code"] for card in answer.json["cards"]]
    assert [card["topic"] for card in expected["hooks"][entered["hook"]]] == topics
    meta = held(capture, "meta.json")
    assert (meta["service"], meta["status"]) == (ENTRY.rpartition("/")[2], 200)
    assert set(meta["versions"]) == {"service", "guideline", "value_sets"}
    assert meta["read_from_server"] == []
    assert "problem-list-item-create" in capture.name
    replayed(capture)


def test_fixtures_replay_from_their_captures(
    start: Start, captures: Callable[[], list[Path]], tmp_path: Path
) -> None:
    """What was captured of the worked requests is replayed by the command, without differences."""
    for path in sorted(FIXTURES.glob("*/request.json")):
        body = json.loads(path.read_text())
        assert start().post(f"/cds-services/cutaneous-leiomyosarcoma-{body['hook']}", json=body)
    result = CliRunner().invoke(replay, [str(tmp_path / "captures")])
    assert (result.exit_code, result.stderr) == (0, "")
    assert f"{len(captures())} as expected, 0 with differences" in result.output


def test_only_for_the_owner(
    start: Start, captures: Callable[[], list[Path]], tmp_path: Path, entered: Json
) -> None:
    """Nobody but the service's user can read a capture, whatever the umask is."""
    before = os.umask(0)
    try:
        start().post(ENTRY, json=entered)
    finally:
        os.umask(before)
    (capture,) = captures()
    for path in (tmp_path / "captures", capture):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in capture.iterdir()} == {0o600}


@contextmanager
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Repeat questions to a simulated server at once."""
    with monkeypatch.context() as patched:
        patched.setattr(exchange, "_PAUSE", 0.001)
        yield


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_what_a_server_gave(
    name: str,
    start: Start,
    captures: Callable[[], list[Path]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was read from a FHIR server, however it behaved, is replayed without the server."""
    case = cases.read(CHART)
    assert case.store
    behaviour = BEHAVIOURS[name]
    ehr = Ehr(case.store, base=BASE, behaviour=behaviour)
    context = {"userId": "Practitioner/1", "patientId": case.patient_id}
    body = {
        "hook": "patient-view",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": context,
        "prefetch": prefetched(behaviour, case.store, context, ehr),
    }
    if behaviour.server:
        body["fhirServer"] = BASE
        body["fhirAuthorization"] = {
            "access_token": TOKEN,
            "token_type": "Bearer",
            "expires_in": 300,
            "scope": "patient/*.rs",
            "subject": "cds",
        }
    with no_pauses(monkeypatch):
        answer = start(transport=InProcess(ehr)).post(VIEW, json=body)
    (capture,) = captures()
    assert held(capture, "meta.json")["status"] == answer.status_code
    assert TOKEN.encode() not in everything(capture)
    assert not {"fhirServer", "fhirAuthorization"} & set(held(capture, "request.json"))
    assert b"somebody-else" not in everything(capture) or name == "other-patient"
    replayed(capture)


def test_read_values_are_marked(start: Start, captures: Callable[[], list[Path]]) -> None:
    """A capture says which keys were read from the server, and which server that was."""
    case = cases.read(CHART)
    assert case.store
    ehr = Ehr(case.store, base=BASE, behaviour=BEHAVIOURS["pages"])
    context = {"userId": "Practitioner/1", "patientId": case.patient_id}
    sent = prefetched(BEHAVIOURS["prefetch"], case.store, context, ehr)
    body = {
        "hook": "patient-view",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "fhirServer": BASE,
        "context": context,
        "prefetch": {key: sent[key] for key in ("patient", "conditions")},
    }
    start(transport=InProcess(ehr)).post(VIEW, json=body)
    (capture,) = captures()
    meta = held(capture, "meta.json")
    assert meta["fhirServer"] == BASE
    assert set(meta["read_from_server"]) == set(sent) - {"patient", "conditions"}
    kept = held(capture, "request.json")["prefetch"]
    assert set(kept) == set(sent)
    assert kept["conditions"] == sent["conditions"]


def _errors(good: Json) -> Iterator[tuple[str, Json, int]]:
    yield ENTRY, good | {"hookInstance": "x"}, 400
    yield ENTRY, good | {"context": {"userId": "Practitioner/1"}}, 400
    token = {"access_token": TOKEN, "token_type": "mac"}
    yield ENTRY, good | {"fhirServer": BASE, "fhirAuthorization": token}, 400
    yield ENTRY, good | {"prefetch": good["prefetch"] | {"conditions": "none"}}, 400
    yield ENTRY, good | {"prefetch": {}}, 412
    yield VIEW, good, 400
    yield "/cds-services/other", good, 404


def test_errors(start: Start, captures: Callable[[], list[Path]], entered: Json) -> None:
    """A refused call is captured with its OperationOutcome, and is refused again by a replay."""
    client = start()
    for path, body, status in _errors(entered):
        before = set(captures())
        answer = client.post(path, json=body)
        (capture,) = set(captures()) - before
        assert (answer.status_code, held(capture, "meta.json")["status"]) == (status, status)
        assert held(capture, "response.json")["resourceType"] == "OperationOutcome"
        assert TOKEN.encode() not in everything(capture)
        expects = (capture / "expected.json").exists()
        assert expects is (path == ENTRY)
        if expects:
            replayed(capture)


def test_bug(
    start: Start,
    captures: Callable[[], list[Path]],
    entered: Json,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What made the service fail is captured, with what it had read until then."""

    def fail(*_: object, **__: object) -> None:
        raise ValueError("a bug")

    monkeypatch.setattr("cds_service.engine.evaluate", fail)
    assert start().post(ENTRY, json=entered).status_code == 500
    (capture,) = captures()
    assert held(capture, "request.json") == entered
    assert held(capture, "expected.json")["hooks"][entered["hook"]] == {"status": 500}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"hook": "patient-view", "fhirAuthorization": {"access_token": "TOKEN', 400),
        (b"{'access_token': 'TOKEN'}", 400),
        (b'{"access\\u005ftoken" : "TOKEN",}', 400),
        (b"<access_token>TOKEN</access_token>", 400),
        ('{"access_token": "TOKEN"'.encode("utf-16"), 400),
        ('{"access_token": "TOKEN"'.encode("utf-16-le"), 400),
        (b'["Bearer TOKEN"]', 400),
        (b'{"hook": 1, "x": {"my-token": "TOKEN"}}', 400),
        (b'{"a":' * 300 + b'{"access_token": "TOKEN"}' + b"}" * 300, 400),
        (b"\xff\xfe\xfd", 400),
        (b"", 400),
    ],
)
def test_body_that_cannot_be_replayed(
    start: Start, captures: Callable[[], list[Path]], tmp_path: Path, body: bytes, status: int
) -> None:
    """What is no hook request is kept as it came, but for tokens, and is no case of a replay."""
    secret = "Qx7-opensesame"  # noqa: S105 - a made-up one
    for encoding in ("utf-8", "utf-16-le"):
        body = body.replace("TOKEN".encode(encoding), secret.encode(encoding))
    answer = start().post(ENTRY, data=body, content_type="application/json")
    (capture,) = captures()
    assert answer.status_code == status
    assert {path.name for path in capture.iterdir()} == {
        "request.raw",
        "response.json",
        "meta.json",
    }
    assert secret.encode() not in everything(capture).replace(b"\0", b"")
    if b"patient-view" in body:
        assert b"patient-view" in (capture / "request.raw").read_bytes()
    assert cases.find(tmp_path / "captures") == ()


def test_compressed_body(start: Start, captures: Callable[[], list[Path]]) -> None:
    """Of a compressed body, which is refused and may hold a token, only the size is written."""
    body = gzip.compress(TOKEN.encode())
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    assert start().post(ENTRY, data=body, headers=headers).status_code == 415
    (capture,) = captures()
    assert body not in everything(capture)


def test_secrets_beside_the_authorization(
    start: Start, captures: Callable[[], list[Path]], entered: Json
) -> None:
    """Tokens are taken out wherever they stand: headers, extensions, addresses, texts."""
    jwt = "eyJhbGciOiJFUzM4NCJ9.eyJpc3MiOiJlaHIifQ.c2lnbmF0dXJl"
    entered["extension"] = {
        "com.vendor.session-token": TOKEN,
        "note": f"jwt {jwt} and Bearer {TOKEN}",
        "link": f"https://user:{TOKEN}@ehr.example.org/x?id=1&access_token={TOKEN}&sig={TOKEN}",
        "password": 12345678,
        "nested": [{"apiKey": TOKEN, "kept": "this stays"}],
    }
    start().post(ENTRY, json=entered, headers={"Authorization": f"Bearer {TOKEN}"})
    (capture,) = captures()
    text = everything(capture)
    assert not [word for word in (TOKEN, jwt, "12345678") if word.encode() in text]
    assert b"this stays" in text
    assert b"ehr.example.org/x?id=1" in text
    replayed(capture)


def test_not_admitted(start: Start, captures: Callable[[], list[Path]], entered: Json) -> None:
    """A caller who is not known writes nothing to the disk."""
    ehr = Client(name="ehr", issuer="ehr", jwks={"keys": []})
    client = start(auth="required", clients=(ehr,), capture_force=True)
    assert client.post(ENTRY, json=entered).status_code == 401
    assert captures() == []


def test_other_addresses(start: Start, captures: Callable[[], list[Path]]) -> None:
    """Discovery, preflights, wrong methods and feedback, which may hold words, are not captured."""
    client = start()
    client.get("/cds-services")
    client.options(ENTRY)
    client.get(ENTRY)
    client.post(f"{ENTRY}/feedback", json={"feedback": []})
    assert captures() == []


def test_shadow(start: Start, captures: Callable[[], list[Path]], entered: Json) -> None:
    """Of a call whose cards were withheld the capture says so, and expects them of a replay."""
    answer = start(shadow=True).post(ENTRY, json=entered)
    (capture,) = captures()
    assert answer.json == held(capture, "response.json") == {"cards": []}
    assert held(capture, "meta.json")["shadow"] is True
    expected = held(capture, "expected.json")
    assert expected["hooks"][entered["hook"]]
    assert play(cases.read(capture / "request.json"), service=local).differences == ()


def test_off_by_default(tmp_path: Path, entered: Json, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the setting nothing is written anywhere."""
    monkeypatch.chdir(tmp_path)
    client = create_app(Settings(auth="off", today=TODAY)).test_client()
    assert client.post(ENTRY, json=entered).status_code == 200
    assert list(tmp_path.iterdir()) == []


def test_refused_for_real_patients(tmp_path: Path) -> None:
    """With authentication required the application is not even built, unless that is forced."""
    settings = Settings(auth="required", capture=tmp_path / "captures")
    with pytest.raises(SettingsError, match="CDS_CAPTURE_FORCE"):
        create_app(settings)
    assert not (tmp_path / "captures").exists()


def test_bounded(
    start: Start,
    captures: Callable[[], list[Path]],
    entered: Json,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Where all captures that are allowed are there, no more is written; calls are answered."""
    client = start(capture_most=2)
    assert {client.post(ENTRY, json=entered).status_code for _ in range(4)} == {200}
    assert len(captures()) == 2
    assert "CDS_CAPTURE_MOST is 2" in caplog.text


def _no_directory(path: Path) -> None:
    path.write_text("a file")


def _no_permission(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    path.symlink_to("/proc/1/no-such-place")


@pytest.mark.parametrize("spoil", [_no_directory, _no_permission])
def test_unwritable(
    start: Start,
    tmp_path: Path,
    entered: Json,
    caplog: pytest.LogCaptureFixture,
    spoil: Callable[[Path], None],
) -> None:
    """A directory that cannot be written to changes no answer; the log says so, without data."""
    spoil(tmp_path / "captures")
    answer = start().post(ENTRY, json=entered)
    assert (answer.status_code, bool(answer.json["cards"])) == (200, True)
    assert "was not captured" in caplog.text
    assert "Patient" not in caplog.text


def test_full_disk(
    start: Start,
    captures: Callable[[], list[Path]],
    entered: Json,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A disk that is full, or becomes so while writing, changes no answer and leaves nothing."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    client = start()
    with monkeypatch.context() as patched:
        patched.setattr(folder, "_write", full)
        assert client.post(ENTRY, json=entered).status_code == 200
    assert "No space left" in caplog.text
    usage = shutil.disk_usage("/")._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert client.post(ENTRY, json=entered).status_code == 200
    assert "nearly full" in caplog.text
    assert captures() == []


def test_own_mistake(
    start: Start, entered: Json, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug of the capturing itself changes no answer, and its message is not logged."""

    def fail(*_: object) -> None:
        raise KeyError("SENTINEL")

    monkeypatch.setattr(capturing, "_response", fail)
    with caplog.at_level(logging.DEBUG):
        assert start().post(ENTRY, json=entered).status_code == 200
    assert "KeyError" in caplog.text
    assert "SENTINEL" not in caplog.text


def test_unfinished_is_no_case(tmp_path: Path) -> None:
    """What a killed worker left half-written is not replayed."""
    half = tmp_path / ".unfinished-x"
    half.mkdir()
    (half / "request.json").write_text("{")
    assert cases.find(tmp_path) == ()


def test_many_at_once(start: Start, captures: Callable[[], list[Path]], entered: Json) -> None:
    """Several workers with several threads share a directory, and every call is there whole."""
    apps = [start().application for _ in range(2)]
    instances = [f"d1577c69-dfbe-44ad-ba6d-{number:012}" for number in range(40)]

    def call(number: int) -> int:
        body = entered | {"hookInstance": instances[number]}
        return apps[number % 2].test_client().post(ENTRY, json=body).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(call, range(40))) == {200}
    found = [held(path, "request.json")["hookInstance"] for path in captures()]
    assert sorted(found) == instances
