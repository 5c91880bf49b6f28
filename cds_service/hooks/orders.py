"""What draft orders touch: the guideline's data say which order is a matter of which topic."""

from collections.abc import Iterable

from cds_service import terminology
from cds_service.clinical.lens import Lens
from cds_service.clinical.plan import TOPICS, Plan, Topic
from cds_service.facts import Chart, Order
from cds_service.guideline import Guideline, OrderMatch
from cds_service.hooks.base import Call, Selection, spoken

#: An order in one of these states orders nothing any more.
_ENDED = frozenset({"revoked", "cancelled", "stopped", "ended", "entered-in-error"})


def topics_of(orders: Iterable[Order], guideline: Guideline) -> frozenset[Topic]:
    """Return the topics that one of the orders touches."""
    lens = Lens(terminology.load())
    open_orders = [order for order in orders if order.status not in _ENDED]
    return frozenset(
        topic
        for topic in TOPICS
        if (match := guideline.orders.get(topic))
        and any(_touches(order, match, lens) for order in open_orders)
    )


def _touches(order: Order, match: OrderMatch, lens: Lens) -> bool:
    if lens.sets(order.code) & match.sets:
        return True
    texts = [*order.code.texts, *(text for site in order.body_sites for text in site.texts)]
    whole = f" {' '.join(texts)} ".lower()
    if any(word in whole for word in match.not_words):
        return False
    spoken_of = lens.words(*order.code.texts)
    if match.skin_only and (lens.words(*texts).now("organ") or spoken_of.now("organ")):
        return False
    if spoken_of.values("procedure") & match.procedures:
        return True
    named = any(f" {text} ".lower().find(word) >= 0 for text in texts for word in match.words)
    return named or any(
        all(any(word in whole for word in group) for group in groups) for groups in match.together
    )


def select(plan: Plan, chart: Chart, call: Call) -> Selection:
    """Return every advice, silent ones excepted, whose topic the call's orders touch."""
    del chart  # the orders were looked at before it was read
    topics = call.topics or frozenset()
    return Selection(tuple(advice for advice in spoken(plan) if advice.topic in topics))
