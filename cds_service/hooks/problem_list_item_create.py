"""``problem-list-item-create``: somebody has entered a diagnosis."""

from cds_service.clinical.plan import Plan
from cds_service.facts import Chart
from cds_service.hooks.base import Call, HookService, Selection, spoken
from cds_service.protocol.context import ProblemListItemCreateContext


def select(plan: Plan, chart: Chart, call: Call) -> Selection:
    """Return every advice, silent ones excepted, that rests on a problem just entered."""
    del call  # the chart has marked the conditions of the context
    entered = {record.reference for record in chart.conditions if record.from_context}
    return Selection(tuple(advice for advice in spoken(plan) if advice.references & entered))


SERVICE = HookService(
    id="cutaneous-leiomyosarcoma-problem-list-item-create",
    hook="problem-list-item-create",
    hook_version="0.1.0",
    title="Cutaneous leiomyosarcoma: a diagnosis is entered",
    description=(
        "When a cutaneous leiomyosarcoma is added to the problem list: margin, radiation, "
        "surveillance and HLRCC advice for its depth, with the facts it rests on. "
        "Any other new problem is answered with no cards."
    ),
    usage=(
        "Needs Patient, Condition and Procedure; Observation, DiagnosticReport, "
        "FamilyMemberHistory, ServiceRequest and Encounter make the advice more precise."
    ),
    context=ProblemListItemCreateContext,
    selects="problem-list-item-create shows advice that rests on a condition just entered",
    select=select,
)
