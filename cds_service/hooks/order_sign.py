"""``order-sign``: somebody is about to sign orders."""

from cds_service.chart.drafts import Drafts
from cds_service.clinical.plan import Topic
from cds_service.guideline import Guideline
from cds_service.hooks.base import Call, HookService
from cds_service.hooks.orders import select, topics_of
from cds_service.protocol.context import OrderSignContext


def touches(drafts: Drafts, call: Call, guideline: Guideline) -> frozenset[Topic]:
    """Return the topics that the orders touch."""
    del call  # every draft is being signed
    return topics_of(drafts.orders, guideline)


SERVICE = HookService(
    id="cutaneous-leiomyosarcoma-order-sign",
    hook="order-sign",
    hook_version="1.0",
    title="Cutaneous leiomyosarcoma: orders are signed",
    description=(
        "When an excision, radiotherapy, a follow-up visit, chest imaging, a genetics referral, "
        "a renal MRI or a systemic therapy is signed: what the guideline says of it for this "
        "patient. Any other order is answered with no cards."
    ),
    usage=(
        "Looks at every order of context.draftOrders. Needs Patient, Condition and "
        "Procedure for an order that it speaks of; Observation, DiagnosticReport, "
        "FamilyMemberHistory, ServiceRequest and Encounter make the advice more precise."
    ),
    context=OrderSignContext,
    selects="order-sign shows advice whose topic an order touches",
    select=select,
    touches=touches,
)
