"""The audit record: who asked about whom, and what came of it, for whoever must account for it."""

import datetime as dt
import hmac
import threading
import time
from collections import deque

from cds_service import __version__
from cds_service.errors import UpstreamUnavailable
from cds_service.observe.seen import Seen
from cds_service.settings import Settings
from cds_service.store import AuditRow, Store

#: Statuses of refusals: somebody who may not come in, or may not do this.
ALERTS = frozenset({401, 403})
#: Refusals that a worker records in a minute: the log and the metrics have them all, and nobody
#: outside should fill the database.
_MOST_ALERTS = 100
_MINUTE = 60.0
#: What a digest begins with.
DIGEST = "hmac-sha256:"


class References:
    """How patients and users stand in the record."""

    def __init__(self, settings: Settings) -> None:
        """Take the key, and whether references are to stand there as they are."""
        self._plain = settings.audit_references == "plain"
        self._key = settings.audit_key

    def kept(self, reference: str) -> str:
        """Return what is kept of a reference such as ``Patient/1``; "" where nothing is."""
        return reference if self._plain else self._digest(reference)

    def spellings(self, reference: str) -> tuple[str, ...]:
        """Return everything as which a reference may stand in the record."""
        return tuple(filter(None, (reference, self._digest(reference))))

    def _digest(self, reference: str) -> str:
        if not self._key:
            return ""
        made = hmac.new(self._key.encode(), reference.encode("utf-8", "surrogatepass"), "sha256")
        return DIGEST + made.hexdigest()


class Audit:
    """Writes the record: a sink."""

    def __init__(self, store: Store, settings: Settings) -> None:
        """Take where it is written."""
        self._store = store
        self._references = References(settings)
        self._alerts: deque[float] = deque(maxlen=_MOST_ALERTS)
        self._lock = threading.Lock()

    def record(self, seen: Seen) -> None:
        """Write what is to be accounted for: calls, feedback, and refusals of anything."""
        alert = seen.status in ALERTS and seen.endpoint != "probe"
        if not (alert or seen.endpoint in {"call", "feedback"}) or (alert and self._too_many()):
            return
        try:
            self._store.record_audit(self._row(seen))
        except UpstreamUnavailable:
            # It stands in the log and is counted. Advice is not withheld because of it.
            return

    def _row(self, seen: Seen) -> AuditRow:
        call, answered, service = seen.call, seen.answered, seen.service
        return AuditRow(
            at=dt.datetime.now(dt.UTC),
            request=seen.request_id,
            endpoint=seen.endpoint,
            service=service.id if service else "",
            hook=service.hook if service else "",
            hook_instance=call.request.hook_instance if call else "",
            client=seen.client,
            tenant=seen.tenant[:128],
            user=self._references.kept(call.context.user_id) if call else "",
            patient=self._references.kept(f"Patient/{call.context.patient_id}") if call else "",
            status=seen.status,
            reason=seen.reason,
            cards=len(answered.response.cards) if answered else 0,
            program=__version__,
            guideline=answered.guideline.version if answered else "",
        )

    def _too_many(self) -> bool:
        with self._lock:
            now = time.monotonic()
            full = len(self._alerts) == _MOST_ALERTS and now - self._alerts[0] < _MINUTE
            if not full:
                self._alerts.append(now)
            return full
