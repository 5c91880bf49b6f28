"""Which FHIR version a server speaks, and what an older one calls the same thing."""

import re
from collections.abc import Mapping
from typing import Literal

from cds_service.chart.elements import Json

Version = Literal["DSTU2", "STU3", "R4", "R4B", "R5"]

#: The ballots of a version count as it.
_NUMBERS: tuple[tuple[str, Version], ...] = (
    (r"5|4\.[2456]", "R5"),
    (r"4\.[13]", "R4B"),
    (r"4|3\.[2-9]", "R4"),
    (r"3|1\.[1-9]", "STU3"),
    (r"1|0\.[45]", "DSTU2"),
)
_NAMES: Mapping[str, Version] = {
    "dstu2": "DSTU2",
    "r2": "DSTU2",
    "stu3": "STU3",
    "dstu3": "STU3",
    "r3": "STU3",
    "r4": "R4",
    "r4b": "R4B",
    "r5": "R5",
}
#: Searches that older versions have under other names, by resource type.
_OLDER: Mapping[Version, Mapping[str, tuple[str, ...]]] = {
    "DSTU2": {"ServiceRequest": ("ProcedureRequest", "DiagnosticOrder", "ReferralRequest")},
    "STU3": {"ServiceRequest": ("ProcedureRequest", "ReferralRequest")},
}


def version_of(text: Json) -> Version | None:
    """Return the version that "4.0.1", "R4" or "STU3" names; None where it names none."""
    if not isinstance(text, str):
        return None
    word = text.strip().lower().removeprefix("fhir").strip(" -")
    if word in _NAMES:
        return _NAMES[word]
    if not re.match(r"\d+(\.\d+)*", word):
        return None
    return next((name for pattern, name in _NUMBERS if re.match(pattern, word)), None)


def stated(statement: Json) -> Version | None:
    """Return the version of a CapabilityStatement (or Conformance, in DSTU2)."""
    return version_of(statement.get("fhirVersion")) if isinstance(statement, dict) else None


def names_in(version: Version | None, kind: str) -> tuple[str, ...]:
    """Return the resource types under which ``version`` has what R4 calls ``kind``."""
    return _OLDER.get(version, {}).get(kind, (kind,)) if version else (kind,)


def is_renamed(kind: str) -> bool:
    """Return whether an older version has ``kind`` under another name."""
    return any(kind in names for names in _OLDER.values())
