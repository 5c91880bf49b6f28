"""HLRCC: the diagnosis, FH variants, each feature, and what is due at which age."""

from typing import Any

import pytest

from cds_service.clinical.plan import Advice
from cds_service.facts import Concept, Patient

from .charts import (
    CUTANEOUS_LMS,
    FH,
    GENE_STUDIED,
    GERMLINE,
    HLRCC,
    HYSTERECTOMY,
    ICD_10_CM,
    LIKELY_PATHOGENIC,
    LOINC,
    PATHOGENIC,
    RENAL_MRI,
    SIGNIFICANCE,
    SNOMED,
    SOMATIC,
    SOURCE_CLASS,
    UNCERTAIN,
    Coding,
    concept,
    condition,
    observation,
    only,
    order,
    patient,
    plan_of,
    procedure,
    relative,
    report,
    visit,
)

TUMOUR = condition("Dermal leiomyosarcoma, left thigh", CUTANEOUS_LMS, id="t")
SYNDROME = condition("HLRCC", HLRCC, id="h")
WOMAN = patient(gender="female", birth="1980-06-01")
MAN = patient(birth="1980-06-01")
LEIOMYOMA = Coding(SNOMED, "254767008")
FIBROIDS = condition("Uterine leiomyoma", Coding(ICD_10_CM, "D25.9"), id="f")
MYOMECTOMY = procedure("Myomectomy", on="2018-05-01", id="m")
PAPILLARY = Coding(SNOMED, "733608000", "Papillary renal cell carcinoma (disorder)")
KIDNEY = Coding(ICD_10_CM, "C64.1")


def hlrcc(*records: Any, who: Patient = MAN, **more: Any) -> Advice:
    """Return the HLRCC advice for these records."""
    return only(plan_of(*records, who=who, **more), "hlrcc")


def variant(significance: Any, source: Any = GERMLINE, gene: Any = FH, **more: Any) -> Any:
    """Return a genomics Observation of a variant."""
    return observation(
        "Genetic variant assessment",
        Coding(LOINC, "LA9633-4", "Present"),
        components=[(GENE_STUDIED, gene), (SIGNIFICANCE, significance), (SOURCE_CLASS, source)],
        **more,
    )


# --- The syndrome ---


@pytest.mark.parametrize(
    ("record", "rule"),
    [
        (condition(None, HLRCC), "due"),
        (condition(None, HLRCC, verification=None), "due"),
        (condition("Hereditary leiomyomatosis and renal cell cancer"), "due"),
        (condition("Reed syndrome"), "due"),
        (condition(None, HLRCC, verification="provisional"), "features"),
        (condition(None, HLRCC, verification="differential"), "features"),
        (condition(None, HLRCC, verification="unconfirmed"), "features"),
        (condition("Suspected HLRCC"), "features"),
        (condition("Rule out HLRCC", HLRCC), "features"),
        (condition("Family history of HLRCC"), "features"),
        (condition("Family history of HLRCC", HLRCC), "features"),
        (condition("No HLRCC"), "none"),
        (condition("Diabetes"), "none"),
    ],
    ids=lambda value: f"{getattr(value, 'code', value)}{getattr(value, 'verification', '')}"[-50:],
)
def test_the_syndrome(record: Any, rule: str) -> None:
    """Confirmed HLRCC asks for examinations; a suspicion or a relative's for genetics."""
    assert hlrcc(record).rule == f"hlrcc.{rule}"


# --- FH variants ---


@pytest.mark.parametrize(
    ("record", "rule"),
    [
        (variant(PATHOGENIC), "due"),
        (variant(LIKELY_PATHOGENIC), "due"),
        (variant(Concept(text="Pathogenic")), "due"),
        (variant("Likely pathogenic"), "due"),
        (variant("Pathogenic (class 5)"), "due"),
        (variant(PATHOGENIC, source=None, method="Germline sequencing"), "due"),
        (variant(PATHOGENIC, source=None), "features"),
        (variant(PATHOGENIC, source=SOMATIC), "none"),
        (variant(PATHOGENIC, source="Somatic"), "none"),
        (variant(UNCERTAIN), "uncertain-variant"),
        (variant("Uncertain significance"), "uncertain-variant"),
        (variant("Benign"), "negative-test"),
        (variant("Likely benign", source=None), "none"),
        (
            variant(PATHOGENIC, gene=Coding("http://www.genenames.org", "HGNC:1100", "BRCA1")),
            "none",
        ),
        (variant(PATHOGENIC, status="preliminary"), "none"),
        (variant("No call"), "none"),
        (observation("Germline FH gene sequencing", "Negative"), "negative-test"),
        (observation("FH gene sequencing", "Negative"), "none"),
        (observation("Germline FH gene sequencing", "Negative: no variant found"), "negative-test"),
        (observation("Germline FH gene sequencing", "Pathogenic variant in FH"), "due"),
        (observation("Gene panel, germline", "FH pathogenic variant"), "due"),
        (observation("Gene panel", "FH pathogenic variant"), "features"),
        (report("Germline FH pathogenic variant c.1027C>T.", code="Genetics"), "due"),
        (report("FH pathogenic variant.", code="Germline gene panel"), "due"),
        (report("FH pathogenic variant in the tumour sequencing.", code="Panel"), "features"),
        (report("Somatic FH pathogenic variant.", code="Tumour panel"), "none"),
        (report("Germline FH variant of uncertain significance.", code="Gen"), "uncertain-variant"),
        (report("Germline FH: no pathogenic variant in FH.", code="Genetics"), "negative-test"),
        (report("No pathogenic variant in FH.", code="Tumour panel"), "none"),
        (report("Germline FH pathogenic variant.", status="preliminary"), "none"),
        (condition("FH pathogenic variant"), "due"),
        (condition("Genetic disorder", notes="Germline FH pathogenic variant."), "due"),
        (condition("FH pathogenic variant", verification="provisional"), "none"),
    ],
    ids=lambda value: f"{getattr(value, 'texts', '')}{getattr(value, 'components', value)}"[-70:],
)
def test_fh_variants(record: Any, rule: str) -> None:
    """A germline pathogenic variant is HLRCC; a somatic one, another gene's or a doubt is not."""
    assert hlrcc(record).rule == f"hlrcc.{rule}"


def test_a_negative_test_silences_features_and_tumour() -> None:
    """A negative germline test stands before every feature."""
    negative = report("Germline FH: no pathogenic variant in FH.", code="Genetics")
    deficient = report("Leiomyoma, FH-deficient.", on="2020-01-01")
    part = hlrcc(TUMOUR, negative, deficient)
    assert (part.rule, part.state) == ("hlrcc.negative-test", "silent")


def test_a_confirmed_diagnosis_stands_before_a_negative_test() -> None:
    """A confirmed diagnosis is not silenced by a negative test."""
    negative = report("Germline FH: no pathogenic variant in FH.", code="Genetics")
    assert hlrcc(SYNDROME, negative).rule == "hlrcc.due"


def test_an_uncertain_variant_does_not_silence_features() -> None:
    """With a feature genetics is asked for, whatever variant of uncertain significance."""
    deficient = report("Leiomyoma, FH-deficient.", on="2020-01-01")
    assert hlrcc(variant(UNCERTAIN)).rule == "hlrcc.uncertain-variant"
    assert hlrcc(variant(UNCERTAIN), TUMOUR).rule == "hlrcc.uncertain-variant"
    assert hlrcc(variant(UNCERTAIN), deficient).rule == "hlrcc.features"


# --- Features ---

MOTHER = relative("Mother", ("Uterine leiomyoma", 35))
SINGLES: dict[str, list[Any]] = {
    "uterine leiomyoma treated": [FIBROIDS, MYOMECTOMY],
    "papillary renal cancer": [condition(None, PAPILLARY, onset="2019-06-01", id="k")],
    "relative's uterine leiomyoma": [relative("Mother", ("Uterine leiomyoma", 35))],
}


@pytest.mark.parametrize("name", SINGLES)
def test_one_of_two_is_not_enough(name: str) -> None:
    """A feature of the list "two of" asks for nothing alone (renal cancer by 46 does)."""
    young = patient(gender="female", birth="1980-06-01")
    rule = hlrcc(*SINGLES[name], who=young).rule
    assert rule == ("hlrcc.features" if name == "papillary renal cancer" else "hlrcc.none")


def test_two_of_the_list() -> None:
    """Two features of the list ask for clinical genetics, and name themselves."""
    part = hlrcc(*SINGLES["uterine leiomyoma treated"], relative("Sister", (PAPILLARY, 39)))
    assert (part.rule, part.suggestions) == ("hlrcc.features", ("genetics-referral",))
    assert part.values["features"] == (
        "uterine leiomyomas treated before 40",
        "first-degree relative with such a finding",
    )
    assert {fact.reference for fact in part.facts} == {
        "Condition/f",
        "Procedure/m",
        "FamilyMemberHistory/3",
    }


def test_a_feature_beside_the_tumour() -> None:
    """With a feature the tumour's facts stand beside it."""
    part = hlrcc(TUMOUR, report("Leiomyoma, FH-deficient.", id="d"))
    assert {fact.reference for fact in part.facts} == {"Condition/t", "DiagnosticReport/d"}


def test_the_tumour_alone() -> None:
    """Without a feature a referral is offered, not recommended."""
    part = hlrcc(TUMOUR)
    assert (part.rule, part.state) == ("hlrcc.tumour-only", "inform")
    assert part.suggestions == ("genetics-referral",)
    assert [fact.reference for fact in part.facts] == ["Condition/t"]


PROOF = report("Punch biopsy: cutaneous leiomyoma.", on="2020-01-01")


@pytest.mark.parametrize(
    ("records", "found"),
    [
        ([condition("Multiple cutaneous leiomyomas, histologically confirmed")], True),
        ([condition("Multiple cutaneous leiomyomas", notes="Biopsy-proven.")], True),
        ([condition("Multiple cutaneous leiomyomas"), PROOF], True),
        ([condition(None, LEIOMYOMA, notes="Multiple lesions of leiomyoma."), PROOF], True),
        ([report("Skin: multiple cutaneous leiomyomas.", on="2020-01-01")], True),
        (
            [
                condition(None, LEIOMYOMA, site="Left arm"),
                condition(None, LEIOMYOMA, site="Back"),
                PROOF,
            ],
            True,
        ),
        ([condition("Multiple cutaneous leiomyomas")], False),
        ([condition("Cutaneous leiomyoma", LEIOMYOMA), PROOF], False),
        ([PROOF], False),
        ([condition("Multiple cutaneous leiomyomas", verification="provisional"), PROOF], False),
        ([condition("Family history of multiple cutaneous leiomyomas"), PROOF], False),
        (
            [
                condition("Multiple cutaneous leiomyomas"),
                report("Cutaneous leiomyoma.", status="preliminary"),
            ],
            False,
        ),
        (
            [condition("Multiple cutaneous leiomyomas"), report("Uterus: leiomyoma of uterus.")],
            False,
        ),
        ([condition("Multiple uterine leiomyomas"), PROOF], False),
    ],
    ids=range(14),
)
def test_multiple_leiomyomas(records: list[Any], found: bool) -> None:  # noqa: FBT001
    """Multiple cutaneous leiomyomas count with one of them confirmed histologically."""
    assert (hlrcc(*records).rule == "hlrcc.features") is found


@pytest.mark.parametrize(
    ("record", "found"),
    [
        (report("Leiomyoma, FH-deficient."), True),
        (report("Uterine leiomyoma. 2SC positive."), True),
        (condition("FH-deficient renal cell carcinoma"), True),
        (condition("Leiomyoma", notes="FH-deficient."), True),
        (observation("FH immunohistochemistry", "Loss of expression"), True),
        (observation("2SC", "Positive"), True),
        (report("Leiomyoma, FH-deficient.", status="preliminary"), False),
        (report("Leiomyoma. FH retained."), False),
        (condition("FH-deficient renal cell carcinoma", verification="differential"), False),
        (observation("FH immunohistochemistry", "Loss of expression", status="preliminary"), False),
        (observation("FH immunohistochemistry", "Retained"), False),
    ],
    ids=lambda value: (
        f"{getattr(value, 'texts', '')}{getattr(value, 'code', value)}"
        f"{getattr(value, 'value', '')}{getattr(value, 'status', '')}"[:90]
    ),
)
def test_fh_deficient_tumours(record: Any, found: bool) -> None:  # noqa: FBT001
    """An FH-deficient or 2SC-positive tumour of any kind is a feature."""
    assert (hlrcc(record).rule == "hlrcc.features") is found


@pytest.mark.parametrize(
    ("onset", "found"),
    [
        ("2027-05-31", True),
        ("2027-06-01", False),
        ("2027-05", True),
        ("2027-06", False),
        ("2026", True),
        ("2027", False),
        (None, False),
    ],
)
def test_renal_cancer_at_46_or_younger(onset: str | None, found: bool) -> None:  # noqa: FBT001
    """Born on 1 June 1980: 46 until the day before 1 June 2027, whatever the exact day."""
    record = condition("Renal cell carcinoma", KIDNEY, onset=onset)
    part = hlrcc(record, today="2030-01-01")
    assert (part.rule == "hlrcc.features") is found


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({"onset_age": 46}, True),
        ({"onset_age": 47}, False),
        ({"recorded": "2020-01-01"}, True),
        ({"onset": "2027-06-01", "recorded": "2020-01-01"}, False),
        ({"recorded": "2020-01-01", "verification": "provisional"}, False),
    ],
    ids=["46", "47", "recorded", "onset before recorded", "provisional"],
)
def test_the_age_of_a_renal_cancer(more: dict[str, Any], found: bool) -> None:  # noqa: FBT001
    """An age at onset, an onset or the date of recording tells the age."""
    assert (hlrcc(condition(None, KIDNEY, **more)).rule == "hlrcc.features") is found


@pytest.mark.parametrize(
    "said",
    [
        concept("Family history of renal cell carcinoma", KIDNEY),
        concept(Coding(ICD_10_CM, "Z80.51", "Family history of malignant neoplasm of kidney")),
        concept("Screening for kidney cancer"),
        concept("No evidence of renal cell carcinoma"),
        concept("Rule out renal cell carcinoma"),
    ],
    ids=str,
)
def test_a_renal_cancer_that_is_not_the_patients(said: Concept) -> None:
    """A relative's, a denied, a doubted or a looked-for renal cancer is no feature."""
    assert hlrcc(condition(said, recorded="2020-01-01")).rule == "hlrcc.none"


@pytest.mark.parametrize(
    "text",
    [
        "Family history of uterine fibroids",
        "No uterine fibroids",
        "Rule out fibroids",
    ],
)
def test_fibroids_that_are_not_the_patients(text: str) -> None:
    """A hysterectomy beside denied, doubted or a relative's fibroids is not their treatment."""
    operation = procedure("Hysterectomy", on="2018-05-01")
    assert hlrcc(condition(text), operation, MOTHER, who=WOMAN).rule == "hlrcc.none"


def test_no_age_without_a_date_of_birth() -> None:
    """Without the date of birth no age is known, so nothing is young."""
    record = condition(None, KIDNEY, recorded="2020-01-01")
    assert hlrcc(record, who=patient(birth=None)).rule == "hlrcc.none"


@pytest.mark.parametrize(
    ("records", "found"),
    [
        ([FIBROIDS, procedure("Myomectomy", on="2020-05-31")], True),
        ([FIBROIDS, procedure("Myomectomy", on="2020-06-01")], False),
        ([FIBROIDS, procedure("Myomectomy", on="2020-05")], True),
        ([FIBROIDS, procedure("Myomectomy", on="2020-06")], False),
        ([FIBROIDS, procedure("Myomectomy")], False),
        ([procedure("Myomectomy", on="2018-05-01")], True),
        ([FIBROIDS, procedure("Uterine artery embolisation", on="2018-05-01")], True),
        ([FIBROIDS, procedure(None, HYSTERECTOMY, on="2018-05-01")], True),
        ([procedure(None, HYSTERECTOMY, on="2018-05-01")], False),
        ([procedure("Hysterectomy for uterine fibroids", on="2018-05-01")], True),
        ([procedure("Hysterectomy", on="2018-05-01", reasons="Uterine leiomyoma")], True),
        ([condition("Uterine fibroids"), procedure("Hysterectomy", on="2018-05-01")], True),
        ([FIBROIDS, procedure("Appendectomy", on="2018-05-01")], False),
        ([FIBROIDS], False),
        (
            [
                condition("Uterine leiomyoma", verification="provisional"),
                procedure("Hysterectomy", on="2018-05-01"),
            ],
            False,
        ),
        (
            [
                condition("Family history of uterine leiomyoma"),
                procedure("Hysterectomy", on="2018-05-01"),
            ],
            False,
        ),
    ],
    ids=range(16),
)
def test_treated_uterine_leiomyomas(records: list[Any], found: bool) -> None:  # noqa: FBT001
    """Surgery or embolisation for uterine leiomyomas before 40, to the day, is one of two."""
    assert (hlrcc(*records, MOTHER, who=WOMAN).rule == "hlrcc.features") is found


@pytest.mark.parametrize(
    ("onset", "found"), [("2020-05-31", True), ("2020-06-01", False), (None, False)]
)
def test_papillary_renal_cancer_before_40(onset: str | None, found: bool) -> None:  # noqa: FBT001
    """Papillary renal cancer before 40 is named as such."""
    part = hlrcc(condition(None, PAPILLARY, onset=onset), MOTHER)
    named = part.values.get("features", ())
    assert ("papillary renal cancer before 40" in str(named)) is found


@pytest.mark.parametrize(
    ("kin", "found"),
    [
        (relative("Mother", ("Uterine leiomyoma", 39)), True),
        (relative(Coding("v3", "MTH"), ("Uterine fibroids", 39.9)), True),
        (relative("Sister", (PAPILLARY, 20)), True),
        (relative("Daughter", ("Papillary renal cell carcinoma", 30)), True),
        (relative("Mother", ("Uterine leiomyoma", 40)), False),
        (relative("Mother", "Uterine leiomyoma"), False),
        (relative("Grandmother", ("Uterine leiomyoma", 35)), False),
        (relative("Aunt", ("Uterine leiomyoma", 35)), False),
        (relative("Mother-in-law", ("Uterine leiomyoma", 35)), False),
        (relative("Half-sister", ("Uterine leiomyoma", 35)), False),
        (relative("Mother", ("Diabetes", 35)), False),
        (relative("Brother", ("Renal cell carcinoma", 30)), False),
    ],
    ids=range(12),
)
def test_first_degree_relatives(kin: Any, found: bool) -> None:  # noqa: FBT001
    """A first-degree relative counts with the age at onset before 40."""
    assert (hlrcc(FIBROIDS, MYOMECTOMY, kin, who=WOMAN).rule == "hlrcc.features") is found


@pytest.mark.parametrize(
    ("kin", "found"),
    [
        (relative("Cousin", Concept((HLRCC,))), True),
        (relative("Grandfather", "HLRCC"), True),
        (relative("Uncle", "FH pathogenic variant"), True),
        (relative("Father", "Cancer", item_notes="HLRCC was diagnosed."), True),
        (relative("Father", notes="Has HLRCC."), True),
        (relative("Father", "No HLRCC"), False),
        (relative("Father", "Suspected HLRCC"), False),
        (relative("Father", notes="Was well."), False),
        (condition("Father has HLRCC"), True),
        (condition("Check-up", notes="Family history of HLRCC."), True),
        (condition("Check-up", notes="No family history of HLRCC."), False),
    ],
    ids=range(11),
)
def test_relatives_with_hlrcc(kin: Any, found: bool) -> None:  # noqa: FBT001
    """A relative of any degree with HLRCC or a pathogenic FH variant is a feature."""
    assert (hlrcc(kin).rule == "hlrcc.features") is found


def test_no_dates_on_suspicion() -> None:
    """A feature asks for genetics and gives no date of any examination."""
    part = hlrcc(condition(None, HLRCC, verification="provisional"))
    assert part.suggestions == ("genetics-referral",)
    assert set(part.values) == {"features"}
    assert part.windows == ()


# --- What is due ---


def due(*records: Any, who: Patient = MAN, **more: Any) -> Any:
    """Return the names of the examinations that are due."""
    return hlrcc(SYNDROME, *records, who=who, **more).values["due"]


def test_everything_is_due_where_nothing_is_visible() -> None:
    """An examination that no record shows is due, and said not to be visible."""
    part = hlrcc(SYNDROME, who=WOMAN)
    assert part.values["due"] == ("skin examination", "renal MRI", "gynaecological examination")
    assert part.suggestions == ("skin-examination", "renal-mri", "gynaecological-examination")
    assert part.missing == (
        "examination-skin",
        "examination-kidney",
        "examination-gynaecological",
    )


@pytest.mark.parametrize(
    ("on", "is_due"),
    [
        ("2025-12-02", False),
        ("2025-12-01", True),
        ("2025-11-30", True),
        ("2025-12", True),
        ("2026-01", False),
        ("2025", True),
        (None, True),
    ],
)
@pytest.mark.parametrize("kind", ["procedure", "visit"])
def test_a_year_after_the_last(on: str | None, is_due: bool, kind: str) -> None:  # noqa: FBT001
    """An examination is due a year after the last one, to the day."""
    text = "Dermatological skin examination"
    record = procedure(text, on=on, id="e") if kind == "procedure" else visit(text, on=on, id="e")
    part = hlrcc(SYNDROME, record)
    assert ("skin examination" in part.values["due"]) is is_due
    shown = "examination" in {fact.label for fact in part.facts}
    assert shown is (on is not None)


@pytest.mark.parametrize(
    ("record", "name"),
    [
        (procedure("Renal MRI", on="2026-06-01"), "renal MRI"),
        (procedure(None, RENAL_MRI, on="2026-06-01"), "renal MRI"),
        (procedure("MRI of abdomen", on="2026-06-01"), "renal MRI"),
        (visit("Full body skin check", on="2026-06-01"), "skin examination"),
        (visit(on="2026-06-01", types="Dermatology"), "skin examination"),
        (visit("Gynaecological examination", on="2026-06-01"), "gynaecological examination"),
        (procedure("Transvaginal ultrasound", on="2026-06-01"), "gynaecological examination"),
    ],
    ids=range(7),
)
def test_what_counts_as_an_examination(record: Any, name: str) -> None:
    """Completed Procedures by code or words, and Encounters by reason or type, count."""
    assert name in due(who=WOMAN)
    assert name not in due(record, who=WOMAN)


@pytest.mark.parametrize(
    "record",
    [
        visit("Skin examination", on="2026-06-01", status="planned"),
        visit("Skin examination", on="2026-12-02"),
        visit("Blood pressure", on="2026-06-01"),
        procedure("Skin graft", on="2026-06-01"),
    ],
    ids=["planned", "future", "another reason", "another procedure"],
)
def test_what_is_no_examination(record: Any) -> None:
    """A planned, future or other visit is no examination."""
    assert "skin examination" in due(record)


def test_the_last_examination_counts() -> None:
    """Of several examinations the last one decides."""
    part = hlrcc(
        SYNDROME,
        procedure("Renal MRI", on="2026-07-01", id="b"),
        procedure("Renal MRI", on="2024-07-01", id="a"),
    )
    assert "Procedure/b" in {fact.reference for fact in part.facts}
    assert "renal MRI" not in part.values["due"]


@pytest.mark.parametrize(
    ("birth", "expected"),
    [
        ("2018-12-01", "due"),
        ("2018-12-02", "waiting"),
        ("2018-12", "waiting"),
        ("2018-11", "due"),
        ("2018", "waiting"),
        ("2017", "due"),
    ],
)
def test_renal_mri_from_8(birth: str, expected: str) -> None:
    """On the eighth birthday the MRI is due; a day before it waits for the birthday."""
    part = hlrcc(SYNDROME, who=patient(birth=birth))
    assert ("renal MRI" in part.values["due"]) is (expected == "due")
    waiting = [entry for entry in part.values["next"] if entry[0] == "renal MRI"]  # type: ignore[attr-defined]
    assert bool(waiting) is (expected == "waiting")
    if waiting:
        assert waiting[0][1] == "8"


@pytest.mark.parametrize(("birth", "is_due"), [("2006-12-01", True), ("2006-12-02", False)])
def test_gynaecological_examination_from_20(birth: str, is_due: bool) -> None:  # noqa: FBT001
    """On the twentieth birthday it is due; a day before it waits, with the date."""
    part = hlrcc(SYNDROME, who=patient(birth=birth, gender="female"))
    assert ("gynaecological examination" in part.values["due"]) is is_due
    if not is_due:
        assert ("gynaecological examination", "20") in {
            (name, age)
            for name, age, _ in part.values["next"]  # type: ignore[attr-defined]
        }


def test_not_due_yet() -> None:
    """With every examination within the year the next dates are named, and nothing is due."""
    part = hlrcc(
        SYNDROME,
        procedure("Renal MRI", on="2026-07-01"),
        procedure("Skin examination", on="2026-08-01"),
    )
    assert (part.rule, part.state, part.suggestions) == ("hlrcc.current", "inform", ())
    assert [(name, age, str(date)) for name, age, date in part.values["next"]] == [  # type: ignore[attr-defined]
        ("skin examination", "", "2027-08-01"),
        ("renal MRI", "", "2027-07-01"),
    ]


@pytest.mark.parametrize(
    ("who", "line", "missing"),
    [
        (patient(gender="female"), True, False),
        (patient(gender="male"), False, False),
        (patient(gender="male", clinical_sex="female"), True, False),
        (patient(gender="female", clinical_sex="male"), False, False),
        (patient(gender="other"), True, True),
        (patient(gender=None), True, True),
        (patient(gender="unknown", clinical_sex="male"), False, False),
    ],
    ids=["female", "male", "clinically female", "clinically male", "other", "none", "unknown"],
)
def test_the_gynaecological_line(who: Patient, line: bool, missing: bool) -> None:  # noqa: FBT001
    """The line follows sex for clinical use, else the administrative gender; unknown is said."""
    part = hlrcc(SYNDROME, who=who)
    assert ("gynaecological examination" in part.values["due"]) is line
    assert ("sex" in part.missing) is missing
    assert ("clinical-sex-unknown" in part.remarks) is missing


@pytest.mark.parametrize(
    "record",
    [
        procedure(None, HYSTERECTOMY, on="2020-01-01", id="y"),
        procedure("Total hysterectomy", id="y"),
        condition(None, Coding(ICD_10_CM, "Z90.710"), id="y"),
        condition("Status post hysterectomy", id="y"),
    ],
    ids=["code", "words", "absent uterus", "problem"],
)
def test_after_hysterectomy_the_need_is_confirmed(record: Any) -> None:
    """After hysterectomy the gynaecological examination is not due: confirm the need."""
    part = hlrcc(SYNDROME, record, who=WOMAN)
    assert "gynaecological examination" not in part.values["due"]
    assert "hysterectomy" in part.remarks
    assert record.reference in {fact.reference for fact in part.facts}
    assert "gynaecological-examination" not in part.suggestions


def test_hysterectomy_is_the_womans_remark_alone() -> None:
    """A man's chart has no gynaecological line to remark on."""
    part = hlrcc(SYNDROME, procedure("No hysterectomy"), who=MAN)
    assert part.remarks == ()


def test_without_a_date_of_birth_the_start_age_is_said_to_be_unknown() -> None:
    """Without the date of birth the examinations are due and the date is asked for."""
    part = hlrcc(SYNDROME, who=patient(birth=None))
    assert "birth" in part.missing
    assert "renal MRI" in part.values["due"]


def test_an_ordered_mri_is_not_suggested() -> None:
    """An MRI that is ordered stays due, and its suggestion becomes a sentence."""
    part = hlrcc(SYNDROME, order(RENAL_MRI, id="o"))
    assert "renal MRI" in part.values["due"]
    assert "renal-mri" not in part.suggestions
    assert [key for key, _ in part.ordered] == ["renal-mri"]


def test_hlrcc_needs_no_tumour() -> None:
    """The advice stands without a tumour and belongs to the patient, not to one."""
    plan = plan_of(SYNDROME)
    assert not plan.tumours
    assert only(plan, "hlrcc").tumour is None
