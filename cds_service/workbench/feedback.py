"""Feedback on the cards of the page, sent to the service's own endpoint as a client sends it."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import orjson
from flask import Flask, Response
from werkzeug.datastructures import MultiDict
from werkzeug.test import EnvironBuilder

from cds_service.replay.client import Json
from cds_service.replay.layout import dumps

_OK = 200


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent, and what the endpoint answered."""

    path: str
    request: Json
    status: int
    response: Json
    #: What the EHR writes for the suggestions that were accepted: JSON texts.
    actions: tuple[str, ...]

    @property
    def outcome(self) -> str:
        """What the clinician did: accepted or overridden."""
        return str(self.request["feedback"][0]["outcome"])

    @property
    def received(self) -> bool:
        """Whether the endpoint has taken it."""
        return self.status == _OK

    @property
    def problems(self) -> tuple[str, ...]:
        """What the OperationOutcome says, where there is one."""
        return tuple(issue["details"]["text"] for issue in self.response.get("issue", ()))

    @property
    def request_json(self) -> str:
        """The body that was sent."""
        return dumps(self.request)

    @property
    def response_json(self) -> str:
        """The body of the answer."""
        return dumps(self.response)


def send(app: Flask, service: str, form: MultiDict[str, str]) -> Sent:
    """Send what a form of the page says to the endpoint of a service, within ``app``."""
    item = _item(form)
    body: Json = {"feedback": [item]}
    path = f"/cds-services/{service}/feedback"
    environ = EnvironBuilder(path, method="POST", json=body).get_environ()
    answer = Response.from_app(app.wsgi_app, environ)
    actions = [
        form.get(f"actions-{accepted['id']}", "")
        for accepted in item.get("acceptedSuggestions", ())
    ]
    return Sent(
        path=path,
        request=body,
        status=answer.status_code,
        response=orjson.loads(answer.get_data()),
        actions=tuple(filter(None, actions)),
    )


def _item(form: MultiDict[str, str]) -> Json:
    item: dict[str, Any] = {
        "card": form.get("card", ""),
        "outcome": form.get("outcome", ""),
        "outcomeTimestamp": dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds"),
    }
    if item["outcome"] == "accepted":
        item["acceptedSuggestions"] = [{"id": key} for key in form.getlist("suggestion")]
        return item
    reason, comment = form.get("reason", ""), form.get("comment", "").strip()
    given: Json = {}
    if reason:
        given["reason"] = _parsed(reason)
    if comment:
        given["userComment"] = comment
    return {**item, "overrideReason": given} if given else item


def _parsed(text: str) -> object:
    """Return a JSON text's value; what is none, the endpoint is to judge."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
