"""``cds-service guideline``: the rule book, printed or exported."""

import json
from pathlib import Path

import click

from cds_service import settings
from cds_service.guideline import read as read_guideline
from cds_service.rulebook import Book, document, fhir, load


@click.command()
@click.option(
    "--format",
    "form",
    type=click.Choice(("markdown", "html")),
    default="markdown",
    show_default=True,
    help="How the rule book is written.",
)
@click.option(
    "--fhir",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the rules and value sets as FHIR R4 resources into this directory instead.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the rule book into this file instead of printing it.",
)
def guideline(form: str, folder: Path | None, out: Path | None) -> None:
    """Print the whole rule book: statements, rules, policy, schedule, value sets.

    HTML is one file that needs nothing else, to read and to print.
    """
    book = load(read_guideline(settings.load()[0].guideline))
    try:
        if folder:
            _export(book, folder)
        if folder is None or out:
            _write(document.as_html(book) if form == "html" else document.as_markdown(book), out)
    except OSError as error:
        if error.filename is None:  # not a file, but the end of a pipe: click's own matter
            raise
        raise click.ClickException(
            f"{error.filename} cannot be written: {error.strerror}."
        ) from None


def _write(text: str, out: Path | None) -> None:
    if out:
        out.write_text(text, encoding="utf-8")
        click.echo(f"wrote {out}", err=True)
    else:
        click.echo(text, nl=False)


def _export(book: Book, folder: Path) -> None:
    """Write each resource into a file of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    made = fhir.resources(book)
    for (kind, key), resource in made.items():
        text = json.dumps(resource, ensure_ascii=False, indent=2) + "\n"
        (folder / f"{kind}-{key}.json").write_text(text, encoding="utf-8")
    click.echo(f"wrote {len(made)} resources to {folder}", err=True)
