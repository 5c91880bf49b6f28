"""Writes each hook call and its answer into a directory, as a case that can be replayed.

Only calls of admitted clients are written, and what happens here never changes the answer.
"""

import datetime as dt
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from flask import Blueprint, Response, g, request

from cds_service import __version__, terminology
from cds_service.capture import (
    CaptureError,
    Folder,
    offline,
    without_secrets,
    without_secrets_in_bytes,
)
from cds_service.chart import Gathered
from cds_service.engine import Answered
from cds_service.errors import ServiceError
from cds_service.guideline import Guideline
from cds_service.hooks.base import Call, HookService
from cds_service.observe import logs
from cds_service.settings import Settings, SettingsError

_ENDPOINT = "cds.call"
_OK = 200
_BOM = b"\xef\xbb\xbf"
#: Statuses that the same request has wherever it is replayed; data that a FHIR server did not
#: give in time (503, 504) are data that cannot be had (412) where there is no server.
_REPLAYED = {200: 200, 400: 400, 412: 412, 500: 500, 503: 412, 504: 412}
_log = logs.logger("web.capturing")


@dataclass(slots=True)
class _Draft:
    """What is known of the call that is being answered."""

    body: bytes
    at: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))
    call: Call | None = None
    gathered: Gathered | None = None
    answered: Answered | None = None


class Capturer:
    """Collects what belongs to a call, and writes it once there is an answer."""

    def __init__(
        self, settings: Settings, *, services: Sequence[HookService], guideline: Guideline
    ) -> None:
        """Take what is offered, and where to write: ``settings.capture``.

        Raises :class:`cds_service.settings.SettingsError` where real patients would be captured.
        """
        if settings.auth == "required" and not settings.capture_force:
            raise SettingsError(
                "CDS_CAPTURE writes patient data to the disk, and with CDS_AUTH=required the "
                "patients are real: refused. CDS_CAPTURE_FORCE=1 permits it."
            )
        self._folder = Folder(settings.capture or Path(), most=settings.capture_most)
        self._services = {service.id: service for service in services}
        self._guideline = guideline
        self._settings = settings

    def install(self, routes: Blueprint) -> None:
        """Capture the calls of the CDS Hooks endpoints, once their clients are admitted."""
        routes.before_request(self._keep)
        routes.after_request(self._finish)

    def has_read(self, call: Call, gathered: Gathered) -> None:
        """Take what was read for a call."""
        draft = g.get("capture")
        if draft:
            draft.call, draft.gathered = call, gathered

    def has_answered(self, answered: Answered) -> None:
        """Take the answer to a call."""
        draft = g.get("capture")
        if draft:
            draft.answered = answered

    @staticmethod
    def _keep() -> None:
        if request.endpoint == _ENDPOINT and request.method == "POST":
            g.capture = _Draft(request.get_data())

    def _finish(self, response: Response) -> Response:
        draft = g.pop("capture", None)
        if draft:
            try:
                self._write(draft, response)
            except CaptureError as error:
                _log.warning(f"a call was not captured: {error}")
            except Exception as error:  # noqa: BLE001 - the answer must go out all the same
                logs.report("a call was not captured", error)
        return response

    def _write(self, draft: _Draft, response: Response) -> None:
        service = self._services.get((request.view_args or {}).get("service_id", ""))
        asked = _Asked.of(draft, service)
        files = {asked.name: asked.content, "response.json": _response(response)}
        if asked.expectable and response.status_code in _REPLAYED:
            files["expected.json"] = _json(self._expected(draft, asked, response.status_code))
        files["meta.json"] = _json(self._meta(draft, asked, service, response))
        stamp = f"{draft.at:%Y%m%dT%H%M%S}.{draft.at.microsecond // 1000:03}Z"
        hook = service.hook if service else "unknown"
        self._folder.write(f"{stamp}-{hook}-{secrets.token_hex(4)}", files)

    def _expected(self, draft: _Draft, asked: "_Asked", status: int) -> dict[str, Any]:
        answered = draft.answered
        clock = draft.at.astimezone().date()
        today = answered.today if answered else self._settings.today or clock
        hook: Any = {"status": _REPLAYED[status]}
        if answered and status == _OK:
            # What was decided, whatever the client's profile made of it.
            shown = answered.selection.shown
            hook = [{"topic": each.topic, "indicator": each.indicator} for each in shown]
        return {"today": today.isoformat(), "hooks": {asked.hook: hook}}

    def _meta(
        self, draft: _Draft, asked: "_Asked", service: HookService | None, response: Response
    ) -> dict[str, Any]:
        caller = g.get("caller")
        answered, gathered = draft.answered, draft.gathered
        seconds = answered.seconds if answered else {}
        return {
            "at": draft.at.isoformat(timespec="milliseconds"),
            "service": service.id if service else None,
            "status": response.status_code,
            "client": caller.client.name if caller else None,
            "shadow": "CDS-Service-Mode" in response.headers,
            "versions": {
                "service": __version__,
                "guideline": self._guideline.version,
                "value_sets": terminology.load().version,
            },
            "seconds": {phase: round(value, 4) for phase, value in seconds.items()},
            "read_from_server": sorted(gathered.fetched) if gathered else [],
            **asked.meta,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What was asked, as it is written."""

    name: str
    content: bytes
    hook: str = ""
    #: Whether a replay is answered as the call was.
    expectable: bool = False
    meta: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, draft: _Draft, service: HookService | None) -> "_Asked":
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            size = f"{len(draft.body)} bytes, compressed: not written\n"
            return cls(name="request.raw", content=size.encode())
        try:
            return cls._read(orjson.loads(draft.body.removeprefix(_BOM)), draft, service)
        except (orjson.JSONDecodeError, orjson.JSONEncodeError, RecursionError):
            return cls(name="request.raw", content=without_secrets_in_bytes(draft.body))

    @classmethod
    def _read(cls, body: object, draft: _Draft, service: HookService | None) -> "_Asked":
        if not isinstance(body, dict) or not isinstance(body.get("hook"), str):
            return cls(name="request.raw", content=_json(without_secrets(body)))
        is_valid = draft.call is not None or _is_valid(body, service)
        # A fault in fhirServer or fhirAuthorization is answered only where they stand.
        patient = draft.call.context.patient_id if draft.call else ""
        kept = (
            offline(body, gathered=draft.gathered, patient_id=patient)
            if is_valid
            else without_secrets(body)
        )
        return cls(
            name="request.json",
            content=_json(kept),
            hook=body["hook"],
            expectable=service is not None and service.hook == body["hook"],
            meta=_server(body) if is_valid else {},
        )


def _is_valid(body: Mapping[str, Any], service: HookService | None) -> bool:
    if service is None:
        return True
    try:
        service.read(body)
    except ServiceError:
        return False
    return True


def _server(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was said of the FHIR server: the request that is written has none."""
    found: dict[str, Any] = {
        key: body[key] for key in ("fhirServer", "fhirAuthorization") if body.get(key) is not None
    }
    kept: dict[str, Any] = without_secrets(found)
    return kept


def _response(response: Response) -> bytes:
    try:
        return _json(without_secrets(orjson.loads(response.get_data())))
    except orjson.JSONDecodeError:
        return without_secrets_in_bytes(response.get_data())


def _json(value: object) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
