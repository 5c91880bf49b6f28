"""Feedback: what became of cards, in every spelling that clients use."""

import datetime as dt
import re
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    AliasChoices,
    BeforeValidator,
    Field,
    StringConstraints,
    model_validator,
)

from cds_service.errors import PayloadTooLarge
from cds_service.protocol.request import FieldError, Message

_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-]\d\d:\d\d))", re.ASCII
)
_LEAP = "60"


def _moment(value: str) -> dt.datetime:
    """Return an RFC 3339 date-time as UTC."""
    match = _MOMENT.fullmatch(value)
    if match:
        day, minute, second, fraction, offset = match.groups()
        second = "59" if second == _LEAP else second
        try:
            return dt.datetime.fromisoformat(
                f"{day}T{minute}:{second}.{(fraction or '0')[:6]:0<6}{offset or '+00:00'}"
            ).astimezone(dt.UTC)
        except (ValueError, OverflowError):
            pass
    raise ValueError("must be a date-time of RFC 3339 with its zone, such as 2026-12-01T09:30:00Z")


def _as_text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a string")  # noqa: TRY004 - as pydantic
    return value


def _first(value: object) -> object:
    # Epic's plural holds one object; an array of them means the first.
    return value[0] if isinstance(value, list) and value else value


Moment = Annotated[dt.datetime, BeforeValidator(lambda value: _moment(_as_text(value)))]
Name = Annotated[str, StringConstraints(min_length=1, max_length=1024)]


def _outcome(value: str) -> str:
    if value not in {"accepted", "overridden"}:
        raise ValueError("must be accepted or overridden")
    return value


class Reason(Message):
    """The reason that was chosen; clients have their own, and leave display and system out."""

    code: str | None = None
    system: str | None = None
    display: str | None = None


class OverrideReason(Message):
    """Why a card was overridden: a reason, a comment, both, or an extension alone (Epic)."""

    reason: Reason | None = None
    user_comment: str | None = Field(default=None, repr=False)


class AcceptedSuggestion(Message):
    """A suggestion that was accepted, by its uuid."""

    id: Name


class Item(Message):
    """What became of one card."""

    card: Name
    outcome: Annotated[
        str, AfterValidator(_outcome), Field(json_schema_extra={"enum": ["accepted", "overridden"]})
    ]
    outcome_timestamp: Moment
    accepted_suggestions: tuple[AcceptedSuggestion, ...] = ()
    override_reason: Annotated[
        OverrideReason | None,
        BeforeValidator(_first),
        Field(validation_alias=AliasChoices("overrideReason", "overrideReasons")),
    ] = None

    @model_validator(mode="before")
    @classmethod
    def _lists(cls, value: object) -> object:
        # The strict mode of the model takes no list for a tuple.
        if isinstance(value, dict) and isinstance(value.get("acceptedSuggestions"), list):
            return value | {"acceptedSuggestions": tuple(value["acceptedSuggestions"])}
        return value

    @model_validator(mode="after")
    def _accepted(self) -> Self:
        if self.outcome == "accepted" and not self.accepted_suggestions:
            raise FieldError("acceptedSuggestions", "is required where the outcome is accepted")
        return self


class Feedback(Message):
    """The body of a feedback: one malformed item makes all of it malformed."""

    feedback: list[Item]


def read(body: dict[str, Any], *, most: int) -> tuple[Item, ...]:
    """Return the items of a feedback body.

    Raises :class:`cds_service.errors.BadRequest`, which names every malformed field, and
    :class:`PayloadTooLarge` for more than ``most`` items.
    """
    items = body.get("feedback")
    if isinstance(items, list) and len(items) > most:
        raise PayloadTooLarge(
            f"A feedback may have {most} items (CDS_MAX_ENTRIES). Send fewer at once.",
            where="feedback",
        )
    return tuple(Feedback.read(body).feedback)
