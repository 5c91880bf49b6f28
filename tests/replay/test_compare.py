"""Two outcomes of one case: each kind of difference, and what is none."""

import copy
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from cds_service.replay.change import Change
from cds_service.replay.compare import Comparison, Failed, compare, counted
from cds_service.replay.noise import settled
from cds_service.replay.outcome import Evaluation, Played, Result, of_trace

Json = dict[str, Any]
Card = Callable[..., Json]

FACT = {"reference": "Condition/c", "label": "Diagnosis", "text": "LMS", "date": "2026-05-01"}
WINDOW = {
    "depth": "dermal",
    "status": "due",
    "start": "2026-06-10",
    "elapsedMonths": 0,
    "earliest": "2026-10-10",
    "latest": "2026-12-10",
    "lenientLatest": "2026-12-10",
}
TRACE: Json = {
    "today": "2026-12-01",
    "guideline": "1.0.0",
    "tumours": [
        {
            "site": "left thigh",
            "depth": "dermal",
            "level": "certain",
            "events": [{"kind": "diagnosis", "date": "2026-05-01", "facts": [FACT]}],
            "schedules": [
                {
                    "depth": "dermal",
                    "phases": [
                        {
                            "untilMonths": 36,
                            "minimumMonths": 4,
                            "maximumMonths": 6,
                            "lenientMaximumMonths": 6,
                        },
                        {"minimumMonths": 12, "maximumMonths": 12, "lenientMaximumMonths": 12},
                    ],
                }
            ],
        }
    ],
    "topics": [
        {
            "topic": "surveillance",
            "state": "act",
            "indicator": "info",
            "parts": [
                {
                    "tumour": 0,
                    "site": "left thigh",
                    "state": "act",
                    "rule": "surveillance.due",
                    "reason": "Today lies in the window",
                    "facts": [FACT],
                    "windows": [WINDOW],
                }
            ],
        }
    ],
    "setAside": [],
    "notUsed": [],
    "unread": {},
}


def result(
    *cards: Json, trace: Json | None = TRACE, hook: str = "patient-view", **more: Any
) -> Result:
    """Return a result with these cards on one hook."""
    played = Played(hook=hook, status=200, cards=cards)
    evaluation = of_trace(trace) if trace else None
    given = {"name": "x", "path": "x", "today": "2026-12-01", "digest": "d"}
    return Result(**{**given, "evaluation": evaluation, "played": (played,), **more})


def told(before: Any, after: Any) -> list[Change]:
    """Return the changes between two outcomes."""
    return list(compare("x", before, after).changes)


def traced(change: Callable[[Json], Any]) -> list[Change]:
    """Return the changes when the trace is changed so."""
    trace = copy.deepcopy(TRACE)
    change(trace)
    return told(result(), result(trace=trace))


def only(changes: list[Change]) -> Change:
    """Return the one change; fails where there are more."""
    (change,) = changes
    return change


def test_equal_results_are_the_same(make_card: Card) -> None:
    """Nothing differs where nothing differs."""
    comparison = compare("x", result(make_card()), result(make_card()))
    assert comparison.same
    assert not comparison.cards_alone


def test_random_ids_and_addresses_of_the_service_are_no_difference(make_card: Card) -> None:
    """Card and suggestion ids, the host and the versions in links change with every answer."""

    def answered(host: str, version: str) -> Json:
        made = str(uuid4())
        page = f"{host}/guideline/margin.positive"
        card = make_card() | {"uuid": str(uuid4())}
        card["source"] = {"label": "S", "url": f"{host}/guideline/?version={version}&valuesets=1"}
        card["links"] = [{"label": "Why", "url": page, "type": "absolute"}]
        card["suggestions"] = [
            {
                "label": "Propose",
                "uuid": str(uuid4()),
                "actions": [
                    {"type": "create", "resource": {"resourceType": "ServiceRequest", "id": made}},
                    {"type": "create", "resource": {"basedOn": f"ServiceRequest/{made}"}},
                ],
            }
        ]
        card["detail"] = f"of card {card['uuid']}"
        return card

    before = result(answered("http://127.0.0.1:8000", "1.0.0"))
    after = result(answered("https://cds.example.org/base", "1.1.0"))
    assert told(before, after) == []


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("summary", "another"),
        ("detail", "At **least** 2 cm"),
        ("indicator", "warning"),
        ("suggestions", []),
        ("suggestions", [{"label": "Propose it"}]),
        ("overrideReasons", []),
        ("links", [{"label": "Why", "url": "https://example.org/other", "type": "absolute"}]),
        ("extension", {"org.example": {"new": True}}),
        ("selectionBehavior", "any"),
    ],
)
def test_whatever_else_a_card_says_is_compared(make_card: Card, member: str, value: Any) -> None:
    """Each member that changed is named with what it was and what it is."""
    change = only(told(result(make_card()), result(make_card() | {member: value})))
    assert (change.kind, change.where) == ("card changed", f"patient-view · margin · {member}")
    assert change.before != change.after


@pytest.mark.parametrize(
    "value",
    ["5b0f0c1c-64d5-4d3c-8f4a-0d3f7b6e6a99", "Patient/5b0f0c1c-64d5-4d3c-8f4a-0d3f7b6e6a99"],
)
def test_an_id_of_the_patients_record_is_no_noise(make_card: Card, value: str) -> None:
    """An id that looks random may be the patient's: another one is a difference."""
    card = make_card()
    action = {"type": "create", "resource": {"subject": {"reference": value}}}
    card["suggestions"] = [{"label": "Propose it", "actions": [action]}]
    other = copy.deepcopy(card)
    other["suggestions"][0]["actions"][0]["resource"]["subject"]["reference"] = f"{uuid4()}"
    assert only(told(result(card), result(other))).kind == "card changed"


def test_a_card_is_settled_without_losing_what_is_odd() -> None:
    """Suggestions that are none stay, so that they are compared, too."""
    assert settled({"uuid": "x", "suggestions": ["odd", {"uuid": "y", "label": "z"}]}) == {
        "suggestions": ["odd", {"label": "z"}]
    }


def test_cards_gained_and_lost_are_told_whole(make_card: Card) -> None:
    """A card that came or went is shown with its indicator, summary and detail."""
    lost = only(told(result(make_card(), make_card("hlrcc")), result(make_card())))
    assert (lost.kind, lost.where, lost.after) == ("card lost", "patient-view · hlrcc", "")
    assert "INFO · hlrcc: at least 1 cm" in lost.before
    assert "At **least** 1 cm" in lost.before
    gained = only(told(result(), result(make_card())))
    assert (gained.kind, gained.where) == ("card gained", "patient-view · margin")


def test_two_cards_of_one_topic_are_told_apart(make_card: Card) -> None:
    """Of cards of one name the equal ones belong together."""
    one, two, three = (make_card() | {"summary": name} for name in "abc")
    change = only(told(result(one, two), result(three, two)))
    assert (change.kind, change.before, change.after) == ("card changed", "a", "c")


def test_another_order_of_cards_is_a_difference(make_card: Card) -> None:
    """An EHR shows the first card first."""
    cards = make_card("margin"), make_card("hlrcc")
    change = only(told(result(*cards), result(*reversed(cards))))
    assert (change.kind, change.before, change.after) == (
        "cards reordered",
        "margin\nhlrcc",
        "hlrcc\nmargin",
    )


def test_what_two_hooks_have_alike_is_told_once(make_card: Card) -> None:
    """One change of one card is one row, with the hooks that show it."""

    def both(card: Json) -> Result:
        hooks = ("patient-view", "problem-list-item-create")
        played = tuple(Played(hook=hook, status=200, cards=(card,)) for hook in hooks)
        return result(played=played)

    change = only(told(both(make_card()), both(make_card() | {"indicator": "warning"})))
    assert change.where == "patient-view, problem-list-item-create · margin · indicator"


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [("", "no", "error gained"), ("no", "", "error lost"), ("no", "why", "error changed")],
)
def test_an_error_is_no_empty_answer(before: str, after: str, kind: str) -> None:
    """An answer that is an error differs from one without cards."""
    one, two = (
        result(played=(Played(hook="patient-view", status=500 if said else 200, problem=said),))
        for said in (before, after)
    )
    change = only(told(one, two))
    assert (change.kind, change.where) == (kind, "patient-view")
    assert before in change.before
    assert after in change.after


def test_cards_that_an_error_took_are_lost(make_card: Card) -> None:
    """Beside the error stands what is missing for it."""
    failed = Played(hook="patient-view", status=500, problem="broken")
    changes = told(result(make_card()), result(played=(failed,)))
    assert [change.kind for change in changes] == ["error gained", "card lost"]


def test_a_case_that_cannot_be_played_any_more_is_an_error_gained() -> None:
    """What was a result and is none is told with the reason; the same reason is the same."""
    change = only(told(result(), Failed("holds no Patient")))
    assert (change.kind, change.where, change.after) == (
        "error gained",
        "case",
        "holds no Patient",
    )
    assert told(Failed("a"), Failed("a")) == []


def test_a_case_of_one_side_is_a_difference() -> None:
    """A case that only one side has is never the same."""
    assert only(told(None, result())).kind == "only here"
    assert only(told(result(), None)).kind == "only there"


@pytest.mark.parametrize("changed", [{"today": "2026-12-02"}, {"digest": "e"}])
def test_another_day_or_input_is_said(changed: Json) -> None:
    """Results of another day or chart are not passed off as those of another version."""
    before = result(trace=None)
    assert only(told(before, result(trace=None, **changed))).kind == "other case"


def test_the_day_is_the_services_own() -> None:
    """A service that evaluates for another day than was asked for is found out by its trace."""
    change = only(traced(lambda trace: trace.update(today="2026-01-01")))
    assert (change.kind, change.where, change.after) == ("other case", "today", "2026-01-01")


def test_other_conditions_entered_are_said(make_card: Card) -> None:
    """Where another diagnosis was entered, it is not the same case."""

    def entered(*conditions: str) -> Result:
        card = make_card()
        return result(played=(Played(hook="h", status=200, cards=(card,), conditions=conditions),))

    change = only(told(entered("Condition/a"), entered("Condition/b")))
    assert (change.kind, change.where) == ("other case", "h · entered")


def test_a_hook_of_one_side_is_said(make_card: Card) -> None:
    """A hook that was played on one side alone is a difference, even without cards."""
    assert [c.kind for c in told(result(hook="a"), result(hook="b"))] == ["answer", "answer"]
    kinds = [c.kind for c in told(result(make_card(), hook="a"), result(hook="b"))]
    assert kinds == ["card lost", "answer", "answer"]


def test_system_actions_and_extensions_are_compared() -> None:
    """What an answer holds beside cards counts."""
    acted = Played(hook="patient-view", status=200, more={"systemActions": [{"type": "delete"}]})
    change = only(told(result(), result(played=(acted,))))
    assert (change.kind, change.where) == ("answer", "patient-view · systemActions")
    assert "delete" in change.after


def part(trace: Json) -> Json:
    """Return the follow-up advice of a trace."""
    found: Json = trace["topics"][0]["parts"][0]
    return found


def test_a_window_that_moved_is_told_with_its_dates() -> None:
    """From and to stand in full, with what is due."""
    moved = only(
        traced(lambda t: part(t)["windows"][0].update(earliest="2026-09-10", status="overdue"))
    )
    assert (moved.kind, moved.where) == ("window moved", "surveillance · dermal")
    assert moved.before == "2026-10-10 to 2026-12-10, due"
    assert moved.after == "2026-09-10 to 2026-12-10, overdue"
    lenient = only(traced(lambda t: part(t)["windows"][0].update(lenientLatest="2027-01-10")))
    assert lenient.after == "2026-10-10 to 2026-12-10 (lenient 2027-01-10), due"


def test_a_window_of_one_side_is_gained_or_lost() -> None:
    """A window that is withheld now is lost."""
    lost = only(traced(lambda t: part(t).pop("windows")))
    assert (lost.kind, lost.after) == ("window lost", "")
    gained = only(traced(lambda t: part(t)["windows"].append(WINDOW | {"depth": "subcutaneous"})))
    assert (gained.kind, gained.where) == ("window gained", "surveillance · subcutaneous")


@pytest.mark.parametrize(
    ("change", "kind", "where"),
    [
        (lambda t: t["topics"][0].update(state="inform"), "state", "surveillance"),
        (lambda t: t["topics"][0].update(indicator="warning"), "state", "surveillance"),
        (lambda t: part(t).update(rule="other"), "rule", "surveillance"),
        (lambda t: part(t).update(reason="other"), "facts", "surveillance · reason"),
        (lambda t: part(t).update(missing=["depth"]), "facts", "surveillance · missing"),
        (lambda t: part(t).update(facts=[]), "facts", "surveillance · facts"),
        (lambda t: t["tumours"][0].update(depth="unknown"), "depth", "left thigh"),
        (lambda t: t["tumours"][0].update(history=True), "tumour", "left thigh · history"),
        (lambda t: t["tumours"][0].update(events=[]), "facts", "left thigh · events"),
        (lambda t: t["tumours"][0]["schedules"].clear(), "schedule", "left thigh"),
        (lambda t: t["unread"].update(reports="no"), "not used", "unread"),
        (lambda t: t["notUsed"].append({"where": "a", "reason": "b"}), "not used", "notUsed"),
    ],
)
def test_each_part_of_a_decision_is_compared(change: Any, kind: str, where: str) -> None:
    """Whatever the evaluation says differently is one change of its kind and place."""
    found = only(traced(change))
    assert (found.kind, found.where) == (kind, where)


def test_a_tumour_that_came_is_told_with_its_depth() -> None:
    """Tumours are matched by their site."""
    new = {"site": "back", "depth": "unknown"}
    gained = only(traced(lambda trace: trace["tumours"].append(new)))
    assert (gained.kind, gained.where, gained.after) == ("tumour gained", "back", "unknown")
    assert only(traced(lambda trace: trace["tumours"].clear())).kind == "tumour lost"


def test_of_several_tumours_each_has_its_own_state() -> None:
    """A change of one tumour's advice is seen though the strongest state is the same."""
    trace = copy.deepcopy(TRACE)
    second = part(trace) | {"site": "back", "tumour": 1, "state": "inform"}
    trace["topics"][0]["parts"].append(second)
    changed = copy.deepcopy(trace)
    changed["topics"][0]["parts"][1]["state"] = "done"
    change = only(told(result(trace=trace), result(trace=changed)))
    assert (change.kind, change.where) == ("state", "surveillance, back")


def test_only_the_facts_that_differ_are_told() -> None:
    """Of a list the items that went and came stand there, and no others."""
    more = FACT | {"reference": "Procedure/x", "label": "Excision"}
    change = only(traced(lambda trace: part(trace)["facts"].append(more)))
    assert (change.before, change.after) == ("", "Excision: “LMS”, 2026-05-01 [Procedure/x]")


def test_the_version_and_what_a_hook_showed_are_no_decision() -> None:
    """A trace of another version, or of a response, is the same where it decides the same."""

    def other(trace: Json) -> None:
        trace["guideline"] = "2.0.0"
        trace["topics"][0] |= {"shown": False, "notShown": "only what is due"}

    assert traced(other) == []


def test_a_service_without_events_is_compared_all_the_same() -> None:
    """An older trace tells no events: that is nothing that it decides differently."""

    def older(trace: Json) -> None:
        for tumour in trace["tumours"]:
            del tumour["events"], tumour["schedules"]
        del part(trace)["tumour"]

    assert traced(older) == []


def test_where_one_side_has_no_evaluation_its_cards_are_compared(make_card: Card) -> None:
    """States that are out of reach are not taken for lost ones, and that is known."""
    comparison = compare("x", result(make_card(), trace=None), result(make_card()))
    assert comparison.same
    assert comparison.cards_alone


def test_a_trace_that_cannot_be_compared_is_not_the_same() -> None:
    """What another service calls a trace is no reason to say that nothing changed."""
    odd = Evaluation(topics={}, trace={"today": "2026-12-01", "tumours": [], "topics": [{}]})
    last = told(result(), result(evaluation=odd))[-1]
    assert (last.kind, last.where) == ("answer", "decision trace")
    assert "cannot be compared" in last.after


def test_kinds_are_counted_the_gravest_first(make_card: Card) -> None:
    """The summary begins with errors and lost cards."""
    failed = Played(hook="patient-view", status=500, problem="broken")
    found: list[Comparison] = [
        compare("a", result(make_card()), result(make_card() | {"indicator": "warning"})),
        compare("b", result(make_card()), result(played=(failed,))),
        compare("c", None, result()),
    ]
    assert counted(found) == {
        "only here": 1,
        "error gained": 1,
        "card lost": 1,
        "card changed": 1,
    }
    assert next(iter(counted(found))) == "only here"
