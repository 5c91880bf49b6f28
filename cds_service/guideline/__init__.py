"""The guideline as data: statements of the source, policy, rules and wording."""

from cds_service.guideline.loader import GuidelineError, load, loads
from cds_service.guideline.model import (
    About,
    Examination,
    Guideline,
    Match,
    OrderMatch,
    OverrideReason,
    Policy,
    Rule,
    Statement,
    Suggestion,
    TopicInfo,
    Use,
)
from cds_service.guideline.substitute import checked, read

__all__ = [
    "About",
    "Examination",
    "Guideline",
    "GuidelineError",
    "Match",
    "OrderMatch",
    "OverrideReason",
    "Policy",
    "Rule",
    "Statement",
    "Suggestion",
    "TopicInfo",
    "Use",
    "checked",
    "load",
    "loads",
    "read",
]
