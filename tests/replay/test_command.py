import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

Json = dict[str, Any]
Run = Callable[..., Result]
Write = Callable[..., Path]


def test_a_case_that_meets_its_expectation_exits_0(case_dir: Path, run: Run, stand_in: Any) -> None:
    """Both hooks are played on the expectation's date, and nothing differs."""
    result = run(case_dir)
    assert result.exit_code == 0, result.output
    assert "case-one" in result.stdout
    assert "1 as expected, 0 with differences" in result.stdout
    hooks = [request["hook"] for request in stand_in.requests]
    assert hooks == ["patient-view", "problem-list-item-create"]
    assert stand_in.today == dt.date(2026, 12, 1)


def test_the_entered_conditions_stand_in_the_context(
    case_dir: Path, run: Run, stand_in: Any
) -> None:
    """The Conditions that the expectation names are entered as a Bundle."""
    run(case_dir)
    context = stand_in.requests[1]["context"]
    assert [e["resource"]["id"] for e in context["conditions"]["entry"]] == ["c1"]
    assert context["patientId"] == "p1"


def test_without_stated_conditions_those_of_a_tumour_are_entered(
    tmp_path: Path, run: Run, stand_in: Any, chart: Json, write: Write
) -> None:
    """The evaluation says which Conditions take part; another one is not entered."""
    other = {"resourceType": "Condition", "id": "c0", "subject": {"reference": "Patient/p1"}}
    chart = chart | {"entry": [{"resource": other}, *chart["entry"]]}
    run(write(tmp_path / "case", chart=chart))
    entered = stand_in.requests[1]["context"]["conditions"]["entry"]
    assert [entry["resource"]["id"] for entry in entered] == ["c1"]


def test_a_chart_without_conditions_is_not_played_as_an_entry(
    tmp_path: Path, run: Run, stand_in: Any, chart: Json, write: Write
) -> None:
    """There is no diagnosis to enter, so only the chart is opened."""
    chart = chart | {"entry": chart["entry"][:1]}
    assert run(write(tmp_path / "case", chart=chart)).exit_code == 0
    assert [request["hook"] for request in stand_in.requests] == ["patient-view"]


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"topics": {"margin": {"state": "done"}}}, "topics.margin.state"),
        ({"topics": {"margin": {"indicator": "warning"}}}, "topics.margin.indicator"),
        ({"tumours": []}, "tumours"),
        ({"windows": [{"depth": "dermal"}]}, "windows"),
        ({"dropped": ["Condition/c9"]}, "dropped"),
        ({"hooks": {"patient-view": []}}, "hooks.patient-view.cards"),
        ({"hooks": {"patient-view": {"status": 412}}}, "hooks.patient-view.status"),
        ({"says": {"margin": ["2 cm"]}}, "hooks.patient-view.margin.says"),
        ({"never_suggests": {"margin": ["propose"]}}, "hooks.patient-view.margin.never_suggests"),
        (
            {"never_says": {"margin": ["at least 1 CM (S24)"]}},
            "hooks.patient-view.margin.never_says",
        ),
    ],
)
@pytest.mark.usefixtures("stand_in")
def test_a_difference_is_shown_and_exits_1(
    *, tmp_path: Path, run: Run, change: Json, shown: str, chart: Json, expected: Json, write: Write
) -> None:
    """Each kind of difference names its place, what was expected and what came."""
    result = run(write(tmp_path / "case", chart=chart, expected=expected | change))
    assert result.exit_code == 1
    assert shown in result.stdout
    assert "expected" in result.stdout
    assert "1 with differences" in result.stdout


@pytest.mark.usefixtures("stand_in")
def test_json_is_machine_readable(case_dir: Path, run: Run) -> None:
    """Per case: states with rule, tumours, windows, cards by hook, and the differences."""
    result = run(case_dir, "--format", "json")
    [case] = json.loads(result.stdout)["cases"]
    assert case["case"] == "case-one"
    assert case["topics"]["margin"] == {"state": "act", "indicator": "info", "rule": "margin-none"}
    assert case["tumours"] == [{"site": "back", "depth": "dermal"}]
    assert case["hooks"]["patient-view"]["cards"] == [
        {"topic": "margin", "indicator": "info", "summary": "margin: at least 1 cm"}
    ]
    assert case["differences"] == []


@pytest.mark.usefixtures("stand_in")
def test_markdown_shows_the_cards(case_dir: Path, run: Run) -> None:
    """Summary, detail, suggestions, override reasons and links are all there."""
    text = run(case_dir, "--format", "markdown", "--hook", "patient-view").stdout
    for part in (
        "# case-one",
        "## patient-view, 2026-12-01",
        "### INFO · margin: at least 1 cm",
        "At **least** 1 cm",
        "- [ ] Propose it (recommended)",
        "Override: already planned",
        "[Why](https://example.org/why)",
        "_The source_",
    ):
        assert part in text
    assert "problem-list-item-create" not in text


def test_date_and_hook_choose_what_is_played(case_dir: Path, run: Run, stand_in: Any) -> None:
    """``--date`` beats the expectation's date, ``--hook`` leaves the other hook out."""
    run(case_dir, "--date", "2027-01-05", "--hook", "problem-list-item-create")
    assert stand_in.today == dt.date(2027, 1, 5)
    assert [request["hook"] for request in stand_in.requests] == ["problem-list-item-create"]


def test_without_expectation_nothing_is_compared(
    tmp_path: Path, run: Run, stand_in: Any, chart: Json
) -> None:
    """A chart of any name is played on the real date, and exits 0."""
    file = tmp_path / "export.json"
    file.write_text(json.dumps(chart))
    result = run(file)
    assert result.exit_code == 0
    assert "no expectation" in result.stdout
    assert abs(stand_in.today - dt.datetime.now(tz=dt.UTC).date()) <= dt.timedelta(days=1)


def test_a_captured_request_is_played_as_it_is(
    tmp_path: Path, run: Run, stand_in: Any, write: Write
) -> None:
    """Hook, context and prefetch are the captured ones; an unexpected error differs."""
    request = {"hook": "patient-view", "context": {"patientId": "p1"}, "prefetch": {}}
    path = write(tmp_path / "case", request=request, expected={"hooks": {"patient-view": []}})
    result = run(path)
    assert stand_in.requests == [request]
    assert result.exit_code == 1
    assert "412 prefetch.patient is missing" in result.stdout
    assert run(path, "--hook", "order-sign").exit_code == 0


@pytest.mark.usefixtures("stand_in")
def test_a_refused_call_without_expectation_is_shown(
    tmp_path: Path, run: Run, write: Write
) -> None:
    """Without an expectation an error is still said, in every format."""
    request = {"hook": "patient-view", "context": {"patientId": "p1"}, "prefetch": {}}
    path = write(tmp_path / "case", request=request)
    assert "HTTP 412: prefetch.patient is missing" in run(path).stdout
    assert "HTTP 412: prefetch.patient is missing" in run(path, "--format", "markdown").stdout
    [case] = json.loads(run(path, "--format", "json").stdout)["cases"]
    assert case["hooks"]["patient-view"]["problem"] == "prefetch.patient is missing"


@pytest.mark.usefixtures("stand_in")
def test_a_hook_that_the_service_lacks_is_said(tmp_path: Path, run: Run, write: Write) -> None:
    """A captured request of another hook is answered with what is missing."""
    request = {"hook": "order-sign", "context": {"patientId": "p1"}, "prefetch": {}}
    result = run(write(tmp_path / "case", request=request))
    assert "the service offers no order-sign" in result.stdout


@pytest.mark.usefixtures("stand_in")
def test_a_broken_file_is_one_line_and_the_rest_runs(
    case_dir: Path, run: Run, tmp_path: Path
) -> None:
    """The line names file, line and column; the other case is still compared; exit 1."""
    broken = tmp_path / "case-two" / "chart.json"
    broken.parent.mkdir()
    broken.write_text('{"resourceType": "Bundle",}')
    result = run(tmp_path)
    assert result.exit_code == 1
    [line] = result.stderr.splitlines()
    assert line.startswith(f"error: {broken}: is not valid JSON")
    assert "line 1, column" in line
    assert "1 as expected, 0 with differences" in result.stdout
    errors = json.loads(run(tmp_path, "--format", "json").stdout)["errors"]
    assert [error["path"] for error in errors] == [str(broken)]
    assert case_dir.exists()


@pytest.mark.parametrize(
    ("body", "stated", "reason"),
    [
        ({"resourceType": "Patient"}, {}, "neither a chart nor a captured request"),
        ({"resourceType": "Bundle"}, {}, "holds no resource"),
        (
            None,
            {"hooks": {"problem-list-item-create": {"conditions": ["Condition/c9"]}}},
            "Condition/c9, which the chart does not hold",
        ),
        (None, {"today": "soon"}, '"today" is not a date'),
        (None, {"tumours": ["back"]}, '"tumours" has not the shape'),
        (None, {"topics": []}, '"topics" has not the shape'),
    ],
)
@pytest.mark.usefixtures("stand_in")
def test_a_case_that_cannot_be_played_says_why(
    *,
    tmp_path: Path,
    run: Run,
    body: Json | None,
    stated: Json,
    reason: str,
    chart: Json,
    write: Write,
) -> None:
    """A file that is no case, or contradicts itself, is one line on stderr."""
    result = run(write(tmp_path / "case", chart=body or chart, expected=stated))
    assert result.exit_code == 1
    assert reason in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.usefixtures("stand_in")
def test_an_unreadable_file_is_one_line(tmp_path: Path, run: Run) -> None:
    """A directory named like a chart is reported, not raised."""
    (tmp_path / "case" / "chart.json").mkdir(parents=True)
    result = run(tmp_path)
    assert result.exit_code == 1
    assert "cannot be read" in result.stderr


@pytest.mark.usefixtures("stand_in")
def test_unknown_paths_and_empty_directories_exit_2(tmp_path: Path, run: Run) -> None:
    """A path that does not exist or holds nothing to play is a wrong use."""
    missing = run(tmp_path / "nowhere")
    assert missing.exit_code == 2
    assert "does not exist" in missing.stderr
    empty = run(tmp_path)
    assert empty.exit_code == 2
    assert "holds no chart.json" in empty.stderr


@pytest.mark.usefixtures("stand_in")
def test_update_rewrites_what_was_seen_and_keeps_what_people_wrote(
    tmp_path: Path, run: Run, chart: Json, expected: Json, write: Write
) -> None:
    """States, windows and cards are rewritten; texts, notes and conditions stay."""
    wrong = expected | {
        "topics": {"margin": {"state": "done"}},
        "windows": [{"depth": "dermal"}],
        "never_says": {"margin": ["2 cm"]},
    }
    path = write(tmp_path / "case", chart=chart, expected=wrong) / "expected.json"
    result = run(tmp_path, "--update")
    assert result.exit_code == 0, result.output
    assert f"wrote {path}" in result.stderr
    assert json.loads(path.read_text()) == expected | {
        "never_says": {"margin": ["2 cm"]},
        "tumours": [{"site": "back", "depth": "dermal"}],
    }
    assert run(tmp_path).exit_code == 0


@pytest.mark.usefixtures("stand_in")
def test_update_does_not_hide_a_text_that_differs(
    tmp_path: Path, run: Run, chart: Json, expected: Json, write: Write
) -> None:
    """``says`` is a person's word: an update leaves the difference standing."""
    case = write(tmp_path / "case", chart=chart, expected=expected | {"says": {"margin": ["2 cm"]}})
    assert run(case, "--update").exit_code == 1


@pytest.mark.usefixtures("stand_in")
def test_update_writes_an_expectation_where_there_was_none(
    tmp_path: Path, run: Run, chart: Json
) -> None:
    """A chart of any name gets its expectation beside it, under its own name."""
    file = tmp_path / "export.json"
    file.write_text(json.dumps(chart))
    run(file, "--update", "--date", "2026-12-01")
    written = json.loads((tmp_path / "export.expected.json").read_text())
    assert written["today"] == "2026-12-01"
    assert written["hooks"]["problem-list-item-create"]["conditions"] == ["Condition/c1"]
    assert "1 as expected" in run(tmp_path).stdout


@pytest.mark.usefixtures("stand_in")
def test_update_leaves_hooks_that_were_not_played(case_dir: Path, run: Run, expected: Json) -> None:
    """Updating one hook keeps the expectation of the other."""
    path = case_dir / "expected.json"
    body = expected | {"hooks": expected["hooks"] | {"patient-view": []}}
    path.write_text(json.dumps(body))
    run(case_dir, "--update", "--hook", "problem-list-item-create")
    assert json.loads(path.read_text())["hooks"]["patient-view"] == []


@pytest.mark.usefixtures("stand_in")
def test_many_cases_show_progress_on_stderr(
    tmp_path: Path, run: Run, chart: Json, write: Write
) -> None:
    """Few cases off a terminal are silent; many show a bar, and never on stdout."""
    for number in range(50):
        write(tmp_path / f"case-{number}", chart=chart)
    result = run(tmp_path, "--format", "json")
    assert "50/50" in result.stderr
    assert len(json.loads(result.stdout)["cases"]) == 50
    assert run(tmp_path / "case-0").stderr == ""
