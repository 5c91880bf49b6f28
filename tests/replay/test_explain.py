import json
from pathlib import Path

from click.testing import CliRunner

from cds_service.replay.command import replay

FIXTURES = Path(__file__).parents[2] / "fixtures" / "fhir"
CASE = str(FIXTURES / "subcutaneous-deep-margin-involved-reexcise")
SILENT = str(FIXTURES / "trap-uterine-leiomyosarcoma-no-card")


def test_explain_prints_the_trace_below_the_table() -> None:
    """Every topic has its rule and reason, and each hook what it showed."""
    result = CliRunner().invoke(replay, [CASE, "--explain"])
    assert result.exit_code == 0, result.output
    assert "margin (right calf): act - margin.positive: A margin is positive" in result.stdout
    assert "patient-view shows: margin, radiation" in result.stdout


def test_explain_gives_empty_cards_their_reason() -> None:
    """A case without cards says what was set aside, and why each topic is silent."""
    result = CliRunner().invoke(replay, [SILENT, "--explain", "--format", "markdown"])
    assert "set aside: Condition/" in result.stdout
    assert "margin: silent - none.no-tumour: No cutaneous leiomyosarcoma" in result.stdout
    assert "patient-view shows: no card" in result.stdout


def test_explain_is_in_the_json_only_when_asked() -> None:
    """The machine-readable form carries the trace with --explain alone."""
    plain = json.loads(CliRunner().invoke(replay, [CASE, "--format", "json"]).stdout)
    assert "trace" not in plain["cases"][0]
    traced = json.loads(CliRunner().invoke(replay, [CASE, "--format", "json", "--explain"]).stdout)
    assert len(traced["cases"][0]["trace"]["topics"]) == 6
