"""The guideline as data: statements of the source, policy, rules and wording."""

from cds_service.guideline.loader import GuidelineError, load, loads
from cds_service.guideline.model import (
    Examination,
    Guideline,
    Match,
    OverrideReason,
    Policy,
    Rule,
    Statement,
    Suggestion,
    TopicInfo,
)

__all__ = [
    "Examination",
    "Guideline",
    "GuidelineError",
    "Match",
    "OverrideReason",
    "Policy",
    "Rule",
    "Statement",
    "Suggestion",
    "TopicInfo",
    "load",
    "loads",
]
