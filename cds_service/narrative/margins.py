"""Margins: clear or involved, which one, and by how much."""

import re
from collections.abc import Iterator
from typing import Final

from cds_service.narrative.lexicon import Hit
from cds_service.narrative.measures import Measure, measures, size
from cds_service.narrative.model import Certainty, Mention, Section
from cds_service.narrative.scope import Scene, Status

_PATHOLOGY: Final = frozenset(
    {Section.DIAGNOSIS, Section.MICROSCOPY, Section.SYNOPTIC, Section.COMMENT, Section.ADDENDUM}
)
_NEAR_WORDS: Final = 8
_CLOSE: Final = 12
_OF: Final = frozenset({"of", "for", "from", "by", "de", "von", "da", "van"})
_FROM = re.compile(
    r"[ )]{1,2}(?:from|to|away|clear|off|of clearance|zum|von|vom|zur|du|de la|al|del|da|"
    r"dal|tot|van)\b"
)
_CLINICAL = re.compile(
    r"(?:with|using|taking|mit|con|avec|com|met)(?: an?| einem| un| une| um| uma| een)?"
    r"(?: planned| clinical| surgical| initial| wide| measured| sicherheitsabstand(?: von)?| "
    r"margen(?:es)? de| "
    r"marges? de| margem de| margine di| marge van)*[ ]?$"
)


def margins(scene: Scene) -> Iterator[tuple[int, Mention]]:
    """Yield what a sentence says of margins, and every length as a width or a size."""
    yield from _statuses(scene)
    yield from _reached(scene)
    yield from _lengths(scene)


def _statuses(scene: Scene) -> Iterator[tuple[int, Mention]]:
    nouns = scene.of("margin")
    for hit in scene.of("clear", "involved", "unknown"):
        negative = hit.kind == "clear"
        if hit.value == "complete":
            status = scene.status(hit)
            flipped = status.certainty is Certainty.NEGATED
            value = "negative" if negative is not flipped else "positive"
            certainty = Certainty.ASSERTED if flipped else status.certainty
            scene.tell(hit)
            yield (
                hit.start,
                scene.mention(
                    "margin", value, status=Status(certainty, status.history, status.family)
                ),
            )
            continue
        noun = _noun(scene, hit, nouns)
        if noun is None:
            if negative and _names_tumour(scene, hit):
                yield from _no_residual(scene, hit)
            continue
        if hit.kind == "unknown":
            value, status = "positive", Status(Certainty.UNCERTAIN)
        else:
            status = scene.status(hit)
            flipped = status.certainty is Certainty.NEGATED
            value = "negative" if negative is not flipped else "positive"
            if flipped:
                status = Status(Certainty.ASSERTED, status.history, status.family)
        scene.tell(hit)
        _tell_tumours(scene, hit)
        for detail in _places(scene, noun, hit):
            yield hit.start, scene.mention("margin", value, status=status, detail=detail)
    yield from _denied_at(scene, nouns)


def _names_tumour(scene: Scene, hit: Hit) -> bool:
    """Tell whether a status itself names what is absent: "free of leiomyosarcoma"."""
    words = scene.text[hit.start : hit.end].split()
    spared = any(
        one.kind == "layer" and one.segment == hit.segment and one.end <= hit.start
        for one in scene.contents
    )
    return not spared and (hit.value == "free" or (len(words) > 2 and words[-2] in _OF))  # noqa: PLR2004 - a few words or signs: as far as such phrases reach


def _noun(scene: Scene, hit: Hit, nouns: list[Hit]) -> Hit | None:
    """Return the margin that a status belongs to: nearest in its clause, before or after."""
    same = [one for one in nouns if one.clause == hit.clause]
    best: Hit | None = None
    for one in same:
        if one.end <= hit.start:
            if any(
                one.end <= other.start < hit.start and other.kind in {"node", "metastasis", "gene"}
                for other in scene.contents
            ):
                continue
            best = one
        elif best is None and one.word - hit.last_word <= _NEAR_WORDS // 2:
            best = one
    if best is None and scene.sentence.text[:7] == "margins":
        return same[0] if same else None
    return best


def _places(scene: Scene, noun: Hit, hit: Hit) -> list[str | None]:
    """Return which margins a status is about; [None] where the text does not say."""
    places = [one for one in scene.contents if one.kind == "place"]
    own = [one for one in places if one.segment == hit.segment]
    if not own and noun.segment != hit.segment and noun.segment == hit.segment - 1:
        own = [one for one in places if one.segment == noun.segment]
    last = max(
        (one.end for one in scene.contents if _is_status(one) and one.end <= hit.start), default=0
    )
    if any(last <= one.start < hit.start for one in own):
        own = [one for one in own if last <= one.start < hit.start]
    elif own:
        own = [one for one in own if one.start >= hit.end][:2]
    found: list[str | None] = list(dict.fromkeys(one.value for one in own))
    return found or [None]


def _is_status(hit: Hit) -> bool:
    return hit.kind in {"clear", "involved", "unknown"}


def _tell_tumours(scene: Scene, hit: Hit) -> None:
    """Use up the tumour that a margin is free of or positive for: it says nothing more."""
    for one in scene.of("tumour", "mimic", "lesion"):
        if one.segment == hit.segment and 0 <= one.word - hit.last_word <= 3:  # noqa: PLR2004 - a few words or signs: as far as such phrases reach
            scene.tell(one)


def _no_residual(scene: Scene, hit: Hit) -> Iterator[tuple[int, Mention]]:
    """Read "free of leiomyosarcoma" where no margin is spoken of."""
    after = [one for one in scene.of("tumour", "lesion") if 0 <= one.start - hit.end <= 30]  # noqa: PLR2004 - a few words or signs: as far as such phrases reach
    if hit.kind != "clear" or (hit.value == "free" and not after):
        return
    scene.tell(hit, *after)
    negated = Status(Certainty.NEGATED)
    if any(one.clause == hit.clause for one in scene.of("node")):
        yield hit.start, scene.mention("metastasis", "nodal", status=negated)
    else:
        yield hit.start, scene.mention("residual", "tumour", status=negated)


def _denied_at(scene: Scene, nouns: list[Hit]) -> Iterator[tuple[int, Mention]]:
    """Read "margins negative for leiomyosarcoma", "no leiomyosarcoma at the margins"."""
    for noun in nouns:
        for tumour in scene.of("tumour", "lesion"):
            if tumour.clause != noun.clause or abs(tumour.word - noun.word) > _NEAR_WORDS:
                continue
            if scene.status(tumour).certainty is not Certainty.NEGATED:
                continue
            if any(
                _is_status(one) and one.segment == tumour.segment
                for one in scene.contents
                if id(one) in scene.told
            ):
                continue
            scene.tell(tumour)
            for detail in _near_places(scene, noun):
                yield (
                    tumour.start,
                    scene.mention("margin", "negative", status=Status(), detail=detail),
                )
            break


def _near_places(scene: Scene, noun: Hit) -> list[str | None]:
    near = [
        one
        for one in scene.contents
        if one.kind == "place"
        and one.segment == noun.segment
        and 0 <= noun.word - one.last_word <= 4  # noqa: PLR2004 - a few words or signs: as far as such phrases reach
    ]
    found: list[str | None] = list(dict.fromkeys(one.value for one in near))
    return found or [None]


def _reached(scene: Scene) -> Iterator[tuple[int, Mention]]:
    """Read "tumour extends to the deep margin", and its denial."""
    for noun in scene.of("margin"):
        before = [
            one for one in scene.contents if one.end <= noun.start and one.clause == noun.clause
        ]
        cue = next(
            (one for one in reversed(before) if one.kind in {"touches", "reach", "within"}), None
        )
        if cue is None or noun.word - cue.last_word > 5:  # noqa: PLR2004 - a few words or signs: as far as such phrases reach
            continue
        gap = scene.between(cue, noun)
        if any(char.isdigit() for char in gap) or "," in gap:
            continue
        middle = [one for one in before if one.start >= cue.end]
        if any(one.kind not in {"place", "layer", "side"} for one in middle):
            continue
        subjects = [one for one in before if one.end <= cue.start]
        subject = any(one.kind in {"tumour", "lesion", "lump", "residual"} for one in subjects)
        if not subject and cue.kind != "reach":
            continue
        status = scene.status(cue)
        denied = status.certainty is Certainty.NEGATED
        if any(one.kind in {"tumour", "lesion"} and id(one) in scene.told for one in subjects):
            continue
        tail = scene.text[noun.end : noun.end + 1]
        if tail and tail.isalnum():
            continue
        for detail in _near_places(scene, noun):
            yield (
                cue.start,
                scene.mention(
                    "margin",
                    "negative" if denied else "positive",
                    status=Status() if denied else Status(status.certainty),
                    detail=detail,
                ),
            )
        scene.tell(noun)


def _lengths(scene: Scene) -> Iterator[tuple[int, Mention]]:
    for measure in measures(scene.text):
        width = _width(scene, measure)
        if width is not None:
            detail, implies = width
            yield (
                measure.start,
                scene.mention(
                    "width", measure.value, status=Status(), detail=detail, bound=measure.bound
                ),
            )
            # Tumour at no distance is tumour at the margin.
            value = "negative" if measure.value > 0 else "positive"
            if implies or not measure.value:
                yield measure.start, scene.mention("margin", value, status=Status(), detail=detail)
        elif size(scene, measure):
            yield (
                measure.start,
                scene.mention("size", measure.value, status=Status(), bound=measure.bound),
            )


def _width(scene: Scene, measure: Measure) -> tuple[str | None, bool] | None:
    """Return the margin that a length is the width of, and whether it implies a clear one."""
    if measure.dimensions > 1:
        return None
    cues = [one for one in scene.contents if one.kind == "nearest"]
    statuses = [
        one
        for one in scene.contents
        if one.kind in {"clear", "involved"} and one.value == "complete"
    ]
    if scene.kinds.isdisjoint({"margin", "nearest", "clinical"}) and not statuses:
        return None
    segment, clause = _place_of(scene, measure.start)
    here = [one for one in scene.contents if one.segment == segment]
    near = [one for one in here if one.kind in {"margin", "nearest"} or one in statuses]
    near += [one for one in here if one.kind == "clinical" and "margin" in scene.text]
    if not near:
        before = [
            one
            for one in scene.contents
            if one.end <= measure.start and one.clause == clause and one.segment >= segment - 2
        ]
        last = next(
            (
                one
                for one in reversed(before)
                if one.kind in {"margin", "nearest", "tumour", "lesion", "lump", "sizeword"}
                or one in statuses
            ),
            None,
        )
        if last is None or (last.kind not in {"margin", "nearest"} and last not in statuses):
            return None
    elif not _FROM.match(scene.text, measure.end) and _sized(here, measure):
        return None
    if _is_clinical(scene, measure, here):
        return "clinical", False
    places = [one for one in here if one.kind == "place"]
    if not places and not near:
        places = [
            one for one in scene.contents if one.kind == "place" and one.segment == segment - 1
        ]
    closest = min(places, key=lambda one: _apart(one, measure), default=None)
    if closest and len({one.value for one in places}) > 1 and _apart(closest, measure) > _CLOSE:
        closest = None
    status = any(_is_status(one) for one in scene.contents if one.clause == clause)
    unmet = not status and bool(cues or closest)
    return (closest.value if closest else None), unmet


def _apart(hit: Hit, measure: Measure) -> int:
    return min(abs(hit.start - measure.end), abs(measure.start - hit.end))


def _place_of(scene: Scene, start: int) -> tuple[int, int]:
    """Return the segment and the clause of a position."""
    text = scene.text
    segment = clause = 0
    for hit in scene.hits:
        if hit.start > start:
            break
        segment, clause = hit.segment, hit.clause
        tail = text[hit.end : start]
        extra = len(re.findall(r",(?!\d)", tail))
        if extra:
            segment += extra
        if ";" in tail:
            segment, clause = segment + 1, clause + 1
    return segment, clause


def _sized(here: list[Hit], measure: Measure) -> bool:
    """Tell whether a size word stands nearer to a length than any margin word."""

    def distance(kinds: set[str]) -> int:
        return min(
            (
                min(abs(measure.start - one.end), abs(one.start - measure.end))
                for one in here
                if one.kind in kinds
            ),
            default=10_000,
        )

    if any(
        one.kind in {"margin", "nearest"} and one.end <= measure.start for one in here
    ) and not any(
        one.kind in {"tumour", "lesion", "lump"} and one.end <= measure.start for one in here
    ):
        return False  # "the nearest margin measures 7 mm"
    return distance({"sizeword", "tumour", "lesion", "lump"}) < distance(
        {"margin", "nearest", "clear"}
    )


def _is_clinical(scene: Scene, measure: Measure, here: list[Hit]) -> bool:
    if scene.sentence.section in _PATHOLOGY:
        return False
    if any(one.kind in {"clear", "involved", "nearest"} for one in here):
        return False
    if any(one.kind == "clinical" for one in here):
        return True
    before = scene.text[max(0, measure.start - 40) : measure.start]
    return bool(_CLINICAL.search(before)) and any(one.kind == "procedure" for one in scene.contents)
