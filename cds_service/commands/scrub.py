"""``cds-service scrub``: files with patient data in, files without what identifies out."""

import datetime as dt
import secrets
import sys
from collections import Counter
from pathlib import Path

import click

from cds_service.commands.common import load_settings
from cds_service.guideline import read as read_guideline
from cds_service.scrub.run import Options, Outcome, run

_LEAST_KEY = 16
_SHOWN = 60


@click.command()
@click.argument("source", metavar="IN", type=click.Path(exists=True, path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Where to write.")
@click.option(
    "--key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file with a secret: the same offsets and patients' ids in every run.",
)
@click.option(
    "--date",
    type=click.DateTime(formats=["%Y-%m-%d"]),
    help="Today, for charts and exports that state none; by default the real date.",
)
@click.option("--strict", is_flag=True, help="Take out every word that the service does not know.")
@click.option(
    "--review",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the words to look over into this file, with how often each stands.",
)
def scrub(
    *,
    source: Path,
    out: Path,
    key: Path | None,
    date: dt.datetime | None,
    strict: bool,
    review: Path | None,
) -> None:
    """Remove what identifies, and keep what decides.

    IN is a capture, a chart, a request, an export (.ndjson), or a directory of these. Elements
    are kept by an allow-list; dates move by one random offset a patient, ids get new names.
    Each case is replayed before and after: one whose cards would change is not written.

    Free text is kept without what is recognised as identifying, which is no guarantee: look over
    the words that are printed, and the texts, before you give anything away.

    Exits 1 if anything could not be scrubbed.
    """
    _check(source, out)
    options = Options(
        key=_secret(key) if key else secrets.token_bytes(32),
        same=key is not None,
        strict=strict,
        today=date.date() if date else None,
    )
    try:
        outcome = run(
            source, out, guideline=read_guideline(load_settings().guideline), options=options
        )
        if review:
            words = outcome.report.words.most_common()
            review.write_text("".join(f"{count}\t{word}\n" for word, count in words), "utf-8")
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}") from None
    _tell(outcome, out, review)
    if outcome.failed:
        sys.exit(1)


def _check(source: Path, out: Path) -> None:
    inside, outside = source.resolve(), out.resolve()
    if inside == outside or inside in outside.parents or outside in inside.parents:
        raise click.UsageError("--out must lie outside of IN, and IN outside of it.")
    if out.is_dir() and any(out.iterdir()):
        raise click.UsageError(f"{out} is not empty. Choose a new directory.")
    if out.is_file():
        raise click.UsageError(f"{out} exists. Choose another name.")


def _secret(path: Path) -> bytes:
    content = path.read_bytes().strip()
    if len(content) < _LEAST_KEY:
        raise click.UsageError(f"{path} must hold a secret of at least {_LEAST_KEY} characters.")
    return content


def _tell(outcome: Outcome, out: Path, review: Path | None) -> None:
    counted = [f"{len(outcome.written)} cases"] if outcome.written else []
    counted += [f"{outcome.patients} patients of exports"] if outcome.patients else []
    click.echo(f"{' and '.join(counted) or 'nothing'} written to {out}")
    if outcome.report.dropped:
        dropped = sorted(outcome.report.dropped.items())
        click.echo("dropped: " + ", ".join(f"{name} ({count})" for name, count in dropped if count))
    words = [word for word, _ in outcome.report.words.most_common()]
    if words and review:
        click.echo(f"{len(words)} words to look over are in {review}")
    elif words:
        more = f" … and {len(words) - _SHOWN} more: --review FILE" * (len(words) > _SHOWN)
        click.echo("look over: " + " ".join(sorted(words[:_SHOWN])) + more)
    alike = Counter((path.name, reason) for path, reason in outcome.left_out)
    for (name, reason), count in alike.items():
        click.echo(f"left out: {name}{f' ({count} files)' * (count > 1)}: {reason}", err=True)
    for place, reason in outcome.failed:
        click.echo(f"error: {place}: {reason}", err=True)
