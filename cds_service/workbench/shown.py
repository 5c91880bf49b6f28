"""What the page shows of an answer: the facts with their resources, the exchange, the picture."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from markupsafe import Markup

from cds_service import timeline
from cds_service.chart.index import Index
from cds_service.errors import ServiceError
from cds_service.guideline import Guideline
from cds_service.protocol import dialect
from cds_service.protocol.outcome import operation_outcome
from cds_service.replay.client import Json
from cds_service.replay.layout import dumps
from cds_service.workbench.about import label
from cds_service.workbench.asking import Asked, Options

_OK = 200
#: Resources on which nothing rests are shown up to this number: a page has its limits.
_MOST = 200


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource of the chart; ``anchor`` is its id in the page."""

    reference: str
    label: str
    json: str
    anchor: str


@dataclass(frozen=True, slots=True)
class FactRow:
    """A fact, and the topics that rest on it."""

    fact: Json
    topics: tuple[str, ...]


class Shown:
    """An answer as the template reads it."""

    def __init__(self, asked: Asked, options: Options, guideline: Guideline, *, base: str) -> None:
        """Take what came of a request; ``base`` is the address of the service."""
        self.asked = asked
        self.options = options
        self.dialect = options.dialect
        self._guideline = guideline
        self._base = base

    @property
    def chosen(self) -> Options:
        """The options with what was made of them; a captured request has its own hook."""
        return (
            self.options
            if self.asked.given.case.request
            else replace(self.options, hook=self.asked.service.hook)
        )

    @staticmethod
    def dumps(value: object) -> str:
        """Return JSON as a person would lay it out."""
        return dumps(value)

    @property
    def error(self) -> ServiceError | None:
        """The error that the service answered with."""
        return self.asked.error

    @property
    def status(self) -> int:
        """The HTTP status of the service's answer."""
        return self.error.status if self.error else _OK

    @cached_property
    def response(self) -> Json:
        """The body of the answer."""
        if self.error:
            return operation_outcome(self.error)
        return self.asked.answered.response.to_json() if self.asked.answered else {}

    @property
    def shadow(self) -> bool:
        """Whether the cards are withheld from clients, and shown here alone."""
        return bool(self.asked.answered and self.asked.answered.shadow)

    @cached_property
    def cards(self) -> list[Json]:
        """The cards, those included that clients do not get yet."""
        found = self.asked.answered.rendered.to_json() if self.asked.answered else {"cards": []}
        return list(found["cards"])

    @cached_property
    def trace(self) -> Json:
        """The decision trace; empty where nothing was evaluated."""
        return self.asked.answered.trace if self.asked.answered else {}

    def title(self, topic: str) -> str:
        """Return the title of a topic."""
        known = self._guideline.topics.get(topic)
        return known.title if known else topic

    @cached_property
    def reasons(self) -> Mapping[tuple[str, str], tuple[str, ...]]:
        """State and reason, with the titles of the topics of which they are said."""
        found: dict[tuple[str, str], list[str]] = {}
        for topic in self.trace.get("topics", ()):
            said = dict.fromkeys(part["reason"] for part in topic["parts"])
            key = topic["state"], "; ".join(said)
            found.setdefault(key, []).append(self.title(topic["topic"]))
        return {key: tuple(titles) for key, titles in found.items()}

    @cached_property
    def pictures(self) -> tuple[Markup, ...]:
        """The time line of each tumour; none where its dates leave the calendar."""
        try:
            lines = timeline.from_trace(self.trace) if self.trace else ()
        except timeline.TraceError:
            return ()
        return tuple(
            Markup(timeline.svg(line, ident=f"line-{number}"))  # noqa: S704 - escaped there
            for number, line in enumerate(lines)
        )

    @cached_property
    def changes(self) -> tuple[tuple[str, str], ...]:
        """What the client's profile has that the default has not."""
        usual = dialect.as_table(dialect.DEFAULT)
        return tuple(
            (name.replace("_", " "), "yes" if value is True else "no" if value is False else value)
            for name, value in dialect.as_table(self.dialect).items()
            if name != "description" and value != usual[name]
        )

    # --- Facts and resources ---

    @cached_property
    def facts(self) -> tuple[FactRow, ...]:
        """Every fact once."""
        rows: dict[str, tuple[Json, list[str]]] = {}
        for topic, fact in _facts(self.trace):
            _, topics = rows.setdefault(json.dumps(fact, sort_keys=True), (fact, []))
            if topic and topic not in topics:
                topics.append(topic)
        return tuple(
            FactRow(fact, tuple(map(self.title, topics))) for fact, topics in rows.values()
        )

    @cached_property
    def _index(self) -> Index:
        """The resources that were sent, under the names that the service gives them."""
        index, request = Index(), self.asked.request
        sent = request.get("prefetch")
        for key, value in (sent if isinstance(sent, dict) else {}).items():
            if value is not None:
                index.add(value, f"prefetch.{key}")
        context = request.get("context")
        for key in ("conditions", "draftOrders"):
            value = context.get(key) if isinstance(context, dict) else None
            if value is not None:
                index.add(value, f"context.{key}", from_context=True)
        store = self.asked.given.case.store
        if store and not sent:
            index.add(list(store.resources), "server")
        index.settle()
        return index

    @cached_property
    def _resources(self) -> Mapping[str, Resource]:
        return {
            reference: Resource(
                reference, label(dict(found.resource)), dumps(found.resource), f"resource-{number}"
            )
            for number, (reference, found) in enumerate(self._index.by_reference.items())
        }

    def resource(self, reference: str) -> Resource | None:
        """Return the resource of a reference, the container of a contained one."""
        root = reference.partition("#")[0]
        return self._resources.get(self._index.resolve(root, ""))

    @cached_property
    def used(self) -> tuple[Resource, ...]:
        """The resources on which a fact rests."""
        found = (self.resource(row.fact["reference"]) for row in self.facts)
        return tuple(dict.fromkeys(item for item in found if item))

    @cached_property
    def others(self) -> tuple[Resource, ...]:
        """The other resources, up to a number."""
        return tuple(item for item in self._resources.values() if item not in self.used)[:_MOST]

    @cached_property
    def hidden(self) -> int:
        """How many resources are not shown."""
        return len(self._resources) - len(self.used) - len(self.others)

    # --- The exchange ---

    @property
    def address(self) -> str:
        """The address to which the request goes."""
        return f"{self._base}/cds-services/{self.asked.service.id}"

    @cached_property
    def request_json(self) -> str:
        """The request, without its token."""
        request = self.asked.request
        token = request.get("fhirAuthorization")
        if isinstance(token, dict) and "access_token" in token:
            request = {**request, "fhirAuthorization": {**token, "access_token": "(not shown)"}}
        return dumps(request)

    @cached_property
    def response_json(self) -> str:
        """The answer."""
        return dumps(self.response)

    @property
    def curl(self) -> str:
        """A command for a shell that sends the same request."""
        head = f"curl -s -H 'Content-Type: application/json' --data-binary @- {self.address}"
        return f"{head} <<'END-OF-REQUEST'\n{self.request_json}\nEND-OF-REQUEST"

    @property
    def timings(self) -> tuple[tuple[str, float], ...]:
        """Milliseconds by phase."""
        phases = self.asked.answered.seconds if self.asked.answered else {}
        rows = (*phases.items(), ("whole answer", self.asked.seconds))
        return tuple((name, seconds * 1000) for name, seconds in rows)


def _facts(trace: Mapping[str, Any]) -> Iterator[tuple[str, Json]]:
    """Yield the facts with the topic that rests on them, "" for those of the time line."""
    for topic in trace.get("topics", ()):
        for part in topic["parts"]:
            yield from ((topic["topic"], fact) for fact in part.get("facts", ()))
    for tumour in trace.get("tumours", ()):
        for event in tumour.get("events", ()):
            margin: Iterable[Json] = event.get("margin", {}).get("facts", ())
            yield from (("", fact) for fact in (*event.get("facts", ()), *margin))
