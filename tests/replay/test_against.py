"""``--against``: a git revision of the guideline, another service, and names that are neither."""

import datetime as dt
import json
import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import responses
from click.testing import Result

from cds_service.cards import EXTENSION
from cds_service.replay import cases
from cds_service.replay.cases import WORKED
from cds_service.replay.local import local
from cds_service.replay.play import play
from cds_service.replay.revision import Revision

Json = dict[str, Any]
Run = Callable[..., Result]

GUIDELINE = Path(str(resources.files("cds_service.guideline"))) / "guideline.toml"
DUE = WORKED / "dermal-clear-11mm-follow-up-due"
MARGIN = WORKED / "dermal-peripheral-margin-positive-reexcise"
UNRELATED = WORKED / "trap-single-leiomyoma-no-card"
BASE = "http://127.0.0.1:9"

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(folder: Path, *arguments: str) -> None:
    """Run git in a folder, as nobody in particular."""
    name = ("-c", "user.name=n", "-c", "user.email=n@example.org")
    subprocess.run(["git", *name, *arguments], cwd=folder, check=True, capture_output=True)  # noqa: S607


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a git repository with a site's guideline, which is the package's at first."""
    folder = tmp_path / "site"
    folder.mkdir()
    file = folder / "guideline.toml"
    shutil.copy(GUIDELINE, file)
    for step in (("init", "-q"), ("add", "."), ("commit", "-qm", "first"), ("tag", "first")):
        git(folder, *step)
    monkeypatch.setenv("CDS_GUIDELINE", str(file))
    return file


def change(file: Path, old: str, new: str) -> None:
    """Replace a text in a file; it has to be there."""
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def compared(result: Result) -> Json:
    """Return the comparison of a run with ``--format json``."""
    found: Json = json.loads(result.stdout)["comparison"]
    return found


def changes(result: Result) -> dict[str, list[tuple[str, str, str]]]:
    """Return the changes of a run with ``--format json`` by kind: where, from, to."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    for case in compared(result)["cases"]:
        for each in case["changes"]:
            row = (each["where"], each["before"], each["after"])
            found.setdefault(each["kind"], []).append(row)
    return found


# --- A git revision ---


@needs_git
@pytest.mark.usefixtures("site")
def test_the_same_guideline_gives_the_same(run: Run) -> None:
    """Nothing differs from a revision that says the same, and the number of cases is said."""
    result = run(DUE, MARGIN, "--against", "HEAD")
    assert result.exit_code == 0, result.output
    assert "2 cases the same, 0 differ" in result.stdout


@needs_git
@pytest.mark.parametrize("form", ["table", "json", "markdown", "junit", "html"])
def test_a_changed_number_moves_the_window(run: Run, site: Path, form: str) -> None:
    """A guideline number that changed since the revision shows as a window that moved."""
    change(site, "minimum_months = 4, maximum_months = 6", "minimum_months = 3, maximum_months = 5")
    result = run(DUE, UNRELATED, "--against", "first", "--format", form)
    assert result.exit_code == 1, result.output
    assert "window moved" in result.stdout
    for date in ("2026-10-10", "2026-09-10", "2026-12-10", "2026-11-10"):
        assert date in result.stdout


@needs_git
def test_all_that_follows_from_the_number_is_told(run: Run, site: Path) -> None:
    """State, rule, card and schedule changed with the window, and the unrelated case did not."""
    change(site, "minimum_months = 4, maximum_months = 6", "minimum_months = 3, maximum_months = 5")
    found = run(DUE, UNRELATED, "--against", "HEAD", "--format", "json")
    by_kind = changes(found)
    assert by_kind["window moved"] == [
        (
            "surveillance · dermal",
            "2026-10-10 to 2026-12-10, due",
            "2026-09-10 to 2026-11-10, overdue",
        )
    ]
    assert by_kind["state"] == [("surveillance", "act", "act (warning)")]
    assert by_kind["rule"] == [("surveillance", "surveillance.due", "surveillance.overdue")]
    members = {where.rpartition(" · ")[2] for where, _, _ in by_kind["card changed"]}
    assert members == {"summary", "detail", "indicator", "links"}
    assert "every 4–6 months" in by_kind["schedule"][0][1]
    assert "every 3–5 months" in by_kind["schedule"][0][2]
    assert compared(found)["same"] == ["trap-single-leiomyoma-no-card/chart.json"]


@needs_git
def test_a_card_that_is_lost_is_told_with_its_text(run: Run, site: Path) -> None:
    """Where a later start makes follow-up not due yet, the chart shows a card less."""
    change(site, "minimum_months = 4, maximum_months = 6", "minimum_months = 8, maximum_months = 9")
    found = changes(run(DUE, "--against", "HEAD", "--format", "json"))
    lost = [(where, before) for where, before, _ in found["card lost"]]
    assert lost[0][0] == "patient-view · surveillance"
    assert "follow-up due, 10 Oct 2026 to 10 Dec 2026" in lost[0][1]
    assert [row[1:] for row in found["state"]] == [("act", "inform")]


@needs_git
def test_a_new_version_number_alone_is_no_difference(run: Run, site: Path) -> None:
    """The versions are named, and the addresses that hold them do not make every card differ."""
    change(site, 'version = "1.0.0"', 'version = "1.1.0"')
    result = run(DUE, "--against", "HEAD")
    assert result.exit_code == 0, result.output
    assert "Version of the guideline: 1.0.0 there, 1.1.0 here" in result.stdout


@needs_git
def test_an_expectation_does_not_decide_about_a_comparison(run: Run, site: Path) -> None:
    """What differs from expected.json on both sides is reported, and is no change."""
    change(site, "minimum_months = 4, maximum_months = 6", "minimum_months = 3, maximum_months = 5")
    git(site.parent, "commit", "-qam", "second")
    assert run(DUE).exit_code == 1
    result = run(DUE, "--against", "HEAD")
    assert result.exit_code == 0, result.output
    assert "Different from expected.json: 1 case" in result.stdout


@needs_git
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[meta]", "[meta", "not valid TOML"),
        ("[statements.S34]", "[statements.S34x]", "S34"),
        ('topic = "surveillance"', 'topic = "other"', "other"),
    ],
)
def test_a_revision_that_the_code_cannot_load_is_an_error(
    run: Run, site: Path, old: str, new: str, said: str
) -> None:
    """The message names the revision and what is wrong with it; nothing is called the same."""
    good = site.read_text(encoding="utf-8")
    change(site, old, new)
    git(site.parent, "commit", "-qam", "broken")
    site.write_text(good, encoding="utf-8")
    result = run(DUE, "--against", "HEAD")
    assert result.exit_code == 2
    assert "cannot load the guideline of HEAD" in result.stderr
    assert said in result.stderr
    assert result.stdout == ""


@needs_git
@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("name", ["no-such-branch", "--all", "HEAD:guideline.toml", "-x"])
def test_what_is_no_revision_is_an_error(run: Run, name: str) -> None:
    """A name that is nothing says that it is no directory, no address and no revision."""
    result = run(DUE, f"--against={name}")
    assert result.exit_code == 2
    assert "no directory, no http address, and no revision" in result.stderr


@needs_git
def test_a_file_that_the_revision_does_not_have_is_an_error(run: Run, site: Path) -> None:
    """A guideline that is younger than the revision is named."""
    git(site.parent, "mv", "guideline.toml", "other.toml")
    git(site.parent, "commit", "-qam", "moved")
    git(site.parent, "mv", "other.toml", "guideline.toml")
    result = run(DUE, "--against", "HEAD")
    assert result.exit_code == 2
    assert "guideline.toml is not in the git revision HEAD" in result.stderr


@needs_git
def test_without_a_checkout_there_is_no_revision(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An installed package, or a file outside of git, cannot be compared with a revision."""
    shutil.copy(GUIDELINE, tmp_path / "own.toml")
    monkeypatch.setenv("CDS_GUIDELINE", str(tmp_path / "own.toml"))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    result = run(DUE, "--against", "HEAD")
    assert result.exit_code == 2
    assert f"needs a git checkout: {tmp_path} is in none" in result.stderr


@pytest.mark.usefixtures("site")
def test_without_git_there_is_no_revision(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without the command says so."""
    monkeypatch.setenv("PATH", "")
    result = run(DUE, "--against", "HEAD")
    assert result.exit_code == 2
    assert "needs the command git" in result.stderr


@needs_git
def test_value_sets_that_differ_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the package's value sets are others now, the reader knows that they were not used."""
    package = tmp_path / "checkout" / "cds_service" / "guideline"
    sets = package.parent / "terminology" / "valuesets"
    for folder in (package, sets):
        folder.mkdir(parents=True)
    shutil.copy(GUIDELINE, package / "guideline.toml")
    (sets / "one.json").write_text("{}")
    for step in (("init", "-q"), ("add", "."), ("commit", "-qm", "first")):
        git(tmp_path / "checkout", *step)
    monkeypatch.setattr("cds_service.replay.revision.resources.files", lambda _: package)
    assert Revision("HEAD", None).notes == ()
    (sets / "one.json").write_text("[]")
    (note,) = Revision("HEAD", None).notes
    assert "value sets differ" in note


# --- What a name means ---


@needs_git
@pytest.mark.usefixtures("site")
def test_a_directory_comes_before_a_revision(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A directory that is named like a revision is the directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "first").mkdir()
    result = run(DUE, "--against", "first")
    assert result.exit_code == 2
    assert "first holds no saved results" in result.stderr
    (tmp_path / "first").rmdir()
    assert run(DUE, "--against", "first").exit_code == 0
    (tmp_path / "first").write_text("")
    beside = run(DUE, "--against", "first")
    assert "first is a file" in beside.stderr
    assert "refs/tags/first" in beside.stderr


def test_update_and_against_exclude_each_other(run: Run) -> None:
    """An expectation is not rewritten while something else is asked."""
    result = run(DUE, "--update", "--against", "HEAD")
    assert result.exit_code == 2
    assert "choose one" in result.stderr


# --- Another service ---


def serve(*, trace: bool = False, **changed: Any) -> None:
    """Register a service that answers as the present one does, cards changed so."""
    service = local(dt.date(2026, 12, 1))
    responses.get(f"{BASE}/cds-services", json={"services": service.discover()})

    def answer(request: Any) -> tuple[int, dict[str, str], str]:
        sent = json.loads(request.body)
        status, body = service.call(request.url.rpartition("/")[2], sent)
        body = json.loads(json.dumps(body))
        for card in body.get("cards", ()):
            card.update(changed)
        if trace:
            said = service.evaluate(sent)
            body["extension"] = {EXTENSION: said.trace if said else None}
        return status, {}, json.dumps(body)

    for entry in service.discover():
        responses.add_callback("POST", f"{BASE}/cds-services/{entry['id']}", callback=answer)


@responses.activate
def test_another_service_is_compared_by_its_cards(run: Run) -> None:
    """Without the trace the cards alone are compared, and that is said."""
    serve()
    result = run(DUE, "--against", BASE)
    assert result.exit_code == 0, result.output
    assert "Of 1 case only the cards are compared" in result.stdout
    assert "1 case the same" in result.stdout


@responses.activate
def test_another_service_gets_the_same_conditions_entered(run: Run) -> None:
    """What is entered follows from the case, and not from what a service lets know."""
    serve()
    run(WORKED / "two-tumours-two-sites-one-card-names-both", "--against", BASE)
    (entry,) = [
        sent
        for call in responses.calls
        if (sent := json.loads(call.request.body or "{}")).get("hook") == "problem-list-item-create"
    ]
    entered = [each["resource"]["id"] for each in entry["context"]["conditions"]["entry"]]
    assert entered == ["dx-2"]


@responses.activate
def test_a_service_that_sends_the_trace_is_compared_whole(run: Run) -> None:
    """States, windows and depth are compared where the answers carry the decision trace."""
    serve(trace=True)
    result = run(DUE, "--against", BASE, "--format", "json")
    assert result.exit_code == 0, result.output
    assert not [note for note in compared(result)["notes"] if "only the cards" in note]


@responses.activate
def test_another_answer_of_a_service_is_a_difference(run: Run) -> None:
    """A card that says something else is shown word by word."""
    serve(indicator="warning")
    result = run(DUE, "--against", BASE, "--format", "json")
    assert result.exit_code == 1
    (row,) = {row[1:] for row in changes(result)["card changed"]}
    assert row == ("warning", "info")


@responses.activate
def test_a_service_that_refuses_is_no_service_without_cards(run: Run) -> None:
    """An answer of 401 is an error on that side."""
    services = play(cases.read(DUE / "chart.json"), service=local)
    discovery = [{"id": each.hook, "hook": each.hook} for each in services.played]
    responses.get(f"{BASE}/cds-services", json={"services": discovery})
    for each in services.played:
        responses.post(f"{BASE}/cds-services/{each.hook}", status=401, json={})
    found = changes(run(DUE, "--against", BASE, "--format", "json"))
    assert "HTTP 401" in found["error lost"][0][1]


@responses.activate
def test_a_service_that_is_down_is_an_error(run: Run) -> None:
    """Unreachable is neither the same nor different: exit status 2, and nothing on stdout."""
    result = run(DUE, "--against", f"{BASE}/down")
    assert result.exit_code == 2
    assert "is the service up?" in result.stderr
    assert result.stdout == ""


@responses.activate
def test_a_service_that_goes_away_is_an_error(run: Run) -> None:
    """A comparison that ends in the middle is none."""
    responses.get(
        f"{BASE}/cds-services", json={"services": [{"id": "gone", "hook": "patient-view"}]}
    )
    result = run(DUE, "--against", BASE)
    assert result.exit_code == 2
    assert "gone: ConnectionError" in result.stderr


@responses.activate
def test_passwords_in_an_address_stay_out_of_the_report(run: Run) -> None:
    """A report may be shown to many: it names the service without its credentials."""
    result = run(DUE, "--against", "http://user:secret@127.0.0.1:9/base?key=hidden")
    assert result.exit_code == 2
    assert "http://127.0.0.1:9/base" in result.stderr
    assert "secret" not in result.output
    assert "hidden" not in result.output


def test_an_empty_name_is_an_error(run: Run) -> None:
    """A variable that is not set in a build is not taken for the present directory."""
    result = run(DUE, "--against", "")
    assert result.exit_code == 2
    assert "--against is empty" in result.stderr


@responses.activate
def test_a_trace_that_is_none_is_an_error(run: Run) -> None:
    """What a service sends in the trace's place is not taken for one."""
    responses.get(
        f"{BASE}/cds-services", json={"services": [{"id": "odd", "hook": "patient-view"}]}
    )
    responses.post(
        f"{BASE}/cds-services/odd", json={"cards": [], "extension": {EXTENSION: {"today": 1}}}
    )
    result = run(DUE, "--against", BASE)
    assert result.exit_code == 1
    assert "not a decision trace" in result.output


# --- Reports of real comparisons ---


@needs_git
def test_junit_counts_what_differs(run: Run, site: Path, tmp_path: Path) -> None:
    """A build server reads one test case a case, and a failure for each that differs."""
    change(site, "minimum_months = 4, maximum_months = 6", "minimum_months = 3, maximum_months = 5")
    file = tmp_path / "report.xml"
    result = run(DUE, UNRELATED, "--against", "HEAD", "--format", "junit", "--output", file)
    assert result.exit_code == 1
    assert result.stdout == "1 case the same, 1 differ\n"
    suites = ET.parse(file).getroot()  # noqa: S314 - our own
    assert suites.attrib.items() >= {"tests": "2", "failures": "1", "errors": "0"}.items()
    messages = [each.get("message") for each in suites.iter("failure")]
    assert messages == ["state, rule, window moved, card changed, schedule"]
