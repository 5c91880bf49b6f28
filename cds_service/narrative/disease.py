"""The tumour itself, its mimics and sites, its recurrence, spread and treatment."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from cds_service.narrative.lexicon import Hit
from cds_service.narrative.model import Certainty, Mention
from cds_service.narrative.scope import Scene, Status

_NEGATED: Final = Status(Certainty.NEGATED)
_QUALIFIERS: Final = frozenset({"residual", "recurrence", "metastasis", "reach"})
_NEAR: Final = 4


@dataclass(frozen=True, slots=True)
class Context:
    """What the whole text says that decides on single words in it."""

    #: A tumour is named anywhere in the text.
    tumour: bool
    #: "LMS" can only mean leiomyosarcoma here.
    sarcoma: bool
    #: An organ is named as the origin anywhere.
    primary_elsewhere: bool = False


#: Abbreviations of the cutaneous form.
_OF_SKIN: Final = {"clms", "slms"}
#: "Superficial leiomyosarcoma" is a name of the cutaneous form, in every language read.
_BEFORE: Final = re.compile(
    r"(?:superficial\w{0,2}|superficiel(?:le)?|oberflachlich\w{0,2}|oppervlakkig\w?) $"
)
_AFTER: Final = re.compile(r"[ ,]{1,2}(?:superficial(?!\w)|superficiale|superficiel|oberflachlich)")


def _superficial(text: str, hit: Hit) -> bool:
    return bool(_BEFORE.search(text, max(0, hit.start - 20), hit.start)) or bool(
        _AFTER.match(text, hit.end)
    )


def tumours(scene: Scene, context: Context) -> Iterator[tuple[int, Mention]]:
    """Yield the tumour with what its name says; denials of remains or spread are not of it."""
    for hit in scene.of("tumour"):
        if hit.value == "maybe" and not context.sarcoma:
            continue
        status = scene.status(hit)
        if status.certainty is Certainty.NEGATED and _qualified(scene, hit):
            continue
        value = "aismn" if hit.value == "aismn" else "leiomyosarcoma"
        yield hit.start, scene.mention("tumour", value, status=status)
        if scene.text[hit.start : hit.end] in _OF_SKIN or _superficial(scene.text, hit):
            yield hit.start, scene.mention("layer", "skin", status=status)
        if hit.value in {"aismn", "dermal", "pilar"}:
            yield hit.start, scene.mention("depth", "dermal", status=status)
        elif hit.value == "subcutaneous":
            yield hit.start, scene.mention("depth", "subcutaneous", status=status)
        elif hit.value == "uterine":
            yield hit.start, scene.mention("organ", "uterus", status=status)


def _qualified(scene: Scene, tumour: Hit) -> bool:
    """Tell whether a denial is of remains, recurrence, spread or a node, not of the tumour."""
    return any(
        hit.segment == tumour.segment
        and (
            hit.kind == "node"
            or (hit.kind in _QUALIFIERS and scene.status(hit).certainty is Certainty.NEGATED)
            or (hit.kind == "procedure" and hit.value == "re-excision")
        )
        for hit in scene.contents
    )


def mimics(scene: Scene) -> Iterator[tuple[int, Mention]]:
    """Yield the other lesions that a sentence names."""
    for hit in scene.of("mimic"):
        yield hit.start, scene.mention("mimic", hit.value, status=scene.status(hit))


def spread(scene: Scene, context: Context) -> Iterator[tuple[int, Mention]]:
    """Yield recurrence, metastasis and residual tumour."""
    yield from _recurrences(scene, context)
    yield from _metastases(scene, context)
    for hit in scene.of("residual"):
        if _near_lesion(scene, hit):
            yield hit.start, scene.mention("residual", "tumour", status=scene.status(hit))
    for hit in scene.of("tumour", "lesion"):
        if scene.status(hit).certainty is not Certainty.NEGATED or scene.of("margin"):
            continue
        here = [one for one in scene.contents if one.segment == hit.segment]
        if any(one.kind == "metastasis" for one in here):
            continue
        if any(one.kind == "node" for one in here):
            yield hit.start, scene.mention("metastasis", "nodal", status=_NEGATED)
        elif any(
            one.kind == "procedure" and one.value == "re-excision" for one in here
        ) and not any(one.kind == "residual" for one in here):
            yield hit.start, scene.mention("residual", "tumour", status=_NEGATED)
        elif scene.text[hit.start : hit.end] == "disease" and not any(
            one.kind in _QUALIFIERS for one in here
        ):
            yield hit.start, scene.mention("recurrence", "local", status=_NEGATED)


def _recurrences(scene: Scene, context: Context) -> Iterator[tuple[int, Mention]]:
    for hit in scene.of("recurrence"):
        if hit.value == "none":
            yield hit.start, scene.mention("recurrence", "local", status=_NEGATED)
            continue
        named = scene.text[hit.start : hit.end]
        if named.startswith(("recurrent", "persist")) and not _near_lesion(scene, hit):
            continue
        if _of_other(scene, hit):
            continue
        yield hit.start, scene.mention("recurrence", "local", status=scene.status(hit))
    del context


def _of_other(scene: Scene, hit: Hit) -> bool:
    after = [one for one in scene.contents if 0 <= one.word - hit.last_word <= _NEAR]
    after = [one for one in after if one.kind in {"tumour", "mimic"} and one.segment == hit.segment]
    return bool(after) and after[0].kind == "mimic"


def _near_lesion(scene: Scene, hit: Hit) -> bool:
    return any(
        one.kind in {"tumour", "lesion", "lump"}
        and one.clause == hit.clause
        and (0 <= one.word - hit.last_word <= _NEAR or 0 <= hit.word - one.last_word <= _NEAR)
        for one in scene.contents
    )


def _metastases(scene: Scene, context: Context) -> Iterator[tuple[int, Mention]]:
    for hit in scene.of("metastasis"):
        if hit.value == "none":
            yield hit.start, scene.mention("metastasis", "distant", status=_NEGATED)
            continue
        status = scene.status(hit)
        value = _where(scene, hit, context) if hit.value == "any" else hit.value
        yield hit.start, scene.mention("metastasis", value, status=status)


def _where(scene: Scene, hit: Hit, context: Context) -> str:  # noqa: C901, PLR0911 - one branch a case
    """Return where a metastasis is: a node, this very skin lesion, or elsewhere."""
    same = [one for one in scene.contents if one.clause == hit.clause]
    if scene.text[hit.start : hit.end].startswith("distant"):
        return "distant"
    if any(one.kind == "node" and abs(one.word - hit.word) <= 2 * _NEAR for one in same):
        return "nodal"
    before = [one for one in same if one.end <= hit.start]
    after = [one for one in same if one.start >= hit.end]
    noun = not scene.text[hit.start : hit.end].startswith(
        ("metastatic", "metastasi", "metastat")
    ) or (scene.text[hit.start : hit.end].startswith(("metastasis", "metastases", "metastase")))
    if before and before[-1].kind == "layer" and noun and hit.word - before[-1].last_word <= 1:
        return "to-skin"
    for one in after:
        gap = scene.text[hit.end : one.start]
        if one.kind in {"layer", "region"} and one.word - hit.last_word <= 2 * _NEAR:
            tail = gap.rsplit(maxsplit=1)[-2:] if gap.strip() else []
            words = set(" ".join(tail).split()) | set(gap.split()[-3:])
            tumour_between = any(mid.kind == "tumour" and mid.start < one.start for mid in after)
            if words & {"to", "involving", "into", "en", "in", "na", "nella", "alla", "a"} and (
                one.kind == "layer" or not tumour_between or "to" in words or "involving" in words
            ):
                return "to-skin"
            next_after = after[after.index(one) + 1 :]
            names = bool(next_after) and next_after[0].kind == "tumour"
            if "of" in words and one.kind == "layer" and noun and not (tumour_between or names):
                return "to-skin"
        if one.kind == "organ" and not context.primary_elsewhere:
            break
    organ = any(one.kind == "organ" for one in same) or context.primary_elsewhere
    primary = any(one.kind == "primary" for one in scene.contents)
    skin = any(one.kind in {"layer", "region"} for one in scene.contents)
    if skin and organ and (primary or _uterine(scene)):
        return "to-skin"
    if (
        before
        and any(one.kind in {"layer", "region"} for one in before)
        and not any(one.kind == "tumour" for one in before)
        and any(one.kind == "tumour" for one in after[:2])
        and any(mark in scene.text[before[0].end : hit.start] for mark in (",", ":", "-"))
    ):
        return "to-skin"
    return "distant"


def _uterine(scene: Scene) -> bool:
    return any(
        one.kind == "organ" and one.value in {"uterus", "retroperitoneum", "vessel"}
        for one in scene.contents
    )


def organs(scene: Scene, context: Context) -> Iterator[tuple[int, Mention]]:
    """Yield the organs that a tumour of the text is said to come from.

    A text that names no tumour is a place ("Uterus"): all its organs count.
    """
    hits = scene.of("organ")
    for hit in hits:
        status = scene.status(hit)
        same = {one.kind for one in scene.contents if one.clause == hit.clause}
        if "mimic" in same or ("metastasis" in same and hit.value in {"viscera", "bone"}):
            continue  # the organ of the other lesion, or where the tumour has spread to
        if (
            not context.tumour
            or status.certainty is Certainty.NEGATED
            or _tied(scene, hit)
            or _specimen(scene, hit)
        ):
            yield hit.start, scene.mention("organ", hit.value, status=status)


_SITE_LABELS: Final = frozenset(
    [
        "site",
        "location",
        "primary",
        "specimen",
        "organ",
        "origin",
        "topography",
        "lokalisation",
        "localizacion",
        "sitio",
        "localisation",
        "siege",
        "localizacao",
        "sede",
        "lokalisatie",
        "procedure",
    ]
)
_TIES: Final = frozenset(
    [
        "of",
        "in",
        "from",
        "arising",
        "the",
        "primary",
        "origin",
        "wall",
        "within",
        "at",
        "involving",
        "de",
        "del",
        "della",
        "van",
        "der",
        "des",
        "du",
        "dell",
        "da",
        "do",
        "la",
        "el",
        "le",
        "uteri",
    ]
)


def _tied(scene: Scene, organ: Hit) -> bool:
    metastasis = any(
        one.kind == "metastasis" and one.clause == organ.clause for one in scene.contents
    )
    contained = organ.value in {"viscera", "bone"} and metastasis
    if contained:
        return False
    for tumour in scene.of("tumour"):
        if tumour.clause != organ.clause:
            continue
        if organ.end <= tumour.start:
            words = scene.between(organ, tumour).split()
            between = [
                one
                for one in scene.contents
                if organ.end <= one.start < tumour.start
                and one.kind in {"mimic", "procedure", "metastasis", "layer"}
            ]
            if len(words) <= 3 and not between and "," not in scene.between(organ, tumour):  # noqa: PLR2004 - a few words or signs: as far as such phrases reach
                return True
        else:
            words = scene.between(tumour, organ).replace(",", " ").replace("(", " ").split()
            between = [
                one
                for one in scene.contents
                if tumour.end <= one.start < organ.start
                and one.kind in {"mimic", "procedure", "recurrence", "reach"}
            ]
            if not between and len(words) <= 5 and (not words or _TIES.intersection(words)):  # noqa: PLR2004 - a few words or signs: as far as such phrases reach
                return True
    return any(
        one.kind in {"primary", "metastasis"}
        and one.clause == organ.clause
        and abs(one.word - organ.word) <= _NEAR
        for one in scene.contents
    )


def _specimen(scene: Scene, organ: Hit) -> bool:
    """Tell whether an organ stands at the head of a line, as a specimen or after "Site:"."""
    lead = scene.text[: organ.start].strip(" -.")
    tail = scene.text[organ.end :].lstrip()
    if lead.endswith(":"):
        return lead.rstrip(" :").rsplit(" ", 1)[-1] in _SITE_LABELS
    return len(lead.split()) <= 1 and tail[:1] in {",", ":"}


def places(scene: Scene) -> Iterator[tuple[int, Mention]]:
    """Yield layers, regions and sides."""
    for hit in scene.of("layer"):
        yield hit.start, scene.mention("layer", hit.value, status=scene.status(hit))
    regions = scene.of("region")
    for hit in regions:
        yield hit.start, scene.mention("region", hit.value, status=Status())
    for hit in scene.of("side"):
        if any(abs(one.word - hit.word) <= _NEAR for one in regions) or len(scene.text) <= 2 * (
            hit.end - hit.start
        ):
            yield hit.start, scene.mention("side", hit.value, status=Status())


def treatments(scene: Scene) -> Iterator[tuple[int, Mention]]:
    """Yield procedures; a planned one is uncertain, a refused one denied."""
    for hit in scene.of("procedure"):
        status = scene.status(hit)
        intended = scene.intended(hit)
        certainty = Certainty.ASSERTED
        if intended == "declined" or _not_done(scene, hit):
            certainty = Certainty.NEGATED
        elif intended:
            certainty = Certainty.UNCERTAIN
        status = Status(certainty, status.history, status.family)
        yield hit.start, scene.mention("procedure", hit.value, status=status)


_NOT_DONE = re.compile(
    r" (?:was |is |has |been |therapy |not been ){0,3}(?:not (?:been )?(?:given|done|performed|"
    r"received|indicated|required|planned|undertaken|recommended|needed|carried out)|omitted|"
    r"nicht (?:durchgefuhrt|erfolgt|indiziert)|no realizada|"
    r"non (?:realisee?|eseguita)|niet verricht)"
)
_NONE_BEFORE = re.compile(
    r"(?:^|[ (,;:])(?:no|not|without|never had|never received|kein[a-z]{0,2}|ohne|sin|"
    r"pas d[e ]|sans|"
    r"sem|senza|geen|zonder)(?: (?:further|adjuvant|additional|prior|previous|postoperative|wide|"
    r"local|other|adjuvante?|any|received|undergone))* $"
)


def _not_done(scene: Scene, hit: Hit) -> bool:
    before = scene.text[max(0, hit.start - 60) : hit.start]
    return bool(_NONE_BEFORE.search(before) or _NOT_DONE.match(scene.text, hit.end))


def followups(scene: Scene, context: Context) -> Iterator[tuple[int, Mention]]:
    """Yield sarcoma or tumour follow-up."""
    for hit in scene.of("followup"):
        named = hit.value == "sarcoma" or any(
            one.kind in {"tumour", "lesion"} for one in scene.contents
        )
        if named:
            yield hit.start, scene.mention("followup", "sarcoma", status=Status())
    del context
