"""One difference between two versions of the service, on one case."""

from dataclasses import dataclass
from typing import Any, Literal

from cds_service.replay.client import Json
from cds_service.replay.layout import dumps

#: What a difference is, in the order in which reports show and count them.
Kind = Literal[
    "only here",
    "only there",
    "other case",
    "error gained",
    "error lost",
    "error changed",
    "card lost",
    "card gained",
    "state",
    "rule",
    "window moved",
    "window lost",
    "window gained",
    "depth",
    "tumour lost",
    "tumour gained",
    "tumour",
    "card changed",
    "cards reordered",
    "facts",
    "schedule",
    "not used",
    "answer",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What changed, where, and from what to what; "" stands for nothing at all."""

    kind: Kind
    #: Hook, topic, tumour or member, from the whole to the part.
    where: str
    before: str = ""
    after: str = ""


def place(*parts: str) -> str:
    """Return where something is: "patient-view · margin · summary"."""
    return " · ".join(part for part in parts if part)


def told(value: Any) -> list[str]:  # noqa: ANN401 - any JSON value
    """Return a JSON value as lines of text, complete: an item, a fact or a phase is one line."""
    if value is None:
        return []
    if isinstance(value, list):
        return [text for item in value for text in told(item)]
    if not isinstance(value, dict):
        return [value if isinstance(value, str) else dumps(value)]
    if "reference" in value and "label" in value:
        return [_fact(value)]
    plain = {key: item for key, item in value.items() if not isinstance(item, dict | list)}
    head = ", ".join(f"{key} {item}" for key, item in plain.items())
    rest = [
        ", ".join(filter(None, (head, f"{key} {text}")))
        for key, item in value.items()
        if key not in plain
        for text in told(item)
    ]
    return rest or [head]


def _fact(fact: Json) -> str:
    quote = f": “{fact['text']}”" if "text" in fact else ""
    when = f", {fact['date']}" if "date" in fact else ""
    return f"{fact['label']}{quote}{when} [{fact['reference']}]"
