"""One case, played from its files to a result: the part of the EHR."""

import datetime as dt
import hashlib
import time
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import Protocol

import orjson

from cds_service.cards import EXTENSION
from cds_service.replay import cases, client, expectation
from cds_service.replay.cases import Case
from cds_service.replay.client import Json
from cds_service.replay.outcome import CHART_HOOKS, Evaluation, Played, Result, of_trace
from cds_service.timeline import TraceError

_OK = 200
_USER = "Practitioner/replay"
_NAMESPACE = uuid.UUID("6f0d8f57-6d7d-5a0b-9a83-0f2a6f3fd0d5")


class Service(Protocol):
    """A CDS service, wherever it runs."""

    def discover(self) -> tuple[Json, ...]:
        """Return the entries of the discovery document."""

    def call(self, service_id: str, request: Json) -> tuple[int, Json]:
        """Return status and body of the answer to a hook request."""

    def evaluate(self, request: Json) -> Evaluation | None:
        """Return what the evaluation behind the cards says, None where it is out of reach."""


def today_of(case: Case, date: dt.date | None) -> dt.date:
    """Return the date that counts: the user's, else the expectation's, else the real one."""
    stated = (case.expected or {}).get("today")
    if date is None and isinstance(stated, str):
        try:
            return dt.date.fromisoformat(stated)
        except ValueError:
            reason = '"today" is not a date of the form YYYY-MM-DD'
            raise cases.CaseError(case.expected_path, reason) from None
    return date or dt.datetime.now(tz=dt.UTC).date()


def play(
    case: Case,
    *,
    service: Callable[[dt.date], Service],
    hooks: tuple[str, ...] = (),
    date: dt.date | None = None,
    enter: tuple[str, ...] | None = None,
) -> Result:
    """Play a case and compare it with its expectation.

    ``service`` gives the service for a date; ``hooks`` limits what is played (all by
    default); ``enter`` are the Conditions to enter, where they are not chosen here. Raises
    ``CaseError`` when the case contradicts itself.
    """
    began = time.perf_counter()
    today = today_of(case, date)
    target = service(today)
    try:
        requests = _requests(case, target, hooks, enter)
    except client.ChartError as error:
        raise cases.CaseError(case.path, str(error)) from None
    evaluation = _evaluation(case, target)
    played = tuple(_call(target, *request) for request in requests)
    result = Result(
        name=case.name,
        path=str(case.path),
        today=today.isoformat(),
        evaluation=evaluation or _traced(case, played),
        played=played,
        digest=_digest(case),
        seconds=time.perf_counter() - began,
    )
    if case.expected is None:
        return result
    return replace(result, differences=expectation.differences(result, case.expected))


_Request = tuple[Json, tuple[str, ...], dict[str, str]]


def _digest(case: Case) -> str:
    held = case.request if case.store is None else list(case.store.resources)
    return hashlib.sha256(orjson.dumps(held, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _traced(case: Case, played: Iterable[Played]) -> Evaluation | None:
    """Return what the first trace says that came with an answer."""
    try:
        return next((of_trace(each.trace) for each in played if each.trace), None)
    except TraceError as error:
        raise cases.CaseError(case.path, f"the answer's extension {EXTENSION}: {error}") from None


def _requests(
    case: Case, target: Service, hooks: tuple[str, ...], enter: tuple[str, ...] | None
) -> list[_Request]:
    """Return the requests to send, each with its new conditions and its unresolved keys."""
    if case.request is not None:
        wanted = not hooks or case.request["hook"] in hooks
        return [(case.request, (), {})] if wanted else []
    if case.store is None:
        return []
    made = [
        _request(case, case.store, target, hook, enter)
        for hook in CHART_HOOKS
        if hook in (hooks or CHART_HOOKS)
    ]
    # without a Condition there is none to enter
    return [each for each in made if each[1] or each[0]["hook"] != "problem-list-item-create"]


def _evaluation(case: Case, target: Service) -> Evaluation | None:
    if case.store is None:
        return target.evaluate(case.request or {})
    return target.evaluate(_request(case, case.store, target, "patient-view")[0])


def _request(
    case: Case,
    store: client.Store,
    target: Service,
    hook: str,
    enter: tuple[str, ...] | None = None,
) -> _Request:
    context: Json = {"userId": _USER, "patientId": case.patient_id}
    new: tuple[str, ...] = ()
    if hook == "problem-list-item-create":
        if enter is None:
            said = _evaluation(case, target)
            enter = entered(case, store, said.conditions if said else ())
        new = enter
        entries = [{"resource": each} for each in cases.conditions(store, new)]
        context["conditions"] = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    templates: dict[str, str] = {}
    for entry in _entries(target, hook):
        templates |= entry.get("prefetch") or {}
    values, left_out = client.prefetch(templates, context=context, store=store)
    request = {
        "hook": hook,
        "hookInstance": str(uuid.uuid5(_NAMESPACE, f"{case.name} {hook}")),
        "context": context,
        "prefetch": values,
    }
    return request, new, left_out


def entered(case: Case, store: client.Store, taking_part: Collection[str]) -> tuple[str, ...]:
    """Return the Conditions to enter: the stated ones, else those of a tumour, else the first.

    ``taking_part`` are those that the evaluation of the chart says something of.
    """
    if (named := stated(case)) is not None:
        return named
    held = tuple(f"Condition/{c['id']}" for c in store.of_type("Condition") if "id" in c)
    return tuple(ref for ref in held if ref in taking_part) or held[:1]


def stated(case: Case) -> tuple[str, ...] | None:
    """Return the Conditions that the expectation names as entered, None where it names none."""
    hooks = (case.expected or {}).get("hooks")
    entry = hooks.get("problem-list-item-create") if isinstance(hooks, Mapping) else None
    if isinstance(entry, Mapping) and isinstance(entry.get("conditions"), list):
        return tuple(map(str, entry["conditions"]))
    return None


def _entries(target: Service, hook: str) -> tuple[Json, ...]:
    return tuple(entry for entry in target.discover() if entry.get("hook") == hook)


def _call(target: Service, request: Json, new: tuple[str, ...], left_out: dict[str, str]) -> Played:
    hook = str(request["hook"])
    played = Played(hook=hook, status=_OK, conditions=new, left_out=left_out)
    cards: list[Json] = []
    more: Json = {}
    trace: Json = {}
    entries = _entries(target, hook)
    if not entries:
        return replace(played, status=404, problem=f"the service offers no {hook}")
    for entry in entries:
        status, body = target.call(str(entry["id"]), request)
        if status != _OK or not isinstance(body.get("cards"), list):
            return replace(played, status=status, problem=_problem(body))
        cards.extend(card for card in body["cards"] if isinstance(card, dict))
        rest = {key: value for key, value in body.items() if key != "cards"}
        found, rest = _apart(rest)
        trace = trace or found
        more |= rest
    return replace(played, cards=tuple(cards), trace=trace, more=more)


def _apart(body: Json) -> tuple[Json, Json]:
    """Return the decision trace of an answer, empty where there is none, and the rest."""
    extension = body.get("extension")
    if not isinstance(extension, dict) or not isinstance(extension.get(EXTENSION), dict):
        return {}, body
    rest = {key: value for key, value in extension.items() if key != EXTENSION}
    others = {key: value for key, value in body.items() if key != "extension"}
    return extension[EXTENSION], others | ({"extension": rest} if rest else {})


def _problem(body: Json) -> str:
    """Return what an OperationOutcome says, else that the answer is not one."""
    issues = body.get("issue")
    texts = [
        str(issue.get("diagnostics") or (issue.get("details") or {}).get("text") or "")
        for issue in (issues if isinstance(issues, list) else ())
        if isinstance(issue, dict)
    ]
    return (
        "; ".join(filter(None, texts)) or "the answer holds neither cards nor an OperationOutcome"
    )
