# mypy: disable-error-code="no-untyped-call, override"
# Granian's own Python has no annotations.
"""The main process: it starts workers, hands them what changes, and stops them in time."""

import datetime as dt
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.mp import MPServer

from cds_service.observe import logs
from cds_service.serving import worker
from cds_service.serving.configuration import ERRORS, Configuration, Source
from cds_service.serving.news import Link, News

#: Threads of a worker: each waits for FHIR servers most of its time.
_THREADS = 16
#: Seconds for which the end of a worker may go unnoticed.
_STEP = 0.1
_log = logging.getLogger(__name__)


class _Beat(threading.Event):
    """What wakes the main loop: whatever happens, and every second, lest a signal be missed.

    It may reach another thread, or come just before the loop forgets that it was woken.
    """

    def __init__(self, look: Callable[[], None]) -> None:
        super().__init__()
        self._look = look

    def wait(self, timeout: float | None = 1.0) -> bool:
        """Wait for the next beat."""
        found = super().wait(timeout)
        self.clear()
        self._look()
        return found


class Server(MPServer):
    """Serves until SIGTERM or SIGINT; a second one ends it at once.

    SIGHUP, and with ``watch_seconds`` a change of the files, has the configuration read again.
    """

    def __init__(
        self, source: Source, first: Configuration, *, host: str, port: int, workers: int
    ) -> None:
        """Take where the configuration comes from, and what it was when it was checked."""
        super().__init__(
            "cds_service",
            address=host,
            port=port,
            interface=Interfaces.WSGI,
            workers=workers,
            blocking_threads=_THREADS,
            # A worker that died would otherwise take the whole service with it.
            respawn_failed_workers=True,
            workers_kill_timeout=first.settings.shutdown_seconds,
            websockets=False,
            log_level=LogLevels(first.settings.log_level),
            log_dictconfig=logs.config(first.settings.log_level),
        )
        self._source = source
        self._seen: Configuration | str = first
        self._news = News(configuration=first, since=_now())
        self._links: dict[int, Link] = {}
        self._looked = time.monotonic()
        self.main_loop_interrupt = _Beat(self._look)
        self._forced = threading.Event()

    def run(self) -> None:
        """Serve until the end."""
        logs.configure(self._news.configuration.settings.log_level)
        self.serve(target_loader=_none, wrap_loader=False)

    # --- What changes ---

    def _spawn_worker(self, idx: int, target: Any, callback_loader: Any) -> Any:  # noqa: ANN401, ARG002 - the base class's
        """Return a worker with the present configuration, whatever stands in the files now."""
        if idx in self._links:
            self._links[idx].close()
        link = self._links[idx] = Link()
        return super()._spawn_worker(idx, target, partial(worker.start, self._news, link.end))

    def _reload(self, spawn_target: Any, target_loader: Any) -> None:  # noqa: ANN401, ARG002 - as above
        """Let the workers take a new configuration over, if it is one; none of them is stopped."""
        # Before anything is read: a signal that comes later has it all read once more.
        self.reload_signal = False
        self._seen = found = self._source.seen()
        if isinstance(found, str):
            self._refuse(found)
            return
        try:
            found = found.after(self._news.configuration)
            found.check()
        except ERRORS as error:
            self._refuse(str(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, the one before goes on
            self._refuse(f"unexpected {type(error).__name__}")
        else:
            self._accept(found)

    def _accept(self, found: Configuration) -> None:
        for warning in found.warnings:
            _log.warning("%s", warning)
        since = _now()
        if found == self._news.configuration:
            _log.info("the configuration was read again, and is as it was")
            since = self._news.since
        else:
            _log.info("a new configuration is taken over: %s", found)
        self._tell(News(configuration=found, since=since))

    def _refuse(self, reason: str) -> None:
        _log.error("the new configuration is refused, and the one before stays: %s", reason)
        self._tell(replace(self._news, refused=_now()))

    def _tell(self, news: News) -> None:
        self._news = news
        for link in self._links.values():
            link.tell(news)

    def _look(self) -> None:
        """Look whether the files have changed, if it is time."""
        every = self._news.configuration.settings.watch_seconds
        if every and time.monotonic() - self._looked >= every:
            self._looked = time.monotonic()
            if self._source.seen() != self._seen:
                self.reload_signal = True

    # --- The end ---

    def signal_handler_interrupt(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as above
        """Begin to stop; the second time, stop."""
        if os.getpid() != self.pid:
            os._exit(0)  # a worker that has not begun
        if self.interrupt_signal:
            self._forced.set()
            for each in self.wrks:
                each.kill()
        super().signal_handler_interrupt(*args, **kwargs)

    def shutdown(self, exit_code: int = 0) -> None:
        """Say that nothing more is to be sent here, wait until that is known, and stop."""
        drain = self._news.configuration.settings.drain_seconds
        if self.interrupt_signal and drain:
            _log.info("not ready any more; requests are answered for another %d s", drain)
            self._tell(replace(self._news, stopping=True))
            self._forced.wait(drain)
        super().shutdown(exit_code)

    def _stop_workers(self) -> None:
        """Let the workers finish, within the limit.

        The base class takes a worker for alive that has ended and is just being noticed.
        """
        for each in self.wrks:
            each.terminate()
        end = time.monotonic() + self._news.configuration.settings.shutdown_seconds
        for each in self.wrks:
            while each.is_alive() and (left := end - time.monotonic()) > 0:
                each.join(min(left, _STEP))
            if each.is_alive():
                _log.warning(
                    "worker %d is killed with the requests that it still had", each.idx + 1
                )
                each.kill()
            each.join()
        self.wrks.clear()
        if self.interrupt_signal:
            # Who stops a group of processes stops the workers, too: that was no accident.
            self.interrupt_children.clear()


def _none() -> Callable[..., object]:
    raise NotImplementedError  # every worker has a loader of its own


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
