import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from cds_service.cli import main
from cds_service.rulebook import Book, document, fhir


@pytest.fixture
def runner() -> CliRunner:
    """Return a runner of the command line."""
    return CliRunner()


def test_markdown_is_printed(runner: CliRunner, book: Book) -> None:
    """Without options the rule book is printed as Markdown, and nothing else."""
    result = runner.invoke(main, ["guideline"])
    assert result.exit_code == 0
    assert result.stdout == document.as_markdown(book)


def test_html_into_a_file(runner: CliRunner, book: Book, tmp_path: Path) -> None:
    """HTML goes into the file that is named; nothing is printed to standard output."""
    target = tmp_path / "book.html"
    result = runner.invoke(main, ["guideline", "--format", "html", "--out", str(target)])
    assert result.exit_code == 0
    assert result.stdout == ""
    assert target.read_text(encoding="utf-8") == document.as_html(book)


def test_fhir(runner: CliRunner, book: Book, tmp_path: Path) -> None:
    """Each resource is a file; a second export writes the same bytes."""
    folder = tmp_path / "new" / "fhir"
    result = runner.invoke(main, ["guideline", "--fhir", str(folder)])
    assert result.exit_code == 0
    files = {file.name: file.read_bytes() for file in folder.iterdir()}
    made = {f"{kind}-{key}.json": each for (kind, key), each in fhir.resources(book).items()}
    assert {name: json.loads(text) for name, text in files.items()} == made
    assert runner.invoke(main, ["guideline", "--fhir", str(folder)]).exit_code == 0
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == files


def test_fhir_and_book(runner: CliRunner, tmp_path: Path) -> None:
    """With --out, the export comes beside the rule book."""
    out, folder = tmp_path / "book.md", tmp_path / "fhir"
    arguments = ["guideline", "--fhir", str(folder), "--out", str(out)]
    assert runner.invoke(main, arguments).exit_code == 0
    assert out.stat().st_size > 0
    assert (folder / "PlanDefinition-cutaneous-leiomyosarcoma.json").is_file()


def test_what_cannot_be_written(runner: CliRunner, tmp_path: Path) -> None:
    """A place that cannot be written is one sentence, without a traceback."""
    result = runner.invoke(main, ["guideline", "--out", str(tmp_path / "none" / "book.md")])
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["guideline"]])
def test_no_fhir_models_are_loaded(arguments: list[str]) -> None:
    """Neither the command line nor the rule book waits for the FHIR models."""
    code = (
        "import sys\n"
        "from cds_service.cli import main\n"
        f"main({arguments!r}, standalone_mode=False)\n"
        "sys.exit('fhir.resources' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
