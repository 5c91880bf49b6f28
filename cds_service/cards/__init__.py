"""Cards: the advice of a plan in CDS Hooks' form. No I/O, no clock."""

from cds_service.cards.render import render
from cds_service.cards.trace import EXTENSION, decision_trace

__all__ = ["EXTENSION", "decision_trace", "render"]
