"""Looking codes up: systems under other names, codes in other spellings."""

import pytest

from cds_service.terminology import Terminology, canonical_system, load

SNOMED = "http://snomed.info/sct"
ICD_10 = "http://hl7.org/fhir/sid/icd-10"
ICD_10_CM = "http://hl7.org/fhir/sid/icd-10-cm"
ICD_O = "http://terminology.hl7.org/CodeSystem/icd-o-3"
ICD_11 = "http://id.who.int/icd/release/11/mms"
MONDO = "http://purl.obolibrary.org/obo/mondo.owl"
NCIT = "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl"


@pytest.fixture(scope="module")
def terms() -> Terminology:
    """Return the value sets of the package."""
    return load()


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("urn:oid:2.16.840.1.113883.6.96", SNOMED),
        ("2.16.840.1.113883.6.96", SNOMED),
        ("http://snomed.info/sct|http://snomed.info/sct/731000124108", SNOMED),
        ("http://snomed.info/sct/731000124108/version/20240301", SNOMED),
        ("https://snomed.info/sct/", SNOMED),
        ("SNOMED CT", SNOMED),
        ("urn:oid:2.16.840.1.113883.6.90", ICD_10_CM),
        ("https://hl7.org/fhir/sid/icd-10-cm", ICD_10_CM),
        ("urn:oid:2.16.840.1.113883.6.3", ICD_10),
        ("http://fhir.de/CodeSystem/bfarm/icd-10-gm|2025", ICD_10),
        ("http://fhir.de/CodeSystem/dimdi/icd-10-gm", ICD_10),
        ("http://hl7.org/fhir/sid/icd-10-de", ICD_10),
        ("http://hl7.org/fhir/sid/icd-10-am", ICD_10),
        ("urn:oid:2.16.840.1.113883.6.4", "http://www.cms.gov/Medicare/Coding/ICD10"),
        ("http://hl7.org/fhir/sid/icd-10-pcs", "http://www.cms.gov/Medicare/Coding/ICD10"),
        ("urn:oid:2.16.840.1.113883.6.43.1", ICD_O),
        ("http://hl7.org/fhir/sid/icd-o-3", ICD_O),
        ("urn:oid:2.16.840.1.113883.6.1", "http://loinc.org"),
        ("https://loinc.org/", "http://loinc.org"),
        ("urn:oid:2.16.840.1.113883.6.88", "http://www.nlm.nih.gov/research/umls/rxnorm"),
        ("urn:oid:2.16.840.1.113883.6.12", "http://www.ama-assn.org/go/cpt"),
        ("urn:oid:2.16.840.1.113883.3.26.1.1", NCIT),
        ("http://ncithesaurus-stage.nci.nih.gov", NCIT),
        ("https://ncit.nci.nih.gov", NCIT),
        ("http://purl.obolibrary.org/obo/mondo.owl", MONDO),
        ("http://www.genenames.org/geneId", "http://www.genenames.org"),
        ("https://www.orpha.net/ORDO", "http://www.orpha.net"),
        ("http://id.who.int/icd/release/11/2024-01/mms", ICD_11),
        ("https://hospital.example.org/codes|3", "https://hospital.example.org/codes"),
        ("urn:oid:1.2.3", "urn:oid:1.2.3"),
    ],
)
def test_canonical_system(uri: str, expected: str) -> None:
    """OIDs, versions, editions, schemes and aliases fold into the value sets' address."""
    assert canonical_system(uri) == expected


@pytest.mark.parametrize(
    ("system", "code", "slug"),
    [
        (SNOMED, "254771006", "cutaneous-leiomyosarcoma"),
        (SNOMED, " 254771006 ", "cutaneous-leiomyosarcoma"),
        (SNOMED, "254771006|Cutaneous leiomyosarcoma|", "cutaneous-leiomyosarcoma"),
        (SNOMED, "443719001 : 363698007 = 39937001", "leiomyosarcoma"),
        (ICD_10, "C44.7", "skin-site"),
        (ICD_10_CM, "C44.792", "skin-site"),
        (ICD_10_CM, "c44792", "skin-site"),
        (ICD_10_CM, "C44.712", "skin-site"),
        ("http://fhir.de/CodeSystem/bfarm/icd-10-gm", "C44.7", "skin-site"),
        ("http://fhir.de/CodeSystem/bfarm/icd-10-gm", "C55", "leiomyosarcoma-excluded"),
        (ICD_10_CM, "D235", "benign-mimic"),
        (ICD_10_CM, "C79.2", "metastasis-to-skin"),
        (ICD_10_CM, "C79.2", "secondary-malignancy"),
        (ICD_O, "C445", "skin-site"),
        (ICD_O, "8890/3", "leiomyosarcoma"),
        (ICD_O, "M-8890/3", "leiomyosarcoma"),
        (ICD_O, "88903", "leiomyosarcoma"),
        (ICD_O, "8890/33", "leiomyosarcoma"),
        (ICD_11, "XH22N2", "cutaneous-leiomyosarcoma"),
        (ICD_11, "2C35&XH22N2", "cutaneous-leiomyosarcoma"),
        ("http://id.who.int/icd/entity", "1653448241", "cutaneous-leiomyosarcoma"),
        (MONDO, "MONDO:0003362", "cutaneous-leiomyosarcoma"),
        (MONDO, "MONDO_0003362", "cutaneous-leiomyosarcoma"),
        (MONDO, "0003362", "cutaneous-leiomyosarcoma"),
        (MONDO, "http://purl.obolibrary.org/obo/MONDO_0003362", "cutaneous-leiomyosarcoma"),
        (NCIT, "NCIT:C4484", "atypical-intradermal-smooth-muscle-neoplasm"),
        (NCIT, "C4484", "cutaneous-leiomyosarcoma"),
        ("http://ncimeta.nci.nih.gov", "C1708350", "hlrcc"),
        ("http://www.orpha.net", "ORPHA:523", "hlrcc"),
        ("http://www.omim.org", "OMIM:150800", "hlrcc"),
        ("http://www.genenames.org/geneId", "3700", "fh-gene"),
        ("http://loinc.org", "la6668-3", "pathogenic"),
        ("http://www.cms.gov/Medicare/Coding/ICD10", "0HBJXZX", "biopsy"),
        ("http://www.ama-assn.org/go/cpt", "11606", "excision"),
    ],
)
def test_codes_are_found(terms: Terminology, system: str, code: str, slug: str) -> None:
    """A listed code is found in every spelling, an ICD-10 code below a listed category, too."""
    assert slug in terms.sets_of(system, code)


@pytest.mark.parametrize(
    ("system", "code"),
    [
        (ICD_10, "C44"),
        (ICD_10, "C54"),
        (ICD_10_CM, "C4"),
        (SNOMED, "416471007 : 246090004 = 254771006"),
        (SNOMED, "443498003"),
        ("https://hospital.example.org/codes", "254771006"),
        (None, "254771006"),
        (SNOMED, None),
        ("", ""),
        (SNOMED, "2" * 100_000),
        (SNOMED * 10_000, "254771006"),
        (MONDO, "00033620"),
        ("http://www.ama-assn.org/go/cpt", "17311"),
    ],
)
def test_codes_are_not_found(terms: Terminology, system: str | None, code: str | None) -> None:
    """A category above a listed code, a refinement, and an unknown system prove nothing."""
    assert terms.sets_of(system, code) == frozenset()


def test_a_code_that_national_versions_use_otherwise(terms: Terminology) -> None:
    """C80.0 is disseminated disease in ICD-10-CM, and an unknown primary elsewhere."""
    assert "secondary-malignancy" in terms.sets_of(ICD_10_CM, "C80.0")
    assert terms.sets_of(ICD_10, "C80.0") == frozenset()
    assert terms.display(ICD_10, "C80.0") is None


def test_dermis_is_skin_and_subcutis_is_not(terms: Terminology) -> None:
    """The layers are told apart; ICD-O C49.1 covers deep tissue and is no subcutis."""
    assert terms.sets_of(SNOMED, "53534000") == {"skin-site", "dermis-site"}
    assert terms.sets_of(SNOMED, "71966008") == {"subcutis-site"}
    assert terms.sets_of(ICD_O, "C49.1") == {"soft-tissue-site"}


def test_display(terms: Terminology) -> None:
    """A listed code has its display; a CPT number never has one."""
    assert terms.display(SNOMED, "254771006") == "Cutaneous leiomyosarcoma (disorder)"
    assert terms.display("http://www.ama-assn.org/go/cpt", "11606") is None
    assert terms.display(None, None) is None


def test_value_sets_can_be_printed(terms: Terminology) -> None:
    """Every value set says what it is and what it holds."""
    value_set = terms.value_sets["dermis-site"]
    assert value_set.url == "https://cds-service.example.org/fhir/ValueSet/dermis-site"
    assert value_set.codes == ((SNOMED, "53534000", "Dermis"),)
    assert all(one.title and one.description and one.codes for one in terms.value_sets.values())


def test_loaded_once() -> None:
    """The value sets are read once per process."""
    assert load() is load()
