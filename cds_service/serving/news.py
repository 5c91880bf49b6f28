"""What a worker is told: by what it answers, what was refused, and that the end is near."""

import datetime as dt
import multiprocessing
import threading
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

from cds_service.serving.configuration import Configuration


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """The configuration that counts."""

    configuration: Configuration
    #: UTC.
    since: dt.datetime
    #: When a later one was refused; None where there was none.
    refused: dt.datetime | None = None
    #: Whether the server is about to stop.
    stopping: bool = False

    @property
    def standing(self) -> dict[str, Any]:
        """For probes, which anybody may ask: nothing of the configuration itself."""
        return {
            "guideline": self.configuration.guideline.version,
            "since": self.since.isoformat(timespec="seconds"),
            "refused": self.refused and self.refused.isoformat(timespec="seconds"),
        }


class Link:
    """The way to one worker. What it is told waits here: a worker that hangs holds up nobody."""

    def __init__(self) -> None:
        """Make the way; ``end`` is the worker's."""
        self.end, self._begin = multiprocessing.Pipe(duplex=False)
        self._waiting: SimpleQueue[News | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def tell(self, news: News) -> None:
        """Send news, in the order in which they are told."""
        self._waiting.put(news)
        if self._thread is None:
            self._thread = threading.Thread(target=self._send, name="news", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Forget a worker that is gone."""
        self._waiting.put(None)

    def _send(self) -> None:
        while (news := self._waiting.get()) is not None:
            self._begin.send(news)
