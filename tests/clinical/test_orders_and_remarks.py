"""Orders that exist, kinds that could not be read, and lines that are not in the source."""

from typing import Any

import pytest

from cds_service.clinical.plan import Topic

from .charts import (
    CUTANEOUS_LMS,
    HLRCC,
    ICD_10_CM,
    RENAL_MRI,
    SNOMED,
    Coding,
    condition,
    observation,
    only,
    order,
    patient,
    plan_of,
    procedure,
    report,
    rules,
)

DERMAL = condition(
    "Dermal leiomyosarcoma, left thigh", CUTANEOUS_LMS, id="c", recorded="2026-05-01"
)
SUBCUTANEOUS = condition(
    "Subcutaneous leiomyosarcoma, left thigh", CUTANEOUS_LMS, id="c", recorded="2026-05-01"
)
POSITIVE = procedure(
    "Wide excision, left thigh", on="2026-11-02", id="x", outcome="Deep margin positive"
)
LUNG = condition("Metastatic leiomyosarcoma, lung", recorded="2026-11-05")


# --- Orders ---


@pytest.mark.parametrize(
    ("said", "records", "topic", "suggestion"),
    [
        ("Wide local excision of thigh lesion", [DERMAL], "margin", "wide-excision"),
        (Coding(SNOMED, "177302005"), [DERMAL], "margin", "wide-excision"),
        ("Referral to sarcoma team", [DERMAL], "margin", "sarcoma-team"),
        ("Re-excision", [DERMAL, POSITIVE], "margin", "re-excision"),
        ("Radiation oncology consult", [SUBCUTANEOUS], "radiation", "radiation-oncology"),
        (
            "Pathology addendum",
            [condition(None, CUTANEOUS_LMS, id="c")],
            "diagnosis",
            "pathology-addendum",
        ),
        ("Sarcoma MDT", [DERMAL, LUNG], "systemic-therapy", "sarcoma-team"),
        ("Referral to clinical genetics", [DERMAL], "hlrcc", "genetics-referral"),
        (RENAL_MRI, [condition(None, HLRCC)], "hlrcc", "renal-mri"),
    ],
)
@pytest.mark.parametrize("status", ["draft", "active", "on-hold"])
def test_an_order_that_exists_is_not_suggested_again(
    said: Any, records: list[Any], topic: Topic, suggestion: str, status: str
) -> None:
    """An active or draft order for the same thing turns the suggestion into a sentence."""
    before = only(plan_of(*records), topic)
    assert suggestion in before.suggestions
    after = only(plan_of(*records, order(said, status=status, id="o", on="2026-11-20")), topic)
    assert suggestion not in after.suggestions
    assert (suggestion, "ServiceRequest/o", "2026-11-20") in {
        (key, fact.reference, str(fact.date)) for key, fact in after.ordered
    }


@pytest.mark.parametrize(
    "record",
    [
        order("Wide excision", status="revoked"),
        order("Wide excision", status="completed"),
        order("Blood count"),
        order("Wide excision, scalp"),
        order("Wide excision", site="Scalp"),
        order("Wide excision", reasons="Melanoma"),
        order("Wide excision", reason_references=("Condition/other",)),
    ],
    ids=["revoked", "completed", "another thing", "site in words", "site", "reason", "reference"],
)
def test_orders_that_do_not_count(record: Any) -> None:
    """An order that is over, or for another lesion, leaves the suggestion."""
    other = condition("Basal cell carcinoma", id="other")
    part = only(plan_of(DERMAL, other, record), "margin")
    assert "wide-excision" in part.suggestions
    assert part.ordered == ()


@pytest.mark.parametrize(
    "more",
    [
        {"reason_references": ("Condition/c",)},
        {"reason_references": ("Condition/unknown",)},
        {"reasons": "Leiomyosarcoma"},
        {"site": "Left thigh"},
    ],
    ids=["reference", "unknown reference", "reason", "site"],
)
def test_orders_for_the_tumour(more: dict[str, Any]) -> None:
    """An order with the tumour as its reason or site is the tumour's."""
    part = only(plan_of(DERMAL, order("Wide excision", **more)), "margin")
    assert "wide-excision" not in part.suggestions


def test_a_procedure_after_the_positive_margin_counts_as_its_order() -> None:
    """Something of the same kind, done later and not attributed, is told as done."""
    later = procedure("Resection margin revision", on="2026-11-20", id="y", site="Left thigh")
    part = only(plan_of(DERMAL, POSITIVE, later), "margin")
    assert part.rule in {"margin.positive", "margin.status-not-found"}


def test_an_order_does_not_change_the_state() -> None:
    """The advice stands; only its suggestion becomes a sentence."""
    plan = plan_of(DERMAL, order("Wide excision, left thigh"))
    assert (rules(plan)["margin"], plan.of("margin").state) == ("margin.no-surgery", "act")


def test_a_suspicion_that_was_referred() -> None:
    """A referral of a suspected tumour is not suggested again."""
    suspected = condition("Skin nodule, rule out leiomyosarcoma", verification="provisional")
    part = only(plan_of(suspected, order("Referral to sarcoma team", id="o")), "diagnosis")
    assert part.suggestions == ()
    assert [key for key, _ in part.ordered] == ["sarcoma-team"]


# --- What could not be read ---


@pytest.mark.parametrize(
    ("kind", "topics"),
    [
        ("reports", {"diagnosis", "margin", "radiation", "surveillance", "hlrcc"}),
        ("observations", {"diagnosis", "margin", "radiation", "hlrcc"}),
        ("encounters", {"surveillance", "hlrcc"}),
        ("familyHistory", {"hlrcc"}),
        ("orders", {"margin", "hlrcc"}),
    ],
)
def test_what_could_not_be_read_is_said(kind: str, topics: set[str]) -> None:
    """Advice that depends on a kind that could not be read names it; silent advice does not."""
    plan = plan_of(DERMAL, unread=[kind])
    said = {a.topic for a in plan.advice for part in a.parts if part.unread == (kind,)}
    assert said == topics


def test_a_suspicion_says_what_could_not_be_read() -> None:
    """The diagnosis card of a suspicion names the reports that could not be read."""
    plan = plan_of(condition("Skin nodule, rule out leiomyosarcoma"), unread=["reports"])
    assert only(plan, "diagnosis").unread == ("reports",)


# --- Pregnancy and immunosuppression ---

PREGNANT = condition("Pregnant", id="g", recorded="2026-10-01")
TRANSPLANT = procedure("Kidney transplant", on="2015-04-01", id="t")
HIV = condition("HIV disease", Coding(ICD_10_CM, "B20"), id="h")


def test_pregnancy_adds_a_line_to_radiation() -> None:
    """Pregnancy is named on the radiation advice, with its fact, and makes no card."""
    part = only(plan_of(SUBCUTANEOUS, PREGNANT), "radiation")
    assert part.remarks == ("pregnancy-radiation",)
    assert "Condition/g" in {fact.reference for fact in part.facts}
    assert only(plan_of(SUBCUTANEOUS, PREGNANT), "margin").remarks == ()
    assert not plan_of(PREGNANT).tumours


def test_pregnancy_adds_a_line_to_systemic_therapy() -> None:
    """Pregnancy is named where systemic therapy is considered."""
    part = only(plan_of(SUBCUTANEOUS, LUNG, PREGNANT), "systemic-therapy")
    assert part.remarks == ("pregnancy-systemic",)
    assert "Condition/g" in {fact.reference for fact in part.facts}
    assert only(plan_of(SUBCUTANEOUS, LUNG), "systemic-therapy").remarks == ()


def test_pregnancy_adds_a_line_to_the_mri_of_hlrcc() -> None:
    """Pregnancy is named where an MRI may be due."""
    woman = patient(gender="female", birth="1995-01-01")
    part = only(plan_of(condition(None, HLRCC), PREGNANT, who=woman), "hlrcc")
    assert "pregnancy-mri" in part.remarks
    assert "Condition/g" in {fact.reference for fact in part.facts}


@pytest.mark.parametrize(
    "record",
    [
        condition("Pregnant", status="resolved"),
        condition("Pregnant", verification="refuted"),
        condition("Pregnant", verification="provisional"),
        condition("Not pregnant"),
        condition("History of pregnancy"),
        condition("Pregnancy test negative"),
    ],
    ids=["resolved", "refuted", "provisional", "not", "history", "test"],
)
def test_no_pregnancy_now(record: Any) -> None:
    """A pregnancy that is over, or is none, adds no line."""
    assert only(plan_of(SUBCUTANEOUS, record), "radiation").remarks == ()


@pytest.mark.parametrize("record", [TRANSPLANT, HIV], ids=["procedure", "condition"])
def test_immunosuppression_adds_one_line(record: Any) -> None:
    """Immunosuppression is named on the diagnosis card, or on the margin card without one."""
    unknown = plan_of(condition(None, CUTANEOUS_LMS), record)
    assert "immunosuppression" in only(unknown, "diagnosis").remarks
    assert "immunosuppression" not in only(unknown, "margin").remarks
    established = plan_of(
        DERMAL, record, report("Dermal leiomyosarcoma, left thigh.", on="2026-05-01")
    )
    part = only(established, "margin")
    assert part.remarks == ("immunosuppression",)
    assert record.reference in {fact.reference for fact in part.facts}


def test_immunosuppression_is_said_once_where_histology_is_missing() -> None:
    """The diagnosis card has the line already: the margin card does not repeat it."""
    plan = plan_of(DERMAL, HIV)
    assert rules(plan)["diagnosis"] == "diagnosis.no-histology"
    remarks = [*only(plan, "diagnosis").remarks, *only(plan, "margin").remarks]
    assert remarks.count("immunosuppression") == 1


def test_immunosuppression_of_a_suspicion() -> None:
    """The differential belongs on the card that asks for histology."""
    suspected = condition("Skin nodule, rule out leiomyosarcoma")
    assert only(plan_of(suspected, HIV), "diagnosis").remarks == ("immunosuppression",)


@pytest.mark.parametrize(
    "record",
    [
        condition("HIV negative"),
        condition("Kidney transplant donor"),
        procedure("HIV screening", on="2026-01-01"),
    ],
    ids=["negative", "donor", "screening"],
)
def test_no_immunosuppression(record: Any) -> None:
    """A negative test, a donor or a screening is no immunosuppression."""
    assert "immunosuppression" not in only(plan_of(DERMAL, record), "margin").remarks


# --- Facts of refused and undone radiation ---


def test_radiation_not_done_is_said() -> None:
    """Radiation documented as not done, without refusal, is a remark with its fact."""
    undone = procedure("Radiotherapy, left thigh", status="not-done", id="r")
    part = only(plan_of(SUBCUTANEOUS, undone), "radiation")
    assert part.remarks == ("radiotherapy-not-done",)
    assert "Procedure/r" in {fact.reference for fact in part.facts}


@pytest.mark.parametrize(
    "more",
    [{"status_reason": "Patient refused"}, {"notes": "Declined by the patient."}],
    ids=["reason", "note"],
)
def test_radiation_refused(more: dict[str, Any]) -> None:
    """A refusal, as the reason or in a note, silences the topic."""
    undone = procedure("Radiotherapy, left thigh", status="not-done", **more)
    assert rules(plan_of(SUBCUTANEOUS, undone))["radiation"] == "radiation.refused"


def test_surgery_not_done_is_shown() -> None:
    """Surgery documented as not done is a fact of the advice to operate."""
    undone = procedure("Wide excision, left thigh", status="not-done", id="n")
    part = only(plan_of(DERMAL, undone), "margin")
    assert ("Procedure/n", "not-done") in {(f.reference, f.label) for f in part.facts}
    assert part.missing == ("surgery",)


def test_an_observation_of_nothing_changes_nothing() -> None:
    """An unrelated Observation leaves the plan as it is."""
    assert plan_of(DERMAL, observation("Body weight", 70.0)) == plan_of(DERMAL)
