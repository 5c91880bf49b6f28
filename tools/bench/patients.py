"""Synthetic patients with a tumour of the worked cases: varied, and always the same ones.

Ids, dates, values and texts differ from patient to patient, so that nothing that is remembered
of one answers for the next. Around the tumour stands what charts are full of: laboratory values,
vital signs, visits, problems, procedures, orders and reports.
"""

import base64
import datetime as dt
import json
import random
import re
import uuid
from collections.abc import Iterator
from functools import cache
from typing import Any

from cds_service.hooks.base import PREFETCH
from cds_service.replay import cases, client

from . import codes
from .codes import HL7, ICD_10_CM, LOINC, SNOMED, UCUM

Json = dict[str, Any]
#: The day on which everybody is looked at.
TODAY = dt.date(2026, 12, 1)
#: Worked cases that are answered with cards, the smallest first.
TUMOURS = (
    "dermal-annual-follow-up-overdue",
    "subcutaneous-clear-20mm-consider-radiation-follow-up-due",
    "subcutaneous-lung-metastasis-systemic-therapy",
    "hlrcc-confirmed-nothing-visible-all-examinations-due",
    "dermal-recurrence-reexcised-clear-not-yet-due",
)
_DATE = re.compile(r"(?<![\d.-])(\d{4}-\d{2}-\d{2})(?!\d)")
_NAMESPACE = uuid.UUID("0f3f6f5e-2f0c-4b8a-9a57-6d1f0a9f6a11")
_SITES = ("left thigh", "back", "right forearm", "left shoulder", "scalp", "right calf", "chest")
#: How often each kind of resource occurs.
_KINDS = ("lab",) * 44 + ("vital",) * 14 + ("survey",) * 2 + ("visit",) * 11 + ("problem",) * 6
_KINDS += ("procedure",) * 10 + ("report",) * 8 + ("order",) * 4 + ("relative",)


class Patient:
    """One patient's chart, resource by resource."""

    def __init__(self, number: int, *, case: str | None = None) -> None:
        """Begin a chart around a worked case; without a name, the number chooses one."""
        self.random = random.Random(number)  # noqa: S311 - no secret
        self.number = number
        self.id = f"p{number:07d}"
        self.resources = self._tumour(case or TUMOURS[number % len(TUMOURS)], self.id)

    @classmethod
    def without_tumour(cls, number: int) -> "Patient":
        """Return somebody who never had the tumour, as nearly everybody."""
        patient = cls(number)
        patient.resources = patient.resources[:1]
        return patient

    def _tumour(self, name: str, prefix: str) -> list[Json]:
        """Return a worked case as this patient's: with ids of its own, some days apart."""
        owner, text = _case(name)
        shift = dt.timedelta(days=self.random.randint(-20, 20))

        def moved(found: re.Match[str]) -> str:
            try:
                return (dt.date.fromisoformat(found[1]) + shift).isoformat()
            except ValueError:
                return found[1]

        resources: list[Json] = json.loads(_DATE.sub(moved, text))
        names = {f"{r['resourceType']}/{r['id']}": f"{prefix}-{r['id']}" for r in resources}
        names[f"Patient/{owner}"] = self.id
        for report in resources:
            if "conclusion" in report:
                report["conclusion"] = f"{report['conclusion']} {self._accession()}"
        return [_renamed(resource, names) for resource in resources]

    def _accession(self) -> str:
        """Return what stands in a laboratory's every report: no two are the same text."""
        year, levels = self.random.randint(2015, 2026), self.random.randint(2, 60)
        number = self.random.randint(1, 99_999)
        return f"Accession S{year}-{number:05}; {levels} levels were examined."

    def add_tumour(self, place: int) -> None:
        """Add one more tumour's worth of records and a pathology report of full length."""
        own = self._tumour(TUMOURS[place % 3], f"{self.id}-t{place}")
        self.resources += [r for r in own if r["resourceType"] != "Patient"]
        site = self.random.choice(_SITES)
        texts = [text.format(site=site, n=self.random.randint(2, 60)) for text in codes.PATHOLOGY]
        said = f"{' '.join(texts)} Diagnosis: dermal leiomyosarcoma, {site}. All margins clear."
        self.resources.append(self._report_of("SP", "11526-1", "Pathology study", said))

    def grow(self, *, size: int = 0, resources: int = 0) -> "Patient":
        """Add resources until their JSON has ``size`` bytes, or there are so many of them."""
        total = sum(len(dumps(resource)) + 45 for resource in self.resources)
        while True:
            added = self.another()
            total += len(dumps(added)) + 45
            if (size and total > size) or (resources and len(self.resources) >= resources):
                return self
            self.resources.append(added)

    # --- What charts are full of ---

    def another(self) -> Json:
        """Return one more resource."""
        kind = self.random.choice(_KINDS)
        made: Json = getattr(self, f"_{kind}")()
        return made

    def _base(self, kind: str, **elements: Any) -> Json:  # noqa: ANN401 - JSON
        when = self._moment()
        return {
            "resourceType": kind,
            "id": self._id(),
            "meta": {"versionId": "1", "lastUpdated": when},
            **elements,
            "subject": {"reference": f"Patient/{self.id}"},
            "encounter": {"reference": f"Encounter/{self._id()}"},
        }

    def _id(self) -> str:
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def _moment(self) -> str:
        day = TODAY - dt.timedelta(days=self.random.randint(1, 5000))
        clock = (self.random.randint(7, 18), self.random.randint(0, 59), self.random.randint(0, 59))
        return "{}T{:02}:{:02}:{:02}+01:00".format(day.isoformat(), *clock)

    def _value(self, low: float, high: float) -> float:
        return round(self.random.uniform(low, high), 1)

    def _observation(self, category: str, code: str, name: str, **value: Any) -> Json:  # noqa: ANN401 - JSON
        when = self._moment()
        return self._base(
            "Observation",
            status="final",
            category=[_concept(f"{HL7}/observation-category", category, category.capitalize())],
            code=_concept(LOINC, code, name),
            effectiveDateTime=when,
            issued=when,
            performer=[{"reference": f"Practitioner/{self._id()}"}],
            **value,
        )

    def _lab(self) -> Json:
        code, name, unit, low, high = self.random.choice(codes.LABS)
        return self._observation(
            "laboratory",
            code,
            name,
            valueQuantity=_quantity(self._value(low, high), unit),
            interpretation=[_concept(f"{HL7}/v3-ObservationInterpretation", "N", "Normal")],
            referenceRange=[{"low": _quantity(low, unit), "high": _quantity(high, unit)}],
        )

    def _vital(self) -> Json:
        if self.random.random() < 0.2:  # noqa: PLR2004 - a fifth are blood pressures
            parts = [
                {
                    "code": _concept(LOINC, code, name),
                    "valueQuantity": _quantity(self._value(low, high), "mm[Hg]"),
                }
                for code, name, low, high in (
                    ("8480-6", "Systolic Blood Pressure", 95, 175),
                    ("8462-4", "Diastolic Blood Pressure", 55, 100),
                )
            ]
            return self._observation("vital-signs", "85354-9", "Blood Pressure", component=parts)
        code, name, unit, low, high = self.random.choice(codes.VITALS)
        value = _quantity(self._value(low, high), unit)
        return self._observation("vital-signs", code, name, valueQuantity=value)

    def _survey(self) -> Json:
        code, name, answer, words = self.random.choice(codes.SURVEYS)
        value = _concept(SNOMED, answer, words)
        return self._observation("social-history", code, name, valueCodeableConcept=value)

    def _visit(self) -> Json:
        code, name = self.random.choice(codes.VISITS)
        start = self._moment()
        made = self._base(
            "Encounter",
            status="finished",
            type=[_concept(SNOMED, code, name)],
            period={"start": start, "end": start},
            serviceProvider={"display": "General Hospital"},
        )
        made["class"] = {"system": f"{HL7}/v3-ActCode", "code": "AMB"}
        del made["encounter"]
        return made

    def _problem(self) -> Json:
        code, name, icd = self.random.choice(codes.PROBLEMS)
        when = self._moment()
        status = self.random.choice(("active", "resolved"))
        coding = [_coding(SNOMED, code, name), _coding(ICD_10_CM, icd, name)]
        return self._base(
            "Condition",
            clinicalStatus={"coding": [_coding(f"{HL7}/condition-clinical", status)]},
            verificationStatus={"coding": [_coding(f"{HL7}/condition-ver-status", "confirmed")]},
            category=[_concept(f"{HL7}/condition-category", "encounter-diagnosis", "Diagnosis")],
            code={"coding": coding, "text": name},
            onsetDateTime=when,
            recordedDate=when,
        )

    def _procedure(self) -> Json:
        code, name = self.random.choice(codes.PROCEDURES)
        start = self._moment()
        return self._base(
            "Procedure",
            status="completed",
            code=_concept(SNOMED, code, name),
            performedPeriod={"start": start, "end": start},
        )

    def _order(self) -> Json:
        code, name = self.random.choice(codes.ORDERS)
        return self._base(
            "ServiceRequest",
            status="completed",
            intent="order",
            code=_concept(LOINC, code, name),
            authoredOn=self._moment(),
            requester={"reference": f"Practitioner/{self._id()}"},
        )

    def _relative(self) -> Json:
        code, name = self.random.choice(codes.RELATIVES)
        problem, words, _ = self.random.choice(codes.PROBLEMS)
        made = self._base(
            "FamilyMemberHistory",
            status="completed",
            relationship=_concept(f"{HL7}/v3-RoleCode", code, name),
            condition=[{"code": _concept(SNOMED, problem, words)}],
        )
        made["patient"] = made.pop("subject")
        del made["encounter"]
        return made

    def _report(self) -> Json:
        category, code, name, sentences = self.random.choice(codes.REPORTS)
        said = " ".join(text.format(n=self.random.randint(2, 60)) for text in sentences)
        return self._report_of(category, code, name, said)

    def _report_of(self, category: str, code: str, name: str, said: str) -> Json:
        when = self._moment()
        made = self._base(
            "DiagnosticReport",
            status="final",
            category=[_concept(f"{HL7}/v2-0074", category, category)],
            code=_concept(LOINC, code, name),
            effectiveDateTime=when,
            issued=when,
            performer=[{"reference": f"Practitioner/{self._id()}"}],
        )
        if not said:
            results = [{"reference": f"Observation/{self._id()}"} for _ in range(6)]
            return {**made, "result": results}
        if self.random.random() < 0.5:  # noqa: PLR2004 - half of the systems send a file
            data = base64.b64encode(said.encode()).decode()
            return {**made, "presentedForm": [{"contentType": "text/plain", "data": data}]}
        return {**made, "conclusion": said}


def chart(number: int, *, size: int) -> Patient:
    """Return a patient whose request has about ``size`` bytes; the smallest is a tumour alone."""
    smallest = size < 4000  # noqa: PLR2004 - bytes
    patient = Patient(number, case=TUMOURS[0] if smallest else None)
    return patient if smallest else patient.grow(size=size - 600)


def request(patient: Patient) -> bytes:
    """Return the patient-view request with complete prefetch."""
    context = {"userId": "Practitioner/bench", "patientId": patient.id}
    store = client.Store(tuple(patient.resources))
    values, _ = client.prefetch(PREFETCH, context=context, store=store)
    instance = str(uuid.uuid5(_NAMESPACE, patient.id))
    return dumps(
        {
            "hook": "patient-view",
            "hookInstance": instance,
            "context": context,
            "prefetch": values,
        }
    )


def requests(size: int, count: int, *, first: int = 0) -> list[bytes]:
    """Return the requests of ``count`` different patients."""
    return [request(chart(number, size=size)) for number in range(first, first + count)]


def population(count: int) -> Iterator[Patient]:
    """Yield patients of a general hospital: in two hundred one has the tumour."""
    for number in range(count):
        patient = Patient(number) if number % 200 == 0 else Patient.without_tumour(number)
        yield patient.grow(resources=patient.random.randint(40, 400))


def dumps(value: Json) -> bytes:
    """Return compact JSON, as EHRs send it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _coding(system: str, code: str, display: str | None = None) -> Json:
    return {"system": system, "code": code, **({"display": display} if display else {})}


def _concept(system: str, code: str, display: str) -> Json:
    return {"coding": [_coding(system, code, display)], "text": display}


def _quantity(value: float, unit: str) -> Json:
    return {"value": value, "unit": unit, "system": UCUM, "code": unit}


def _renamed(node: Any, names: dict[str, str]) -> Any:  # noqa: ANN401 - any JSON
    """Return JSON with the ids and references of ``names`` (Type/id → new id) renamed."""
    if isinstance(node, list):
        return [_renamed(item, names) for item in node]
    if not isinstance(node, dict):
        return node
    found = {key: _renamed(value, names) for key, value in node.items()}
    target = node.get("reference")
    if isinstance(target, str) and target in names:
        found["reference"] = f"{target.partition('/')[0]}/{names[target]}"
    own = f"{node.get('resourceType')}/{node.get('id')}"
    return {**found, "id": names[own]} if own in names else found


@cache
def _case(name: str) -> tuple[str, str]:
    """Return the patient's id and the resources, as JSON, of a worked case."""
    case = cases.read(cases.WORKED / name / "chart.json")
    if case.store is None:
        raise ValueError(f"{name} is no chart")
    return case.patient_id, json.dumps(case.store.resources)
