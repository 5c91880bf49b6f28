"""Each kind of resource, in the shapes of DSTU2 to R5."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from cds_service.facts import (
    Chart,
    Coding,
    Component,
    Concept,
    FamilyCondition,
    PartialDate,
    Quantity,
    Span,
)

Read = Callable[..., Chart]
Make = Callable[..., dict[str, Any]]
DAY = PartialDate.of(dt.date(2026, 5, 20))


def text(words: str) -> dict[str, Any]:
    """Return a CodeableConcept of words."""
    return {"text": words}


def status(code: str) -> dict[str, Any]:
    """Return a CodeableConcept of one code."""
    return {"coding": [{"code": code}]}


def reasons_of(chart: Chart, effect: str = "dropped") -> list[tuple[str, str]]:
    """Return what was reported with this effect."""
    return [(issue.where, issue.reason) for issue in chart.issues if issue.effect == effect]


# --- Condition ---------------------------------------------------------------------------


def test_condition_of_r4(chart: Read, resource: Make) -> None:
    """Every element of an R4 Condition that is used is read."""
    found = chart(
        resource(
            "Condition",
            "c",
            code={"coding": [{"system": "http://snomed.info/sct", "code": "1", "display": "d"}]},
            clinicalStatus=status("active"),
            verificationStatus=status("confirmed"),
            category=[text("problem")],
            bodySite=[text("thigh")],
            onsetDateTime="2026-05",
            abatementDateTime="2026-06",
            recordedDate="2026-05-20",
            stage=[{"summary": text("IA"), "assessment": [{"display": "pT1"}]}],
            evidence=[{"code": [text("mass")], "detail": [{"reference": "DiagnosticReport/r"}]}],
            note=[{"text": "n"}],
        )
    ).conditions[0]
    assert found.reference == "Condition/c"
    assert found.code == Concept((Coding("http://snomed.info/sct", "1", "d"),))
    assert (found.clinical_status, found.verification) == ("active", "confirmed")
    assert found.categories == (Concept(text="problem"),)
    assert found.body_sites == (Concept(text="thigh"),)
    assert str(found.onset.start if found.onset else "") == "2026-05"
    assert found.abatement is not None
    assert found.recorded == DAY
    assert [stage.text for stage in found.stages] == ["IA", "pT1"]
    assert found.evidence == ("DiagnosticReport/r",)
    assert found.evidence_codes == (Concept(text="mass"),)
    assert found.notes == ("n",)
    assert not found.from_context


@pytest.mark.parametrize("name", ["recordedDate", "assertedDate", "dateRecorded", "dateAsserted"])
def test_condition_recorded_in_every_version(chart: Read, resource: Make, name: str) -> None:
    """The date of the record has another name in each version."""
    assert chart(resource("Condition", "c", **{name: "2026-05-20"})).conditions[0].recorded == DAY


def test_condition_of_older_versions(chart: Read) -> None:
    """DSTU2: patient for subject, statuses as codes, category once; STU3: stage as an object."""
    found = chart(
        {
            "resourceType": "Condition",
            "id": "c",
            "patient": {"reference": "Patient/p1"},
            "clinicalStatus": "Active",
            "verificationStatus": "provisional",
            "category": "problem-list-item",
            "stage": {"summary": text("IA")},
            "evidence": {"code": text("mass")},
            "notes": "n",
            "abatementBoolean": True,
        }
    )
    condition = found.conditions[0]
    assert (condition.clinical_status, condition.verification) == ("active", "provisional")
    assert condition.categories == (Concept(text="problem-list-item"),)
    assert condition.stages == (Concept(text="IA"),)
    assert condition.evidence_codes == (Concept(text="mass"),)
    assert condition.notes == ("n",)
    assert condition.abatement == Span()
    assert found.issues == ()


def test_condition_of_r5(chart: Read, resource: Make) -> None:
    """R5 evidence is a CodeableReference."""
    evidence = [{"concept": text("mass"), "reference": {"reference": "DiagnosticReport/r"}}]
    found = chart(resource("Condition", "c", evidence=evidence)).conditions[0]
    assert found.evidence == ("DiagnosticReport/r",)
    assert found.evidence_codes == (Concept(text="mass"),)


@pytest.mark.parametrize(
    "url",
    [
        "http://hl7.org/fhir/us/mcode/StructureDefinition/mcode-histology-morphology-behavior",
        "http://hl7.org/fhir/us/mcode/StructureDefinition/onco-core-HistologyMorphologyBehavior-extension",
    ],
)
def test_condition_morphology(chart: Read, resource: Make, url: str) -> None:
    """The histology of mCODE is read, whichever its release."""
    extension = [{"url": url, "valueCodeableConcept": text("leiomyosarcoma")}]
    found = chart(resource("Condition", "c", extension=extension)).conditions[0]
    assert found.morphology == (Concept(text="leiomyosarcoma"),)


def test_condition_laterality(chart: Read, resource: Make) -> None:
    """The side that mCODE hangs on a body site belongs to that site."""
    url = "http://hl7.org/fhir/us/mcode/StructureDefinition/mcode-laterality-qualifier"
    side = {"coding": [{"code": "7771000", "display": "Left"}]}
    site = {"text": "thigh", "extension": [{"url": url, "valueCodeableConcept": side}]}
    found = chart(resource("Condition", "c", bodySite=[site])).conditions[0]
    assert found.body_sites == (Concept((Coding(None, "7771000", "Left"),), "thigh"),)


def test_condition_refuted_and_error(chart: Read, resource: Make) -> None:
    """A refuted condition speaks against others; one entered in error is dropped."""
    found = chart(
        resource("Condition", "a", verificationStatus=status("refuted")),
        resource("Condition", "b", verificationStatus=status("entered-in-error")),
        resource("Condition", "c", verificationStatus="Entered in Error"),
    )
    assert [condition.reference for condition in found.refuted] == ["Condition/a"]
    assert found.conditions == ()
    assert [where for where, _ in reasons_of(found)] == ["Condition/b", "Condition/c"]


def test_condition_with_two_verifications_takes_the_cautious_one(
    chart: Read, resource: Make
) -> None:
    """Of contradicting codes the one that claims least counts."""
    both = {"coding": [{"code": "confirmed"}, {"code": "differential"}]}
    found = chart(resource("Condition", "c", verificationStatus=both))
    assert found.conditions[0].verification == "differential"


def test_condition_of_the_future_is_kept(chart: Read, resource: Make) -> None:
    """A diagnosis that is dated after today is still a diagnosis."""
    assert chart(resource("Condition", "c", recordedDate="2027-01-01")).conditions


def test_condition_onset_age(chart: Read, resource: Make) -> None:
    """An onset that is an age is completed years; words are kept as a note."""
    aged = resource("Condition", "a", onsetAge={"value": 35.9, "code": "a"})
    said = resource("Condition", "b", onsetString="in childhood")
    first, second = chart(aged, said).conditions
    assert first.onset_age == 35
    assert second.notes == ("Onset: in childhood",)


# --- Procedure ---------------------------------------------------------------------------


def test_procedure_of_r4(chart: Read, resource: Make) -> None:
    """Every element of an R4 Procedure that is used is read."""
    found = chart(
        resource(
            "Procedure",
            "x",
            status="completed",
            code=text("excision"),
            category=text("surgery"),
            performedPeriod={"start": "2026-05-20T10:00:00Z", "end": "2026-05-20T11:00:00Z"},
            bodySite=[text("thigh")],
            reasonCode=[text("sarcoma")],
            reasonReference=[{"reference": "Condition/c"}],
            report=[{"reference": "DiagnosticReport/r"}],
            outcome=text("complete"),
            note=[{"text": "n"}],
            extension=[
                {
                    "url": "http://x/mcode-radiotherapy-modality-and-technique",
                    "extension": [{"url": "modality", "valueCodeableConcept": text("photons")}],
                }
            ],
        )
    ).procedures[0]
    assert found.performed == Span(DAY, DAY)
    assert found.categories == (Concept(text="surgery"),)
    assert found.reasons == (Concept(text="sarcoma"),)
    assert found.reason_references == ("Condition/c",)
    assert found.reports == ("DiagnosticReport/r",)
    assert found.outcome == Concept(text="complete")
    assert found.extension_concepts == (Concept(text="photons"),)


def test_procedure_of_r5(chart: Read, resource: Make) -> None:
    """R5: occurrence, several categories, reasons as CodeableReferences."""
    found = chart(
        resource(
            "Procedure",
            "x",
            status="completed",
            category=[text("a"), text("b")],
            occurrenceDateTime="2026-05-20",
            reason=[{"concept": text("sarcoma")}, {"reference": {"reference": "Condition/c"}}],
        )
    ).procedures[0]
    assert found.performed == Span(DAY, DAY)
    assert len(found.categories) == 2
    assert found.reasons == (Concept(text="sarcoma"),)
    assert found.reason_references == ("Condition/c",)


@pytest.mark.parametrize(
    "elements",
    [
        {"status": "not-done", "statusReason": {"text": "declined"}},
        {"status": "completed", "notDone": True, "notDoneReason": {"text": "declined"}},
        {"status": "aborted", "notPerformed": True, "reasonNotPerformed": [{"text": "declined"}]},
    ],
)
def test_procedure_not_done_stays_visible(
    chart: Read, resource: Make, elements: dict[str, Any]
) -> None:
    """What was not done is listed apart, with its reason, in every version."""
    found = chart(resource("Procedure", "x", **elements))
    assert found.procedures == ()
    assert found.not_done[0].status_reason == Concept(text="declined")


@pytest.mark.parametrize(
    "value",
    [
        *("preparation", "in-progress", "on-hold", "stopped", "aborted", "suspended", "unknown"),
        *("entered-in-error", "planned", None, 5, ""),
    ],
)
def test_procedure_that_was_not_completed_is_dropped(
    chart: Read, resource: Make, value: Any
) -> None:
    """Only "completed" says that something was done."""
    found = chart(resource("Procedure", "x", status=value))
    assert (found.procedures, found.not_done) == ((), ())
    assert [where for where, _ in reasons_of(found)] == ["Procedure/x"]


@pytest.mark.parametrize(
    "performed",
    [
        {"performedDateTime": "2026-12-02"},
        {"performedDateTime": "2027"},
        {"performedDateTime": "9999-12-31"},
        {"performedPeriod": {"start": "2026-12-02"}},
        {"performedPeriod": {"end": "2027-01"}},
        {"occurrencePeriod": {"start": "9999-12-31"}},
    ],
)
def test_procedure_of_the_future_is_dropped(
    chart: Read, resource: Make, performed: dict[str, Any]
) -> None:
    """A procedure cannot have been completed after today."""
    found = chart(resource("Procedure", "x", status="completed", **performed))
    assert found.procedures == ()
    assert ("Procedure/x", "is dated after today") in reasons_of(found)


@pytest.mark.parametrize("value", ["2026-12-01", "2026-12", "2026"])
def test_procedure_that_may_be_past_is_kept(chart: Read, resource: Make, value: str) -> None:
    """Today, this month and this year may be past."""
    assert chart(resource("Procedure", "x", status="completed", performedDateTime=value)).procedures


# --- Observation -------------------------------------------------------------------------


def test_observation(chart: Read, resource: Make) -> None:
    """Value, components, method and relations of an Observation are read."""
    found = chart(
        resource(
            "Observation",
            "o",
            status="final",
            code=text("margin"),
            valueQuantity={"value": 11, "unit": "mm"},
            component=[{"code": text("a"), "valueString": "b"}, {"code": text("none")}],
            interpretation=text("high"),
            effectivePeriod={"start": "2026-05-20"},
            issued="2026-05-20T10:00:00Z",
            bodySite=text("thigh"),
            method=text("m"),
            focus=[{"reference": "Condition/c"}],
            hasMember=[{"reference": "Observation/m"}],
            derivedFrom=[{"reference": "Observation/d"}],
            specimen={"reference": "Specimen/s"},
            note=[{"text": "n"}],
        )
    ).observations[0]
    assert found.value == Quantity(11.0, "mm")
    assert found.components == (
        Component(code=Concept(text="a"), value="b"),
        Component(code=Concept(text="none")),
    )
    assert found.interpretations == (Concept(text="high"),)
    assert (found.effective, found.issued) == (DAY, DAY)
    assert (found.focus, found.members, found.derived_from, found.specimen) == (
        ("Condition/c",),
        ("Observation/m",),
        ("Observation/d",),
        "Specimen/s",
    )


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        ({"valueCodeableConcept": {"text": "clear"}}, Concept(text="clear")),
        ({"valueString": "clear"}, "clear"),
        ({"valueBoolean": False}, False),
        ({"valueInteger": 2}, 2.0),
        ({"valueDateTime": "2026-05-20"}, DAY),
        ({"valueRange": {"low": {"value": 1}, "high": {"value": 2, "unit": "mm"}}}, "1-2 mm"),
        ({"valueRange": {"low": {"value": 1, "unit": "mm"}}}, Quantity(1.0, "mm", ">=")),
        ({"valueRange": {"high": {"value": 1, "unit": "mm"}}}, Quantity(1.0, "mm", "<=")),
        ({"value": {"value": 3, "unit": "mm"}}, Quantity(3.0, "mm")),
        ({"valueSampledData": {}}, None),
        ({}, None),
    ],
)
def test_observation_value(chart: Read, resource: Make, element: Any, expected: Any) -> None:
    """Every type of value that can matter is read."""
    found = chart(resource("Observation", "o", status="final", **element)).observations[0]
    assert found.value == expected


def test_observation_of_older_versions(chart: Read, resource: Make) -> None:
    """DSTU2 and STU3: comments, one interpretation, related."""
    related = [
        {"type": "has-member", "target": {"reference": "Observation/m"}},
        {"type": "derived-from", "target": {"reference": "Observation/d"}},
    ]
    found = chart(
        resource("Observation", "o", status="final", comments="a", comment="b", related=related)
    ).observations[0]
    assert found.notes == ("b", "a")
    assert (found.members, found.derived_from) == (("Observation/m",), ("Observation/d",))


def test_observation_with_names_of_several_versions(chart: Read, resource: Make) -> None:
    """What stands under an old and a new name is read from both, each once."""
    member, other = ({"reference": f"Observation/{name}"} for name in "mn")
    found = chart(
        resource(
            "Observation",
            "o",
            status="final",
            comment="b",
            note=[{"text": "a"}],
            hasMember=[member],
            related=[{"target": member}, {"target": other}, {"type": "has-member"}],
        )
    ).observations[0]
    assert found.notes == ("a", "b")
    assert found.members == ("Observation/m", "Observation/n")
    assert found.derived_from == ()


@pytest.mark.parametrize("kind", ["Observation", "DiagnosticReport"])
@pytest.mark.parametrize("value", ["cancelled", "entered-in-error"])
def test_cancelled_findings_are_dropped(chart: Read, resource: Make, kind: str, value: str) -> None:
    """What was cancelled or an error is no finding."""
    found = chart(resource(kind, "o", status=value))
    assert (found.observations, found.reports) == ((), ())
    assert [where for where, _ in reasons_of(found)] == [f"{kind}/o"]


# --- DiagnosticReport ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("final", "final"),
        ("Corrected", "corrected"),
        ("preliminary", "preliminary"),
        ("registered", "registered"),
        ("partial", "partial"),
        ("modified", "preliminary"),
        (None, "unknown"),
        ("released", "unknown"),
    ],
)
def test_report_status(chart: Read, resource: Make, value: Any, expected: str) -> None:
    """A report keeps its status; an unknown one never counts as final."""
    assert chart(resource("DiagnosticReport", "r", status=value)).reports[0].status == expected


def test_report_specimens(chart: Read, resource: Make) -> None:
    """Sites come from specimens that are contained or in the data, and nobody else's."""
    contained = {
        "resourceType": "Specimen",
        "id": "s",
        "collection": {"bodySite": text("contained site")},
    }
    found = chart(
        resource("Specimen", "mine", collection={"bodySite": {"concept": text("R5 site")}}),
        resource("Specimen", "old", collection={"bodySiteCodeableConcept": text("DSTU2 site")}),
        {
            "resourceType": "Specimen",
            "id": "theirs",
            "subject": {"reference": "Patient/p2"},
            "collection": {"bodySite": text("their site")},
        },
        resource(
            "DiagnosticReport",
            "r",
            status="final",
            contained=[contained],
            specimen=[
                {"reference": f"{name}"}
                for name in (
                    "#s",
                    "Specimen/mine",
                    "Specimen/old",
                    "Specimen/theirs",
                    "Specimen/no",
                )
            ],
        ),
    ).reports[0]
    sites = [site.text for site in found.specimen_sites]
    assert sites == ["contained site", "R5 site", "DSTU2 site"]
    assert found.specimens[0] == "DiagnosticReport/r#s"


def test_report_conclusion_codes(chart: Read, resource: Make) -> None:
    """R4 conclusionCode, R5 CodeableReferences and the older codedDiagnosis are one."""
    found = chart(
        resource(
            "DiagnosticReport",
            "r",
            status="final",
            conclusionCode=[text("a"), {"concept": text("b")}],
            codedDiagnosis=[text("c")],
            identifier=[{"value": "L-1"}, {"value": 5}],
            basedOn=[{"reference": "ServiceRequest/s"}],
        )
    ).reports[0]
    assert [code.text for code in found.conclusion_codes] == ["a", "b", "c"]
    assert found.identifiers == ("L-1",)
    assert found.based_on == ("ServiceRequest/s",)


# --- the others ------------------------------------------------------------------------------


def test_relative(chart: Read, resource: Make) -> None:
    """A relative has conditions with ages, words or dates of onset."""
    found = chart(
        resource(
            "FamilyMemberHistory",
            "f",
            status="completed",
            relationship=text("mother"),
            bornPeriod={"start": "1950-01-01", "end": "1950-12-31"},
            condition=[
                {"code": text("a"), "onsetAge": {"value": 38, "unit": "a", "code": "a"}},
                {"code": text("b"), "onsetString": "young", "note": [{"text": "n"}]},
                {
                    "code": text("c"),
                    "onsetPeriod": {"start": "1990-06"},
                    "contributedToDeath": True,
                },
            ],
        )
    ).relatives[0]
    assert found.relationship == Concept(text="mother")
    assert found.conditions == (
        FamilyCondition(code=Concept(text="a"), onset_age=38.0),
        FamilyCondition(code=Concept(text="b"), onset_text="young", notes=("n",)),
        FamilyCondition(code=Concept(text="c"), onset_age=40.0, deceased_of=True),
    )


def test_conditions_in_a_family_history_are_the_relatives(chart: Read, resource: Make) -> None:
    """A Condition that a family history contains is never the patient's."""
    inner = {"resourceType": "Condition", "id": "c", "code": text("leiomyosarcoma of skin")}
    found = chart(resource("FamilyMemberHistory", "f", status="completed", contained=[inner]))
    assert found.conditions == ()
    assert len(found.relatives) == 1


def test_family_history_entered_in_error(chart: Read, resource: Make) -> None:
    """A family history that was an error is dropped."""
    assert chart(resource("FamilyMemberHistory", "f", status="entered-in-error")).relatives == ()


@pytest.mark.parametrize(
    "order",
    [
        {"resourceType": "ServiceRequest", "code": {"text": "excise"}, "authoredOn": "2026-05-20"},
        {
            "resourceType": "ServiceRequest",
            "code": {"concept": {"text": "excise"}},
            "authoredOn": "2026-05-20",
        },
        {"resourceType": "ProcedureRequest", "code": {"text": "excise"}, "orderedOn": "2026-05-20"},
        {"resourceType": "ReferralRequest", "type": {"text": "excise"}, "date": "2026-05-20"},
        {
            "resourceType": "MedicationRequest",
            "medicationCodeableConcept": {"text": "excise"},
            "authoredOn": "2026-05-20",
        },
        {
            "resourceType": "MedicationRequest",
            "medicationReference": {"reference": "#m"},
            "contained": [{"resourceType": "Medication", "id": "m", "code": {"text": "excise"}}],
            "authoredOn": "2026-05-20",
        },
        {
            "resourceType": "MedicationOrder",
            "medicationCodeableConcept": {"text": "excise"},
            "dateWritten": "2026-05-20",
        },
    ],
)
def test_order_of_any_version(chart: Read, order: dict[str, Any]) -> None:
    """Requests of every version are orders."""
    raw = {"id": "o", "subject": {"reference": "Patient/p1"}, "status": "draft", **order}
    found = chart(raw).orders[0]
    assert found.code == Concept(text="excise")
    assert found.authored == DAY
    assert found.status == "draft"


@pytest.mark.parametrize("element", [{"status": "entered-in-error"}, {"doNotPerform": True}])
def test_order_that_orders_nothing_is_dropped(chart: Read, resource: Make, element: Any) -> None:
    """An error, or an order not to do something, is no order."""
    assert chart(resource("ServiceRequest", "o", **element)).orders == ()


@pytest.mark.parametrize(
    "elements",
    [
        {
            "status": "finished",
            "reasonCode": [{"text": "follow-up"}],
            "reasonReference": [{"reference": "Condition/c"}],
            "period": {"start": "2026-05-20"},
        },
        {
            "status": "finished",
            "reason": [{"text": "follow-up"}],
            "diagnosis": [{"condition": {"reference": "Condition/c"}}],
            "period": {"start": "2026-05-20"},
        },
        {
            "status": "finished",
            "reason": {"text": "follow-up"},
            "indication": [{"reference": "Condition/c"}],
            "period": {"start": "2026-05-20"},
        },
        {
            "status": "completed",
            "reason": [
                {
                    "value": [
                        {"concept": {"text": "follow-up"}},
                        {"reference": {"reference": "Condition/c"}},
                    ]
                }
            ],
            "actualPeriod": {"start": "2026-05-20"},
        },
    ],
    ids=["R4", "STU3", "DSTU2", "R5"],
)
def test_visit_of_any_version(chart: Read, resource: Make, elements: dict[str, Any]) -> None:
    """A visit has its reasons, its Condition and its period in every version."""
    found = chart(resource("Encounter", "e", type=[text("visit")], **elements)).visits[0]
    assert found.status == "finished"
    assert found.types == (Concept(text="visit"),)
    assert found.reasons == (Concept(text="follow-up"),)
    assert found.reason_references == ("Condition/c",)
    assert found.period == Span(DAY)


# --- Patient -----------------------------------------------------------------------------

EXTENSION = "http://hl7.org/fhir/StructureDefinition/"
CORE = "http://hl7.org/fhir/us/core/StructureDefinition/"


def nested(url: str, code: str) -> dict[str, Any]:
    """Return an extension that has its value in a nested one."""
    return {"url": url, "extension": [{"url": "value", "valueCodeableConcept": status(code)}]}


SPCU = f"{EXTENSION}patient-sexParameterForClinicalUse"
RSG = f"{EXTENSION}individual-recordedSexOrGender"


@pytest.mark.parametrize(
    ("extensions", "expected"),
    [
        ([nested(SPCU, "female-typical")], "female"),
        ([nested(f"{EXTENSION}individual-sexParameterForClinicalUse", "male-typical")], "male"),
        ([nested(RSG, "F")], "female"),
        ([{"url": f"{CORE}us-core-birthsex", "valueCode": "F"}], "female"),
        ([{"url": f"{CORE}us-core-sex", "valueCode": "248153007"}], "male"),
        ([{"url": f"{CORE}us-core-birthsex", "valueCode": "UNK"}], None),
        ([nested(RSG, "male"), nested(SPCU, "female-typical")], "female"),
        ([nested(SPCU, "specified"), nested(RSG, "male")], None),
        ([nested(SPCU, "unknown"), nested(RSG, "male")], "male"),
        ([nested(RSG, "male"), nested(RSG, "female")], None),
        ([nested(f"{EXTENSION}individual-genderIdentity", "female")], None),
        ([nested(f"{CORE}us-core-genderIdentity", "female")], None),
        ([5, {"url": SPCU, "extension": 5}], None),
    ],
)
def test_clinical_sex(chart: Read, extensions: list[Any], expected: str | None) -> None:
    """Sex for clinical use comes before recorded sex; gender identity is never used."""
    patient = {
        "resourceType": "Patient",
        "id": "p1",
        "gender": "Male",
        "extension": extensions,
    }
    found = chart(patient=patient).patient
    assert found.clinical_sex == expected
    assert found.gender == "male"


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({}, False),
        ({"deceasedBoolean": False}, False),
        ({"deceasedBoolean": True}, True),
        ({"deceasedBoolean": "true"}, True),
        ({"deceasedDateTime": "2026-05"}, True),
        ({"deceasedDateTime": "last spring"}, True),
        ({"deceasedDateTime": 5}, False),
    ],
)
def test_deceased(chart: Read, elements: dict[str, Any], expected: bool) -> None:  # noqa: FBT001
    """deceased[x] alone decides; a date that cannot be read is still a death."""
    patient = {"resourceType": "Patient", "id": "p1", **elements}
    assert chart(patient=patient).patient.deceased is expected
