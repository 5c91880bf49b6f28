"""What shows a metastasis of the tumour, and what is set aside."""

from typing import Any

import pytest

from cds_service.clinical.plan import Plan
from cds_service.facts import Concept

from .charts import (
    CUTANEOUS_LMS,
    DISTANT_METASTASIS,
    ICD_10_CM,
    PM_CATEGORY,
    SNOMED,
    Coding,
    condition,
    observation,
    only,
    plan_of,
    procedure,
    report,
    rules,
)

TUMOUR = condition(
    "Subcutaneous leiomyosarcoma, left thigh", CUTANEOUS_LMS, id="c", recorded="2025-01-10"
)
LUNG = Coding(ICD_10_CM, "C78.00", "Secondary malignant neoplasm of unspecified lung")
METASTATIC = {
    "margin": "margin.metastatic",
    "radiation": "radiation.metastatic",
    "surveillance": "surveillance.metastatic",
    "systemic-therapy": "systemic-therapy.metastatic",
}


def metastatic(plan: Plan) -> bool:
    """Return whether every topic takes the tumour as metastatic; fails where they differ."""
    decided = {
        topic: rule == METASTATIC[topic]
        for topic, rule in rules(plan).items()
        if topic in METASTATIC
    }
    assert len(set(decided.values())) == 1
    return decided["margin"]


@pytest.mark.parametrize(
    "record",
    [
        condition("Secondary malignant neoplasm of lung", LUNG, recorded="2026-11-05"),
        condition(None, LUNG),
        condition(None, LUNG, verification=None),
        condition(None, LUNG, recorded="2025-01-10"),
        condition(None, LUNG, recorded="2025"),
        condition("Metastatic leiomyosarcoma, lung"),
        condition("Metastasis", LUNG, notes="Of the leiomyosarcoma; breast cancer excluded."),
        condition("Lung metastasis of sarcoma"),
        condition("Pulmonary nodules", notes="Leiomyosarcoma, distant metastasis."),
        observation(PM_CATEGORY, "pM1"),
        observation(PM_CATEGORY, "M1a"),
        observation(PM_CATEGORY, Coding("http://cancerstaging.org", "cM1")),
        observation(PM_CATEGORY, components=[("Category", "pM1 (lung)")]),
        observation("Staging", DISTANT_METASTASIS),
        observation("Staging", "Distant metastasis"),
        observation("Cancer stage", "Distant metastasis"),
        report("Lung, biopsy: metastatic leiomyosarcoma.", on="2026-11-01"),
    ],
    ids=lambda record: f"{record.reference}{record.code}"[-60:],
)
def test_a_metastasis(record: Any) -> None:
    """A confirmed secondary malignancy not dated before the tumour, M1 or a report shows it."""
    plan = plan_of(TUMOUR, record)
    assert metastatic(plan)
    part = only(plan, "systemic-therapy")
    assert part.indicator == "warning"
    assert "metastasis" in {fact.label for fact in part.facts}


def test_a_code_alone_is_shown_by_its_name() -> None:
    """A finding that is coded without a display is quoted in the words of its code."""
    bare = Coding(DISTANT_METASTASIS.system, DISTANT_METASTASIS.code)
    part = only(plan_of(TUMOUR, observation("Staging", bare)), "systemic-therapy")
    quoted = [fact.text for fact in part.facts if fact.label == "metastasis"]
    assert quoted == ["Distant metastasis present (finding)"]


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (condition(None, LUNG, recorded="2025-01-09"), True),
        (condition(None, LUNG, recorded="2024"), True),
        (condition(None, LUNG, verification="provisional"), True),
        (condition(None, LUNG, verification="unconfirmed"), True),
        (condition("Metastasis of breast carcinoma to lung", LUNG), True),
        (condition("Metastasis", LUNG, notes="Primary: melanoma."), True),
        (condition("Pulmonary nodule"), False),
        (condition("Breast carcinoma"), False),
        (observation(PM_CATEGORY, "pM0"), False),
        (observation(PM_CATEGORY, "cM0"), False),
        (observation(PM_CATEGORY, None), False),
        (observation("Staging", "No distant metastasis"), False),
        (observation("CT angiography", "Occlusion of the M1 segment"), False),
        (observation(PM_CATEGORY, "pM1", status="preliminary"), False),
        (observation(PM_CATEGORY, "pM1", on="2024-12-01"), False),
        (report("No metastatic leiomyosarcoma.", on="2026-11-01"), False),
        (report("Metastatic melanoma.", on="2026-11-01"), False),
        (report("History of metastatic leiomyosarcoma.", on="2026-11-01"), False),
        (report("Metastatic leiomyosarcoma.", on="2026-11-01", status="preliminary"), False),
        (report("Metastatic leiomyosarcoma.", on="2024-11-01"), False),
        (report("Lung: metastatic leiomyosarcoma.", code="CT", category="Radiology"), False),
        (report("Uterine leiomyosarcoma with lung metastasis.", on="2026-11-01"), True),
    ],
    ids=lambda value: (
        f"{value.reference}{value.code}{getattr(value, 'texts', '')}"[-60:]
        if not isinstance(value, bool)
        else ""
    ),
)
def test_no_metastasis(record: Any, said: bool) -> None:  # noqa: FBT001 - the expectation
    """An earlier, unconfirmed, denied or other primary's metastasis is none of the tumour."""
    plan = plan_of(TUMOUR, record)
    assert not metastatic(plan)
    assert bool(plan.set_aside) is said


def test_a_display_that_names_where_it_went_is_no_other_primary() -> None:
    """A display such as "neoplasm of breast" may tell where it went, not whence it came."""
    went = Coding(SNOMED, "94222008", "Secondary malignant neoplasm of breast")
    lung = Coding(ICD_10_CM, "C78.00", "Secondary malignant neoplasm of breast")
    assert metastatic(plan_of(TUMOUR, condition(Concept((lung, went)))))


def test_the_first_trace_of_the_tumour_counts() -> None:
    """A report or an operation earlier than the problem list dates the tumour."""
    early = condition(None, LUNG, recorded="2024-11-05")
    assert metastatic(
        plan_of(TUMOUR, early, report("Dermal leiomyosarcoma, left thigh.", on="2024-11-05"))
    )
    assert metastatic(
        plan_of(TUMOUR, early, procedure("Wide excision, left thigh", on="2024-11-05"))
    )


def test_an_undated_tumour_precedes_every_metastasis() -> None:
    """Where nothing dates the tumour no metastasis is known to be earlier."""
    undated = condition("Subcutaneous leiomyosarcoma, left thigh", CUTANEOUS_LMS)
    assert metastatic(plan_of(undated, condition(None, LUNG, recorded="1999")))


def test_a_metastasis_without_the_tumour_is_nothing() -> None:
    """Without a cutaneous leiomyosarcoma a metastasis gives no advice."""
    plan = plan_of(condition("Metastatic leiomyosarcoma, lung"))
    assert not plan.tumours
    assert rules(plan)["systemic-therapy"] == "none.no-tumour"


def test_radiation_that_was_given_is_named_before_the_metastasis() -> None:
    """Each of the silent reasons stands; that it was given is the first."""
    plan = plan_of(
        TUMOUR,
        condition(None, LUNG),
        procedure("Radiotherapy, left thigh", on="2025-03-01"),
    )
    assert rules(plan)["radiation"] == "radiation.given"
