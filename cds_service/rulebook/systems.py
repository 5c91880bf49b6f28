"""Names of code systems, for readers."""

from cds_service.terminology import systems

NAMES = {
    systems.SNOMED: "SNOMED CT",
    systems.LOINC: "LOINC",
    systems.RXNORM: "RxNorm",
    systems.NCIT: "NCI Thesaurus",
    systems.ICD_10: "ICD-10",
    systems.ICD_10_CM: "ICD-10-CM",
    systems.ICD_10_PCS: "ICD-10-PCS",
    systems.ICD_11: "ICD-11",
    systems.ICD_11_ENTITY: "ICD-11 entity",
    systems.ICD_O: "ICD-O-3",
    systems.CPT: "CPT",
    systems.MONDO: "Mondo",
    systems.ORPHANET: "Orphanet",
    systems.OMIM: "OMIM",
    systems.HGNC: "HGNC",
    systems.UMLS: "UMLS",
    systems.ATC: "ATC",
}


def name(system: str) -> str:
    """Return the name of a code system, its address where it has none here."""
    return NAMES.get(system, system)
