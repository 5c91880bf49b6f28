"""Condition: problems and diagnoses."""

from collections.abc import Mapping

from cds_service.chart import dates
from cds_service.chart.elements import (
    Json,
    Source,
    boolean,
    codeable_references,
    concept,
    concepts,
    extensions,
    items,
    notes,
    objects,
    references,
)
from cds_service.facts import Concept, Condition, PartialDate, Span

_CLINICAL = ("active", "recurrence", "relapse", "inactive", "remission", "resolved")
#: The most cautious first: it is the one that counts where a record gives several.
_VERIFICATION = (
    "entered-in-error",
    "refuted",
    "differential",
    "provisional",
    "unconfirmed",
    "confirmed",
)
_UNKNOWN = "unknown"
_MORPHOLOGY = ("histology-morphology-behavior", "histologymorphologybehavior-extension")
_RECORDED = ("recordedDate", "assertedDate", "dateRecorded", "dateAsserted")


def read(source: Source, resource: Mapping[str, Json], **_: object) -> Condition | None:
    """Return the condition, refuted ones included; None where it was entered in error."""
    verification = _status(source, resource, "verificationStatus", _VERIFICATION)
    if verification == "entered-in-error":
        source.drop("was entered in error")
        return None
    evidence_codes, evidence = _evidence(source, resource)
    years, words = dates.age(source, resource, "onset")
    dated = words is None or dates.is_date(words)
    return Condition(
        reference=source.reference,
        notes=(
            *notes(source, resource.get("note"), "note"),
            *notes(source, resource.get("notes"), "notes"),
            *(() if dated else (f"Onset: {words}",)),
        ),
        code=concept(source, resource.get("code"), "code"),
        clinical_status=_status(source, resource, "clinicalStatus", _CLINICAL),
        verification=verification,
        categories=concepts(source, resource.get("category"), "category"),
        body_sites=body_sites(source, resource.get("bodySite"), "bodySite"),
        morphology=tuple(
            found
            for item in extensions(resource, *_MORPHOLOGY)
            if (found := concept(source, item.get("valueCodeableConcept"), "extension"))
        ),
        onset=dates.when(source, resource, "onset") if dated else None,
        onset_age=int(years) if years is not None else None,
        abatement=_abatement(source, resource),
        recorded=_recorded(source, resource),
        stages=_stages(source, resource),
        evidence=evidence,
        evidence_codes=evidence_codes,
    )


def body_sites(source: Source, value: Json, path: str) -> tuple[Concept, ...]:
    """Return body sites; a side that mCODE gives as an extension joins its site's codings."""
    if value is None:
        return ()
    found = []
    for item in items(value):
        site = concept(source, item, path)
        if isinstance(item, dict) and "extension" in item:
            sides = [
                concept(source, extension.get("valueCodeableConcept"), f"{path}.extension")
                for extension in extensions(item, "laterality-qualifier", "location-qualifier")
            ]
            site = Concept(
                (*site.codings, *(coding for side in sides for coding in side.codings)), site.text
            )
        if site:
            found.append(site)
    return tuple(found)


def _status(
    source: Source, resource: Mapping[str, Json], name: str, known: tuple[str, ...]
) -> str | None:
    value = resource.get(name)
    if value is None:
        return None
    if isinstance(value, str):
        words = {value.strip().lower().replace(" ", "-")}
    else:
        status = concept(source, value, name)
        texts = [coding.code for coding in status.codings if coding.code] or list(status.texts)
        words = {text.strip().lower().replace(" ", "-") for text in texts}
    for word in known:
        if word in words:
            return word
    if words - {_UNKNOWN}:
        source.ignore(name, f"is none of: {', '.join(known)}")
    return None


def _recorded(source: Source, resource: Mapping[str, Json]) -> PartialDate | None:
    for name in _RECORDED:
        found = dates.date(source, resource.get(name), name)
        if found:
            return found
    for item in extensions(resource, "condition-assertedDate"):
        return dates.date(source, item.get("valueDateTime"), "extension")
    return None


def _abatement(source: Source, resource: Mapping[str, Json]) -> Span | None:
    found = dates.when(source, resource, "abatement")
    if found:
        return found
    if boolean(source, resource.get("abatementBoolean"), "abatementBoolean"):
        return Span()
    named = any(resource.get(f"abatement{kind}") for kind in ("Age", "Range", "String"))
    return Span() if named else None


def _stages(source: Source, resource: Mapping[str, Json]) -> tuple[Concept, ...]:
    found: list[Concept] = []
    for stage in objects(source, resource.get("stage"), "stage"):
        found += concepts(source, stage.get("summary"), "stage.summary")
        found += concepts(source, stage.get("type"), "stage.type")
        for item in items(stage.get("assessment")):
            words = item.get("display") if isinstance(item, dict) else None
            if isinstance(words, str) and words.strip():
                found.append(Concept(text=words))
    return tuple(found)


def _evidence(
    source: Source, resource: Mapping[str, Json]
) -> tuple[tuple[Concept, ...], tuple[str, ...]]:
    codes: list[Concept] = []
    refs: list[str] = []
    for item in objects(source, resource.get("evidence"), "evidence"):
        if "concept" in item or "reference" in item:  # R5
            more, targets = codeable_references(source, item, "evidence")
            codes += more
            refs += targets
        codes += concepts(source, item.get("code"), "evidence.code")
        refs += references(source, item.get("detail"), "evidence.detail")
    return tuple(codes), tuple(dict.fromkeys(refs))
