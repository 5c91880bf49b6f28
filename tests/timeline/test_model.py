import json
from typing import Any

import pytest

from cds_service.facts import PartialDate
from cds_service.timeline import TraceError, from_trace, lines

from .conftest import TRACES, approved, event


def test_a_trace_holds_all_that_a_time_line_needs(trace: dict[str, Any]) -> None:
    """Events, window, start and phases come from the trace alone."""
    (line,) = from_trace(trace)
    assert [(e.kind, str(e.date)) for e in line.events] == [
        ("diagnosis", "2024-05-20"),
        ("pathology", "2024-06-15"),
        ("surgery", "2024-06-15"),
        ("visit", "2026-07-10"),
        ("chest-imaging", "2026-07-10"),
    ]
    assert str(line.start) == "2024-06-15"
    (window,) = line.windows
    assert (str(window.earliest), str(window.latest), str(window.lenient_latest)) == (
        "2026-10-10",
        "2026-11-10",
        "2027-01-10",
    )
    (schedule,) = line.schedules
    assert [(str(p.since), str(p.until), p.holds(24)) for p in schedule.phases] == [
        ("2024-06-15", "2026-06-15", False),
        ("2026-06-15", "2027-06-15", True),
        ("2027-06-15", "2029-06-15", False),
        ("2029-06-15", "None", False),
    ]


@pytest.mark.parametrize("path", sorted(TRACES.glob("*.json")), ids=lambda path: path.stem)
def test_every_approved_trace_gives_a_time_line_for_each_tumour(path: Any) -> None:
    """There are as many time lines as tumours, none where there is none."""
    trace = json.loads(path.read_text(encoding="utf-8"))
    found = from_trace(trace)
    assert len(found) == len(trace["tumours"])
    for line, tumour in zip(found, trace["tumours"], strict=True):
        assert len(line.events) == len(tumour["events"])


def test_each_tumour_has_its_own_window() -> None:
    """Of two tumours the treated one has the window, and only that one."""
    found = from_trace(approved("two-tumours-two-sites-one-card-names-both"))
    assert {line.site: len(line.windows) for line in found} == {
        "left thigh": 1,
        "right shoulder": 0,
    }


def test_tumours_of_one_name_are_told_apart() -> None:
    """Two tumours without a recorded site keep their own windows."""
    trace = approved("two-tumours-two-sites-one-card-names-both")
    trace["tumours"] = [{**tumour, "site": ""} for tumour in trace["tumours"]]
    for topic in trace["topics"]:
        topic["parts"] = [{**part, "site": ""} for part in topic["parts"]]
    assert [len(line.windows) for line in from_trace(trace)] == [1, 0]


def test_an_older_trace_gives_what_it_holds(trace: dict[str, Any]) -> None:
    """A trace from before there were events still shows its window."""
    for tumour in trace["tumours"]:
        del tumour["events"], tumour["schedules"]
    for topic in trace["topics"]:
        topic["parts"] = [
            {key: value for key, value in part.items() if key != "tumour"}
            for part in topic["parts"]
        ]
    (line,) = from_trace(trace)
    assert (line.events, line.schedules, len(line.windows)) == ((), (), 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"today": 5},
        {"today": "2026-12-01", "topics": None, "tumours": []},
        {"today": "2026-12-01", "topics": [], "tumours": [{}]},
        {"today": "2026-12-01", "topics": [], "tumours": [{"depth": "dermal", "events": [{}]}]},
        {
            "today": "2026-12-01",
            "topics": [],
            "tumours": [{"depth": "dermal", "events": [event("visit", "Visit", "13 May")]}],
        },
        {"today": "2026-12-01", "topics": [], "tumours": [{"depth": "dermal", "site": ["x"]}]},
        {"today": "9999-12-31", "topics": [], "tumours": []},
    ],
)
def test_what_is_no_trace_is_said_to_be_none(wrong: dict[str, Any]) -> None:
    """JSON of another shape raises one error, whatever is wrong with it."""
    with pytest.raises(TraceError, match="not a decision trace"):
        from_trace(wrong)


@pytest.mark.parametrize("text", ["2026", "2026-05", "2024-02", "2026-05-20"])
def test_a_partial_date_is_read_as_it_is_written(text: str) -> None:
    """Parsing is the inverse of writing, at every precision."""
    assert str(PartialDate.parse(text)) == text


@pytest.mark.parametrize("text", ["", "26", "2026-13", "2026-5", "2026-05-20T10:00", "20260520"])
def test_what_is_no_date_is_refused(text: str) -> None:
    """Another form of a date, or no date, is a ValueError."""
    with pytest.raises(ValueError, match=r"."):
        PartialDate.parse(text)


def test_the_sentences_say_all_that_the_picture_shows(trace: dict[str, Any]) -> None:
    """Each event has its date, its words and its resource; then the window and the schedule."""
    (line,) = from_trace(trace)
    said = "\n".join(lines(line))
    for expected in (
        "Subcutaneous leiomyosarcoma, right thigh.",
        "Today is 1 Dec 2026.",
        "15 Jun 2024: Wide excision, margin clear, 21 mm: “Wide local excision” [Procedure/ex-1]",
        "[DiagnosticReport/path-1]",
        "10 Jul 2026: Follow-up visit: [Encounter/fu-1].",
        "earliest 10 Oct 2026, latest 10 Nov 2026, lenient 10 Jan 2027",
        "years 2–3 every 3–4 months (lenient reading: 6 months)",
    ):
        assert expected in said


def test_a_margin_that_was_not_found_is_said_to_be_so(trace: dict[str, Any]) -> None:
    """An operation without a margin is not silent about it."""
    trace["tumours"][0]["events"] = [event("surgery", "Excision", "2026-05")]
    (line,) = from_trace(trace)
    assert "May 2026: Excision, margin not found: [Condition/c]." in list(lines(line))
