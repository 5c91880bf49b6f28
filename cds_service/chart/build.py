"""From prefetch values to the chart of one patient."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Protocol, cast

from cds_service.chart import (
    conditions,
    family,
    observations,
    orders,
    patient,
    procedures,
    reports,
    subject,
    visits,
)
from cds_service.chart.elements import Find, Json, Source
from cds_service.chart.index import Found, Index, contained
from cds_service.chart.prefetch import Empty, Failed, Missing, PrefetchValue, Present
from cds_service.errors import BadRequest, PreconditionFailed
from cds_service.facts import (
    Chart,
    Condition,
    Issue,
    Kind,
    Observation,
    Order,
    PartialDate,
    Patient,
    Procedure,
    Record,
    Relative,
    Report,
    Span,
    Visit,
)

_MAX_ISSUES = 500


def build(
    values: Mapping[str, PrefetchValue],
    *,
    patient_id: str,
    today: dt.date,
    context_conditions: Json = None,
    issues: Iterable[Issue] = (),
) -> Chart:
    """Read everything that the values hold about one patient.

    ``context_conditions`` is the raw Bundle (or resource, or array) of the hook's context;
    ``issues`` are those of the gathering. Nothing in the data raises but a Patient of another
    id (:class:`BadRequest`) and no Patient at all (:class:`PreconditionFailed`).
    """
    index = Index()
    for key, value in values.items():
        for item in value.values if isinstance(value, Present) else ():
            index.add(item, f"prefetch.{key}")
    if context_conditions is not None:
        index.add(context_conditions, "context.conditions", from_context=True)
    remaining = index.settle()
    reader = _Reader(index, patient_id, today)
    person = reader.patient()
    own = [found for found in remaining if reader.is_own(found)]
    index.keep(own)
    records = [record for found in own for record in reader.records(found)]
    return _chart(person, records, _unread(values), (*issues, *index.issues))


class _Reader:
    """Reads resources of one index."""

    def __init__(self, index: Index, patient_id: str, today: dt.date) -> None:
        self._index = index
        self._patient_id = patient_id
        self._today = today

    def _source(self, reference: str) -> Source:
        return Source(reference, self._index.issues, self._index.resolve)

    def patient(self) -> Patient:
        """Return the patient; raises where the data are somebody else's, or nobody's."""
        own = f"Patient/{self._patient_id}"
        found = self._index.by_reference.get(own)
        sent = self._index.references_under("prefetch.patient", "Patient")
        if sent and own not in sent:
            raise BadRequest(
                "The Patient is not the one of context.patientId; nothing was evaluated."
                " Send the data of one patient.",
                where="prefetch.patient",
            )
        if found is None:
            raise PreconditionFailed(
                "The Patient is not in the data. Send it in the prefetch, or a FHIR server and"
                " a token with which it can be read.",
                where="prefetch.patient",
            )
        return patient.read(self._source(own), found.resource, patient_id=self._patient_id)

    def is_own(self, found: Found) -> bool:
        """Return whether a resource may be used: it is nobody else's."""
        return found.kind not in _IGNORED and subject.is_own(
            self._source(found.reference), found.resource, self._patient_id
        )

    def records(self, found: Found) -> list[Record]:
        """Return the records of a resource and of those that it contains."""
        source = self._source(found.reference)
        record = self._read(source, found.kind, found.resource)
        if isinstance(record, Condition) and found.from_context:
            record = replace(record, from_context=True)
        # What a dropped resource contains is dropped with it; what a family history contains is
        # a relative's.
        alone = record is None or found.kind == "FamilyMemberHistory"
        if "contained" not in found.resource or (found.kind in _READERS and alone):
            return [record] if record else []
        inner = (self._contained(found.reference, item) for item in contained(found.resource))
        return [item for item in (record, *inner) if item]

    def _contained(self, container: str, resource: Mapping[str, Json]) -> Record | None:
        name = resource.get("id")
        if not isinstance(name, str) or not name.strip("# "):
            return None
        source = self._source(f"{container}#{name.strip('# ')}")
        if not subject.is_own(source, resource, self._patient_id, inherited=True):
            return None
        return self._read(source, str(resource["resourceType"]), resource)

    def _read(self, source: Source, kind: str, resource: Mapping[str, Json]) -> Record | None:
        read = _READERS.get(kind)
        return read(source, resource, find=self._index.find, today=self._today) if read else None


class _Read(Protocol):
    def __call__(
        self, source: Source, resource: Mapping[str, Json], /, *, find: Find, today: dt.date
    ) -> Record | None: ...


_READERS: Mapping[str, _Read] = {
    "Condition": conditions.read,
    "Procedure": procedures.read,
    "Observation": observations.read,
    "DiagnosticReport": reports.read,
    "FamilyMemberHistory": family.read,
    "Encounter": visits.read,
    **dict.fromkeys(orders.TYPES, orders.read),
}
_IGNORED = frozenset({"Patient", "Practitioner", "PractitionerRole", "Organization", "Location"})


def _unread(values: Mapping[str, PrefetchValue]) -> dict[Kind, str]:
    unread: dict[Kind, str] = {}
    for key, value in sorted(values.items()):
        kind = cast("Kind", key)
        match value:
            case Failed(reason=reason) | Missing(reason=reason):
                unread[kind] = reason
            case Present(partial=str(reason)):
                unread[kind] = reason
            case Present() | Empty():
                pass
    return unread


def _start(span: Span | None) -> PartialDate | None:
    return (span.start or span.end) if span else None


_DATES: Mapping[type[Record], Callable[[Any], PartialDate | None]] = {
    Condition: lambda record: _start(record.onset) or record.recorded,
    Procedure: lambda record: _start(record.performed),
    Observation: lambda record: record.effective or record.issued,
    Report: lambda record: record.date,
    Relative: lambda record: record.date,
    Order: lambda record: record.authored,
    Visit: lambda record: _start(record.period),
}


def _order(record: Record) -> tuple[dt.date, dt.date, int, str]:
    date = _DATES[type(record)](record)
    first, last = (date.first, date.last) if date else (dt.date.max, dt.date.max)
    return (first, last, len(record.reference), record.reference)


def _chart(
    person: Patient, records: list[Record], unread: Mapping[Kind, str], issues: Iterable[Issue]
) -> Chart:
    records.sort(key=_order)
    of: dict[type[Record], list[Any]] = {kind: [] for kind in _DATES}
    for record in records:
        of[type(record)].append(record)
    reported = sorted(set(issues), key=lambda issue: (issue.where, issue.reason, issue.effect))
    if len(reported) > _MAX_ISSUES:
        rest = f"has {len(reported) - _MAX_ISSUES} more problems like those that are listed"
        reported = [*reported[:_MAX_ISSUES], Issue("(everything)", rest)]
    return Chart(
        patient=person,
        conditions=tuple(r for r in of[Condition] if r.verification != "refuted"),
        refuted=tuple(r for r in of[Condition] if r.verification == "refuted"),
        procedures=tuple(r for r in of[Procedure] if r.status == "completed"),
        not_done=tuple(r for r in of[Procedure] if r.status == "not-done"),
        observations=tuple(of[Observation]),
        reports=tuple(of[Report]),
        relatives=tuple(of[Relative]),
        orders=tuple(of[Order]),
        visits=tuple(of[Visit]),
        unread=dict(unread),
        issues=tuple(reported),
    )
