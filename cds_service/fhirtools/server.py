"""A FHIR server as a person meets it: what it says, how long it takes, and what went wrong."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urljoin

import requests

from cds_service.chart.access import normal_base, same_origin
from cds_service.replay.client import Json

_TIMEOUT = (5.0, 60.0)
_JSON = "application/fhir+json"
_OK = 200
_PAGES = 200


class FhirError(RuntimeError):
    """A server that does not do what is needed; the message is for the user."""


@dataclass(frozen=True, slots=True)
class Got:
    """One answer: ``body`` is None where it is no JSON object."""

    status: int
    seconds: float
    body: Json | None
    problem: str = ""

    @property
    def ok(self) -> bool:
        """Whether it is what was asked for."""
        return self.status == _OK and self.body is not None and not self.problem


class Server:
    """The server at a base address, with a token where it needs one."""

    def __init__(self, base: str, *, token: str | None = None) -> None:
        """Take the address; nothing is asked yet. Raises :class:`FhirError`."""
        normal = normal_base(base)
        if normal is None:
            raise FhirError(f"{base} is not an http or https address of a FHIR server.")
        self.base = normal
        self.token = token
        self._session = requests.Session()
        self._session.headers["Accept"] = f"{_JSON}, application/json;q=0.9"
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str) -> Got:
        """Return the answer to a read or a search below the base, or to a link of one."""
        target = path if "://" in path else urljoin(f"{self.base}/", path)
        if same_origin(self.base, target) is None:
            return Got(0, 0.0, None, "the link leads to another server")
        return self._ask("GET", target)

    def send(self, method: str, path: str, body: Json) -> Got:
        """Return the answer to a transaction (``path`` "") or an update."""
        target = f"{self.base}/{path}" if path else self.base
        return self._ask(method, target, body)

    def pages(self, query: str) -> Iterator[Got]:
        """Yield the pages of a search, up to the first that fails."""
        path: str | None = query
        for _ in range(_PAGES):
            if path is None:
                return
            got = self.get(path)
            yield got
            path = next_link(got.body) if got.ok and got.body else None

    def _ask(self, method: str, url: str, body: Json | None = None) -> Got:
        headers = {"Content-Type": _JSON} if body is not None else {}
        begun = time.monotonic()
        try:
            answer = self._session.request(
                method, url, json=body, headers=headers, timeout=_TIMEOUT
            )
        except requests.RequestException as error:
            return Got(0, time.monotonic() - begun, None, type(error).__name__)
        seconds = time.monotonic() - begun
        try:
            found = answer.json()
        except requests.JSONDecodeError:
            found = None
        body = found if isinstance(found, dict) else None
        if answer.ok and body is None:
            return Got(answer.status_code, seconds, None, "the answer is no JSON object")
        problem = "" if answer.ok else f"HTTP {answer.status_code}{_said(body)}"
        return Got(answer.status_code, seconds, body, problem)


def _said(body: Json | None) -> str:
    issues = (body or {}).get("issue")
    for issue in issues if isinstance(issues, list) else ():
        if isinstance(issue, dict):
            text = issue.get("diagnostics") or (issue.get("details") or {}).get("text")
            if text:
                return f": {str(text)[:300]}"
    return ""


def next_link(bundle: Json) -> str | None:
    """Return the address of the next page."""
    return link(bundle, "next")


def link(bundle: Json, relation: str) -> str | None:
    """Return the address of one of a Bundle's links."""
    links = bundle.get("link")
    for item in links if isinstance(links, list) else ():
        if isinstance(item, dict) and item.get("relation") == relation:
            url = item.get("url")
            return url if isinstance(url, str) else None
    return None


def resources(bundle: Json) -> list[Json]:
    """Return the resources of a Bundle's entries."""
    entries = bundle.get("entry")
    found = [
        entry.get("resource")
        for entry in (entries if isinstance(entries, list) else ())
        if isinstance(entry, dict)
    ]
    return [resource for resource in found if isinstance(resource, dict)]
