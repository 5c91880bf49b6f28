"""Every case through every behaviour: the same answer, an honest part of it, or an error."""

import datetime as dt
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cds_service import hooks
from cds_service.chart import exchange
from cds_service.engine import UNREAD, Engine
from cds_service.errors import ServiceError
from cds_service.guideline import Guideline
from cds_service.guideline import read as read_guideline
from cds_service.hooks.base import PREFETCH, REQUIRED
from cds_service.protocol.outcome import operation_outcome
from cds_service.replay.cases import Case
from cds_service.replay.client import Json, Store, prefetch
from cds_service.replay.play import today_of
from cds_service.settings import Settings
from cds_service.settings import load as load_settings
from cds_service.simulate import replies
from cds_service.simulate.behaviours import BEHAVIOURS, Behaviour, Outcome, Prefetch
from cds_service.simulate.ehr import Ehr
from cds_service.simulate.transport import InProcess

BASE = "http://127.0.0.1:1/fhir"
#: Epic's diagnosis entry: everything that is not silent is shown.
_EXTENSION = {"com.epic.cdshooks.request.bpa-trigger-action": "7"}
_UNREAD = "could not be read:"
_SECRETS = ("John Doe", "abc123", "example.org", "127.0.0.1")
_TOKEN = "secret-token"  # noqa: S105 - a made-up one
_PARALLEL = 8


@dataclass(frozen=True, slots=True)
class Answer:
    """What the service answered: cards without their ids, or an error with its text."""

    status: int
    cards: tuple[Json, ...] = ()
    #: What the response says, to the client, that could not be read.
    unread: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One case under one behaviour. ``fault`` says why the answer may not be so."""

    case: str
    behaviour: str
    outcome: Outcome | None
    answer: Answer
    fault: str | None = None


def run(
    cases: Iterable[Case], *, behaviours: Mapping[str, Behaviour] = BEHAVIOURS
) -> Iterator[Row]:
    """Yield a row for every case (with a chart) under every behaviour."""
    guideline = read_guideline(load_settings()[0].guideline)
    with _impatient(), ThreadPoolExecutor(_PARALLEL) as pool:
        for rows in pool.map(lambda case: list(_case(case, behaviours, guideline)), cases):
            yield from rows


def table(rows: Iterable[Row]) -> dict[str, Counter[str]]:
    """Return how often each behaviour had each outcome; a fault counts as ``FAULT``."""
    counted: dict[str, Counter[str]] = {}
    for row in rows:
        name = "FAULT" if row.fault else str(row.outcome)
        if row.outcome == "error":
            name = f"{name} {row.answer.status}"
        counted.setdefault(row.behaviour, Counter())[name] += 1
    return counted


@contextmanager
def _impatient() -> Iterator[None]:
    """Shorten the pauses between tries: nobody recovers here."""
    before = exchange._PAUSE  # noqa: SLF001 - it is no setting
    exchange._PAUSE = 0.001  # noqa: SLF001
    try:
        yield
    finally:
        exchange._PAUSE = before  # noqa: SLF001


def _case(case: Case, behaviours: Mapping[str, Behaviour], guideline: Guideline) -> Iterator[Row]:
    store = store_of(case)
    if store is None:
        return
    settings = Settings(auth="off", today=today_of(case, dt.date(2026, 12, 1)))
    full = _play(store, case.patient_id, BEHAVIOURS["prefetch"], settings, guideline)
    for name, behaviour in behaviours.items():
        answer = _play(store, case.patient_id, behaviour, settings, guideline)
        outcome, fault = judge(answer, full, behaviour)
        yield Row(case.name, name, outcome, answer, fault)


def store_of(case: Case) -> Store | None:
    """Return the chart of a case; of a captured request what its prefetch holds."""
    if case.store is not None or case.request is None:
        return case.store
    values = (case.request.get("prefetch") or {}).values()
    context = (case.request.get("context") or {}).get("conditions")
    entries = [{"resource": value} for value in (*values, context) if isinstance(value, dict)]
    store = Store.of({"resourceType": "Bundle", "entry": entries}) if entries else None
    return store if store and store.read(f"Patient/{case.patient_id}") else None


def _play(
    store: Store, patient: str, behaviour: Behaviour, settings: Settings, guideline: Guideline
) -> Answer:
    ehr = Ehr(store, base=BASE, behaviour=behaviour)
    engine = Engine(settings, guideline, transport=InProcess(ehr))
    context = {"userId": "Practitioner/simulate", "patientId": patient}
    service = next(one for one in hooks.services() if one.hook == "patient-view")
    request: Json = {
        "hook": service.hook,
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": context,
        "extension": _EXTENSION,
        "prefetch": prefetched(behaviour, store, context, ehr),
    }
    if behaviour.server:
        request["fhirServer"] = BASE
        request["fhirAuthorization"] = {
            "access_token": _TOKEN,
            "token_type": "Bearer",
            "expires_in": 300,
            "scope": "patient/*.rs",
            "subject": "simulate",
        }
    try:
        answered = engine.answer(service, service.read(request)).to_json()
    except ServiceError as error:
        return Answer(error.status, problem=json.dumps(operation_outcome(error)))
    unread = answered.get("extension", {}).get(UNREAD, {})
    return Answer(200, tuple(_without_ids(card) for card in answered["cards"]), tuple(unread))


def _without_ids(card: Json) -> Json:
    text = re.sub(r'"uuid": "[^"]*"', '"uuid": ""', json.dumps(card, sort_keys=True))
    # The simulated STU3 server has the same orders under their older name.
    text = text.replace("ProcedureRequest/", "ServiceRequest/")
    found: Json = json.loads(text)
    return found


def prefetched(behaviour: Behaviour, store: Store, context: Mapping[str, Any], ehr: Ehr) -> Json:
    """Return the prefetch object that the behaviour's client sends."""
    values, _ = prefetch(PREFETCH, context=context, store=store)
    optional = [key for key in PREFETCH if key not in REQUIRED]
    failed = replies.outcome("forbidden")
    chosen: Mapping[Prefetch, Json] = {
        "all": values,
        "some": {
            key: value for number, (key, value) in enumerate(values.items()) if not number % 2
        },
        "required": {key: values[key] for key in REQUIRED},
        "null-optional": {**values, **dict.fromkeys(optional)},
        "null-patient": {**values, "patient": None},
        "failed-optional": {**values, **dict.fromkeys(optional, failed)},
        "failed-required": {**values, "conditions": failed},
    }
    if behaviour.prefetch == "first-page":
        queries = {
            key: template.replace("{{context.patientId}}", context["patientId"])
            for key, template in PREFETCH.items()
        }
        return {key: json.loads(ehr.answer("GET", q).body) for key, q in queries.items()}
    return chosen.get(behaviour.prefetch, {})


def judge(answer: Answer, full: Answer, behaviour: Behaviour) -> tuple[Outcome | None, str | None]:
    """Return what an answer is, and why it may not be so."""
    outcome = _outcome(answer, full, behaviour)
    leak = next((word for word in (*_SECRETS, _TOKEN) if word in answer.problem), None)
    if leak:
        fault: str | None = f"the error holds {leak}"
    elif outcome == "error" and answer.status not in behaviour.statuses:
        fault = f"the status is {answer.status}"
    elif outcome is None:
        fault = "the answer differs and does not say what could not be read"
    else:
        fault = None if outcome in behaviour.allowed else f"{outcome} is not called for"
    return outcome, fault


def _outcome(answer: Answer, full: Answer, behaviour: Behaviour) -> Outcome | None:
    if answer.status != 200:  # noqa: PLR2004 - OK
        return "error"
    if answer.cards == full.cards:
        return "same"
    if behaviour.prefetch == "null-optional":
        return "said"  # the client says that there is nothing: another chart
    if not answer.unread:
        return None
    # A card that rests on nothing unread is the card of the full answer, word for word; one
    # that the loss took away cannot speak of it, so another must.
    told = [card for card in answer.cards if _UNREAD in card.get("detail", "").lower()]
    silent = [card for card in answer.cards if card not in told and card not in full.cards]
    gone = _topics(full) - _topics(answer)
    return None if silent or (gone and answer.cards and not told) else "said"


def _topics(answer: Answer) -> set[str]:
    return {card["source"]["topic"]["code"] for card in answer.cards}
