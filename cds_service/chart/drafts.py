"""The draft orders of a hook's context, as facts; and which of them were selected."""

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from cds_service.chart import orders, subject
from cds_service.chart.elements import Json, Source
from cds_service.chart.index import Index
from cds_service.facts import Chart, Order


@dataclass(frozen=True, slots=True)
class Drafts:
    """Orders that are being written; ``resolve`` gives a reference its canonical form."""

    orders: tuple[Order, ...]
    resolve: Callable[[str], str]

    def chosen(self, selections: Iterable[str]) -> tuple[Order, ...]:
        """Return the orders that ``selections`` name; what none of them names is left out."""
        wanted = {self.resolve(selection.strip()) for selection in selections}
        bare = {name for name in wanted if "/" not in name}
        return tuple(
            order
            for order in self.orders
            if order.reference in wanted or order.reference.partition("/")[2] in bare
        )

    def added_to(self, chart: Chart) -> Chart:
        """Return ``chart`` with these orders in place of older copies of them."""
        if not self.orders:
            return chart
        own = {order.reference for order in self.orders}
        kept = (order for order in chart.orders if order.reference not in own)
        return replace(chart, orders=(*kept, *self.orders))


def drafts(value: Json, *, patient_id: str, today: dt.date) -> Drafts:
    """Return the orders of a Bundle that are about the patient, whatever their FHIR version."""
    index = Index()
    index.add(value, "context.draftOrders", from_context=True)
    read = []
    for found in index.settle():
        source = Source(found.reference, index.issues, index.resolve)
        if found.kind in orders.TYPES and subject.is_own(source, found.resource, patient_id):
            read.append(orders.read(source, found.resource, find=index.find, today=today))
    return Drafts(
        tuple(order for order in read if order), lambda reference: index.resolve(reference, "")
    )
