import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cds_service import hooks
from cds_service.clinical.plan import TOPICS, Advice, Fact, Plan, State, Topic, TopicAdvice
from cds_service.errors import BadRequest
from cds_service.facts import Chart, Condition, Patient
from cds_service.hooks.base import PREFETCH, Call, HookService, Selection
from cds_service.protocol.prefetch import TemplateError

SERVICES = {service.hook: service for service in hooks.services()}
ENTRY = SERVICES["problem-list-item-create"]
VIEW = SERVICES["patient-view"]
TRIGGER = "com.epic.cdshooks.request.bpa-trigger-action"


def topic(name: Topic, state: State, *references: str) -> TopicAdvice:
    """Return an advice that rests on the records of ``references``."""
    facts = tuple(Fact(reference, "diagnosis") for reference in references)
    part = Advice(topic=name, state=state, rule="test", facts=facts)
    return TopicAdvice(topic=name, state=state, indicator="info", parts=(part,))


def plan(states: dict[Topic, State], *references: str) -> Plan:
    """Return a plan with these states, silent elsewhere."""
    advice = tuple(topic(name, states.get(name, "silent"), *references) for name in TOPICS)
    return Plan(today=dt.date(2026, 12, 1), advice=advice)


def chart(*entered: str) -> Chart:
    """Return a chart of two conditions, those of ``entered`` from the hook's context."""
    conditions = tuple(
        Condition(reference=reference, from_context=reference in entered)
        for reference in ("Condition/new", "Condition/old")
    )
    return Chart(patient=Patient(reference="Patient/1", id="1"), conditions=conditions)


@pytest.fixture
def view_call(view: dict[str, Any]) -> Callable[..., Call]:
    """Return a maker of patient-view calls with an extension."""

    def make(**extension: object) -> Call:
        return VIEW.read(view | {"extension": extension})

    return make


def topics(selection: Selection) -> list[str]:
    """Return the topics that a selection shows."""
    return [advice.topic for advice in selection.shown]


def test_every_module_is_a_service() -> None:
    """Adding a hook is adding a file: each module with a SERVICE is found."""
    assert [service.id for service in hooks.services()] == [
        "cutaneous-leiomyosarcoma-order-select",
        "cutaneous-leiomyosarcoma-order-sign",
        "cutaneous-leiomyosarcoma-patient-view",
        "cutaneous-leiomyosarcoma-problem-list-item-create",
    ]


@pytest.mark.parametrize(
    ("hook", "version"),
    [
        ("order-select", "1.0"),
        ("order-sign", "1.0"),
        ("patient-view", "1.0"),
        ("problem-list-item-create", "0.1.0"),
    ],
)
def test_entries(hook: str, version: str) -> None:
    """#12 to #16: the discovery entry names hook, version, keys and what the service needs."""
    entry = SERVICES[hook].entry.to_json()
    assert (entry["hook"], entry["hookVersion"], entry["version"]) == (hook, version, "3.0.0")
    assert list(entry["prefetch"]) == [
        "patient",
        "conditions",
        "procedures",
        "observations",
        "reports",
        "familyHistory",
        "orders",
        "encounters",
    ]
    assert all(entry[name] for name in ("title", "description", "usageRequirements"))


def test_documentation() -> None:
    """docs/integrate.md names every service and every prefetch template."""
    page = (Path(__file__).parents[2] / "docs" / "integrate.md").read_text(encoding="utf-8")
    for service in hooks.services():
        assert f"POST /cds-services/{service.id}" in page
        for key, template in service.prefetch.items():
            required = "yes" if key in service.required else ""
            assert f"| `{key}` | `{template}` | {required}".rstrip() in page


def test_templates_are_linted() -> None:
    """A hook with a template that clients cannot resolve cannot be built."""
    with pytest.raises(TemplateError):
        replace(VIEW, prefetch=PREFETCH | {"orders": "ServiceRequest?x={{context.selections}}"})


def test_entry_shows_what_rests_on_the_new_problem(entry: dict[str, Any]) -> None:
    """Every state but silent is shown, in card order, if the new condition takes part."""
    states: dict[Topic, State] = {"surveillance": "inform", "margin": "done", "hlrcc": "withheld"}
    shown = ENTRY.select(plan(states, "Condition/new"), chart("Condition/new"), ENTRY.read(entry))
    assert topics(shown) == ["margin", "surveillance", "hlrcc"]


def test_entry_of_another_problem(entry: dict[str, Any]) -> None:
    """Advice that rests on an older condition alone is not shown at an unrelated entry."""
    states: dict[Topic, State] = {"margin": "act"}
    shown = ENTRY.select(plan(states, "Condition/old"), chart("Condition/new"), ENTRY.read(entry))
    assert shown == Selection()


def test_entry_shows_all(entry: dict[str, Any]) -> None:
    """The entry of a diagnosis is a question: no card is cut."""
    states: dict[Topic, State] = dict.fromkeys(TOPICS, "act")
    shown = ENTRY.select(plan(states, "Condition/new"), chart("Condition/new"), ENTRY.read(entry))
    assert topics(shown) == list(TOPICS)


def test_view_shows_what_is_to_be_done(view_call: Callable[..., Call]) -> None:
    """Opening a chart shows only the advice in state act."""
    states: dict[Topic, State] = {
        "margin": "inform",
        "radiation": "act",
        "surveillance": "withheld",
        "hlrcc": "done",
    }
    assert topics(VIEW.select(plan(states), chart(), view_call())) == ["radiation"]


def test_view_cuts_the_last(view_call: Callable[..., Call]) -> None:
    """At most three cards are shown at the opening of a chart; the rest is named."""
    states: dict[Topic, State] = dict.fromkeys(TOPICS, "act")
    shown = VIEW.select(plan(states), chart(), view_call())
    assert topics(shown) == ["diagnosis", "margin", "radiation"]
    assert shown.cut == ("systemic-therapy", "surveillance", "hlrcc")


@pytest.mark.parametrize("action", [6, 7, "6", "7"])
def test_epic_entry(view_call: Callable[..., Call], action: object) -> None:
    """Epic's diagnosis entry through patient-view shows every state, for the whole chart."""
    states: dict[Topic, State] = {"margin": "done", "surveillance": "inform"}
    call = view_call(**{TRIGGER: action})
    assert topics(VIEW.select(plan(states), chart(), call)) == ["margin", "surveillance"]


@pytest.mark.parametrize("action", [5, 60, "18", None, [], {"a": 6}, True])
def test_epic_other_actions(view_call: Callable[..., Call], action: object) -> None:
    """Every other action of Epic is the opening of a chart."""
    states: dict[Topic, State] = {"margin": "done", "surveillance": "inform"}
    assert VIEW.select(plan(states), chart(), view_call(**{TRIGGER: action})) == Selection()


@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
def test_hook_of_another_service(service: HookService, view: dict[str, Any]) -> None:
    """#35: a hook that is not the service's is refused at hook."""
    with pytest.raises(BadRequest, match=service.hook) as caught:
        service.read(view | {"hook": "order-dispatch"})
    assert caught.value.where == "hook"


@pytest.mark.parametrize(("patient", "accepted"), [("1288992", True), ("2", False)])
def test_token_of_another_patient(view: dict[str, Any], patient: str, *, accepted: bool) -> None:
    """#69: a token for another patient than the context's is refused."""
    token = {
        "access_token": "t",
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": "patient/*.rs",
        "subject": "s",
        "patient": patient,
    }
    body = view | {"fhirServer": "https://fhir.example.org", "fhirAuthorization": token}
    if accepted:
        assert VIEW.read(body).context.patient_id == "1288992"
        return
    with pytest.raises(BadRequest) as caught:
        VIEW.read(body)
    assert caught.value.where == "fhirAuthorization.patient"
