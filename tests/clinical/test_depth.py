"""How deep: never defaulted; negation, ranks of the sources, and conflicts."""

from typing import Any

import pytest

from cds_service.clinical.plan import Plan

from .charts import (
    AISMN,
    CUTANEOUS_LMS,
    DEPTH_OF_INVASION,
    DERMIS,
    SUBCUTIS,
    condition,
    observation,
    only,
    plan_of,
    procedure,
    report,
    rules,
)

UNKNOWN = condition("Cutaneous leiomyosarcoma", CUTANEOUS_LMS, id="c", recorded="2026-05-01")
PAST = condition("Dermal leiomyosarcoma", CUTANEOUS_LMS, id="c", status="resolved")
DERMAL = condition("Dermal leiomyosarcoma", CUTANEOUS_LMS, id="c", recorded="2026-05-01")
BIOPSY_DERMAL = report("Punch biopsy: dermal leiomyosarcoma.", id="b", on="2026-05-01")
EXCISION_SUBCUTANEOUS = report(
    "Wide excision: leiomyosarcoma centred in subcutis.", id="e", on="2026-05-20"
)


def depth(plan: Plan) -> str:
    """Return the depth of the one tumour."""
    (tumour,) = plan.tumours
    return tumour.depth


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (condition(None, CUTANEOUS_LMS), "unknown"),
        (condition("Leiomyosarcoma", site="Skin of back"), "unknown"),
        (condition("Leiomyosarcoma of the skin, left thigh"), "unknown"),
        (condition(None, AISMN), "dermal"),
        (condition(None, CUTANEOUS_LMS, site=DERMIS), "dermal"),
        (condition(None, CUTANEOUS_LMS, site="Dermis of thigh"), "dermal"),
        (condition(None, CUTANEOUS_LMS, site=SUBCUTIS), "subcutaneous"),
        (condition(None, CUTANEOUS_LMS, site="Subcutaneous tissue of thigh"), "subcutaneous"),
        (condition(None, CUTANEOUS_LMS, site="Skin and subcutaneous tissue"), "unknown"),
        (condition("Dermal leiomyosarcoma"), "dermal"),
        (condition("Subcutaneous leiomyosarcoma"), "subcutaneous"),
        (condition(None, CUTANEOUS_LMS, notes="Tumour confined to dermis."), "dermal"),
        (condition(None, CUTANEOUS_LMS, stages="Confined to dermis"), "dermal"),
        (report("Dermal leiomyosarcoma. Does not extend into the subcutis."), "dermal"),
        (report("Cutaneous leiomyosarcoma, confined to dermis."), "dermal"),
        (report("Cutaneous leiomyosarcoma.", specimen_site=DERMIS), "dermal"),
        (report("Dermis, punch biopsy: leiomyosarcoma."), "dermal"),
        (report("Subcutaneous tissue, thigh, biopsy: leiomyosarcoma."), "subcutaneous"),
        (report("Leiomyosarcoma, dermis."), "dermal"),
        (report("Leiomyosarcoma, subcutaneous tissue."), "subcutaneous"),
        (
            report("Dermal leiomyosarcoma with focal superficial subcutaneous extension."),
            "conflicting",
        ),
    ],
    ids=lambda value: str(getattr(value, "texts", "") or getattr(value, "code", value))[:70],
)
def test_depth_of_one_record(record: Any, expected: str) -> None:
    """A record gives the depth that its code, site or words state, and no other."""
    assert depth(plan_of(record)) == expected


@pytest.mark.parametrize(
    ("finding", "expected"),
    [
        (observation(DEPTH_OF_INVASION, "Confined to dermis"), "dermal"),
        (observation(DEPTH_OF_INVASION, DERMIS), "dermal"),
        (observation("Depth of invasion", SUBCUTIS), "subcutaneous"),
        (observation("Depth of invasion", "subcutis"), "subcutaneous"),
        (observation("Tumour extent", components=[("Depth", DERMIS)]), "dermal"),
        (observation("Histology", AISMN), "dermal"),
        (observation("Comment", "Tumour confined to dermis."), "dermal"),
        (observation("Specimen type", DERMIS), "unknown"),
        (observation(DEPTH_OF_INVASION, DERMIS, status="preliminary"), "unknown"),
        (observation(DEPTH_OF_INVASION, True), "unknown"),  # noqa: FBT003 - the value
    ],
    ids=lambda value: f"{getattr(value, 'code', value)}"[-60:],
)
def test_depth_of_an_observation(finding: Any, expected: str) -> None:
    """A final Observation of depth gives it, as a code or in words."""
    assert depth(plan_of(UNKNOWN, finding)) == expected


@pytest.mark.parametrize(
    ("records", "expected", "facts"),
    [
        ([UNKNOWN, BIOPSY_DERMAL], "dermal", {"DiagnosticReport/b"}),
        ([UNKNOWN, BIOPSY_DERMAL, EXCISION_SUBCUTANEOUS], "subcutaneous", {"DiagnosticReport/e"}),
        ([DERMAL, BIOPSY_DERMAL], "dermal", {"Condition/c", "DiagnosticReport/b"}),
        (
            [DERMAL, EXCISION_SUBCUTANEOUS],
            "conflicting",
            {"Condition/c", "DiagnosticReport/e"},
        ),
        (
            [DERMAL, BIOPSY_DERMAL, EXCISION_SUBCUTANEOUS],
            "conflicting",
            {"Condition/c", "DiagnosticReport/e"},
        ),
        ([PAST], "dermal", {"Condition/c"}),
        ([PAST, EXCISION_SUBCUTANEOUS], "subcutaneous", {"DiagnosticReport/e"}),
        (
            [
                UNKNOWN,
                BIOPSY_DERMAL,
                report("Punch biopsy: subcutaneous leiomyosarcoma.", id="b2", on="2026-05-03"),
            ],
            "conflicting",
            {"DiagnosticReport/b", "DiagnosticReport/b2"},
        ),
        (
            [UNKNOWN, report("Dermal leiomyosarcoma.", status="preliminary", id="p")],
            "unknown",
            set(),
        ),
        (
            [UNKNOWN, report("Dermal mass.", code="MRI", category="Radiology", id="i")],
            "unknown",
            set(),
        ),
    ],
    ids=[
        "a biopsy alone",
        "excision outranks biopsy",
        "problem and biopsy agree",
        "problem against excision",
        "a biopsy is not heard beside an excision",
        "a past problem alone",
        "a report outranks a past problem",
        "two biopsies disagree",
        "a preliminary report gives no verdict",
        "imaging gives no verdict",
    ],
)
def test_ranks(records: list[Any], expected: str, facts: set[str]) -> None:
    """The highest rank of pathology and the active problem list decide; both are quoted."""
    plan = plan_of(*records)
    assert depth(plan) == expected
    read = only(plan, "surveillance").facts
    assert {fact.reference for fact in read if fact.label == "depth"} == facts


def test_an_observation_ranks_as_its_report() -> None:
    """The result of an excision's report outranks another report's biopsy."""
    plan = plan_of(
        UNKNOWN,
        BIOPSY_DERMAL,
        report("Wide excision: leiomyosarcoma.", results=("Observation/d",), on="2026-05-20"),
        observation("Depth of invasion", SUBCUTIS, id="d"),
    )
    assert depth(plan) == "subcutaneous"


def test_without_the_report_the_depth_is_unknown() -> None:
    """What only the report told is unknown without it: never dermal by default."""
    assert depth(plan_of(UNKNOWN)) == "unknown"
    assert rules(plan_of(UNKNOWN))["margin"] == "margin.depth-unclear"


def test_a_conflict_quotes_both_with_their_dates() -> None:
    """The card of a conflict shows each source, its words and its date."""
    part = only(plan_of(DERMAL, EXCISION_SUBCUTANEOUS), "diagnosis")
    assert part.rule == "diagnosis.depth-conflicting"
    assert [(f.reference, f.text, str(f.date)) for f in part.facts if f.label == "depth"] == [
        ("DiagnosticReport/e", "Wide excision: leiomyosarcoma centred in subcutis.", "2026-05-20"),
        ("Condition/c", "Dermal leiomyosarcoma", "2026-05-01"),
    ]


def test_deep_extension_of_a_skin_tumour_conflicts() -> None:
    """A subcutaneous tumour that extends into muscle is no plain subcutaneous one."""
    plan = plan_of(
        UNKNOWN,
        report("Excision: subcutaneous leiomyosarcoma with extension into skeletal muscle."),
    )
    assert depth(plan) == "conflicting"


@pytest.mark.parametrize(
    ("records", "missing"),
    [
        ([], ("depth", "grade", "size")),
        ([report("Leiomyosarcoma, FNCLCC grade 2. Tumour size 14 mm.")], ("depth",)),
        ([procedure("Wide excision", on="2026-05-20")], ("depth", "grade", "size", "margins")),
        (
            [procedure("Wide excision", on="2026-05-20", outcome="Margins clear")],
            ("depth", "grade", "size"),
        ),
    ],
    ids=["nothing", "grade and size", "margins missing", "margins known"],
)
def test_what_pathology_is_asked_for(records: list[Any], missing: tuple[str, ...]) -> None:
    """The question to pathology names the depth and whatever else is missing."""
    part = only(plan_of(UNKNOWN, *records), "diagnosis")
    assert part.missing == missing
    assert part.values["asked"] == missing
    assert part.suggestions == ("pathology-addendum",)
