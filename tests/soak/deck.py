"""What is asked in a soak: every fixture by every hook, each with its reference answer."""

import datetime as dt
import random
import uuid
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cds_service.app import create_app
from cds_service.guideline import Suggestion, load
from cds_service.replay import cases
from cds_service.replay.client import Store
from cds_service.replay.local import Local
from cds_service.replay.outcome import Evaluation
from cds_service.replay.play import play
from cds_service.settings import Settings

Json = dict[str, Any]

FIXTURES = Path(__file__).parents[2] / "fixtures" / "fhir"
TODAY = dt.date(2026, 12, 1)
_ORDER_HOOKS = ("order-select", "order-sign")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A call with everything prefetched, and what the service answered in this process."""

    case: str
    hook: str
    service: str
    request: Json
    status: int
    answer: Json
    #: The chart, where a FHIR server can have it.
    chart: Store | None


class _Recorder:
    """The service in this process: a client of it writes down what it asks."""

    def __init__(self, public_url: str) -> None:
        settings = Settings(auth="off", today=TODAY, public_url=public_url)
        self._client = create_app(settings).test_client()
        self._local = Local(TODAY, load())
        self.asked: list[tuple[str, Json, int, Json]] = []

    def discover(self) -> tuple[Json, ...]:
        return self._local.discover()

    def evaluate(self, request: Json) -> Evaluation | None:
        return self._local.evaluate(request)

    def call(self, service_id: str, request: Json) -> tuple[int, Json]:
        # The fixtures name servers of their own, which nobody is to ask here.
        request = {key: value for key, value in request.items() if not key.startswith("fhir")}
        answer = self._client.post(f"/cds-services/{service_id}", json=request)
        self.asked.append((service_id, request, answer.status_code, answer.json))
        return answer.status_code, answer.json


def deal(public_url: str, chance: random.Random) -> tuple[Question, ...]:
    """Return the questions to a service at this address; ``chance`` chooses what is ordered."""
    recorder = _Recorder(public_url)
    questions: list[Question] = []
    for file in cases.find(FIXTURES):
        case = cases.read(file)
        del recorder.asked[:]
        play(case, service=lambda _: recorder, date=TODAY)
        for service, request, _, _ in tuple(recorder.asked):
            if request["hook"] == "patient-view":
                for order in _orders(service, request, chance):
                    recorder.call(*order)
        questions += (
            Question(
                case=case.name,
                hook=request["hook"],
                service=service,
                request=request,
                status=status,
                answer=answer,
                chart=case.store,
            )
            for service, request, status, answer in recorder.asked
        )
    return tuple(questions)


def _orders(view: str, request: Json, chance: random.Random) -> Iterator[tuple[str, Json]]:
    """Yield the same chart while something of the guideline's is ordered."""
    suggestions = sorted(load().suggestions.values(), key=lambda each: each.id)
    for hook in _ORDER_HOOKS:
        made = deepcopy(request) | {"hook": hook, "hookInstance": str(uuid.UUID(int=1))}
        order = _order(chance.choice(suggestions), made["context"]["patientId"])
        made["context"] |= {
            "draftOrders": {"resourceType": "Bundle", "entry": [{"resource": order}]},
            "selections": ["ServiceRequest/draft"],
        }
        yield view.replace("patient-view", hook), made


def _order(suggestion: Suggestion, patient: str) -> Json:
    return {
        "resourceType": "ServiceRequest",
        "id": "draft",
        "status": "draft",
        "intent": "order",
        "code": {"text": suggestion.label},
        "subject": {"reference": f"Patient/{patient}"},
    }
