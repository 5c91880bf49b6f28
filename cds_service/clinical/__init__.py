"""From a chart to a plan: pure functions of (chart, guideline, today)."""

from cds_service.clinical.evaluate import evaluate

__all__ = ["evaluate"]
