import datetime as dt
import itertools
import re
import uuid
from typing import Any

import pytest
from fhir.resources.R4B.servicerequest import ServiceRequest

from cds_service.cards import render
from cds_service.clinical.plan import TOPICS, Advice, Fact, TopicAdvice, Tumour, Window
from cds_service.facts import PartialDate
from cds_service.guideline import Guideline, load

GUIDELINE = load()
DAY = PartialDate.of(dt.date(2026, 11, 2))
THIGH = Tumour(site="left thigh", depth="dermal", conditions=("Condition/c1",))
ARM = Tumour(site="right arm", depth="subcutaneous", conditions=("Condition/c2",))
WINDOW = Window(
    depth="dermal",
    status="due-lenient",
    start=DAY,
    elapsed_months=40,
    earliest=dt.date(2027, 3, 2),
    latest=dt.date(2027, 5, 2),
    lenient_latest=dt.date(2027, 11, 2),
    minimum_months=4,
    maximum_months=6,
)


def advice(rule: str, tumour: Tumour | None = THIGH, **more: Any) -> Advice:
    """Return an advice of a rule, with every value that a summary may name."""
    row = GUIDELINE.rules[rule]
    values = {
        "minimum": "1 cm",
        "width": "8 mm",
        "which": "deep",
        "on_date": DAY,
        "asked": ("depth", "grade"),
        "depth_word": "unknown",
        "interval": "4–6 months",
        "t0": PartialDate(dt.date(2020, 1, 1), dt.date(2020, 12, 31), "year"),
        "window": (WINDOW.earliest, WINDOW.latest),
        "latest": WINDOW.latest,
        "lenient": WINDOW.lenient_latest,
        "start": DAY,
        "due": ("skin examination", "renal MRI"),
        "next": (("renal MRI", "8", dt.date(2030, 1, 1)), ("skin examination", "", DAY.first)),
        "features": ("renal cancer at 46 or younger",),
    }
    topic: Any = row.topic
    state: Any = row.state
    indicator: Any = row.indicator
    depth = tumour.depth if tumour else "unknown"
    return Advice(
        topic=topic,
        state=state,
        rule=rule,
        indicator=indicator,
        tumour=tumour,
        facts=more.pop(
            "facts", (Fact("Condition/c1", "diagnosis", "Leiomyosarcoma of skin", DAY),)
        ),
        values=values,
        suggestions=row.suggestions_for(depth),
        **more,
    )


def topic(*parts: Advice) -> TopicAdvice:
    """Return the parts as one advice, the first the strongest."""
    return TopicAdvice(
        topic=parts[0].topic, state=parts[0].state, indicator=parts[0].indicator, parts=parts
    )


def cards(
    *items: TopicAdvice, guideline: Guideline = GUIDELINE, **more: Any
) -> list[dict[str, Any]]:
    """Return the cards as JSON."""
    rendered = render(
        items, guideline=guideline, base_url="https://cds.example.org", patient_id="p1", **more
    )
    return [card.to_json() for card in rendered]


SPOKEN = sorted(rule.id for rule in GUIDELINE.rules.values() if rule.state != "silent")


@pytest.mark.parametrize("rule", SPOKEN)
def test_every_rule_makes_a_card(rule: str) -> None:
    """Each row that is not silent gives a card with source, caveat, certainty and links."""
    patient_wide = rule.startswith("hlrcc")
    (card,) = cards(topic(advice(rule, None if patient_wide else THIGH)))
    row = GUIDELINE.rules[rule]
    assert len(card["summary"]) < 140
    assert "{" not in card["summary"] + card["detail"]
    assert "content pending human review" in card["detail"].lower()
    assert "supplements their judgement" in card["detail"]
    for statement in row.statements_for("dermal" if not patient_wide else "unknown"):
        assert f"({statement})" in card["detail"]
    assert card["indicator"] == row.indicator
    assert card["source"]["topic"]["code"] in TOPICS
    assert card["links"][0]["url"] == f"https://cds.example.org/guideline/{rule}"
    assert 3 <= len(card["overrideReasons"]) <= 5
    assert all({"code", "system", "display"} == set(reason) for reason in card["overrideReasons"])


@pytest.mark.parametrize("rule", SPOKEN)
def test_no_rule_says_must_safe_or_urgent(rule: str) -> None:
    """The verbs of the source never get stronger on a card, nor does an indicator."""
    (card,) = cards(topic(advice(rule, None if rule.startswith("hlrcc") else THIGH)))
    words = set(re.findall(r"[a-z]+", (card["summary"] + card["detail"]).lower()))
    assert not words & {"must", "safe", "safely", "urgent", "urgently", "shall", "immediately"}
    assert card["indicator"] in {"info", "warning"}


def test_prognosis_stands_on_no_card() -> None:
    """No rule shows the survival and recurrence figures; they stand on the linked page."""
    shown = {
        statement
        for rule in GUIDELINE.rules.values()
        for depth in ("dermal", "subcutaneous", "unclear")
        for statement in rule.statements_for(depth)
    }
    assert not shown & {"S13", "S14", "S15", "S16", "S17", "S18", "S19"}


def test_a_suggestion_is_one_valid_proposal() -> None:
    """Each suggestion creates one ServiceRequest: a draft proposal for patient and Condition."""
    (card,) = cards(topic(advice("margin.no-surgery")))
    assert card["selectionBehavior"] == "any"
    assert card["suggestions"][0]["isRecommended"] is True
    assert "isRecommended" not in card["suggestions"][1]
    for suggestion in card["suggestions"]:
        (action,) = suggestion["actions"]
        order = ServiceRequest.model_validate(action["resource"])
        assert (order.status, order.intent) == ("draft", "proposal")
        assert order.subject.reference == "Patient/p1"
        assert order.reasonReference[0].reference == "Condition/c1"
        assert action["description"] == order.code.text
    coded = card["suggestions"][0]["actions"][0]["resource"]["code"]["coding"][0]
    assert coded["code"] == "177302005"


def test_a_condition_without_an_id_is_not_referenced() -> None:
    """A reference that is no FHIR id stays out of the proposal."""
    tumour = Tumour(site="back", depth="dermal", conditions=("Condition/(without id) 1",))
    (card,) = cards(topic(advice("margin.no-surgery", tumour)))
    assert "reasonReference" not in card["suggestions"][0]["actions"][0]["resource"]


def test_an_offer_without_recommendation() -> None:
    """A genetics referral beside the tumour alone is offered, not recommended."""
    (card,) = cards(topic(advice("hlrcc.tumour-only", None)))
    assert all("isRecommended" not in suggestion for suggestion in card["suggestions"])


def test_an_order_that_exists_is_a_sentence() -> None:
    """The detail names the existing order instead of a suggestion."""
    order = Fact("ServiceRequest/o1", "order", "Re-excision [now](http://x.example)", DAY)
    item = advice("margin.positive", ordered=(("re-excision", order),))
    (card,) = cards(topic(item))
    assert "**Exists already:** re-excision" in card["detail"]
    assert "2 Nov 2026" in card["detail"]
    assert r"\[now\](" in card["detail"]


def test_two_tumours_are_one_card() -> None:
    """One card names each tumour by its site, the strongest first."""
    (card,) = cards(topic(advice("margin.no-surgery", ARM), advice("margin.clear", THIGH)))
    assert card["summary"].startswith("Subcutaneous leiomyosarcoma, right arm")
    assert card["summary"].endswith("(+1 more)")
    assert "**Right arm** – " in card["detail"]
    assert "**Left thigh** – " in card["detail"]
    assert "(S24)" in card["detail"]
    assert "(S25)" in card["detail"]
    assert len(card["links"]) == 2


def test_a_silent_tumour_is_left_out_of_the_card() -> None:
    """Where one tumour's advice is silent the card speaks of the other alone."""
    (card,) = cards(topic(advice("margin.no-surgery", ARM), advice("margin.history-only", THIGH)))
    assert "(+1 more)" not in card["summary"]
    assert "Left thigh" not in card["detail"]


def test_the_cut_topics_are_named_in_the_last_card() -> None:
    """What had no room stands in the last card only."""
    first, last = cards(
        topic(advice("margin.no-surgery")), topic(advice("radiation.dermal")), cut=("hlrcc",)
    )
    assert "not shown here:** HLRCC" not in first["detail"]
    assert "not shown here:** HLRCC" in last["detail"]


def test_windows_are_told_with_both_readings() -> None:
    """The stricter window and the lenient end are both in the detail."""
    (card,) = cards(topic(advice("surveillance.due-lenient", windows=(WINDOW,))))
    assert "2 Mar 2027 to 2 May 2027, 4–6 months after 2 Nov 2026" in card["detail"]
    assert "ends 2 Nov 2027" in card["detail"]


def test_what_is_missing_unread_and_remarked_is_said() -> None:
    """Not found, could not be read and remarks each have their line."""
    (card,) = cards(
        topic(
            advice(
                "margin.no-surgery",
                missing=("grade", "surgery"),
                unread=("reports", "observations"),
                remarks=("immunosuppression",),
            )
        )
    )
    assert "**Not found:** grade; no excision is visible in the records read." in card["detail"]
    assert "**Could not be read:** diagnostic reports and observations." in card["detail"]
    assert "Immunosuppression is recorded" in card["detail"]


def test_one_record_that_says_two_things_has_one_line() -> None:
    """The same words of the same record stand once, with both labels."""
    facts = (
        Fact("Condition/c1", "diagnosis", "Dermal leiomyosarcoma", DAY),
        Fact("Condition/c1", "depth", "Dermal leiomyosarcoma", DAY),
    )
    (card,) = cards(topic(advice("margin.no-surgery", facts=facts)))
    assert card["detail"].count("“Dermal leiomyosarcoma”") == 1
    assert (
        "Diagnosis, depth: “Dermal leiomyosarcoma” – 2 Nov 2026 – *Condition/c1*" in card["detail"]
    )


def test_the_report_s_word_for_the_tumour_is_used() -> None:
    """An atypical intradermal smooth muscle neoplasm keeps its name, a suspicion its doubt."""
    name = "atypical intradermal smooth muscle neoplasm"
    (card,) = cards(
        topic(advice("margin.no-surgery", Tumour(site="back", depth="dermal", name=name)))
    )
    assert card["summary"].startswith("Atypical intradermal smooth muscle neoplasm, back")
    assert "leiomyosarcoma" not in card["summary"].lower()


def test_uuids_are_fresh_and_can_be_injected() -> None:
    """Cards and suggestions have uuids of their own; a test can set them."""
    (card,) = cards(topic(advice("margin.no-surgery")))
    ids = [card["uuid"], *(item["uuid"] for item in card["suggestions"])]
    assert len({uuid.UUID(value) for value in ids}) == len(ids)
    numbers = itertools.count()
    (fixed,) = cards(
        topic(advice("margin.no-surgery")), make_uuid=lambda: str(uuid.UUID(int=next(numbers)))
    )
    assert {fixed["uuid"][-1], *(item["uuid"][-1] for item in fixed["suggestions"])} == {*"012"}


def test_a_summary_is_never_too_long() -> None:
    """A long site name is cut, not refused."""
    tumour = Tumour(site="left " + "lower limb or upper limb " * 8, depth="subcutaneous")
    (card,) = cards(topic(advice("margin.positive", tumour)))
    assert len(card["summary"]) == len(card["summary"].strip()) < 140
    assert card["summary"].endswith("…")
