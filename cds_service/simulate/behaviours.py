"""The ways in which an EHR can be awkward, and what the service may answer then."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from cds_service.simulate import replies
from cds_service.simulate.replies import Spoil

#: ``same``: the answer of an EHR without fault; ``said``: cards that say what could not be
#: read; ``error``: an OperationOutcome.
Outcome = Literal["same", "said", "error"]
#: How a client fills the prefetch: everything, nothing, some of it, …
Prefetch = Literal[
    "none", "all", "some", "required", "null-optional", "failed-optional", "failed-required",
    "null-patient", "first-page",
]  # fmt: skip
#: What a server does to the searches themselves.
Trait = Literal[
    "pages", "page-lost", "page-elsewhere", "page-endless", "page-slow", "ignores-patient",
    "ignores-quietly", "only-others", "other-patient", "warnings", "includes", "absolute",
    "versioned", "no-self", "post-only", "stu3", "no-orders", "no-total",
]  # fmt: skip
_FINE: frozenset[Outcome] = frozenset({"same"})
_HONEST: frozenset[Outcome] = frozenset({"same", "said"})
_REFUSED: frozenset[Outcome] = frozenset({"error"})
_ANY: frozenset[Outcome] = frozenset({"same", "said", "error"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """One way. ``spoil`` is done to answers about ``kinds`` (empty: about everything)."""

    help: str
    allowed: frozenset[Outcome]
    spoil: Spoil = replies.plain
    optional_only: bool = False
    traits: frozenset[Trait] = field(default_factory=frozenset)
    prefetch: Prefetch = "none"
    server: bool = True
    #: The statuses that an error may have.
    statuses: frozenset[int] = frozenset({412})


def _client(help_: str, prefetch: Prefetch, allowed: frozenset[Outcome], *, server: bool = False,
            traits: frozenset[Trait] = frozenset()) -> Behaviour:  # fmt: skip
    return Behaviour(help=help_, allowed=allowed, prefetch=prefetch, server=server, traits=traits)


def _traits(help_: str, allowed: frozenset[Outcome], *traits: Trait) -> Behaviour:
    statuses = frozenset({400}) if "other-patient" in traits else frozenset({412})
    return Behaviour(help=help_, allowed=allowed, traits=frozenset(traits), statuses=statuses)


_HTML = b"<!DOCTYPE html><html><body>Please log in</body></html>"
_XML = b'<?xml version="1.0"?><Bundle xmlns="http://hl7.org/fhir"/>'

#: What makes answers useless: done to everything, and (``…-optional``) to optional kinds alone.
_FAILURES: Mapping[str, tuple[str, Spoil, frozenset[int]]] = {
    "slow": ("answers after the deadline", replies.delayed(60.0), frozenset({504})),
    "drops": ("closes connections without an answer", replies.lost, frozenset({412})),
    "truncates": ("closes connections in the middle", replies.truncated, frozenset({412})),
    "half-json": ("sends half a JSON as if whole", replies.half, frozenset({412})),
    "empty-body": ("answers 200 without a body", replies.nothing, frozenset({412})),
    "html": (
        "answers with a log-in page",
        replies.instead(_HTML, "text/html"),
        frozenset({412}),
    ),
    "xml": (
        "answers in XML",
        replies.instead(_XML, "application/fhir+xml"),
        frozenset({412}),
    ),
    "outcomes": ("answers 200 with OperationOutcomes", replies.failing_search, frozenset({412})),
    "401": ("does not accept the token", replies.status(401), frozenset({412})),
    "403": ("does not allow", replies.status(403), frozenset({412})),
    "404": ("has nothing there", replies.status(404), frozenset({412})),
    "429": (
        "is asked too often, for longer than the deadline",
        replies.status(429, Retry_After="60"),
        frozenset({412}),
    ),
    "500": ("fails", replies.status(500), frozenset({412})),
    "503": ("is overloaded", replies.status(503), frozenset({412})),
}
BEHAVIOURS: Mapping[str, Behaviour] = {
    "plain": Behaviour(help="without fault", allowed=_FINE),
    **{
        name: Behaviour(help=help_, allowed=_REFUSED, spoil=spoil, statuses=statuses)
        for name, (help_, spoil, statuses) in _FAILURES.items()
    },
    **{
        f"{name}-optional": Behaviour(
            help=f"{help_}, for optional kinds", allowed=_HONEST, spoil=spoil, optional_only=True
        )
        for name, (help_, spoil, _) in _FAILURES.items()
    },
    "late": Behaviour(
        help="takes 300 ms for each answer", allowed=_FINE, spoil=replies.delayed(0.3)
    ),
    "drops-once": Behaviour(
        help="loses each first connection", allowed=_FINE, spoil=replies.once(replies.lost)
    ),
    "truncates-once": Behaviour(
        help="breaks each first answer off", allowed=_FINE, spoil=replies.once(replies.truncated)
    ),
    "503-once": Behaviour(
        help="is overloaded for a moment",
        allowed=_FINE,
        spoil=replies.once(replies.status(503, Retry_After="0")),
    ),
    "429-once": Behaviour(
        help="asks to come again at once",
        allowed=_FINE,
        spoil=replies.once(replies.status(429, Retry_After="0")),
    ),
    "wrong-type": Behaviour(
        help="calls its JSON text/html", allowed=_FINE, spoil=replies.labelled("text/html")
    ),
    "gzip": Behaviour(help="compresses", allowed=_FINE, spoil=replies.zipped),
    "bom": Behaviour(help="sends a byte order mark", allowed=_FINE, spoil=replies.marked),
    "pages": _traits("pages of two", _FINE, "pages"),
    "page-lost": _traits("second pages answer 500", _HONEST, "pages", "page-lost"),
    "page-elsewhere": _traits(
        "second pages at another address", _HONEST, "pages", "page-elsewhere"
    ),
    "page-endless": _traits("second pages again and again", _HONEST, "pages", "page-endless"),
    "page-slow": _traits("second pages after the deadline", _HONEST, "pages", "page-slow"),
    "ignores-patient": _traits("answers for everybody, and says so", _FINE, "ignores-patient"),
    "ignores-paged": _traits("answers for everybody, in pages", _FINE, "ignores-patient", "pages"),
    "ignores-cut": _traits(
        "answers for everybody, and the second page fails",
        _HONEST,
        "ignores-patient",
        "pages",
        "page-lost",
    ),
    "ignores-quietly": _traits("answers for everybody as if for one", _HONEST, "ignores-quietly"),
    "only-others": _traits("answers with another patient's records", _HONEST, "only-others"),
    "other-patient": _traits("reads another Patient", _REFUSED, "other-patient"),
    "warnings": _traits("adds warnings to searches", _FINE, "warnings"),
    "includes": _traits("adds resources that were not asked for", _FINE, "includes"),
    "absolute": _traits("writes absolute references", _FINE, "absolute"),
    "versioned": _traits("writes versioned references", _FINE, "versioned"),
    "no-self": _traits("searches without link and total", _FINE, "no-self", "no-total"),
    "post-only": _traits("refuses searches by GET", _FINE, "post-only"),
    "stu3": _traits("speaks STU3", _FINE, "stu3"),
    "no-orders": _traits("knows no ServiceRequest", _HONEST, "no-orders"),
    "prefetch": _client("everything prefetched", "all", _FINE),
    "omits-some": _client("some keys prefetched", "some", _FINE, server=True),
    "omits-optional": _client("required keys alone, and no server", "required", _HONEST),
    "omits-all": _client("no key and no server", "none", _REFUSED),
    "nulls-optional": _client("optional keys are null", "null-optional", _ANY),
    "null-patient": _client("the patient is null", "null-patient", _REFUSED),
    "failed-optional": _client("OperationOutcomes in optional keys", "failed-optional", _HONEST),
    "failed-required": _client("OperationOutcomes in required keys", "failed-required", _REFUSED),
    "first-page": _client(
        "first pages prefetched, the others on the server",
        "first-page",
        _FINE,
        server=True,
        traits=frozenset({"pages"}),
    ),
}
