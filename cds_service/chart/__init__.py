"""Prefetch values and FHIR servers in, a :class:`cds_service.facts.Chart` out.

    servers = FhirServers(OpenServers(allowed=…, loopback=…))  # once per process
    reader = servers.reader(fhir_server, token=…, seconds=…)
    found = gather(prefetch, queries=…, required=…, reader=reader)
    chart = build(found.values, patient_id=…, today=…, context_conditions=…, issues=found.issues)

Nobody past this package sees FHIR JSON.
"""

from cds_service.chart.access import OpenServers
from cds_service.chart.build import build
from cds_service.chart.drafts import Drafts, drafts
from cds_service.chart.gather import Gathered, gather
from cds_service.chart.prefetch import (
    MISSING,
    Empty,
    Failed,
    Missing,
    PrefetchValue,
    Present,
    classify,
)
from cds_service.chart.server import FhirServers, Reader, Unavailable
from cds_service.chart.version import version_of
from cds_service.chart.watch import Watch

__all__ = [
    "MISSING",
    "Drafts",
    "Empty",
    "Failed",
    "FhirServers",
    "Gathered",
    "Missing",
    "OpenServers",
    "PrefetchValue",
    "Present",
    "Reader",
    "Unavailable",
    "Watch",
    "build",
    "classify",
    "drafts",
    "gather",
    "version_of",
]
