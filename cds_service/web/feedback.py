"""From feedback to what is remembered of it: no text of a client but where it is switched on."""

from collections.abc import Iterable, Mapping

from cds_service.guideline import Guideline
from cds_service.protocol.feedback import Item, OverrideReason
from cds_service.store import FeedbackRow, Store
from cds_service.store.rows import opaque
from cds_service.trust import Caller

_OTHER = "other"


class Recorder:
    """Puts feedback into the store."""

    def __init__(self, store: Store, guideline: Guideline, *, keep_text: bool) -> None:
        """Take the guideline, whose override reasons are known words and not free text."""
        self._store = store
        self._keep_text = keep_text
        self._codes = frozenset(
            reason.code for reasons in guideline.overrides.values() for reason in reasons
        )

    def record(
        self, items: Iterable[Item], *, service: str, caller: Caller | None
    ) -> Mapping[tuple[str, str], int]:
        """Remember all items or none; return how often each topic and outcome is new."""
        client = caller.client.name if caller else ""
        return self._store.record_feedback([self._row(item, service, client) for item in items])

    def _row(self, item: Item, service: str, client: str) -> FeedbackRow:
        given = item.override_reason if item.outcome == "overridden" else None
        return FeedbackRow(
            card=opaque(item.card),
            service=service,
            client=client,
            outcome=item.outcome,
            outcome_at=item.outcome_timestamp,
            suggestions=tuple(opaque(accepted.id) for accepted in item.accepted_suggestions)
            if item.outcome == "accepted"
            else (),
            reason=self._reason(given),
            text=self._text(given) if self._keep_text else None,
        )

    def _reason(self, given: OverrideReason | None) -> str | None:
        if given is None:
            return None
        code = given.reason.code if given.reason else None
        return code if code in self._codes else _OTHER

    def _text(self, given: OverrideReason | None) -> str | None:
        if given is None:
            return None
        reason = given.reason
        own = reason is None or reason.code in self._codes
        parts = [] if own or reason is None else [reason.code, reason.system, reason.display]
        text = " | ".join(part for part in (*parts, given.user_comment) if part)
        # PostgreSQL holds every character but this one.
        return text.replace("\x00", "") or None
