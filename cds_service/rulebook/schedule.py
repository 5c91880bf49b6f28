"""The follow-up schedule as rows to read, computed by the function that computes the windows."""

from collections.abc import Iterator
from dataclasses import dataclass

from cds_service.clinical.schedule import KnownDepth, phases
from cds_service.guideline import Guideline


@dataclass(frozen=True, slots=True)
class Row:
    """One phase of the schedule, in words; all months."""

    elapsed: str
    interval: str
    #: The end of the interval in the more lenient reading; "" where there is one reading.
    lenient: str


def rows(depth: KnownDepth, guideline: Guideline) -> Iterator[Row]:
    """Yield the schedule of a depth (S34–S38), from definitive treatment on."""
    begin = 0.0
    for phase in phases(depth, guideline):
        elapsed = (
            f"{begin:g} and later" if phase.until is None else f"{begin:g} to <{phase.until:g}"
        )
        fixed = phase.minimum == phase.maximum
        interval = f"{phase.maximum:g}" if fixed else f"{phase.minimum:g}–{phase.maximum:g}"
        lenient = "" if phase.lenient_maximum == phase.maximum else f"{phase.lenient_maximum:g}"
        yield Row(elapsed, interval, lenient)
        begin = phase.until or begin
