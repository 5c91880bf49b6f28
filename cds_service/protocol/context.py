"""The contexts of the hooks, as the tables of their pages give them."""

import re
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, Field, model_validator

from cds_service.protocol.request import FieldError, Message, Text

#: Characters that an id of any real server lacks and that would change a URL.
_ID = re.compile(r"(?!\.+$)[^\s/?#&%\\\"<>{}\x00-\x1f\x7f]{1,255}")
_REFERENCE = re.compile(r"([A-Z][A-Za-z]+)/([^/]+)")


def _bare_id(value: str) -> str:
    if not _ID.fullmatch(value):
        raise ValueError("must be a bare id such as 123, not a reference or a URL")
    return value


def _user(value: str) -> str:
    match = _REFERENCE.fullmatch(value)
    if not (match and _ID.fullmatch(match[2])):
        raise ValueError("must be Type/id, such as Practitioner/123")
    return value


def _bundle(value: dict[str, Any]) -> dict[str, Any]:
    if value.get("resourceType") != "Bundle":
        raise ValueError('must be a Bundle: its resourceType must be "Bundle"')
    if not isinstance(value.get("entry"), list | None):
        raise ValueError("must be a Bundle whose entry is an array")  # noqa: TRY004 - as pydantic
    return value


Id = Annotated[
    str,
    AfterValidator(_bare_id),
    Field(json_schema_extra={"pattern": "^[A-Za-z0-9.-]*[A-Za-z0-9-][A-Za-z0-9.-]*$"}),
]
UserId = Annotated[
    str,
    AfterValidator(_user),
    Field(json_schema_extra={"pattern": "^(Practitioner|PractitionerRole)/[A-Za-z0-9-]{1,64}$"}),
]
#: ``Bundle.type`` is not asked for: the hook pages' examples and the sandbox omit it.
Bundle = Annotated[
    dict[str, Any],
    AfterValidator(_bundle),
    Field(
        json_schema_extra={
            "required": ["resourceType"],
            "properties": {
                "resourceType": {"const": "Bundle"},
                "entry": {"type": "array", "items": {"type": "object"}},
            },
        }
    ),
]


class Context(Message):
    """What the contexts of all our hooks have: a user, a patient, perhaps an encounter."""

    #: The resource types that the hook's page allows for the user.
    user_types: ClassVar[frozenset[str]]
    #: The fields that the hook's page allows as prefetch tokens.
    tokens: ClassVar[frozenset[str]] = frozenset({"userId", "patientId", "encounterId"})

    user_id: UserId
    patient_id: Id
    encounter_id: Id | None = None

    @property
    def new_conditions(self) -> dict[str, Any] | None:
        """The Bundle of the conditions that the hook is about, as sent; None for most hooks."""
        return None

    @property
    def new_orders(self) -> dict[str, Any] | None:
        """The Bundle of the orders that the hook is about, as sent; None for most hooks."""
        return None

    @property
    def selected(self) -> tuple[str, ...]:
        """The references of the orders that were selected, as sent."""
        return ()

    @model_validator(mode="after")
    def _user_type(self) -> Self:
        if self.user_id.partition("/")[0] not in self.user_types:
            allowed = ", ".join(sorted(self.user_types))
            raise FieldError("userId", f"must be a reference to one of: {allowed}")
        return self

    def token_values(self) -> dict[str, str]:
        """Return the values of the prefetch tokens, by the token's text."""
        values = {
            f"context.{field.alias}": str(value)
            for name, field in type(self).model_fields.items()
            if field.alias in self.tokens and (value := getattr(self, name)) is not None
        }
        kind, _, user = self.user_id.partition("/")
        return {**values, f"user{kind}Id": user}


class PatientViewContext(Context):
    """``patient-view`` 1.0."""

    user_types = frozenset({"Practitioner", "PractitionerRole", "Patient", "RelatedPerson"})


class ProblemListItemCreateContext(Context):
    """``problem-list-item-create`` 0.1.0."""

    user_types = frozenset({"Practitioner", "PractitionerRole"})

    #: The new problems, as sent: DSTU2, STU3 and R4 shapes all occur.
    conditions: Bundle = Field(repr=False)

    @property
    def new_conditions(self) -> dict[str, Any]:
        """The new problems."""
        return self.conditions


class OrderSignContext(Context):
    """``order-sign`` 1.0; since 1.1 of its log the orders need not be drafts."""

    user_types = frozenset({"Practitioner", "PractitionerRole"})

    #: The orders, as sent: incomplete ones, and shapes of every FHIR version, occur.
    draft_orders: Bundle = Field(repr=False)

    @property
    def new_orders(self) -> dict[str, Any]:
        """The orders."""
        return self.draft_orders


class OrderSelectContext(OrderSignContext):
    """``order-select`` 1.0."""

    #: ``Type/id`` of each; one that the draft orders lack is tolerated: the sandbox sends one.
    selections: list[Text] = Field(repr=False)

    @property
    def selected(self) -> tuple[str, ...]:
        """The selections."""
        return tuple(self.selections)
