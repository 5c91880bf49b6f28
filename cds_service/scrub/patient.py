"""All files of one patient, scrubbed together: one offset, one set of names."""

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Literal

from cds_service.replay.expectation import rewritten
from cds_service.replay.outcome import Result
from cds_service.scrub.check import Judge, differences, without_server
from cds_service.scrub.envelope import Envelope
from cds_service.scrub.identity import Identity
from cds_service.scrub.names import Names
from cds_service.scrub.offset import Offset, candidates
from cds_service.scrub.resource import Cleaner
from cds_service.scrub.text import Text
from cds_service.scrub.textdates import TextDates

Json = dict[str, Any]

#: Offsets that are tried. Where a window begins or ends on the very day, few will do.
_TRIES = 150
#: After 28 years the calendar is the same: what changes under this offset changes under any.
_SAME_CALENDAR = Offset(-(28 * 365 + 7))


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One chart or request of a patient."""

    #: Names it in messages.
    name: str
    kind: Literal["chart", "request"]
    body: Json
    #: The date on which it is evaluated.
    today: dt.date
    expected: Json | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrubbed:
    """What became of an item."""

    item: Item
    body: Json
    expected: Json
    #: Of a request: the answer to the scrubbed one.
    response: Json | None
    offset: Offset
    text: Text
    dropped: Counter[str]


@dataclass(slots=True)
class Report:
    """What is worth saying of a run; no value of any element."""

    dropped: Counter[str] = field(default_factory=Counter)
    #: Words of free text that are neither known nor recognised, for a person to look over.
    words: Counter[str] = field(default_factory=Counter)


class NoOffsetError(Exception):
    """No offset was found under which the answers stay; ``where`` says what changed."""

    def __init__(self, where: Sequence[str]) -> None:
        """Keep the places."""
        super().__init__(", ".join(where))
        self.where = tuple(where)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrubber:
    """Scrubs the items of one patient after another."""

    names: Names
    judge: Judge
    report: Report
    #: Makes the same offsets in every run; None: others each time.
    key: bytes | None = None
    strict: bool = False

    def patient(self, items: Sequence[Item], patient: str) -> tuple[Scrubbed, ...]:
        """Return the items scrubbed; the answers to them are the same as before.

        Raises :class:`NoOffsetError`, :class:`cds_service.replay.client.ChartError` and
        :class:`cds_service.replay.cases.CaseError`.
        """
        items = [replace(item, body=_replayable(item)) for item in items]
        identity = Identity()
        for item in items:
            identity.add(item.body)
        before = [self._play(item, item.body, item.today, item.expected) for item in items]
        _, where = self._try(items, before, identity, patient, _SAME_CALENDAR)
        if where:  # it is not the dates that change the answer
            raise NoOffsetError(where)
        seen: Counter[tuple[str, ...]] = Counter()
        for offset in islice(candidates(patient, self.key), _TRIES):
            found, where = self._try(items, before, identity, patient, offset)
            if not where:
                self._count(found)
                return tuple(found)
            seen[where] += 1
        raise NoOffsetError(seen.most_common(1)[0][0])

    def _count(self, found: Sequence[Scrubbed]) -> None:
        for scrubbed in found:
            self.report.dropped.update(scrubbed.dropped)
            self.report.words.update(scrubbed.text.unknown)

    def _try(
        self,
        items: Sequence[Item],
        before: Sequence[Result],
        identity: Identity,
        patient: str,
        offset: Offset,
    ) -> tuple[list[Scrubbed], tuple[str, ...]]:
        """Return the items scrubbed with an offset, or where the answers differ."""
        found: list[Scrubbed] = []
        for item, old in zip(items, before, strict=True):
            text = self._text(identity, offset, item.today)
            scrubbed, where = self._item(item, old, patient, offset, text)
            if where:
                return [], where
            found.append(scrubbed)
        return found, ()

    def _item(
        self, item: Item, old: Result, patient: str, offset: Offset, text: Text
    ) -> tuple[Scrubbed, tuple[str, ...]]:
        dropped: Counter[str] = Counter()
        envelope = self._envelope(text, offset, item.today, patient, dropped)
        is_chart = item.kind == "chart"
        body = envelope.chart(item.body) if is_chart else envelope.request(item.body)
        expected = envelope.expected(item.expected) if item.expected else None
        today = offset.date(item.today)
        new = self._play(item, body, today, expected)
        where = differences(old, new)
        scrubbed = Scrubbed(
            item=item,
            body=body,
            expected=_expected(expected, item.expected, old, new),
            response=None if is_chart else self.judge.answer(body, today=today),
            offset=offset,
            text=text,
            dropped=dropped,
        )
        return scrubbed, where

    def _play(self, item: Item, body: Json, today: dt.date, expected: Json | None) -> Result:
        return self.judge.play(body, today=today, expected=expected, name=item.name)

    def _text(self, identity: Identity, offset: Offset, today: dt.date) -> Text:
        return Text(
            identity,
            TextDates(offset, today=today, known=identity.dates),
            renamed={number: self.names.numbered("id", number) for number in identity.reports},
            strict=self.strict,
        )

    def _envelope(
        self, text: Text, offset: Offset, today: dt.date, patient: str, dropped: Counter[str]
    ) -> Envelope:
        cleaner = Cleaner(names=self.names, offset=offset, text=text, today=today, dropped=dropped)
        return Envelope(
            cleaner, names=self.names, offset=offset, text=text, patient=patient, dropped=dropped
        )


def _replayable(item: Item) -> Json:
    return item.body if item.kind == "chart" else without_server(item.body)


def _expected(moved: Json | None, stated: Json | None, old: Result, new: Result) -> Json:
    """Return the expectation: what was stated of the original, or what is answered now.

    A window is counted in months, which are not all as long as those that it came from.
    """
    if moved is None or stated is None:
        return rewritten(new, None)
    said = old.evaluation, new.evaluation
    if "windows" in stated and said[0] and said[1] and list(said[0].windows) == stated["windows"]:
        return {**moved, "windows": list(said[1].windows)}
    return moved
