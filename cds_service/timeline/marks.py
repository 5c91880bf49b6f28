"""The events as marks on the axis: what is written at each, and its shape."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from cds_service.timeline import words
from cds_service.timeline.draw import Drawing, fitting, width_of
from cds_service.timeline.model import Event, Timeline
from cds_service.timeline.scale import Scale

#: The widest label, in units of the picture.
_WIDEST = 300
_NAME, _MORE = 13, 12
_TONES = {"positive": "tl-bad", "negative": "tl-good", "": "tl-warn"}
_RADIUS = 7
#: A shorter time is drawn as a mark.
_SHORTEST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One mark; several like events of one date share it."""

    kind: str
    days: tuple[dt.date, dt.date]
    name: str = ""
    more: str = ""
    tone: str = ""
    #: A time that something took, not the vagueness of a date.
    lasted: bool = False
    x: float = 0

    @property
    def middle(self) -> dt.date:
        """The day under the stem."""
        return self.days[0] + (self.days[1] - self.days[0]) / 2

    @property
    def width(self) -> float:
        """How much room the label takes."""
        if not self.name:
            return 0
        name = width_of(self.name, _NAME, bold=True)
        return max(name, width_of(self.more, _MORE)) + 14

    def at(self, scale: Scale) -> "Mark":
        """Return the mark with its place."""
        return replace(self, x=scale.x(self.middle))


def marks(line: Timeline) -> list[Mark]:
    """Return the marks of the events that have a date, in the order of time."""
    told = {
        quote.reference
        for event in line.events
        if event.margin
        for quote in (*event.quotes, *event.margin.quotes)
    }
    shown = [
        event
        for event in line.events
        # The report of an operation is told by the operation.
        if event.date and not (event.kind == "pathology" and event.quotes[0].reference in told)
    ]
    visits = [event for event in shown if event.kind == "visit"]
    found = []
    for _, alike in groupby(shown, key=lambda event: (event.kind, event.label, event.days)):
        events = list(alike)
        found += list(_mark(events, visits))
    return found


def _mark(events: list[Event], visits: list[Event]) -> Iterator[Mark]:
    event = events[0]
    if event.days is None:
        return
    name = event.label + (f" ({len(events)})" if len(events) > 1 else "")
    mark = Mark(kind=event.kind, days=event.days, lasted=event.begun is not None)
    if event.kind == "visit":
        if visits[-1] not in events:
            yield mark
            return
        name = event.label if len(visits) == 1 else f"Last of {len(visits)} follow-up visits"
    more, tone = words.when(event), ""
    for found in (each.margin for each in events if each.margin):
        more += f" · {words.margin(found)}"
        tone = _TONES.get(found.status, "")
    yield replace(
        mark,
        name=fitting(name, _WIDEST, _NAME, bold=True),
        more=fitting(more, _WIDEST, _MORE),
        tone=tone,
    )


def draw_mark(drawing: Drawing, mark: Mark, scale: Scale, y: float) -> None:
    """Draw a mark on the axis; a time that took or may be days is drawn as long as it is."""
    first, last = scale.x(mark.days[0]), scale.x(mark.days[1])
    look = f"tl-mark tl-{mark.kind} {mark.tone}".strip()
    if mark.days[0] != mark.days[1] and last - first > _SHORTEST:
        if mark.lasted:
            drawing.rect(first, y - 5, last - first, 10, look)
        else:
            drawing.hatched(first, y - 5, last - first, 10, f"{look} tl-vague")
        return
    x, r = mark.x, _RADIUS
    if mark.kind == "surgery":
        drawing.rect(x - r, y - r, 2 * r, 2 * r, look)
    elif mark.kind in {"recurrence", "metastasis"}:
        drawing.path(f"M{x:.1f} {y - r - 2:.1f}l{r + 1} {2 * r + 1}h-{2 * r + 2}z", look)
    elif mark.kind in {"diagnosis", "suspected", "pathology"}:
        drawing.path(f"M{x:.1f} {y - r - 1:.1f}l{r} {r + 1}l-{r} {r + 1}l-{r} -{r + 1}z", look)
    elif mark.kind == "not-done":
        drawing.path(
            f"M{x - r + 1:.1f} {y - r + 1:.1f}l{2 * r - 2} {2 * r - 2}"
            f"M{x - r + 1:.1f} {y + r - 1:.1f}l{2 * r - 2} -{2 * r - 2}",
            look,
            hollow=True,
        )
    else:
        drawing.circle(x, y, r - 1, look)
