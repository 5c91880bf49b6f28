"""Prefetch templates: what may stand in them, and how their tokens are filled."""

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from functools import cache, lru_cache
from urllib.parse import parse_qsl, quote, urlsplit

_TOKEN = re.compile(r"\{\{(.*?)\}\}")
_READ = re.compile(r"[A-Z][A-Za-z]+/\{\{[^{}/]+\}\}|\{\{context\.userId\}\}")
_TYPE = re.compile(r"[A-Z][A-Za-z]+")
_USER_TOKENS = frozenset(
    {"userPractitionerId", "userPractitionerRoleId", "userPatientId", "userRelatedPersonId"}
)


class TemplateError(ValueError):
    """A prefetch template that clients could not resolve."""


def lint(template: str, *, tokens: AbstractSet[str]) -> None:
    """Check one template against what every client must support.

    ``tokens`` are the context fields that the hook allows as prefetch tokens. Raises
    :class:`TemplateError`: only reads and type-level searches, relative, with root-level
    tokens; no parameter twice, because the public sandbox joins repeated ones.
    """
    allowed = {f"context.{name}" for name in tokens} | _USER_TOKENS
    for token in _TOKEN.findall(template):
        if token not in allowed:
            raise TemplateError(f"{template}: the hook has no prefetch token {{{{{token}}}}}")
    if any(brace in _TOKEN.sub("", template) for brace in "{}"):
        raise TemplateError(f"{template}: a token is delimited by {{{{ and }}}}")
    parts = urlsplit(template)
    if parts.scheme or parts.netloc or parts.path.startswith("/"):
        raise TemplateError(f"{template}: a template is relative to the FHIR server's base")
    if parts.query:
        if not _TYPE.fullmatch(parts.path):
            raise TemplateError(f"{template}: a search is Type?parameter=value")
        names = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
        if len(names) != len(set(names)):
            raise TemplateError(f"{template}: a parameter stands twice")
    elif not _READ.fullmatch(parts.path):
        raise TemplateError(f"{template}: a read is Type/{{{{token}}}}")


def resolve(template: str, values: Mapping[str, str]) -> str | None:
    """Return ``template`` with its tokens filled from ``values``, percent-encoded.

    None if a token has no value (an encounter id where there is no encounter).
    """
    if not all(token in values for token in _tokens(template)):
        return None
    return _TOKEN.sub(lambda match: _quoted(values[match[1]]), template)


@cache
def _tokens(template: str) -> tuple[str, ...]:
    return tuple(_TOKEN.findall(template))


# Eight templates name one patient.
@lru_cache(maxsize=64)
def _quoted(value: str) -> str:
    return quote(value, safe="/")
