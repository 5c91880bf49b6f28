import base64
import json
import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class

from cds_service import rulebook, terminology
from cds_service.protocol.resource import resource_json
from cds_service.rulebook import Book, document, fhir

Json = dict[str, Any]
KEYS = sorted(fhir.resources(rulebook.load()))
PLAN = ("PlanDefinition", "cutaneous-leiomyosarcoma")
LIBRARY = ("Library", "cutaneous-leiomyosarcoma")


@pytest.fixture(scope="module")
def resources(book: Book) -> dict[tuple[str, str], Json]:
    """Return every resource."""
    return fhir.resources(book)


def actions(node: Json) -> Iterator[Json]:
    """Yield every action under a PlanDefinition or an action."""
    for action in node.get("action", ()):
        yield action
        yield from actions(action)


def canonicals(node: Any) -> Iterator[str]:
    """Yield every reference to a resource of ours."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in {"library", "resource", "definitionCanonical"}:
                yield from value if isinstance(value, list) else [value]
            yield from canonicals(value)
    elif isinstance(node, list):
        for child in node:
            yield from canonicals(child)


@pytest.mark.parametrize("key", KEYS, ids="/".join)
def test_valid(resources: dict[tuple[str, str], Json], key: tuple[str, str]) -> None:
    """Each is a valid R4 resource with an address, a version, a status and a title."""
    resource = resources[key]
    model = get_fhir_model_class(key[0]).model_validate(resource)
    assert json.loads(model.model_dump_json()) == resource
    assert resource["url"].endswith("/".join(key))
    assert re.fullmatch(r"[A-Z]\w{0,254}", resource["name"])
    assert all(resource[name] for name in ("version", "status", "title"))


@pytest.mark.parametrize("key", [key for key in KEYS if key[0] != "ValueSet"], ids="/".join)
def test_codes_of_required_bindings(
    resources: dict[tuple[str, str], Json], key: tuple[str, str]
) -> None:
    """Every code is of its required value set; that of an expression's language is extensible."""
    resource = deepcopy(resources[key])
    for action in actions(resource):
        for condition in action.get("condition", ()):
            assert condition["expression"].pop("language") == "text/plain"
            condition["expression"]["language"] = "text/cql"
    assert resource_json(resource)


def test_every_value_set_travels(resources: dict[tuple[str, str], Json]) -> None:
    """All value sets are there, as the package has them."""
    for value_set in terminology.documents():
        assert resources["ValueSet", value_set["id"]] == value_set


def test_references_resolve(resources: dict[tuple[str, str], Json]) -> None:
    """Every canonical reference is to a resource of the same export, in its version."""
    known = {f"{each['url']}|{each['version']}" for each in resources.values()}
    named = {name for each in resources.values() for name in canonicals(each)}
    assert named
    assert named <= known


def test_the_plan_states_every_rule(book: Book, resources: dict[tuple[str, str], Json]) -> None:
    """A topic is an action, and each of its rules an action under it, in the guideline's order."""
    topics = resources[PLAN]["action"]
    assert [each["id"] for each in topics] == ["all-topics", *book.guideline.topics]
    ids = [rule["id"] for topic in topics for rule in topic["action"]]
    in_order = [rule.id for topic in book.topics for rule in book.rules_of(topic)]
    assert ids == in_order
    assert set(ids) == set(book.guideline.rules)


def test_a_rule_of_the_plan(book: Book, resources: dict[tuple[str, str], Json]) -> None:
    """A rule has its condition as a sentence, its statements, and what can be ordered."""
    by_id = {each["id"]: each for each in actions(resources[PLAN])}
    rule = by_id["surveillance.due"]
    [condition] = rule["condition"]
    assert condition["expression"]["expression"] == book.guideline.rules["surveillance.due"].when
    assert "not executable" in condition["expression"]["description"]
    assert {"S34", "S39"} <= {each["label"] for each in rule["documentation"]}
    chest = by_id["surveillance.due.subcutaneous.chest-imaging"]
    assert chest["condition"][0]["expression"]["expression"] == "The depth is subcutaneous"
    assert "ActivityDefinition/chest-imaging|" in chest["definitionCanonical"]
    due = by_id["hlrcc.due"]["action"]
    assert len(due) == len(book.guideline.examinations)


def test_a_statement_travels_with_its_caveat(
    book: Book, resources: dict[tuple[str, str], Json]
) -> None:
    """Wherever a statement documents an action, its caveat stands in the same text."""
    for action in actions(resources[PLAN]):
        for each in action.get("documentation", ()):
            caveat = book.guideline.statements[each["label"]].caveat
            assert caveat.replace("*", "") in each["display"]


def test_ids_of_actions_are_unique(resources: dict[tuple[str, str], Json]) -> None:
    """No two actions share an id."""
    ids = [each["id"] for each in actions(resources[PLAN])]
    assert len(set(ids)) == len(ids)


def test_activities(book: Book, resources: dict[tuple[str, str], Json]) -> None:
    """Each suggestion is a proposal of a ServiceRequest, with the code of the guideline."""
    for key, item in book.guideline.suggestions.items():
        activity = resources["ActivityDefinition", key]
        assert (activity["kind"], activity["intent"]) == ("ServiceRequest", "proposal")
        coded = [(each["system"], each["code"]) for each in activity["code"].get("coding", ())]
        assert coded == ([item.code] if item.code else [])


def test_library(book: Book, resources: dict[tuple[str, str], Json]) -> None:
    """The Library cites every matched source, and holds the rule book in words."""
    library = resources[LIBRARY]
    cited = {each.get("citation") for each in library["relatedArtifact"]}
    assert {each.verified_source for each in book.guideline.statements.values()} <= cited
    text = base64.b64decode(library["content"][0]["data"]).decode()
    assert text == document.as_markdown(book)


def test_code_systems(book: Book, resources: dict[tuple[str, str], Json]) -> None:
    """The project's own systems hold every topic, and the reasons that HL7 has no code for."""
    topics = resources["CodeSystem", "advice-topic"]
    assert topics["url"] == book.guideline.meta["topic_system"]
    assert [each["code"] for each in topics["concept"]] == list(book.guideline.topics)
    reasons = resources["CodeSystem", "override-reason"]
    own = {
        reason.code
        for group in book.guideline.overrides.values()
        for reason in group
        if reason.system == reasons["url"]
    }
    assert {each["code"] for each in reasons["concept"]} == own
    assert own


def test_the_same_every_time(book: Book, resources: dict[tuple[str, str], Json]) -> None:
    """The same guideline gives the same resources, in the same order."""
    assert json.dumps(list(fhir.resources(book).values())) == json.dumps(list(resources.values()))


def test_the_content_is_a_draft(resources: dict[tuple[str, str], Json]) -> None:
    """Until the content is reviewed, what states rules is a draft and experimental."""
    for (kind, _), resource in resources.items():
        assert resource["experimental"] is True
        assert resource["status"] == ("active" if kind == "ValueSet" else "draft")
