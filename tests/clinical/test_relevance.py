"""Observations that cannot change a plan are left out, and no other."""

import dataclasses
import importlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service import guideline
from cds_service.clinical import relevance
from cds_service.clinical.relevance import speaking
from cds_service.facts import Chart, Coding, Observation, Quantity

from .charts import (
    CUTANEOUS_LMS,
    DEPTH_OF_INVASION,
    DERMIS,
    DISTANT_METASTASIS,
    FH,
    GENE_STUDIED,
    HIGH_GRADE,
    HISTOLOGIC_GRADE,
    LOINC,
    MARGINS,
    PATHOGENIC,
    PM_CATEGORY,
    PRESENT,
    SIGNIFICANCE,
    TODAY,
    TUMOUR_SIZE,
    chart,
    concept,
    condition,
    observation,
    procedure,
    report,
)
from .golden import charts as fixtures

GUIDELINE = guideline.load()
#: The module; the package has the function under this name.
evaluation = importlib.import_module("cds_service.clinical.evaluate")
GLUCOSE = Coding(LOINC, "2339-0", "Glucose [Mass/volume] in Blood")
SMOKING = Coding(LOINC, "72166-2", "Tobacco smoking status")
NEVER = Coding("http://snomed.info/sct", "266919005", "Never smoked tobacco")
ORDINARY = (
    observation(GLUCOSE, Quantity(98.0, "mg/dL")),
    observation("Heart rate", Quantity(71.0, "/min"), site="Right arm"),
    observation(SMOKING, NEVER),
    observation("Seen by a nurse", value=True),
    observation("Blood Pressure", components=[("Systolic", Quantity(120.0, "mm[Hg]"))]),
)
#: A chart in which whatever an Observation says could matter.
TUMOUR = (
    condition("Leiomyosarcoma of skin, left thigh", CUTANEOUS_LMS, recorded="2026-05-01"),
    procedure("Excision", on="2026-05-20"),
    report("Excision, left thigh: leiomyosarcoma.", on="2026-05-20"),
)
TITLES = (
    *(MARGINS, HISTOLOGIC_GRADE, TUMOUR_SIZE, DEPTH_OF_INVASION, PM_CATEGORY, GENE_STUDIED),
    *(SIGNIFICANCE, GLUCOSE, SMOKING, CUTANEOUS_LMS, DERMIS, FH, HIGH_GRADE),
    *("Deep margin", "Histologic grade", "Depth", "Level", "Stage", "Distant metastasis", "FH"),
    *("Fumarate hydratase", "Fumarate hydratase stain", "2SC stain", "Local recurrence", "Thigh"),
    *("Heart rate", "Pathology finding", "Histology", "Kidney", "Germline test", "Skin of thigh"),
)
VALUES = (
    *(None, True, False, 2.0, Quantity(4.0, "mm"), Quantity(2.0), Quantity(98.0, "mg/dL")),
    *(NEVER, DERMIS, PRESENT, PATHOGENIC, FH, HIGH_GRADE, DISTANT_METASTASIS, CUTANEOUS_LMS),
    *(concept(text) for text in ("Positive", "Negative", "Lost", "Deficient", "M1", "Grade 3")),
    *(concept(text) for text in ("Leiomyosarcoma", "Subcutis", "Leiomyoma", "Lung", "Clear")),
    *("Leiomyosarcoma of the dermis", "Lost", "Margins clear, 4 mm", "nothing of note", "M1"),
)


def plan(found: Chart) -> Any:
    """Return the plan as it is made in service."""
    return evaluation.evaluate(found, GUIDELINE, today=TODAY)


def plan_of_all(found: Chart) -> Any:
    """Return the plan that rests on every Observation."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation, "speaking", lambda chart, _: chart)
        return evaluation.evaluate(found, GUIDELINE, today=TODAY)


titles = st.sampled_from(TITLES)
values = st.sampled_from(VALUES)
#: Observations whose titles and values say all that the rules look for.
observations = st.builds(
    observation,
    titles,
    values,
    site=st.sampled_from([None, DERMIS, "Thigh"]),
    components=st.lists(st.tuples(titles, values), max_size=2),
    method=st.sampled_from([None, "FNCLCC", "FH sequencing"]),
    notes=st.sampled_from([(), (), "Leiomyosarcoma of the dermis"]),
    focus=st.sampled_from([(), (), ("Condition/c1",)]),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(observations, max_size=4), st.sampled_from([TUMOUR, ()]))
def test_what_is_left_out_changes_nothing(drawn: list[Observation], tumour: Any) -> None:
    """The plan is that of all Observations, whatever these say, with a tumour and without."""
    found = chart(*tumour, *drawn)
    assert plan(found) == plan_of_all(found)


@pytest.mark.parametrize("name", fixtures())
def test_worked_cases(name: str) -> None:
    """Every worked case has the plan of all its Observations, among ordinary ones, too."""
    found, _ = fixtures()[name]
    among = dataclasses.replace(found, observations=(*found.observations, *ORDINARY))
    assert plan(found) == plan_of_all(found) == plan(among)


def test_ordinary_values_are_left_out() -> None:
    """Laboratory values, vital signs and the like are looked at by no rule."""
    assert speaking(chart(*TUMOUR, *ORDINARY), GUIDELINE).observations == ()


@pytest.mark.parametrize(
    "spoken",
    [
        observation(MARGINS, PRESENT),
        observation("Deep MARGIN", value=True),
        observation("Histologic Grade", 3.0),
        observation(GLUCOSE, "a text"),
        observation(GLUCOSE, DERMIS),
        observation(GLUCOSE, "Leiomyosarcoma"),
        observation("Fumarate hydratase stain", concept("Lost")),
        observation("Overall stage", concept("something")),
        observation("Local recurrence of leiomyosarcoma", value=True),
        observation(GLUCOSE, 1.0, notes="a note"),
        observation(GLUCOSE, 1.0, members=("Observation/2",)),
        observation(GLUCOSE, components=[(None, "a text")]),
        observation(GLUCOSE, components=[(MARGINS, True)]),
        observation(GLUCOSE, components=[(None, CUTANEOUS_LMS)]),
    ],
)
def test_what_may_matter_stays(spoken: Observation) -> None:
    """A text, a note, members, a code of a value set, and a telling name keep an Observation."""
    found = chart(*TUMOUR, *ORDINARY, spoken)
    assert len(speaking(found, GUIDELINE).observations) == 1


def test_verdicts_are_remembered_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """What charts repeat is judged once; long names, which are somebody's, are not kept."""
    judged: list[Any] = []
    silence = relevance._Silence()  # noqa: SLF001 - counted here, seen nowhere else
    judge = silence._judged  # noqa: SLF001

    def counted(*arguments: Any) -> bool:
        judged.append(arguments)
        return judge(*arguments)

    monkeypatch.setattr(silence, "_judged", counted)
    for _ in range(3):
        assert silence.of(ORDINARY[0])
    assert len(judged) == 1
    long = observation("Something " * 60, value=True)
    assert silence.of(long)
    assert silence.of(long)
    assert len(judged) == 3
    monkeypatch.setattr(relevance, "_MAX_KNOWN", 1)
    assert silence.of(ORDINARY[2])
    assert silence.of(ORDINARY[0])
    assert len(judged) == 5
