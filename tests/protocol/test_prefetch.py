import pytest

from cds_service.protocol.prefetch import TemplateError, lint, resolve

TOKENS = frozenset({"userId", "patientId", "encounterId"})


@pytest.mark.parametrize(
    "template",
    [
        "Patient/{{context.patientId}}",
        "{{context.userId}}",
        "Practitioner/{{userPractitionerId}}",
        "Condition?patient={{context.patientId}}",
        "Observation?patient={{context.patientId}}&category=laboratory&_sort=-date",
    ],
)
def test_good_templates(template: str) -> None:
    """#25, #26, #28, #29: reads and type-level searches with the hook's tokens pass."""
    lint(template, tokens=TOKENS)


@pytest.mark.parametrize(
    "template",
    [
        "Patient/{{context.patient}}",
        "Patient/{{patientId}}",
        "Patient/{{context.conditions.entry}}",
        "Observation?patient={{context.patientId}}&date=gt{{today()}}",
        "Patient/{context.patientId}",
        "Patient/{{context.patientId}}}",
        "/Patient/{{context.patientId}}",
        "https://fhir.example.org/Patient/{{context.patientId}}",
        "Patient/{{context.patientId}}/Condition?x=1",
        "condition?patient={{context.patientId}}",
        "Patient",
        "Condition?date=gt2020&date=lt2021",
    ],
)
def test_bad_templates(template: str) -> None:
    """#25 to #30: what some client could not resolve is refused before it is published."""
    with pytest.raises(TemplateError, match=r"\{\{|template|search|read|parameter"):
        lint(template, tokens=TOKENS)


def test_resolve() -> None:
    """Tokens are filled, percent-encoded so that a value cannot change the query."""
    template = "Condition?patient={{context.patientId}}"
    assert resolve(template, {"context.patientId": "a|1&b"}) == "Condition?patient=a%7C1%26b"


def test_resolve_without_value() -> None:
    """A template whose token has no value cannot be asked for."""
    assert resolve("Encounter/{{context.encounterId}}", {"context.patientId": "1"}) is None
