"""An awkward EHR: serves any chart as a FHIR server that misbehaves in a way that is chosen.

ehr = Ehr(store, behaviour=BEHAVIOURS["pages"])
session.mount("https://", InProcess(ehr))    # without a socket
with serving(ehr, port=0) as base: …          # or with one
"""
