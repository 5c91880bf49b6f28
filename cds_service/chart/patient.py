"""Patient: birth, death, and the sex that examinations follow."""

from collections.abc import Mapping
from typing import Literal

from cds_service.chart import dates
from cds_service.chart.elements import (
    Json,
    Source,
    boolean,
    concept,
    extensions,
    items,
    kind_of,
    token,
)
from cds_service.facts import Patient

Sex = Literal["male", "female"]

#: From the most to the least specific; gender identity is none of them.
_SEX_EXTENSIONS = (
    "sexParameterForClinicalUse",
    "recordedSexOrGender",
    "us-core-sex",
    "us-core-birthsex",
)
_SEX_WORDS: dict[str, Sex] = {
    "male": "male",
    "m": "male",
    "male-typical": "male",
    "248153007": "male",
    "female": "female",
    "f": "female",
    "female-typical": "female",
    "248152002": "female",
}


def read(source: Source, resource: Mapping[str, Json], *, patient_id: str) -> Patient:
    """Return the patient."""
    return Patient(
        reference=source.reference,
        id=patient_id,
        birth=dates.date(source, resource.get("birthDate"), "birthDate"),
        gender=token(source, resource.get("gender"), "gender"),
        clinical_sex=_clinical_sex(source, resource),
        deceased=_deceased(source, resource),
    )


def _deceased(source: Source, resource: Mapping[str, Json]) -> bool:
    if boolean(source, resource.get("deceasedBoolean"), "deceasedBoolean"):
        return True
    day = resource.get("deceasedDateTime")
    if day is None:
        return False
    # A date that cannot be read is still a statement that there is one.
    dates.date(source, day, "deceasedDateTime")
    return isinstance(day, str) and bool(day.strip())


def _clinical_sex(source: Source, resource: Mapping[str, Json]) -> Sex | None:
    for name in _SEX_EXTENSIONS:
        words: set[str] = set()
        for item in extensions(resource, name):
            words |= _words(source, item, name)
        found = {_SEX_WORDS[word] for word in words if word in _SEX_WORDS}
        if len(found) == 1:
            return found.pop()
        if found:
            source.ignore(f"extension({name})", "gives two different values; none was used")
            return None
        if "specified" in words:
            # The record asks to look closer: the less specific elements must not answer.
            return None
    return None


def _words(source: Source, item: Mapping[str, Json], name: str) -> set[str]:
    found: set[str] = set()
    nested = [
        part
        for part in items(item.get("extension"))
        if isinstance(part, dict) and part.get("url") == "value"
    ]
    for holder in (item, *nested):
        for key in ("valueCode", "valueString"):
            value = holder.get(key)
            if isinstance(value, str):
                found.add(value.strip().lower())
            elif value is not None:
                source.ignore(f"extension({name})", f"is {kind_of(value)} where a code belongs")
        for key in ("valueCodeableConcept", "valueCoding"):
            coded = concept(source, holder.get(key), f"extension({name})")
            found |= {coding.code.lower() for coding in coded.codings if coding.code}
            if not coded.codings and coded.text:
                found.add(coded.text.strip().lower())
    return found
