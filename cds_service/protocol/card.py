"""Cards and what they hold: values that cannot be built against the specification.

Every class raises :class:`CardError` when it is built wrong, and ``to_json`` never writes
``null`` or an empty text, array or object.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from cds_service.protocol.address import is_http_url
from cds_service.protocol.resource import Resource, resource_json

#: A summary must stay under this many characters.
SUMMARY_LIMIT = 140

Indicator = Literal["info", "warning", "critical"]
SelectionBehavior = Literal["any", "at-most-one"]
ActionSelectionBehavior = Literal["all", "any", "at-most-one"]
ActionType = Literal["create", "update", "delete"]
LinkType = Literal["absolute", "smart"]

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LOCAL = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9.-]{1,64}")


class CardError(ValueError):
    """A card that a client would have to refuse: a mistake of the program, not of the caller."""


def json_object(**members: object) -> dict[str, Any]:
    """Return the members that have a value; False and 0 are values."""
    return {name: value for name, value in members.items() if value not in (None, "", [], {}, ())}


#: The addresses on cards are the service's own, and few.
_is_url = lru_cache(maxsize=256)(is_http_url)


def _check(condition: object, message: str) -> None:
    if not condition:
        raise CardError(message)


def _check_uuid(value: str | None) -> None:
    _check(value is None or _UUID.fullmatch(value), "uuid: a UUID in lower case")


def _check_url(value: str | None, name: str) -> None:
    _check(value is None or _is_url(value), f"{name}: an absolute http or https URL")


@dataclass(frozen=True, slots=True)
class Coding:
    """A code; ``display`` is required where the coding is an override reason."""

    code: str
    system: str
    display: str | None = None

    def __post_init__(self) -> None:
        """Check that code and system are there."""
        _check(self.code and self.system, "Coding: code and system are required")

    def to_json(self) -> dict[str, Any]:
        """Return the coding as JSON."""
        return json_object(code=self.code, system=self.system, display=self.display)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a card's guidance comes from."""

    label: str
    url: str | None = None
    icon: str | None = None
    topic: Coding | None = None

    def __post_init__(self) -> None:
        """Check the label and the URLs."""
        _check(self.label, "source.label is required")
        _check_url(self.url, "source.url")
        _check_url(self.icon, "source.icon")

    def to_json(self) -> dict[str, Any]:
        """Return the source as JSON."""
        topic = self.topic.to_json() if self.topic else None
        return json_object(label=self.label, url=self.url, icon=self.icon, topic=topic)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link of a card. ``app_context`` is a string, and only of a SMART link."""

    label: str
    url: str
    type: LinkType = "absolute"
    app_context: str | None = None
    autolaunchable: bool | None = None

    def __post_init__(self) -> None:
        """Check label, URL and type."""
        _check(self.label, "link.label is required")
        _check_url(self.url, "link.url")
        _check(self.type in {"absolute", "smart"}, "link.type: absolute or smart")
        _check(self.app_context is None or self.type == "smart", "link.appContext: only smart")

    def to_json(self) -> dict[str, Any]:
        """Return the link as JSON."""
        return json_object(
            label=self.label,
            url=self.url,
            type=self.type,
            appContext=self.app_context,
            autolaunchable=self.autolaunchable,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One action: a resource to create or update, or the reference of one to delete.

    ``resource`` is a ``fhir.resources`` R4B model, or a dict that is validated as one.
    """

    type: ActionType
    description: str
    resource: Resource | None = None
    resource_id: str | None = None
    _json: dict[str, Any] | None = field(init=False, repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        """Check the members that the type asks for, and the resource itself."""
        _check(self.type in {"create", "update", "delete"}, "action.type: create, update, delete")
        _check(self.description, "action.description is required")
        deletes = self.type == "delete"
        _check((self.resource is None) == deletes, "action.resource: with create and update only")
        _check((self.resource_id is not None) == deletes, "action.resourceId: with delete only")
        if self.resource_id is not None:
            _check(_LOCAL.fullmatch(self.resource_id), "action.resourceId: Type/id")
        if self.resource is not None:
            try:
                body = resource_json(self.resource)
            except ValueError as error:
                raise CardError(f"action.resource: {error}") from None
            _check(self.type != "update" or body.get("id"), "an update's resource needs its id")
            object.__setattr__(self, "_json", body)

    def to_json(self) -> dict[str, Any]:
        """Return the action as JSON."""
        return json_object(
            type=self.type,
            description=self.description,
            resource=self._json,
            resourceId=self.resource_id,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A choice of a card; all its actions are meant together."""

    label: str
    uuid: str | None = None
    is_recommended: bool | None = None
    actions: tuple[Action, ...] = ()
    #: Only for clients that are known to support it (3.0): the dialect leaves it out elsewhere.
    action_selection_behavior: ActionSelectionBehavior | None = None

    def __post_init__(self) -> None:
        """Check label, uuid and behaviour."""
        _check(self.label, "suggestion.label is required")
        _check_uuid(self.uuid)
        behaviour = self.action_selection_behavior
        _check(
            behaviour in {None, "all", "any", "at-most-one"},
            "suggestion.actionSelectionBehavior: a known one",
        )

    def to_json(self) -> dict[str, Any]:
        """Return the suggestion as JSON."""
        return json_object(
            label=self.label,
            uuid=self.uuid,
            isRecommended=self.is_recommended,
            actions=[action.to_json() for action in self.actions],
            actionSelectionBehavior=self.action_selection_behavior,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One card. ``detail`` is GitHub-flavoured Markdown whose chart text is escaped already."""

    summary: str
    indicator: Indicator
    source: Source
    detail: str | None = None
    uuid: str | None = None
    suggestions: tuple[Suggestion, ...] = ()
    selection_behavior: SelectionBehavior | None = None
    override_reasons: tuple[Coding, ...] = ()
    links: tuple[Link, ...] = ()
    extension: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the rules within the card and between its suggestions."""
        _check(self.summary.strip(), "card.summary is required")
        _check(len(self.summary) < SUMMARY_LIMIT, "card.summary: under 140 characters")
        _check(self.summary.isprintable(), "card.summary: one line without control characters")
        _check(self.indicator in {"info", "warning", "critical"}, "card.indicator: a known one")
        _check_uuid(self.uuid)
        behaviour = self.selection_behavior
        _check(behaviour in {None, "any", "at-most-one"}, "card.selectionBehavior: a known one")
        _check(behaviour or not self.suggestions, "card.selectionBehavior: with suggestions")
        recommended = sum(item.is_recommended is True for item in self.suggestions)
        _check(recommended <= 1 or behaviour == "any", "several isRecommended: only with any")
        _check(
            all(reason.display for reason in self.override_reasons),
            "card.overrideReasons: code, system and display",
        )

    def to_json(self) -> dict[str, Any]:
        """Return the card as JSON."""
        return json_object(
            uuid=self.uuid,
            summary=self.summary,
            detail=self.detail,
            indicator=self.indicator,
            source=self.source.to_json(),
            suggestions=[item.to_json() for item in self.suggestions],
            selectionBehavior=self.selection_behavior if self.suggestions else None,
            overrideReasons=[reason.to_json() for reason in self.override_reasons],
            links=[link.to_json() for link in self.links],
            extension=dict(self.extension),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CardsResponse:
    """The body of a hook response; ``cards`` is there even when it is empty."""

    cards: tuple[Card, ...] = ()
    system_actions: tuple[Action, ...] = ()
    #: Agreed with the client beforehand; keys are reversed domain names.
    extension: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the response as JSON."""
        actions = json_object(systemActions=[action.to_json() for action in self.system_actions])
        extension = json_object(extension=dict(self.extension))
        return {"cards": [card.to_json() for card in self.cards], **actions, **extension}
