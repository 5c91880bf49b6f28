"""One row a patient: what the plan says, in a small vocabulary.

A topic's value is the name of the rule that decided (``margin.positive``: ``positive``).
"""

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from cds_service.cards.wording import Wording
from cds_service.clinical.evaluate import STRENGTH
from cds_service.clinical.plan import TOPICS, Advice, Event, Plan, Topic, Tumour
from cds_service.facts import Chart, Kind
from cds_service.guideline import Guideline

Row = dict[str, str | int]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, what it says, and of what."""

    name: str
    says: str
    of: Literal["patient", "tumour"] = "patient"
    number: bool = False
    #: The topic whose rules are its values.
    topic: Topic | None = None


def _of_tumour(name: str, says: str, topic: Topic | None = None) -> Column:
    return Column(name, says, "tumour", topic=topic)


COLUMNS: tuple[Column, ...] = (
    Column("patient", "The id of the Patient"),
    Column("tumours", "How many tumours are recorded, suspected ones included", number=True),
    _of_tumour("site", "Where it is; `not recorded`"),
    _of_tumour("diagnosis", "Whether histology and depth are in the record", "diagnosis"),
    _of_tumour("depth", "`dermal`, `subcutaneous`, `unknown`, `conflicting`"),
    _of_tumour("treatment", "Operations and radiation with their dates; `none found`"),
    _of_tumour("margin", "The margin of the last operation, judged", "margin"),
    _of_tumour("margin_status", "What it was: `positive`, `negative`, `not found`"),
    _of_tumour("margin_width_mm", "The closest stated width; `<` before an upper bound"),
    _of_tumour("radiation", "Whether radiation is to be considered", "radiation"),
    _of_tumour("systemic_therapy", "Whether a metastasis is recorded", "systemic-therapy"),
    _of_tumour("surveillance", "Whether follow-up is due", "surveillance"),
    _of_tumour("earliest", "The first day of the next follow-up window"),
    _of_tumour("latest", "Its last day"),
    _of_tumour("lenient_latest", "Its last day by the more lenient reading"),
    Column("hlrcc", "What is known of HLRCC", topic="hlrcc"),
    Column("hlrcc_action", "The examinations that are due, or the referral"),
    Column("act", "The topics in which there is something to do now"),
    Column("ordered", "What of it has been ordered already"),
    Column("advice", "What the cards say, a sentence a topic and tumour"),
    Column("why", "The rules that decided, with their reasons"),
    Column("not_found", "What was looked for and is not in the record"),
    Column("unread", "Kinds of records that could not be read, or not wholly, and why"),
    Column("remarks", "What else the cards say, in keywords (`by-text`, `attribution`)"),
    Column("not_used", "How many records or elements were not used", number=True),
    Column("guideline", "The version of the guideline"),
    Column("today", "The day on which due dates were judged"),
)
#: The value where the service would refuse to answer, because what is required was not there.
UNREAD = "unread"
_ALTERNATIVES = " or "
_TUMOURS = "; "
_LIST = ", "
_SENTENCES = " | "


class Rows:
    """Makes rows in the words of one guideline."""

    def __init__(self, guideline: Guideline) -> None:
        """Take the guideline by which the plans were made."""
        self._guideline = guideline
        self._wording = Wording(guideline)

    def row(
        self, patient: str, chart: Chart, plan: Plan, *, missing: Collection[str] = ()
    ) -> Row | None:
        """Return the row of a patient with a tumour or with advice on HLRCC; None for others.

        ``missing`` are the required kinds of which nothing could be read: without them no
        topic is judged.
        """
        hlrcc = plan.of("hlrcc")
        if not plan.tumours and hlrcc.state == "silent":
            return None
        values = self._of_tumours(plan, missing)
        if missing:
            kinds: Iterable[Kind] = (kind for kind in chart.unread if kind in missing)
            values |= {
                "hlrcc": UNREAD,
                "why": _SENTENCES.join(f"{kind}: {chart.unread[kind]}" for kind in kinds),
            }
        else:
            values |= self._judged(plan)
        values |= {
            "patient": patient,
            "tumours": len(plan.tumours),
            "unread": _SENTENCES.join(f"{kind}: {why}" for kind, why in chart.unread.items()),
            "not_used": len(chart.issues) + len(plan.set_aside),
            "guideline": self._guideline.version,
            "today": plan.today.isoformat(),
        }
        return {column.name: values.get(column.name, "") for column in COLUMNS}

    def _judged(self, plan: Plan) -> Row:
        parts = [part for advice in plan.advice for part in advice.parts]
        hlrcc = plan.of("hlrcc").parts[0]
        acts = hlrcc.state == "act"
        several = len(plan.tumours) > 1
        return {
            "hlrcc": _name(hlrcc),
            "hlrcc_action": _listed((*hlrcc.suggestions, *_orders(hlrcc)) if acts else ()),
            "act": _listed(advice.topic for advice in plan.advice if advice.state == "act"),
            "ordered": _listed(key for part in parts for key in _orders(part)),
            "advice": _SENTENCES.join(
                self._wording.summary(part) for part in parts if part.state != "silent"
            ),
            "why": _SENTENCES.join(
                dict.fromkeys(self._why(part, several=several) for part in parts)
            ),
            "not_found": _listed(key for part in parts for key in part.missing),
            "remarks": _listed(key for part in parts for key in part.remarks),
        }

    def _why(self, part: Advice, *, several: bool) -> str:
        site = f" ({part.tumour.site})" if several and part.tumour and part.tumour.site else ""
        reason = self._guideline.fill(self._guideline.rules[part.rule].when)
        return f"{part.rule}{site}: {reason}"

    def _of_tumours(self, plan: Plan, missing: Collection[str]) -> Row:
        found = [
            _values(tumour, course, dict(_parts(plan, tumour)), missing)
            for tumour, course in _by_urgency(plan)
        ]
        names = found[0] if found else ()
        return {name: _TUMOURS.join(values[name] for values in found) for name in names}


def _values(
    tumour: Tumour,
    course: Iterable[Event],
    parts: Mapping[Topic, Advice],
    missing: Collection[str],
) -> dict[str, str]:
    values = {"site": tumour.site or "not recorded", "depth": tumour.depth}
    judged = {
        column.name: _name(parts[column.topic]) if column.topic in parts else tumour.level
        for column in COLUMNS
        if column.of == "tumour" and column.topic
    }
    if missing:
        return values | dict.fromkeys((*judged, *_done(()), *_windows(None)), UNREAD)
    if tumour.level == "suspected":  # nothing was looked for but the suspicion
        return values | judged | dict.fromkeys((*_done(()), *_windows(None)), "")
    return values | judged | _done(course) | _windows(parts.get("surveillance"))


def _done(course: Iterable[Event]) -> dict[str, str]:
    events = [event for event in course if event.kind in {"surgery", "radiation"}]
    last = max(
        (event for event in reversed(events) if event.kind == "surgery"), key=_when, default=None
    )
    width = "" if last is None or last.width is None else f"{last.width:g}"
    return {
        "treatment": _LIST.join(
            f"{event.facts[0].label} {event.date or 'without date'}" for event in events
        )
        or "none found",
        "margin_status": (last.margin or "not found") if last else "",
        "margin_width_mm": f"<{width}" if last and last.below and width else width,
    }


def _when(event: Event) -> tuple[dt.date, dt.date]:
    return (event.date.last, event.date.first) if event.date else (dt.date.min, dt.date.min)


def _windows(part: Advice | None) -> dict[str, str]:
    """Return the window; where the depth is unclear that of either depth, dermal first."""
    windows = part.windows if part else ()
    return {
        name: _ALTERNATIVES.join(dict.fromkeys(day.isoformat() for day in days))
        for name, days in (
            ("earliest", [window.earliest for window in windows]),
            ("latest", [window.latest for window in windows]),
            ("lenient_latest", [window.lenient_latest for window in windows]),
        )
    }


def _by_urgency(plan: Plan) -> list[tuple[Tumour, tuple[Event, ...]]]:
    """Return the tumours with their courses, the one with the most to do first."""
    return sorted(
        zip(plan.tumours, plan.courses, strict=True),
        key=lambda pair: (min(_urgency(part) for _, part in _parts(plan, pair[0])), pair[0].site),
    )


def _urgency(part: Advice) -> tuple[bool, int, int]:
    return part.indicator != "warning", STRENGTH.index(part.state), TOPICS.index(part.topic)


def _parts(plan: Plan, tumour: Tumour) -> Iterator[tuple[Topic, Advice]]:
    for advice in plan.advice:
        # Two tumours may be equal.
        yield from ((part.topic, part) for part in advice.parts if part.tumour is tumour)


def _name(part: Advice) -> str:
    return part.rule.partition(".")[2]


def _orders(part: Advice) -> Iterator[str]:
    yield from (key for key, _ in part.ordered)


def _listed(keys: Iterable[str]) -> str:
    return _LIST.join(dict.fromkeys(keys))
