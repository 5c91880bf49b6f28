"""The treatment so far: operations, margins, radiation, recurrence, and the start of follow-up."""

from typing import Any

import pytest

from cds_service.clinical.plan import Advice, Plan
from cds_service.facts import Concept, Quantity

from .charts import (
    CUTANEOUS_LMS,
    HIGH_GRADE,
    HISTOLOGIC_GRADE,
    LOINC,
    MARGIN_DISTANCE,
    MARGINS,
    PRESENT,
    SNOMED,
    TUMOUR_SIZE,
    Coding,
    condition,
    day,
    millimetres,
    observation,
    only,
    plan_of,
    procedure,
    report,
    rules,
)

DERMAL = condition("Dermal leiomyosarcoma, left thigh", CUTANEOUS_LMS, id="c")
CLEAR = procedure("Wide excision, left thigh", on="2026-03-01", id="x", outcome="Margins clear")
POSITIVE = procedure(
    "Wide excision, left thigh", on="2026-03-01", id="x", outcome="Deep margin positive"
)


def t0(plan: Plan) -> str | None:
    """Return the start of surveillance of the one tumour."""
    (tumour,) = plan.tumours
    return str(tumour.t0) if tumour.t0 else None


def margin(*records: Any) -> Advice:
    """Return the margin advice for the dermal tumour and these records."""
    return only(plan_of(DERMAL, *records), "margin")


# --- t0 ---


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([], None),
        ([CLEAR], "2026-03-01"),
        ([procedure("Wide excision", on="2026-03-01", until="2026-03-02")], "2026-03-02"),
        ([procedure("Mohs surgery", on="2026-03-01")], "2026-03-01"),
        ([procedure("Excision of skin lesion", on="2026-03")], "2026-03"),
        ([POSITIVE], None),
        ([procedure("Punch biopsy of skin", on="2026-03-01")], None),
        ([procedure(Coding(SNOMED, "240977001"), on="2026-03-01")], None),
        ([procedure("Excisional biopsy", on="2026-03-01")], None),
        ([procedure("Excisional biopsy", on="2026-03-01", outcome="Margins clear")], "2026-03-01"),
        ([POSITIVE, procedure("Re-excision, left thigh", on="2026-04-01")], "2026-04-01"),
        (
            [POSITIVE, procedure("Radiotherapy, left thigh", on="2026-04-01", until="2026-05-10")],
            "2026-05-10",
        ),
        (
            [
                POSITIVE,
                procedure("Radiotherapy, left thigh", on="2026-04-01", until="2026-05-10"),
                procedure("Radiotherapy, left thigh", on="2026-07-01", until="2026-07-20"),
            ],
            "2026-07-20",
        ),
        ([POSITIVE, procedure("Radiotherapy, left thigh", on="2026-02-01")], None),
        ([POSITIVE, procedure("Radiotherapy, left thigh")], None),
        ([CLEAR, procedure("Radiotherapy, left thigh", on="2026-04-01")], "2026-03-01"),
        ([CLEAR, procedure("Sentinel lymph node biopsy", on="2026-05-01")], "2026-03-01"),
        ([CLEAR, procedure("Resection of uterus", on="2026-05-01")], "2026-03-01"),
        ([CLEAR, procedure("Appendectomy", on="2026-05-01")], "2026-03-01"),
        ([CLEAR, procedure("Chemotherapy", on="2026-05-01")], "2026-03-01"),
        (
            [CLEAR, procedure("Wide excision, left thigh", on="2026-06-01", status="not-done")],
            "2026-03-01",
        ),
        (
            [
                CLEAR,
                procedure(
                    "Re-excision, left thigh", on="2026-06-01", outcome="Deep margin positive"
                ),
            ],
            None,
        ),
    ],
    ids=[
        "no treatment",
        "clear",
        "the operation's end",
        "Mohs, margin unknown",
        "a month",
        "positive",
        "a biopsy",
        "a biopsy by code",
        "an excisional biopsy without margins",
        "an excisional biopsy with margins",
        "positive, then re-excised",
        "positive, then radiation",
        "positive, then two courses",
        "radiation before the operation",
        "radiation without a date",
        "clear, then radiation",
        "a lymph node biopsy",
        "an operation on another organ",
        "another operation",
        "systemic therapy",
        "an operation not done",
        "clear, then positive",
    ],
)
def test_t0(records: list[Any], expected: str | None) -> None:
    """Surveillance starts at the last definitive treatment, and at nothing else."""
    assert t0(plan_of(DERMAL, *records)) == expected


def test_onset_and_diagnosis_set_no_t0() -> None:
    """Dates of the diagnosis are not treatment."""
    plan = plan_of(
        condition("Dermal leiomyosarcoma", recorded="2026-03-01", onset="2026-01-01"),
        report("Punch biopsy: dermal leiomyosarcoma. Margins clear.", on="2026-03-01"),
    )
    assert t0(plan) is None
    assert rules(plan)["margin"] == "margin.no-surgery"


def test_an_excision_only_in_a_report() -> None:
    """An excision that only a final report records counts, dated by the report."""
    plan = plan_of(
        DERMAL,
        report(
            "Wide excision, left thigh: leiomyosarcoma. Margins clear.", on="2026-08-01", id="r"
        ),
    )
    assert t0(plan) == "2026-08-01"
    part = only(plan, "margin")
    assert ("DiagnosticReport/r", "reported-excision") in {
        (fact.reference, fact.label) for fact in part.facts
    }


def test_an_excision_report_without_margins() -> None:
    """A report of an excision that tells nothing of margins is an excision all the same."""
    plan = plan_of(
        DERMAL, report("Wide excision, left thigh: leiomyosarcoma.", on="2026-08-01", id="r")
    )
    assert (t0(plan), rules(plan)["margin"]) == ("2026-08-01", "margin.status-not-found")


def test_an_excision_that_is_only_recommended_is_none() -> None:
    """What a report recommends was not done."""
    plan = plan_of(
        DERMAL,
        report(
            "Punch biopsy, left thigh: leiomyosarcoma. Wide excision is recommended.",
            on="2026-08-01",
        ),
    )
    assert t0(plan) is None


def test_a_preliminary_report_records_no_excision() -> None:
    """A report that is not final gives no verdict on margins."""
    plan = plan_of(
        DERMAL,
        report("Wide excision: leiomyosarcoma. Margins clear.", status="preliminary"),
    )
    assert t0(plan) is None


# --- Which margin belongs to which operation ---


@pytest.mark.parametrize(
    ("finding", "rule"),
    [
        (report("Leiomyosarcoma. Deep margin positive.", on="2026-03-05"), "margin.positive"),
        (report("Leiomyosarcoma. Deep margin positive.", on="2026-02-28"), "margin.positive"),
        (report("Leiomyosarcoma. Deep margin positive."), "margin.positive"),
        (report("Wide excision. Margins clear.", on="2026-07-01"), "margin.width-not-stated"),
    ],
    ids=["a few days later", "a day earlier", "undated", "long after: another excision"],
)
def test_a_report_tells_the_margin_of_its_operation(finding: Any, rule: str) -> None:
    """A report belongs to the operation before it, with a day's leeway."""
    operation = procedure("Wide excision, left thigh", on="2026-03-01")
    plan = plan_of(DERMAL, operation, finding)
    assert rules(plan)["margin"] == rule


def test_a_report_belongs_to_the_operation_that_names_it() -> None:
    """An explicit link decides over dates."""
    first = procedure(
        "Wide excision, left thigh", on="2026-03-01", reports=("DiagnosticReport/r",), id="a"
    )
    second = procedure("Re-excision, left thigh", on="2026-03-20", outcome="Margins clear", id="b")
    late = report("Leiomyosarcoma. Deep margin positive.", id="r", on="2026-03-25")
    assert rules(plan_of(DERMAL, first, second, late))["margin"] == "margin.width-not-stated"


def test_a_report_before_every_operation_is_of_none() -> None:
    """A positive margin reported long before the operation is of an earlier one."""
    plan = plan_of(DERMAL, report("Leiomyosarcoma. Deep margin positive.", on="2025-12-01"), CLEAR)
    assert (t0(plan), rules(plan)["margin"]) == ("2026-03-01", "margin.width-not-stated")


def test_a_margin_finding_without_an_operation() -> None:
    """A margin Observation alone shows that there was an excision."""
    plan = plan_of(DERMAL, observation(MARGINS, "Negative", on="2026-08-01", id="o"))
    assert (t0(plan), rules(plan)["margin"]) == ("2026-08-01", "margin.width-not-stated")


def test_an_undated_operation_takes_any_margin() -> None:
    """The margin of an operation without a date is the one that there is."""
    plan = plan_of(
        DERMAL,
        procedure("Wide excision, left thigh"),
        report("Leiomyosarcoma. Margins clear, nearest 12 mm.", on="2026-03-05"),
    )
    assert rules(plan)["margin"] == "margin.clear"


def test_several_records_of_one_day_are_one_operation() -> None:
    """Two codes of one operation are one; a positive margin of either decides."""
    part = margin(
        procedure("Wide excision, left thigh", on="2026-03-01", outcome="Margins clear", id="a"),
        procedure("Excision, left thigh", on="2026-03-01", outcome="Deep margin positive", id="b"),
    )
    assert part.rule == "margin.positive"
    assert part.values["which"] == "deep"
    assert {"Procedure/a", "Procedure/b"} <= {fact.reference for fact in part.facts}


def test_the_closest_of_several_widths() -> None:
    """Of several distances the closest decides."""
    part = margin(
        procedure("Wide excision, left thigh", on="2026-03-01"),
        report("Deep margin clear by 12 mm. Peripheral margin clear by 8 mm.", on="2026-03-02"),
        observation(MARGIN_DISTANCE, millimetres(9), on="2026-03-02"),
    )
    assert (part.rule, part.values["width"]) == ("margin.below-minimum", "8 mm")


def test_a_bound_is_said() -> None:
    """A width that is only bounded is said as such."""
    part = margin(
        procedure("Wide excision, left thigh", on="2026-03-01"),
        observation(MARGIN_DISTANCE, millimetres(10, "<"), on="2026-03-02"),
    )
    assert (part.rule, part.values["width"]) == ("margin.below-minimum", "less than 10 mm")


def test_a_plain_excision_that_was_mohs() -> None:
    """A report tells the kind of an operation that is only called excision."""
    plan = plan_of(
        DERMAL,
        procedure("Excision, left thigh", on="2026-03-01"),
        report("Mohs surgery, left thigh: margins clear.", on="2026-03-01"),
    )
    assert rules(plan)["margin"] == "margin.clear-mohs"


def test_an_excisional_biopsy_report_leaves_an_excision_one() -> None:
    """A report that calls the excision an excisional biopsy does not lessen it."""
    plan = plan_of(
        DERMAL,
        procedure("Excision, left thigh", on="2026-03-01"),
        report("Excisional biopsy, left thigh: leiomyosarcoma.", on="2026-03-01"),
    )
    assert t0(plan) == "2026-03-01"


def test_margins_of_a_biopsy_are_no_margins() -> None:
    """A biopsy that reaches its edges is not an excision with positive margins."""
    assert margin(
        report("Punch biopsy: leiomyosarcoma. Deep margin positive.", on="2026-03-01")
    ).rule == ("margin.no-surgery")


def test_an_observation_of_a_biopsy_report_is_no_margin() -> None:
    """A margin result of a biopsy's report is the biopsy's."""
    biopsy = report(
        "Punch biopsy: leiomyosarcoma.", on="2026-03-01", results=("Observation/m",), id="r"
    )
    found = observation(MARGINS, "Positive", id="m")
    assert margin(biopsy, found).rule == "margin.no-surgery"


def test_an_undated_result_has_the_date_of_its_report() -> None:
    """A margin result without a date is dated by its report."""
    plan = plan_of(
        DERMAL,
        report("Excision: leiomyosarcoma.", on="2026-03-01", results=("Observation/m",), id="r"),
        observation(MARGINS, "Negative", id="m"),
    )
    assert (t0(plan), rules(plan)["margin"]) == ("2026-03-01", "margin.width-not-stated")


# --- Margins in Observations ---


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ("Positive", "positive"),
        ("R1", "positive"),
        ("Involved", "positive"),
        ("Present", "positive"),
        (PRESENT, "positive"),
        (Coding(LOINC, "LA6576-8"), "positive"),
        (True, "positive"),
        ("Negative", "width-not-stated"),
        ("R0", "width-not-stated"),
        ("Uninvolved", "width-not-stated"),
        ("clear", "width-not-stated"),
        (Concept(text="Negative (qualifier value)"), "width-not-stated"),
        (False, "width-not-stated"),
        ("Margins clear, nearest 12 mm", "clear"),
        ("clear by 4 mm", "below-minimum"),
        (millimetres(12), "clear"),
        (millimetres(4), "below-minimum"),
        (millimetres(0), "positive"),
        (Quantity(1.2, "cm"), "clear"),
        (Quantity(0.012, "m"), "clear"),
        (Quantity(12, "kg"), "status-not-found"),
        (Quantity(12), "status-not-found"),
        (millimetres(-4), "status-not-found"),
        ("See report", "status-not-found"),
        (None, "status-not-found"),
        (12.0, "status-not-found"),
    ],
    ids=str,
)
def test_a_margin_observation(value: Any, rule: str) -> None:
    """Coded, boolean, worded and measured margins are read; what says nothing is not found."""
    part = margin(
        procedure("Wide excision, left thigh", on="2026-03-01"),
        observation(MARGINS, value, on="2026-03-02"),
    )
    assert part.rule == f"margin.{rule}"


@pytest.mark.parametrize(
    ("code", "rule"),
    [("POS", "positive"), ("NEG", "width-not-stated"), ("H", "status-not-found")],
)
def test_a_margin_interpretation(code: str, rule: str) -> None:
    """Where there is no value, the interpretation tells."""
    part = margin(
        procedure("Wide excision, left thigh", on="2026-03-01"),
        observation(MARGINS, None, interpretation=Coding("v3", code), on="2026-03-02"),
    )
    assert part.rule == f"margin.{rule}"


def test_components_of_a_margin_observation() -> None:
    """Each named margin is read; one positive margin decides and is named."""
    part = margin(
        procedure("Wide excision, left thigh", on="2026-03-01"),
        observation(
            MARGINS,
            None,
            components=[
                ("Peripheral margin", "Negative"),
                ("Deep margin", "Positive"),
                ("Distance of peripheral margin", millimetres(5)),
                ("Distance of deep margin", millimetres(8)),
                ("Peripheral margin", "clear by 3 mm"),
                ("Tumour budding", "Positive"),
            ],
            on="2026-03-02",
        ),
    )
    assert (part.rule, part.values["which"]) == ("margin.positive", "deep")


def test_a_component_without_a_code_speaks_of_the_observation() -> None:
    """A component without a code of its own is of the Observation's."""
    part = margin(
        procedure("Wide excision, left thigh", on="2026-03-01"),
        observation(MARGINS, None, components=[(None, millimetres(12))], on="2026-03-02"),
    )
    assert part.rule == "margin.clear"


def test_a_preliminary_margin_is_none() -> None:
    """A preliminary Observation gives no verdict."""
    part = margin(
        procedure("Wide excision, left thigh", on="2026-03-01"),
        observation(MARGINS, "Positive", status="preliminary", on="2026-03-02"),
    )
    assert part.rule == "margin.status-not-found"


@pytest.mark.parametrize(
    ("text", "which", "missing"),
    [
        ("Deep margin positive", "deep", ("peripheral-margin",)),
        ("Peripheral margin positive", "peripheral", ("deep-margin",)),
        ("Deep margin positive. Peripheral margin clear", "deep", ()),
        ("Deep and peripheral margins positive", None, ()),
        ("Margins positive", None, ()),
    ],
)
def test_which_margin_is_positive(text: str, which: str | None, missing: tuple[str, ...]) -> None:
    """The positive margin is named, and the other one is asked for where nothing tells of it."""
    part = margin(procedure("Wide excision, left thigh", on="2026-03-01", outcome=text))
    assert part.rule == "margin.positive"
    assert (part.values["which"], part.missing) == (which, missing)


def test_a_positive_margin_of_an_unclear_depth_asks_for_it() -> None:
    """Where the depth is unknown both minimums are named and the depth is missing."""
    plan = plan_of(
        condition(None, CUTANEOUS_LMS),
        procedure("Wide excision", on="2026-03-01", outcome="Margins positive"),
    )
    part = only(plan, "margin")
    assert (part.rule, part.missing) == ("margin.positive", ("depth",))
    assert part.values["minimum"] == "1 cm if dermal, 2 cm if subcutaneous"


@pytest.mark.parametrize(
    "operation",
    [
        procedure("Excision, left thigh", on="2026-03-01", outcome="Deep margin positive"),
        procedure("Excisional biopsy, left thigh", on="2026-03-01", outcome="Margins positive"),
        POSITIVE,
    ],
    ids=["excision", "excisional biopsy", "wide excision"],
)
def test_a_re_excision_known_from_its_report_alone(operation: Any) -> None:
    """The report of a re-excision is not that of the operation before it."""
    found = report("Re-excision, left thigh: leiomyosarcoma. Margins clear.", on="2026-04-01")
    assert margin(operation, found).rule == "margin.width-not-stated"


def test_no_residual_tumour_is_a_clear_margin() -> None:
    """A re-excision without residual tumour is clear, and its sentence is the fact."""
    part = margin(
        POSITIVE,
        procedure("Re-excision, left thigh", on="2026-04-01"),
        report("Re-excision, left thigh: no residual leiomyosarcoma.", on="2026-04-01", id="r"),
    )
    assert part.rule == "margin.width-not-stated"
    quoted = [f.text for f in part.facts if f.reference == "DiagnosticReport/r" and f.text]
    assert quoted
    assert all("no residual" in text for text in quoted)


# --- Recurrence ---


@pytest.mark.parametrize(
    "recurrence",
    [
        report("Left thigh: leiomyosarcoma, local recurrence.", on="2026-09-12", id="n"),
        observation("Finding", "Local recurrence", on="2026-09-12", id="n"),
        condition("Dermal leiomyosarcoma, left thigh", status="recurrence", recorded="2026-09-12"),
        condition("Dermal leiomyosarcoma, left thigh", status="relapse", onset="2026-09-12"),
        condition("Dermal leiomyosarcoma, left thigh, recurrent", recorded="2026-09-12"),
        condition(
            "Dermal leiomyosarcoma, left thigh",
            notes="Local recurrence.",
            recorded="2026-09-12",
        ),
        condition(
            "Dermal leiomyosarcoma, left thigh",
            Coding(SNOMED, "314974009"),
            recorded="2026-09-12",
        ),
    ],
    ids=["report", "observation", "recurrence", "relapse", "text", "note", "code"],
)
def test_a_recurrence_after_treatment(recurrence: Any) -> None:
    """A recurrence after the last treatment makes the tumour untreated: no t0, excise."""
    plan = plan_of(DERMAL, CLEAR, recurrence)
    assert t0(plan) is None
    part = only(plan, "margin")
    assert (part.rule, part.missing) == ("margin.no-surgery", ())
    assert "recurrence" in {fact.label for fact in part.facts}
    assert rules(plan)["surveillance"] == "surveillance.no-start"


def test_a_treated_recurrence_moves_t0() -> None:
    """An operation after the recurrence is its treatment."""
    plan = plan_of(
        DERMAL,
        CLEAR,
        report("Left thigh: leiomyosarcoma, local recurrence.", on="2026-09-12"),
        procedure("Re-excision, left thigh", on="2026-10-05", outcome="Margins clear"),
    )
    assert (t0(plan), rules(plan)["margin"]) == ("2026-10-05", "margin.width-not-stated")


def test_an_irradiated_recurrence_leaves_t0_at_the_operation() -> None:
    """A recurrence before radiation is treated; t0 stays at the definitive operation."""
    plan = plan_of(
        DERMAL,
        CLEAR,
        report("Left thigh: leiomyosarcoma, local recurrence.", on="2026-09-12"),
        procedure("Radiotherapy, left thigh", on="2026-10-05"),
    )
    assert rules(plan)["margin"] == "margin.width-not-stated"


def test_a_recurrence_found_in_its_excision_is_treated_by_it() -> None:
    """The report of a re-excision that names the recurrence has the operation's date."""
    plan = plan_of(
        DERMAL,
        CLEAR,
        procedure("Re-excision, left thigh", on="2026-10-05", id="y"),
        report(
            "Re-excision, left thigh: recurrent leiomyosarcoma. Margins clear.", on="2026-10-12"
        ),
    )
    assert t0(plan) == "2026-10-05"


def test_an_undated_recurrence() -> None:
    """Without a date a recurrence follows the first operation, and a second one treats it."""
    recurrent = condition("Dermal leiomyosarcoma, left thigh", status="recurrence")
    assert t0(plan_of(recurrent, CLEAR)) is None
    again = procedure("Re-excision, left thigh", on="2026-10-05", outcome="Margins clear")
    assert t0(plan_of(recurrent, CLEAR, again)) == "2026-10-05"


def test_a_recurrence_dated_by_the_first_tumour() -> None:
    """A recurrent problem recorded before the first operation is dated by the first tumour."""
    recurrent = condition(
        "Dermal leiomyosarcoma, left thigh", status="recurrence", recorded="2026-02-01"
    )
    assert t0(plan_of(recurrent, CLEAR)) is None


def test_recurrence_of_a_past_tumour() -> None:
    """A resolved tumour with a recurrence is treated as a tumour again."""
    plan = plan_of(
        condition("Dermal leiomyosarcoma, left thigh", status="resolved"),
        CLEAR,
        report("Left thigh: leiomyosarcoma, local recurrence.", on="2026-09-12"),
    )
    assert rules(plan)["margin"] == "margin.no-surgery"
    assert rules(plan)["radiation"] == "radiation.dermal"


def test_a_treated_recurrence_of_a_past_tumour() -> None:
    """A recurrence that was excised with a positive margin is no mere history."""
    plan = plan_of(
        condition("Dermal leiomyosarcoma, left thigh", status="resolved"),
        CLEAR,
        report("Left thigh: leiomyosarcoma, local recurrence.", on="2026-09-12"),
        procedure("Re-excision, left thigh", on="2026-10-05", outcome="Deep margin positive"),
    )
    assert rules(plan)["margin"] == "margin.positive"


# --- Attribution ---


SCALP = condition("Dermal leiomyosarcoma, scalp", CUTANEOUS_LMS, id="s")


def test_an_operation_of_two_possible_tumours_is_of_none() -> None:
    """An operation that names neither reason nor site is attributed to none, and that is said."""
    plan = plan_of(DERMAL, SCALP, procedure("Wide excision", on="2026-03-01", id="w"))
    assert {part.rule for part in plan.of("margin").parts} == {"margin.no-surgery"}
    assert [issue.where for issue in plan.set_aside] == ["Procedure/w"]


@pytest.mark.parametrize(
    "more",
    [
        {"reason_references": ("Condition/s",)},
        {"site": "Scalp"},
        {"reports": ("DiagnosticReport/r",)},
    ],
    ids=["reason", "site", "report"],
)
def test_what_attributes_an_operation(more: dict[str, Any]) -> None:
    """A reason, a site or the operation's report tells whose it is."""
    plan = plan_of(
        DERMAL,
        SCALP,
        report("Scalp: dermal leiomyosarcoma.", id="r", on="2026-02-20"),
        procedure("Wide excision", on="2026-03-01", outcome="Margins clear", **more),
    )
    found = {part.tumour.site: part.rule for part in plan.of("margin").parts if part.tumour}
    assert found == {"left thigh": "margin.no-surgery", "scalp": "margin.width-not-stated"}


@pytest.mark.parametrize(
    "operation",
    [
        procedure("Excision, scalp", on="2026-03-01"),
        procedure("Excision, right thigh", on="2026-03-01"),
        procedure("Excision of basal cell carcinoma", on="2026-03-01"),
        procedure("Excision", on="2026-03-01", reasons="Melanoma"),
        procedure("Excision", on="2026-03-01", reasons="Leiomyosarcoma of uterus"),
        procedure("Excision", on="2026-03-01", reason_references=("Condition/other",)),
        procedure("Excision", on="2024-04-30"),
    ],
    ids=["site", "side", "name", "reason", "organ", "reference", "long before"],
)
def test_operations_of_another_lesion(operation: Any) -> None:
    """An operation of another site, lesion or time is not the tumour's."""
    plan = plan_of(
        condition("Dermal leiomyosarcoma, left thigh", id="c", recorded="2026-02-01"),
        condition("Basal cell carcinoma", id="other"),
        operation,
    )
    assert rules(plan)["margin"] == "margin.no-surgery"


@pytest.mark.parametrize(
    "operation",
    [
        procedure("Excision", on="2025-05-01"),
        procedure("Wide excision", on="2020-01-01"),
        procedure("Excision", on="2020-01-01", reasons="Leiomyosarcoma of skin"),
        procedure("Excision", on="2020-01-01", reasons=CUTANEOUS_LMS),
        procedure("Excision"),
        procedure("Excision", on="2026-03-01", reason_references=("Condition/unknown",)),
    ],
    ids=["within a year", "a sarcoma's operation", "reason", "code", "undated", "reference"],
)
def test_operations_of_the_one_tumour(operation: Any) -> None:
    """Where there is one tumour an operation is its own unless something speaks against it."""
    plan = plan_of(
        condition("Dermal leiomyosarcoma, left thigh", id="c", recorded="2026-02-01"), operation
    )
    assert rules(plan)["margin"] == "margin.status-not-found"


def test_an_operation_at_the_tumours_own_site_is_its_own() -> None:
    """The policy's lead is for operations without reason, site or report."""
    plan = plan_of(
        condition("Dermal leiomyosarcoma, left thigh", id="c", recorded="2026-02-01"),
        procedure("Excision, left thigh", on="2024-04-30"),
    )
    assert rules(plan)["margin"] == "margin.status-not-found"


@pytest.mark.parametrize(
    "finding",
    [
        report("Scalp: excision, leiomyosarcoma. Deep margin positive.", on="2026-03-05"),
        report("Excision: basal cell carcinoma. Deep margin positive.", on="2026-03-05"),
        report("Uterus: leiomyosarcoma. Margins positive.", on="2026-03-05"),
        report("Blood count normal.", on="2026-03-05"),
        observation(MARGINS, "Positive", on="2026-03-05", site="Scalp"),
        observation(MARGINS, "Positive", on="2026-03-05", focus=("Condition/other",)),
    ],
    ids=["site", "lesion", "organ", "no pathology", "result's site", "result's focus"],
)
def test_findings_of_another_lesion(finding: Any) -> None:
    """A finding of another site or lesion says nothing of the tumour's margins."""
    plan = plan_of(
        DERMAL,
        condition("Basal cell carcinoma, back", id="other"),
        procedure("Wide excision, left thigh", on="2026-03-01"),
        finding,
    )
    parts = [p for p in plan.of("margin").parts if p.tumour and p.tumour.site == "left thigh"]
    assert [part.rule for part in parts] == ["margin.status-not-found"]


def test_results_of_other_reports_are_not_the_tumours() -> None:
    """A result of another lesion's report, or of a replaced one, is not heard."""
    plan = plan_of(
        DERMAL,
        procedure("Wide excision, left thigh", on="2026-03-01"),
        report("Back: basal cell carcinoma.", on="2026-03-05", results=("Observation/b",), id="b"),
        observation(MARGINS, "Positive", on="2026-03-05", id="b"),
        report("Left thigh: leiomyosarcoma.", on="2026-03-04", results=("Observation/o",), id="o"),
        observation(MARGINS, "Positive", on="2026-03-04", id="o"),
        report(
            "Left thigh: leiomyosarcoma. Margins clear.",
            on="2026-03-04",
            status="corrected",
            id="n",
        ),
    )
    assert rules(plan)["margin"] == "margin.width-not-stated"


@pytest.mark.parametrize(
    ("finding", "more"),
    [
        (observation(MARGINS, "Positive", id="m", specimen="Specimen/1"), {}),
        (observation(MARGINS, "Positive", id="m", focus=("Condition/c",)), {}),
        (observation(MARGINS, "Positive", id="m"), {"members": ("Observation/m",)}),
    ],
    ids=["specimen", "focus", "member of a panel"],
)
def test_results_that_are_linked(finding: Any, more: dict[str, Any]) -> None:
    """A specimen, a focus or a panel ties a result to its tumour where there are two."""
    plan = plan_of(
        DERMAL,
        SCALP,
        procedure("Wide excision, left thigh", on="2026-03-01"),
        report(
            "Left thigh: leiomyosarcoma.",
            on="2026-03-04",
            specimens=("Specimen/1",),
            results=("Observation/panel",),
        ),
        observation("Panel", None, id="panel", **more),
        finding,
    )
    found = {part.tumour.site: part.rule for part in plan.of("margin").parts if part.tumour}
    assert found == {"left thigh": "margin.positive", "scalp": "margin.no-surgery"}


def test_specimens_of_one_report_speak_of_their_own_tumour() -> None:
    """The margin of specimen A is not that of specimen B."""
    plan = plan_of(
        DERMAL,
        SCALP,
        report(
            "A. Skin, left thigh, wide excision: leiomyosarcoma. Deep margin positive.\n"
            "B. Skin, scalp, wide excision: leiomyosarcoma. Margins clear.",
            on="2026-03-04",
        ),
    )
    found = {part.tumour.site: part.rule for part in plan.of("margin").parts if part.tumour}
    assert found == {"left thigh": "margin.positive", "scalp": "margin.width-not-stated"}


# --- Grade and size ---


@pytest.mark.parametrize(
    ("value", "high"),
    [
        ("G3", True),
        ("FNCLCC grade 3", True),
        ("High grade", True),
        ("3", True),
        ("Poorly differentiated", True),
        (HIGH_GRADE, True),
        (Coding(SNOMED, "61026006"), True),
        (Concept(text="FNCLCC 3"), True),
        (Quantity(3), True),
        (3.0, True),
        (3, True),
        ("G2", False),
        ("Intermediate grade", False),
        ("G1", False),
        (Quantity(2), False),
        (2, False),
        (Quantity(7), False),
        (True, False),
        ("not assessed", False),
        (PRESENT, False),
        (Coding(None, "61026006"), False),
        (None, False),
    ],
    ids=str,
)
def test_grade(value: Any, high: bool) -> None:  # noqa: FBT001 - the expectation
    """FNCLCC 3, G3, high grade and poorly differentiated are high; nothing else is."""
    plan = plan_of(DERMAL, observation(HISTOLOGIC_GRADE, value))
    assert (rules(plan)["radiation"] == "radiation.dermal-high-grade") is high


@pytest.mark.parametrize(
    "record",
    [
        observation("Histologic grade", "G3"),
        observation("FNCLCC", components=[("Grade", "G3")]),
        observation(HISTOLOGIC_GRADE, components=[("Grade", "G3")]),
        report("Left thigh: leiomyosarcoma, FNCLCC grade 3."),
        condition("Dermal leiomyosarcoma, left thigh, high grade"),
        condition("Dermal leiomyosarcoma, left thigh", stages="FNCLCC grade 3"),
    ],
    ids=["title", "component title", "component", "report", "problem", "stage"],
)
def test_where_a_grade_stands(record: Any) -> None:
    """A grade is found in Observations, reports and the problem itself."""
    plan = plan_of(DERMAL, record)
    grades = rules(plan)["radiation"]
    if getattr(record, "code", Concept()).text == "FNCLCC":
        assert grades == "radiation.dermal"
    else:
        assert grades == "radiation.dermal-high-grade"


@pytest.mark.parametrize(
    "record",
    [
        observation(HISTOLOGIC_GRADE, "G3", status="preliminary"),
        observation("Haemoglobin", "G3"),
        report("Left thigh: leiomyosarcoma, FNCLCC grade 3.", status="preliminary"),
        report("High grade leiomyosarcoma.", code="MRI", category="Radiology"),
    ],
    ids=["preliminary", "another test", "preliminary report", "imaging"],
)
def test_what_is_no_grade(record: Any) -> None:
    """A preliminary result, another test or imaging gives no grade."""
    assert rules(plan_of(DERMAL, record))["radiation"] == "radiation.dermal"


@pytest.mark.parametrize(
    ("record", "found"),
    [
        (observation(TUMOUR_SIZE, millimetres(14)), True),
        (observation(TUMOUR_SIZE, Quantity(1.4, "cm")), True),
        (report("Left thigh: leiomyosarcoma. Tumour size 14 mm."), True),
        (observation(TUMOUR_SIZE, "large"), False),
        (observation(TUMOUR_SIZE, Quantity(14, "g")), False),
        (observation(TUMOUR_SIZE, millimetres(14), status="preliminary"), False),
    ],
    ids=["mm", "cm", "report", "words", "another unit", "preliminary"],
)
def test_size(record: Any, found: bool) -> None:  # noqa: FBT001 - the expectation
    """A measured size is found; where it is missing pathology is asked for it."""
    unknown = condition("Cutaneous leiomyosarcoma, left thigh", CUTANEOUS_LMS)
    part = only(plan_of(unknown, record), "diagnosis")
    assert ("size" not in part.missing) is found


def test_a_grade_shows_in_the_radiation_advice() -> None:
    """The grade that was weighed is a fact of the advice; a missing one is said."""
    with_grade = only(plan_of(DERMAL, observation(HISTOLOGIC_GRADE, "G1", id="g")), "radiation")
    assert "Observation/g" in {fact.reference for fact in with_grade.facts}
    assert with_grade.missing == ()
    assert only(plan_of(DERMAL), "radiation").missing == ("grade",)


def test_dates_of_the_start() -> None:
    """The tumour carries its t0 at the precision of the record."""
    (tumour,) = plan_of(DERMAL, procedure("Wide excision, left thigh", on="2026-03")).tumours
    assert tumour.t0 == day("2026-03")
