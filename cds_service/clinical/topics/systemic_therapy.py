"""Systemic therapy (S31–S33): named as options, without order or dose."""

from cds_service.clinical.case import Case
from cds_service.clinical.plan import Advice


def advise(case: Case) -> Advice:
    """Return the systemic-therapy advice of a tumour."""
    if not case.metastatic:
        return case.advise("systemic-therapy.localised")
    remarks = ("pregnancy-systemic",) if case.setting.pregnancy else ()
    return case.advise(
        "systemic-therapy.metastatic",
        facts=(*case.setting.metastases, *(case.setting.pregnancy if remarks else ())),
        remarks=remarks,
    )
