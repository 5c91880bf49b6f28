"""The audit record, read back."""

import datetime as dt
from collections.abc import Collection, Iterator

import sqlalchemy as sa

from cds_service.store.database import Store
from cds_service.store.rows import AuditRow
from cds_service.store.tables import audit

_PAGE = 1000


def rows(
    store: Store,
    *,
    since: dt.date | None = None,
    until: dt.date | None = None,
    patient: Collection[str] = (),
    user: Collection[str] = (),
) -> Iterator[AuditRow]:
    """Yield the record from ``since`` to ``until`` (days in UTC), the oldest row first.

    ``patient`` and ``user``: the spellings of whom the rows are about; without any, all rows.
    Raises SQLAlchemy's errors.
    """
    wanted: list[sa.ColumnElement[bool]] = [sa.true()]
    if since:
        wanted.append(audit.c.at >= dt.datetime.combine(since, dt.time()))
    if until:
        after = dt.datetime.combine(until + dt.timedelta(days=1), dt.time())
        wanted.append(audit.c.at < after)
    for column, spellings in ((audit.c.patient, patient), (audit.c.user, user)):
        if spellings:
            wanted.append(column.in_(spellings))
    query = sa.select(audit).where(*wanted).order_by(audit.c.id).limit(_PAGE)
    last = 0
    with store.connect() as connection:
        while found := connection.execute(query.where(audit.c.id > last)).mappings().all():
            for row in found:
                yield AuditRow(**{**row, "at": row["at"].replace(tzinfo=dt.UTC)})
            last = found[-1]["id"]
