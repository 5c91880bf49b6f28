"""What became of the cards, counted by topic and rule."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from cds_service.store.database import Store
from cds_service.store.tables import card_sent, feedback

UNKNOWN = "(unknown card)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The cards of one topic and rule. A card with no feedback was neither."""

    topic: str
    #: "" where all rules of the topic are counted together.
    rule: str = ""
    sent: int = 0
    accepted: int = 0
    overridden: int = 0
    #: Withheld from clients in shadow mode; not among ``sent``.
    shadow: int = 0
    #: How often each override reason was given.
    reasons: Mapping[str, int] = field(default_factory=dict)

    @property
    def accept_rate(self) -> float | None:
        """Accepted of sent; None where nothing was sent."""
        return self.accepted / self.sent if self.sent else None

    @property
    def override_rate(self) -> float | None:
        """Overridden of sent; None where nothing was sent."""
        return self.overridden / self.sent if self.sent else None


def rows(
    store: Store, *, since: dt.date | None = None, until: dt.date | None = None
) -> tuple[Row, ...]:
    """Return the counts by topic and rule of the cards sent from ``since`` to ``until``.

    Feedback on cards that were never sent, or to another client, comes last, for all time.
    """
    sent_in = _period(since, until)
    own = sa.and_(
        card_sent.c.uuid == feedback.c.card,
        card_sent.c.client == feedback.c.client,
        card_sent.c.shadow.is_(False),
    )
    accepted = sa.func.max(sa.case((feedback.c.outcome == "accepted", 1), else_=0))
    key = (card_sent.c.topic, card_sent.c.rule)
    outcome = (
        sa.select(*key, feedback.c.card, accepted.label("accepted"))
        .select_from(feedback.outerjoin(card_sent, own))
        .where(sa.or_(card_sent.c.uuid.is_(None), sent_in))
        .group_by(*key, feedback.c.card)
        .subquery()
    )
    by_outcome = sa.select(
        outcome.c.topic, outcome.c.rule, outcome.c.accepted, sa.func.count()
    ).group_by(outcome.c.topic, outcome.c.rule, outcome.c.accepted)
    by_reason = (
        sa.select(*key, feedback.c.reason, sa.func.count(feedback.c.card.distinct()))
        .select_from(feedback.outerjoin(card_sent, own))
        .where(feedback.c.reason.is_not(None), sa.or_(card_sent.c.uuid.is_(None), sent_in))
        .group_by(*key, feedback.c.reason)
    )
    totals = (
        sa.select(*key, card_sent.c.shadow, sa.func.count())
        .where(sent_in)
        .group_by(*key, card_sent.c.shadow)
    )
    sent: Counter[tuple[str, str]] = Counter()
    shadow: Counter[tuple[str, str]] = Counter()
    answers: Counter[tuple[tuple[str, str], int]] = Counter()
    reasons: dict[tuple[str, str], dict[str, int]] = {}
    with store.connect() as connection:
        for topic, rule, withheld, count in connection.execute(totals):
            (shadow if withheld else sent)[topic, rule] = count
        for topic, rule, was_accepted, count in connection.execute(by_outcome):
            answers[_name(topic, rule), was_accepted] = count
        for topic, rule, reason, count in connection.execute(by_reason):
            reasons.setdefault(_name(topic, rule), {})[reason] = count
    known = {*sent, *shadow, *(name for name, _ in answers)}
    names = sorted(known, key=lambda n: (n[0] == UNKNOWN, n))
    return tuple(
        Row(
            topic=name[0],
            rule=name[1],
            sent=sent[name],
            accepted=answers[name, 1],
            overridden=answers[name, 0],
            shadow=shadow[name],
            reasons=reasons.get(name, {}),
        )
        for name in names
    )


def by_topic(every: Iterable[Row]) -> tuple[Row, ...]:
    """Return the rows of each topic added up."""
    topics: dict[str, list[Row]] = {}
    for row in every:
        topics.setdefault(row.topic, []).append(row)
    return tuple(
        Row(
            topic=topic,
            sent=sum(row.sent for row in own),
            accepted=sum(row.accepted for row in own),
            overridden=sum(row.overridden for row in own),
            shadow=sum(row.shadow for row in own),
            reasons=dict(sum((Counter(row.reasons) for row in own), Counter())),
        )
        for topic, own in topics.items()
    )


def _period(since: dt.date | None, until: dt.date | None) -> sa.ColumnElement[bool]:
    limits: list[sa.ColumnElement[bool]] = [sa.true()]
    if since:
        limits.append(card_sent.c.sent_at >= dt.datetime.combine(since, dt.time()))
    if until:
        after = dt.datetime.combine(until + dt.timedelta(days=1), dt.time())
        limits.append(card_sent.c.sent_at < after)
    return sa.and_(*limits)


def _name(topic: str | None, rule: str | None) -> tuple[str, str]:
    return (topic, rule or "") if topic else (UNKNOWN, "")
