from typing import Any

import pytest

from cds_service.protocol.context import PatientViewContext, ProblemListItemCreateContext
from cds_service.protocol.request import InvalidRequest


def where(context: Any, model: type = PatientViewContext) -> list[str]:
    """Return the places at which a context is refused."""
    with pytest.raises(InvalidRequest) as caught:
        model.read(context, at="context")
    return [problem.where for problem in caught.value.problems]


def test_patient_view(view: dict[str, Any]) -> None:
    """#39: the example of the patient-view page is read."""
    context = PatientViewContext.read(view["context"])
    assert (context.user_id, context.patient_id, context.encounter_id) == (
        "PractitionerRole/123",
        "1288992",
        None,
    )


@pytest.mark.parametrize("kind", ["Practitioner", "PractitionerRole", "Patient", "RelatedPerson"])
def test_users_of_patient_view(kind: str) -> None:
    """The page of patient-view allows four types of users."""
    assert PatientViewContext.read({"userId": f"{kind}/1", "patientId": "1"}).user_id == f"{kind}/1"


@pytest.mark.parametrize(
    "user", ["123", "practitioner/1", "Practitioner/", "Practitioner/1/2", "Device/1", 5, ""]
)
def test_wrong_users(user: object) -> None:
    """#39: a userId that is not Type/id of an allowed type is refused at its place."""
    assert where({"userId": user, "patientId": "1"}) == ["context.userId"]


def test_user_of_problem_list() -> None:
    """The page of problem-list-item-create expects clinicians."""
    context = {"userId": "Patient/1", "patientId": "1", "conditions": {"resourceType": "Bundle"}}
    assert where(context, ProblemListItemCreateContext) == ["context.userId"]


@pytest.mark.parametrize("patient", ["smart-1288992", "a.b", "A_1", "eM5CWtq15N0WJeuCet5bJlQ3|1"])
def test_patient_ids(patient: str) -> None:
    """Ids of real servers are taken, those outside FHIR's pattern included."""
    assert PatientViewContext.read({"userId": "Patient/1", "patientId": patient}).patient_id


@pytest.mark.parametrize("patient", ["Patient/1", "1/..", "..", "", " ", "1?a=b", "a&b", "a\n", 7])
def test_wrong_patient_ids(patient: object) -> None:
    """A patientId that is no bare id is refused: it would change the FHIR server's URL."""
    assert where({"userId": "Patient/1", "patientId": patient}) == ["context.patientId"]


def test_missing_fields() -> None:
    """#39: the required fields of the hook's table are named with their paths."""
    expected = ["context.userId", "context.patientId", "context.conditions"]
    assert where({}, ProblemListItemCreateContext) == expected


@pytest.mark.parametrize("encounter", ["Encounter/1", 7])
def test_wrong_encounter(encounter: object) -> None:
    """An encounterId is a bare id, too."""
    context = {"userId": "Patient/1", "patientId": "1", "encounterId": encounter}
    assert where(context) == ["context.encounterId"]


@pytest.mark.parametrize("entries", [{}, {"entry": None}, {"entry": []}, {"type": 3}])
def test_conditions_bundle(entry: dict[str, Any], entries: dict[str, Any]) -> None:
    """#42: the Bundle needs no type and no entries."""
    context = entry["context"] | {"conditions": {"resourceType": "Bundle"} | entries}
    assert ProblemListItemCreateContext.read(context).conditions["resourceType"] == "Bundle"


@pytest.mark.parametrize(
    "conditions",
    [[], "x", {}, {"resourceType": "Condition"}, {"resourceType": "Bundle", "entry": {}}, None],
)
def test_wrong_conditions(entry: dict[str, Any], conditions: object) -> None:
    """#39: anything but a Bundle is refused at context.conditions."""
    context = entry["context"] | {"conditions": conditions}
    assert where(context, ProblemListItemCreateContext) == ["context.conditions"]


def test_unknown_fields(view: dict[str, Any]) -> None:
    """#39: minor versions of a hook add fields; they are ignored."""
    context = view["context"] | {"future": 1, "extension": []}
    assert PatientViewContext.read(context) == PatientViewContext.read(view["context"])


def test_token_values(entry: dict[str, Any]) -> None:
    """#28: the tokens are the context's own and the one of the user's type."""
    assert ProblemListItemCreateContext.read(entry["context"]).token_values() == {
        "context.userId": "Practitioner/123",
        "context.patientId": "1288992",
        "context.encounterId": "89284",
        "userPractitionerId": "123",
    }
