import datetime as dt
import json

import pytest

from cds_service.cards import EXTENSION, decision_trace
from cds_service.cards.trace import lines
from cds_service.clinical import evaluate
from cds_service.clinical.plan import TOPICS
from cds_service.facts import (
    Chart,
    Concept,
    Condition,
    Issue,
    PartialDate,
    Patient,
    Procedure,
    Span,
)
from cds_service.guideline import load

GUIDELINE = load()
TODAY = dt.date(2026, 12, 1)
CHART = Chart(
    patient=Patient(reference="Patient/p", id="p"),
    conditions=(
        Condition(
            reference="Condition/c1",
            code=Concept(text="Subcutaneous leiomyosarcoma, left thigh"),
            recorded=PartialDate.of(dt.date(2024, 6, 1)),
        ),
        Condition(reference="Condition/c2", code=Concept(text="Leiomyosarcoma of uterus")),
    ),
    procedures=(
        Procedure(
            reference="Procedure/x1",
            status="completed",
            code=Concept(text="Wide excision of thigh, margins clear at 21 mm"),
            performed=Span(PartialDate.of(dt.date(2026, 6, 15))),
        ),
    ),
    unread={"reports": "not authorised (401)"},
    issues=(Issue("Condition/c9", "The subject is another patient.", "dropped"),),
)
PLAN = evaluate(CHART, GUIDELINE, today=TODAY)


def test_every_topic_is_traced_with_its_rule_and_reason() -> None:
    """The trace holds each topic once, silent ones with the reason for their silence."""
    trace = decision_trace(PLAN, guideline=GUIDELINE, chart=CHART)
    assert [topic["topic"] for topic in trace["topics"]] == list(TOPICS)
    for topic in trace["topics"]:
        for part in topic["parts"]:
            assert part["rule"] in GUIDELINE.rules
            assert part["reason"]
            assert "{" not in part["reason"]
        if topic["state"] != "silent":
            assert any(part["facts"] for part in topic["parts"])
    json.dumps(trace)


def test_what_was_not_used_is_traced() -> None:
    """Records set aside, dropped or unread are named with their reason."""
    trace = decision_trace(PLAN, guideline=GUIDELINE, chart=CHART)
    assert trace["setAside"][0]["where"] == "Condition/c2"
    assert trace["notUsed"] == [
        {"where": "Condition/c9", "effect": "dropped", "reason": "The subject is another patient."}
    ]
    assert trace["unread"] == {"reports": "not authorised (401)"}


def test_what_the_hook_leaves_out_has_its_reason() -> None:
    """A topic that speaks but is not shown by the hook says what the hook shows."""
    trace = decision_trace(
        PLAN, guideline=GUIDELINE, chart=CHART, shown={"surveillance"}, selects="only what is due"
    )
    by_topic = {topic["topic"]: topic for topic in trace["topics"]}
    assert by_topic["surveillance"]["shown"] is True
    assert (
        by_topic["margin"] | {"shown": False, "notShown": "only what is due"} == by_topic["margin"]
    )
    assert "notShown" not in by_topic["systemic-therapy"]


def test_a_window_is_traced_with_its_dates() -> None:
    """The follow-up window is given by its days, start and elapsed months."""
    trace = decision_trace(PLAN, guideline=GUIDELINE, chart=CHART)
    (part,) = next(t for t in trace["topics"] if t["topic"] == "surveillance")["parts"]
    assert part["windows"] == [
        {
            "depth": "subcutaneous",
            "status": "overdue",
            "start": "2026-06-15",
            "elapsedMonths": 0,
            "earliest": "2026-09-15",
            "latest": "2026-10-15",
            "lenientLatest": "2026-10-15",
        }
    ]


def test_the_course_of_a_tumour_is_traced_with_its_schedule() -> None:
    """Each event has its kind, date, record and words; the phases have the days of their ends."""
    (tumour,) = decision_trace(PLAN, guideline=GUIDELINE, chart=CHART)["tumours"]
    assert [(event["kind"], event["date"]) for event in tumour["events"]] == [
        ("diagnosis", "2024-06-01"),
        ("surgery", "2026-06-15"),
    ]
    surgery = tumour["events"][1]
    assert surgery["facts"][0]["reference"] == "Procedure/x1"
    assert (surgery["margin"]["status"], surgery["margin"]["widthMm"]) == ("negative", 21)
    assert "margins clear at 21 mm" in surgery["margin"]["facts"][0]["text"]
    (schedule,) = tumour["schedules"]
    assert schedule["depth"] == "subcutaneous"
    assert [phase.get("until") for phase in schedule["phases"]] == [
        "2028-06-15",
        "2029-06-15",
        "2031-06-15",
        None,
    ]


def test_a_part_names_its_tumour_by_its_place() -> None:
    """Advice of a tumour holds its index; advice for the patient holds none."""
    trace = decision_trace(PLAN, guideline=GUIDELINE, chart=CHART)
    by_topic = {topic["topic"]: topic["parts"] for topic in trace["topics"]}
    assert by_topic["surveillance"][0]["tumour"] == 0
    assert "tumour" not in by_topic["hlrcc"][0]


@pytest.mark.parametrize(
    "said",
    [
        "tumour: left thigh, subcutaneous, certain",
        "margin (left thigh): done - margin.clear:",
        "set aside: Condition/c2:",
        "not used: Condition/c9:",
        "could not be read: reports: not authorised (401)",
        "    Wide excision: “Wide excision of thigh, margins clear at 21 mm”",
    ],
)
def test_the_trace_reads_as_text(said: str) -> None:
    """A terminal shows tumours, rules with reasons, facts, and what was left out."""
    text = "\n".join(lines(decision_trace(PLAN, guideline=GUIDELINE, chart=CHART)))
    assert said in text


def test_the_extension_has_a_reversed_domain_name() -> None:
    """Extensions of a response are named as the protocol asks."""
    assert EXTENSION.count(".") >= 2
    assert EXTENSION.islower()
