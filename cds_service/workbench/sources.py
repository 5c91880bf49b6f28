"""Where a chart or a request comes from: a worked case, what was pasted, or a FHIR server."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from cds_service.cards.text import capital
from cds_service.chart import Empty, Failed, FhirServers, Missing, OpenServers, Present
from cds_service.chart.prefetch import entries
from cds_service.errors import ServiceError
from cds_service.hooks.base import PREFETCH
from cds_service.protocol import prefetch
from cds_service.protocol.context import PatientViewContext
from cds_service.replay import cases
from cds_service.replay.cases import Case
from cds_service.replay.client import ChartError, Json, Store
from cds_service.settings import Settings
from cds_service.web.messages import Limits, check_limits

USER = "Practitioner/workbench"
#: Seconds that a FHIR server has: somebody is waiting, and no clinician.
_SECONDS = 15.0
#: Characters of a line that are shown on each side of what is wrong with it.
_AROUND = 40


class InputError(ValueError):
    """What was given cannot be asked about; the message is for the user.

    ``line`` and ``column`` say where, from 1; ``excerpt`` is the text around that place, with a
    second line that points at it.
    """

    def __init__(self, message: str, *, line: int = 0, column: int = 0, excerpt: str = "") -> None:
        """Keep the place apart from the words."""
        super().__init__(message)
        self.line = line
        self.column = column
        self.excerpt = excerpt


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What is asked about."""

    case: Case
    #: The FHIR server that a request names, and the token for it.
    server: str | None = None
    token: str | None = field(default=None, repr=False)
    #: Prefetch values as the server gave them; None where they are searched in the chart.
    prefetch: Json | None = field(default=None, repr=False)
    #: Prefetch keys that the server did not give, with the reason.
    left_out: Mapping[str, str] = field(default_factory=dict)


def pasted(raw: bytes, *, limits: Limits, most: int) -> Given:
    """Return what a text holds: a Bundle, resources as an array or NDJSON, or a hook request.

    ``most`` is the largest size in bytes. Raises :class:`InputError`.
    """
    if len(raw) > most:
        raise InputError(
            f"This is larger than the service reads: {len(raw)} bytes, of {most} (CDS_MAX_BODY)."
        )
    if not raw.strip():
        raise InputError("Nothing was pasted: paste or drop a chart or a captured request.")
    body = _parsed(raw)
    try:
        check_limits(body, limits)
        if isinstance(body, list):
            body = {"resourceType": "Bundle", "entry": [{"resource": item} for item in body]}
        if not isinstance(body, dict):
            raise InputError("This is JSON, but neither an object nor an array of resources.")
        return Given(case=cases.of(body, name="pasted"))
    except ServiceError as error:
        raise InputError(error.message) from None
    except ChartError as error:
        said = str(error)
        raise InputError(
            capital(f"this {said}." if said.startswith("is ") else f"{said}.")
        ) from None


def _parsed(raw: bytes) -> Any:  # noqa: ANN401 - any JSON
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        lines = raw.splitlines()
        if error.lineno == 1 or not _is_resource(lines[0]):
            raise _syntax(error, lines, first=1) from None
    resources = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                resources.append(orjson.loads(line))
            except orjson.JSONDecodeError as error:
                raise _syntax(error, [line], first=number) from None
    return resources


def _is_resource(line: bytes) -> bool:
    """Return whether a line is a resource in itself, as all lines of NDJSON are."""
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return isinstance(value, dict) and "resourceType" in value


def _syntax(error: orjson.JSONDecodeError, lines: list[bytes], *, first: int) -> InputError:
    """Return what is wrong with JSON; ``lines`` begin with the line of the number ``first``."""
    index, column = error.lineno - 1, error.colno
    text = lines[index].decode(errors="replace") if index < len(lines) else ""
    start = max(0, column - 1 - _AROUND)
    excerpt = "".join(c if c.isprintable() else " " for c in text[start : column + _AROUND])
    line = first + index
    return InputError(
        f"This is not JSON: {error.msg} at line {line}, column {column}.",
        line=line,
        column=column,
        excerpt=f"{excerpt}\n{' ' * (column - 1 - start)}^" if excerpt.strip() else "",
    )


def read(
    servers: FhirServers, settings: Settings, *, base: str, patient: str, token: str | None
) -> Given:
    """Return the chart of a patient from a FHIR server, as a client would prefetch it.

    Only servers that the service may read without a token are asked, with a token or without.
    Raises :class:`InputError`.
    """
    policy = OpenServers(allowed=settings.fhir_servers, loopback=True)
    if policy.refusal(base, has_token=False):
        listed = ", ".join(settings.fhir_servers) or "none"
        raise InputError(
            "The workbench does not ask this server. It asks those of CDS_FHIR_SERVERS "
            f"({listed}) and this machine, at an http or https address."
        )
    try:
        context = PatientViewContext.read({"userId": USER, "patientId": patient})
    except ServiceError as error:
        raise InputError(f"The id of the patient: {error.message}") from None
    values = context.token_values()
    queries = {key: prefetch.resolve(template, values) for key, template in PREFETCH.items()}
    reader = servers.reader(base, token=token, seconds=_SECONDS)
    found = reader.read({key: query for key, query in queries.items() if query}, {})
    given: Json = {}
    left_out: dict[str, str] = {}
    for key, value in found.items():
        match value:
            case Present():
                given[key] = _bundle(value) if "?" in PREFETCH[key] else value.values[0]
            case Empty():
                given[key] = _bundle(Present(())) if "?" in PREFETCH[key] else None
            case Failed() | Missing():
                left_out[key] = value.reason
    try:
        held = [{"resource": value} for value in given.values() if value]
        store = Store.of({"resourceType": "Bundle", "entry": held})
    except ChartError:
        reasons = "; ".join(f"{key}: {reason}" for key, reason in left_out.items())
        raise InputError(f"Nothing could be read from the server. {reasons}.") from None
    return Given(
        case=Case(name=f"Patient/{patient}", patient_id=patient, store=store),
        server=base,
        token=token,
        prefetch=given,
        left_out=left_out,
    )


def _bundle(value: Present) -> Json:
    """Return all pages of a search as one; where pages are missing, it says so like the last."""
    last = dict(value.values[-1]) if value.values else {"resourceType": "Bundle"}
    found = [entry for page in value.values for entry in entries(page)]
    return {**last, "type": "searchset", "entry": found}
