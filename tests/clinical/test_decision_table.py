"""Every row of the advice tables, reached by a chart: one entry a row or an edge of a row."""

from dataclasses import dataclass

import pytest

from cds_service import guideline
from cds_service.clinical.plan import TOPICS
from cds_service.facts import Chart, Procedure

from .charts import (
    AISMN,
    CUTANEOUS_LMS,
    DERMIS,
    HIGH_GRADE,
    HISTOLOGIC_GRADE,
    HLRCC,
    ICD_10_CM,
    MARGINS,
    SUBCUTIS,
    TUMOUR_SIZE,
    Coding,
    chart,
    condition,
    dates,
    millimetres,
    observation,
    patient,
    plan_of,
    procedure,
    relative,
    report,
    rules,
    visit,
)

DERMAL = condition(
    "Dermal leiomyosarcoma, left thigh", CUTANEOUS_LMS, id="c", recorded="2026-05-01"
)
SUBCUTANEOUS = condition(
    "Subcutaneous leiomyosarcoma, left thigh", CUTANEOUS_LMS, id="c", recorded="2026-05-01"
)
UNKNOWN = condition(
    "Cutaneous leiomyosarcoma, left thigh", CUTANEOUS_LMS, id="c", recorded="2026-05-01"
)
LUNG = condition("Metastatic leiomyosarcoma, lung", id="m", recorded="2026-11-05")
FOLLOW_UP = "Follow-up of leiomyosarcoma"


def excision(
    on: str, outcome: str = "", kind: str = "Wide local excision, left thigh"
) -> Procedure:
    """Return an excision with what its report says of the margins."""
    return procedure(kind, on=on, id="x", outcome=outcome or None)


@dataclass(frozen=True)
class Row:
    """A chart and what is expected of it; topics that are not named are not compared."""

    name: str
    chart: Chart
    #: Topic → rule, without the topic's own name in front.
    expected: dict[str, str]
    windows: list[tuple[str, str, str, str]] | None = None


V = [
    Row(
        "V01 dermal, clear at 11 mm, follow-up due",
        chart(
            DERMAL,
            excision("2026-06-10"),
            report(
                "Dermal leiomyosarcoma of the left thigh. FNCLCC grade 1. Tumour size 14 mm. "
                "Margins clear, nearest margin 11 mm.",
                on="2026-06-10",
            ),
        ),
        {
            "diagnosis": "established",
            "margin": "clear",
            "radiation": "dermal",
            "surveillance": "due",
            "systemic-therapy": "localised",
            "hlrcc": "tumour-only",
        },
        [("dermal", "2026-10-10", "2026-12-10", "2026-12-10")],
    ),
    Row(
        "V02 dermal on punch biopsy, no excision",
        chart(
            condition("Leiomyosarcoma of skin, forearm", CUTANEOUS_LMS),
            report("Punch biopsy, forearm: dermal leiomyosarcoma. SMA+, desmin+.", on="2026-11-10"),
        ),
        {
            "diagnosis": "established",
            "margin": "no-surgery",
            "radiation": "dermal",
            "surveillance": "no-start",
        },
        [],
    ),
    Row(
        "V03 subcutaneous, clear at 20 mm, follow-up due",
        chart(
            SUBCUTANEOUS,
            excision("2026-08-15"),
            report("Excision: leiomyosarcoma, FNCLCC 2. Margins clear, 20 mm.", on="2026-08-15"),
        ),
        {"margin": "clear", "radiation": "subcutaneous", "surveillance": "due"},
        [("subcutaneous", "2026-11-15", "2026-12-15", "2026-12-15")],
    ),
    Row(
        "V04 subcutaneous, excision biopsy with a positive margin: no t0",
        chart(
            condition("Cutaneous leiomyosarcoma", CUTANEOUS_LMS, recorded="2026-10-20"),
            report(
                "Excision biopsy: subcutaneous leiomyosarcoma, FNCLCC grade 3. "
                "Deep margin involved.",
                on="2026-10-20",
            ),
        ),
        {"margin": "positive", "radiation": "subcutaneous", "surveillance": "no-start"},
        [],
    ),
    Row(
        "V05 dermal, peripheral margin positive",
        chart(
            DERMAL,
            excision("2026-11-02"),
            report("Leiomyosarcoma, FNCLCC grade 1. Peripheral margin positive.", on="2026-11-02"),
        ),
        {
            "margin": "positive",
            "radiation": "dermal-positive-margin",
            "surveillance": "no-start",
        },
        [],
    ),
    Row(
        "V06 dermal, Mohs clear, not yet due",
        chart(
            DERMAL,
            procedure("Mohs micrographic surgery", on="2024-03-01", outcome="Margins clear"),
            visit(FOLLOW_UP, on="2026-08-20"),
        ),
        {
            "diagnosis": "established",
            "margin": "clear-mohs",
            "radiation": "late",
            "surveillance": "not-yet-due",
        },
        [("dermal", "2026-12-20", "2027-02-20", "2027-02-20")],
    ),
    Row(
        "V07 dermal, in the fourth year: both readings",
        chart(
            DERMAL,
            excision("2023-02-10", "Margins clear, closest margin 12 mm"),
            visit(FOLLOW_UP, on="2026-09-05"),
        ),
        {"margin": "clear", "surveillance": "not-yet-due"},
        [("dermal", "2027-01-05", "2027-03-05", "2027-09-05")],
    ),
    Row(
        "V08 dermal, in the sixth year, overdue, width not stated",
        chart(DERMAL, excision("2020-05-20", "Margins clear"), visit(FOLLOW_UP, on="2025-10-01")),
        {"margin": "width-not-stated", "radiation": "late", "surveillance": "overdue"},
        [("dermal", "2026-10-01", "2026-10-01", "2026-10-01")],
    ),
    Row(
        "V09 subcutaneous, third year, the stricter reading passed",
        chart(
            SUBCUTANEOUS,
            excision("2024-06-15", "Margins clear, closest margin 21 mm"),
            visit(FOLLOW_UP, on="2026-07-10"),
            procedure("CT chest", on="2026-07-10"),
        ),
        {"margin": "clear", "radiation": "late", "surveillance": "due-lenient"},
        [("subcutaneous", "2026-10-10", "2026-11-10", "2027-01-10")],
    ),
    Row(
        "V10 subcutaneous, radiation given, month's end, overdue",
        chart(
            condition("Subcutaneous leiomyosarcoma, left thigh", recorded="2022-11-01"),
            excision("2022-11-30", "Margins clear, closest margin 25 mm"),
            procedure("Radiotherapy, left thigh", on="2023-01-09", until="2023-02-20"),
            visit(FOLLOW_UP, on="2026-05-31"),
        ),
        {"margin": "clear", "radiation": "given", "surveillance": "overdue"},
        [("subcutaneous", "2026-11-30", "2026-11-30", "2026-11-30")],
    ),
    Row(
        "V11 subcutaneous, annual, not yet due",
        chart(
            condition("Subcutaneous leiomyosarcoma, left thigh", recorded="2019-03-01"),
            excision("2019-04-01", "Margins clear, closest margin 20 mm"),
            procedure("Radiotherapy, left thigh", on="2019-06-01"),
            visit(FOLLOW_UP, on="2026-03-15"),
        ),
        {"margin": "clear", "radiation": "given", "surveillance": "not-yet-due"},
        [("subcutaneous", "2027-03-15", "2027-03-15", "2027-03-15")],
    ),
    Row(
        "V12 the code is unspecific, the text says skin, depth nowhere",
        chart(
            condition("Leiomyosarcoma of skin", Coding(ICD_10_CM, "C49.9")),
            excision("2026-07-01", "Margins clear, closest margin 10 mm", "Wide local excision"),
        ),
        {
            "diagnosis": "depth-unknown",
            "margin": "depth-unclear",
            "radiation": "depth-unclear",
            "surveillance": "depth-unclear",
        },
        [
            ("dermal", "2026-11-01", "2027-01-01", "2027-01-01"),
            ("subcutaneous", "2026-10-01", "2026-11-01", "2026-11-01"),
        ],
    ),
    Row(
        "V13 subcutaneous, metastatic",
        chart(
            SUBCUTANEOUS,
            excision("2026-05-20"),
            LUNG,
        ),
        {
            "margin": "metastatic",
            "radiation": "metastatic",
            "systemic-therapy": "metastatic",
            "surveillance": "metastatic",
        },
        [],
    ),
    Row(
        "V14 dermal, recurrence re-excised: t0 moves",
        chart(
            DERMAL,
            excision("2022-04-01"),
            report("Leiomyosarcoma of the left thigh, local recurrence.", on="2026-09-12"),
            procedure(
                "Re-excision, left thigh",
                on="2026-10-05",
                outcome="Margins clear, closest margin 15 mm",
            ),
        ),
        {"margin": "clear", "radiation": "dermal", "surveillance": "not-yet-due"},
        [("dermal", "2027-02-05", "2027-04-05", "2027-04-05")],
    ),
]
NOTHING = dict.fromkeys(TOPICS, "no-tumour") | {"hlrcc": "none"}
N = [
    Row(name, chart(*records), NOTHING)
    for name, records in {
        "N26 uterine leiomyosarcoma": [
            condition("Leiomyosarcoma of uterus", Coding(ICD_10_CM, "C55"))
        ],
        "N27 skin metastasis of a uterine leiomyosarcoma": [
            condition("Leiomyosarcoma of uterus", recorded="2021-03-01"),
            report(
                "Scalp nodule: metastatic leiomyosarcoma consistent with the known uterine "
                "primary.",
                on="2026-10-01",
            ),
            condition("Secondary malignant neoplasm of skin", Coding(ICD_10_CM, "C79.2")),
        ],
        "N28 single cutaneous leiomyoma": [
            condition("Cutaneous leiomyoma", Coding(ICD_10_CM, "D23.5"))
        ],
        "N29 refuted": [condition("Dermal leiomyosarcoma", CUTANEOUS_LMS, verification="refuted")],
        "N31 the father's tumour": [relative("Father", ("Cutaneous leiomyosarcoma", 60))],
        "nothing at all": [],
    }.items()
]
N += [
    Row(
        "N32 rule out, differential",
        chart(
            condition(
                "Nodule thigh, rule out cutaneous leiomyosarcoma", verification="differential"
            )
        ),
        {
            "diagnosis": "suspected",
            "margin": "none.suspected",
            "radiation": "none.suspected",
            "surveillance": "none.suspected",
            "systemic-therapy": "none.suspected",
            "hlrcc": "none",
        },
    ),
    Row(
        "N33 history alone, overdue",
        chart(
            condition("Dermal leiomyosarcoma", CUTANEOUS_LMS, status="resolved"),
            excision("2017-01-20", "Margins clear", "Wide excision"),
            visit(FOLLOW_UP, on="2025-08-01"),
        ),
        {"margin": "history-only", "radiation": "history-only", "surveillance": "overdue"},
        [("dermal", "2026-08-01", "2026-08-01", "2026-08-01")],
    ),
    Row(
        "N35 a report against an active Condition",
        chart(
            condition("Dermal leiomyosarcoma", CUTANEOUS_LMS, recorded="2026-05-01"),
            report(
                "Wide excision: leiomyosarcoma centred in subcutis. Margins clear, nearest 12 mm.",
                on="2026-05-20",
            ),
            excision("2026-05-20", kind="Wide local excision"),
        ),
        {
            "diagnosis": "depth-conflicting",
            "margin": "depth-unclear",
            "radiation": "late",
            "surveillance": "depth-unclear",
        },
    ),
    Row(
        "N36 does not extend into subcutis: dermal",
        chart(
            report(
                "Wide excision: leiomyosarcoma of dermis. Tumour does not extend into subcutis. "
                "Margins clear, nearest 10 mm.",
                on="2026-08-01",
            ),
            excision("2026-08-01", kind="Wide local excision"),
        ),
        {"margin": "clear", "radiation": "dermal", "surveillance": "due"},
        [("dermal", "2026-12-01", "2027-02-01", "2027-02-01")],
    ),
    Row(
        "N37 focal superficial subcutaneous extension",
        chart(
            report(
                "Wide excision: dermal leiomyosarcoma with focal superficial subcutaneous "
                "extension. Margins clear, nearest 12 mm.",
                on="2026-08-01",
            ),
            excision("2026-08-01", kind="Wide local excision"),
        ),
        {
            "diagnosis": "depth-conflicting",
            "margin": "depth-unclear",
            "radiation": "depth-unclear",
            "surveillance": "depth-unclear",
        },
    ),
]
ROWS = [
    Row(
        "deceased",
        chart(DERMAL, who=patient(deceased=True)),
        dict.fromkeys(TOPICS, "none.deceased"),
    ),
    Row(
        "no report, no result of pathology: histology is asked for",
        chart(DERMAL, excision("2026-06-10")),
        {"diagnosis": "no-histology", "margin": "status-not-found"},
    ),
    Row(
        "a grade alone shows that pathology looked at it",
        chart(DERMAL, observation(HISTOLOGIC_GRADE, "G2")),
        {"diagnosis": "established", "radiation": "dermal"},
    ),
    Row(
        "a size alone shows that pathology looked at it",
        chart(DERMAL, observation(TUMOUR_SIZE, millimetres(14))),
        {"diagnosis": "established"},
    ),
    Row(
        "a margin alone shows that pathology looked at it",
        chart(DERMAL, excision("2026-06-10", "Margins clear")),
        {"diagnosis": "established", "margin": "width-not-stated"},
    ),
    Row(
        "Mohs without margins shows that pathology looked at it, and its margin is not found",
        chart(DERMAL, procedure("Mohs surgery", on="2026-06-10")),
        {"diagnosis": "established", "margin": "status-not-found"},
    ),
    Row(
        "dermal below 1 cm: clear, the team decides",
        chart(DERMAL, excision("2026-06-10", "Margins clear, closest margin 9.9 mm")),
        {"margin": "below-minimum"},
    ),
    Row(
        "dermal at exactly 1 cm: done",
        chart(DERMAL, excision("2026-06-10", "Margins clear, closest margin 10 mm")),
        {"margin": "clear"},
    ),
    Row(
        "dermal at less than 1 cm, as a bound",
        chart(DERMAL, excision("2026-06-10", "Margins clear, closest margin < 10 mm")),
        {"margin": "below-minimum"},
    ),
    Row(
        "subcutaneous at 19 mm: below the minimum",
        chart(SUBCUTANEOUS, excision("2026-06-10", "Margins clear, closest margin 19 mm")),
        {"margin": "below-minimum"},
    ),
    Row(
        "subcutaneous at exactly 2 cm: done",
        chart(SUBCUTANEOUS, excision("2026-06-10", "Margins clear, closest margin 2 cm")),
        {"margin": "clear"},
    ),
    Row(
        "depth unknown, margin positive: re-excision comes first",
        chart(UNKNOWN, excision("2026-11-02", "Deep margin positive")),
        {
            "diagnosis": "depth-unknown",
            "margin": "positive",
            "radiation": "depth-unclear",
            "surveillance": "depth-unclear",
        },
        [],
    ),
    Row(
        "dermal, high grade in words",
        chart(DERMAL, report("Dermal leiomyosarcoma, left thigh, high grade.", on="2026-05-01")),
        {"radiation": "dermal-high-grade"},
    ),
    Row(
        "dermal, FNCLCC 3 as a code",
        chart(DERMAL, observation(HISTOLOGIC_GRADE, HIGH_GRADE)),
        {"radiation": "dermal-high-grade"},
    ),
    Row(
        "positive margin and high grade: the margin row stands first",
        chart(
            DERMAL,
            excision("2026-11-02", "Peripheral margin positive"),
            observation(HISTOLOGIC_GRADE, HIGH_GRADE),
        ),
        {"radiation": "dermal-positive-margin"},
    ),
    Row(
        "radiation refused",
        chart(
            SUBCUTANEOUS,
            procedure("Radiotherapy", status="not-done", status_reason="Patient declined"),
        ),
        {"radiation": "refused"},
    ),
    Row(
        "radiation not done, not refused",
        chart(SUBCUTANEOUS, procedure("Radiotherapy", status="not-done")),
        {"radiation": "subcutaneous"},
    ),
    Row(
        "six months after surgery to the day: still asked",
        chart(SUBCUTANEOUS, excision("2026-06-01", "Margins clear, 20 mm")),
        {"radiation": "subcutaneous"},
    ),
    Row(
        "six months and a day after surgery: silent",
        chart(SUBCUTANEOUS, excision("2026-05-31", "Margins clear, 20 mm")),
        {"radiation": "late"},
    ),
    Row(
        "surgery in a month of which only a part is older than six months: still asked",
        chart(SUBCUTANEOUS, excision("2026-06", "Margins clear, 20 mm")),
        {"radiation": "subcutaneous"},
    ),
    Row(
        "surgery in a month that is older than six months as a whole: silent",
        chart(SUBCUTANEOUS, excision("2026-05", "Margins clear, 20 mm")),
        {"radiation": "late"},
    ),
    Row(
        "a year alone: the schedule without dates",
        chart(DERMAL, excision("2023", "Margins clear, 12 mm")),
        {"surveillance": "year-only", "radiation": "late"},
        [],
    ),
    Row(
        "a visit that could not be read may have moved the window",
        chart(DERMAL, excision("2026-06-10", "Margins clear, 12 mm"), unread=["encounters"]),
        {"surveillance": "visits-unread"},
        [],
    ),
    Row(
        "a window that has not begun stands whatever visits there are",
        chart(DERMAL, excision("2026-10-10", "Margins clear, 12 mm"), unread=["encounters"]),
        {"surveillance": "not-yet-due"},
    ),
    Row(
        "excision documented as not done",
        chart(DERMAL, procedure("Wide excision", status="not-done")),
        {"margin": "no-surgery"},
    ),
    Row(
        "atypical intradermal smooth muscle neoplasm: dermal by its name",
        chart(condition(None, AISMN)),
        {"diagnosis": "no-histology", "margin": "no-surgery", "radiation": "dermal"},
    ),
    Row(
        "depth from the body site: dermis",
        chart(condition(None, CUTANEOUS_LMS, site=DERMIS)),
        {"radiation": "dermal"},
    ),
    Row(
        "depth from the body site: subcutaneous tissue",
        chart(condition(None, CUTANEOUS_LMS, site=SUBCUTIS)),
        {"radiation": "subcutaneous"},
    ),
    Row(
        "a margin Observation: positive",
        chart(DERMAL, excision("2026-11-02"), observation(MARGINS, "Positive", on="2026-11-04")),
        {"margin": "positive"},
    ),
    Row(
        "HLRCC: an examination due",
        chart(condition(None, HLRCC)),
        {"hlrcc": "due", "margin": "none.no-tumour"},
    ),
    Row(
        "HLRCC: everything examined",
        chart(
            condition(None, HLRCC),
            procedure("Full skin examination", on="2026-06-01"),
            procedure("Renal MRI", on="2026-07-01"),
        ),
        {"hlrcc": "current"},
    ),
    Row(
        "a negative germline FH test",
        chart(DERMAL, report("Germline FH testing: no pathogenic variant in FH.", code="Genetics")),
        {"hlrcc": "negative-test"},
    ),
    Row(
        "a feature",
        chart(DERMAL, report("Leiomyoma, FH-deficient.", on="2020-01-01")),
        {"hlrcc": "features"},
    ),
    Row(
        "a germline variant of uncertain significance",
        chart(DERMAL, report("Germline FH variant of uncertain significance.", code="Genetics")),
        {"hlrcc": "uncertain-variant"},
    ),
]
TABLE = [*V, *N, *ROWS]


def full(topic: str, rule: str) -> str:
    """Return a rule's id; a row of the table leaves its topic out."""
    if rule.startswith("none."):
        return rule
    return f"none.{rule}" if rule == "no-tumour" else f"{topic}.{rule}"


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_each_chart_is_decided_by_its_row(row: Row) -> None:
    """The rule of every topic that the table names is the one that decides."""
    plan = plan_of(row.chart)
    decided = rules(plan)
    assert {topic: decided[topic] for topic in row.expected} == {
        topic: full(topic, rule) for topic, rule in row.expected.items()
    }
    if row.windows is not None:
        assert dates(plan) == row.windows


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_state_and_indicator_are_those_of_the_rule(row: Row) -> None:
    """An advice has the state and the indicator that the guideline's row gives."""
    for advice in plan_of(row.chart).advice:
        for part in advice.parts:
            rule = guideline.load().rules[part.rule]
            assert (part.state, part.indicator) == (rule.state, rule.indicator)
            assert rule.topic in {"*", part.topic}


def test_the_table_reaches_every_rule_of_the_guideline() -> None:
    """No row of the guideline is without a chart that it decides."""
    reached = {
        part.rule for row in TABLE for advice in plan_of(row.chart).advice for part in advice.parts
    }
    assert reached == set(guideline.load().rules)
