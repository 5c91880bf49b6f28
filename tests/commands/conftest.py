"""Commands run with an environment of their own, in an empty directory."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cds_service import cli

Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Return a runner of the command line."""
    for name in os.environ:
        if name.startswith("CDS_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def command(*arguments: str, stdin: str | None = None, **environment: str) -> Result:
        return CliRunner().invoke(cli.main, arguments, env=environment, input=stdin)

    return command
