"""The envelope of a hook request: what every hook has in common."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel

from cds_service.errors import BadRequest
from cds_service.protocol.address import is_http_url

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)

#: Pydantic's words for its own kinds of errors, in ours: they teach and hold no input.
_MESSAGES = {
    "missing": "is required and is missing",
    "string_type": "must be a string",
    "string_too_short": "must not be empty",
    "dict_type": "must be a JSON object",
    "model_type": "must be a JSON object",
    "model_attributes_type": "must be a JSON object",
    "list_type": "must be a JSON array",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "greater_than_equal": "must not be negative",
}


class InvalidRequest(BadRequest):
    """A request with one or more invalid fields; ``problems`` holds each, the first is shown."""

    def __init__(self, problems: tuple[BadRequest, ...]) -> None:
        """Take the status and the words of the first problem."""
        first = problems[0]
        super().__init__(first.message, where=first.where, code=first.code)
        self.problems = problems


class Message(BaseModel):
    """A received JSON object: unknown names are accepted, an optional null is an absence."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        strict=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, value: object) -> object:
        if isinstance(value, Mapping):
            return {name: item for name, item in value.items() if item is not None}
        return value

    @classmethod
    def read(cls, value: object, *, at: str = "") -> Self:
        """Return ``value`` as this message.

        ``at`` is the place of ``value`` in the request, for the error's ``where``.
        Raises :class:`InvalidRequest`, which names every invalid field.
        """
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            raise InvalidRequest(_problems(error, at)) from None


def _problems(error: ValidationError, at: str) -> tuple[BadRequest, ...]:
    problems = []
    for detail in error.errors(include_url=False, include_context=True, include_input=False):
        path = ".".join((*([at] if at else []), *map(str, detail["loc"])))
        cause = detail.get("ctx", {}).get("error")
        if isinstance(cause, FieldError):
            path, message = ".".join(filter(None, (path, cause.field))), cause.message
        else:
            message = _MESSAGES.get(detail["type"]) or str(cause or detail["msg"])
        code = "required" if detail["type"] == "missing" else "invalid"
        where = path or None
        problems.append(BadRequest(f"{path or 'The request'} {message}.", where=where, code=code))
    return tuple(problems)


class FieldError(ValueError):
    """A rule between fields, reported at the field that is to be mended."""

    def __init__(self, field: str, message: str) -> None:
        """Keep the field's JSON name and the end of a sentence that begins with it."""
        super().__init__(message)
        self.field = field
        self.message = message


def _uuid(value: str) -> str:
    if not _UUID.fullmatch(value):
        raise ValueError("must be a UUID (8-4-4-4-12 hexadecimal digits)")
    return value


def _url(value: str) -> str:
    if not is_http_url(value):
        raise ValueError("must be an absolute http or https URL")
    return value


def _bearer(value: str) -> str:
    if value.lower() != "bearer":
        raise ValueError('must be "Bearer"')
    return value


def _object_or_nothing(value: object) -> object:
    # An extension is agreed between two parties; one of another shape concerns neither of us.
    return value if isinstance(value, dict) else {}


Text = Annotated[str, StringConstraints(min_length=1)]
Extension = Annotated[dict[str, Any], BeforeValidator(_object_or_nothing)]


class FhirAuthorization(Message):
    """The bearer token for ``fhirServer``. Scopes are kept as sent: vendors have their own."""

    model_config = ConfigDict(alias_generator=None)

    access_token: Text = Field(repr=False)
    token_type: Annotated[
        str, AfterValidator(_bearer), Field(json_schema_extra={"const": "Bearer"})
    ]
    #: Seconds from the receipt of the request.
    expires_in: Annotated[int, Field(ge=0)]
    scope: str
    subject: str
    patient: str | None = None


class HookRequest(Message):
    """A hook request. ``context`` is raw here; :mod:`.context` has the models by hook."""

    hook: Text
    hook_instance: Annotated[
        str, AfterValidator(_uuid), Field(json_schema_extra={"format": "uuid"})
    ]
    context: dict[str, Any] = Field(repr=False)
    fhir_server: Annotated[str, AfterValidator(_url)] | None = None
    fhir_authorization: FhirAuthorization | None = None
    #: Values by key; a value may be null: the client looked, and there is nothing.
    prefetch: dict[str, Any] = Field(default_factory=dict, repr=False)
    extension: Extension = Field(default_factory=dict, repr=False)

    @model_validator(mode="after")
    def _token_has_server(self) -> Self:
        if self.fhir_authorization and not self.fhir_server:
            raise FieldError("fhirServer", "is required with fhirAuthorization and is missing")
        return self
