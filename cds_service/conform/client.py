"""The client of the conformance run: requests, and good ones for every known hook."""

import re
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jwt
import requests

_READ = re.compile(r"([A-Z][A-Za-z]+)/")
_SECONDS = 15
PATIENT = "conformance-patient"


@dataclass(frozen=True, slots=True)
class Signer:
    """Makes a token for each call. ``key`` is a private key as PEM."""

    key: str
    algorithm: str
    kid: str
    issuer: str
    jku: str | None = None

    def __call__(self, url: str) -> str:
        """Return a token for ``url``."""
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": url, "iat": now, "exp": now + 300}
        headers = {"kid": self.kid} | ({"jku": self.jku} if self.jku else {})
        return jwt.encode(
            claims | {"jti": str(uuid.uuid4())}, self.key, self.algorithm, headers=headers
        )


class Client:
    """Calls one service."""

    def __init__(self, base: str, *, sign: Callable[[str], str] | None = None) -> None:
        """Take the base address, with or without ``/cds-services`` at its end."""
        self.base = base.rstrip("/").removesuffix("/cds-services")
        self.signs = sign is not None
        self._sign = sign
        self._session = requests.Session()

    def url(self, path: str = "") -> str:
        """Return an address below the discovery's."""
        return f"{self.base}/cds-services{path}"

    def get(self, path: str = "", *, token: bool = True) -> requests.Response:
        """Return the answer to a GET."""
        return self._send("GET", path, token=token)

    def post(
        self, path: str, body: object = None, *, raw: bytes | None = None, token: bool = True
    ) -> requests.Response:
        """Return the answer to a POST of JSON, or of ``raw`` bytes called JSON."""
        return self._send("POST", path, body, raw=raw, token=token)

    def options(self, path: str, origin: str) -> requests.Response:
        """Return the answer to a browser's preflight."""
        headers = {
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization, content-type",
        }
        return self._send("OPTIONS", path, headers=headers, token=False)

    def _send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        token: bool,
    ) -> requests.Response:
        url = self.url(path)
        own = {"Accept": "application/json"} | dict(headers or {})
        if token and self._sign:
            own["Authorization"] = f"Bearer {self._sign(url)}"
        if raw is not None:
            own["Content-Type"] = "application/json"
        return self._session.request(
            method,
            url,
            json=body,
            data=raw,
            headers=own,
            timeout=_SECONDS,
            allow_redirects=False,
        )


def request_for(service: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a good request for a service of the discovery: a patient of whom nothing is known.

    None for a hook that is not known here.
    """
    context = _context(str(service.get("hook")))
    if context is None:
        return None
    prefetch = service.get("prefetch")
    values = {
        key: _value(template)
        for key, template in (prefetch if isinstance(prefetch, dict) else {}).items()
    }
    return {
        "hook": service.get("hook"),
        "hookInstance": str(uuid.uuid4()),
        "context": context,
        **({"prefetch": values} if values else {}),
    }


def _value(template: object) -> dict[str, Any] | None:
    text = template if isinstance(template, str) else ""
    if "?" in text:
        return {"resourceType": "Bundle", "type": "searchset", "total": 0}
    match = _READ.match(text)
    if not match:
        return None
    name = PATIENT if match[1] == "Patient" else "1"
    return {"resourceType": match[1], "id": name}


def _context(hook: str) -> dict[str, Any] | None:
    own = {"userId": "Practitioner/1", "patientId": PATIENT}
    order = {
        "resourceType": "MedicationRequest",
        "id": "order-1",
        "status": "draft",
        "intent": "order",
        "subject": {"reference": f"Patient/{PATIENT}"},
        "medicationCodeableConcept": {"text": "Aspirin 81 mg"},
    }
    orders = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": order}]}
    condition = {
        "resourceType": "Condition",
        "id": "condition-1",
        "subject": {"reference": f"Patient/{PATIENT}"},
        "code": {"text": "Common cold"},
    }
    problem = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": condition}]}
    known: dict[str, dict[str, Any]] = {
        "patient-view": own,
        "order-sign": own | {"draftOrders": orders},
        "order-select": own | {"draftOrders": orders, "selections": ["MedicationRequest/order-1"]},
        "problem-list-item-create": own | {"conditions": problem},
        "encounter-start": own | {"encounterId": "1"},
        "encounter-discharge": own | {"encounterId": "1"},
    }
    return known.get(hook)
