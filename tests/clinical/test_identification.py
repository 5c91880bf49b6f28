"""Which records make a cutaneous leiomyosarcoma, which a suspicion, and which nothing."""

from typing import Any

import pytest

from cds_service.clinical.plan import Plan
from cds_service.facts import Concept

from .charts import (
    AISMN,
    CUTANEOUS_LMS,
    DERMIS,
    ICD_10_CM,
    LMS_MORPHOLOGY,
    SKELETAL_MUSCLE,
    SNOMED,
    SUBCUTIS,
    Coding,
    condition,
    observation,
    only,
    plan_of,
    procedure,
    report,
    rules,
)

SKIN_OF_LEG = Coding(ICD_10_CM, "C44.7", "Other malignant neoplasm of skin of lower limb")
ICD_O = "http://terminology.hl7.org/CodeSystem/icd-o-3"
HISTOLOGY = Coding("http://loinc.org", "59847-4", "Histology and Behavior ICD-O-3 Cancer")


def levels(plan: Plan) -> list[str]:
    """Return the level of each tumour."""
    return [tumour.level for tumour in plan.tumours]


def nothing(plan: Plan) -> bool:
    """Return whether there is no tumour and no topic of one."""
    return not plan.tumours and set(rules(plan).values()) == {"none.no-tumour", "hlrcc.none"}


@pytest.mark.parametrize(
    "record",
    [
        condition(None, CUTANEOUS_LMS),
        condition("Lump", CUTANEOUS_LMS),
        condition(None, AISMN),
        condition("Atypical intradermal smooth muscle neoplasm"),
        condition("Leiomyosarcoma", site=DERMIS),
        condition("Leiomyosarcoma", site=SUBCUTIS),
        condition("Leiomyosarcoma", site="Skin of back"),
        condition("Leiomyosarcoma", SKIN_OF_LEG),
        condition(None, LMS_MORPHOLOGY, site="Skin of back"),
        condition(SKIN_OF_LEG, morphology=LMS_MORPHOLOGY),
        condition("Skin cancer", SKIN_OF_LEG, notes="Histology: leiomyosarcoma of the dermis."),
        condition("Leiomyosarcoma of skin", Coding(ICD_10_CM, "C49.9")),
        condition("Dermal leiomyosarcoma"),
        condition("Subcutaneous leiomyosarcoma of the arm"),
        condition("Leiomyosarcoma cutáneo"),
        condition("Kutanes Leiomyosarkom"),
        report("Leiomyosarcoma of the dermis."),
        report(conclusion=CUTANEOUS_LMS),
        report("Leiomyosarcoma.", specimen_site="Skin of back"),
        observation(HISTOLOGY, CUTANEOUS_LMS),
        observation(HISTOLOGY, "Dermal leiomyosarcoma"),
        observation(HISTOLOGY, LMS_MORPHOLOGY, site="Skin of back"),
        observation("Pathology", components=[(HISTOLOGY, "Leiomyosarcoma of skin")]),
    ],
    ids=lambda record: f"{type(record).__name__}-{getattr(record, 'code', '')}"[:60],
)
def test_certain(record: Any) -> None:
    """A code of the tumour, or its histology and a skin site, or plain text identify it."""
    assert levels(plan_of(record)) == ["certain"]


@pytest.mark.parametrize(
    "record",
    [
        condition("Cutaneous leiomyosarcoma", CUTANEOUS_LMS, verification="provisional"),
        condition("Cutaneous leiomyosarcoma", CUTANEOUS_LMS, verification="unconfirmed"),
        condition("Cutaneous leiomyosarcoma", CUTANEOUS_LMS, verification="differential"),
        condition("Nodule of skin, rule out leiomyosarcoma"),
        condition("Rule out leiomyosarcoma", CUTANEOUS_LMS),
        condition("Skin nodule suspicious for leiomyosarcoma"),
        condition("Cutaneous leiomyosarcoma?"),
        condition("Dermatofibroma", CUTANEOUS_LMS),
        condition("Cutaneous leiomyosarcoma", Coding(SNOMED, "0", "Dermatofibroma")),
        report("Dermal leiomyosarcoma.", status="preliminary"),
        observation(HISTOLOGY, "Dermal leiomyosarcoma", status="preliminary"),
    ],
    ids=lambda record: f"{record.code}-{getattr(record, 'verification', '')}"[-60:],
)
def test_suspected(record: Any) -> None:
    """A suspicion gives one diagnosis card and no other advice."""
    plan = plan_of(record)
    assert levels(plan) == ["suspected"]
    assert [advice.topic for advice in plan.advice if advice.state != "silent"] == ["diagnosis"]
    part = only(plan, "diagnosis")
    assert (part.rule, part.state) == ("diagnosis.suspected", "act")
    assert [fact.label for fact in part.facts] == ["suspected"]
    assert part.suggestions == ("sarcoma-team",)


@pytest.mark.parametrize(
    "record",
    [
        condition("Malignant neoplasm of skin of leg", SKIN_OF_LEG),
        condition("Malignant neoplasm of connective tissue", Coding(ICD_10_CM, "C49.9")),
        condition("Neoplasm of uncertain behaviour of skin", Coding(ICD_10_CM, "D48.5")),
        condition("Leiomyosarcoma"),
        condition(LMS_MORPHOLOGY),
        condition("Leiomyosarcoma of scalp"),
        condition("Leiomyosarcoma of connective tissue"),
        condition("Retroperitoneal leiomyosarcoma"),
        condition("Leiomyosarcoma of the stomach"),
        condition("Leiomyosarcoma of the inferior vena cava"),
        condition("Leiomyosarcoma of bone"),
        condition("Intramuscular leiomyosarcoma of the thigh"),
        condition("Leiomyosarcoma", site=SKELETAL_MUSCLE),
        condition("Leiomyosarcoma of skin, subfascial"),
        condition("Skin metastasis of leiomyosarcoma"),
        condition("Metastasis of leiomyosarcoma", Coding(ICD_10_CM, "C79.2")),
        condition("Leiomyosarcoma", Coding(ICD_10_CM, "C48.0")),
        condition("Leiomyosarcoma of skin", Coding(ICD_O, "8890/6")),
        condition("Leiomyosarcoma of skin", Coding(ICD_10_CM, "D23.5")),
        condition("Cutaneous leiomyoma"),
        condition("Dermatofibroma"),
        condition("Family history of cutaneous leiomyosarcoma"),
        condition("Father: cutaneous leiomyosarcoma", CUTANEOUS_LMS),
        condition("No evidence of cutaneous leiomyosarcoma"),
        condition("No cutaneous leiomyosarcoma", CUTANEOUS_LMS),
        condition("Diabetes", notes="Cutaneous leiomyosarcoma was discussed."),
        report("No evidence of dermal leiomyosarcoma."),
        report("Dermal leiomyosarcoma.", code="CT of thigh", category="Radiology"),
        report("Basal cell carcinoma."),
        report("Margins negative for leiomyosarcoma."),
        observation("Note", "Leiomyosarcoma"),
        observation("Pathology", True),  # noqa: FBT003 - the value
        procedure("Excision of cutaneous leiomyosarcoma"),
    ],
    ids=lambda record: f"{record.code}"[-70:],
)
def test_nothing(record: Any) -> None:
    """Another lesion, another site, a negation or a relative is no cutaneous leiomyosarcoma."""
    plan = plan_of(record)
    assert not plan.tumours
    assert {advice.topic for advice in plan.advice if advice.state != "silent"} == set()


def test_what_is_set_aside_is_said() -> None:
    """A leiomyosarcoma of another site is set aside with the reason."""
    plan = plan_of(condition("Leiomyosarcoma of uterus", id="u"))
    assert [(issue.where, issue.reason) for issue in plan.set_aside] == [
        ("Condition/u", "Not a primary tumour of the skin: a site other than the skin.")
    ]


def test_text_as_evidence_is_said() -> None:
    """Where text, not a code, was the evidence, the diagnosis card says so."""
    by_text = plan_of(condition("Leiomyosarcoma of skin", Coding(ICD_10_CM, "C49.9")))
    coded = plan_of(condition("Leiomyosarcoma of skin", CUTANEOUS_LMS))
    assert "by-text" in only(by_text, "diagnosis").remarks
    assert "by-text" not in only(coded, "diagnosis").remarks


def test_the_tumour_has_the_name_of_the_report() -> None:
    """An atypical intradermal smooth muscle neoplasm is called by that name."""
    (tumour,) = plan_of(condition("Atypical intradermal smooth muscle neoplasm", AISMN)).tumours
    assert (tumour.name, tumour.depth) == ("atypical intradermal smooth muscle neoplasm", "dermal")
    (tumour,) = plan_of(condition("Dermal leiomyosarcoma", AISMN)).tumours
    assert tumour.name == "leiomyosarcoma"


def test_residual_and_margin_negatives_do_not_deny_the_diagnosis() -> None:
    """A margin or a bed free of residual leiomyosarcoma does not deny the diagnosis."""
    plan = plan_of(
        condition("Dermal leiomyosarcoma, thigh"),
        report(
            "Re-excision, thigh: no residual leiomyosarcoma. Margins negative.", on="2026-10-01"
        ),
    )
    assert levels(plan) == ["certain"]
    assert only(plan, "margin").rule == "margin.width-not-stated"


@pytest.mark.parametrize("status", ["resolved", "remission", "inactive"])
def test_history(status: str) -> None:
    """A resolved diagnosis is history: surveillance alone applies."""
    plan = plan_of(
        condition("Dermal leiomyosarcoma", status=status),
        procedure("Wide excision", on="2026-07-15", outcome="Margins clear"),
    )
    (tumour,) = plan.tumours
    assert tumour.history
    assert rules(plan)["margin"] == "margin.history-only"
    assert rules(plan)["radiation"] == "radiation.history-only"
    assert rules(plan)["surveillance"] == "surveillance.due"


def test_history_in_words() -> None:
    """A problem's own words may tell that the tumour is past."""
    (tumour,) = plan_of(condition("History of dermal leiomyosarcoma")).tumours
    assert tumour.history


# --- Suspicion and final pathology ---

SUSPECTED = condition(
    "Nodule of skin of the thigh, rule out leiomyosarcoma", id="s", verification="provisional"
)


def test_final_pathology_makes_a_suspicion_certain() -> None:
    """A final report that asserts the tumour settles it, though it does not name the skin."""
    plan = plan_of(SUSPECTED, report("Punch biopsy, thigh: leiomyosarcoma.", on="2026-10-01"))
    assert levels(plan) == ["certain"]
    assert rules(plan)["diagnosis"] == "diagnosis.depth-unknown"
    assert only(plan, "margin").tumour == plan.tumours[0]


@pytest.mark.parametrize(
    "record",
    [
        report("Punch biopsy, thigh: leiomyosarcoma.", status="preliminary"),
        report("Punch biopsy, thigh: dermatofibroma."),
        report("Biopsy, scalp: leiomyosarcoma."),
        report("Thigh: metastatic leiomyosarcoma to the skin."),
        report("Uterus: leiomyosarcoma."),
        report("Thigh: leiomyosarcoma.", code="MRI", category="Radiology"),
    ],
    ids=lambda record: record.texts[0][:40],
)
def test_other_reports_leave_a_suspicion(record: Any) -> None:
    """A report that is not final, of another site or of another lesion confirms nothing."""
    assert levels(plan_of(SUSPECTED, record)) == ["suspected"]


def test_a_suspicion_beside_a_certain_tumour_of_the_same_site_is_one_tumour() -> None:
    """The certain record decides; the suspicion makes no second tumour."""
    plan = plan_of(
        SUSPECTED, condition("Dermal leiomyosarcoma of the thigh", CUTANEOUS_LMS, id="c")
    )
    assert levels(plan) == ["certain"]


def test_a_suspicion_at_another_site_stays_one() -> None:
    """A certain tumour and a suspected one at another site have advice each."""
    plan = plan_of(SUSPECTED, condition("Dermal leiomyosarcoma of the scalp", CUTANEOUS_LMS))
    assert levels(plan) == ["certain", "suspected"]
    assert {part.rule for part in plan.of("diagnosis").parts} == {
        "diagnosis.no-histology",
        "diagnosis.suspected",
    }


# --- Evidence in linked records ---


@pytest.mark.parametrize(
    "record",
    [
        report("Leiomyosarcoma of the dermis.", id="e"),
        observation("Histology", "Leiomyosarcoma of the dermis", id="e"),
        observation("Histology", Concept(text="Leiomyosarcoma of the dermis"), id="e"),
    ],
    ids=["report", "string", "concept"],
)
def test_a_problem_speaks_through_its_evidence(record: Any) -> None:
    """An unspecific problem is the tumour where its evidence says so."""
    plan = plan_of(
        condition("Malignant neoplasm of skin", SKIN_OF_LEG, evidence=(record.reference,), id="c"),
        record,
    )
    assert len(plan.tumours) == 1
    assert plan.tumours[0].conditions == ("Condition/c",)


def test_an_observation_about_a_problem_speaks_for_it() -> None:
    """A histology Observation whose focus is the problem tells what the problem is."""
    plan = plan_of(
        condition("Malignant neoplasm of skin", SKIN_OF_LEG, id="c"),
        observation(HISTOLOGY, LMS_MORPHOLOGY, focus=("Condition/c",)),
        observation(HISTOLOGY, "Leiomyosarcoma", focus=("Condition/c",)),
    )
    assert plan.tumours[0].conditions == ("Condition/c",)


@pytest.mark.parametrize(
    ("status", "evidence"), [("final", ("Observation/e",)), ("preliminary", ("Observation/h",))]
)
def test_what_is_no_evidence_does_not_speak(status: str, evidence: tuple[str, ...]) -> None:
    """A result that the problem does not name, or that is not final, makes it no tumour."""
    plan = plan_of(
        condition("Malignant neoplasm of skin", SKIN_OF_LEG, evidence=evidence),
        observation(HISTOLOGY, "Leiomyosarcoma", status=status, id="h"),
        observation(HISTOLOGY, "Basal cell carcinoma", id="e"),
    )
    assert plan.tumours == ()


# --- Refutation ---

PATHOLOGY = report("Punch biopsy, thigh: dermal leiomyosarcoma.", on="2026-05-10", id="r")


@pytest.mark.parametrize(
    ("recorded", "levels_left"),
    [
        (None, []),
        ("2026-05-10", []),
        ("2026-05-11", []),
        ("2026-05", []),
        ("2026-05-09", ["certain"]),
        ("2026-04", ["certain"]),
    ],
)
def test_a_refutation_beats_what_is_not_later(recorded: str | None, levels_left: list[str]) -> None:
    """A refutation beats reports dated on or before it; a later report asserts the tumour anew."""
    refuted = condition(
        "Cutaneous leiomyosarcoma, thigh", id="f", verification="refuted", recorded=recorded
    )
    plan = plan_of(refuted, PATHOLOGY)
    assert levels(plan) == levels_left
    if not levels_left:
        assert nothing(plan)
        assert [issue.where for issue in plan.set_aside] == ["DiagnosticReport/r"]


def test_an_undated_report_is_beaten() -> None:
    """A report without a date is not known to be later than the refutation."""
    refuted = condition("Cutaneous leiomyosarcoma", verification="refuted", recorded="2026-05-01")
    assert nothing(plan_of(refuted, report("Dermal leiomyosarcoma.")))


def test_a_refutation_of_another_site_refutes_nothing() -> None:
    """A refuted tumour of the scalp leaves the one of the thigh."""
    refuted = condition("Cutaneous leiomyosarcoma, scalp", verification="refuted")
    assert levels(plan_of(refuted, PATHOLOGY)) == ["certain"]


def test_a_refuted_other_problem_refutes_nothing() -> None:
    """A refuted problem that is no leiomyosarcoma is no refutation of one."""
    refuted = condition("Basal cell carcinoma, thigh", verification="refuted")
    assert levels(plan_of(refuted, PATHOLOGY)) == ["certain"]


def test_a_refutation_beats_the_problem_list_too() -> None:
    """The same diagnosis, once confirmed and later refuted, does not stand."""
    plan = plan_of(
        condition("Cutaneous leiomyosarcoma, thigh", recorded="2026-05-01"),
        condition("Cutaneous leiomyosarcoma, thigh", verification="refuted", recorded="2026-06-01"),
    )
    assert nothing(plan)


# --- Amended and corrected reports ---


@pytest.mark.parametrize("status", ["amended", "corrected"])
@pytest.mark.parametrize(
    "link",
    [
        {"identifiers": ("A-1",)},
        {"based_on": ("ServiceRequest/1",)},
        {"specimens": ("Specimen/1",)},
        {"results": ("Observation/1",)},
        {"on": "2026-05-10"},
        {},
    ],
    ids=["identifier", "order", "specimen", "result", "specimen date", "place and kind"],
)
def test_an_amended_report_supersedes_the_earlier(status: str, link: dict[str, Any]) -> None:
    """The later version counts, however it is known to be one, and takes the Condition with it."""
    old = report(
        "Punch biopsy, thigh: dermal leiomyosarcoma.", id="r1", issued="2026-05-12", **link
    )
    new = report(
        "Punch biopsy, thigh: dermatofibroma, no leiomyosarcoma.",
        id="r2",
        status=status,
        issued="2026-05-20",
        **link,
    )
    diagnosis = condition("Cutaneous leiomyosarcoma, thigh", recorded="2026-05-12", id="c")
    plan = plan_of(diagnosis, old, new)
    assert nothing(plan)
    assert [issue.where for issue in plan.set_aside] == ["Condition/c"]


def test_an_amended_report_that_confirms_leaves_the_condition() -> None:
    """An amendment that names the tumour again leaves its diagnosis, with the new depth."""
    plan = plan_of(
        report("Biopsy, thigh: dermal leiomyosarcoma.", id="r1", on="2026-05-10"),
        report(
            "Biopsy, thigh: subcutaneous leiomyosarcoma.",
            id="r2",
            on="2026-05-10",
            status="amended",
        ),
        condition("Dermal leiomyosarcoma, thigh", evidence=("DiagnosticReport/r1",)),
    )
    assert [tumour.depth for tumour in plan.tumours] == ["subcutaneous"]


@pytest.mark.parametrize(
    "other",
    [
        report(
            "Biopsy, thigh: dermal leiomyosarcoma.", id="r1", on="2026-05-21", issued="2026-06-01"
        ),
        report("Biopsy, scalp: dermal leiomyosarcoma.", id="r1", on="2026-05-10"),
        report("Excision, thigh: dermal leiomyosarcoma.", id="r1", issued="2026-05-12"),
        report("Dermal leiomyosarcoma, thigh.", id="r1", issued="2026-05-12", on="2026-05-01"),
        report("Biopsy, thigh: dermal leiomyosarcoma.", id="r1", status="amended", on="2026-05-10"),
    ],
    ids=["later", "other site", "other specimen", "other specimen date", "itself amended"],
)
def test_what_an_amended_report_does_not_supersede(other: Any) -> None:
    """A report of another specimen, or a later one, stands beside the amended report."""
    amended = report(
        "Punch biopsy, thigh: dermatofibroma.",
        id="r2",
        status="amended",
        on=other.effective and "2026-05-10",
        issued="2026-05-20",
    )
    assert levels(plan_of(other, amended)) == ["certain"]


def test_versions_that_are_both_amended() -> None:
    """Of two amended versions that share an identifier the later issued counts."""
    first = report(
        "Biopsy: dermal leiomyosarcoma.",
        id="r1",
        status="amended",
        issued="2026-05-12",
        identifiers=("A-1",),
    )
    second = report(
        "Biopsy: dermatofibroma, no leiomyosarcoma.",
        id="r2",
        status="amended",
        issued="2026-05-20",
        identifiers=("A-1",),
    )
    assert nothing(plan_of(first, second))
    assert nothing(plan_of(second, first))


def test_an_imaging_report_supersedes_no_pathology() -> None:
    """A corrected CT report leaves the pathology report of the same day."""
    plan = plan_of(
        report("Biopsy: dermal leiomyosarcoma.", on="2026-05-10"),
        report(
            "No leiomyosarcoma.",
            on="2026-05-10",
            status="corrected",
            code="CT",
            category="Radiology",
        ),
    )
    assert levels(plan) == ["certain"]


@pytest.mark.parametrize(
    ("text", "site", "left"),
    [
        ("Thigh: no leiomyosarcoma.", "thigh", []),
        ("Thigh: dermatofibroma.", "thigh", []),
        ("Dermatofibroma.", None, ["certain"]),
        ("Scalp: no leiomyosarcoma.", "thigh", ["certain"]),
    ],
)
def test_an_amended_report_against_an_unsupported_condition(
    text: str, site: str | None, left: list[str]
) -> None:
    """An amended report takes a Condition of its site that nothing else supports."""
    diagnosis = condition(CUTANEOUS_LMS, site=site)
    assert levels(plan_of(diagnosis, report(text, status="amended", on="2026-05-10"))) == left


def test_a_condition_with_other_support_stands() -> None:
    """Another final report of the site that asserts the tumour keeps the Condition."""
    plan = plan_of(
        condition("Cutaneous leiomyosarcoma, thigh", id="c"),
        report("Biopsy, thigh: no leiomyosarcoma.", status="amended", on="2026-05-10"),
        report("Excision, thigh: dermal leiomyosarcoma.", on="2026-06-10"),
    )
    assert plan.tumours[0].conditions == ("Condition/c",)


# --- Includes and excludes for the same lesion ---


def test_an_excluded_site_of_the_same_lesion_beats_the_include() -> None:
    """Excision pathology that finds the tumour below the fascia beats the problem's words."""
    plan = plan_of(
        condition("Cutaneous leiomyosarcoma of the thigh", CUTANEOUS_LMS, id="c"),
        report("Excision, thigh: intramuscular leiomyosarcoma.", on="2026-05-20", id="r"),
    )
    assert not plan.tumours
    assert [issue.where for issue in plan.set_aside] == ["DiagnosticReport/r", "Condition/c"]


def test_an_excluded_site_named_as_evidence_beats_the_include() -> None:
    """A problem without a site is beaten by the report that it names."""
    plan = plan_of(
        condition("Cutaneous leiomyosarcoma", id="c", evidence=("DiagnosticReport/r",)),
        report("Excision, thigh: intramuscular leiomyosarcoma.", on="2026-05-20", id="r"),
    )
    assert not plan.tumours


def test_an_excluded_lesion_elsewhere_leaves_the_tumour() -> None:
    """A deep leiomyosarcoma of the arm says nothing of the skin of the thigh."""
    plan = plan_of(
        condition("Cutaneous leiomyosarcoma of the thigh", CUTANEOUS_LMS),
        condition("Intramuscular leiomyosarcoma of the arm"),
    )
    assert levels(plan) == ["certain"]


def test_a_skin_metastasis_of_a_known_other_primary_is_no_tumour() -> None:
    """With a uterine primary, a report of metastasis in the skin beats the skin code."""
    plan = plan_of(
        condition("Leiomyosarcoma of uterus", id="u"),
        condition("Leiomyosarcoma of skin of scalp", CUTANEOUS_LMS, id="c"),
        report("Scalp: metastatic leiomyosarcoma to the skin.", on="2026-10-01", id="r"),
    )
    assert not plan.tumours


# --- Several tumours ---


def test_two_sites_are_two_tumours_in_one_advice() -> None:
    """Two tumours have advice each, the strongest first, under one topic."""
    plan = plan_of(
        condition("Dermal leiomyosarcoma, scalp", CUTANEOUS_LMS),
        condition("Subcutaneous leiomyosarcoma, left thigh", CUTANEOUS_LMS),
        procedure("Mohs surgery, scalp", on="2026-06-01", outcome="Margins clear"),
    )
    assert {(t.site, t.depth) for t in plan.tumours} == {
        ("scalp", "dermal"),
        ("left thigh", "subcutaneous"),
    }
    margin = plan.of("margin")
    assert [part.rule for part in margin.parts] == ["margin.no-surgery", "margin.clear-mohs"]
    assert (margin.state, margin.indicator) == ("act", "info")


def test_left_and_right_are_two_tumours() -> None:
    """The same region on both sides is two places."""
    plan = plan_of(
        condition("Dermal leiomyosarcoma, left thigh"),
        condition("Dermal leiomyosarcoma, right thigh"),
    )
    assert {t.site for t in plan.tumours} == {"left thigh", "right thigh"}


@pytest.mark.parametrize(
    ("one", "two", "site"),
    [
        ("left thigh", "thigh", "left thigh"),
        ("left leg", "left leg", "left leg"),
        ("scalp", "head", "scalp"),
    ],
)
def test_compatible_places_are_one_tumour(one: str, two: str, site: str) -> None:
    """A place and one that contains it are the same tumour, named by the more specific."""
    plan = plan_of(
        condition(f"Dermal leiomyosarcoma, {one}"), condition("Cutaneous leiomyosarcoma", site=two)
    )
    assert [tumour.site for tumour in plan.tumours] == [site]


def test_a_warning_is_stronger_than_an_act() -> None:
    """The topic takes the strongest state of its tumours: warning before act."""
    plan = plan_of(
        condition("Dermal leiomyosarcoma, back", CUTANEOUS_LMS),
        condition("Dermal leiomyosarcoma, scalp", CUTANEOUS_LMS),
        procedure("Wide excision, scalp", on="2026-11-01", outcome="Deep margin positive"),
    )
    margin = plan.of("margin")
    assert (margin.state, margin.indicator) == ("act", "warning")
    assert [part.tumour and part.tumour.site for part in margin.parts] == ["scalp", "back"]


def test_a_claim_of_no_site_supports_every_tumour_it_fits() -> None:
    """A report that names no place, linked to one tumour, makes no third one."""
    plan = plan_of(
        condition("Dermal leiomyosarcoma, scalp", id="a", evidence=("DiagnosticReport/r",)),
        condition("Dermal leiomyosarcoma, thigh", id="b"),
        report("Dermal leiomyosarcoma.", id="r"),
    )
    assert len(plan.tumours) == 2
    linked = {
        part.tumour.site: [f.reference for f in part.facts]
        for part in plan.of("margin").parts
        if part.tumour
    }
    assert "DiagnosticReport/r" in linked["scalp"]
    assert "DiagnosticReport/r" not in linked["thigh"]


def test_a_report_of_two_specimens_makes_two_tumours() -> None:
    """Each specimen of a report speaks of its own lesion."""
    plan = plan_of(
        report(
            "A. Skin, left thigh: dermal leiomyosarcoma.\n"
            "B. Skin, scalp: subcutaneous leiomyosarcoma.",
            on="2026-05-10",
        )
    )
    assert {(t.site, t.depth) for t in plan.tumours} == {
        ("left thigh", "dermal"),
        ("scalp", "subcutaneous"),
    }


def test_references_of_a_topic() -> None:
    """A topic knows every record that takes part in its advice."""
    plan = plan_of(condition("Dermal leiomyosarcoma", id="c"))
    assert plan.of("margin").references == {"Condition/c"}
