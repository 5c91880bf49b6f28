"""``patient-view``: somebody has opened the chart, or (Epic) entered a diagnosis."""

from cds_service.clinical.plan import Plan
from cds_service.facts import Chart
from cds_service.hooks.base import Call, HookService, Selection, spoken
from cds_service.protocol.context import PatientViewContext

#: A clinician who opens a chart did not ask: more cards would not be read.
LIMIT = 3
_EPIC_TRIGGER = "com.epic.cdshooks.request.bpa-trigger-action"
#: Epic's codes for "a problem was entered" and "a diagnosis was entered".
_EPIC_ENTRY = {"6", "7"}


def _is_diagnosis_entry(call: Call) -> bool:
    return str(call.request.extension.get(_EPIC_TRIGGER, "")).strip() in _EPIC_ENTRY


def select(plan: Plan, chart: Chart, call: Call) -> Selection:
    """Return what there is to do now; on Epic's diagnosis entry all that is not silent."""
    del chart  # the whole chart counts
    advice = spoken(plan)
    if not _is_diagnosis_entry(call):
        advice = tuple(item for item in advice if item.state == "act")
    return Selection(advice[:LIMIT], tuple(item.topic for item in advice[LIMIT:]))


SERVICE = HookService(
    id="cutaneous-leiomyosarcoma-patient-view",
    hook="patient-view",
    hook_version="1.0",
    title="Cutaneous leiomyosarcoma: what is due",
    description=(
        "When a chart is opened: what there is to do now for a cutaneous leiomyosarcoma or "
        "for HLRCC, in three cards at most. Most charts are answered with no cards."
    ),
    usage=(
        "Needs Patient, Condition and Procedure; Observation, DiagnosticReport, "
        "FamilyMemberHistory, ServiceRequest and Encounter make the advice more precise. "
        "Epic's diagnosis entry (bpa-trigger-action 6 or 7) is answered as an entered diagnosis."
    ),
    context=PatientViewContext,
    selects="patient-view shows what there is to do now, in three cards at most",
    select=select,
)
