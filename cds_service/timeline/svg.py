"""The time line as an inline SVG picture.

It carries no style of its own: presentation attributes draw it in the colour of the text,
in print and where a Content-Security-Policy lets no style through, and the classes ``tl-…``
take colours from ``timeline.css``.
"""

import re
from collections.abc import Iterable
from importlib import resources

from cds_service.cards.text import capital
from cds_service.timeline import words
from cds_service.timeline.draw import Drawing, width_of
from cds_service.timeline.marks import Mark, draw_mark, marks
from cds_service.timeline.model import Schedule, Timeline, Window
from cds_service.timeline.scale import Scale, lanes

WIDTH = 960
_EDGE = 16
_LANE = 38
_TICK_ROOM = 68
_IDENT = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


def style() -> str:
    """Return the style sheet of the pictures: colours, light and dark."""
    return resources.files(__package__).joinpath("timeline.css").read_text("utf-8")


def svg(line: Timeline, *, ident: str) -> str:
    """Return the picture as an ``svg`` element for an HTML page.

    ``ident`` starts the ids in it: a letter, then letters, digits, ``-`` and ``_``; it has
    to be unique in the page. Raises ``ValueError`` for another one.
    """
    if not _IDENT.fullmatch(ident):
        raise ValueError("ident is a letter followed by letters, digits, - and _")
    found = marks(line)
    scale, found = _laid_out(line, found)
    drawing = Drawing(ident, width=WIDTH, title=words.title(line), lines=words.lines(line))
    y = _heading(drawing, line)
    rows = lanes([(mark.x, mark.x + mark.width) for mark in found])
    axis = y + _LANE * (max(rows, default=-1) + 1) + 18
    y = _axis(drawing, line, scale, axis)
    _events(drawing, zip(found, rows, strict=True), scale, axis)
    for window in line.windows:
        y = _window(drawing, line, window, scale, y)
    for schedule in line.schedules:
        y = _schedule(drawing, line, schedule, y)
    y = _undated(drawing, line, y)
    return drawing.text_of(height=y)


def _laid_out(line: Timeline, found: list[Mark]) -> tuple[Scale, list[Mark]]:
    """Return the axis that leaves every label its room, and the marks with their places."""
    days = [line.today, *(day for mark in found for day in mark.days)]
    days += [line.start.first, line.start.last] if line.start else []
    for window in line.windows:
        days += [window.earliest, window.lenient_latest]
    left, right = float(_EDGE), float(WIDTH - _EDGE)
    # How far each place is along the axis does not depend on the axis' length.
    whole = Scale(days, left=left, right=right)
    for mark in found:
        along = (whole.x(mark.middle) - left) / (right - left)
        if along > 0:
            right = min(right, left + (WIDTH - _EDGE - left - mark.width) / along)
    scale = Scale(days, left=left, right=right)
    return scale, [mark.at(scale) for mark in found]


def _heading(drawing: Drawing, line: Timeline) -> float:
    drawing.text(_EDGE, 24, words.title(line), "tl-title", size=18, bold=True)
    status = words.status(line)
    drawing.circle(_EDGE + 6, 43, 6, f"tl-dot tl-{status}")
    drawing.text(_EDGE + 20, 48, words.verdict(line), f"tl-verdict tl-{status}", size=16, bold=True)
    return 64


def _events(drawing: Drawing, found: Iterable[tuple[Mark, int]], scale: Scale, axis: float) -> None:
    for mark, lane in found:
        y = axis - 18 - _LANE * lane
        if mark.name:
            drawing.line(mark.x, y - 22, mark.x, axis, "tl-stem")
        drawing.text(mark.x + 6, y - 12, mark.name, "tl-name", size=13, bold=True)
        drawing.text(mark.x + 6, y + 3, mark.more, f"tl-more {mark.tone}", size=12)
        draw_mark(drawing, mark, scale, axis)


def _axis(drawing: Drawing, line: Timeline, scale: Scale, axis: float) -> float:
    """Draw the axis with its calendar and today; return where the next row begins."""
    x = scale.x(line.today)
    said = words.today(line)
    half = width_of(said, 13, bold=True) / 2
    for place, text in scale.ticks(_TICK_ROOM):
        drawing.line(place, axis, place, axis + 7, "tl-tick")
        wide = width_of(text, 12) / 2
        # The line of today goes through the calendar: no word stands there.
        if abs(place - x) > wide + 4 and wide < place < WIDTH - wide:
            drawing.text(place, axis + 20, text, "tl-tick-text", size=12, anchor="middle")
    drawing.line(_EDGE, axis, WIDTH - _EDGE, axis, "tl-axis", width=2)
    drawing.path(f"M{WIDTH - _EDGE} {axis}l-9 -5v10z", "tl-axis-end")
    for cut in scale.cuts():
        drawing.cut(cut, axis)
    drawing.line(x, axis - 12, x, axis + 28, "tl-today", width=3)
    middle = min(max(x, _EDGE + half), WIDTH - _EDGE - half)
    drawing.text(middle, axis + 42, said, "tl-today-text", size=13, bold=True, anchor="middle")
    return axis + 54


def _window(drawing: Drawing, line: Timeline, window: Window, scale: Scale, y: float) -> float:
    first, last = scale.x(window.earliest), scale.x(window.latest)
    last = max(last, first + 5)
    lenient = max(scale.x(window.lenient_latest), last)
    today = scale.x(line.today)
    if window.status == "overdue":
        drawing.line(lenient, y + 9, today, y + 9, "tl-late", width=3, dashes="2 4")
    drawing.rect(first, y, last - first, 18, f"tl-window tl-{window.status}")
    if lenient > last:
        drawing.hatched(last, y, lenient - last, 18, f"tl-lenient tl-{window.status}")
    drawing.line(today, y - 4, today, y + 22, "tl-today", width=3)
    said = capital(words.window(window, line))
    fits = first + width_of(said, 13, bold=True) < WIDTH - _EDGE
    x, anchor = (first, "start") if fits else (WIDTH - _EDGE, "end")
    drawing.text(x, y + 36, said, "tl-window-text", size=13, bold=True, anchor=anchor)
    return y + 50


def _schedule(drawing: Drawing, line: Timeline, schedule: Schedule, y: float) -> float:
    """Draw the phases side by side, not to scale: the one that sets the window stands out."""
    drawing.text(_EDGE, y + 14, words.heading(schedule, line), "tl-more", size=13)
    y += 22
    gap = 6
    wide = (WIDTH - 2 * _EDGE + gap) / len(schedule.phases) - gap
    windows = [each for each in line.windows if each.depth == schedule.depth]
    for number, phase in enumerate(schedule.phases):
        x = _EDGE + number * (wide + gap)
        now = any(phase.holds(window.elapsed_months) for window in windows)
        drawing.rect(x, y, wide, 56, "tl-phase tl-now" if now else "tl-phase", outline=True)
        if now:
            drawing.rect(x, y, wide, 5, "tl-now-mark")
        drawing.text(x + 8, y + 20, words.years(phase, dated=True), "tl-more", size=12)
        drawing.text(x + 8, y + 36, words.interval(phase), "tl-name", size=13, bold=now)
        drawing.text(x + 8, y + 50, words.reading(phase), "tl-more", size=11)
    return y + 68


def _undated(drawing: Drawing, line: Timeline, y: float) -> float:
    undated = [event.label for event in line.events if event.date is None]
    if undated:
        said = f"Without a date: {', '.join(dict.fromkeys(undated))}"
        drawing.text(_EDGE, y + 14, said, "tl-more", size=13)
        y += 24
    if line.unread:
        said = f"Could not be read: {', '.join(line.unread)}"
        drawing.text(_EDGE, y + 14, said, "tl-more tl-warn", size=13)
        y += 24
    return y
