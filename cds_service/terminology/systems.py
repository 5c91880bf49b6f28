"""Code systems under the many names that records give them, and the spelling of their codes."""

import re
from collections.abc import Callable
from functools import lru_cache, partial

SNOMED = "http://snomed.info/sct"
LOINC = "http://loinc.org"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
NCIT = "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl"
ICD_10 = "http://hl7.org/fhir/sid/icd-10"
ICD_10_CM = "http://hl7.org/fhir/sid/icd-10-cm"
ICD_10_PCS = "http://www.cms.gov/Medicare/Coding/ICD10"
ICD_11 = "http://id.who.int/icd/release/11/mms"
ICD_11_ENTITY = "http://id.who.int/icd/entity"
ICD_O = "http://terminology.hl7.org/CodeSystem/icd-o-3"
CPT = "http://www.ama-assn.org/go/cpt"
MONDO = "http://purl.obolibrary.org/obo/mondo.owl"
ORPHANET = "http://www.orpha.net"
OMIM = "http://www.omim.org"
HGNC = "http://www.genenames.org"
UMLS = "http://terminology.hl7.org/CodeSystem/umls"
ATC = "http://www.whocc.no/atc"

#: Longer systems and codes are no real ones; they must not fill the caches.
MAX_LENGTH = 500

_OIDS = {
    "2.16.840.1.113883.6.96": SNOMED,
    "2.16.840.1.113883.6.1": LOINC,
    "2.16.840.1.113883.6.88": RXNORM,
    "2.16.840.1.113883.3.26.1.1": NCIT,
    "2.16.840.1.113883.6.3": ICD_10,
    "2.16.840.1.113883.6.90": ICD_10_CM,
    "2.16.840.1.113883.6.4": ICD_10_PCS,
    "2.16.840.1.113883.6.347": ICD_11,
    "2.16.840.1.113883.6.43.1": ICD_O,
    "2.16.840.1.113883.6.12": CPT,
    "2.16.840.1.113883.6.174": OMIM,
    "2.16.840.1.113883.6.281": HGNC,
    "2.16.840.1.113883.6.86": UMLS,
    "2.16.840.1.113883.6.73": ATC,
}

#: Patterns over the address without scheme, "www.", version and trailing slash, in lower case.
_ADDRESSES = tuple(
    (re.compile(pattern), system)
    for pattern, system in (
        (r"snomed\.info/(sct|id)(/.*)?|snomed([ -]?ct)?|sct", SNOMED),
        (r"loinc(\.org)?", LOINC),
        (r"nlm\.nih\.gov/research/umls/rxnorm|rxnorm", RXNORM),
        (r"(ncicb|ncit|ncithesaurus(-stage)?|ncimeta)\.nci\.nih\.gov(/.*)?", NCIT),
        (r"purl\.obolibrary\.org/obo/ncit(\.owl)?|ncit?|nci thesaurus", NCIT),
        (r"hl7\.org/fhir/sid/icd-10-cm|icd-?10-?cm", ICD_10_CM),
        (r"hl7\.org/fhir/sid/icd-10-pcs|cms\.gov/medicare/coding/icd10|icd-?10-?pcs", ICD_10_PCS),
        (r"hl7\.org/fhir/sid/icd-10(-[a-z]{2})?|icd-?10(-?gm|-?who)?", ICD_10),
        (r"fhir\.de/codesystem/(bfarm|dimdi)/icd-10-gm|id\.who\.int/icd/release/10(/.*)?", ICD_10),
        (r"id\.who\.int/icd/entity", ICD_11_ENTITY),
        (r"id\.who\.int/icd/release/11(/.*)?|hl7\.org/fhir/sid/icd-11(-mms)?", ICD_11),
        (r"(terminology\.hl7\.org/codesystem|hl7\.org/fhir/sid)/icd-?o(-?3)?(-.*|/.*)?", ICD_O),
        (r"icd-?o-?3?", ICD_O),
        (r"ama-assn\.org/go/cpt|cpt", CPT),
        (r"(purl\.obolibrary\.org/obo|monarchinitiative\.org)(/mondo.*)?|mondo", MONDO),
        (r"orpha(\.net|data\.(org|com))(/.*)?|orpha(net)?", ORPHANET),
        (r"omim(\.org)?(/.*)?", OMIM),
        (r"genenames\.org(/.*)?|hgnc", HGNC),
        (r"(terminology\.hl7\.org/codesystem|nlm\.nih\.gov/research)/umls|umls", UMLS),
        (r"whocc\.no/atc(_ddd_index)?|atc", ATC),
    )
)


def canonical_system(uri: str) -> str:
    """Return the address by which the value sets know the code system ``uri``.

    OIDs, ``|version`` suffixes, editions, http or https, trailing slashes and common aliases
    fold into one; every national ICD-10 but ICD-10-CM is ICD-10. An unknown address is
    returned without its version.
    """
    return _canonical(uri) if len(uri) <= MAX_LENGTH else uri


@lru_cache(maxsize=4096)
def _canonical(uri: str) -> str:
    address = uri.strip().partition("|")[0]
    name = address.lower()
    if name.startswith("urn:oid:"):
        return _OIDS.get(name.removeprefix("urn:oid:"), address)
    if name in _OIDS:
        return _OIDS[name]
    name = name.removeprefix("https://").removeprefix("http://").removeprefix("www.").rstrip("/")
    for pattern, system in _ADDRESSES:
        if pattern.fullmatch(name):
            return system
    return address


def _icd(code: str) -> str:
    plain = re.sub(r"[\s.†*+!]", "", code.upper()).rstrip("-.")
    return f"{plain[:3]}.{plain[3:]}" if re.fullmatch(r"[A-Z]\d\w\w+", plain) else plain


def _icd_o(code: str) -> str:
    plain = re.sub(r"\s", "", code.upper())
    # The sixth digit of a morphology is the grade, which is no part of the histology.
    if match := re.fullmatch(r"M?-?(\d{4})/?(\d)\d?", plain):
        return f"{match[1]}/{match[2]}"
    return _icd(plain)


def _snomed(code: str) -> str:
    # An expression is what its focus concept is; refinements may speak of somebody else.
    match = re.match(r"\s*(\d{6,18})\s*(\|[^|]*\|)?\s*(:|$)", code)
    return match[1] if match else code.strip()


def _digits(code: str, prefix: str = "") -> str:
    match = re.search(r"(\d+)\s*$", code)
    return prefix + match[1] if match else code.strip()


def _mondo(code: str) -> str:
    match = re.search(r"(?:^|[:_/]|mondo)(\d{7})\s*$", code, re.IGNORECASE)
    return f"MONDO:{match[1]}" if match else code.strip()


def _ncit(code: str) -> str:
    return re.sub(r"^(NCIT?|NCIT_CODE)[:_]", "", code.strip().upper())


_SPELLING: dict[str, Callable[[str], str]] = {
    ICD_10: _icd,
    ICD_10_CM: _icd,
    ICD_O: _icd_o,
    SNOMED: _snomed,
    MONDO: _mondo,
    ORPHANET: _digits,
    OMIM: _digits,
    ICD_11_ENTITY: _digits,
    HGNC: partial(_digits, prefix="HGNC:"),
    NCIT: _ncit,
}


def normal_code(system: str, code: str) -> tuple[str, str]:
    """Return system and code as the index spells them, ICD-10 and its modifications as one."""
    spell = _SPELLING.get(system)
    plain = spell(code) if spell else code.strip().upper()
    if system == ICD_10_CM:
        return ICD_10, plain
    # The Metathesaurus, which is often given as the system, has UMLS concept ids.
    if system == NCIT and re.fullmatch(r"C\d{7}", plain):
        return UMLS, plain
    return system, plain
