"""What may happen in a soak and what may not. Nothing here sends, waits or reads a clock."""

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, linear_regression
from typing import Any

from cds_service.engine import UNREAD
from cds_service.simulate.behaviours import Behaviour, Outcome
from cds_service.simulate.matrix import Answer, judge

Json = dict[str, Any]
#: (card, outcome, outcomeTimestamp) of an item of feedback.
Item = tuple[str, str, str]

OK = 200
_UNAUTHORIZED = 401
#: Errors that a FHIR server which is slow, dead or both in turn may cause.
_UPSTREAM = frozenset({412, 503, 504})
#: Seconds around a disturbance for which connections may fail.
_GRACE = 2.0
#: Memory that a worker may grow by, over the time in which it is measured.
_GROWTH_SHARE, _GROWTH_KB = 0.10, 12_000
#: While it is younger than this, what it remembers of charts and phrases may fill up, too.
_WARM_SECONDS, _WARMING_KB = 120.0, 40_000
_SAMPLES = 8
_UUID = re.compile(r'("uuid": ")[^"]*(")')


def without_ids(body: object) -> str:
    """Return JSON as text that is the same for the same answer: each card has a new id."""
    return _UUID.sub(r"\1\2", json.dumps(body, sort_keys=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What an exchange may end with."""

    #: The reference answer; None where the status alone counts.
    reference: Json | None = None
    statuses: frozenset[int] = frozenset({OK})
    #: What else than the reference answer the state of the FHIR server allows.
    allowed: frozenset[Outcome] = frozenset({"same"})

    @classmethod
    def refused(cls, status: int) -> "Expected":
        """Return what a request ends with that cannot be answered."""
        return cls(statuses=frozenset({status}))

    @classmethod
    def unreadable(cls, reference: Json, *, always: bool) -> "Expected":
        """Return what a call may end with whose FHIR server answers never, or sometimes."""
        outcomes: frozenset[Outcome] = frozenset({"error"} if always else {"same", "said", "error"})
        statuses = _UPSTREAM if always else _UPSTREAM | {OK}
        return cls(reference=reference, statuses=statuses, allowed=outcomes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and how it ended. Times are those of one clock, in seconds."""

    what: str
    began: float
    ended: float
    #: 0 where there was no answer.
    status: int
    body: Any = None
    expected: Expected


@dataclass(frozen=True, slots=True)
class Disturbance:
    """A time in which connections may break off: a worker was killed, the service restarted."""

    kind: str
    began: float
    ended: float


@dataclass(slots=True)
class Judge:
    """Takes what happens, and says in the end what should not have."""

    violations: Counter[str] = field(default_factory=Counter)
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    acknowledged: set[Item] = field(default_factory=set)
    #: Items of batches that were refused: none of them may be stored.
    refused: set[Item] = field(default_factory=set)
    #: The ids of the cards that were received.
    cards: set[str] = field(default_factory=set)
    _broken: list[Exchange] = field(default_factory=list)

    def see(self, exchange: Exchange) -> None:
        """Take an exchange."""
        self.statuses[exchange.what.partition(":")[0], exchange.status] += 1
        if not exchange.status:
            self._broken.append(exchange)
            return
        fault = _fault(exchange)
        if fault:
            self.violations[f"{exchange.what}: {fault}"] += 1

    def look_for(self, kinds: Iterable[str]) -> None:
        """Miss every kind of request that was never answered: nothing is known of it."""
        for kind in kinds:
            if not any(name == kind and status for name, status in self.statuses):
                self.violations[f"{kind}: no such request was answered"] += 1

    def look_at_connections(self, disturbances: Iterable[Disturbance]) -> None:
        """Let connections fail only where something was killed or restarted."""
        times = [(each.began - _GRACE, each.ended + _GRACE) for each in disturbances]
        for exchange in self._broken:
            if not any(exchange.began <= end and exchange.ended >= begin for begin, end in times):
                self.violations[f"{exchange.what}: no answer, and nothing was disturbed"] += 1

    def look_at_stored(self, stored: Sequence[Item], cards: Collection[str]) -> None:
        """Compare with the database: acknowledged items once, refused ones never, every card."""
        counted = Counter(stored)
        for item in self.acknowledged:
            if counted[item] != 1:
                self.violations[f"feedback: acknowledged, and stored {counted[item]} times"] += 1
        for item in self.refused:
            if counted[item]:
                self.violations["feedback: refused, and stored all the same"] += 1
        lost = len(self.cards - set(cards))
        if lost:
            self.violations["cards: shown, and not remembered"] += lost

    def look_at_memory(self, samples: Mapping[int, Sequence[tuple[float, float]]]) -> None:
        """Take (seconds, kilobytes) of each process: none may grow steadily.

        At least one process has to have been there for long enough to tell.
        """
        long_enough = {pid: each for pid, each in samples.items() if len(each) >= _SAMPLES}
        if not long_enough:
            self.violations["memory: no process lived long enough to be measured"] += 1
        for pid, each in long_enough.items():
            grown = growth(each)
            seconds = each[-1][0] - each[0][0]
            mean = fmean(kilobytes for _, kilobytes in each)
            allowed = _WARMING_KB if seconds < _WARM_SECONDS else _GROWTH_KB
            if grown > max(allowed, _GROWTH_SHARE * mean):
                told = f"grew by {grown / 1000:.0f} MB in {seconds:.0f} s"
                self.violations[f"memory: process {pid} {told}"] += 1

    def look_at_log(self, log: str, secrets: Iterable[str]) -> None:
        """Look for secrets."""
        for secret in secrets:
            if secret in log:
                self.violations[f"log: it holds {secret}"] += 1


def growth(samples: Sequence[tuple[float, float]]) -> float:
    """Return by how many kilobytes a process grew, by the line through its samples."""
    times, sizes = zip(*samples, strict=True)
    return linear_regression(times, sizes).slope * (times[-1] - times[0])


def _fault(exchange: Exchange) -> str | None:
    expected = exchange.expected
    if exchange.status not in expected.statuses:
        return f"status {exchange.status}, not {' or '.join(map(str, sorted(expected.statuses)))}"
    if exchange.status == _UNAUTHORIZED:
        return None if exchange.body is None else "a 401 with a body"
    if exchange.status != OK:
        kind = exchange.body.get("resourceType") if isinstance(exchange.body, dict) else None
        if kind != "OperationOutcome":
            return f"status {exchange.status} without an OperationOutcome"
    if expected.reference is None:
        return None
    if expected.allowed == {"same"}:
        same = without_ids(exchange.body) == without_ids(expected.reference)
        return None if same else "another answer than the reference"
    behaviour = Behaviour(help="", allowed=expected.allowed, statuses=expected.statuses - {OK})
    full = _answer(OK, expected.reference)
    return judge(_answer(exchange.status, exchange.body), full, behaviour)[1]


def _answer(status: int, body: Any) -> Answer:
    if status != OK:
        return Answer(status, problem=json.dumps(body))
    cards = tuple(json.loads(without_ids(card)) for card in body["cards"])
    return Answer(status, cards, tuple(body.get("extension", {}).get(UNREAD, {})))
