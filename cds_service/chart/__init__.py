"""Prefetch values and FHIR servers in, a :class:`cds_service.facts.Chart` out.

    values = gather(request, patient_id=…, templates=…, required=…, reader=…)
    chart = build(values, patient_id=…, today=…, context_conditions=…)

Nobody past this package sees FHIR JSON.
"""

from cds_service.chart.build import build
from cds_service.chart.prefetch import (
    MISSING,
    Empty,
    Failed,
    Missing,
    PrefetchValue,
    Present,
    classify,
)

__all__ = [
    "MISSING",
    "Empty",
    "Failed",
    "Missing",
    "PrefetchValue",
    "Present",
    "build",
    "classify",
]
