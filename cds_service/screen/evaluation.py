"""One patient's records through chart and evaluation, as the service would for a call."""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from cds_service import clinical
from cds_service.chart import Empty, Missing, PrefetchValue, Present, build
from cds_service.errors import ServiceError
from cds_service.guideline import Guideline
from cds_service.hooks.base import REQUIRED
from cds_service.screen.kinds import KEYS, TYPES
from cds_service.screen.row import Row, Rows

Json = dict[str, Any]

_DAMAGED = "something of it could not be read"
_NO_PATIENT = "the export holds no Patient of this id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Screening:
    """What is the same for every patient."""

    today: dt.date
    guideline: Guideline
    #: Prefetch keys of which the export holds nothing, or not all, and why.
    lacking: Mapping[str, str] = field(default_factory=dict)


#: What becomes of a patient. ``unread``: no row, but not all that belongs to it could be read.
Outcome = Literal["row", "silent", "unread", "failed", "deleted"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a patient, with the row or the problem."""

    outcome: Outcome
    row: Row | None = None
    problem: str = ""


def screen(
    patient: str,
    payloads: Iterable[bytes],
    *,
    screening: Screening,
    deleted: Collection[str] = frozenset(),
) -> Verdict:
    """Return what becomes of a patient.

    ``payloads`` are the payloads of the patient's records, as :mod:`sorting` makes them;
    ``deleted`` holds the references of resources that are not to be read.
    """
    records = _Records.of(payloads, deleted)
    if records.deleted:
        return Verdict("deleted")
    if why := records.conflict():
        return Verdict("failed", problem=why)
    values = records.values(patient, screening)
    try:
        chart = build(values, patient_id=patient, today=screening.today)
        plan = clinical.evaluate(chart, screening.guideline, today=screening.today)
        missing = {key for key in REQUIRED if isinstance(values[key], Missing)}
        row = Rows(screening.guideline).row(patient, chart, plan, missing=missing)
    except ServiceError as error:
        return _failed(error.where or type(error).__name__)
    except Exception as error:  # noqa: BLE001 - one patient must not end the run of all others
        # Its message may quote the record.
        return _failed(type(error).__name__)
    if row:
        return Verdict("row", row)
    return Verdict("unread" if records.damaged or "patient" in chart.unread else "silent")


def _failed(what: str) -> Verdict:
    return Verdict("failed", problem=f"could not be evaluated ({what})")


@dataclass(slots=True)
class _Records:
    """A patient's records by prefetch key, and the marks that came with them."""

    entries: dict[str, list[Json]] = field(default_factory=dict)
    damaged: set[str] = field(default_factory=set)
    whole: bool = False
    deleted: bool = False

    @classmethod
    def of(cls, payloads: Iterable[bytes], deleted: Collection[str]) -> "_Records":
        records = cls()
        for payload in payloads:
            value = orjson.loads(payload)
            if "resourceType" in value:
                records._add({"resource": value}, deleted)
            elif "resource" in value:
                records._add(value, deleted)
            else:
                records.damaged |= set(value.get("damaged", ()))
                records.whole |= value.get("whole", False)
                records.deleted |= value.get("deleted", False)
        return records

    def _add(self, entry: Json, deleted: Collection[str]) -> None:
        resource = entry["resource"]
        kind = resource["resourceType"]
        if not deleted or f"{kind}/{resource.get('id')}" not in deleted:
            self.entries.setdefault(KEYS[kind], []).append(entry)

    def conflict(self) -> str:
        """Return why the Patients of this id cannot be one person, "" where they can."""
        people = [entry["resource"] for entry in self.entries.get("patient", ())]
        births = {str(person["birthDate"]) for person in people if person.get("birthDate")}
        # A year alone, and a day in it, are no two dates.
        if all(max(births, key=len).startswith(birth) for birth in births):
            return ""
        stamps = [_stamp(person) for person in people]
        # Versions of one Patient tell which is the newest.
        return "" if all(stamps) else "shares its id with a Patient of another birth date"

    def values(self, patient: str, screening: Screening) -> dict[str, PrefetchValue]:
        """Return the state of every prefetch key."""
        lacking = {} if self.whole else dict(screening.lacking)
        lacking |= dict.fromkeys(self.damaged, _DAMAGED)
        if "patient" not in self.entries:
            # Without the Patient its tumour would be lost: it is evaluated, and says so.
            self.entries["patient"] = [{"resource": {"resourceType": "Patient", "id": patient}}]
            lacking["patient"] = _NO_PATIENT
        return {key: self._value(key, lacking.get(key)) for key in TYPES}

    def _value(self, key: str, lacking: str | None) -> PrefetchValue:
        entries = self.entries.get(key)
        if entries:
            return Present(({"resourceType": "Bundle", "entry": entries},), partial=lacking)
        return Missing(lacking) if lacking else Empty()


def _stamp(person: Json) -> str:
    meta = person.get("meta")
    stamp = meta.get("lastUpdated") if isinstance(meta, dict) else None
    return stamp if isinstance(stamp, str) else ""
