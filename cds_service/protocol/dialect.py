"""What a client understands of a response: cards are put into its dialect before they are sent.

Every dialect's output is valid under CDS Hooks 2.0 and 3.0 at once. The shipped profiles are
the TOML files of ``profiles/``; an operator may write more of them.
"""

import re
import tomllib
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from cds_service.protocol.card import Card, CardsResponse, Link, Suggestion

#: Markup of a card's detail: an escaped character, emphasis, code, or a link.
_MARKUP = re.compile(r"\\([!-/:-@\[-`{-~])|\*{1,3}|`+|\[((?:[^\[\]\\]|\\.)*)\]\(([^()\s]*)\)")
_HEADING = re.compile(r"^#{1,6} +", re.MULTILINE)
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))


class DialectError(ValueError):
    """A profile that cannot be used; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What a client understands. The defaults are what the specification lets one expect."""

    description: str = ""
    #: Suggestions are shown at all.
    suggestions: bool = True
    #: A suggestion may have several actions.
    several_actions: bool = True
    #: ``selectionBehavior`` may be ``at-most-one``; else it is always ``any``.
    at_most_one: bool = True
    #: SMART links may carry ``appContext``.
    app_context: bool = True
    #: The key ``systemActions`` is wanted where there are any.
    system_actions: bool = False
    #: ``actionSelectionBehavior`` is known (3.0; must not be sent otherwise).
    action_selection_behavior: bool = False
    detail: Literal["markdown", "plain"] = "markdown"
    #: The decision trace is wanted, as an extension of the response.
    trace: bool = False


DEFAULT = Dialect()


def shipped() -> tuple[str, ...]:
    """Return the names of the profiles of the package."""
    folder = files("cds_service.protocol") / "profiles"
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir()))


def load(name: str, *, folder: Path | None = None) -> Dialect:
    """Return a shipped profile by its name, or one's own by the path of a ``.toml`` file.

    A relative path is looked up in ``folder``. Raises :class:`DialectError`.
    """
    if name in shipped():
        source = files("cds_service.protocol") / "profiles" / f"{name}.toml"
        return parse(source.read_text("utf-8"))
    if not name.endswith(".toml"):
        raise DialectError(f"is not a profile; there are {', '.join(shipped())}, or a .toml file")
    try:
        return parse(((folder or Path()) / name).read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise DialectError(f"cannot be read: {error}") from None


def parse(text: str) -> Dialect:
    """Return the profile that a TOML text holds. Raises :class:`DialectError`."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DialectError(f"is not TOML: {error}") from None
    known = {field.name: type(getattr(DEFAULT, field.name)) for field in fields(Dialect)}
    for key, value in table.items():
        if key not in known:
            raise DialectError(f"{key} is not known in a profile; there are {', '.join(known)}")
        if type(value) is not known[key]:
            raise DialectError(f"{key} must be a {known[key].__name__}")
    if table.get("detail", "markdown") not in {"markdown", "plain"}:
        raise DialectError("detail must be markdown or plain")
    return Dialect(**table)


def speak(response: CardsResponse, dialect: Dialect) -> CardsResponse:
    """Return ``response`` as a client of this dialect understands it."""
    return replace(
        response,
        cards=tuple(_card(card, dialect) for card in response.cards),
        system_actions=response.system_actions if dialect.system_actions else (),
    )


def _card(card: Card, dialect: Dialect) -> Card:
    suggestions = tuple(_suggestions(card, dialect))
    several = len(suggestions) > len(card.suggestions)
    behaviour = card.selection_behavior
    if behaviour and (several or not dialect.at_most_one):
        behaviour = "any"
    return replace(
        card,
        detail=plain(card.detail) if card.detail and dialect.detail == "plain" else card.detail,
        suggestions=suggestions,
        selection_behavior=behaviour if suggestions else None,
        links=tuple(_link(link, dialect) for link in card.links),
    )


def _suggestions(card: Card, dialect: Dialect) -> Iterator[Suggestion]:
    for suggestion in card.suggestions if dialect.suggestions else ():
        kept = suggestion
        if not dialect.action_selection_behavior:
            kept = replace(kept, action_selection_behavior=None)
        if dialect.several_actions or len(suggestion.actions) < 2:  # noqa: PLR2004 - several
            yield kept
            continue
        for index, action in enumerate(suggestion.actions):
            yield replace(
                kept,
                label=action.description,
                uuid=_part(suggestion.uuid, index),
                actions=(action,),
                action_selection_behavior=None,
            )


def _part(whole: str | None, index: int) -> str | None:
    """Return the UUID of one part of a suggestion, always the same for the same part."""
    return str(uuid.uuid5(uuid.UUID(whole), str(index))) if whole else None


def _link(link: Link, dialect: Dialect) -> Link:
    return link if dialect.app_context else replace(link, app_context=None)


def plain(markdown: str) -> str:
    """Return a card's Markdown as plain text: the same words without their markup."""

    def unmarked(match: re.Match[str]) -> str:
        escaped, label, address = match.groups()
        if escaped is not None:
            return str(escaped)
        return f"{_MARKUP.sub(unmarked, label)} ({address})" if label is not None else ""

    text = _MARKUP.sub(unmarked, _HEADING.sub("", markdown))
    for entity, character in _ENTITIES:
        text = text.replace(entity, character)
    return text


def as_table(dialect: Dialect) -> Mapping[str, Any]:
    """Return the profile's keys and values, for the documentation."""
    return {field.name: getattr(dialect, field.name) for field in fields(Dialect)}
