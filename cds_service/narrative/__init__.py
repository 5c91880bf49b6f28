"""Clinical free text, read phrase by phrase: what is asserted, denied or doubted."""

from cds_service.narrative.model import Certainty, Mention, Reading, Section
from cds_service.narrative.reader import read

__all__ = ["Certainty", "Mention", "Reading", "Section", "read"]
