"""Latency without prefetch, by what the FHIR server takes for a search: part (c)."""

import json
import statistics
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from cds_service.hooks.base import PREFETCH

from . import patients, served
from .patients import Patient

DELAYS = (20, 100, 500)
_SERVER = served.ROOT / "tests" / "load" / "fhir_server.py"


def latencies(*, quick: bool) -> dict[str, dict[str, float]]:
    """Return the milliseconds of calls, one after another, by the milliseconds of a search."""
    found = {}
    patient = Patient(1).grow(size=20_000)
    with tempfile.TemporaryDirectory() as folder, served.service(workers=1) as service:
        chart = Path(folder) / "chart.json"
        entries = [{"resource": resource} for resource in patient.resources]
        chart.write_bytes(patients.dumps({"resourceType": "Bundle", "entry": entries}))
        for delay in DELAYS:
            port = served.free_port()
            with served.serving(
                [sys.executable, _SERVER, chart, str(port), str(delay / 1000)],
                port=port,
                path="/fhir",
                ready="/fhir/metadata",
            ) as fhir:
                taken = _calls(service.url, fhir.url, patient.id, 5 if quick else 40)
            found[str(delay)] = {
                "p50": statistics.median(taken),
                "p95": statistics.quantiles(taken, n=20)[-1],
                "searches": len(PREFETCH),
            }
    return found


def _calls(url: str, fhir: str, patient: str, count: int) -> list[float]:
    body = json.dumps(
        {
            "hook": "patient-view",
            "hookInstance": "7a5e1a3e-0d7e-4c53-9d5f-3f0f6d1b9a11",
            "context": {"userId": "Practitioner/bench", "patientId": patient},
            "fhirServer": fhir,
        }
    ).encode()
    return [_call(url, body) for _ in range(count + 3)][3:]  # the first open the connections


def _call(url: str, body: bytes) -> float:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, body, headers)  # noqa: S310 - http to ourselves
    begun = time.perf_counter()
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        read = json.load(answer)
    taken = (time.perf_counter() - begun) * 1000
    if not read["cards"] or "extension" in read:
        raise RuntimeError("the chart was not read whole")
    return taken
