"""Lenient readers of FHIR elements: any JSON in, a value or nothing out, never an exception.

A reader takes the :class:`Source` (the resource that it reads for) and the element's raw
value. What is malformed is reported to the source, and the rest of the resource is read on.
The shapes of DSTU2 to R5 are accepted without asking for the version.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar

import orjson

from cds_service.facts import Coding, Concept, Issue, Quantity
from cds_service.terminology import canonical_system

Json = Any
Read = TypeVar("Read")
#: A canonical reference → the resource that it means, if it is in the data.
Find = Callable[[str], Mapping[str, Json] | None]

#: Longest text that is kept of one element, in characters.
MAX_TEXT = 200_000
_MAX_ITEMS = 2_000
#: Bytes of what charts may share; what is longer is somebody's text.
_RECURRING = 400
_MAX_KNOWN = 8192
_MAX_NUMBER = 1e12
_UCUM = (None, "http://unitsofmeasure.org", "http://unitsofmeasure.org/")
_EMPTY: tuple[Any, ...] = ()
_NOTHING = Concept()


class Source:
    """The resource that is being read: its reference, and what was wrong with it."""

    __slots__ = ("_issues", "_resolve", "reference")

    def __init__(
        self, reference: str, issues: list[Issue], resolve: Callable[[str, str], str]
    ) -> None:
        """Take the canonical reference, the list to report to, and the reference resolver."""
        self.reference = reference
        self._issues = issues
        self._resolve = resolve

    @property
    def reports(self) -> int:
        """How often something was reported, for this resource and others."""
        return len(self._issues)

    def ignore(self, path: str, reason: str) -> None:
        """Report that the element ``path`` was not used."""
        self._issues.append(Issue(f"{self.reference}.{path}", reason))

    def drop(self, reason: str) -> None:
        """Report that the whole resource is not used."""
        self._issues.append(Issue(self.reference, reason, "dropped"))

    def note(self, reason: str) -> None:
        """Report something about the whole resource, which is used nevertheless."""
        self._issues.append(Issue(self.reference, reason))

    def resolve(self, reference: str) -> str:
        """Return the canonical form of a reference that stands in this resource."""
        return self._resolve(reference, self.reference)


def kind_of(value: Json) -> str:
    """Name a JSON type in words, for messages."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    names = {str: "a string", dict: "an object", list: "an array"}
    return next((name for kind, name in names.items() if isinstance(value, kind)), "a number")


def items(value: Json) -> tuple[Json, ...]:
    """Return the items of an array, or the value alone where an array belongs."""
    if value is None:
        return _EMPTY
    if isinstance(value, list):
        if len(value) == 1 and value[0] is not None:
            return (value[0],)
        return tuple(item for item in value[:_MAX_ITEMS] if item is not None)
    return (value,)


def one(source: Source, value: Json, path: str) -> Json:
    """Return the value, or the first item of an array that stands where one value belongs."""
    if not isinstance(value, list):
        return value
    found = items(value)
    if len(found) > 1:
        source.ignore(path, "is an array where one value belongs; the first was read")
    return found[0] if found else None


def objects(source: Source, value: Json, path: str) -> Iterator[Mapping[str, Json]]:
    """Yield the objects of an element that repeats; others are reported."""
    for item in items(value):
        if isinstance(item, dict):
            yield item
        else:
            source.ignore(path, f"is {kind_of(item)} where an object belongs")


def string(source: Source, value: Json, path: str) -> str | None:
    """Return a text verbatim, cut at :data:`MAX_TEXT`; None where there is none."""
    if value is None:
        return None
    if type(value) is str and len(value) <= MAX_TEXT:
        return value if value.strip() else None
    value = one(source, value, path)
    if not isinstance(value, str):
        if value is not None:
            source.ignore(path, f"is {kind_of(value)} where a string belongs")
        return None
    if len(value) > MAX_TEXT:
        source.ignore(path, f"is longer than {MAX_TEXT} characters; the rest was not read")
        value = value[:MAX_TEXT]
    return value if value.strip() else None


def token(source: Source, value: Json, path: str) -> str | None:
    """Return a code such as a status in lower case; a CodeableConcept's first code will do."""
    if value is None:
        return None
    if isinstance(value, str):
        return value.strip().lower() or None
    found = concept(source, value, path)
    words = [coding.code for coding in found.codings if coding.code] + [*found.texts]
    return re.sub(r"\s+", "-", words[0].strip().lower()) if words else None


def boolean(source: Source, value: Json, path: str) -> bool | None:
    """Return a boolean; the words "true" and "false" are taken for what they mean."""
    if value is None or isinstance(value, bool):
        return value
    word = value.strip().lower() if isinstance(value, str) else ""
    source.ignore(path, f"is {kind_of(value)} where true or false belongs")
    return {"true": True, "false": False}.get(word)


def number(source: Source, value: Json, path: str) -> float | None:
    """Return a finite number; one that is written as a string is read, and reported."""
    if value is None:
        return None
    if type(value) is float and -_MAX_NUMBER <= value <= _MAX_NUMBER:
        return value
    if isinstance(value, str):
        source.ignore(path, "is a string where a number belongs")
        text = value.strip().replace(",", ".")
        if not re.fullmatch(r"[+-]?\d{1,12}(\.\d{1,12})?", text):
            return None
        value = float(text)
    elif isinstance(value, bool) or not isinstance(value, int | float):
        source.ignore(path, f"is {kind_of(value)} where a number belongs")
        return None
    if abs(value) > _MAX_NUMBER or not math.isfinite(value):
        source.ignore(path, "is no plausible number")
        return None
    return float(value)


def quantity(source: Source, value: Json, path: str) -> Quantity | None:
    """Return a Quantity with its UCUM code as the unit where it has one."""
    if value is None:
        return None
    value = one(source, value, path)
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = {"value": value}
    if not isinstance(value, dict):
        source.ignore(path, f"is {kind_of(value)} where a quantity belongs")
        return None
    amount = number(source, value.get("value"), f"{path}.value")
    if amount is None:
        return None
    printed = string(source, value.get("unit") or value.get("units"), f"{path}.unit")
    code = string(source, value.get("code"), f"{path}.code")
    system = value.get("system")
    unit = code if code and system in _UCUM else printed or code
    comparator = string(source, value.get("comparator"), f"{path}.comparator")
    return Quantity(amount, unit.strip() if unit else None, comparator)


def coding(source: Source, value: Mapping[str, Json], path: str) -> Coding | None:
    """Return one Coding with its canonical system; None where it says nothing."""
    code = value.get("code")
    if type(code) is int and abs(code) < _MAX_NUMBER**1.5:
        source.ignore(f"{path}.code", "is a number where a string belongs; it was read as one")
        code = str(code)
    elif code is not None and not isinstance(code, str):
        code = string(source, code, f"{path}.code")
    system = value.get("system")
    if system is not None and not isinstance(system, str):
        system = string(source, system, f"{path}.system")
    display = value.get("display")
    if display is not None:
        display = string(source, display, f"{path}.display")
    code = code.strip() if code else None
    if not (code or display):
        return None
    return Coding(canonical_system(system) if system else None, code or None, display)


class _Remembered(Generic[Read]):
    """Reads elements that charts repeat once: it knows flawless ones again by their JSON."""

    def __init__(self, read: Callable[[Source, Json, str], Read]) -> None:
        self._read = read
        self._known: dict[bytes, Read] = {}

    def __call__(self, source: Source, value: Json, path: str) -> Read:
        try:
            key = orjson.dumps(value)
        except TypeError:  # half a surrogate pair, or too many levels
            return self._read(source, value, path)
        known = self._known.get(key)
        if known is not None:
            return known
        before = source.reports
        found = self._read(source, value, path)
        if len(key) < _RECURRING and source.reports == before:
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            self._known[key] = found
        return found


def concept(source: Source, value: Json, path: str) -> Concept:
    """Return a CodeableConcept from any shape of it.

    A plain string is its text; a Coding, a CodeableReference, or an array of these where one
    belongs, are read for what they hold.
    """
    return _NOTHING if value is None else _one_concept(source, value, path)


def _concept(source: Source, value: Json, path: str) -> Concept:
    if isinstance(value, dict):
        if "concept" in value and "coding" not in value:  # CodeableReference
            inner = one(source, value["concept"], path)
            if not isinstance(inner, dict):
                return Concept(text=string(source, inner, path))
            value = inner
        raw = value.get("coding")
        if raw is None and ("code" in value or "display" in value) and "reference" not in value:
            raw = value
        codings = tuple(
            found
            for item in objects(source, raw, f"{path}.coding")
            if (found := coding(source, item, f"{path}.coding"))
        )
        text = value.get("text")
        return Concept(codings, string(source, text, f"{path}.text") if text else None)
    if isinstance(value, str):
        return Concept(text=string(source, value, path))
    if isinstance(value, list) and not any(isinstance(item, list) for item in value):
        parts = [concept(source, item, path) for item in items(value)]
        if len(parts) > 1:
            source.ignore(path, "is an array where one concept belongs; all of it was read as one")
        texts = [part.text for part in parts if part.text]
        codings = tuple(coding for part in parts for coding in part.codings)
        return Concept(codings, "; ".join(texts) or None)
    source.ignore(path, f"is {kind_of(value)} where a coded concept belongs")
    return Concept()


def concepts(source: Source, value: Json, path: str) -> tuple[Concept, ...]:
    """Return the CodeableConcepts of an element that repeats; empty ones are left out."""
    return _EMPTY if value is None else _several_concepts(source, value, path)


def _concepts(source: Source, value: Json, path: str) -> tuple[Concept, ...]:
    found = (concept(source, _no_list(item), path) for item in items(value))
    return tuple(each for each in found if each)


_one_concept = _Remembered(_concept)
_several_concepts = _Remembered(_concepts)


def _no_list(item: Json) -> Json:
    return item[0] if isinstance(item, list) and item and not isinstance(item[0], list) else item


def reference(source: Source, value: Json, path: str) -> str | None:
    """Return the canonical reference of a Reference or CodeableReference; None without one."""
    if isinstance(value, dict):
        target = value.get("reference")
        if isinstance(target, dict):  # CodeableReference
            target = target.get("reference")
        if target is None:
            return None
    else:
        target = value
    if isinstance(target, str) and target.strip():
        return source.resolve(target.strip())
    if target is not None:
        source.ignore(path, f"is {kind_of(target)} where a reference belongs")
    return None


def references(source: Source, value: Json, path: str) -> tuple[str, ...]:
    """Return the canonical references of an element that repeats, each once."""
    if value is None:
        return _EMPTY
    found = (reference(source, item, path) for item in items(value))
    return tuple(dict.fromkeys(item for item in found if item))


def codeable_references(
    source: Source, value: Json, path: str
) -> tuple[tuple[Concept, ...], tuple[str, ...]]:
    """Split an array that may hold concepts, references and CodeableReferences."""
    if value is None:
        return _EMPTY, _EMPTY
    refs = [item for item in items(value) if isinstance(item, dict) and "reference" in item]
    return concepts(source, value, path), references(source, refs, path)


def notes(source: Source, value: Json, path: str) -> tuple[str, ...]:
    """Return the texts of Annotations; DSTU2 and STU3 give some of them as plain strings."""
    if value is None:
        return _EMPTY
    found = (
        string(source, item.get("text") if isinstance(item, dict) else item, path)
        for item in items(value)
    )
    return tuple(text for text in found if text)


def extensions(resource: Mapping[str, Json], *names: str) -> Iterator[Mapping[str, Json]]:
    """Yield the extensions whose address ends with one of ``names`` (case does not matter)."""
    raw = resource.get("extension")
    if raw is None:
        return
    endings = tuple(name.lower() for name in names)
    for item in items(raw):
        if isinstance(item, dict):
            url = item.get("url")
            if isinstance(url, str) and url.lower().rstrip("/").endswith(endings):
                yield item
