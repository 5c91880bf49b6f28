"""A service that runs somewhere else, over HTTP."""

import datetime as dt
from urllib.parse import urlsplit

import requests

from cds_service.replay.client import Json
from cds_service.replay.layout import load
from cds_service.replay.outcome import Evaluation

_TIMEOUT = (5, 30)


class UnreachableError(RuntimeError):
    """The service behind ``--url`` does not answer as a CDS service; says what came."""


def without_secrets(url: str) -> str:
    """Return an address as reports may show it: without user, password and query."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


class Remote:
    """The service at a base URL; only its cards are within reach, not its reasons."""

    def __init__(self, base: str) -> None:
        """Read the discovery document once: it decides what is sent."""
        self._base = base.rstrip("/").removesuffix("/cds-services")
        self._session = requests.Session()
        url = f"{self._base}/cds-services"
        try:
            answer = self._session.get(url, timeout=_TIMEOUT)
        except requests.RequestException as error:
            raise UnreachableError(
                f"{without_secrets(url)}: {type(error).__name__}; is the service up?"
            ) from None
        services = _object(answer).get("services")
        if not answer.ok or not isinstance(services, list):
            raise UnreachableError(
                f"{without_secrets(url)}: HTTP {answer.status_code} without a list of services; "
                "the base URL is the part before /cds-services"
            )
        self._services = tuple(entry for entry in services if isinstance(entry, dict))

    def at(self, today: dt.date) -> "Remote":
        """Return itself: the date of a running service is its own (``CDS_TODAY``)."""
        del today
        return self

    def discover(self) -> tuple[Json, ...]:
        """Return the entries of the discovery document."""
        return self._services

    def call(self, service_id: str, request: Json) -> tuple[int, Json]:
        """Return status and body; an answer that is no JSON object has an empty body."""
        url = f"{self._base}/cds-services/{service_id}"
        try:
            answer = self._session.post(url, json=request, timeout=_TIMEOUT)
        except requests.RequestException as error:
            raise UnreachableError(f"{without_secrets(url)}: {type(error).__name__}") from None
        return answer.status_code, _object(answer)

    def evaluate(self, request: Json) -> Evaluation | None:
        """Return None: a response carries cards, and no reasons."""
        del request
        return None


def _object(answer: requests.Response) -> Json:
    try:
        return load(answer.content)
    except ValueError:
        return {}
