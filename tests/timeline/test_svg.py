import json
import xml.etree.ElementTree as ET
from itertools import combinations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cds_service.timeline import from_trace, style, svg
from cds_service.timeline.draw import width_of
from cds_service.timeline.svg import WIDTH

from .conftest import KNOWN, TRACES, approved, event

NS = "{http://www.w3.org/2000/svg}"
LABELS = {
    "diagnosis": "Diagnosis",
    "pathology": "Pathology",
    "surgery": "Excision, known from the pathology report",
    "radiation": "Radiation",
    "not-done": "Documented as not done",
    "recurrence": "Recurrence",
    "metastasis": "Metastasis",
    "visit": "Follow-up visit",
    "chest-imaging": "Chest imaging",
}
HOSTILE = '</title><script>alert(1)</script>"\'&\x00\x1b\u202e <b style="x">'


def parsed(picture: str) -> ET.Element:
    """Return a picture as XML."""
    return ET.fromstring(picture)  # noqa: S314 - our own


def drawn(trace: dict[str, Any], place: int = 0) -> ET.Element:
    """Return the picture of a tumour as parsed XML."""
    return parsed(svg(from_trace(trace)[place], ident="t"))


def texts(root: ET.Element) -> list[str]:
    """Return the lines of text that the picture shows."""
    return [each.text or "" for each in root.iter(f"{NS}text")]


def boxes(root: ET.Element) -> list[tuple[str, float, float, float, float]]:
    """Return each text with the room that it takes: left, top, right, bottom."""
    found = []
    for each in root.iter(f"{NS}text"):
        size, said = float(each.get("font-size", 0)), each.text or ""
        wide = width_of(said, size, bold=each.get("font-weight") is not None)
        share = {"middle": 0.5, "end": 1.0}.get(each.get("text-anchor", ""), 0.0)
        left, y = float(each.get("x", 0)) - share * wide, float(each.get("y", 0))
        found.append((said, left, y - 0.8 * size, left + wide, y + 0.2 * size))
    return found


def check(root: ET.Element) -> None:
    """Assert that nothing leaves the picture and no two texts overlap."""
    height = float(root.get("height", 0))
    for said, left, top, right, bottom in boxes(root):
        assert left >= -1, said
        assert right <= WIDTH + 1, said
        assert 0 <= top < bottom <= height, said
    for one, other in combinations(boxes(root), 2):
        apart = (
            one[3] <= other[1] + 1
            or other[3] <= one[1] + 1
            or one[4] <= other[2] + 1
            or other[4] <= one[2] + 1
        )
        assert apart, f"{one} overlaps {other}"


@pytest.mark.parametrize("path", sorted(TRACES.glob("*.json")), ids=lambda path: path.stem)
def test_every_approved_trace_is_drawn_legibly(path: Any) -> None:
    """No text of a fixture's picture overlaps another one or leaves the picture."""
    trace = json.loads(path.read_text(encoding="utf-8"))
    for place in range(len(trace["tumours"])):
        check(drawn(trace, place))


DATES = st.dates().map(lambda day: day.replace(year=1900 + day.year % 200))
WHEN = st.one_of(
    st.none(), DATES.map(str), DATES.map(lambda day: str(day)[:7]), DATES.map(lambda d: str(d)[:4])
)
NEAR = st.integers(1, 28).map(lambda day: f"2026-07-{day:02d}")


@st.composite
def events(draw: st.DrawFn) -> dict[str, Any]:
    """Draw an event of any kind, date and precision."""
    kind = draw(st.sampled_from(sorted(LABELS)))
    margin = {"margin": {"status": draw(st.sampled_from(["positive", "negative"]))}}
    return event(
        kind,
        LABELS[kind],
        draw(WHEN | NEAR),
        reference=f"X/{draw(st.integers(0, 9))}",
        **(margin if kind == "surgery" and draw(st.booleans()) else {}),
    )


@given(st.lists(events(), max_size=20), DATES.map(str))
@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=150, deadline=None)
def test_whatever_happened_is_drawn_legibly(found: list[dict[str, Any]], today: str) -> None:
    """None to twenty events, near or decades apart, vague or in the future: nothing overlaps."""
    trace = approved(KNOWN)
    trace["today"] = today
    trace["tumours"][0]["events"] = found
    check(drawn(trace))


def test_without_events_window_and_start_there_is_today(trace: dict[str, Any]) -> None:
    """An empty time line still says which tumour, and today."""
    trace["tumours"] = [{"depth": "dermal"}]
    trace["topics"] = []
    root = drawn(trace)
    check(root)
    assert {"Dermal leiomyosarcoma, site not recorded", "No follow-up window"} < set(texts(root))
    assert "Today 1 Dec 2026" in texts(root)


def test_the_picture_says_what_is_due_first(trace: dict[str, Any]) -> None:
    """Tumour and verdict stand on top, then events, today, the window and the phases."""
    said = texts(drawn(trace))
    assert said[:2] == [
        "Subcutaneous leiomyosarcoma, right thigh",
        "Follow-up due: on the stricter reading by 10 Nov 2026, on the lenient one by 10 Jan 2027",
    ]
    assert {
        "Diagnosis",
        "Wide excision",
        "15 Jun 2024 · margin clear, 21 mm",
        "Follow-up visit",
        "Today 1 Dec 2026",
        "Earliest 10 Oct 2026 · latest 10 Nov 2026 · lenient 10 Jan 2027",
        "Follow-up schedule, subcutaneous, counted from 15 Jun 2024",
        "Years 2–3 (to 15 Jun 2027)",
        "every 3–4 months",
        "lenient reading: 6 months",
    } <= set(said)


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("subcutaneous-month-end-follow-up-overdue", "Follow-up overdue: window ended 30 Nov 2026"),
        (
            "dermal-mohs-clear-follow-up-not-yet-due",
            "Follow-up not due yet: 20 Dec 2026 to 20 Feb 2027",
        ),
        ("dermal-clear-11mm-follow-up-due", "Follow-up due: 10 Oct 2026 to 10 Dec 2026"),
        (
            "depth-unknown-ask-pathology-both-schedules",
            "Depth unknown: one window if dermal, another if subcutaneous",
        ),
        ("subcutaneous-lung-metastasis-systemic-therapy", "Metastasis is recorded"),
        ("trap-provisional-diagnosis-confirm-only", "Not confirmed: no follow-up window"),
        (
            "trap-encounters-unread-no-follow-up-window",
            "Follow-up visits could not be read, and without one the window would have begun",
        ),
    ],
)
def test_the_verdict(name: str, verdict: str) -> None:
    """Whether a visit is due, or why no window can be given, is the second line."""
    assert texts(drawn(approved(name)))[1] == verdict


def test_an_unclear_depth_has_both_windows_and_schedules() -> None:
    """Nothing is picked: each depth has its own window, named, and its own schedule."""
    said = texts(drawn(approved("depth-unknown-ask-pathology-both-schedules")))
    assert "If dermal: earliest 1 Nov 2026 · latest 1 Jan 2027" in said
    assert "If subcutaneous: earliest 1 Oct 2026 · latest 1 Nov 2026" in said
    assert [line for line in said if line.startswith("Follow-up schedule, if ")] == [
        "Follow-up schedule, if dermal, counted from 1 Jul 2026",
        "Follow-up schedule, if subcutaneous, counted from 1 Jul 2026",
    ]


def marks(root: ET.Element, kind: str) -> list[ET.Element]:
    """Return the marks of a kind of event."""
    return [e for e in root.iter() if f"tl-mark tl-{kind}" in e.get("class", "")]


def test_a_vague_date_is_drawn_as_the_time_that_it_may_be(trace: dict[str, Any]) -> None:
    """A year is a bar of a year, a month one of a month, a day a mark without length."""
    trace["tumours"][0]["events"] = [
        event("surgery", "Excision", date) for date in ("2022", "2023-05", "2024-06-15")
    ]
    wide = [float(mark.get("width", 0)) for mark in marks(drawn(trace), "surgery")]
    assert wide[0] / wide[1] == pytest.approx(365 / 31, rel=0.05)
    assert wide[2] == 14
    assert {"2022 · margin not found", "May 2023 · margin not found"} < set(texts(drawn(trace)))


def test_all_visits_are_marked_and_the_last_is_named(trace: dict[str, Any]) -> None:
    """A dozen visits do not bury the one that the window counts from."""
    trace["tumours"][0]["events"] = [
        event("visit", "Follow-up visit", f"2025-{month:02d}-01") for month in range(1, 13)
    ]
    root = drawn(trace)
    assert len(marks(root, "visit")) == 12
    assert [line for line in texts(root) if "visit" in line] == ["Last of 12 follow-up visits"]


def test_what_has_no_date_is_listed(trace: dict[str, Any]) -> None:
    """An event without a date has no place on the axis, and is not lost."""
    trace["tumours"][0]["events"] = [event("surgery", "Excision")]
    assert "Without a date: Excision" in texts(drawn(trace))


def test_what_could_not_be_read_is_named() -> None:
    """A time line with a gap says so."""
    root = drawn(approved("trap-encounters-unread-no-follow-up-window"))
    assert "Could not be read: encounters" in texts(root)


def test_it_has_a_name_and_a_text_in_place_of_the_picture(trace: dict[str, Any]) -> None:
    """Who cannot see the picture hears its title and all of its content."""
    root = drawn(trace)
    assert root.get("role") == "img"
    ids = (root.get("aria-labelledby") or "").split()
    named = {each.get("id"): each for each in root.iter() if each.get("id")}
    assert [named[ident].tag for ident in ids] == [f"{NS}title", f"{NS}desc"]
    assert "[Procedure/ex-1]" in (named["t-desc"].text or "")


@pytest.mark.parametrize("path", sorted(TRACES.glob("*.json"))[:20], ids=lambda path: path.stem)
def test_a_strict_policy_lets_all_of_it_through(path: Any) -> None:
    """No style, script, event handler, link or other address is in the picture."""
    trace = json.loads(path.read_text(encoding="utf-8"))
    for place in range(len(trace["tumours"])):
        for element in drawn(trace, place).iter():
            assert element.tag.removeprefix(NS) in {
                *("svg", "title", "desc", "defs", "pattern"),
                *("rect", "circle", "path", "line", "text"),
            }
            assert not [key for key in element.keys() if key == "style" or key.startswith("on")]  # noqa: SIM118
            assert not [v for v in element.attrib.values() if "url(" in v and "url(#t-" not in v]


def test_text_from_a_chart_brings_in_no_markup(trace: dict[str, Any]) -> None:
    """Hostile words in site, label and quote stay words, without what cannot be printed."""
    tumour = trace["tumours"][0]
    tumour["site"] = tumour["name"] = HOSTILE
    tumour["events"] = [
        {
            "kind": "diagnosis",
            "date": "2026-01-01",
            "facts": [{"reference": HOSTILE, "label": HOSTILE, "text": HOSTILE}],
        }
    ]
    picture = svg(from_trace(trace)[0], ident="t")
    assert "<script" not in picture
    assert "<b " not in picture
    assert not {"\x00", "\x1b", "\u202e"} & set(picture)
    parsed(picture)


@pytest.mark.parametrize("ident", ["", "1a", 'a"b', "a b", "a>"])
def test_an_id_that_would_break_the_page_is_refused(ident: str, trace: dict[str, Any]) -> None:
    """Only a plain word can start the ids of a picture."""
    with pytest.raises(ValueError, match="ident"):
        svg(from_trace(trace)[0], ident=ident)


def test_the_same_trace_gives_the_same_picture(trace: dict[str, Any]) -> None:
    """Pictures can be compared."""
    (line,) = from_trace(trace)
    assert svg(line, ident="t") == svg(line, ident="t")


def test_the_style_sheet_speaks_of_the_pictures_alone() -> None:
    """Every rule is about a class of ours, so that it fits into any page; dark is provided."""
    rules = [line for line in style().splitlines() if line.rstrip().endswith("{")]
    assert all(".tl" in rule for rule in rules if not rule.startswith("@media"))
    assert "prefers-color-scheme: dark" in style()
    assert "@import" not in style()
    assert "url(" not in style()
