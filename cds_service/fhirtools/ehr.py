"""The part of the EHR: a hook request from a real FHIR server, and a service to send it to."""

import datetime as dt
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from cds_service.fhirtools.server import FhirError, Server, resources
from cds_service.replay.client import Json

_USER = "Practitioner/cds-service"
_SECONDS = 300


class Service(Protocol):
    """A CDS service, wherever it runs."""

    def discover(self) -> tuple[Json, ...]:
        """Return the entries of the discovery document."""

    def call(self, service_id: str, request: Json) -> tuple[int, Json]:
        """Return status and body of the answer."""


class InProcess:
    """The service of this installation, which may read one FHIR server without a token."""

    def __init__(self, fhir: str, *, today: dt.date | None = None, deadline: float = 30.0) -> None:
        """Build the application, its authentication off."""
        from cds_service.app import create_app  # noqa: PLC0415 - a remote call does not need it
        from cds_service.settings import Settings  # noqa: PLC0415

        settings = Settings(auth="off", today=today, fhir_servers=(fhir,), deadline=deadline)
        self._client = create_app(settings).test_client()

    def discover(self) -> tuple[Json, ...]:
        """Return the entries of the discovery document."""
        return tuple(self._client.get("/cds-services").get_json()["services"])

    def call(self, service_id: str, request: Json) -> tuple[int, Json]:
        """Return status and body of the answer."""
        answer = self._client.post(f"/cds-services/{service_id}", json=request)
        return answer.status_code, answer.get_json()


@dataclass(frozen=True, slots=True)
class Asked:
    """A hook request, and the prefetch keys that could not be filled, with the reason."""

    request: Json
    left_out: Mapping[str, str]


def request(
    server: Server,
    *,
    hook: str,
    patient: str,
    templates: Mapping[str, str],
    keys: Collection[str] | None = None,
    about: Collection[str] = (),
) -> Asked:
    """Return the request that an EHR with this server would send.

    ``keys`` are the prefetch keys to fill, all by default; ``about`` the references of what a
    hook is about: Conditions that are entered (by default all), or orders that are signed.
    Raises :class:`FhirError`.
    """
    context: dict[str, Any] = {"userId": _USER, "patientId": patient}
    if hook == "problem-list-item-create":
        context["conditions"] = _bundle(server, about or _conditions(server, patient))
    elif hook.startswith("order-"):
        if not about:
            raise FhirError(f"{hook} is about orders: name them with --about ServiceRequest/ID.")
        context["draftOrders"] = _bundle(server, about)
        if hook == "order-select":
            context["selections"] = list(about)
    prefetch: Json = {}
    left_out: dict[str, str] = {}
    for key, template in templates.items():
        if keys is not None and key not in keys:
            continue
        got = server.get(template.replace("{{context.patientId}}", patient))
        if got.ok:
            prefetch[key] = got.body
        else:
            left_out[key] = got.problem
    body: Json = {
        "hook": hook,
        "hookInstance": str(uuid.uuid4()),
        "fhirServer": server.base,
        "context": context,
    }
    if server.token:
        body["fhirAuthorization"] = {
            "access_token": server.token,
            "token_type": "Bearer",
            "expires_in": _SECONDS,
            "scope": "patient/*.rs",
            "subject": "cds-service-call",
        }
    if prefetch:
        body["prefetch"] = prefetch
    return Asked(body, left_out)


def _conditions(server: Server, patient: str) -> list[str]:
    found: list[str] = []
    for got in server.pages(f"Condition?patient={patient}"):
        if not got.ok:
            raise FhirError(f"The patient's Conditions cannot be read: {got.problem}.")
        found += [
            f"Condition/{resource['id']}"
            for resource in resources(got.body or {})
            if resource.get("resourceType") == "Condition" and "id" in resource
        ]
    return found


def _bundle(server: Server, references: Collection[str]) -> Json:
    entries = []
    for reference in references:
        got = server.get(reference)
        if not got.ok:
            raise FhirError(f"{reference} cannot be read: {got.problem}.")
        entries.append({"resource": got.body})
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}
