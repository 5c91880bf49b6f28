"""An own guideline in place of the package's: it has to hold all that the service asks for."""

import functools
import re
import tomllib
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from cds_service.guideline.loader import GuidelineError, load, loads, place_holders
from cds_service.guideline.model import Guideline

Table = Mapping[str, Any]

#: Tables whose entries the service asks for by name, and how deep their names go.
_DEPTH = {
    "meta": 1,
    "certainty": 1,
    "statements": 1,
    "policy": 2,
    "rules": 1,
    "topics": 1,
    "suggestions": 1,
    "matches": 1,
    "overrides": 1,
    "words": 2,
}
_KINDS: Mapping[type, str] = {str: "a text", list: "a list", dict: "a table"}
_VERSION = re.compile(r"[0-9A-Za-z.+_-]{1,64}")


def read(path: Path | None) -> Guideline:
    """Return the guideline of a file, without one that of the package.

    Raises :class:`GuidelineError`, which names the file and the place in it, for what
    :func:`checked` refuses.
    """
    if path is None:
        return load()
    try:
        return checked(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise GuidelineError(f"{path} cannot be read: {error}") from None
    except GuidelineError as error:
        raise GuidelineError(f"{path}: {error}") from None


def checked(text: str) -> Guideline:
    """Return the guideline that a TOML text holds, in place of the package's.

    Raises :class:`GuidelineError`: beyond what :func:`loads` refuses, for an entry or a number
    that is missing, and for a place holder that nothing fills in.
    """
    guideline = loads(text)
    _compare(tomllib.loads(text), _shipped())
    return guideline


@functools.cache
def _shipped() -> Table:
    package = resources.files(__package__)
    return tomllib.loads(package.joinpath("guideline.toml").read_text("utf-8"))


def _compare(own: Table, shipped: Table) -> None:
    for name, depth in _DEPTH.items():
        _complete(own[name], shipped[name], depth, name)
    version = own["meta"]["version"]
    if not _VERSION.fullmatch(version):
        raise GuidelineError(f"meta.version must be like 1.2.0 or 1.2.0-site; it is {version!r}.")
    for key, statement in shipped["statements"].items():
        where = f"statements.{key}.numbers"
        _complete(own["statements"][key].get("numbers", {}), statement.get("numbers", {}), 1, where)
    for name in ("rules", "suggestions", "words"):
        for key, entry in shipped[name].items():
            _fillable(own[name][key], entry, f"{name}.{key}")


def _complete(own: Table, shipped: Table, depth: int, where: str) -> None:
    for key, value in shipped.items():
        if key not in own:
            raise GuidelineError(f"{where}.{key} is missing: the service asks for it.")
        for kind, name in _KINDS.items():
            if isinstance(value, kind) and not isinstance(own[key], kind):
                raise GuidelineError(f"{where}.{key} must be {name}; it is {own[key]!r}.")
        if depth > 1:
            _complete(own[key], value, depth - 1, f"{where}.{key}")


def _fillable(own: Table, shipped: Table, where: str) -> None:
    """Raise where a text has a place holder that the package's entry has nowhere.

    Dotted ones are numbers, which the loader knows.
    """
    known = {name for text in _texts(shipped) for name in place_holders(text, where)}
    for key, value in own.items():
        for text in _texts({key: value}):
            for name in place_holders(text, f"{where}.{key}"):
                if name not in known and "." not in name:
                    listed = ", ".join(f"{{{each}}}" for each in sorted(known)) or "none"
                    raise GuidelineError(
                        f"{where}.{key}: nothing fills in {{{name}}}; known here are {listed}."
                    )


def _texts(table: Table) -> Iterator[str]:
    return (value for value in table.values() if isinstance(value, str))
