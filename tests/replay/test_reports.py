"""Reports: complete, valid, and proof against hostile text."""

import base64
import hashlib
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result as Ran
from hypothesis import given
from hypothesis import strategies as st

from cds_service.replay import cases
from cds_service.replay.cases import WORKED, CaseError
from cds_service.replay.compare import Failed, Outcome, compare
from cds_service.replay.local import local
from cds_service.replay.outcome import Difference, Played, Result
from cds_service.replay.play import play
from cds_service.replay.report import Report, terminal
from cds_service.replay.report.html import html
from cds_service.replay.report.junit import junit
from cds_service.replay.report.words import brief, pieces, visible
from cds_service.replay.run import Entry

Json = dict[str, Any]
Run = Callable[..., Ran]

HOSTILE = (
    "</td><script>alert(1)</script>\"'&<img src=x onerror=y>\x00\x1b[31m\u202e\ud800]]> `*[x](y)"
)
DUE = WORKED / "dermal-clear-11mm-follow-up-due"


@pytest.fixture(scope="module")
def due() -> Result:
    """Return the result of a worked case with a window."""
    return play(cases.read(DUE / "chart.json"), service=local)


def moved(result: Result) -> Result:
    """Return a result with another window, and a card that says something else."""
    assert result.evaluation
    trace = json.loads(json.dumps(result.evaluation.trace).replace("2026-12-10", "2026-11-20"))
    played = tuple(
        replace(each, cards=tuple(card | {"detail": "At least 3 cm."} for card in each.cards))
        for each in result.played
    )
    return replace(result, evaluation=replace(result.evaluation, trace=trace), played=played)


def report(*pairs: tuple[Outcome, Outcome], **more: Any) -> Report:
    """Return the report of a comparison of these outcomes, the earlier one first."""
    entries = tuple(
        Entry(
            key=f"case-{number}/chart.json",
            outcome=after,
            error=CaseError(Path("x"), after.reason) if isinstance(after, Failed) else None,
            comparison=compare(f"case-{number}/chart.json", before, after),
        )
        for number, (before, after) in enumerate(pairs, 1)
    )
    return Report(entries=entries, service="here", against="there", **more)


def alone(*results: Result) -> Report:
    """Return the report of results that are compared with nothing but their expectation."""
    entries = (Entry(key=f"{each.name}/chart.json", outcome=each) for each in results)
    return Report(entries=tuple(entries), service="here")


# --- Words ---


@given(st.text(), st.text())
def test_the_pieces_make_both_texts(before: str, after: str) -> None:
    """Word by word nothing is lost of either text."""
    found = pieces(before, after)
    assert "".join(p.text for p in found if p.kind != "gained") == visible(before)
    assert "".join(p.text for p in found if p.kind != "lost") == visible(after)


def test_only_the_words_that_differ_are_marked() -> None:
    """Dates and numbers are words: they change as a whole."""
    found = pieces("due, 2026-10-10 to 2026-12-10", "due, 2026-09-10 to 2026-12-10")
    assert [(p.kind, p.text) for p in found if p.kind != "same"] == [
        ("lost", "2026-10-10"),
        ("gained", "2026-09-10"),
    ]


def test_a_long_text_is_shown_around_what_differs() -> None:
    """A table shows a few words on both sides of a change."""
    text = " ".join(f"word{number}" for number in range(200))
    before, after = brief(text, text.replace("word100", "new"))
    assert before == "…word96 word97 word98 word99 word100 word101 word102 word103 word104…"
    assert "new" in after


def test_very_long_texts_are_compared_by_lines() -> None:
    """A text of any length is compared in time."""
    text = "\n".join(f"line {number} of many words" for number in range(3000))
    found = pieces(text, text.replace("line 5 ", "line five "))
    assert [p.text for p in found if p.kind == "gained"] == ["line five of many words\n"]


@given(st.text())
def test_what_is_visible_steers_nothing(text: str) -> None:
    """Control characters, directions and halves of characters stand as their numbers."""
    said = visible(text)
    ET.fromstring(f"<x>{said.translate({60: None, 38: None})}</x>")  # noqa: S314 - our own
    assert not set(said) & set("\x00\x1b\x7f\u202e\u2066\ud800")


# --- JUnit ---


def parsed(text: str) -> ET.Element:
    """Return XML."""
    return ET.fromstring(text)  # noqa: S314 - our own


def test_junit_has_a_test_case_for_each_case(due: Result) -> None:
    """Same, different, not readable, on one side alone: passed, failure, error, failure."""
    suites = parsed(
        junit(report((due, due), (due, moved(due)), (due, Failed("no Patient")), (due, None)))
    )
    assert suites.tag == "testsuites"
    (suite,) = suites
    assert suite.tag == "testsuite"
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "4",
        "failures": "2",
        "errors": "1",
        "skipped": "0",
    }
    found = [[child.tag for child in case] for case in suite.iter("testcase")]
    assert found == [[], ["failure"], ["error"], ["failure"]]
    for element in (suites, suite, *suite.iter("testcase")):
        assert re.fullmatch(r"\d+\.\d{3}", element.get("time", ""))
    names = [(case.get("classname"), case.get("name")) for case in suite.iter("testcase")]
    assert names[0] == ("replay.case-1", "chart.json")
    assert len(set(names)) == 4
    failure = suite.findall("testcase/failure")[0]
    assert "window moved" in (failure.get("message") or "")
    assert "2026-12-10" in (failure.text or "")


def test_junit_without_another_version_tells_of_expectations(due: Result) -> None:
    """A difference from expected.json is a failure; beside a comparison it is no outcome."""
    off = replace(due, differences=(Difference("topics.margin.state", "done", "act"),))
    failure = parsed(junit(alone(off))).find("testsuite/testcase/failure")
    assert failure is not None
    assert "topics.margin.state" in (failure.text or "")
    case = parsed(junit(report((off, off)))).find("testsuite/testcase")
    assert case is not None
    assert [child.tag for child in case] == ["system-out"]


def test_junit_holds_no_text_that_breaks_it(due: Result) -> None:
    """Hostile text of a card or an error is text; what XML cannot hold is written out."""
    card = {"summary": HOSTILE, "source": {"topic": {"code": HOSTILE}}, "detail": HOSTILE}
    other = replace(due, played=(Played(hook="patient-view", status=200, cards=(card,)),))
    text = junit(report((due, other), (due, Failed(HOSTILE))))
    suites = parsed(text.encode().decode())
    assert "<script" not in text
    assert "alert(1)" in "".join(suites.itertext())
    assert "\\u001b" in "".join(suites.itertext())


# --- HTML ---


class Page(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, text: str) -> None:
        """Read a page."""
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Keep a text."""
        self.words.append(data)


def test_html_stands_alone(due: Result) -> None:
    """Nothing is loaded, no script runs, and its policy allows its one style sheet."""
    text = html(report((due, moved(due)), (due, due)))
    page = Page(text)
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"script", "link", "img", "iframe", "object", "form", "base"}
    for _, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on")]
        assert "style" not in attributes
        assert (attributes.get("href") or "#").startswith("#")
        assert "src" not in attributes
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in text
    assert "@import" not in style
    assert "url(" not in style
    assert "prefers-color-scheme: dark" in style


def test_html_shows_pictures_side_by_side_and_words_that_changed(due: Result) -> None:
    """A window that moved is seen in both pictures, and in the words that went and came."""
    text = html(report((due, moved(due))))
    assert text.count("<svg ") == 2
    for said in ("Follow-up due: 10 Oct 2026 to 10 Dec 2026", "2026 to 20 Nov 2026"):
        assert said in text
    assert "<del>2026-12-10</del>" in text
    assert "<ins>2026-11-20</ins>" in text
    assert "<ins>3</ins> cm" in text or "<ins>At least 3 cm" in text
    idents = re.findall(r' id="([^"]+)"', text)
    assert len(idents) == len(set(idents))


def test_html_shows_an_equal_picture_once(due: Result) -> None:
    """Where only words changed, one picture is enough; a case that is the same has its own."""
    other = replace(due, played=())
    text = html(report((due, other)))
    assert text.count("<svg ") == 1
    assert "The time line is the same on both sides" in text
    assert html(report((due, due))).count("<svg ") == 1


def test_html_begins_with_the_whole(due: Result) -> None:
    """The total, both sides, the remarks and the number of each kind stand on top."""
    text = html(report((due, moved(due)), (due, due), (None, due), notes=("A note.",)))
    words = " ".join(Page(text).words)
    assert "1 case the same, 2 differ (1 only here)" in words
    assert "A note." in words
    assert words.index("window moved") < words.index("Cases that differ")
    assert text.index("Cases that differ") < text.index("<svg ")


def test_html_holds_no_markup_of_anybody_else(due: Result) -> None:
    """Hostile text in cards, errors, keys, notes and traces stays text."""
    assert due.evaluation
    card = {"summary": HOSTILE, "source": {"topic": {"code": HOSTILE}}, "detail": HOSTILE}
    played = (Played(hook=HOSTILE, status=200, cards=(card,)),)
    trace = json.loads(json.dumps(due.evaluation.trace))
    trace["tumours"][0] |= {"site": HOSTILE, "name": HOSTILE}
    trace["tumours"][0]["events"][0]["facts"][0] |= {"label": HOSTILE, "text": HOSTILE}
    other = replace(due, played=played, evaluation=replace(due.evaluation, trace=trace))
    hostile = replace(
        report((due, other), (due, Failed(HOSTILE))), notes=(HOSTILE,), against=HOSTILE
    )
    text = html(hostile).encode().decode()
    tags = {tag for tag, _ in Page(text).tags}
    assert not tags & {"script", "img"}
    assert not set(text) & {"\x00", "\x1b", "\u202e"}
    assert "alert(1)" in "".join(Page(text).words)


def test_html_without_another_version_shows_the_cards(due: Result) -> None:
    """A run that is compared with nothing is a page of pictures and cards."""
    text = html(
        alone(
            due,
            replace(
                due,
                name="other",
                played=(Played(hook="patient-view", status=500, problem="It broke."),),
            ),
        )
    )
    words = " ".join(Page(text).words)
    assert "2 cases played" in words
    assert "INFO · Dermal leiomyosarcoma, left thigh: follow-up due" in words
    assert "It broke." in words
    assert text.count("<svg ") == 2


# --- Terminal, Markdown, JSON ---


def test_markdown_code_cannot_be_ended(due: Result) -> None:
    """Text with backticks stays code."""
    card = {"summary": "``` x", "source": {"topic": {"code": "margin"}}}
    other = replace(due, played=(Played(hook="patient-view", status=200, cards=(card,)),))
    assert "````· ``` x````" in terminal.markdown(report((due, other)))


def test_json_tells_both_sides_and_each_change(due: Result) -> None:
    """Programs get every change in full, and what is the same."""
    body = terminal.as_data(report((due, moved(due)), (due, due)))["comparison"]
    assert (body["here"], body["there"]) == ("here (guideline 1.0.0, value sets 1.0.0)", "there")
    assert body["same"] == ["case-2/chart.json"]
    assert body["differences"]["window moved"] == 1
    (case,) = body["cases"]
    details = [c for c in case["changes"] if c["where"].endswith("surveillance · detail")]
    assert details[0]["after"] == "At least 3 cm."
    assert details[0]["before"].startswith("**Source:**")


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize("form", ["table", "json", "markdown", "junit", "html"])
def test_a_report_can_go_to_a_file(case_dir: Path, run: Run, tmp_path: Path, form: str) -> None:
    """The file holds what standard output would, which gets the total alone."""
    file = tmp_path / "report"
    result = run(case_dir, "--format", form, "--output", file)
    assert result.exit_code == 0, result.output
    assert result.stdout == "1 case played, 0 with differences\n"
    seconds = re.compile(r'time="[\d.]+"')
    shown = run(case_dir, "--format", form).stdout
    assert seconds.sub("", file.read_text(encoding="utf-8")) == seconds.sub("", shown)


@pytest.mark.usefixtures("stand_in")
def test_a_file_that_cannot_be_is_refused_before_anything_is_played(
    case_dir: Path, run: Run, stand_in: Any, tmp_path: Path
) -> None:
    """A folder that is not there costs no waiting."""
    result = run(case_dir, "--output", tmp_path / "no" / "report.xml")
    assert result.exit_code == 2
    assert "there is no directory" in result.stderr
    assert stand_in.requests == []
