"""From a chart to a plan: pure functions of (chart, guideline, today)."""
