"""Circuit breakers: a server that is dead costs a moment, not the time of every request."""

import functools
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from cds_service.chart.watch import UNWATCHED, BreakerState, Watch

#: Failures in a row that open a breaker: a single request asks for more kinds than that.
_FAILURES = 5
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 30.0
_SERVERS = 256


@dataclass(frozen=True, slots=True)
class Refusal:
    """The server is not to be asked; ``seconds`` from now it may be."""

    seconds: float


class Breaker:
    """Whether one server may be asked.

    ``closed``: it may. After :data:`_FAILURES` failures in a row ``open``: it may not, for a
    pause that doubles. Then ``half-open``: one request tries, the others wait for what it finds.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        seen: Callable[[BreakerState], None] = lambda _: None,
    ) -> None:
        """Start closed; ``clock`` gives seconds, ``seen`` is told each state that is new."""
        self._clock = clock
        self._changed = threading.Condition()
        self._seen = seen
        self._become("closed")
        self._failures = 0
        self._pause = _FIRST_PAUSE
        self._until = 0.0

    @property
    def state(self) -> str:
        """What the breaker is, for reports."""
        return self._state

    def permit(self, deadline: float) -> Refusal | None:
        """Return None where a request may go, whose end :meth:`record` must then be told.

        Waits for a trial of somebody else, until ``deadline`` at most.
        """
        with self._changed:
            while self._state != "closed":
                now = self._clock()
                if self._state == "open":
                    if now < self._until:
                        return Refusal(self._until - now)
                    self._become("half-open")
                    return None
                if now >= deadline:
                    return Refusal(self._pause)
                self._changed.wait(deadline - now)
        return None

    def record(self, *, answered: bool | None) -> None:
        """Take how a request ended: answered, not answered, or None where that says nothing."""
        with self._changed:
            if answered:
                self._failures, self._pause = 0, _FIRST_PAUSE
                if self._state != "closed":
                    self._become("closed")
            elif self._state == "half-open":
                self._open(longer=answered is not None)
            elif answered is not None and self._state == "closed":
                self._failures += 1
                if self._failures >= _FAILURES:
                    self._pause = _FIRST_PAUSE
                    self._open(longer=False)
            self._changed.notify_all()

    def _open(self, *, longer: bool) -> None:
        if longer:
            self._pause = min(self._pause * 2, _LONGEST_PAUSE)
        self._become("open")
        self._until = self._clock() + self._pause

    def _become(self, state: BreakerState) -> None:
        self._state = state
        self._seen(state)


class Breakers:
    """One breaker for each server, the longest unused forgotten first."""

    def __init__(self, watch: Watch = UNWATCHED) -> None:
        """Start without any."""
        self._watch = watch
        self._lock = threading.Lock()
        self._all: OrderedDict[str, Breaker] = OrderedDict()

    def of(self, origin: str) -> Breaker:
        """Return the breaker of a server."""
        with self._lock:
            breaker = self._all.get(origin)
            if breaker is None:
                seen = functools.partial(self._watch.breaker_is, origin)
                breaker = self._all[origin] = Breaker(seen=seen)
            self._all.move_to_end(origin)
            while len(self._all) > _SERVERS:
                forgotten, _ = self._all.popitem(last=False)
                self._watch.breaker_is(forgotten, None)
            return breaker
