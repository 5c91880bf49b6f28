"""Grades, sizes and other numbers with their units."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from cds_service.narrative.lexicon import Hit
from cds_service.narrative.model import Certainty, Mention, Section
from cds_service.narrative.scope import Scene, Status

_NUMBER: Final = r"\d{1,4}(?:[.,]\d{1,3})?"
_MEASURE = re.compile(
    rf"(?P<bound><=?|>=?|≤|≥)? ?(?<![\d.,])(?P<first>{_NUMBER})"
    rf"(?: ?(?P<unit1>mm|cm) ?)?"
    rf"(?P<rest>(?: ?(?:x|by|per|mal) ?{_NUMBER}(?: ?(?:mm|cm))?){{0,3}})"
    rf"(?: ?(?:-|to|a|bis|tot) ?(?P<upper>{_NUMBER}))?"
    rf" ?(?P<unit>mm|cm|millimet[a-z]{{1,5}}|centimet[a-z]{{1,5}})?(?![a-z0-9])"
)
_LABELLED = re.compile(
    rf"\(?(?:in )?(?P<unit>mm|cm)\)? ?[:=] ?(?P<bound><|>|≤|≥)? ?(?P<first>{_NUMBER})"
)
_LESS = re.compile(r"(?:less than|under|below|weniger als|menos de|moins de|minder dan|<) ?$")
_MORE = re.compile(
    r"(?:more than|greater than|at least|over|exceeds|mindestens|mehr als|al menos|au moins|>|≥) ?$"
)
_PER_CM: Final = 10


@dataclass(frozen=True, slots=True)
class Measure:
    """A length in a sentence, in mm; the lower end of a range, the greatest of dimensions."""

    value: float
    start: int
    end: int
    bound: Literal["<", ">"] | None
    dimensions: int


def measures(text: str) -> list[Measure]:
    """Return the lengths of a folded sentence."""
    found: list[Measure] = []
    if "mm" not in text and "cm" not in text and "imet" not in text:
        return found
    for match in _LABELLED.finditer(text):
        value = _number(match["first"]) * _factor(match["unit"])
        bound = _bound(match["bound"], "")
        found.append(Measure(value, match.start("first"), match.end(), bound, 1))
    for match in _MEASURE.finditer(text):
        unit = match["unit"] or match["unit1"]
        inner = re.findall(r"mm|cm", match["rest"] or "")
        unit = unit or (inner[-1] if inner else None)
        if unit is None or any(one.start == match.start("first") for one in found):
            continue
        numbers = [match["first"], *re.findall(_NUMBER, match["rest"] or "")]
        value = max(_number(number) for number in numbers) * _factor(unit)
        if match["upper"] and not match["unit1"]:
            value = min(value, _number(match["upper"]) * _factor(unit))
        bound = _bound(match["bound"], text[max(0, match.start() - 14) : match.start()])
        found.append(Measure(value, match.start("first"), match.end(), bound, len(numbers)))
    return sorted(found, key=lambda one: one.start)


def _number(text: str) -> float:
    return float(text.replace(",", "."))


def _factor(unit: str) -> int:
    return _PER_CM if unit.startswith("c") else 1


def _bound(mark: str | None, before: str) -> Literal["<", ">"] | None:
    if (mark and mark[0] in "<≤") or _LESS.search(before):
        return "<"
    if (mark and mark[0] in ">≥") or _MORE.search(before):
        return ">"
    return None


_ROMAN: Final = {"i": 1, "ii": 2, "iii": 3}
_GRADE = re.compile(
    r"(?P<label>(?:fnclcc|french federation|grade|grado|grad|grau|graad|gradus|grading)"
    r"(?:[ ,:=(-]{1,4}(?:fnclcc|grade|score|grado|grad|grau|graad|overall|histologic(?:al)?|"
    r"total|is|"
    r"french|nach|according to|selon|segun|secondo|volgens|"
    r"tumou?r|de|of|g)){0,5})"
    r"[ ,:=()-]{0,4}(?:g ?)?(?P<first>[123]|iii|ii|i)(?:(?: ?- ?| to )(?P<second>[123]|iii|ii|i))?"
    r"(?![a-z0-9]|[.,]\d)"
    r"(?:[ ]?(?:/|of|out of|de|von|sur|su|van)[ ]?(?P<scale>3|iii))?"
)
_FNCLCC_AFTER = re.compile(r"\bg(?:rade )?[ -]?(?P<first>[123])(?= ?[,(] ?fnclcc| fnclcc)")
_G = re.compile(r"(?<![a-z0-9])p?g ?(?P<first>[123])(?![a-z0-9]| ?p\d)")
_OTHER_GRADE = re.compile(
    r"ecog|ctcae|toxicity|gleason|nottingham|fuhrman|isup|dermatitis|adverse|mucositis|dysplasia|"
    r"performance|neuropathy|neutropenia|fever|karnofsky|asa |burn|ulcer grade|murmur"
)
#: A field whose value is the word alone: "Grade: high".
_GRADE_FIELD = re.compile(
    r"grade(?: ?\(?fnclcc\)?)?[ ,:=(-]{1,4}(?P<word>high|intermediate|low)(?![a-z0-9-])"
)
_SHORT: Final = 24


def grade(scene: Scene, *, sarcoma: bool) -> Iterator[tuple[int, Mention]]:
    """Yield the grade of a tumour: FNCLCC or G as a number, else as a word."""
    text = scene.text
    if _OTHER_GRADE.search(text):
        return
    if scene.of("grade"):
        yield from _labelled_grades(scene, sarcoma=sarcoma)
    for hit in scene.of("gradeword"):
        if hit.value == "other" or _of_mimic(scene, hit):
            continue
        status = scene.status(hit)
        if status.certainty is not Certainty.NEGATED:
            yield hit.start, scene.mention("grade", hit.value, status=status)


def _labelled_grades(scene: Scene, *, sarcoma: bool) -> Iterator[tuple[int, Mention]]:
    """Yield the grades that stand beside their label, as a number or as a field's word."""
    text = scene.text
    seen: set[int] = set()
    patterns = [_GRADE, _FNCLCC_AFTER]
    if sarcoma or scene.of("tumour", "lesion") or len(text) <= _SHORT:
        patterns.append(_G)
    for pattern in patterns:
        for match in pattern.finditer(text):
            if any(abs(match.start("first") - at) < 2 for at in seen):  # noqa: PLR2004 - a few words or signs: as far as such phrases reach
                continue
            seen.add(match.start("first"))
            value = _grade_number(match["first"])
            if pattern is _GRADE and match["second"]:
                value = max(value, _grade_number(match["second"]))
            yield match.start(), scene.mention("grade", value, status=Status())
    for match in _GRADE_FIELD.finditer(text):
        yield match.start(), scene.mention("grade", match["word"], status=Status())


def _grade_number(text: str) -> int:
    return _ROMAN.get(text) or int(text)


def _of_mimic(scene: Scene, hit: Hit) -> bool:
    near = [one for one in scene.of("tumour", "mimic", "lesion") if one.clause == hit.clause]
    after = [one for one in near if one.start >= hit.end]
    chosen = after[0] if after else (near[-1] if near else None)
    return chosen is not None and chosen.kind == "mimic" and not scene.of("tumour")


def size(scene: Scene, measure: Measure) -> bool:
    """Tell whether a length that is no margin is the tumour's size."""
    start = measure.start
    hits = scene.contents
    segment = _segment_at(scene, start)
    here = [hit for hit in hits if hit.segment == segment]
    specimen = any(hit.kind == "specimenword" for hit in hits)
    named = any(hit.kind in {"tumour", "lesion", "lump"} for hit in here)
    before = [hit for hit in hits if hit.end <= start]
    nearest = next(
        (
            hit.kind
            for hit in reversed(before)
            if hit.kind
            in {
                "tumour",
                "lesion",
                "lump",
                "specimenword",
                "margin",
                "procedure",
                "depthlabel",
                "sizeword",
            }
        ),
        "",
    )
    if scene.sentence.section is Section.GROSS or specimen:
        return nearest in {"tumour", "lesion", "lump"} or (nearest == "sizeword" and named)
    if nearest == "depthlabel":
        return False
    return named or nearest in {"tumour", "lesion", "lump", "sizeword"}


def _segment_at(scene: Scene, start: int) -> int:
    segment = 0
    for hit in scene.hits:
        if hit.start <= start:
            segment = hit.segment
    return segment
