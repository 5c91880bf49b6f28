"""Processor time of a call within one process: parts (a) and (d)."""

import io
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any
from wsgiref.types import WSGIApplication

import orjson
from fhir.resources.R4B import get_fhir_model_class

from cds_service import hooks
from cds_service.app import READINESS, create_app
from cds_service.engine import Engine
from cds_service.guideline import load
from cds_service.observe import logs
from cds_service.serving import memory
from cds_service.settings import Settings

from . import bare, patients
from .timing import Call, alternating

SERVICE = "/cds-services/cutaneous-leiomyosarcoma-patient-view"
BARE = "/cds-services/bare"
SIZES = {"2 KB": 2_000, "20 KB": 20_000, "200 KB": 200_000, "2 MB": 2_000_000}
_ROOM = 100_000_000
_HEADERS = (
    ("REQUEST_METHOD", "POST"),
    ("SERVER_NAME", "127.0.0.1"),
    ("SERVER_PORT", "80"),
    ("SERVER_PROTOCOL", "HTTP/1.1"),
    ("REMOTE_ADDR", "127.0.0.1"),
    ("CONTENT_TYPE", "application/json"),
    ("wsgi.url_scheme", "http"),
)


def calling(app: WSGIApplication, path: str) -> Call:
    """Return a call of a WSGI application as its server makes it; it must be answered."""

    def call(body: bytes) -> bytes:
        statuses: list[str] = []
        environ: dict[str, Any] = {
            **dict(_HEADERS),
            "PATH_INFO": path,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
        }
        chunks = app(environ, lambda status, *_: statuses.append(status))  # type: ignore[arg-type,func-returns-value]
        answer = b"".join(chunks)
        if not statuses[0].startswith("200"):
            raise RuntimeError(f"answered {statuses[0]}: {answer.decode()[:300]}")
        return answer

    return call


def models(body: bytes) -> None:
    """Validate a whole prefetch with fhir.resources, as nothing here does."""
    for value in orjson.loads(body)["prefetch"].values():
        get_fhir_model_class(value["resourceType"]).model_validate(value)


@contextmanager
def service() -> Iterator[Call]:
    """Yield a call of the application as a worker has it: warm, with its log and its database."""
    logs.configure("info")
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            auth="off",
            today=patients.TODAY,
            database_url=f"sqlite:///{folder}/bench.sqlite3",
            max_body=_ROOM,
        )
        app = create_app(settings)
        app.extensions[READINESS].report()
        memory.settle()
        # The lines are made; a terminal that shows them is not measured.
        with (Path(folder) / "log").open("w") as stderr:
            before, sys.stderr = sys.stderr, stderr
            try:
                yield calling(app, SERVICE)
            finally:
                sys.stderr = before


def sizes(*, quick: bool) -> dict[str, Any]:
    """Return part (a): the service, a bare handler and fhir.resources on the same bytes."""
    found = {}
    with service() as call:
        subjects = {"service": call, "bare": calling(bare.app, BARE), "models": models}
        for name, size in SIZES.items():
            batches, each = _amount(size, quick=quick)
            bodies = patients.requests(size, batches * each)
            drawn = [bodies[start : start + each] for start in range(0, len(bodies), each)]
            samples = alternating(subjects, drawn)
            again = alternating({"again": call}, [bodies[:1] * each] * batches)
            found[name] = {
                "bytes": median(map(len, bodies)),
                "cards": median(len(orjson.loads(call(body))["cards"]) for body in bodies[:20]),
                **{subject: kept.summary() for subject, kept in (samples | again).items()},
            }
    return found


def _amount(size: int, *, quick: bool) -> tuple[int, int]:
    """Return how many batches of how many charts are measured; no chart comes twice."""
    each = max(3, min(40, 4_000_000 // size))
    return (3, max(3, each // 4)) if quick else (9, each)


def phases(*, quick: bool) -> dict[str, dict[str, float]]:
    """Return the milliseconds of the phases of a call, as the service's own log has them."""
    engine = Engine(Settings(auth="off", today=patients.TODAY), load())
    view = next(each for each in hooks.services() if each.hook == "patient-view")
    found = {}
    for name, size in SIZES.items():
        batches, each = _amount(size, quick=quick)
        seconds: dict[str, list[float]] = {}
        for body in patients.requests(size, min(100, batches * each), first=50_000):
            work = engine.work(view, view.read(orjson.loads(body)))
            for phase, taken in work.seconds.items():
                seconds.setdefault(phase, []).append(taken * 1000)
        found[name] = {phase: median(taken) for phase, taken in seconds.items()}
    return found


def growth(*, quick: bool) -> dict[str, dict[str, float]]:
    """Return part (d): milliseconds of processor time by resources, and by tumours."""
    counts = (10, 30, 100, 300, 1_000) if quick else (10, 30, 100, 300, 1_000, 3_000, 10_000)
    tumours = (1, 2, 5, 10) if quick else (1, 2, 5, 10, 20, 50)
    with service() as call:
        by_resources = {}
        for count in counts:
            bodies = _grown(count, max(6, min(40, 20_000 // count)))
            by_resources[str(count)] = _median(call, bodies)
        by_tumours = {}
        for count in tumours:
            bodies = [_tumours(number, count) for number in range(max(8, 60 // count))]
            by_tumours[str(count)] = _median(call, bodies)
    return {"resources": by_resources, "tumours": by_tumours}


def _median(call: Call, bodies: list[bytes]) -> float:
    half = len(bodies) // 2
    return median(alternating({"": call}, [bodies[:half], bodies[half:]])[""].cpu)


def _grown(resources: int, count: int) -> list[bytes]:
    return [
        patients.request(patients.Patient(number).grow(resources=resources))
        for number in range(count)
    ]


def _tumours(number: int, count: int) -> bytes:
    patient = patients.Patient(number)
    for place in range(1, count):
        patient.add_tumour(place)
    return patients.request(patient)
