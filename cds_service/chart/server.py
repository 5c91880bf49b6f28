"""Reading from the FHIR server of a request, within its time and never anywhere else."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Protocol

import orjson
import requests
from requests.adapters import HTTPAdapter

from cds_service.chart.access import OpenServers, normal_base, same_origin
from cds_service.chart.elements import Json
from cds_service.chart.prefetch import (
    NO_ADDRESS,
    Failed,
    Missing,
    PrefetchValue,
    Present,
    classify,
    is_bundle,
    of_pages,
)

MAX_PAGES = 50
MAX_BYTES = 32_000_000
_WORKERS = 8
_CONNECT_SECONDS = 2.0
_CHUNK = 65_536
_OK, _UNAUTHORISED, _FORBIDDEN, _NOT_FOUND, _GONE, _TOO_MANY = 200, 401, 403, 404, 410, 429
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_REASONS = {
    _UNAUTHORISED: "not authorised (401)",
    _FORBIDDEN: "not allowed (403)",
    _NOT_FOUND: "not there (404)",
    _GONE: "no longer there (410)",
    _TOO_MANY: "too many requests (429)",
}
_TOO_SLOW = "no answer in time"


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


class _Problem(Exception):  # noqa: N818 - a reason on its way to a Failed
    """Why one answer could not be had."""


class FhirServers:
    """Pooled connections to FHIR servers, one object per process."""

    def __init__(self, policy: OpenServers) -> None:
        """Take the policy; no connection is made yet."""
        self._policy = policy
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers["Accept"] = "application/fhir+json, application/json;q=0.9"
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_connections=16, pool_maxsize=32))

    def reader(self, base: str | None, *, token: str | None, seconds: float) -> Reader:
        """Return a reader of the server at ``base`` that ends after ``seconds``."""
        if not base:
            return Unavailable("the request names no fhirServer")
        reason = self._policy.refusal(base, has_token=token is not None)
        normal = normal_base(base)
        if reason or normal is None:
            return Unavailable(reason or "fhirServer is no address")
        return _ServerReader(self._session, normal, token, time.monotonic() + seconds)


class _ServerReader:
    """Reads from one server for one request."""

    def __init__(
        self, session: requests.Session, base: str, token: str | None, deadline: float
    ) -> None:
        self._session = session
        self._base = base
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._deadline = deadline

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
        wait(tasks.values(), timeout=max(0.0, self._deadline - time.monotonic()))
        pool.shutdown(wait=False, cancel_futures=True)
        late: Mapping[str, PrefetchValue] = {
            key: Present(value.values, f"the next page: {_TOO_SLOW}", value.next)
            for key, value in pages.items()
        }
        return {
            key: task.result()
            if task.done() and not task.cancelled()
            else late.get(key, Failed(_TOO_SLOW))
            for key, task in tasks.items()
        }

    def _guarded(self, work: Callable[..., PrefetchValue], *arguments: object) -> PrefetchValue:
        try:
            return work(*arguments)
        except _Problem as problem:
            return Failed(str(problem))

    def _query(self, key: str, query: str) -> PrefetchValue:
        value = classify(key, self._get(f"{self._base}/{query}"))
        match value:
            case Failed(reason=reason):
                return Failed(f"the server's answer {reason}" if value.malformed else reason)
            case Present(next=str()):
                return self._follow(value)
            case _:
                return value

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
                    page = self._get(url)
                except _Problem as problem:
                    reason = str(problem)
                else:
                    if isinstance(page, dict) and is_bundle(page):
                        pages.append(page)
                    else:
                        reason = "it is no Bundle"
            if reason:
                return Present(tuple(pages), f"the next page could not be read: {reason}")
            value = of_pages(tuple(pages))
        return value

    def _get(self, url: str) -> Json:
        for _ in range(3):
            try:
                with self._session.get(
                    url,
                    headers=self._headers,
                    timeout=self._timeouts(),
                    allow_redirects=False,
                    stream=True,
                ) as response:
                    if response.status_code not in _REDIRECTS:
                        return self._body(response)
                    target = same_origin(self._base, response.headers.get("Location", ""))
            except requests.Timeout:
                raise _Problem(_TOO_SLOW) from None
            except (requests.RequestException, OSError, ValueError):
                # The exception's own words hold the address.
                raise _Problem("no connection") from None
            if target is None:
                raise _Problem("it redirects to another address")
            url = target
        raise _Problem("it redirects in circles")

    def _timeouts(self) -> tuple[float, float]:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise _Problem(_TOO_SLOW)
        return min(left, _CONNECT_SECONDS), left

    def _body(self, response: requests.Response) -> Json:
        status = response.status_code
        if status != _OK:
            raise _Problem(_REASONS.get(status, f"the server answered {status}"))
        parts: list[bytes] = []
        size = 0
        for chunk in response.iter_content(_CHUNK):
            size += len(chunk)
            parts.append(chunk)
            if size > MAX_BYTES:
                raise _Problem("the answer is too long")
            if time.monotonic() > self._deadline:
                raise _Problem(_TOO_SLOW)
        try:
            return orjson.loads(b"".join(parts))
        except orjson.JSONDecodeError:
            raise _Problem("the answer is not JSON") from None
