"""Leiomyomas, and what points to hereditary leiomyomatosis and renal cell cancer."""

import re
from collections.abc import Iterator
from typing import Final

from cds_service.narrative.lexicon import Hit
from cds_service.narrative.model import Certainty, Mention
from cds_service.narrative.scope import Scene, Status

_VARIANT = re.compile(r"\b(?:c\. ?[-*]?\d+|p\. ?\(?[a-z]{1,3}\d+|nm_?0*00143|fh ?(?:del|ex))")
#: FH is also familial hypercholesterolaemia.
_CHOLESTEROL = re.compile(r"cholesterol|colesterol|cholesterin|ldl|apob|pcsk9|statin|fumaric acid")
_NEAR: Final = 4
_PLURAL = re.compile(r"(?:s|ta|osis|mas|men|en|mi|i)$")


def hlrcc(scene: Scene) -> Iterator[tuple[int, Mention]]:
    """Yield the syndrome, FH variants and FH or 2SC staining."""
    for hit in scene.of("syndrome"):
        yield hit.start, scene.mention("hlrcc", "syndrome", status=scene.status(hit))
    for hit in scene.of("gene"):
        value = _succination(scene, hit) if hit.value == "succination" else _gene(scene, hit)
        if value is None:
            continue
        status = scene.status(hit)
        certainty = status.certainty
        if certainty is Certainty.NEGATED:
            certainty = Certainty.ASSERTED
        yield (
            hit.start,
            scene.mention("hlrcc", value, status=Status(certainty, status.history, status.family)),
        )


def _succination(scene: Scene, hit: Hit) -> str | None:
    near = [one for one in scene.contents if abs(one.word - hit.word) <= _NEAR]
    words = {scene.text[one.start : one.end] for one in near}
    if words & {"negative", "not detected", "none"}:
        return None
    return "fh-deficient" if words & {"positive", "positivity", "positive for"} else None


def _gene(scene: Scene, hit: Hit) -> str | None:  # noqa: C901, PLR0911 - each return is one case
    if _CHOLESTEROL.search(scene.text):
        return None
    if hit.value == "deficient":
        return "fh-deficient"
    same = [one for one in scene.contents if one.clause == hit.clause]
    values = {one.value for one in same if one.kind == "genetic"}
    texts = {scene.text[one.start : one.end] for one in same}
    variant = _VARIANT.search(scene.text)
    named = scene.text[hit.start : hit.end] != "fh"
    if not (values or variant or named):
        return None
    denied = scene.status(hit).certainty is Certainty.NEGATED or "negative" in values | texts
    denied = denied or any(
        one.kind in {"no", "denies", "denied"} and one.clause == hit.clause
        for one in scene.modifiers
    )
    if "somatic" in values:
        return "fh-somatic"
    if "vus" in values:
        return "fh-vus"
    if "retained" in values:
        return "fh-retained"
    if "deficient" in values:
        named_disease = "deficiency" in texts and not scene.of("tumour", "lesion", "mimic", "lump")
        if named_disease:
            return None  # fumarase deficiency is an inborn error of metabolism
        return "fh-retained" if denied and "pathogenic" not in values else "fh-deficient"
    if denied or "benign" in values:
        return "fh-negative"
    if "pathogenic" in values:
        return "fh-pathogenic"
    return None


def leiomyomas(scene: Scene) -> Iterator[tuple[int, Mention]]:
    """Yield leiomyomas with their number and place, and the number of other lesions."""
    for hit in scene.of("mimic"):
        if hit.value != "leiomyoma":
            continue
        word = scene.text[hit.start : hit.end]
        yield (
            hit.start,
            scene.mention(
                "leiomyoma",
                _number(scene, hit, word),
                status=scene.status(hit),
                detail=_site(scene, hit, word),
            ),
        )
    for many in scene.of("many"):
        target = next(
            (
                one
                for one in scene.contents
                if one.start >= many.end and one.kind in {"tumour", "lesion", "lump", "mimic"}
            ),
            None,
        )
        if target is not None and target.word - many.last_word <= _NEAR:
            yield many.start, scene.mention("multiplicity", "multiple", status=Status())


def _number(scene: Scene, hit: Hit, word: str) -> str:
    before = [one for one in scene.contents if 0 < hit.word - one.last_word <= _NEAR]
    kinds = {one.kind for one in before}
    if "many" in kinds or _PLURAL.search(word):
        return "multiple"
    return "single" if "one" in kinds else "unspecified"


def _site(scene: Scene, hit: Hit, word: str) -> str | None:
    if word.startswith(("pilo", "fibroid", "myom", "miom")):
        return "skin" if word.startswith("pilo") else "uterus"
    same = [one for one in scene.contents if one.clause == hit.clause]
    nearest = sorted(
        (one for one in same if one.kind in {"layer", "organ", "region"}),
        key=lambda one: abs(one.word - hit.word),
    )
    for one in nearest:
        if one.kind == "organ" and one.value == "uterus":
            return "uterus"
        if one.kind in {"layer", "region"}:
            return "skin"
    return None
