"""guideline.toml and its loader: what is broken is named by its place."""

import datetime as dt
import re
from importlib import resources

import pytest

from cds_service import guideline
from cds_service.clinical.evaluate import evaluate
from cds_service.clinical.plan import TOPICS, Plan
from cds_service.facts import (
    Chart,
    Coding,
    Concept,
    Condition,
    PartialDate,
    Patient,
    Procedure,
    Span,
)
from cds_service.guideline import GuidelineError, loads

TEXT = resources.files("cds_service.guideline").joinpath("guideline.toml").read_text("utf-8")
RULE = '[rules."margin.clear"]'
TODAY = dt.date(2026, 12, 1)


def changed(old: str, new: str) -> str:
    """Return the guideline's text with one place changed; fails where the place is gone."""
    assert TEXT.count(old) == 1, f"{old!r} stands {TEXT.count(old)} times in the guideline"
    return TEXT.replace(old, new)


def within(heading: str, old: str, new: str) -> str:
    """Return the guideline's text with a change in the table of this heading."""
    before, _, after = TEXT.partition(heading)
    table, bracket, rest = after.partition("\n[")
    assert old in table
    return before + heading + table.replace(old, new) + bracket + rest


# --- What the loader refuses ---


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[meta]\nversion = 1.0.0\n", "The guideline is not valid TOML: .*line 2"),
        ("", r"lacks the table \[policy\]"),
        (
            TEXT.replace("[policy.", "[polity."),
            r"lacks the table \[policy\]",
        ),
        (
            changed('[statements.S24]\ntext = "', '[statements.S24]\nwords = "'),
            r"statements.S24 is incomplete or wrong: KeyError 'text'",
        ),
        (
            within("[statements.S24]", "margin_cm = 1", 'margin_cm = "one"'),
            "is incomplete or wrong: ValueError .*one",
        ),
        (
            within("[statements.S24]", "{margin_cm}", "{margin}"),
            "KeyError 'margin'",
        ),
        (
            within("[statements.S24]", 'certainty = "series"', 'certainty = "sure"'),
            "statements.S24.certainty: 'sure' is not defined; known are background, ",
        ),
        (
            within(RULE, 'statements = ["S23"]', 'statements = ["S99"]'),
            "rules.margin.clear: 'S99' is not defined; known are S01, S02",
        ),
        (
            within(RULE, 'dermal = ["S24"]', 'dermal = ["S98"]'),
            "rules.margin.clear: 'S98' is not defined",
        ),
        (
            within(RULE, "by_depth = { dermal", "by_depth = { deep"),
            "rules.margin.clear: 'deep' is not defined; known are dermal, subcutaneous, unclear",
        ),
        (
            within(RULE, 'topic = "margin"', 'topic = "margins"'),
            "rules.margin.clear: 'margins' is not defined; known are diagnosis, hlrcc, margin",
        ),
        (
            within('[rules."margin.no-surgery"]', '"wide-excision"', '"wider-excision"'),
            "rules.margin.no-surgery: 'wider-excision' is not defined; known are ",
        ),
        (
            re.sub(
                r'(\[rules\."margin\.clear"\].*?)summary = [^\n]*\n', r"\1", TEXT, flags=re.DOTALL
            ),
            "rules.margin.clear: a row that is not silent needs a summary",
        ),
        (
            within(RULE, "{minimum}", "{S24.margin}"),
            r"rules.margin.clear: {S24.margin} names no number of the guideline",
        ),
        (
            within(RULE, "{minimum}", "{S99.margin_cm}"),
            r"rules.margin.clear: {S99.margin_cm} names no number of the guideline",
        ),
        (
            within('[rules."radiation.late"]', "policy.radiation_window", "policy.window"),
            r"rules.radiation.late: {policy.window.months} names no number of the guideline",
        ),
        (
            changed("\n[about]\n", '\n[about]\nmotto = "none"\n'),
            "about is incomplete or wrong: TypeError .*motto",
        ),
        (
            within("[examinations.skin]", 'statement = "S41"', 'statement = "S49"'),
            "examinations.skin: 'S49' is not defined",
        ),
        (
            within("[examinations.skin]", '"skin-examination"', '"skin-check"'),
            "examinations.skin: 'skin-check' is not defined",
        ),
        (
            within("[examinations.skin]", "name =", "title ="),
            "is incomplete or wrong: TypeError .*title",
        ),
    ],
)
def test_what_is_broken_is_named(text: str, said: str) -> None:
    """A guideline that cannot be used raises, and the message names the place."""
    with pytest.raises(GuidelineError, match=said):
        loads(text)


def test_a_missing_key_is_named_with_its_table() -> None:
    """Whoever edits the data is told which statement lacks its text."""
    text = changed('[statements.S24]\ntext = "', '[statements.S24]\nwords = "')
    with pytest.raises(GuidelineError, match=r"statements.S24"):
        loads(text)


# --- What the shipped guideline holds ---


def test_the_statements_are_those_of_the_source() -> None:
    """Forty-eight statements, each with its own id and a source that it was matched to."""
    statements = guideline.load().statements
    assert list(statements) == [f"S{number:02}" for number in range(1, 49)]
    for key, statement in statements.items():
        assert statement.id == key
        assert statement.verified_source
        assert not re.search(r"\{\w", statement.text + statement.caveat)


@pytest.mark.parametrize(
    ("statement", "numbers"),
    [
        ("S13", {"percent": 98}),
        ("S15", {"percent": 15}),
        ("S16", {"percent": 88}),
        ("S17", {"percent": 21}),
        ("S19", {"percent": 22}),
        ("S24", {"margin_cm": 1}),
        ("S25", {"margin_cm": 2}),
        ("S28", {"percent": 68}),
        ("S29", {"percent": 25}),
        ("S34", {"minimum_months": 4, "maximum_months": 6, "years_low": 3, "years_high": 5}),
        ("S35", {"interval_months": 12}),
        ("S36", {"minimum_months": 3, "maximum_months": 4, "years_low": 2, "years_high": 3}),
        ("S37", {"interval_months": 6, "until_year": 5}),
        ("S38", {"interval_months": 12}),
        ("S41", {"interval_months": 12}),
        ("S42", {"interval_months": 12, "start_age": 8}),
        ("S43", {"interval_months": 12, "start_age": 20}),
    ],
)
def test_the_numbers_are_the_sources(statement: str, numbers: dict[str, float]) -> None:
    """The numbers of a statement are those that the source prints."""
    assert guideline.load().statements[statement].numbers == numbers


def test_no_verb_is_stronger_than_the_sources() -> None:
    """The cards' words never say must, safe or urgent."""
    for rule in guideline.load().rules.values():
        assert not re.search(
            r"\b(must|safe|urgent|urgently)\b", rule.summary + rule.advice, re.IGNORECASE
        )


def test_every_topic_has_its_title_and_its_override_reasons() -> None:
    """Three to five reasons a topic, for not following it, each with code, system and display."""
    book = guideline.load()
    assert set(book.topics) == set(TOPICS)
    assert set(book.overrides) == set(TOPICS)
    for reasons in book.overrides.values():
        assert 3 <= len(reasons) <= 5
        assert all(reason.code and reason.system and reason.display for reason in reasons)
        assert len({reason.code for reason in reasons}) == len(reasons)


def test_every_policy_has_its_reason() -> None:
    """What is ours and not the source's says why."""
    for policy in guideline.load().policy.values():
        assert len(policy.reason) > 40


def test_a_silent_row_says_why() -> None:
    """Every row has the condition under which it decides, for the decision trace."""
    for rule in guideline.load().rules.values():
        assert rule.when


def test_the_version_is_the_datas() -> None:
    """The guideline knows its version."""
    assert guideline.load().version == guideline.load().meta["version"]


def test_numbers_are_filled_in() -> None:
    """A template names numbers of statements and of the policy, and values."""
    filled = guideline.load().fill(
        "{S24.margin_cm} {policy.radiation_window.months} {width}", width="11 mm"
    )
    assert filled == "1 6 11 mm"


def test_a_rule_speaks_by_depth() -> None:
    """Statements, caveats and suggestions of a row follow the depth; both unclear ones are one."""
    rule = guideline.load().rules["margin.positive"]
    assert rule.statements_for("dermal") == ("S23", "S24", "S45")
    assert rule.statements_for("unknown") == rule.statements_for("conflicting")
    assert rule.caveats_for("subcutaneous") == ("S25",)
    due = guideline.load().rules["surveillance.due"]
    assert due.suggestions_for("dermal") == ("follow-up-visit",)
    assert due.suggestions_for("subcutaneous") == ("follow-up-visit", "chest-imaging")


def test_a_match_has_words_and_words_against() -> None:
    """A match is said by one of its words in a text without the words against it."""
    match = guideline.Match(("transplant",), ("donor",))
    assert match.says("Kidney Transplant")
    assert not match.says("Kidney transplant donor")
    assert match.says("Donor", "Transplant")
    assert not match.says()


# --- A changed number changes the advice, with no line of Python touched ---

CLEAR = "Margins clear, closest margin 11 mm"


def plan(text: str, depth: str = "Dermal", on: str = "2026-06-10", birth: str = "1960") -> Plan:
    """Return the plan for a tumour excised on a day, by this guideline."""
    diagnosis = Condition(
        reference="Condition/c",
        code=Concept(text=f"{depth} leiomyosarcoma"),
        verification="confirmed",
        clinical_status="active",
    )
    hlrcc = Condition(
        reference="Condition/h",
        code=Concept((Coding("http://snomed.info/sct", "1162799008"),)),
        verification="confirmed",
    )
    excision = Procedure(
        reference="Procedure/x",
        status="completed",
        code=Concept(text="Wide excision"),
        performed=Span(PartialDate.of(dt.date.fromisoformat(on))),
        outcome=Concept(text=CLEAR),
    )
    born = PartialDate.of(dt.date.fromisoformat(f"{birth}-01-01"))
    patient = Patient(reference="Patient/p", id="p", gender="male", birth=born)
    chart = Chart(patient=patient, conditions=(diagnosis, hlrcc), procedures=(excision,))
    return evaluate(chart, loads(text), today=TODAY)


def rule(found: Plan, topic: str) -> str:
    """Return the rule that decided a topic."""
    return next(advice.parts[0].rule for advice in found.advice if advice.topic == topic)


def test_a_changed_minimum_changes_the_verdict() -> None:
    """With a minimum of 2 cm a margin of 11 mm is below it, and the words say 2 cm."""
    text = within("[statements.S24]", "margin_cm = 1", "margin_cm = 2")
    assert rule(plan(TEXT), "margin") == "margin.clear"
    after = plan(text)
    assert rule(after, "margin") == "margin.below-minimum"
    assert after.of("margin").parts[0].values["minimum"] == "2 cm"
    assert "**2 cm**" in loads(text).statements["S24"].text


@pytest.mark.parametrize(
    ("heading", "old", "new", "depth", "on", "expected"),
    [
        ("S34", "minimum_months = 4", "minimum_months = 5", "Dermal", "2026-06-10", "2026-11-10"),
        ("S34", "maximum_months = 6", "maximum_months = 7", "Dermal", "2026-06-10", "2027-01-10"),
        ("S36", "minimum_months = 3", "minimum_months = 2", "Sub", "2026-06-10", "2026-08-10"),
        ("S36", "maximum_months = 4", "maximum_months = 5", "Sub", "2026-06-10", "2026-11-10"),
    ],
)
def test_a_changed_interval_changes_the_window(
    heading: str, old: str, new: str, depth: str, on: str, expected: str
) -> None:
    """The window follows the numbers of the data."""
    name = "Subcutaneous" if depth == "Sub" else depth
    text = within(f"[statements.{heading}]", old, new)
    (before,) = plan(TEXT, name, on).of("surveillance").parts[0].windows
    (after,) = plan(text, name, on).of("surveillance").parts[0].windows
    assert expected in {str(after.earliest), str(after.latest)}
    assert expected not in {str(before.earliest), str(before.latest)}


def test_a_changed_policy_changes_radiation() -> None:
    """With a window of four months surgery of June is late in December."""
    text = within("[policy.radiation_window]", "months = 6", "months = 4")
    assert rule(plan(TEXT), "radiation") == "radiation.dermal"
    assert rule(plan(text), "radiation") == "radiation.late"


def test_a_changed_start_age_changes_what_is_due() -> None:
    """With a start age of 12 a boy of ten waits for his renal MRI."""
    text = within("[statements.S42]", "start_age = 8", "start_age = 12")
    assert "renal MRI" in str(plan(TEXT, birth="2016").of("hlrcc").parts[0].values["due"])
    assert "renal MRI" not in str(plan(text, birth="2016").of("hlrcc").parts[0].values["due"])


def test_orders_of_an_unknown_topic() -> None:
    """A table of orders is about a topic that there is."""
    text = resources.files("cds_service.guideline").joinpath("guideline.toml").read_text("utf-8")
    with pytest.raises(GuidelineError, match=r"orders\.diet"):
        loads(text.replace("[orders.margin]", "[orders.diet]"))
