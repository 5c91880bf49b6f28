"""What the topic modules work on: one tumour, or the patient, with everything that is known."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from cds_service.clinical.lens import Lens
from cds_service.clinical.plan import Advice, Fact, State, Topic, Tumour, Window
from cds_service.clinical.records import TumourRecords
from cds_service.clinical.sites import site_of
from cds_service.clinical.treatment import Treatment
from cds_service.facts import Chart, Concept, Kind, Order, Procedure
from cds_service.guideline import Guideline

ORDERED = frozenset({"draft", "active", "on-hold"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is the same for every tumour of a chart."""

    chart: Chart
    guideline: Guideline
    lens: Lens
    today: dt.date
    metastases: tuple[Fact, ...] = ()
    pregnancy: tuple[Fact, ...] = ()
    immunosuppression: tuple[Fact, ...] = ()

    def unread(self, topic: Topic, *, suggests: bool) -> tuple[Kind, ...]:
        """Return the kinds that the topic depends on and that could not be read.

        Orders bear on what is suggested alone.
        """
        # Conditions and procedures bear on everything: what was read of them may be a part.
        depends = {"conditions", "procedures", *self.guideline.topics[topic].depends_on}
        if not suggests:
            depends.discard("orders")
        return tuple(kind for kind in self.chart.unread if kind in depends)

    def ordered(
        self,
        suggestion: str,
        *,
        since: dt.date | None = None,
        records: TumourRecords | None = None,
        done: frozenset[str] = frozenset(),
    ) -> Fact | None:
        """Return the order, or the procedure completed since then, that is the same thing.

        Orders and procedures of another lesion than ``records``' do not count, nor do the
        procedures in ``done``, which the advice has weighed already.
        """
        for order in self.chart.orders:
            if (
                order.status in ORDERED
                and self.matches(suggestion, order.code)
                and self._concerns(order, records)
            ):
                return Fact(order.reference, "order", _name(order), order.authored)
        for procedure in self.chart.procedures if since else ():
            day = procedure.performed.finished if procedure.performed else None
            if (
                day
                and since
                and day.first >= since
                and procedure.reference not in done
                and self.matches(suggestion, procedure.code)
                and self._concerns(procedure, records)
            ):
                return Fact(procedure.reference, "order", _name(procedure), day)
        return None

    def _concerns(self, record: Order | Procedure, records: TumourRecords | None) -> bool:
        """Return whether an order or procedure can be for this tumour."""
        if records is None:
            return True
        if named := self.chart.condition_references.intersection(record.reason_references):
            return bool(named & records.lesion.references)
        words = self.lens.words_of((record.code, *record.reasons))
        if words.now("mimic") and not words.values("tumour"):
            return False
        return site_of(self.lens, record.body_sites, *record.code.texts).compatible(records.site)

    def matches(self, suggestion: str, code: Concept) -> bool:
        """Return whether a code is that of the suggestion, by value set or by words."""
        known = self.guideline.suggestions[suggestion]
        if self.lens.sets(code) & known.match_sets:
            return True
        return any(word in text.lower() for text in code.texts for word in known.match_words)


def _name(record: Order | Procedure) -> str:
    return next(iter(record.code.texts), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One tumour in its setting."""

    setting: Setting
    tumour: Tumour
    records: TumourRecords
    treatment: Treatment
    depth_facts: tuple[Fact, ...] = ()
    diagnosis_facts: tuple[Fact, ...] = ()

    @property
    def metastatic(self) -> bool:
        """Whether a metastasis is confirmed."""
        return bool(self.setting.metastases)

    @property
    def depth_unclear(self) -> bool:
        """Whether the depth is unknown or conflicting."""
        return self.tumour.depth in {"unknown", "conflicting"}

    @property
    def history_only(self) -> bool:
        """Whether only a past tumour is recorded, without recurrence."""
        return self.tumour.history and not self.treatment.recurrences

    @property
    def minimum(self) -> str:
        """The source's minimum margin for the depth, or both minimums, in words."""
        key = "both" if self.depth_unclear else self.tumour.depth
        return self.setting.guideline.words["minimum"][key]

    def _unattributed(self, topic: Topic) -> tuple[str, ...]:
        """Return that an operation may be this tumour's, where an advice counts operations."""
        counts = topic in {"margin", "radiation", "surveillance"}
        return ("attribution",) if counts and self.records.ambiguous else ()

    def _unattributed_facts(self, topic: Topic) -> tuple[Fact, ...]:
        operations = self.records.ambiguous if self._unattributed(topic) else ()
        return tuple(
            Fact(op.procedure.reference, op.kind, next(iter(op.procedure.code.texts), ""), op.date)
            for op in operations
        )

    def advise(
        self,
        rule: str,
        *,
        facts: Iterable[Fact] = (),
        missing: Iterable[str] = (),
        remarks: Iterable[str] = (),
        windows: Iterable[Window] = (),
        since: dt.date | None = None,
        **values: object,
    ) -> Advice:
        """Return the advice of a rule for this tumour, orders that exist already told apart.

        ``since`` is when the advice became due: a procedure from then on that is the same
        thing as a suggestion counts as its order.
        """
        row = self.setting.guideline.rules[rule]
        topic: Topic = row.topic  # type: ignore[assignment]
        state: State = row.state  # type: ignore[assignment]
        offered, ordered = split_orders(
            self.setting,
            row.suggestions_for(self.tumour.depth),
            since=since,
            records=self.records,
            done=frozenset(
                ref for surgery in self.treatment.surgeries for ref in surgery.references
            ),
        )
        return Advice(
            topic=topic,
            state=state,
            rule=rule,
            indicator="warning" if row.indicator == "warning" else "info",
            tumour=self.tumour,
            facts=unique((*self.diagnosis_facts, *facts, *self._unattributed_facts(topic))),
            missing=(*missing, *self._unattributed(topic)),
            unread=self.setting.unread(topic, suggests=bool(offered)) if state != "silent" else (),
            values={"minimum": self.minimum, **values},
            windows=tuple(windows),
            suggestions=offered,
            ordered=ordered,
            remarks=tuple(remarks),
        )


def split_orders(
    setting: Setting,
    suggestions: Iterable[str],
    *,
    since: dt.date | None = None,
    records: TumourRecords | None = None,
    done: frozenset[str] = frozenset(),
) -> tuple[tuple[str, ...], tuple[tuple[str, Fact], ...]]:
    """Return the suggestions to offer, and those for which an order exists, with its fact."""
    offered, ordered = [], []
    for suggestion in dict.fromkeys(suggestions):
        if fact := setting.ordered(suggestion, since=since, records=records, done=done):
            ordered.append((suggestion, fact))
        else:
            offered.append(suggestion)
    return tuple(offered), tuple(ordered)


def unique(facts: Iterable[Fact]) -> tuple[Fact, ...]:
    """Return the facts without repetition, in their order."""
    return tuple(dict.fromkeys(facts))
