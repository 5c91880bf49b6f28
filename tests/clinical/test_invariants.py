"""What any chart must keep, over charts that are made up of the builders' records."""

import dataclasses
import datetime as dt
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service import guideline
from cds_service.clinical.plan import TOPICS, Advice, Plan
from cds_service.clinical.schedule import window
from cds_service.facts import Chart, PartialDate, Record

from .charts import (
    CUTANEOUS_LMS,
    FH,
    GENE_STUDIED,
    GERMLINE,
    HISTOLOGIC_GRADE,
    HLRCC,
    MARGINS,
    PATHOGENIC,
    PM_CATEGORY,
    SIGNIFICANCE,
    SOURCE_CLASS,
    SUBCUTIS,
    UNCERTAIN,
    chart,
    condition,
    millimetres,
    observation,
    order,
    patient,
    plan_of,
    procedure,
    relative,
    report,
    visit,
)

TODAY = dt.date(2022, 2, 15)
#: No 29 February lies in these days, nor in the two years after: moved by a year, and an interval.
EARLIEST, LATEST = dt.date(2021, 3, 1), TODAY
TUMOUR_TOPICS = frozenset(TOPICS) - {"hlrcc"}
PATIENT = patient(birth="1985-05-20", gender="female")

#: An evaluation takes milliseconds, the first one reads the value sets: no deadline.
often = settings(max_examples=50, deadline=None)

day = st.dates(EARLIEST, LATEST).map(str)
when = st.one_of(day, day.map(lambda text: text[:7]), day.map(lambda text: text[:4]), st.none())
PLACES = ("left thigh", "right thigh", "scalp", "back")


def names(*, depth: bool = True) -> st.SearchStrategy[str]:
    """Return names of the tumour, with a depth or without."""
    kinds = ["Cutaneous leiomyosarcoma"]
    if depth:
        kinds += ["Dermal leiomyosarcoma", "Subcutaneous leiomyosarcoma"]
    return st.builds(
        "{}{}".format, st.sampled_from(kinds), st.sampled_from(["", *(f", {p}" for p in PLACES)])
    )


def conditions(*, depth: bool = True) -> st.SearchStrategy[Record]:
    """Return problems: the tumour, its suspicion, a spread, and others."""
    tumour = st.builds(
        condition,
        names(depth=depth),
        st.just(CUTANEOUS_LMS),
        status=st.sampled_from(["active", "active", "resolved", "recurrence"]),
        recorded=when,
    )
    others = st.builds(
        condition,
        st.sampled_from(
            [
                "Nodule of skin, rule out leiomyosarcoma",
                "Leiomyosarcoma of uterus",
                "Metastatic leiomyosarcoma, lung",
                "Basal cell carcinoma, scalp",
                "Multiple cutaneous leiomyomas, histologically confirmed",
                "Uterine leiomyoma",
                "Pregnant",
                "HIV disease",
                "Hypertension",
                HLRCC,
            ]
        ),
        recorded=when,
    )
    return st.one_of(tumour, tumour, others)


procedures = st.builds(
    procedure,
    st.builds(
        "{}{}".format,
        st.sampled_from(
            [
                "Wide excision",
                "Mohs surgery",
                "Re-excision",
                "Excision",
                "Punch biopsy",
                "Radiotherapy",
                "CT chest",
                "Renal MRI",
                "Myomectomy",
                "Kidney transplant",
            ]
        ),
        st.sampled_from(["", *(f", {place}" for place in PLACES)]),
    ),
    on=when,
    status=st.sampled_from(["completed", "completed", "completed", "not-done"]),
    outcome=st.sampled_from(
        [None, "Margins clear", "Deep margin positive", "Margins clear, closest margin 12 mm"]
    ),
)
reports = st.builds(
    report,
    st.builds(
        "{}, {}: {} {}".format,
        st.sampled_from(["Punch biopsy", "Wide excision", "Re-excision", "Specimen"]),
        st.sampled_from(PLACES),
        st.sampled_from(
            [
                "dermal leiomyosarcoma.",
                "leiomyosarcoma centred in subcutis.",
                "leiomyosarcoma, local recurrence.",
                "no residual leiomyosarcoma.",
                "dermatofibroma.",
                "no leiomyosarcoma.",
            ]
        ),
        st.sampled_from(["", "Margins clear.", "Deep margin positive.", "FNCLCC grade 3."]),
    ),
    on=when,
    status=st.sampled_from(["final", "final", "preliminary", "amended", "corrected"]),
)
observations = st.one_of(
    st.builds(
        observation,
        st.just(MARGINS),
        st.sampled_from(["Positive", "Negative", millimetres(8)]),
        on=when,
    ),
    st.builds(observation, st.just(HISTOLOGIC_GRADE), st.sampled_from(["G1", "G3"]), on=when),
    st.builds(observation, st.just("Depth of invasion"), st.just(SUBCUTIS), on=when),
    st.builds(observation, st.just(PM_CATEGORY), st.sampled_from(["pM0", "pM1"]), on=when),
    st.sampled_from([PATHOGENIC, UNCERTAIN]).map(
        lambda found: observation(
            "Variant",
            components=[(GENE_STUDIED, FH), (SIGNIFICANCE, found), (SOURCE_CLASS, GERMLINE)],
        )
    ),
)
visits = st.builds(
    visit,
    st.sampled_from(["Follow-up of leiomyosarcoma", "Hypertension", "Skin examination"]),
    on=when,
    status=st.sampled_from(["finished", "planned"]),
)
others = st.one_of(
    st.sampled_from(["Mother", "Aunt"]).map(lambda who: relative(who, ("Uterine leiomyoma", 30))),
    st.builds(order, st.sampled_from(["Wide excision", "Follow-up visit", "Clinical genetics"])),
)


def charts(*, depth: bool = True) -> st.SearchStrategy[Chart]:
    """Return charts of up to a dozen records."""
    records = st.tuples(
        st.lists(conditions(depth=depth), min_size=1, max_size=3),
        st.lists(procedures, max_size=3),
        st.lists(reports, max_size=2),
        st.lists(observations, max_size=2),
        st.lists(visits, max_size=2),
        st.lists(others, max_size=1),
    )
    return records.map(lambda lists: chart(*(r for kind in lists for r in kind), who=PATIENT))


def mapped(value: Any, change: Any) -> Any:
    """Return a value with every date in it changed."""
    if isinstance(value, PartialDate):
        return dataclasses.replace(value, first=change(value.first), last=change(value.last))
    if isinstance(value, dt.date):
        return change(value)
    if isinstance(value, tuple):
        return tuple(mapped(item, change) for item in value)
    if isinstance(value, dict):
        return {key: mapped(item, change) for key, item in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.replace(
            value,
            **{
                field.name: mapped(getattr(value, field.name), change)
                for field in dataclasses.fields(value)
                if field.init
            },
        )
    return value


def part_essence(part: Advice) -> Any:
    """Return an advice without the order of what it lists."""
    return (
        part.rule,
        part.state,
        part.indicator,
        part.tumour and dataclasses.replace(part.tumour, conditions=()),
        frozenset(part.facts),
        part.missing,
        part.unread,
        part.windows,
        part.suggestions,
        frozenset(part.remarks),
    )


def essence(plan: Plan) -> Any:
    """Return a plan without the order of its facts."""
    return {
        advice.topic: sorted(map(repr, map(part_essence_sorted, advice.parts)))
        for advice in plan.advice
    }


def part_essence_sorted(part: Advice) -> Any:
    """Return the essence of an advice in a form that has an order."""
    return tuple(
        sorted(map(repr, item)) if isinstance(item, frozenset) else repr(item)
        for item in part_essence(part)
    )


def outline(plan: Plan) -> Any:
    """Return what the cards say, without which records said it."""
    return {
        advice.topic: sorted(
            (
                part.rule,
                part.tumour.site if part.tumour else "",
                part.tumour.depth if part.tumour else "",
                repr(part.windows),
            )
            for part in advice.parts
        )
        for advice in plan.advice
    }


def evaluated(whole: Chart, today: dt.date = TODAY) -> Plan:
    """Return the plan of a chart on the day of these tests."""
    return plan_of(whole, today=today)


@often
@given(charts(), st.randoms(use_true_random=False))
def test_the_order_of_the_records_changes_nothing(whole: Chart, random: Any) -> None:
    """Shuffled records give the same plan."""

    def shuffled(items: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(random.sample(items, len(items)))

    kinds = ("conditions", "procedures", "observations", "reports", "visits", "orders", "not_done")
    other = dataclasses.replace(whole, **{kind: shuffled(getattr(whole, kind)) for kind in kinds})
    assert essence(evaluated(other)) == essence(evaluated(whole))


@often
@given(charts())
def test_a_duplicate_under_another_reference_changes_nothing(whole: Chart) -> None:
    """Every Condition twice: the same tumours, topics, rules and windows."""
    twins = tuple(
        dataclasses.replace(item, reference=f"{item.reference}-again") for item in whole.conditions
    )
    doubled = dataclasses.replace(whole, conditions=whole.conditions + twins)
    assert outline(evaluated(doubled)) == outline(evaluated(whole))


@often
@given(charts())
def test_a_year_later_everything_is_a_year_later(whole: Chart) -> None:
    """Every date and today moved by 365 days: the same plan with moved dates."""

    def later(date: dt.date) -> dt.date:
        return date + dt.timedelta(days=365)

    moved = evaluated(mapped(whole, later), later(TODAY))
    assert repr(moved) == repr(mapped(evaluated(whole), later))


@often
@given(charts(depth=False))
def test_without_its_reports_a_tumour_is_never_dermal(whole: Chart) -> None:
    """What pathology alone told is unknown without it."""
    bare = dataclasses.replace(whole, reports=(), observations=())
    assert {tumour.depth for tumour in evaluated(bare).tumours} <= {"unknown"}


@often
@given(charts())
def test_refuted_problems_give_nothing(whole: Chart) -> None:
    """With every problem refuted today, no tumour that they spoke of is left."""
    refuted = tuple(
        dataclasses.replace(item, verification="refuted", recorded=None)
        for item in whole.conditions
    )
    other = dataclasses.replace(whole, conditions=(), refuted=refuted, reports=())
    plan = evaluated(other)
    assert plan.tumours == ()
    assert all(plan.of(topic).state == "silent" for topic in TUMOUR_TOPICS)


@often
@given(charts())
def test_a_deceased_patient_has_no_advice(whole: Chart) -> None:
    """Whatever the chart holds, a deceased patient gets none of it."""
    plan = evaluated(dataclasses.replace(whole, patient=patient(deceased=True)))
    assert {advice.state for advice in plan.advice} == {"silent"}


@often
@given(charts())
def test_every_topic_is_decided_once(whole: Chart) -> None:
    """Each topic once, in card order, and one rule for each certain tumour."""
    plan = evaluated(whole)
    assert tuple(advice.topic for advice in plan.advice) == TOPICS
    certain = [tumour for tumour in plan.tumours if tumour.level == "certain"]
    suspected = [tumour for tumour in plan.tumours if tumour.level == "suspected"]
    for topic in TUMOUR_TOPICS:
        parts = plan.of(topic).parts
        spoken = [part.tumour for part in parts if part.tumour]
        due = certain + (suspected if topic == "diagnosis" else [])
        assert sorted(map(repr, spoken)) == sorted(map(repr, due))
        assert len(parts) == max(1, len(due))
    assert len(plan.of("hlrcc").parts) == 1


@often
@given(charts())
def test_the_state_of_a_topic_is_the_strongest_of_its_parts(whole: Chart) -> None:
    """Warning, act, withheld, inform, done, silent."""
    strength = ["act", "withheld", "inform", "done", "silent"]
    for advice in evaluated(whole).advice:
        ranks = [(part.indicator != "warning", strength.index(part.state)) for part in advice.parts]
        assert (advice.indicator != "warning", strength.index(advice.state)) == min(ranks)
        assert ranks == sorted(ranks)


@often
@given(charts())
def test_advice_has_facts_of_the_chart(whole: Chart) -> None:
    """What is not silent rests on records of the chart."""
    known = {record.reference for record in whole.records()}
    known |= {item.reference for item in whole.not_done}
    for advice in evaluated(whole).advice:
        for part in advice.parts:
            if part.state != "silent":
                assert part.facts
            assert {fact.reference for fact in part.facts} <= known
            assert {fact.reference for _, fact in part.ordered} <= known


@often
@given(charts())
def test_withheld_advice_gives_no_single_window(whole: Chart) -> None:
    """Of an unclear depth both schedules are shown or none; of a clear one at most its own."""
    for advice in evaluated(whole).advice:
        for part in advice.parts:
            shown = [found.depth for found in part.windows]
            if part.state == "withheld":
                assert shown in ([], ["dermal", "subcutaneous"])
            elif part.tumour:
                assert shown in ([], [part.tumour.depth])


@often
@given(charts())
def test_a_suggestion_is_offered_or_ordered(whole: Chart) -> None:
    """Nothing is offered for which an order exists, and nothing twice."""
    for advice in evaluated(whole).advice:
        for part in advice.parts:
            ordered = [key for key, _ in part.ordered]
            assert len({*part.suggestions, *ordered}) == len(part.suggestions) + len(ordered)


@often
@given(charts())
def test_dates_that_are_not_recorded_are_not_invented(whole: Chart) -> None:
    """A window stands only where the start is known to the month."""
    for part in evaluated(whole).of("surveillance").parts:
        assert all(found.start.precision != "year" for found in part.windows)
        if part.tumour and part.tumour.t0 and part.tumour.t0.precision == "year":
            assert part.windows == ()


@often
@given(
    st.sampled_from(["Dermal", "Subcutaneous"]),
    st.dates(dt.date(2010, 1, 1), dt.date(2022, 2, 14)),
    st.integers(0, 4000),
)
def test_the_state_flips_once_at_each_boundary(name: str, t0: dt.date, after: int) -> None:
    """One day before a boundary the state is the former one; it never flips back."""
    seen = t0 + dt.timedelta(days=after)
    records = (
        condition(f"{name} leiomyosarcoma", CUTANEOUS_LMS),
        procedure("Wide excision", on=str(t0), outcome="Margins clear"),
        *([visit("Follow-up of leiomyosarcoma", on=str(seen))] if after else []),
    )

    def status(today: dt.date) -> str:
        return plan_of(*records, today=today).of("surveillance").parts[0].rule

    (found,) = plan_of(*records, today=seen).of("surveillance").parts[0].windows
    order_of = ["not-yet-due", "due", "due-lenient", "overdue"]
    changes = [
        found.earliest,
        found.latest + dt.timedelta(days=1),
        found.lenient_latest + dt.timedelta(days=1),
    ]
    for index, boundary in enumerate(changes):
        before, on = status(boundary - dt.timedelta(days=1)), status(boundary)
        assert before != on
        if found.latest != found.lenient_latest:
            assert before == f"surveillance.{order_of[index]}"
            assert on == f"surveillance.{order_of[index + 1]}"


@often
@given(
    st.sampled_from(["dermal", "subcutaneous"]),
    st.dates(dt.date(2000, 1, 1), dt.date(2030, 12, 31)),
    st.integers(0, 6000),
)
def test_a_window_lies_ahead_of_its_start(depth: Any, t0: dt.date, after: int) -> None:
    """Start, earliest, latest and lenient end follow each other, and status is monotone."""
    start = t0 + dt.timedelta(days=after)
    book = guideline.load()
    order_of = ["not-yet-due", "due", "due-lenient", "overdue"]
    seen = []
    for days in range(0, 420, 7):
        found = window(
            depth,
            t0=PartialDate.of(t0),
            visit=PartialDate.of(start),
            today=start + dt.timedelta(days=days),
            guideline=book,
        )
        assert start < found.earliest <= found.latest <= found.lenient_latest
        seen.append(order_of.index(found.status))
    assert seen == sorted(seen)
    assert seen[0] == 0
