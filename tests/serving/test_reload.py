"""A changed configuration is taken over without a request being dropped; a broken one is not."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from .conftest import GUIDELINE, VIEW, Served, Start, guideline, view


@contextmanager
def under_load(server: Served) -> Iterator[Counter[str]]:
    """Call without a pause while the block runs, on lasting connections and on new ones."""
    outcomes: Counter[str] = Counter()
    stop = threading.Event()
    body = view()

    def call(*, lasting: bool) -> None:
        session = requests.Session()
        while not stop.is_set():
            client = session if lasting else requests
            try:
                answer = client.post(f"{server.url}{VIEW}", json=body, timeout=10)
                good = answer.status_code == 200 and bool(answer.json()["cards"])
                outcomes["good" if good else f"{answer.status_code} {answer.text}"] += 1
            except (requests.RequestException, ValueError) as error:
                outcomes[repr(error)] += 1
        session.close()

    threads = [threading.Thread(target=call, kwargs={"lasting": each}) for each in (True, False)]
    for thread in threads:
        thread.start()
    try:
        yield outcomes
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def everywhere(server: Served, version: str) -> None:
    """Wait until every worker answers by a guideline: many new connections reach them all."""
    server.until(lambda: all(server.version() == version for _ in range(12)))


def test_no_request_is_dropped(served: Start, tmp_path: Path) -> None:
    """Five changes under load: every request is answered, and then everybody says the last."""
    own = tmp_path / "own.toml"
    own.write_text(guideline("2.0.0"))
    server = served(workers=2, CDS_GUIDELINE=str(own))
    workers = server.worker_ids
    assert server.version() == "2.0.0"
    with under_load(server) as outcomes:
        for number in range(1, 6):
            own.write_text(guideline(f"2.0.{number}"))
            server.reload()
            everywhere(server, f"2.0.{number}")
    assert set(outcomes) == {"good"}
    assert outcomes["good"] > 20
    assert server.worker_ids == workers
    page = requests.get(f"{server.url}/guideline/", timeout=5).text
    assert "2.0.5" in page
    plan = "/fhir/PlanDefinition/cutaneous-leiomyosarcoma"
    assert requests.get(f"{server.url}{plan}", timeout=5).json()["version"] == "2.0.5"
    cards = requests.post(f"{server.url}{VIEW}", json=view(), timeout=5).json()["cards"]
    assert "version=2.0.5" in cards[0]["source"]["url"]


def test_many_signals(served: Start, tmp_path: Path) -> None:
    """However many signals come, and however close, the last content counts; then it rests."""
    own = tmp_path / "own.toml"
    own.write_text(guideline("2.0.0"))
    server = served(CDS_GUIDELINE=str(own))
    for number in range(60):
        own.write_text(guideline(f"3.0.{number}"))
        server.reload()
        time.sleep(0.01 * (number % 4))
    everywhere(server, "3.0.59")
    server.until(lambda: rests(server))


def rests(server: Served) -> bool:
    """Return whether the main process computes next to nothing for a while."""
    before = server.cpu()
    time.sleep(1.5)
    return server.cpu() - before < 0.3


def test_a_request_under_way(served: Start, ehr: Callable[[float], str], tmp_path: Path) -> None:
    """A call that has begun is answered whole, by the guideline that it began with."""
    own = tmp_path / "own.toml"
    own.write_text(guideline("2.0.0"))
    server = served(CDS_GUIDELINE=str(own), CDS_DEADLINE="20")
    fhir = ehr(2.0)
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(requests.post, f"{server.url}{VIEW}", json=view(fhir), timeout=30)
        time.sleep(0.5)
        own.write_text(guideline("2.0.1"))
        server.reload()
        everywhere(server, "2.0.1")
        assert not call.done()
        assert "version=2.0.0" in call.result().json()["cards"][0]["source"]["url"]


CLIENT = '[clients.ehr]\nissuer = "https://ehr.example.org"\njwks_file = "keys.json"\n'


def broken(folder: Path) -> Iterator[str]:
    """Break the configuration in one way after the other; yield what has to be said of each."""
    config, own = folder / "cds.toml", folder / "own.toml"
    whole = config.read_text()
    for text, said in (
        (f"{whole}\n[clients.", f"CDS_CONFIG: {config} cannot be read: "),
        (f'{whole}colour = "red"\n', "[clients.ehr] colour is not known; there are issuer, jku"),
        (f'color = "red"\n{whole}', f"CDS_CONFIG: {config}: color is not a setting"),
        (f'auth = "off"\n{whole}', "auth has changed: that takes a restart"),
        (f"dev = true\n{whole}", "dev has changed: that takes a restart"),
        (f"deadline = 99\n{whole}", f"CDS_CONFIG: {config}: deadline must be seconds"),
        (whole.replace("keys.json", "none.json"), "[clients.ehr] jwks_file cannot be read"),
        ('guideline = "own.toml"\n', "No client authentication is configured"),
        (whole.replace("own.toml", "none.toml"), f"{folder / 'none.toml'} cannot be read"),
    ):
        config.write_text(text)
        yield said
        config.write_text(whole)
    config.rename(folder / "elsewhere")
    yield f"CDS_CONFIG: {config} cannot be read: "
    (folder / "elsewhere").rename(config)
    good = own.read_text()
    for old, new, said in (
        ("margin_cm = 1 ", "margin_cm = nan ", f"{own}: statements.S24 is incomplete or wrong"),
        ('version = "', "version = ", f"{own}: The guideline is not valid TOML"),
        ('[rules."margin.clear"]', "[rules.gone]", f"{own}: rules."),
    ):
        own.write_text(good.replace(old, new, 1))
        yield said
        own.write_text(good)


def test_a_broken_configuration_is_refused(served: Start, tmp_path: Path) -> None:
    """Whatever is wrong, what was there goes on, and the log says what is wrong and where."""
    key = ec.generate_private_key(ec.SECP384R1())
    jwk = json.loads(ECAlgorithm.to_jwk(key.public_key())) | {"kid": "k"}
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [jwk]}))
    (tmp_path / "own.toml").write_text(guideline("2.0.0"))
    (tmp_path / "cds.toml").write_text(f'guideline = "own.toml"\n{CLIENT}')
    server = served(workers=2, CDS_AUTH="", CDS_CONFIG=str(tmp_path / "cds.toml"))

    def ask() -> int:
        now = int(time.time())
        url = f"{server.url}/cds-services"
        claims = {"iss": "https://ehr.example.org", "aud": url, "exp": now + 60, "iat": now}
        token = jwt.encode(
            claims | {"jti": str(time.monotonic_ns())}, key, "ES384", headers={"kid": "k"}
        )
        headers = {"Authorization": f"Bearer {token}"}
        return requests.get(url, headers=headers, timeout=5).status_code

    assert ask() == 200
    for said in broken(tmp_path):
        before = len(server.log)
        server.reload()
        server.until(lambda at=before: "refused" in server.log[at:])
        (line,) = [line for line in server.log[before:].splitlines() if "refused" in line]
        event = json.loads(line)
        assert event["level"] == "error"
        assert event["event"].startswith("the new configuration is refused, and the one before")
        assert said in event["event"]
        assert ask() == 200
        assert server.version() == "2.0.0"
    other = CLIENT.replace("ehr.example.org", "other.example.org")
    (tmp_path / "cds.toml").write_text(f'guideline = "own.toml"\n{other}shadow = true\n')
    server.reload()
    server.until(lambda: server.log.count("a worker answers by the new configuration") == 2)
    assert {ask() for _ in range(6)} == {401}
    assert '"event":"In shadow mode, so answered without cards: ehr."' in server.log


def test_a_worker_that_comes_later(served: Start, tmp_path: Path) -> None:
    """A worker that takes a dead one's place has what counts, and not what is broken now."""
    own = tmp_path / "own.toml"
    own.write_text(guideline("2.0.0"))
    server = served(workers=1, CDS_GUIDELINE=str(own))
    own.write_text(guideline("2.0.1"))
    server.reload()
    everywhere(server, "2.0.1")
    own.write_text("broken")
    server.reload()
    server.until(lambda: "refused" in server.log)
    (worker,) = server.worker_ids
    server.kill(worker)
    server.until(lambda: server.worker_ids not in ([worker], []))
    everywhere(server, "2.0.1")


def test_watching(served: Start, tmp_path: Path) -> None:
    """Files that are swapped as Kubernetes does it are taken over without a signal."""
    for name, version in (("one", "2.0.0"), ("two", "2.0.1"), ("three", "broken\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "guideline.toml").write_text(guideline(version))
    data = tmp_path / "..data"
    data.symlink_to("one")
    (tmp_path / "guideline.toml").symlink_to("..data/guideline.toml")
    server = served(
        workers=2, CDS_GUIDELINE=str(tmp_path / "guideline.toml"), CDS_WATCH_SECONDS="1"
    )

    def swap(name: str) -> None:
        (tmp_path / "next").symlink_to(name)
        (tmp_path / "next").rename(data)

    swap("two")
    everywhere(server, "2.0.1")
    swap("three")
    server.until(lambda: "refused" in server.log)
    time.sleep(2.5)
    assert server.log.count("refused") == 1, "a mistake is told once"
    swap("one")
    everywhere(server, "2.0.0")


@pytest.mark.parametrize("name", ["database_url", "log_level"])
def test_what_waits_for_the_next_start(served: Start, tmp_path: Path, name: str) -> None:
    """A change of what only a start can take is said, and nothing else is held up by it."""
    config = tmp_path / "cds.toml"
    config.write_text("")
    server = served(CDS_CONFIG=str(config))
    value = "error" if name == "log_level" else f"sqlite:///{tmp_path}/other.sqlite3"
    (tmp_path / "own.toml").write_text(guideline("2.0.0"))
    config.write_text(f'{name} = "{value}"\nguideline = "own.toml"')
    server.reload()
    everywhere(server, "2.0.0")
    assert f"{name} has changed, and waits for the next start" in server.log
    assert not (tmp_path / "other.sqlite3").exists()


def test_the_same_version(served: Start, tmp_path: Path) -> None:
    """A guideline that says something else under the package's version is warned about."""
    (tmp_path / "own.toml").write_text(GUIDELINE.replace("margin_cm = 1 ", "margin_cm = 1.5 "))
    server = served(CDS_GUIDELINE=str(tmp_path / "own.toml"))
    assert "give it a version of its own" in server.log
