"""What is counted and measured, for Prometheus; summed over the workers of a server.

Labels are few and of known words: what clients send never becomes one.
"""

import os
import re
import threading
from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import get_args
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from cds_service.chart.watch import BreakerState, Outcome, State, Watch
from cds_service.engine import Answered
from cds_service.hooks.base import HookService
from cds_service.observe import shared
from cds_service.observe.seen import Seen
from cds_service.store.database import Operation

_OTHER = "other"
_OWN_MISTAKE = "500"
_UNKNOWN = "unknown"
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 5.0, 10.0)
_GAUGE_OF = re.compile(r"gauge_live\w+_(\d+)\.db")
_TRIES = 3


class Metrics(Watch):
    """The metrics of one process, and the sum over all that share a directory with it."""

    def __init__(self) -> None:
        """Make every metric; nothing is counted yet."""
        self._folder = shared.place()
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "cds_service_requests",
            "Requests, without probes.",
            ["endpoint", "service", "hook", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "cds_service_call_seconds",
            "Seconds that calls took, by phase; total is the whole request.",
            ["service", "phase"],
            buckets=_BUCKETS,
            registry=registry,
        )
        self._prefetch = Counter(
            "cds_service_prefetch_keys",
            "Prefetch keys of calls, by what became of them.",
            ["key", "state"],
            registry=registry,
        )
        self._fhir = Counter(
            "cds_service_fhir_requests",
            "Questions to FHIR servers, by how they ended; other: a server that is not configured.",
            ["server", "outcome"],
            registry=registry,
        )
        self._fhir_seconds = Histogram(
            "cds_service_fhir_request_seconds",
            "Seconds that FHIR servers took.",
            ["server"],
            buckets=_BUCKETS,
            registry=registry,
        )
        self._breakers = Gauge(
            "cds_service_fhir_breakers",
            "Breakers of FHIR servers, one a worker and server, by their state.",
            ["server", "state"],
            multiprocess_mode="livesum",
            registry=registry,
        )
        self._cards = Counter(
            "cds_service_cards",
            "Cards sent.",
            ["topic", "state", "indicator"],
            registry=registry,
        )
        self._withheld = Counter(
            "cds_service_shadow_cards",
            "Cards that were withheld from clients in shadow mode.",
            ["topic", "state", "indicator"],
            registry=registry,
        )
        self._topics = Counter(
            "cds_service_topics",
            "Topics of evaluated charts, by their state, shown or not.",
            ["topic", "state"],
            registry=registry,
        )
        self._feedback = Counter(
            "cds_service_feedback",
            "Feedback that was stored, repeats not counted.",
            ["topic", "outcome"],
            registry=registry,
        )
        self._refusals = Counter(
            "cds_service_refusals",
            "Requests that were refused, by the reason that the log has.",
            ["status", "reason"],
            registry=registry,
        )
        self._database = Counter(
            "cds_service_database_failures",
            "Operations for which the database did not answer.",
            ["operation"],
            registry=registry,
        )
        self._servers: Mapping[str, str] = {}
        self._build = _Build()
        registry.register(self._build)
        self._lock = threading.Lock()
        self._states: dict[str, BreakerState] = {}

    def describe(
        self,
        *,
        services: Iterable[HookService],
        servers: Iterable[str],
        versions: Mapping[str, str],
    ) -> None:
        """Take what is served, the FHIR servers that are told apart (base addresses), and versions.

        What must alarm at its first occurrence begins at 0: Prometheus sees no rise from nothing.
        """
        for service in services:
            self._requests.labels("call", service.id, service.hook, _OWN_MISTAKE)
        for operation in get_args(Operation):
            self._database.labels(operation)
        self._servers = {_origin(server): urlsplit(server).netloc for server in servers}
        self._build.labels = dict(versions)

    # --- What is seen ---

    def count(self, seen: Seen) -> None:
        """Count a request: a sink."""
        if seen.endpoint == "probe":
            return
        service = seen.service.id if seen.service else _OTHER
        hook = seen.service.hook if seen.service else _OTHER
        self._requests.labels(seen.endpoint, service, hook, str(seen.status)).inc()
        if seen.reason:
            self._refusals.labels(str(seen.status), seen.reason).inc()
        for (topic, outcome), times in seen.feedback.items():
            self._feedback.labels(topic or _UNKNOWN, outcome).inc(times)
        if seen.endpoint == "call":
            self._seconds.labels(service, "total").observe(seen.total)
            if seen.answered:
                self._count_answer(seen.answered)

    def _count_answer(self, answered: Answered) -> None:
        for phase, seconds in answered.seconds.items():
            self._seconds.labels(answered.service.id, phase).observe(seconds)
        if answered.evaluated:
            for advice in answered.evaluated.plan.advice:
                self._topics.labels(advice.topic, advice.state).inc()
        shown = self._withheld if answered.shadow else self._cards
        for advice in answered.selection.shown:
            shown.labels(advice.topic, advice.state, advice.indicator).inc()

    def has_gathered(self, states: Mapping[str, State]) -> None:
        """Count the keys of a call."""
        for key, state in states.items():
            self._prefetch.labels(key, state).inc()

    def has_asked(self, server: str, outcome: Outcome, seconds: float) -> None:
        """Count a question to a FHIR server."""
        name = self._servers.get(_origin(server), _OTHER)
        self._fhir.labels(name, outcome).inc()
        if outcome != "skipped":
            self._fhir_seconds.labels(name).observe(seconds)

    def breaker_is(self, server: str, state: BreakerState | None) -> None:
        """Note the state of a breaker."""
        name = self._servers.get(_origin(server), _OTHER)
        with self._lock:
            if state:
                self._states[server] = state
            else:
                self._states.pop(server, None)
            tally = Tally(
                found
                for origin, found in self._states.items()
                if self._servers.get(_origin(origin), _OTHER) == name
            )
            for each in ("closed", "open", "half-open"):
                self._breakers.labels(name, each).set(tally[each])

    def database_failed(self, operation: Operation) -> None:
        """Count an operation that the database did not do."""
        self._database.labels(operation).inc()

    # --- What is told ---

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """Return the text for a scraper, and its media type, as its ``Accept`` header has it."""
        try:
            encode, kind = choose_encoder(accept)
        except (TypeError, ValueError):  # of a version that is no number
            encode, kind = choose_encoder("")
        for _ in range(_TRIES - 1):
            # A worker that is just starting has files without content.
            with suppress(Exception):
                return encode(self._everything()), kind
        return encode(self._everything()), kind

    def _everything(self) -> CollectorRegistry:
        if not self._folder:
            return self._registry
        registry = CollectorRegistry()
        registry.register(self._build)
        _bury(self._folder)
        MultiProcessCollector(registry, path=str(self._folder))  # type: ignore[no-untyped-call]
        return registry


class _Build(Collector):
    """What runs in the process that answers."""

    def __init__(self) -> None:
        self.labels: Mapping[str, str] = {}

    def collect(self) -> Iterator[Metric]:
        info = GaugeMetricFamily(
            "cds_service_build_info", "What is running; always 1.", labels=list(self.labels)
        )
        info.add_metric(list(self.labels.values()), 1)
        yield info


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def _bury(folder: Path) -> None:
    """Forget the present state of workers that are dead; what they counted stays."""
    for path in folder.glob("gauge_live*.db"):
        match = _GAUGE_OF.fullmatch(path.name)
        if match and not _lives(int(match[1])):
            mark_process_dead(int(match[1]), path=str(folder))  # type: ignore[no-untyped-call]


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
