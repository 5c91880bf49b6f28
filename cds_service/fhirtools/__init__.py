"""Commands for people who meet a FHIR server: load charts, call as an EHR would, examine."""
