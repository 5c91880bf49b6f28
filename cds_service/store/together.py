"""What several threads want written at the same time, written at once.

A transaction costs nearly the same whatever it holds, and a file takes one writer at a time: who
waits for its turn may find that its part has been written with that of the one before.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Part = TypeVar("Part")


@dataclass(slots=True, eq=False)
class _Job(Generic[Part]):
    part: Part
    ended: bool = False
    error: Exception | None = None


class Together(Generic[Part]):
    """Hands parts to a function that writes them, all that wait in one call."""

    def __init__(
        self,
        write: Callable[[Sequence[Part]], None],
        *,
        seconds: float,
        own: tuple[type[Exception], ...] = (),
    ) -> None:
        """Take the function, which writes all parts or none.

        ``seconds``: how long a part may wait for its turn. ``own``: errors that are one part's
        own, so that the others are to be written without it.
        """
        self._write = write
        self._seconds = seconds
        self._own = own
        self._waiting: deque[_Job[Part]] = deque()
        self._turn = threading.Lock()

    def add(self, part: Part) -> None:
        """Return when the part is written.

        Raises what writing it raised, or TimeoutError: the turn did not come, and nobody waits.
        """
        job = _Job(part)
        self._waiting.append(job)
        if not self._turn.acquire(timeout=self._seconds):
            raise TimeoutError("others are writing for too long")
        try:
            if not job.ended:
                self._end([self._waiting.popleft() for _ in range(len(self._waiting))])
        finally:
            self._turn.release()
        if job.error:
            raise job.error

    def _end(self, jobs: Sequence[_Job[Part]]) -> None:
        error: Exception | None = None
        try:
            self._write([job.part for job in jobs])
        except Exception as raised:  # noqa: BLE001 - whatever it is, it is raised where it belongs
            error = raised
        if isinstance(error, self._own) and len(jobs) > 1:
            for job in jobs:
                self._end([job])
            return
        for job in jobs:
            job.ended, job.error = True, error
