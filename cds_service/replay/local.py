"""The service in this process: the application's test client, and the evaluation behind it."""

import datetime as dt
from functools import cache

from cds_service.app import create_app
from cds_service.replay.client import Json
from cds_service.replay.outcome import Evaluation
from cds_service.settings import Settings


class Local:
    """The application of this installation, with its date fixed and authentication off."""

    def __init__(self, today: dt.date) -> None:
        """Build the application once for a date."""
        self._client = create_app(Settings(auth="off", today=today)).test_client()

    def discover(self) -> tuple[Json, ...]:
        """Return the entries of the discovery document."""
        return tuple(self._client.get("/cds-services").get_json()["services"])

    def call(self, service_id: str, request: Json) -> tuple[int, Json]:
        """Return status and body of the answer."""
        answer = self._client.post(f"/cds-services/{service_id}", json=request)
        body = answer.get_json(silent=True)
        return answer.status_code, body if isinstance(body, dict) else {}

    def evaluate(self, request: Json) -> Evaluation | None:
        """Return what the evaluation says of the request's prefetch."""
        del request
        return None


@cache
def local(today: dt.date) -> Local:
    """Return the service of a date; one application a date, whatever the number of cases."""
    return Local(today)
