"""Reading from the FHIR server of a request, within its time and never anywhere else."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Literal, Protocol
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter, HTTPAdapter

from cds_service.chart.access import OpenServers, normal_base, same_origin
from cds_service.chart.breaker import Breakers
from cds_service.chart.elements import Json
from cds_service.chart.exchange import TOO_SLOW, Ask, Budget, Exchange, Problem
from cds_service.chart.prefetch import (
    NO_ADDRESS,
    Empty,
    Failed,
    Missing,
    PrefetchValue,
    Present,
    classify,
    is_bundle,
    of_pages,
)
from cds_service.chart.version import Version, is_renamed, names_in, stated
from cds_service.chart.watch import UNWATCHED, Watch
from cds_service.network import PublicAdapter

MAX_PAGES = 200
_WORKERS = 8
_CONNECTIONS = 128
_SERVERS = 256
_VERSION_SECONDS = 3600.0
_REFUSED_GET = frozenset({405, 414})
_REFUSED_POST = frozenset({404, 405, 415, 501})
#: What a server says to a search of a resource type that it does not have.
_UNKNOWN_TYPE = frozenset({400, 404, 422, 501})
Method = Literal["get", "post"]


class Reader(Protocol):
    """Something that can read what the prefetch lacks."""

    def read(
        self, queries: Mapping[str, str], pages: Mapping[str, Present]
    ) -> Mapping[str, PrefetchValue]:
        """Run every query, and follow every search that has more pages, all at once."""
        ...


@dataclass(frozen=True, slots=True)
class Unavailable:
    """A reader that may not read; it says why."""

    reason: str

    def read(
        self, queries: Mapping[str, str], pages: Mapping[str, Present]
    ) -> Mapping[str, PrefetchValue]:
        """Return each query as missing, with the reason; pages stay as they are."""
        missing = Missing(f"not in the prefetch, and {self.reason}")
        return {**dict.fromkeys(queries, missing), **pages}


@dataclass(frozen=True, slots=True)
class _Unresolved:
    """A reader whose time went by before it was known whom to ask."""

    def read(
        self, queries: Mapping[str, str], pages: Mapping[str, Present]
    ) -> Mapping[str, PrefetchValue]:
        """Return every query as too slow; pages stay as they are."""
        return {**dict.fromkeys(queries, Failed(TOO_SLOW, cause="slow")), **pages}


@dataclass(slots=True)
class _Known:
    """What has been learnt of a server."""

    method: Method
    version: Version | None = None
    until: float = 0.0


class FhirServers:
    """Pooled connections to FHIR servers and what is known of them, one object per process."""

    def __init__(
        self,
        policy: OpenServers,
        *,
        search: Method = "get",
        transport: BaseAdapter | None = None,
        watch: Watch = UNWATCHED,
    ) -> None:
        """Take the policy; no connection is made yet.

        ``search``: how searches are sent where nothing else is known of a server;
        ``transport`` takes the place of the network, for tests.
        """
        self._policy = policy
        self._search: Method = search
        self._anywhere = _session(transport or HTTPAdapter(16, _CONNECTIONS))
        self._public = _session(transport or PublicAdapter(16, _CONNECTIONS))
        self._watch = watch
        self.breakers = Breakers(watch)
        self._resolvers = ThreadPoolExecutor(_WORKERS, "names")
        self._lock = threading.Lock()
        self._known: OrderedDict[str, _Known] = OrderedDict()

    def reader(
        self,
        base: str | None,
        *,
        token: str | None,
        seconds: float,
        version: Version | None = None,
    ) -> Reader:
        """Return a reader of the server at ``base`` that ends after ``seconds``.

        ``version`` is the FHIR version where the request or the configuration states it.
        """
        if not base:
            return Unavailable("the request names no fhirServer")
        budget = Budget(seconds)
        # The policy may have to resolve a name, which has no time-out of its own.
        asked = self._resolvers.submit(self._policy.refusal, base, has_token=token is not None)
        try:
            reason = asked.result(seconds)
        except TimeoutError:
            return _Unresolved()
        normal = normal_base(base)
        if reason or normal is None:
            return Unavailable(reason or "fhirServer is no address")
        parts = urlsplit(normal)
        breaker = self.breakers.of(f"{parts.scheme}://{parts.netloc}")
        exchange = Exchange(
            session=self._anywhere if self._policy.is_meant(normal) else self._public,
            base=normal,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            budget=budget,
            breaker=breaker,
            warned=breaker.state != "closed",
            watch=self._watch,
        )
        return _ServerReader(exchange, self._of(normal), version)

    def _of(self, base: str) -> _Known:
        with self._lock:
            known = self._known.setdefault(base, _Known(self._search))
            self._known.move_to_end(base)
            while len(self._known) > _SERVERS:
                self._known.popitem(last=False)
            return known


def _session(adapter: BaseAdapter) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers["Accept"] = "application/fhir+json, application/json;q=0.9"
    for scheme in ("http://", "https://"):
        session.mount(scheme, adapter)
    return session


class _ServerReader:
    """Reads from one server for one request."""

    def __init__(self, exchange: Exchange, known: _Known, version: Version | None) -> None:
        self._exchange = exchange
        self._base = exchange.base
        self._known = known
        self._version = version

    def read(
        self, queries: Mapping[str, str], pages: Mapping[str, Present]
    ) -> Mapping[str, PrefetchValue]:
        """Run all at once; what has not answered at the deadline is a failure."""
        if not (queries or pages):
            return {}
        pool = ThreadPoolExecutor(min(_WORKERS, len(queries) + len(pages)), "fhir")
        tasks: dict[str, Future[PrefetchValue]] = {}
        for key, query in queries.items():
            tasks[key] = pool.submit(self._guarded, self._query, key, query)
        for key, first in pages.items():
            tasks[key] = pool.submit(self._guarded, self._follow, first)
        wait(tasks.values(), timeout=max(0.0, self._exchange.budget.left))
        pool.shutdown(wait=False, cancel_futures=True)
        late: Mapping[str, PrefetchValue] = {
            key: Present(value.values, f"the next page: {TOO_SLOW}", value.next)
            for key, value in pages.items()
        }
        return {
            key: task.result()
            if task.done() and not task.cancelled()
            else late.get(key, Failed(TOO_SLOW, cause="slow"))
            for key, task in tasks.items()
        }

    @staticmethod
    def _guarded(work: Callable[..., PrefetchValue], *arguments: object) -> PrefetchValue:
        try:
            return work(*arguments)
        except Problem as problem:
            return problem.failed

    def _query(self, key: str, query: str) -> PrefetchValue:
        kind, mark, parameters = query.partition("?")
        names = names_in(self._version or self._remembered(), kind) if mark else (kind,)
        if names == (kind,):
            try:
                return self._answer(key, query)
            except Problem as problem:
                if not (mark and is_renamed(kind) and problem.status in _UNKNOWN_TYPE):
                    raise
                names = names_in(self._asked_version(), kind)
                if names == (kind,):
                    raise
        # What R4 has in one type; a part that cannot be had makes the whole a part.
        return _together([self._guarded(self._answer, key, f"{n}?{parameters}") for n in names])

    def _answer(self, key: str, query: str) -> PrefetchValue:
        value = classify(key, self._search(query) if "?" in query else self._get(query))
        match value:
            case Failed(reason=reason):
                return Failed(f"the server's answer {reason}" if value.malformed else reason)
            case Present(next=str()):
                return self._follow(value)
            case _:
                return value

    def _get(self, query: str) -> Json:
        return self._exchange.fetch(Ask(f"{self._base}/{query}"))

    def _search(self, query: str) -> Json:
        """Search as the server prefers it: by GET, or by POST where GET is refused."""
        kind, _, parameters = query.partition("?")
        posted = Ask(f"{self._base}/{kind}/_search", parameters)
        method = self._known.method
        try:
            return self._exchange.fetch(posted) if method == "post" else self._get(query)
        except Problem as problem:
            refused = _REFUSED_POST if method == "post" else _REFUSED_GET
            if problem.status not in refused:
                raise
            value = self._get(query) if method == "post" else self._exchange.fetch(posted)
        self._known.method = "get" if method == "post" else "post"
        return value

    def _remembered(self) -> Version | None:
        return self._known.version if time.monotonic() < self._known.until else None

    def _asked_version(self) -> Version | None:
        if self._version or self._remembered():
            return self._version or self._known.version
        try:
            found = stated(self._get("metadata"))
        except Problem:
            return None
        if found:
            self._known.version, self._known.until = found, time.monotonic() + _VERSION_SECONDS
        return found

    def _follow(self, first: Present) -> PrefetchValue:
        """Read the pages after ``first``; what was read stays, whatever happens then."""
        pages = list(first.values)
        seen: set[str] = set()
        value: PrefetchValue = first
        while isinstance(value, Present) and value.next:
            known = value.next != NO_ADDRESS
            url = same_origin(self._base, value.next) if known else None
            reason = None
            if url is None:
                reason = "it is at another address"
            elif url in seen or len(pages) >= MAX_PAGES:
                reason = "there are too many pages"
            else:
                seen.add(url)
                try:
                    page = self._exchange.fetch(Ask(url))
                except Problem as problem:
                    reason = problem.reason
                else:
                    if isinstance(page, dict) and is_bundle(page):
                        pages.append(page)
                    else:
                        reason = "it is no Bundle"
            if reason:
                return Present(tuple(pages), f"the next page could not be read: {reason}")
            value = of_pages(tuple(pages))
        return value


def _together(parts: list[PrefetchValue]) -> PrefetchValue:
    present = [part for part in parts if isinstance(part, Present)]
    failed = [part for part in parts if isinstance(part, Failed)]
    if len(failed) == len(parts):
        return failed[0]
    partial = next((part.partial for part in present if part.partial), None)
    partial = partial or next((part.reason for part in failed), None)
    values = tuple(value for part in present for value in part.values)
    if not values and failed:
        return failed[0]
    return Present(values, partial) if values else Empty()
