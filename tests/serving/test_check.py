"""``cds-service check``: a configuration is looked at before it counts."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cds_service import cli

from .conftest import guideline


def check(**settings: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(cli.main, ["check"], env=settings)


def test_good(tmp_path: Path) -> None:
    """A configuration that can be served is named, and the exit code is 0."""
    (tmp_path / "own.toml").write_text(guideline("2.0.0"))
    config = tmp_path / "cds.toml"
    config.write_text(
        'guideline = "own.toml"\n[clients.ehr]\nissuer = "https://ehr.example.org"\n'
        'jku = "https://ehr.example.org/jwks.json"\n'
    )
    result = check(CDS_CONFIG=str(config))
    assert (result.exit_code, result.stderr) == (0, "")
    own = tmp_path / "own.toml"
    assert result.stdout == (
        f"The configuration can be served: guideline 2.0.0 of {own}; clients: ehr.\n"
    )
    assert not list(tmp_path.glob("*.sqlite3"))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "No client authentication is configured."),
        ({"CDS_AUTH": "off", "CDS_DEADLINE": "soon"}, "CDS_DEADLINE must be seconds"),
        ({"CDS_AUTH": "off", "CDS_GUIDELINE": "/none.toml"}, "/none.toml cannot be read"),
        ({"CDS_AUTH": "off", "CDS_SHUTDOWN_SECONDS": "0"}, "CDS_SHUTDOWN_SECONDS must be whole"),
        ({"CDS_AUTH": "off", "CDS_WATCH_SECONDS": "1.5"}, "CDS_WATCH_SECONDS must be whole"),
    ],
)
def test_bad(settings: dict[str, str], said: str) -> None:
    """What is wrong is one line, and the exit code is 1."""
    result = check(**settings)
    assert result.exit_code == 1
    assert said in result.stderr
    assert "Traceback" not in result.output
