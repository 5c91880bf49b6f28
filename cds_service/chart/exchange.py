"""One question to a FHIR server, asked again where that is safe, within the request's budget."""

import datetime as dt
import random
import re
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import NoReturn

import orjson
import requests
import urllib3

from cds_service.chart.access import PRIVATE, same_origin
from cds_service.chart.breaker import Breaker
from cds_service.chart.elements import Json
from cds_service.chart.prefetch import Cause, Failed
from cds_service.chart.watch import UNWATCHED, Outcome, Watch
from cds_service.network import PrivateAddressError

#: Bytes of one answer, and of all answers to one request, as they are after decompression.
MAX_BYTES = 32_000_000
MAX_BYTES_TOGETHER = 96_000_000
TOO_SLOW = "no answer in time"
_TRIES = 3
_REDIRECTS_FOLLOWED = 3
_CONNECT_SECONDS = 1.0
#: A time-out after less than this says nothing about the server.
_FAIR_SECONDS = 0.5
_PAUSE = 0.05
_CHUNK = 65_536
_OK = 200
_SERVER_ERROR = 500
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_KEEP_METHOD = frozenset({307, 308})
_AGAIN = frozenset({429, 503})
_DEAD = frozenset({502, 503, 504})
_REASONS = {
    401: "not authorised (401)",
    403: "not allowed (403)",
    404: "not there (404)",
    410: "no longer there (410)",
    429: "too many requests (429)",
}
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_BOM = b"\xef\xbb\xbf"


class Problem(Exception):  # noqa: N818 - a reason on its way to a Failed
    """Why an answer could not be had, in words without address, token or patient data."""

    def __init__(
        self, reason: str, cause: Cause = "refused", *, status: int = 0, wait: float | None = None
    ) -> None:
        """Keep the parts; ``wait`` is after how many seconds asking again is worth it."""
        super().__init__(reason)
        self.reason = reason
        self.cause = cause
        self.status = status
        self.wait = wait

    @property
    def failed(self) -> Failed:
        """The value that stands for what was asked."""
        return Failed(self.reason, cause=self.cause, wait=self.wait)


class _AgainError(Problem):
    """A problem that a repetition may solve."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A question: a GET, or with ``form`` a POST of these parameters."""

    url: str
    form: str | None = None


class Budget:
    """The time and the bytes that all questions of one request share."""

    def __init__(self, seconds: float) -> None:
        """Start the clock."""
        self.deadline = time.monotonic() + seconds
        self._bytes = MAX_BYTES_TOGETHER
        self._lock = threading.Lock()

    @property
    def left(self) -> float:
        """Seconds."""
        return self.deadline - time.monotonic()

    def spend(self, size: int) -> None:
        """Take bytes; raises :class:`Problem` where time or bytes are used up."""
        with self._lock:
            self._bytes -= size
            over = self._bytes < 0
        if over:
            raise Problem("the answers are too long together")
        if self.left <= 0:
            raise Problem(TOO_SLOW, "slow")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """Asks one server for one request."""

    session: requests.Session
    base: str
    headers: Mapping[str, str]
    budget: Budget
    breaker: Breaker
    #: Whether the server was already known to be dead when the request came.
    warned: bool = False
    watch: Watch = UNWATCHED

    def fetch(self, ask: Ask) -> Json:
        """Return the JSON of the answer; raises :class:`Problem`."""
        refusal = self.breaker.permit(self.budget.deadline)
        if refusal:
            self.watch.has_asked(self.base, "skipped", 0.0)
            raise Problem(
                "the server has stopped answering, and is left alone for a moment",
                "down",
                # A request that finds this out itself has simply not got its data.
                wait=refusal.seconds if self.warned else None,
            )
        begun = time.monotonic()
        answered: bool | None = None
        outcome: Outcome = "unusable"
        try:
            value = self._tried(ask)
        except Problem as problem:
            outcome = _outcome(problem)
            if problem.cause == "slow":
                # A request with hardly any time left proves nothing.
                answered = False if time.monotonic() - begun >= _FAIR_SECONDS else None
            else:
                answered = problem.cause != "down" and problem.status not in _DEAD
            raise
        else:
            answered = True
            outcome = "answered"
            return value
        finally:
            # Only the end counts: what a repetition mends is no sign of a dead server.
            self.breaker.record(answered=answered)
            self.watch.has_asked(self.base, outcome, time.monotonic() - begun)

    def _tried(self, ask: Ask) -> Json:
        for last in (False,) * (_TRIES - 1) + (True,):
            try:
                return self._once(ask)
            except _AgainError as problem:
                pause = problem.wait
                if pause is None:
                    pause = _PAUSE * random.uniform(0.5, 1.5)  # noqa: S311 - not a secret
                if last or pause >= self.budget.left:
                    raise
                time.sleep(pause)
        raise AssertionError  # the last try returns or raises

    def _once(self, ask: Ask) -> Json:
        url, form = ask.url, ask.form
        for _ in range(_REDIRECTS_FOLLOWED):
            try:
                with self._send(url, form) as response:
                    status = response.status_code
                    if status not in _REDIRECTS:
                        return self._read(response)
                    target = same_origin(self.base, response.headers.get("Location", ""))
            except (requests.Timeout, urllib3.exceptions.TimeoutError):
                raise Problem(TOO_SLOW, "slow") from None
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError):
                # The exception's own words hold the address.
                raise _AgainError("no connection", "down") from None
            except PrivateAddressError:
                raise Problem(PRIVATE) from None
            except ValueError:
                raise Problem("no connection") from None
            if target is None:
                raise Problem("it redirects to another address")
            if form is not None and status not in _KEEP_METHOD:
                raise Problem("it redirects a search by POST")
            url = target
        raise Problem("it redirects in circles")

    def _send(self, url: str, form: str | None) -> requests.Response:
        left = self.budget.left
        if left <= 0:
            raise Problem(TOO_SLOW, "slow")
        return self.session.request(
            "GET" if form is None else "POST",
            url,
            data=form,
            headers={**self.headers, **(_FORM if form is not None else {})},
            timeout=(min(left, _CONNECT_SECONDS), left),
            allow_redirects=False,
            stream=True,
        )

    def _read(self, response: requests.Response) -> Json:
        if response.status_code != _OK:
            self._refused(response)
        body = bytearray()
        for chunk in _chunks(response):
            body += chunk
            if len(body) > MAX_BYTES:
                raise Problem("the answer is too long")
            self.budget.spend(len(chunk))
        return _parsed(bytes(body), response.headers.get("Content-Type", ""))

    def _refused(self, response: requests.Response) -> NoReturn:
        status = response.status_code
        reason = _REASONS.get(status, f"the server answered {status}")
        if status in _AGAIN:
            wait = _retry_after(response.headers.get("Retry-After", ""))
            raise _AgainError(reason, status=status, wait=wait)
        raise Problem(reason, status=status)


def _outcome(problem: Problem) -> Outcome:
    if problem.cause != "refused":
        return problem.cause
    if not problem.status:
        return "unusable"
    return "failed" if problem.status >= _SERVER_ERROR else "refused"


def _chunks(response: requests.Response) -> Iterator[bytes]:
    """Yield what has arrived: a reader that waits for full chunks would forget the deadline."""
    raw = response.raw
    while chunk := raw.read1(_CHUNK, decode_content=True):
        yield chunk
    expected = getattr(raw, "length_remaining", None)
    if expected:
        raise _AgainError("the connection broke off", "down")


def _parsed(body: bytes, media: str) -> Json:
    body = body.removeprefix(_BOM)
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        charset = re.search(r"charset\s*=\s*\"?([\w.:-]+)", media, re.IGNORECASE)
        if charset and charset[1].lower().replace("_", "-") not in {"utf-8", "utf8"}:
            try:
                return orjson.loads(body.decode(charset[1]))
            except (ValueError, LookupError):
                pass
    shown = "XML or HTML" if body.lstrip()[:1] == b"<" else "not whole" if body else "empty"
    raise Problem(f"the answer is not JSON ({shown})")


def _retry_after(text: str) -> float | None:
    """Return the seconds of a Retry-After header in either form; None where there are none."""
    text = text.strip()
    if re.fullmatch(r"[0-9]{1,6}", text):
        return float(text)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    until = until if until.tzinfo else until.replace(tzinfo=dt.UTC)
    return max(0.0, (until - dt.datetime.now(dt.UTC)).total_seconds())
