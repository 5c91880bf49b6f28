"""What a time line says: its heading, its labels, and all of it in sentences."""

from collections.abc import Iterator

from cds_service.cards.text import capital, date, days, on_one_line
from cds_service.timeline.model import Event, Margin, Phase, Schedule, Timeline, Window

_LONG = 90


def title(line: Timeline) -> str:
    """Return which tumour it is: "Dermal leiomyosarcoma, left thigh"."""
    if line.level == "suspected":
        named = f"suspected cutaneous {line.name}"
    elif line.depth in {"dermal", "subcutaneous"} and not line.name.startswith("atypical"):
        named = f"{line.depth} {line.name}"
    else:
        named = line.name if line.name.startswith("atypical") else f"cutaneous {line.name}"
    return capital(f"{named}, {line.site}" if line.site else f"{named}, site not recorded")


def verdict(line: Timeline) -> str:
    """Return what follows for the next visit, or why nothing does."""
    if len(line.windows) == 1:
        return _due(line.windows[0])
    if line.windows:
        return f"Depth {line.depth}: one window if dermal, another if subcutaneous"
    if line.level == "suspected":
        return "Not confirmed: no follow-up window"
    return line.reason or "No follow-up window"


def _due(window: Window) -> str:
    when = days(window.earliest, window.latest)
    if window.status == "not-yet-due":
        return f"Follow-up not due yet: {when}"
    if window.status == "due":
        return f"Follow-up due: {when}"
    if window.status == "due-lenient":
        return (
            f"Follow-up due: on the stricter reading by {date(window.latest)}, "
            f"on the lenient one by {date(window.lenient_latest)}"
        )
    return f"Follow-up overdue: window ended {date(window.lenient_latest)}"


def status(line: Timeline) -> str:
    """Return the status of the one window, "none" where there is none, or two."""
    return line.windows[0].status if len(line.windows) == 1 else "none"


def today(line: Timeline) -> str:
    """Return the day that counts as today."""
    return f"Today {date(line.today)}"


def when(event: Event) -> str:
    """Return an event's date as clinicians write it."""
    if event.date is None:
        return "date not recorded"
    if event.begun is None:
        return date(event.date)
    return f"{date(event.begun)} to {date(event.date)}"


def margin(found: Margin) -> str:
    """Return a margin in two or three words."""
    if not found.status:
        return "margin not found"
    said = "margin clear" if found.status == "negative" else f"margin {found.status}"
    if found.width_mm is None:
        return said if found.status != "negative" else f"{said}, no width"
    return f"{said}, {'under ' if found.below else ''}{found.width_mm:g} mm"


def window(found: Window, line: Timeline) -> str:
    """Return the dates of a window, with its depth where there are two."""
    said = f"if {found.depth}: " if len(line.windows) > 1 else ""
    said += f"earliest {date(found.earliest)} · latest {date(found.latest)}"
    if found.lenient_latest != found.latest:
        said += f" · lenient {date(found.lenient_latest)}"
    return said


def heading(schedule: Schedule, line: Timeline) -> str:
    """Return which schedule it is, and from when it counts."""
    which = f"if {schedule.depth}" if len(line.schedules) > 1 else schedule.depth
    since = date(line.start) if line.start else "definitive treatment"
    return f"Follow-up schedule, {which}, counted from {since}"


def years(phase: Phase, *, dated: bool = False) -> str:
    """Return the time of a phase: "Years 0–3 (to 10 Jun 2029)", "From year 5"."""
    since = f"{phase.since_months / 12:g}"
    if phase.until_months is None:
        return f"From year {since}" + (f" ({date(phase.since)})" if dated and phase.since else "")
    said = f"Years {since}–{phase.until_months / 12:g}"
    return said + (f" (to {date(phase.until)})" if dated and phase.until else "")


def interval(phase: Phase) -> str:
    """Return how often a phase asks for a visit."""
    low, high = phase.minimum_months, phase.maximum_months
    return f"every {high} months" if low == high else f"every {low}–{high} months"


def reading(phase: Phase) -> str:
    """Return what the more lenient reading allows, "" where there is one reading."""
    same = phase.lenient_months == phase.maximum_months
    return "" if same else f"lenient reading: {phase.lenient_months} months"


def lines(line: Timeline) -> Iterator[str]:
    """Yield the whole time line in sentences: what the picture shows to those who see it."""
    yield f"{title(line)}. {verdict(line)}. Today is {date(line.today)}."
    for event in line.events:
        yield _event(event)
    for each in line.windows:
        yield f"Window: {window(each, line).replace(' · ', ', ')}."
    for schedule in line.schedules:
        rows = "; ".join(map(_row, schedule.phases))
        yield f"{heading(schedule, line)}: {rows}."
    if line.unread:
        yield f"Could not be read: {', '.join(line.unread)}."


def _event(event: Event) -> str:
    said = f"{when(event)}: {event.label}"
    quotes = list(event.quotes)
    if event.margin:
        said += f", {margin(event.margin)}"
        quotes += event.margin.quotes
    seen = dict.fromkeys((quote.reference, on_one_line(quote.text, _LONG)) for quote in quotes)
    sources = [f"“{text}” [{ref}]" if text else f"[{ref}]" for ref, text in seen]
    return capital(f"{said}: {'; '.join(sources)}.")


def _row(phase: Phase) -> str:
    lenient = f" ({reading(phase)})" if reading(phase) else ""
    return f"{years(phase).lower()} {interval(phase)}{lenient}"
