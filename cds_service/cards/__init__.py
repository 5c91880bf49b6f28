"""Cards: the advice of a plan in CDS Hooks' form. No I/O, no clock."""

from cds_service.cards.render import render

__all__ = ["render"]
