"""Resources in which every element that FHIR R4B has holds a text that stands nowhere else."""

import base64
import itertools
from collections.abc import Iterator
from typing import Any, get_args, get_origin

from fhir.resources.R4B import get_fhir_model_class

Json = dict[str, Any]

_DEPTH = 4
#: What is no text: a sentinel cannot stand there.
_FIXED = {
    "bool": True,
    "int": 7,
    "Decimal": 7.5,
    "date": "2026-06-10",
    "datetime": "2026-06-10T14:30:00Z",
    "time": "14:30:00",
}
_SKIPPED = {"resourceType", "fhir_comments", "implicitRules", "language", "contained"}


class Planter:
    """Fills resources with sentinels, and remembers where each stands."""

    def __init__(self) -> None:
        """Start with an empty record."""
        self._numbers = itertools.count(1)
        #: Sentinel → the path of its element with the type that it stands in.
        self.places: dict[str, tuple[str, str]] = {}

    def sentinel(self, path: str, kind: str) -> str:
        """Return a new text: a word, which is no name and no number."""
        number = next(self._numbers)
        letters = "".join(chr(ord("a") + int(digit)) for digit in str(number))
        text = f"Zq{letters}zq"
        self.places[text] = (path, kind)
        return text

    def resource(self, kind: str, **more: Any) -> Json:
        """Return a resource with every element; ``more`` takes the place of some."""
        found = {"resourceType": kind, **self._object(kind, kind, _DEPTH)}
        return found | more

    def _object(self, kind: str, path: str, depth: int) -> Json:
        found: Json = {}
        for field in get_fhir_model_class(kind).model_fields.values():
            name = str(field.alias)
            nested = "xtension" in name and path.count(".") > 1
            if name in _SKIPPED or name.startswith("_") or field.alias is None or nested:
                continue
            value = self._value(field.annotation, f"{path}.{name}", kind, depth)
            if value is not None:
                found[name] = value
        return found

    def _value(self, annotation: Any, path: str, kind: str, depth: int) -> Any:
        is_list, types = False, list(_types(annotation))
        if any(origin is list for origin, _ in types):
            is_list = True
        name = next(name for origin, name in types if name)
        if name in _FIXED:
            value: Any = _FIXED[name]
        elif name == "bytes":
            value = base64.b64encode(self.sentinel(path, kind).encode()).decode()
        elif name in {"str", "AnyUrl", "UUID"}:
            value = self.sentinel(path, kind)
        elif name.endswith("Type"):
            inner = name.removesuffix("Type")
            if inner in {"Resource", "FHIRPrimitiveExtension"} or not depth:
                return None
            value = self._object(inner, path, depth - 1) or None
        else:
            raise AssertionError(f"{path}: {name}")
        return [value] if is_list and value is not None else value


def _types(annotation: Any) -> Iterator[tuple[Any, str]]:
    """Yield (origin, name) of what an annotation is made of."""
    origin = get_origin(annotation)
    arguments = get_args(annotation)
    if origin is None:
        name = getattr(annotation, "__name__", str(annotation))
        if name != "NoneType":
            yield None, name
        return
    yield origin, ""
    first = (
        arguments[:1]
        if "Annotated" in str(origin) or hasattr(annotation, "__metadata__")
        else arguments
    )
    for argument in first:
        yield from _types(argument)
