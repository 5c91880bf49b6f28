"""``order-select``: somebody has chosen an order and not signed it yet."""

from cds_service.chart.drafts import Drafts
from cds_service.clinical.plan import Topic
from cds_service.guideline import Guideline
from cds_service.hooks.base import Call, HookService
from cds_service.hooks.orders import select, topics_of
from cds_service.protocol.context import OrderSelectContext


def touches(drafts: Drafts, call: Call, guideline: Guideline) -> frozenset[Topic]:
    """Return the topics that the selected orders touch."""
    return topics_of(drafts.chosen(call.context.selected), guideline)


SERVICE = HookService(
    id="cutaneous-leiomyosarcoma-order-select",
    hook="order-select",
    hook_version="1.0",
    title="Cutaneous leiomyosarcoma: an order is chosen",
    description=(
        "When an excision, radiotherapy, a follow-up visit, chest imaging, a genetics referral, "
        "a renal MRI or a systemic therapy is chosen: what the guideline says of it for this "
        "patient. Any other order is answered with no cards."
    ),
    usage=(
        "Looks at the orders of context.selections alone. Needs Patient, Condition and "
        "Procedure for an order that it speaks of; Observation, DiagnosticReport, "
        "FamilyMemberHistory, ServiceRequest and Encounter make the advice more precise."
    ),
    context=OrderSelectContext,
    selects="order-select shows advice whose topic a selected order touches",
    select=select,
    touches=touches,
)
