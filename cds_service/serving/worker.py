"""A worker's application: one after another, each request answered by one of them alone."""

import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from types import FrameType
from typing import Any

from flask import Flask
from granian import _signals

from cds_service.app import READINESS, create_app
from cds_service.observe import logs
from cds_service.serving import memory
from cds_service.serving.configuration import Configuration
from cds_service.serving.news import News
from cds_service.web.health import CONFIGURATION

Handler = Callable[[int, FrameType | None], object]
_ENDING = (signal.SIGTERM, signal.SIGINT)
#: Seconds between looks whether the process that started this one is still there.
_LOOK = 5.0
#: Seconds after which a worker that could not start is tried again. Two deaths within less would
#: end the whole service, though the others may well go on without, say, the database.
_PAUSE = 6.0
_log = logging.getLogger(__name__)


def start(news: News, link: Connection) -> "Application":
    """Return the application, in the worker's process; a failure is a line of the log."""
    _heed_one_signal()
    logs.configure(news.configuration.settings.log_level)
    try:
        application = Application(news)
    except Exception as error:  # noqa: BLE001 - the server would print its values
        logs.report("a worker cannot start", error)
        time.sleep(_PAUSE)
        raise SystemExit(1) from None
    listen = threading.Thread(target=application.listen, args=(link,), name="news", daemon=True)
    listen.start()
    return application


def _heed_one_signal() -> None:
    """Let the server hear of the first SIGTERM or SIGINT alone.

    The second, while requests are under way, would lock its worker up for good; and a second
    comes wherever the whole group of processes is signalled, as by systemd or Ctrl-C.
    """
    take = _signals.set_main_signals

    def take_first(handler: Handler, reload_handler: Handler | None = None) -> None:
        def first(number: int, frame: FrameType | None) -> None:
            for each in _ENDING:
                signal.signal(each, signal.SIG_IGN)
            handler(number, frame)

        take(first, reload_handler)  # type: ignore[no-untyped-call]

    _signals.set_main_signals = take_first
    # Until the server takes them there is nothing to finish; those of the parent do nothing here.
    for each in _ENDING:
        signal.signal(each, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


class Application:
    """The WSGI application of the configuration that came last."""

    def __init__(self, first: News) -> None:
        """Build the application. Raises one of ``configuration.ERRORS``."""
        self._news = first
        self._app = _build(first.configuration)
        memory.settle()

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer a request. One that is under way stays with the application that it came to."""
        environ[CONFIGURATION] = self._news.standing
        return self._app(environ, start_response)

    def take(self, news: News) -> None:
        """Answer by what is new, as soon as it is built."""
        if news.stopping:
            self._app.extensions[READINESS].stop()
        if news.configuration != self._news.configuration:
            try:
                self._app = _build(news.configuration, before=self._app)
            except Exception as error:  # noqa: BLE001 - the one before must go on answering
                logs.report("a worker could not take the new configuration over", error)
                self._news = replace(self._news, refused=news.since)
                return
            memory.settle()
            _log.info("a worker answers by the new configuration")
        self._news = news

    def listen(self, link: Connection) -> None:
        """Take what comes; end this process where nobody is left to stop it."""
        # By its number when it started this one: it may be gone already.
        parent = multiprocessing.parent_process()
        with suppress(EOFError):
            while parent is None or os.getppid() == parent.pid:
                if link.poll(_LOOK):
                    self.take(link.recv())
        _log.error("the main process is gone: this worker ends")
        os.kill(os.getpid(), signal.SIGTERM)


def _build(configuration: Configuration, before: Flask | None = None) -> Flask:
    app = create_app(configuration.settings, guideline=configuration.guideline, before=before)
    # What is loaded at first use is loaded now: the first call need not wait for it.
    app.extensions[READINESS].report()
    return app
