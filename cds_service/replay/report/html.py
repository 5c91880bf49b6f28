"""A run as one HTML file: no script, nothing loaded, the time lines as pictures."""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import count, zip_longest

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from cds_service import timeline
from cds_service.replay.change import Change
from cds_service.replay.compare import Comparison, Outcome, counted, shown
from cds_service.replay.noise import settled
from cds_service.replay.outcome import Result
from cds_service.replay.report.model import Report
from cds_service.replay.report.words import Piece, pieces, visible
from cds_service.replay.run import Entry
from cds_service.timeline import Timeline, TraceError

#: Of so many cases that are the same, the pictures are in the file, too.
_PICTURES = 200


@dataclass(frozen=True, slots=True)
class Picture:
    """The time line of a tumour in the other version and in the present one; "" for none."""

    there: str
    here: str

    @property
    def same(self) -> bool:
        """Whether one picture is enough."""
        return self.there == self.here


@dataclass(frozen=True, slots=True)
class Row:
    """A difference, word by word."""

    change: Change
    pieces: list[Piece]

    @property
    def whole(self) -> bool:
        """Whether there is nothing on one side to set the words against."""
        return not (self.change.before and self.change.after)


@dataclass(frozen=True, slots=True)
class Part:
    """A case that differs."""

    anchor: str
    key: str
    kinds: str
    rows: list[Row]
    pictures: list[Picture]


class _Pictures:
    """Draws each picture once: a page must not hold an id twice."""

    def __init__(self) -> None:
        self._idents = (f"time-line-{number}" for number in count(1))

    def of(self, before: Outcome, after: Outcome) -> Iterator[Picture]:
        """Yield the pictures of both sides, tumour by tumour."""
        for one, two in zip_longest(_lines(before), _lines(after)):
            here = self._drawn(two)
            yield Picture(here if one == two else self._drawn(one), here)

    def _drawn(self, line: Timeline | None) -> str:
        return Markup(timeline.svg(line, ident=next(self._idents))) if line else ""  # noqa: S704 - escaped by svg


def _lines(outcome: Outcome) -> tuple[Timeline, ...]:
    said = outcome.evaluation if isinstance(outcome, Result) else None
    try:
        return timeline.from_trace(said.trace) if said and said.trace else ()
    except TraceError:
        # The comparison tells of a trace that cannot be read.
        return ()


def html(report: Report) -> str:
    """Return the report as a page that stands alone."""
    draw = _Pictures()
    parts = [_part(number, each, draw) for number, each in enumerate(report.differing, 1)]
    same = report.same
    css = _resource("report.css") + timeline.style()
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    return _template().render(
        report=report,
        css=Markup(css),  # noqa: S704 - our own files
        digest=digest,
        kinds=counted(report.differing),
        parts=parts,
        same=[
            (each.key, list(draw.of(None, each.after)) if len(same) <= _PICTURES else [])
            for each in same
        ],
        alone=[] if report.against else [_alone(entry, draw) for entry in report.entries],
    )


def _part(number: int, comparison: Comparison, draw: _Pictures) -> Part:
    return Part(
        anchor=f"case-{number}",
        key=comparison.key,
        kinds=", ".join(f"{many} {kind}" for kind, many in counted([comparison]).items()),
        rows=[Row(change, pieces(change.before, change.after)) for change in comparison.changes],
        pictures=list(draw.of(comparison.before, comparison.after)),
    )


@dataclass(frozen=True, slots=True)
class Alone:
    """A case that is compared with its expectation alone."""

    key: str
    result: Result
    pictures: list[Picture]
    #: By hook: the problem, and the cards as text.
    hooks: list[tuple[str, str, list[str]]]


def _alone(entry: Entry, draw: _Pictures) -> Alone | None:
    result = entry.outcome
    if not isinstance(result, Result):
        return None
    hooks = [
        (played.hook, played.problem, [shown(settled(card)) for card in played.cards])
        for played in result.played
    ]
    return Alone(entry.key, result, list(draw.of(None, result)), hooks)


def _resource(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["visible"] = visible
    return environment.from_string(_resource("report.html"))
