"""The course of a tumour: what happened and when, as the evaluation read it."""

import datetime as dt
from collections.abc import Iterable, Iterator

from cds_service.clinical.case import Case
from cds_service.clinical.plan import Event, EventKind, Fact
from cds_service.clinical.records import Operation
from cds_service.clinical.topics import surveillance
from cds_service.clinical.treatment import radiation_fact


def course(case: Case) -> tuple[Event, ...]:
    """Return the events of a tumour in the order of time, what has no date last."""
    return _ordered(_events(case))


def of_facts(kind: EventKind, facts: Iterable[Fact]) -> tuple[Event, ...]:
    """Return the events that single facts are."""
    return _ordered(Event(kind=kind, facts=(fact,), date=fact.date) for fact in facts)


def _events(case: Case) -> Iterator[Event]:
    treatment = case.treatment
    for fact in case.diagnosis_facts:
        kind: EventKind = "pathology" if fact.label == "pathology" else "diagnosis"
        yield from of_facts(kind, [fact])
    for surgery in treatment.surgeries:
        yield Event(
            kind="surgery",
            facts=surgery.facts,
            date=surgery.date,
            margin=surgery.margin,
            width=surgery.width,
            below=surgery.below,
            margin_facts=surgery.margin_facts,
        )
    yield from map(_radiation, treatment.radiation)
    for operation in (
        *treatment.surgery_not_done,
        *(operation for operation, _ in treatment.radiation_not_done),
    ):
        text = next(iter(operation.procedure.code.texts), "")
        fact = Fact(operation.procedure.reference, "not-done", text, operation.date)
        yield from of_facts("not-done", [fact])
    for fact, date in treatment.recurrences:
        yield Event(kind="recurrence", facts=(fact,), date=date)
    yield from of_facts("metastasis", case.setting.metastases)
    if treatment.t0:
        yield from of_facts("visit", surveillance.visits(case, treatment.t0))
    yield from of_facts("chest-imaging", surveillance.chest_imaging(case)[0])


def _radiation(operation: Operation) -> Event:
    span = operation.procedure.performed
    begun = span.begun if span else None
    return Event(
        kind="radiation",
        facts=(radiation_fact(operation),),
        date=operation.date,
        begun=begun if begun != operation.date else None,
    )


def _ordered(events: Iterable[Event]) -> tuple[Event, ...]:
    return tuple(sorted(events, key=_place))


def _place(event: Event) -> tuple[dt.date, dt.date, str]:
    when = event.begun or event.date
    first = when.first if when else dt.date.max
    last = when.last if when else dt.date.max
    return first, last, event.facts[0].reference
