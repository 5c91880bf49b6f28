"""DiagnosticReport: its texts, its codes, and where its specimens came from."""

from collections.abc import Mapping

from cds_service.chart import dates
from cds_service.chart.conditions import body_sites
from cds_service.chart.elements import (
    Find,
    Json,
    Source,
    codeable_references,
    concept,
    concepts,
    notes,
    objects,
    reference,
    references,
    string,
    token,
)
from cds_service.chart.texts import attachment, narrative
from cds_service.facts import Concept, Report

_DROPPED = {"entered-in-error": "was entered in error", "cancelled": "was cancelled"}
_STATUSES = frozenset(
    {"registered", "partial", "preliminary", "final", "amended", "corrected", "appended", "unknown"}
)


def read(source: Source, resource: Mapping[str, Json], *, find: Find, **_: object) -> Report | None:
    """Return the report; None (and a report of it) where it was cancelled or an error."""
    status = token(source, resource.get("status"), "status")
    if status in _DROPPED:
        source.drop(_DROPPED[status])
        return None
    if status == "modified":  # R5: changed before it was ever final
        status = "preliminary"
    elif status not in _STATUSES:
        source.ignore("status", "is missing or not a known status; read as unknown")
        status = "unknown"
    concluded, _linked = codeable_references(
        source, resource.get("conclusionCode"), "conclusionCode"
    )
    specimens = references(source, resource.get("specimen"), "specimen")
    return Report(
        reference=source.reference,
        notes=notes(source, resource.get("note"), "note"),
        status=status,
        code=concept(source, resource.get("code"), "code"),
        categories=concepts(source, resource.get("category"), "category"),
        effective=dates.moment(source, resource, "effective"),
        issued=dates.date(source, resource.get("issued"), "issued"),
        texts=_texts(source, resource, find),
        conclusion_codes=(
            *concluded,
            *concepts(source, resource.get("codedDiagnosis"), "codedDiagnosis"),
        ),
        results=references(source, resource.get("result"), "result"),
        specimens=specimens,
        specimen_sites=_sites(source, specimens, find),
        based_on=(
            *references(source, resource.get("basedOn"), "basedOn"),
            *references(source, resource.get("request"), "request"),
        ),
        identifiers=tuple(
            dict.fromkeys(
                value.strip()
                for item in objects(source, resource.get("identifier"), "identifier")
                if isinstance(value := item.get("value"), str) and value.strip()
            )
        ),
    )


def _texts(source: Source, resource: Mapping[str, Json], find: Find) -> tuple[str, ...]:
    found = [string(source, resource.get("conclusion"), "conclusion")]
    for item in objects(source, resource.get("presentedForm"), "presentedForm"):
        held = item
        if item.get("data") is None and isinstance(item.get("url"), str):
            target = reference(source, item["url"], "presentedForm.url")
            binary = find(target) if target else None
            held = {"contentType": item.get("contentType"), **binary} if binary else item
        found.append(attachment(source, held, "presentedForm"))
    if not any(found):
        found.append(narrative(source, resource.get("text"), "text"))
    return tuple(dict.fromkeys(text for text in found if text))


def _sites(source: Source, specimens: tuple[str, ...], find: Find) -> tuple[Concept, ...]:
    sites: list[Concept] = []
    for target in specimens:
        specimen = find(target)
        collection = specimen.get("collection") if specimen else None
        if isinstance(collection, dict):
            for name in ("bodySite", "bodySiteCodeableConcept"):
                sites += body_sites(source, collection.get(name), f"specimen.{name}")
    return tuple(dict.fromkeys(sites))
