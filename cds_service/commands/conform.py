"""``cds-service conform``: the black-box part of the conformance tests, against any service."""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import click

from cds_service.conform.checks import Outcome, Result, run
from cds_service.conform.client import Client, Signer
from cds_service.conform.requirements import load

_COLOURS: dict[Result, str] = {"pass": "green", "fail": "red", "warn": "yellow", "skip": "cyan"}


@click.command()
@click.argument("url")
@click.option("--quiet", is_flag=True, help="Print failures and warnings alone.")
@click.option("--origin", help="An origin of browsers that the service allows.")
@click.option(
    "--request",
    "samples",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A hook request of one's own, for instance one that is answered with cards.",
)
@click.option(
    "--key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A private key (PEM) with which a token is signed for each call.",
)
@click.option("--issuer", help="With --key: the iss of the tokens.")
@click.option("--kid", default="1", show_default=True, help="With --key: the key's id.")
@click.option("--jku", help="With --key: the jku of the tokens.")
@click.option("--algorithm", default="ES384", show_default=True, help="With --key.")
def conform(
    url: str,
    quiet: bool,  # noqa: FBT001
    origin: str | None,
    samples: tuple[Path, ...],
    key: Path | None,
    issuer: str | None,
    kid: str,
    jku: str | None,
    algorithm: str,
) -> None:
    """Check the CDS service at the base address URL; exit code 1 if a requirement is broken.

    The numbers are those of docs/conformance.md. Data of no patient are sent, and feedback on a
    card that was never sent.
    """
    if not url.startswith(("http://", "https://")):
        raise click.ClickException("URL must begin with https:// or http://")
    sign = None
    if key:
        if not issuer:
            raise click.ClickException("--key needs --issuer")
        sign = Signer(key.read_text(), algorithm, kid, issuer, jku)
    found = []
    for outcome in run(
        Client(url, sign=sign), samples=[_sample(path) for path in samples], origin=origin
    ):
        found.append(outcome)
        if not quiet or outcome.result in {"fail", "warn"}:
            click.echo(_line(outcome))
    counts = Counter(outcome.result for outcome in found)
    click.echo(", ".join(f"{counts[name]} {name}" for name in _COLOURS))
    sys.exit(int(counts["fail"] > 0))


def _sample(path: Path) -> dict[str, Any]:
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise click.ClickException(f"{path} is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise click.ClickException(f"{path} is no hook request")
    return body


def _line(outcome: Outcome) -> str:
    mark = click.style(f"{outcome.result:4}", fg=_COLOURS[outcome.result])
    level = load()[outcome.requirement].level
    return f"{mark} #{outcome.requirement} {level}: {outcome.what}"
