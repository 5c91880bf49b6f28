"""Whether requests are to be sent here: each thing that they need, by a check of its own."""

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

#: Returns what is wrong in words that anybody may read; None where nothing is.
Check = Callable[[], str | None]


@dataclass(frozen=True, slots=True)
class Found:
    """The outcome of one check."""

    #: None where all is well.
    problem: str | None
    #: What the check took.
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return the outcome for a probe."""
        said = {"problem": self.problem} if self.problem else {}
        status = "failed" if self.problem else "ok"
        return {"status": status, **said, "seconds": round(self.seconds, 6)}


class Patient:
    """A check that may hang: it is given up after a while, and not asked oftener than needed.

    However many probes come, one thread at most waits for what does not answer.
    """

    def __init__(self, check: Check, *, patience: float = 1.0, every: float = 2.0) -> None:
        """Take the check, the seconds that it may take, and those for which its outcome holds."""
        self._check = check
        self._patience = patience
        self._every = every
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(1, "readiness")
        self._last: tuple[float, str | None] | None = None
        self._running: Future[str | None] | None = None

    def __call__(self) -> str | None:
        """Return the problem, now or a moment ago."""
        with self._lock:
            if self._last and time.monotonic() - self._last[0] < self._every:
                return self._last[1]
            if self._running is None or self._running.done():
                self._running = self._pool.submit(self._check)
            try:
                problem = self._running.result(self._patience)
            except TimeoutError:
                problem = f"no answer in {self._patience:g} s"
            self._last = (time.monotonic(), problem)
            return problem


class Readiness:
    """The checks of one application, and whether it is being stopped."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        """Take the checks by name; none of them may raise."""
        self._checks = dict(checks)
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Be ready no more: what comes now should go elsewhere."""
        self._stopping.set()

    def problem(self, name: str) -> str | None:
        """Return what one check finds."""
        return _timed(self._checks[name]).problem

    def report(self) -> tuple[bool, dict[str, Any]]:
        """Return whether all is well, and what each check found."""
        found = {name: _timed(check) for name, check in self._checks.items()}
        failing = [name for name, each in found.items() if each.problem]
        if self._stopping.is_set():
            failing.append("stopping")
        body = {
            "status": "not ready" if failing else "ready",
            **({"failing": failing} if failing else {}),
            "checks": {name: each.to_json() for name, each in found.items()},
        }
        return not failing, body


def _timed(check: Check) -> Found:
    begun = time.perf_counter()
    try:
        problem = check()
    except Exception as error:  # noqa: BLE001 - a probe is told that something is wrong, not what
        problem = f"fails: {type(error).__name__}"
    return Found(problem, time.perf_counter() - begun)
