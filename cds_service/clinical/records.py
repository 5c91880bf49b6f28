"""Which records belong to which tumour.

An explicit reference decides; else the place; else, where there is one tumour alone, the
record is taken as its own unless it speaks of another lesion. A record that could belong
to several tumours belongs to none, and that is said.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dateutil.relativedelta import relativedelta

from cds_service.clinical.claims import DEEP, Claim, parts
from cds_service.clinical.lens import Lens, Words
from cds_service.clinical.lesions import Lesion
from cds_service.clinical.reports import Entry, Reports
from cds_service.clinical.sites import Site, place_in, site_of
from cds_service.facts import Chart, Condition, Observation, PartialDate, Procedure
from cds_service.guideline import Guideline

#: What a pathology report has to speak of to be a tumour's report.
PATHOLOGY_TOPICS = frozenset(
    {"tumour", "depth", "margin", "width", "grade", "size", "residual", "recurrence", "procedure"}
)
#: The kinds of operation that take a tumour out, the most telling first.
EXCISIONS = ("mohs", "re-excision", "wide-excision", "excision", "excisional-biopsy")
SPECIFIC_SURGERY = frozenset({"wide-excision", "re-excision", "mohs"})


@dataclass(frozen=True, slots=True)
class Operation:
    """A Procedure with what kind of treatment it is."""

    procedure: Procedure
    kind: str
    #: What the procedure's own texts say: name, outcome, notes.
    words: Words
    site: Site

    @property
    def date(self) -> PartialDate | None:
        """The day on which it ended, else began."""
        span = self.procedure.performed
        return span.finished if span else None


@dataclass(frozen=True, slots=True)
class TumourRecords:
    """The records of one tumour."""

    lesion: Lesion
    site: Site
    conditions: tuple[Condition, ...]
    reports: tuple[Entry, ...]
    observations: tuple[Observation, ...]
    operations: tuple[Operation, ...]
    not_done: tuple[Operation, ...]
    #: Conditions that record a recurrence at the tumour's place without naming the tumour.
    recurrences: tuple[Condition, ...] = ()
    #: Operations that may be of this tumour or of another.
    ambiguous: tuple[Operation, ...] = ()

    def claim(self, reference: str) -> Claim | None:
        """Return the claim that this record makes for the tumour."""
        return next((c for c in self.lesion.claims if c.reference == reference), None)

    def words_of_part(self, entry: Entry) -> Words:
        """Return what a report says of this tumour, other specimens left out."""
        every = parts(entry.words)
        own = [
            part
            for part in every
            if place_in(part).compatible(self.site)
            and (part.values("tumour") or not part.now("mimic"))
        ]
        words = Words()
        for part in own if len(every) > 1 else every:
            words = words + part
        return words

    def report_of(self, observation: Observation) -> Entry | None:
        """Return the report whose result the Observation is."""
        return next((e for e in self.reports if observation.reference in e.report.results), None)

    def rank_of(self, observation: Observation, excision: int, other: int) -> int:
        """Return the rank of the report that the Observation belongs to."""
        entry = self.report_of(observation)
        return excision if entry and excised(entry.words) else other


def excised(words: Words) -> bool:
    """Return whether a report's findings are those of an excision."""
    return bool(words.values("procedure") & {*EXCISIONS})


class Attribution:
    """Attributes the records of a chart to its tumours."""

    def __init__(
        self,
        chart: Chart,
        reports: Reports,
        lesions: Sequence[Lesion],
        *,
        guideline: Guideline,
        lens: Lens,
    ) -> None:
        """Take the chart, its reports and its tumours."""
        self._chart = chart
        self._reports = reports
        self._lesions = tuple(lesions)
        self._guideline = guideline
        self._lens = lens
        self._conditions = chart.condition_references
        self._operations = [op for p in chart.procedures if (op := self._operation(p))]
        self._not_done = [op for p in chart.not_done if (op := self._operation(p))]

    def of(self, lesion: Lesion) -> TumourRecords:
        """Return the records of one tumour."""
        conditions = tuple(c for c in self._chart.conditions if c.reference in lesion.references)
        operations, ambiguous = self._operations_of(lesion, self._operations)
        not_done, _ = self._operations_of(lesion, self._not_done)
        reports = self._reports_of(lesion, conditions, operations)
        return TumourRecords(
            lesion=lesion,
            site=lesion.site,
            conditions=conditions,
            reports=reports,
            observations=self._observations_of(lesion, conditions, reports),
            operations=operations,
            not_done=not_done,
            recurrences=tuple(c for c in self._chart.conditions if self._recurrence_of(c, lesion)),
            ambiguous=ambiguous,
        )

    def _recurrence_of(self, condition: Condition, lesion: Lesion) -> bool:
        if condition.reference in lesion.references:
            return False
        words = self._lens.words_of((condition.code,))
        if condition.verification not in {None, "confirmed"} or words.now("mimic"):
            return False
        site = site_of(self._lens, condition.body_sites, *condition.code.texts)
        return "recurrence" in self._lens.sets(condition.code) and self._alone(site, lesion)

    # --- Procedures ---

    def _operation(self, procedure: Procedure) -> Operation | None:
        lens = self._lens
        words = lens.words_of((procedure.code,))
        kind = self._kind(procedure, words)
        if kind is None:
            return None
        return Operation(
            procedure,
            kind,
            words + lens.words_of((procedure.outcome,)) + lens.words(*procedure.notes),
            site_of(lens, procedure.body_sites, *procedure.code.texts, *procedure.notes),
        )

    def _kind(self, procedure: Procedure, words: Words) -> str | None:
        sets = self._lens.sets(procedure.code, *procedure.categories, *procedure.extension_concepts)
        named = words.values("procedure")
        if (
            "slnb" in sets
            or self._guideline.matches["lymph-node"].says(*procedure.code.texts)
            or words.now("organ")
        ):
            return None
        if "biopsy" in sets:
            return "excisional-biopsy" if "excisional-biopsy" in named else "biopsy"
        for kind in ("re-excision", "mohs", "wide-excision", "excisional-biopsy"):
            if kind in named or kind in sets:
                return kind
        for kind in ("excision", "radiotherapy", "systemic-therapy", "biopsy"):
            if kind in named or kind in sets:
                return kind
        return None

    def _operations_of(
        self, lesion: Lesion, operations: Iterable[Operation]
    ) -> tuple[tuple[Operation, ...], tuple[Operation, ...]]:
        own, ambiguous = [], []
        for operation in operations:
            fitting = [other for other in self._lesions if self._linked(operation, other)]
            fitting = fitting or [o for o in self._lesions if self._may_belong(operation, o)]
            if lesion not in fitting:
                continue
            if len(fitting) == 1:
                own.append(operation)
            else:
                ambiguous.append(operation)
        return tuple(own), tuple(ambiguous)

    def _linked(self, operation: Operation, lesion: Lesion) -> bool:
        procedure = operation.procedure
        return bool({*procedure.reason_references, *procedure.reports} & lesion.references)

    def _may_belong(self, operation: Operation, lesion: Lesion) -> bool:
        procedure = operation.procedure
        if self._conditions.intersection(procedure.reason_references):
            return False
        if not operation.site.compatible(lesion.site):
            return False
        reasons = self._lens.words_of(procedure.reasons)
        spoken = operation.words + reasons
        if reasons.now("organ"):
            return False
        if spoken.values("tumour") or "cutaneous-leiomyosarcoma" in self._lens.sets(
            *procedure.reasons
        ):
            return True
        if spoken.now("mimic"):
            return False
        placed = operation.site.known and lesion.site.known
        return placed or self._not_too_early(operation, lesion)

    def _not_too_early(self, operation: Operation, lesion: Lesion) -> bool:
        """Return whether an operation without reason or place may be of a tumour of these dates."""
        if operation.kind in SPECIFIC_SURGERY or not operation.date or not lesion.dates:
            return True
        months = int(self._guideline.policy["attribution_lead"].numbers["months"])
        trace = min(date.first for date in lesion.dates)
        return operation.date.last >= trace - relativedelta(months=months)

    # --- Reports and Observations ---

    def _reports_of(
        self, lesion: Lesion, conditions: Iterable[Condition], operations: Iterable[Operation]
    ) -> tuple[Entry, ...]:
        named = {ref for c in conditions for ref in c.evidence}
        named |= {ref for op in operations for ref in op.procedure.reports}
        return tuple(
            entry
            for entry in self._reports.current
            if entry.report.reference in lesion.references | named
            or (not entry.imaging and self._report_fits(entry, lesion))
        )

    def _report_fits(self, entry: Entry, lesion: Lesion) -> bool:
        words = entry.words
        # A report that places the tumour below the subcutis contradicts its depth; one that
        # places it in another organ is of another tumour.
        if any(claim.level == "excluded" and claim.reason != DEEP for claim in entry.claims):
            return False
        if not words.values("tumour") and (words.now("mimic") or words.now("organ")):
            return False
        if not any(m.topic in PATHOLOGY_TOPICS and m.about == "patient" for m in words.mentions):
            return False
        return self._alone(entry.site, lesion)

    def _alone(self, site: Site, lesion: Lesion) -> bool:
        """Return whether a place fits this tumour and no other."""
        return [other for other in self._lesions if site.compatible(other.site)] == [lesion]

    def _observations_of(
        self, lesion: Lesion, conditions: Iterable[Condition], reports: Sequence[Entry]
    ) -> tuple[Observation, ...]:
        own = {c.reference for c in conditions}
        results = {ref for entry in reports for ref in entry.report.results}
        results |= {ref for c in conditions for ref in c.evidence}
        results |= {
            member
            for o in self._chart.observations
            if o.reference in results
            for member in o.members
        }
        specimens = {ref for entry in reports for ref in entry.report.specimens}
        replaced = {
            ref for entry, _ in self._reports.replaced.values() for ref in entry.report.results
        }
        elsewhere = {
            ref
            for entry in self._reports.current
            if entry not in reports
            for ref in entry.report.results
        }
        others = elsewhere | replaced
        chosen = []
        for observation in self._chart.observations:
            focus = self._conditions.intersection(observation.focus)
            named = observation.reference in results or focus & own
            barred = focus or observation.reference in others
            if named or (not barred and self._may_concern(observation, specimens, lesion)):
                chosen.append(observation)
        return tuple(chosen)

    def _may_concern(self, observation: Observation, specimens: set[str], lesion: Lesion) -> bool:
        if observation.specimen in specimens:
            return True
        site = site_of(self._lens, (observation.body_site,), *observation.code.texts)
        return self._alone(site, lesion)
