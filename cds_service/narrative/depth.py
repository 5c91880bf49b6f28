"""How deep a tumour is said to reach, and where things are said to lie."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from cds_service.narrative.lexicon import Hit
from cds_service.narrative.model import Certainty, Mention, Section
from cds_service.narrative.scope import Scene, Status

_DEPTH: Final = {"dermis": "dermal", "subcutis": "subcutaneous", "deep": "deep"}
_TISSUES: Final = frozenset(_DEPTH)
_LINK = re.compile(
    r"[ ,:()-]{0,3}(?:(?:of|in|within|involving|the|is|type|and|or|superficial|deep|reticular|"
    r"papillary|focal|focally|mid|de|del|la|el|en|der|des|die|im|in|du|le|l|d|dans|da|do|na|no|"
    r"della|del|nel|nella|van|het|tipo|typ|variant|variante|primary|tissue|fat|depth|siege|localisation|location|localizacion|sede|gelegen|"
    r"located|situated|level|based)[ ,:()-]{1,3})"
    r"{0,5}"
)
_ADJECTIVE_LINK = re.compile(
    r"[ -](?:(?:and|or|y|und|et|e|en|/|based|primary|pleomorphic|spindle|cell|cellular|atypical|"
    r"malignant|high|low|grade|pilar|type|superficial|deep|infiltrating|infiltrative|conventional|"
    r"to|focally|with|well|moderately|poorly|differentiated|recurrent|residual|nodular|diffuse|"
    r"small|invasive|smooth|muscle)[ -]){0,4}"
)
_LIST_LINK = re.compile(
    r"[ ,/&+-]{1,3}(?:(?:and|or|y|o|und|oder|et|ou|e|en|of|to|into|the|superficial|superficially|"
    r"focally|focal|minimally|partly|also|both|deep|underlying|la|el|de|die|das|le|l|d|il|het|van|"
    r"up|not|nor|in|through|deeper|upper|adjacent)[ ,/-]{1,3}){0,5}"
)
_AND = re.compile(r"(?:^| )(?:and|und|y|et|e|en)(?: |$)|[/&+]")
_IN = re.compile(
    r" (?:in|within|of|im|in der|en|en el|en la|dans le|dans l|na|no|nel|nella|in de) (?:the )?"
    r"|(?: (?:is|are|was|appears|seems|entirely|purely|predominantly|mainly|mostly|wholly|located|"
    r"situated|lies|exclusively|ist|es|est|uberwiegend|rein|superficial|deep))+ "
)
_AFTER_LABEL = re.compile(r"(?: \([a-z0-9 ,]{1,20}\))? ?(?:[:=-]|(?:is|involved|are|ist)\b)")
_UNDECIDED: Final = frozenset({"spindle-cell-neoplasm", "smooth-muscle-neoplasm"})
_SUBCUTIS_ALONE: Final = frozenset({"subcutis"})


def depth(scene: Scene) -> Iterator[tuple[int, Mention]]:
    """Yield the depth that a sentence gives its tumour, with denials."""
    if scene.sentence.section is Section.GROSS or scene.kinds.isdisjoint({"layer", "within"}):
        return
    layers = [hit for hit in scene.of("layer") if hit.value in _TISSUES]
    used: set[int] = set()
    for hit, status in _stated(scene, layers):
        if id(hit) in used:
            continue  # the first, most explicit way of saying it decides
        used.add(id(hit))
        yield hit.start, scene.mention("depth", _DEPTH[hit.value], status=status)
        if status.certainty is Certainty.NEGATED and hit.value in _SUBCUTIS_ALONE:
            asserted = replace(status, certainty=Certainty.ASSERTED)
            yield hit.start, scene.mention("depth", "dermal", status=asserted)


def _stated(scene: Scene, layers: list[Hit]) -> Iterator[tuple[Hit, Status]]:
    yield from _by_label(scene, layers)
    yield from _by_status(scene, layers)
    yield from _by_cue(scene, layers)
    yield from _by_adjective(scene, layers)
    yield from _by_place(scene, layers)
    yield from _by_position(scene, layers)


def _by_label(scene: Scene, layers: list[Hit]) -> Iterator[tuple[Hit, Status]]:
    """Read field and value: "Depth: confined to dermis"."""
    for label in scene.of("depthlabel"):
        after = _AFTER_LABEL.match(scene.text, label.end)
        if after is None or any(hit.kind == "margin" for hit in scene.contents):
            continue
        row = [hit for hit in layers if hit.start >= after.end() and hit.clause == label.clause]
        for hit in row[:3]:
            yield hit, scene.status(hit)


def _by_cue(scene: Scene, layers: list[Hit]) -> Iterator[tuple[Hit, Status]]:
    """Read "confined to", "extends into", "involvement of" and the tissue that follows."""
    cues = scene.of("within", "reach")
    for index, cue in enumerate(cues):
        if not _of_tumour(scene, cue):
            continue
        limit = next(
            (
                other.start
                for other in cues[index + 1 :]
                if other.start > cue.start and other.clause == cue.clause
            ),
            len(scene.text),
        )
        if cue.value in _TISSUES:
            yield cue, scene.status(cue)
            continue
        found = _objects(scene, cue, layers, limit)
        status = scene.status(cue)
        if cue.value == "not" or _denied_within(scene, cue, found):
            status = replace(status, certainty=Certainty.NEGATED)
        tumours = [hit for hit in scene.of("tumour") if hit.end <= cue.start]
        if status.certainty is Certainty.UNCERTAIN and tumours and not _doubts_after(scene, cue):
            # "consistent with leiomyosarcoma involving the dermis" doubts the name alone.
            status = replace(status, certainty=Certainty.ASSERTED)
        if not found and cue.kind == "reach":
            found = _before(cue, layers)
        for hit in found:
            own = scene.status(hit).certainty
            if own is Certainty.NEGATED and status.certainty is Certainty.ASSERTED:
                yield hit, replace(status, certainty=own)  # "into the subcutis, not the fascia"
            elif cue.value == "beyond" and hit.value == "dermis":
                # What lies beyond the dermis is the subcutis.
                yield Hit("layer", "subcutis", hit.start, hit.end), status
            else:
                yield hit, status


_NEGATOR = re.compile(r"(?:^|[ -])(?:not|nicht|pas|niet|non|nao|no)(?= |$)")
_NEGATOR_AFTER = re.compile(r" (?:nicht|niet)\b")


def _denied_within(scene: Scene, cue: Hit, found: list[Hit]) -> bool:
    """Tell whether the "not" stands after the verb: "infiltriert die Subkutis nicht"."""
    if not found:
        return False
    span = scene.text[cue.start : found[0].start]
    if "," in span or ";" in span:
        return False
    return bool(_NEGATOR.search(span) or _NEGATOR_AFTER.match(scene.text, found[-1].end))


def _doubts_after(scene: Scene, cue: Hit) -> bool:
    """Tell whether a doubt stands between the tumour and the cue, or after the cue."""
    last = max(hit.end for hit in scene.of("tumour") if hit.end <= cue.start)
    return any(
        one.start >= last
        for one in scene.modifiers
        if one.kind in {"doubts", "doubted"} and one.clause == cue.clause
    )


def _objects(scene: Scene, cue: Hit, layers: list[Hit], limit: int) -> list[Hit]:
    found: list[Hit] = []
    end = cue
    for hit in scene.contents:
        if hit.start < cue.end:
            continue
        if hit.start >= limit or hit.clause != cue.clause or hit.word - end.last_word > 6:  # noqa: PLR2004 - a few words or signs: as far as such phrases reach
            break
        if hit.kind == "layer":
            if found and not _LIST_LINK.fullmatch(scene.between(end, hit)):
                break
            if hit in layers:
                found.append(hit)
            end = hit
        elif hit.kind in {"tumour", "lesion", "lump", "region", "side", "place"}:
            end = hit
        else:
            break
        if hit.segment - cue.segment > 1:
            break
    return found


def _before(cue: Hit, layers: list[Hit]) -> list[Hit]:
    """Read "superficial subcutaneous extension", where the tissue stands first."""
    for hit in reversed(layers):
        if hit.end <= cue.start:
            close = cue.word - hit.last_word <= 1 and hit.segment == cue.segment
            return [hit] if close else []
    return []


def _of_tumour(scene: Scene, cue: Hit) -> bool:
    """Tell whether a cue speaks of the tumour, not of an incision, a scar or a margin."""
    for hit in reversed(scene.contents):
        if hit.end > cue.start or hit.clause != cue.clause:
            continue
        if hit.kind in {"tumour", "lesion", "mimic", "lump", "recurrence", "residual"}:
            return True
        if hit.kind in {"subject", "margin", "procedure", "specimenword"}:
            return False
    return True


_SPARED = re.compile(
    r"[ ,:(]{0,3}(?:(?:is|are|appears?|remains?|tissue|fat|ist|sind|es|est|e|"
    r"liegt|bleibt|reste|fett)[ :]){0,3}"
    r"(?:un-?involved|not (?:involved|affected|infiltrated|invaded)|free|spared|clear|negative|"
    r"unaffected|intact|uninfiltrated|tumou?r-? ?free|nicht (?:infiltriert|befallen|betroffen)|"
    r"tumorfrei|frei|libre|libera|livre|indenne|respetad[oa]|respecte|vrij|niet betrokken|"
    r"(?<=: )(?:no|none|absent|nein|non|nao|nee|nil)(?= ?[.;,)]| ?$)|"
    r"no (?:infiltrad[oa]|afectad[oa]|comprometid[oa])|"
    r"non (?:infiltrat[oa]|infiltree?|interessat[oa]"
    r"|atteinte?)|nao (?:infiltrad[oa]|comprometid[oa]))\b"
)
_TAKEN = re.compile(
    r"[ ,:(]{0,3}(?:(?:is|are|tissue|fat|ist|sind|es|est|e|appears?|focally)[ :]){0,3}"
    r"(?:involved|infiltrated|invaded|affected|infiltriert|befallen|infiltrad[oa]|infiltree?|"
    r"envahie?|infiltrat[oa]|betrokken|comprometid[oa])\b"
)


def _by_status(scene: Scene, layers: list[Hit]) -> Iterator[tuple[Hit, Status]]:
    """Read "subcutis: not involved", "fascia is free"."""
    if any(hit.kind == "margin" for hit in scene.contents):
        return
    for hit in layers:
        if _SPARED.match(scene.text, hit.end):
            yield hit, replace(scene.status(hit), certainty=Certainty.NEGATED)
        elif _TAKEN.match(scene.text, hit.end):
            yield hit, Status(scene.status(hit).certainty)


def _by_adjective(scene: Scene, layers: list[Hit]) -> Iterator[tuple[Hit, Status]]:
    """Read "dermal leiomyosarcoma", "dermal and subcutaneous leiomyosarcoma"."""
    for tumour in scene.of("tumour", "lesion"):
        if scene.status(tumour).certainty is Certainty.NEGATED:
            continue
        end = tumour
        before = [one for one in scene.contents if one.end <= tumour.start]
        for hit in reversed(before):
            gap = scene.between(hit, end)
            if hit.kind != "layer" and hit.kind not in {"gradeword", "recurrence", "residual"}:
                break
            if not _ADJECTIVE_LINK.fullmatch(gap):
                break
            if hit in layers:
                yield hit, scene.status(tumour)
            end = hit


def _by_place(scene: Scene, layers: list[Hit]) -> Iterator[tuple[Hit, Status]]:  # noqa: C901 - one branch a case
    """Read "leiomyosarcoma of dermis", "leiomyosarcoma, left thigh, subcutaneous"."""
    for tumour in scene.of("tumour"):
        if scene.status(tumour).certainty is Certainty.NEGATED:
            continue
        end = tumour
        row: list[Hit] = []
        skin = False
        for hit in scene.contents:
            if hit.start < tumour.end:
                continue
            if hit.clause != tumour.clause or hit.kind not in {
                "layer",
                "region",
                "side",
                "place",
                "within",
                "lesion",
                "gradeword",
                "grade",
            }:
                break
            gap = scene.between(end, hit)
            if hit.kind == "layer":
                if not (_LINK.fullmatch(gap) or _LIST_LINK.fullmatch(gap)):
                    break
                paired = end.kind == "layer" and _AND.search(gap) is not None
                skin = skin or (hit.value == "skin" and (paired or _joined(scene, hit)))
                if hit in layers:
                    row.append(hit)
            elif len(gap.split()) > 4:  # noqa: PLR2004 - a few words or signs: as far as such phrases reach
                break
            end = hit
        if not skin:
            for hit in row:
                if scene.status(hit).certainty is not Certainty.NEGATED:
                    yield hit, scene.status(tumour)


def _by_position(scene: Scene, layers: list[Hit]) -> Iterator[tuple[Hit, Status]]:
    """Read "a spindle cell tumour in the dermis"."""
    for lesion in scene.of("tumour", "lesion", "mimic"):
        if lesion.kind == "mimic" and lesion.value not in _UNDECIDED:
            continue
        for hit in layers:
            if hit.start >= lesion.end and _IN.fullmatch(scene.between(lesion, hit)):
                yield hit, scene.status(lesion)


def _joined(scene: Scene, skin: Hit) -> bool:
    """Tell whether "skin" begins a specimen ("skin and subcutaneous tissue")."""
    return bool(re.match(r" (?:and|und|y|et|e|en|with|/) ", scene.text[skin.end : skin.end + 6]))
