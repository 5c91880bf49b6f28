"""The rule book as FHIR R4 resources: what travels to other systems.

The conditions of the PlanDefinition are sentences (``text/plain``; the binding of their
language is extensible): they describe what the service evaluates, and cannot be executed.
"""

import base64
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cds_service import terminology
from cds_service.guideline import Rule
from cds_service.rulebook import document
from cds_service.rulebook.book import Book, statements_of
from cds_service.rulebook.rules import STATES, examinations_of
from cds_service.rulebook.sections import topic_title

Json = dict[str, Any]

_ID = "cutaneous-leiomyosarcoma"
_TYPES = "http://terminology.hl7.org/CodeSystem"
_DESCRIPTIVE = "Descriptive, not executable: the service evaluates it."


def resources(book: Book) -> dict[tuple[str, str], Json]:
    """Return every resource by its type and id; the same book gives the same resources."""
    made = (
        _plan(book),
        _library(book),
        *(_activity(book, key) for key in book.guideline.suggestions),
        _topics(book),
        _reasons(book),
        *terminology.documents(),
    )
    return {(each["resourceType"], each["id"]): each for each in made}


def _head(book: Book, kind: str, key: str, title: str) -> Json:
    name = "".join(part.capitalize() for part in key.split("-"))
    return {
        "resourceType": kind,
        "id": key,
        "url": f"{book.guideline.meta['canonical']}/{kind}/{key}",
        "version": book.guideline.version,
        "name": name,
        "title": title,
        # The content is pending human review, and a draft until then.
        "status": "draft",
        "experimental": True,
        "date": book.guideline.meta["revised"],
        "publisher": "cds-service",
    }


def _canonical(book: Book, kind: str, key: str) -> str:
    return f"{book.guideline.meta['canonical']}/{kind}/{key}|{book.guideline.version}"


def _concept(system: str, code: str, display: str | None = None) -> Json:
    coding = {"system": system, "code": code} | ({"display": display} if display else {})
    return {"coding": [coding]}


def _plain(text: str) -> str:
    return text.replace("**", "").replace("*", "")


# --- PlanDefinition and ActivityDefinitions ---


def _plan(book: Book) -> Json:
    about = book.guideline.about
    return _head(book, "PlanDefinition", _ID, book.guideline.meta["title"]) | {
        "type": _concept(
            f"{_TYPES}/plan-definition-type", "clinical-protocol", "Clinical Protocol"
        ),
        "description": f"{about.kind} {_DESCRIPTIVE}",
        "purpose": about.intended_use,
        "usage": " ".join((about.intended_users, *about.limits)),
        "relatedArtifact": [
            {"type": "depends-on", "resource": _canonical(book, "Library", _ID)},
            _source(book),
        ],
        "library": [_canonical(book, "Library", _ID)],
        "action": [_topic(book, topic) for topic in book.topics],
    }


def _topic(book: Book, topic: str) -> Json:
    title = topic_title(book, topic)
    action: Json = {
        "id": "all-topics" if topic == "*" else topic,
        "title": title,
        "description": "Rules of every topic, looked at first."
        if topic == "*"
        else "The rules are tried from top to bottom; the first that applies decides.",
    }
    if topic != "*":
        system = book.guideline.meta["topic_system"]
        action["code"] = [_concept(system, topic, title)]
    action |= {
        "groupingBehavior": "logical-group",
        "selectionBehavior": "at-most-one" if topic == "*" else "exactly-one",
        "action": [_rule(book, rule) for rule in book.rules_of(topic)],
    }
    return action


def _rule(book: Book, rule: Rule) -> Json:
    when = _plain(book.words(rule.when))
    said = f"{rule.state}: {STATES.get(rule.state, rule.state)}."
    card = f" {_plain(book.words(rule.summary))}" if rule.summary else ""
    action: Json = {
        "id": rule.id,
        "title": rule.id,
        "description": when,
        "textEquivalent": said + card,
        "documentation": [_citation(book, key) for key in statements_of(rule)],
        "condition": [_condition(when)],
        "action": [*_offers(book, rule)],
    }
    return {key: value for key, value in action.items() if value}


def _condition(text: str) -> Json:
    return {
        "kind": "applicability",
        "expression": {"description": _DESCRIPTIVE, "language": "text/plain", "expression": text},
    }


def _offers(book: Book, rule: Rule) -> Iterator[Json]:
    """Yield what can be ordered from a rule; what only one depth offers has that condition."""
    for key in rule.suggestions:
        yield _offer(book, f"{rule.id}.{key}", key)
    for depth, keys in rule.suggestions_by_depth.items():
        word = book.guideline.words["depth"].get(depth, "unknown or conflicting")
        for key in keys:
            yield _offer(book, f"{rule.id}.{depth}.{key}", key, f"The depth is {word}")
    for each in examinations_of(book, rule):
        examination = book.guideline.examinations[each]
        condition = f"The {examination.name} is due"
        yield _offer(book, f"{rule.id}.{each}", examination.suggestion, condition)


def _offer(book: Book, action_id: str, key: str, condition: str = "") -> Json:
    return {
        "id": action_id,
        "title": book.guideline.suggestions[key].label,
        **({"condition": [_condition(condition)]} if condition else {}),
        "definitionCanonical": _canonical(book, "ActivityDefinition", key),
    }


def _activity(book: Book, key: str) -> Json:
    item = book.guideline.suggestions[key]
    code: Json = {"text": _plain(book.words(item.text))}
    if item.code:
        code |= _concept(*item.code, book.terms.display(*item.code))
    return _head(book, "ActivityDefinition", key, item.label) | {
        "description": f"{item.label}. Words in square brackets stand for what the chart says.",
        "kind": "ServiceRequest",
        "code": code,
        "intent": "proposal",
    }


# --- Library ---


def _library(book: Book) -> Json:
    parts = [
        ("PlanDefinition", _ID),
        *(("ActivityDefinition", key) for key in book.guideline.suggestions),
    ]
    sources = dict.fromkeys(each.verified_source for each in book.guideline.statements.values())
    text = document.as_markdown(book).encode()
    return _head(book, "Library", _ID, f"{book.guideline.meta['title']}: sources and rule book") | {
        "type": _concept(f"{_TYPES}/library-type", "asset-collection", "Asset Collection"),
        "description": "What the rules rest on, what belongs to them, and the rule book in words.",
        "relatedArtifact": [
            _source(book),
            *({"type": "citation", "citation": each} for each in sources),
            *({"type": "composed-of", "resource": _canonical(book, *each)} for each in parts),
            *(
                {"type": "depends-on", "resource": f"{each.url}|{each.version}"}
                for each in book.terms.value_sets.values()
            ),
        ],
        "content": [
            {
                "contentType": "text/markdown",
                "data": base64.b64encode(text).decode(),
                "title": "Rule book",
            }
        ],
    }


def _source(book: Book) -> Json:
    return {"type": "derived-from", "citation": book.guideline.about.citation}


def _citation(book: Book, key: str) -> Json:
    """Return a statement as the documentation of an action: text, caveat, what it cites."""
    item = book.guideline.statements[key]
    caveat = f" Mind: {_plain(item.caveat)}." if item.caveat else ""
    cited = ", ".join(item.cited_as) or "no reference"
    return {
        "type": "citation",
        "label": key,
        "display": f"{_plain(item.text)}.{caveat}",
        "citation": f"Cited in the source as {cited}; matched to: {item.verified_source}. "
        f"Evidence: {book.guideline.certainty[item.certainty]}.",
    }


# --- CodeSystems ---


def _topics(book: Book) -> Json:
    concepts = [
        {"code": topic.id, "display": topic.title} for topic in book.guideline.topics.values()
    ]
    url = book.guideline.meta["topic_system"]
    return _code_system(book, url, "Topics of advice", "What a card is about.", concepts)


def _reasons(book: Book) -> Json:
    url = book.guideline.meta["override_system"]
    own = {
        reason.code: reason.display
        for reasons in book.guideline.overrides.values()
        for reason in reasons
        if reason.system == url
    }
    concepts = [{"code": code, "display": display} for code, display in own.items()]
    purpose = "Reasons for not following a card for which HL7's list has no code."
    return _code_system(book, url, "Override reasons", purpose, concepts)


def _code_system(
    book: Book, url: str, title: str, description: str, concepts: Iterable[Mapping[str, str]]
) -> Json:
    listed = list(concepts)
    return _head(book, "CodeSystem", url.rpartition("/")[2], title) | {
        "url": url,
        "description": description,
        "caseSensitive": True,
        "content": "complete",
        "count": len(listed),
        "concept": listed,
    }
