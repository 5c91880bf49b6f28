"""The time line of a tumour as a picture: made from a decision trace, and from nothing else."""

from cds_service.timeline.model import Timeline, TraceError, from_trace
from cds_service.timeline.svg import style, svg
from cds_service.timeline.words import lines

__all__ = ["Timeline", "TraceError", "from_trace", "lines", "style", "svg"]
