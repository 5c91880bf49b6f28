"""The rows as values, and what keeps patient data out of them."""

import datetime as dt
import hashlib
import re
from dataclasses import dataclass

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SentCard:
    """A card that was sent: what feedback is joined to."""

    uuid: str
    topic: str
    #: The ids of the rules that decided, separated by commas.
    rule: str
    guideline_version: str
    service: str
    #: The name of the client; "" without authentication.
    client: str
    #: UTC.
    sent_at: dt.datetime
    #: Whether it was withheld from the client.
    shadow: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackRow:
    """One outcome of one card. ``text`` is free text, and may hold patient data."""

    card: str
    service: str
    client: str
    outcome: str
    #: UTC, as the client says it.
    outcome_at: dt.datetime
    suggestions: tuple[str, ...] = ()
    #: A code of the service's own override reasons, "other", or None where no reason was given.
    reason: str | None = None
    text: str | None = None

    @property
    def digest(self) -> str:
        """What is the same for repeats of the same feedback, and for nothing else."""
        return digest(
            self.client,
            self.service,
            self.card,
            self.outcome,
            self.outcome_at.isoformat(),
            *self.suggestions,
            self.reason or "",
            self.text or "",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One request, as it is accounted for; "" where something is not known or not kept."""

    #: UTC.
    at: dt.datetime
    request: str
    endpoint: str
    service: str = ""
    hook: str = ""
    hook_instance: str = ""
    client: str = ""
    tenant: str = ""
    #: References such as ``Patient/1``, or keyed digests of them.
    user: str = ""
    patient: str = ""
    status: int
    #: Why it was refused.
    reason: str = ""
    cards: int = 0
    program: str
    guideline: str = ""
    #: Of the row; 0 before it is stored.
    id: int = 0


def digest(*parts: str) -> str:
    """Return a SHA-256 of the parts, in which no part can run into the next."""
    whole = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        whole.update(len(data).to_bytes(8, "big") + data)
    return whole.hexdigest()


def opaque(name: str) -> str:
    """Return a UUID in lower case, and of any other id a digest: it could say anything."""
    return name.lower() if _UUID.fullmatch(name) else f"sha256:{digest(name)}"
