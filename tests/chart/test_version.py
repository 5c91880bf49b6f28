"""The versions of FHIR: how servers write them, and what differs."""

import pytest

from cds_service.chart.version import is_renamed, names_in, stated, version_of


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("4.0.1", "R4"),
        ("4.0", "R4"),
        ("R4", "R4"),
        ("FHIR R4", "R4"),
        ("4.3.0", "R4B"),
        ("4.1.0", "R4B"),
        ("R4B", "R4B"),
        ("5.0.0", "R5"),
        ("r5", "R5"),
        ("4.6.0", "R5"),
        ("3.0.2", "STU3"),
        ("3.5.0", "R4"),
        ("STU3", "STU3"),
        ("DSTU3", "STU3"),
        ("1.0.2", "DSTU2"),
        ("DSTU2", "DSTU2"),
        ("latest", None),
        ("", None),
        (4, None),
        (None, None),
    ],
)
def test_version_of(text: object, version: str | None) -> None:
    """Numbers and names are understood; anything else is no version."""
    assert version_of(text) == version


def test_stated() -> None:
    """A CapabilityStatement says its version."""
    assert stated({"resourceType": "CapabilityStatement", "fhirVersion": "3.0.1"}) == "STU3"
    assert stated({}) is None
    assert stated([]) is None


def test_names() -> None:
    """A ServiceRequest is a ProcedureRequest or a ReferralRequest in STU3."""
    assert names_in("STU3", "ServiceRequest") == ("ProcedureRequest", "ReferralRequest")
    assert names_in("STU3", "Condition") == ("Condition",)
    assert names_in("R5", "ServiceRequest") == ("ServiceRequest",)
    assert names_in(None, "ServiceRequest") == ("ServiceRequest",)
    assert is_renamed("ServiceRequest")
    assert not is_renamed("Condition")
