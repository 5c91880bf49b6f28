"""Where a finding may stand: records of codes alone, and each shape of a result, count alike."""

import dataclasses
from typing import Any

import pytest

from cds_service import guideline, terminology
from cds_service.clinical.lens import Lens
from cds_service.clinical.lesions import identify
from cds_service.clinical.records import Attribution
from cds_service.clinical.reports import read_reports
from cds_service.clinical.treatment import Treatment, treatment_of
from cds_service.facts import Chart, Quantity

from .charts import (
    AISMN,
    CUTANEOUS_LMS,
    FH,
    GERMLINE,
    HLRCC,
    HYSTERECTOMY,
    ICD_10_CM,
    LOINC,
    MARGINS,
    PATHOGENIC,
    SNOMED,
    SOMATIC,
    TUMOUR_SIZE,
    UNCERTAIN,
    Coding,
    Concept,
    chart,
    concept,
    condition,
    day,
    millimetres,
    observation,
    only,
    patient,
    plan_of,
    procedure,
    relative,
    report,
    rules,
    visit,
)

DERMAL = condition("Dermal leiomyosarcoma, left thigh", CUTANEOUS_LMS, id="c")
SUBCUTANEOUS = condition("Subcutaneous leiomyosarcoma, left thigh", CUTANEOUS_LMS, id="c")
WIDE = procedure("Wide excision, left thigh", on="2026-10-01", id="x")
CLEAR = procedure("Wide excision, left thigh", on="2026-10-01", id="x", outcome="Margins clear")
POSITIVE = procedure(
    "Wide excision, left thigh", on="2026-10-01", id="x", outcome="Deep margin positive"
)
IMMUNE = condition("Immunosuppression")
PREGNANT = condition("Pregnancy, 20 weeks")
LUNG = condition("Metastatic leiomyosarcoma, lung", recorded="2026-11-05")
WOMAN = patient(gender="female", birth="1980-06-01")


def bare(system: str, code: str) -> Coding:
    """Return a code without its display."""
    return Coding(system, code, None)


def new_lens() -> Lens:
    """Return the lens of an evaluation."""
    return Lens(terminology.load(), guideline.load().matches)


def treatment(*records: Any) -> Treatment:
    """Return the treatment of the one tumour of these records."""
    book, whole, lens = guideline.load(), chart(*records), new_lens()
    reports = read_reports(whole, book, lens)
    (lesion,) = identify(whole, reports, lens).tumours
    attribution = Attribution(whole, reports, (lesion,), guideline=book, lens=lens)
    return treatment_of(attribution.of(lesion), guideline=book, lens=lens)


# --- Sizes and grades ---


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (
            report("Leiomyosarcoma of skin. Tumor size: 1.2 cm.", on="2026-10-02", id="r"),
            [(12.0, "DiagnosticReport/r", "Tumor size: 1.2 cm.", "2026-10-02")],
        ),
        (
            observation(TUMOUR_SIZE, Quantity(1.5, "cm"), on="2026-10-02", id="s"),
            [(15.0, "Observation/s", "15 mm", "2026-10-02")],
        ),
        (
            observation(TUMOUR_SIZE, Quantity(8, "millimeters"), issued="2026-10-03", id="s"),
            [(8.0, "Observation/s", "8 mm", "2026-10-03")],
        ),
        (observation(TUMOUR_SIZE, Quantity(8, "kg"), id="s"), []),
        (observation(TUMOUR_SIZE, Quantity(8), id="s"), []),
        (observation(TUMOUR_SIZE, Quantity(-8, "mm"), id="s"), []),
        (observation(TUMOUR_SIZE, millimetres(8), id="s", status="preliminary"), []),
        (report("Leiomyosarcoma. Size: 1.2 cm.", id="r", status="preliminary"), []),
    ],
)
def test_a_size_is_in_millimetres_and_has_its_record(record: Any, expected: Any) -> None:
    """Each final record of a size gives it in mm, with reference, words and date."""
    found = [
        (m.value, m.fact.reference, m.fact.text, str(m.fact.date))
        for m in treatment(DERMAL, record).sizes
    ]
    assert found == expected
    assert all(m.fact.label == "size" for m in treatment(DERMAL, record).sizes)


@pytest.mark.parametrize(
    ("title", "value", "high"),
    [
        (bare(LOINC, "33732-9"), bare(SNOMED, "1155707008"), True),
        ("GRADE", "high", True),
        ("Grade", Quantity(3, "{FNCLCC}"), True),
        ("Grade", 3, True),
        ("Grade", 2, False),
        ("Grade", True, False),
        ("Grade", "G3", True),
        ("Colour", "high", False),
    ],
)
def test_a_grade_counts_in_each_shape_of_its_value(title: Any, value: Any, *, high: bool) -> None:
    """A grade is a code, a word or a number 1 to 3; only 3 is high, and only of a grade."""
    grade = observation(title, value, on="2026-10-02", issued="2026-10-05", id="g")
    found = treatment(DERMAL, grade)
    assert [str(fact.date) for fact in found.high_grade] == ["2026-10-02"] * high
    assert only(plan_of(DERMAL, CLEAR, grade), "radiation").rule == (
        "radiation.dermal-high-grade" if high else "radiation.dermal"
    )


# --- Margins ---


@pytest.mark.parametrize(
    ("title", "value", "rule"),
    [
        (bare(LOINC, "81175-2"), millimetres(12), "margin.clear"),
        (bare(LOINC, "81175-2"), millimetres(10), "margin.clear"),
        (bare(LOINC, "81175-2"), millimetres(10, "<"), "margin.below-minimum"),
        (bare(LOINC, "81175-2"), millimetres(10, "<="), "margin.below-minimum"),
        (bare(LOINC, "81175-2"), millimetres(0), "margin.positive"),
        (bare(LOINC, "21939-4"), False, "margin.width-not-stated"),
        (bare(LOINC, "21939-4"), True, "margin.positive"),
        (bare(LOINC, "21939-4"), bare(LOINC, "LA9633-4"), "margin.positive"),
        (bare(LOINC, "21939-4"), "clear by 4 mm", "margin.below-minimum"),
        (bare(LOINC, "21939-4"), "4 mm", "margin.below-minimum"),
        ("Deep MARGIN", "uninvolved", "margin.width-not-stated"),
        ("Deep margin", "involved", "margin.positive"),
        ("Colour", "involved", "margin.status-not-found"),
    ],
)
def test_a_margin_counts_in_each_shape_of_its_value(title: Any, value: Any, rule: str) -> None:
    """A margin is a distance, a yes or no, a code or words; of another title it is none."""
    found = plan_of(DERMAL, WIDE, observation(title, value, on="2026-10-03", id="m"))
    assert only(found, "margin").rule == rule


def test_every_margin_that_is_named_is_not_missing() -> None:
    """Where deep and peripheral margin are both stated, neither is asked for."""
    deep = observation("Deep margin", "involved", on="2026-10-03", id="d")
    peripheral = observation("Peripheral margin", "involved", on="2026-10-03", id="p")
    assert only(plan_of(DERMAL, WIDE, deep), "margin").missing == ("peripheral-margin",)
    assert only(plan_of(DERMAL, WIDE, deep, peripheral), "margin").missing == ()


def test_the_closest_of_several_margins_decides() -> None:
    """Of distances to several margins the smallest is the width, in whatever order."""
    far = observation("Deep margin distance", millimetres(30), on="2026-10-03", id="d")
    parts = [("Deep margin", millimetres(6)), ("Peripheral margin", Quantity(0.9, "cm"))]
    near = observation("Margins", components=parts, on="2026-10-03", id="p")
    for records in ([far, near], [near, far]):
        assert only(plan_of(DERMAL, WIDE, *records), "margin").values["width"] == "6 mm"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("Gross: margin at 30 mm. Final diagnosis: margins clear, 4 mm.", "margin.below-minimum"),
        ("Leiomyosarcoma. No residual tumor.", "margin.width-not-stated"),
        ("Re-excision, left thigh: no residual leiomyosarcoma.", "margin.width-not-stated"),
        ("Leiomyosarcoma of skin, closest margin 12 mm.", "margin.clear"),
    ],
)
def test_a_report_gives_the_margin_of_its_operation(text: str, rule: str) -> None:
    """Clear margins, a distance or no residual tumour: each is a margin that is not positive."""
    found = only(plan_of(DERMAL, WIDE, report(text, on="2026-10-03", id="r")), "margin")
    assert found.rule == rule
    assert any(fact.reference == "DiagnosticReport/r" for fact in found.facts)


# --- Records of codes alone ---


@pytest.mark.parametrize(
    ("record", "topic", "label"),
    [
        (procedure(bare(SNOMED, "177302005"), on="2026-10-01", id="k"), "margin", "wide-excision"),
        (procedure(bare(SNOMED, "35646002"), on="2026-10-01", id="k"), "margin", "excision"),
        (
            procedure(bare(SNOMED, "10611004"), on="2026-10-01", id="k"),
            "radiation",
            "radiotherapy",
        ),
        (
            condition(bare(ICD_10_CM, "C78.00"), recorded="2026-11-01", id="k"),
            "systemic-therapy",
            "metastasis",
        ),
        (
            condition(bare(SNOMED, "314974009"), recorded="2026-11-01", id="k"),
            "margin",
            "recurrence",
        ),
        (condition(bare(SNOMED, "1162799008"), id="k"), "hlrcc", "hlrcc"),
    ],
)
def test_a_record_without_words_is_a_fact_without_words(
    record: Any, topic: Any, label: str
) -> None:
    """A code alone decides like its words would; its fact quotes nothing."""
    found = only(plan_of(DERMAL, record), topic)
    (fact,) = [fact for fact in found.facts if fact.reference.endswith("/k")]
    assert (fact.label, fact.text) == (label, "")


def test_chest_imaging_and_visits_may_be_codes_alone() -> None:
    """Chest imaging counts by its code, as a report and as a procedure, and so does a visit."""
    imaging = report("No nodules.", on="2026-10-20", id="k", code=bare(LOINC, "24627-2"))
    done = procedure(bare(SNOMED, "169069000"), on="2026-10-21", id="p")
    seen = visit(bare(ICD_10_CM, "Z08"), on="2026-11-20", id="v")
    found = only(plan_of(SUBCUTANEOUS, CLEAR, imaging, seen), "surveillance")
    assert [(f.reference, f.text) for f in found.facts if f.label != "visit"][-1] == (
        "DiagnosticReport/k",
        "",
    )
    assert ("Encounter/v", "") in {(f.reference, f.text) for f in found.facts}
    both = only(plan_of(SUBCUTANEOUS, CLEAR, imaging, done), "surveillance")
    assert not {"chest-imaging"} & set(both.missing)


# --- Lines that are not in the source, with every rule that carries them ---


@pytest.mark.parametrize(
    ("records", "rule"),
    [
        ([DERMAL, POSITIVE, report("Leiomyosarcoma.", id="r")], "margin.positive"),
        ([DERMAL, CLEAR], "margin.width-not-stated"),
        ([DERMAL, WIDE, report("Leiomyosarcoma.", id="r")], "margin.status-not-found"),
        (
            [
                DERMAL,
                procedure("Mohs surgery, left thigh", on="2026-10-01", outcome="Clear margins"),
            ],
            "margin.clear-mohs",
        ),
        ([DERMAL, WIDE, report("Margins clear, 12 mm.", on="2026-10-01")], "margin.clear"),
        ([DERMAL, WIDE, report("Margins clear, 2 mm.", on="2026-10-01")], "margin.below-minimum"),
        ([DERMAL, report("Leiomyosarcoma of skin.", id="r")], "margin.no-surgery"),
    ],
)
def test_immunosuppression_stands_with_each_margin_advice(records: Any, rule: str) -> None:
    """Where the diagnosis is established, the line on immunosuppression is the margin's."""
    found = only(plan_of(*records, IMMUNE), "margin")
    assert found.rule == rule
    assert found.remarks == ("immunosuppression",)
    assert found.facts[-1].label == "immunosuppression"


@pytest.mark.parametrize(
    ("records", "rule"),
    [
        ([SUBCUTANEOUS], "radiation.subcutaneous"),
        ([condition(None, CUTANEOUS_LMS, id="c")], "radiation.depth-unclear"),
        ([DERMAL, POSITIVE], "radiation.dermal-positive-margin"),
        ([DERMAL, observation("Grade", "high", id="g")], "radiation.dermal-high-grade"),
        ([DERMAL], "radiation.dermal"),
    ],
)
def test_pregnancy_stands_with_each_radiation_advice(records: Any, rule: str) -> None:
    """Every rule that speaks of radiation carries the line on pregnancy."""
    found = only(plan_of(*records, PREGNANT, who=WOMAN), "radiation")
    assert found.rule == rule
    assert found.remarks == ("pregnancy-radiation",)


def test_visits_that_could_not_be_read_keep_the_line_on_the_margin() -> None:
    """An operation of unknown margin is said beside visits that could not be read."""
    found = only(
        plan_of(DERMAL, procedure("Wide excision", on="2026-01-01"), unread=["encounters"]),
        "surveillance",
    )
    assert (found.rule, found.remarks) == ("surveillance.visits-unread", ("t0-unknown-margin",))


# --- Identification ---


@pytest.mark.parametrize(
    ("record", "suspected"),
    [
        (observation("Histology", CUTANEOUS_LMS, id="o", on="2026-10-01"), False),
        (observation("Histology", CUTANEOUS_LMS, id="o", status="preliminary"), True),
        (observation("Histology", AISMN, id="o", issued="2026-10-01"), False),
        (observation("Histology", "Cutaneous leiomyosarcoma, left arm", id="o"), False),
        (report("Cutaneous leiomyosarcoma.", id="o", status="partial", on="2026-10-01"), True),
        (condition("Leiomyosarcoma, possibly dermal", id="o"), False),
        (condition("Leiomyosarcoma, possibly subcutaneous", id="o"), False),
        (condition("Dermatofibroma", CUTANEOUS_LMS, id="o"), True),
        (condition(Concept((CUTANEOUS_LMS,), "Dermatofibroma of left arm"), id="o"), True),
    ],
)
def test_each_kind_of_record_can_claim_the_tumour(record: Any, *, suspected: bool) -> None:
    """A final result is certain, one that is not final or names another lesion is suspected."""
    (tumour,) = plan_of(record).tumours
    assert tumour.level == ("suspected" if suspected else "certain")


@pytest.mark.parametrize(
    ("words", "specimens"),
    [
        ("A. Left thigh: dermatofibroma. B. Right arm: cutaneous leiomyosarcoma.", ["right arm"]),
        (
            "A. Left thigh: leiomyosarcoma of dermis. B. Right arm: leiomyosarcoma of dermis.",
            ["left thigh", "right arm"],
        ),
    ],
)
def test_each_specimen_of_a_report_claims_for_itself(words: str, specimens: list[str]) -> None:
    """A specimen without tumour does not end the reading of those after it."""
    assert [t.site for t in plan_of(report(words, id="r")).tumours] == specimens


@pytest.mark.parametrize(
    ("report_text", "certain"),
    [
        ("Leiomyosarcoma, spindle cells.", True),
        ("Metastatic leiomyosarcoma to the skin.", False),
        ("Leiomyosarcoma of the uterus.", False),
        ("Dermatofibroma.", False),
    ],
)
def test_final_pathology_makes_a_suspicion_certain(report_text: str, *, certain: bool) -> None:
    """A report that names the tumour confirms it, unless it is from or in another organ."""
    suspicion = condition(
        "Cutaneous leiomyosarcoma, left thigh", CUTANEOUS_LMS, id="s", verification="provisional"
    )
    found = plan_of(suspicion, report(report_text, on="2026-10-01", id="r"))
    assert [t.level for t in found.tumours if "Condition/s" in t.conditions] in (
        [["certain"]] if certain else [["suspected"], []]
    )


@pytest.mark.parametrize(
    ("records", "depth"),
    [
        ([observation("Level of tumor", "dermis", id="d")], "dermal"),
        ([observation("DEPTH", "dermis", id="d")], "dermal"),
        ([observation("Tumor extent", "subcutis", id="d")], "subcutaneous"),
        ([observation("Invasion", bare(SNOMED, "53534000"), id="d")], "dermal"),
        ([observation("Colour", bare(SNOMED, "53534000"), id="d")], "unknown"),
        ([report("Skin and subcutis. Leiomyosarcoma in the dermis.", id="d")], "dermal"),
        ([report("Gross: skin with subcutis. Leiomyosarcoma.", id="d")], "unknown"),
        ([report("Atypical intradermal smooth muscle neoplasm.", id="d")], "dermal"),
    ],
)
def test_depth_stands_under_each_name_of_a_result(records: Any, depth: str) -> None:
    """Depth, level, extent and invasion name the depth; other results do not give it."""
    base = condition("Leiomyosarcoma of skin, left thigh", CUTANEOUS_LMS, id="c")
    (tumour,) = plan_of(base, *records).tumours
    assert tumour.depth == depth


# --- Recurrence without the tumour's name ---

RECURRENCE = bare(SNOMED, "314974009")


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({}, True),
        ({"verification": None}, True),
        ({"verification": "unconfirmed"}, False),
        ({"site": "left thigh"}, True),
        ({"site": "right arm"}, False),
    ],
)
def test_a_coded_recurrence_counts_at_the_tumours_place(changes: Any, *, counts: bool) -> None:
    """A confirmed recurrence without a name is the tumour's where its place can be the same."""
    record = condition(RECURRENCE, id="k", recorded="2026-11-01", **changes)
    assert bool(treatment(DERMAL, CLEAR, record).recurrences) is counts


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("Local recurrence, left thigh", True),
        ("Local recurrence, right arm", False),
        ("Recurrent dermatofibroma, left thigh", False),
    ],
)
def test_the_words_of_a_coded_recurrence_place_it(text: str, *, counts: bool) -> None:
    """The words beside the code place the recurrence, or name another lesion."""
    record = condition(text, RECURRENCE, id="k", recorded="2026-11-01")
    assert bool(treatment(DERMAL, CLEAR, record).recurrences) is counts


def test_a_recurrence_is_a_fact_of_each_record_that_tells_it() -> None:
    """Report, result and Condition each give the recurrence, with their words and dates."""
    found = treatment(
        DERMAL,
        CLEAR,
        report("Locally recurrent leiomyosarcoma, left thigh.", on="2026-11-02", id="r"),
        observation("Local recurrence", "present", issued="2026-11-03", id="o"),
        condition(RECURRENCE, id="k", onset="2026-11-01"),
    ).recurrences
    assert {(f.reference, f.label, str(f.date)) for f, _ in found} >= {
        ("DiagnosticReport/r", "recurrence", "2026-11-02"),
        ("Condition/k", "recurrence", "2026-11-01"),
    }


# --- Operations ---


@pytest.mark.parametrize(
    ("record", "surgeries"),
    [
        (procedure("Excisional biopsy", bare(SNOMED, "240977001"), on="2026-10-01"), 0),
        (procedure("Biopsy", bare(SNOMED, "240977001"), on="2026-10-01"), 0),
        (
            procedure(
                "Excisional biopsy",
                bare(SNOMED, "240977001"),
                on="2026-10-01",
                outcome="Margins clear",
            ),
            1,
        ),
        (procedure("Node excision", bare(SNOMED, "396487001"), on="2026-10-01"), 0),
        (procedure("Excision of lymph node", on="2026-10-01"), 0),
        (procedure("Excision", on="2026-10-01", reasons=CUTANEOUS_LMS), 1),
        (procedure("Excision", on="2026-10-01", notes="left thigh"), 1),
        (procedure("Excision", on="2026-10-01", notes="right arm"), 0),
        (procedure("Excision of dermatofibroma", on="2026-10-01"), 0),
    ],
)
def test_what_counts_as_an_operation_on_the_tumour(record: Any, surgeries: int) -> None:
    """Excisions do; biopsies without a margin, node surgery and other lesions do not."""
    assert len(treatment(DERMAL, record).surgeries) == surgeries


@pytest.mark.parametrize(
    ("one", "two", "expected"),
    [
        ("Margins clear, 8 mm", "Margins clear, 5 mm", ("negative", 5.0, None)),
        ("Margins clear, 5 mm", "Deep margin positive", ("positive", None, "deep")),
        ("Deep margin positive", "Margins clear, 5 mm", ("positive", None, "deep")),
        ("Deep margin positive", "Peripheral margin positive", ("positive", None, "deep")),
        ("Margins clear", "Lesion removed", ("negative", None, None)),
    ],
)
def test_records_of_one_day_are_one_operation(one: str, two: str, expected: Any) -> None:
    """Two records of a day give one operation: positive if either is, else the closest width."""
    (surgery,) = treatment(
        DERMAL,
        procedure("Wide excision, left thigh", on="2026-10-01", id="a", outcome=one),
        procedure("Wide excision, left thigh", on="2026-10-01", id="b", outcome=two),
    ).surgeries
    assert (surgery.margin, surgery.width, surgery.which) == expected
    assert {"Procedure/a", "Procedure/b"} <= surgery.references


@pytest.mark.parametrize(
    ("reported", "operations"),
    [("2026-09-30", 1), ("2026-09-29", 2), ("2026-10-20", 1)],
)
def test_a_report_may_be_a_day_before_its_operation(reported: str, operations: int) -> None:
    """A day's leeway for time zones, no more: an earlier excision report is its own operation."""
    text = "Wide excision, left thigh: leiomyosarcoma, margins clear, 12 mm."
    found = treatment(DERMAL, WIDE, report(text, on=reported, id="r"))
    assert len(found.surgeries) == operations


def test_a_margin_without_a_date_is_of_the_last_operation() -> None:
    """An undated result is taken as the last operation's."""
    first = procedure("Wide excision, left thigh", on="2026-09-01", id="a")
    last = procedure("Re-excision, left thigh", on="2026-10-01", id="b")
    found = treatment(DERMAL, first, last, observation(MARGINS, "negative", id="m"))
    assert [s.margin for s in found.surgeries] == [None, "negative"]


# --- Versions of a report ---

VERSION = report("Leiomyosarcoma, left thigh. Margins clear.", id="old", on="2026-10-01")
LATER = report(
    "Leiomyosarcoma, left thigh. Deep margin positive.", id="new", on="2026-10-01", status="amended"
)


@pytest.mark.parametrize(
    ("old", "new", "replaced"),
    [
        ({}, {}, True),
        ({}, {"effective": day("2026-10-05")}, False),
        ({"identifiers": ("a",)}, {"effective": day("2026-10-05"), "identifiers": ("a",)}, True),
        ({"based_on": ("a",)}, {"effective": day("2026-10-05"), "based_on": ("a",)}, True),
        ({"specimens": ("a",)}, {"effective": day("2026-10-05"), "specimens": ("a",)}, True),
        ({"results": ("a",)}, {"effective": day("2026-10-05"), "results": ("a",)}, True),
        ({"identifiers": ("a",)}, {"effective": day("2026-10-05"), "identifiers": ("b",)}, False),
        ({"effective": day("2026-10-05"), "identifiers": ("a",)}, {"identifiers": ("a",)}, False),
        ({"issued": day("2026-10-06")}, {"issued": day("2026-10-05")}, False),
        ({"effective": None}, {}, False),
        ({"effective": None, "texts": ("Leiomyosarcoma of skin, left thigh.",)}, {}, True),
        ({"effective": None, "texts": ("Leiomyosarcoma of skin, right arm.",)}, {}, False),
        ({"status": "amended"}, {}, False),
    ],
)
def test_an_amended_report_replaces_its_earlier_version(
    old: Any, new: Any, *, replaced: bool
) -> None:
    """An amended report replaces the earlier one of its date, identifier, or tumour and place."""
    whole: Chart = chart(
        dataclasses.replace(VERSION, **old), dataclasses.replace(LATER, **new), DERMAL
    )
    found = read_reports(whole, guideline.load(), new_lens())
    assert set(found.replaced) == ({"DiagnosticReport/old"} if replaced else set())


# --- HLRCC in codes alone ---


@pytest.mark.parametrize(
    ("significance", "source", "rule"),
    [
        (bare(LOINC, "LA6668-3"), GERMLINE, "hlrcc.due"),
        (bare(LOINC, "LA26332-9"), GERMLINE, "hlrcc.due"),
        (bare(LOINC, "LA26333-7"), GERMLINE, "hlrcc.uncertain-variant"),
        (bare(LOINC, "LA6668-3"), bare(LOINC, "LA6684-0"), "hlrcc.tumour-only"),
        (PATHOGENIC, SOMATIC, "hlrcc.tumour-only"),
        (UNCERTAIN, GERMLINE, "hlrcc.uncertain-variant"),
        ("Likely benign", GERMLINE, "hlrcc.negative-test"),
    ],
)
def test_a_variant_counts_by_codes_alone(significance: Any, source: Any, rule: str) -> None:
    """Gene, significance and source may each be a code without words."""
    parts = [
        (bare(LOINC, "48018-6"), FH),
        (bare(LOINC, "53037-8"), significance),
        (bare(LOINC, "48002-0"), source),
    ]
    record = observation(bare(LOINC, "69548-6"), components=parts, on="2026-10-01", id="v")
    assert only(plan_of(DERMAL, record, who=WOMAN), "hlrcc").rule == rule


@pytest.mark.parametrize(
    ("records", "found"),
    [
        ([condition(bare(ICD_10_CM, "C64.1"), onset="2020-06-01")], True),
        ([condition(bare(SNOMED, "254915003"), onset="2020-06-01")], True),
        ([condition(bare(SNOMED, "733608000"), onset="2020-06-01")], True),
        ([condition(bare(ICD_10_CM, "C64.1"), onset_age=47)], False),
        (
            [
                condition(bare(ICD_10_CM, "D25.9"), id="f"),
                procedure(HYSTERECTOMY, on="2015-01-01"),
                relative("Mother", (bare(ICD_10_CM, "D25.9"), 35)),
            ],
            True,
        ),
        (
            [
                procedure(
                    bare(SNOMED, "116140006"), on="2015-01-01", reasons=bare(ICD_10_CM, "D25.9")
                ),
                relative("Mother", (bare(ICD_10_CM, "D25.9"), 35)),
            ],
            True,
        ),
        ([relative("Mother", (bare(ICD_10_CM, "D25.9"), 35))], False),
        ([relative(None, (HLRCC, 35), id="k")], True),
        ([observation("2SC stain", "positive", on="2026-10-01", id="k")], True),
        ([condition(bare("http://id.who.int/icd/release/11/mms", "XH5085"), id="k")], True),
    ],
)
def test_a_feature_of_hlrcc_counts_by_codes_alone(records: Any, *, found: bool) -> None:
    """Renal and uterine features and relatives count by code, without words."""
    rule = rules(plan_of(DERMAL, *records, who=WOMAN))["hlrcc"]
    assert rule == ("hlrcc.features" if found else "hlrcc.tumour-only")


@pytest.mark.parametrize(
    "others",
    [
        [condition("Asthma", id="z")],
        [condition("Cutaneous leiomyoma", id="z", verification="unconfirmed")],
    ],
)
def test_other_problems_do_not_end_the_search_for_leiomyomas(others: Any) -> None:
    """Problems of another kind before the leiomyomas change nothing."""
    multiple = condition("Multiple cutaneous leiomyomas, biopsy-proven", id="l")
    assert rules(plan_of(*others, multiple, who=WOMAN))["hlrcc"] == "hlrcc.features"


def test_a_single_leiomyoma_is_no_feature() -> None:
    """One proven leiomyoma is not multiple; two at two places, one of them proven, are."""
    proven = condition("Cutaneous leiomyoma, left arm, biopsy-proven", id="l")
    other = condition("Cutaneous leiomyoma, right thigh", id="m")
    assert rules(plan_of(proven, who=WOMAN))["hlrcc"] == "hlrcc.none"
    assert rules(plan_of(proven, other, who=WOMAN))["hlrcc"] == "hlrcc.features"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Multiple leiomyomas of the skin in her mother", "hlrcc.none"),
        ("Concept without words", "hlrcc.none"),
    ],
)
def test_what_a_relative_has_is_not_the_patients(name: str, expected: str) -> None:
    """Leiomyomas of a relative are no feature of the patient."""
    assert rules(plan_of(condition(concept(name), id="l"), who=WOMAN))["hlrcc"] == expected


@pytest.mark.parametrize(
    "record", [procedure(HYSTERECTOMY, id="k"), procedure(bare(SNOMED, "116140006"), id="k")]
)
def test_a_hysterectomy_is_said_with_its_record(record: Any) -> None:
    """After hysterectomy the uterine examination is to be confirmed; the record is a fact."""
    found = only(plan_of(condition(None, HLRCC), record, who=WOMAN), "hlrcc")
    assert "hysterectomy" in found.remarks
    assert "Procedure/k" in {fact.reference for fact in found.facts}


def test_a_later_metastasis_and_its_silence() -> None:
    """M1 in its usual forms is a metastasis, M0 is none."""
    for text, spread in (("pM1", True), ("cM1a", True), ("M1", True), ("M0", False)):
        stage = observation(bare(LOINC, "21901-4"), text, on="2026-11-01", id="m")
        assert (
            rules(plan_of(DERMAL, stage))["systemic-therapy"] == "systemic-therapy.metastatic"
        ) is spread
