"""FHIR R4 resources that the service sends: validated, so that no invalid one can be sent.

``fhir.resources`` is imported at the first use: it costs a command-line start 0.2 seconds.
What differs from a validated resource in its words alone is not validated again.
"""

from collections.abc import Hashable, Iterator, Mapping
from typing import Any, Protocol, cast, runtime_checkable

import orjson


@runtime_checkable
class Model(Protocol):
    """What is used of a ``fhir.resources`` model."""

    def model_dump_json(self) -> str:
        """Return the resource as FHIR JSON."""


Resource = Model | Mapping[str, Any]

#: Elements of FHIR's type string: any text that is not blank is valid in them.
_WORDS = frozenset({"text", "display", "reference"})
_MAX_SHAPES = 1000
_valid: set[Hashable] = set()


def resource_json(resource: Resource) -> dict[str, Any]:
    """Return ``resource`` as FHIR JSON.

    Raises ValueError, without the resource's content, where it is not valid in FHIR R4
    or holds a code that the element's required binding lacks.
    """
    if isinstance(resource, Mapping):
        body = dict(resource)
    else:
        body = cast("dict[str, Any]", orjson.loads(resource.model_dump_json()))
    shape = _shape(body, "")
    if shape not in _valid:
        _validate(body)
        if len(_valid) < _MAX_SHAPES:
            _valid.add(shape)
    return body


def _shape(value: object, name: str) -> Hashable:
    """Return what is equal for resources that differ in their words alone; it holds no words."""
    if isinstance(value, dict):
        return tuple((key, _shape(item, key)) for key, item in value.items())
    if isinstance(value, list):
        return (list, *(_shape(item, name) for item in value))
    if name in _WORDS and isinstance(value, str) and value.isprintable() and value.strip():
        return str
    return (type(value), value)


def _validate(body: Mapping[str, Any]) -> None:
    from fhir.resources.R4B import get_fhir_model_class  # noqa: PLC0415 - see above
    from pydantic import ValidationError  # noqa: PLC0415

    if _has_null(body):
        raise ValueError("a null is no value in FHIR JSON; leave the element out")
    kind = body.get("resourceType")
    if not isinstance(kind, str):
        raise ValueError("resourceType is required")  # noqa: TRY004 - one type for bad resources
    try:
        model = get_fhir_model_class(kind).model_validate(body)
    except ValidationError as error:
        places = (
            f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}"
            for detail in error.errors(include_input=False, include_url=False)
        )
        raise ValueError(f"not a valid {kind}: {'; '.join(places)}") from None
    for place in _foreign_codes(model, kind):
        raise ValueError(f"not a valid {kind}: {place} is not in the required value set")


def _has_null(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(_has_null, value.values()))
    if isinstance(value, list):
        return any(map(_has_null, value))
    return value is None


def _foreign_codes(model: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - untyped library
    """Yield the paths of codes outside their required bindings, which the models only note."""
    for name, info in type(model).model_fields.items():
        value = getattr(model, name, None)
        allowed = (info.json_schema_extra or {}).get("enum_values")
        for item in value if isinstance(value, list) else [value]:
            if hasattr(type(item), "model_fields"):
                yield from _foreign_codes(item, f"{path}.{name}")
            elif allowed and item is not None and item not in allowed:
                yield f"{path}.{name}"
