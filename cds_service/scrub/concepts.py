"""Codes and words: codes of known systems stay, a site's own become numbers."""

import re
from typing import Any

from cds_service.scrub.elements import allow_list
from cds_service.scrub.names import Names
from cds_service.scrub.text import Text
from cds_service.terminology import systems
from cds_service.terminology.systems import canonical_system, normal_code

Json = dict[str, Any]

#: What a code of a system looks like; what does not is no code, and may be anything.
_CODES = {
    systems.SNOMED: r"\d{6,18}",
    systems.LOINC: r"(?:LA|LP|LL)?\d{1,7}-\d",
    systems.RXNORM: r"\d{1,8}",
    systems.NCIT: r"C\d{3,7}",
    systems.ICD_10: r"[A-Z]\d[\dA-Z](?:\.?[\dA-Z]{1,4})?",
    systems.ICD_10_CM: r"[A-Z]\d[\dA-Z](?:\.?[\dA-Z]{1,4})?",
    systems.ICD_10_PCS: r"[\dA-Z]{7}",
    systems.ICD_11: r"[\dA-Z]{4,6}(?:\.[\dA-Z]{1,3})?(?:[&/][\dA-Z]{2,6}(?:\.[\dA-Z]{1,3})?)*",
    systems.ICD_11_ENTITY: r"\d{5,12}",
    systems.ICD_O: r"\d{4}/\d|[A-Z]\d\d(?:\.\d)?",
    systems.CPT: r"\d{4}[\dA-Z]",
    systems.MONDO: r"MONDO:\d{7}",
    systems.ORPHANET: r"\d{1,7}",
    systems.OMIM: r"\d{6}",
    systems.HGNC: r"HGNC:\d{1,6}",
    systems.UMLS: r"C\d{7}",
    systems.ATC: r"[A-Z]\d\d(?:[A-Z]{1,2}(?:\d\d)?)?",
}
_HL7 = re.compile(
    r"https?://(?:terminology\.)?hl7\.org/(?:fhir/)?[\w./-]{1,80}|"
    r"(?:urn:oid:)?2\.16\.840\.1\.113883\.(?:5|12)\.\d{1,6}"
)
_HL7_CODE = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,39}|\d{1,3}")


class Concepts:
    """Scrubs Codings."""

    def __init__(self, names: Names, text: Text) -> None:
        """Take the new names, and what scrubs words."""
        self._names = names
        self._text = text

    def coding(self, value: Json) -> Json | None:
        """Return a Coding with its code, if that is one, and its words."""
        found = self._code(value.get("system"), value.get("code"))
        display = value.get("display")
        if isinstance(display, str) and display.strip():
            is_coded = found.get("system") in _CODES
            found["display"] = self._text.label(display) if is_coded else self._text(display)
        return found or None

    def _code(self, system: object, code: object) -> Json:
        if isinstance(code, int) and not isinstance(code, bool):
            code = str(code)
        if not isinstance(code, str) or not code.strip():
            return {}
        if not isinstance(system, str) or not system.strip():
            return {"code": code} if _is_word(code) else {}
        canonical = canonical_system(system)
        pattern = _CODES.get(canonical)
        if pattern:
            plain = normal_code(canonical, code)[1]
            is_code = re.fullmatch(pattern, plain, re.IGNORECASE)
            return {"system": canonical, "code": plain} if is_code else {}
        if _HL7.fullmatch(canonical):
            is_code = _HL7_CODE.fullmatch(code.strip())
            return {"system": canonical, "code": code.strip()} if is_code else {}
        return {
            "system": self._names.numbered("urn:local:system", canonical),
            "code": self._names.numbered("local", f"{canonical} {code}"),
        }


def _is_word(code: str) -> bool:
    return re.sub(r"\s+", "-", code.strip().lower()) in allow_list().words
