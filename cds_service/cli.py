"""The command line: ``cds-service`` and ``python -m cds_service``."""

import datetime as dt
import importlib
import json
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote

import click

from cds_service import __version__
from cds_service import settings as settings_module
from cds_service.commands.common import ServerCommand, load_settings, warn
from cds_service.guideline import GuidelineError
from cds_service.replay.cases import WORKED
from cds_service.settings import DEFAULT_DATABASE, Settings, SettingsError

_LOOPBACK = "127.0.0.1"
#: Browser clients that a demonstration is shown in.
_DEMO_ORIGINS = ("https://sandbox.cds-hooks.org", "http://localhost:8080")
_LAZY = {
    "audit": "cds_service.commands.audit",
    "guideline": "cds_service.rulebook.command",
    "conform": "cds_service.commands.conform",
    "db": "cds_service.commands.db",
    "feedback": "cds_service.commands.feedback",
    "call": "cds_service.fhirtools.call",
    "doctor": "cds_service.fhirtools.doctor",
    "load": "cds_service.fhirtools.load",
    "replay": "cds_service.replay.command",
    "scrub": "cds_service.commands.scrub",
    "screen": "cds_service.commands.screen",
    "simulate": "cds_service.simulate.command",
    "trust": "cds_service.commands.trust",
}


class _Group(click.Group):
    """A group that imports some of its commands only when they are called for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *_LAZY})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _LAZY:
            return super().get_command(ctx, cmd_name)
        command = getattr(importlib.import_module(_LAZY[cmd_name]), cmd_name)
        return command if isinstance(command, click.Command) else None

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; what is wrong with the configuration is one line."""
        try:
            return super().invoke(ctx)
        except (SettingsError, GuidelineError) as error:
            raise click.ClickException(str(error)) from None

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_epilog(ctx, formatter)
        formatter.write("\n" + settings_module.epilogue() + "\n")


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="cds-service")
def main() -> None:
    """CDS Hooks service that recognises cutaneous leiomyosarcoma."""


@main.command(cls=ServerCommand)
@click.option("--host", default=_LOOPBACK, show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1), help="Processes.")
def serve(host: str, port: int, workers: int) -> None:
    """Serve CDS Hooks clients. TLS is the reverse proxy's."""
    settings = _to_serve(load_settings())
    for caution in settings.cautions:
        warn(caution)
    if settings.public_url is None and host not in {_LOOPBACK, "localhost", "::1"}:
        warn(
            "CDS_PUBLIC_URL is not set: the links on cards will not work for other machines, and "
            "their clients' tokens are for another audience."
        )
    _run(settings, host=host, port=port, workers=workers, prepare=_to_serve)


@main.command()
def check() -> None:
    """Check the configuration that serve would start with, or take over.

    Settings, clients and guideline: what is wrong is told with its place, and the exit code is 1.
    The database and the clients' servers are not asked.
    """
    from cds_service.serving import Source  # noqa: PLC0415 - other commands do not need it

    settings = _to_serve(load_settings())
    configuration = Source(_to_serve).read()
    for warning in (*settings.cautions, *configuration.warnings):
        warn(warning)
    configuration.check()
    click.echo(f"The configuration can be served: {configuration}.")


@main.command(cls=ServerCommand)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
def demo(port: int) -> None:
    """Serve on this machine alone, without authentication, with the workbench to try it."""
    _check_port(_LOOPBACK, port)
    example = _example()

    def prepare(settings: Settings) -> Settings:
        return replace(
            settings,
            auth="off",
            clients=(),
            today=example.today if example else settings.today,
            public_url=None,
            database_url=None,
            cors_origins=_DEMO_ORIGINS,
            shadow=False,
            workbench=True,
        )

    settings = prepare(load_settings())
    base = f"http://{_LOOPBACK}:{port}"
    click.echo(
        f"  Workbench   {base}/\n"
        f"  Services    {base}/cds-services\n"
        f"  Guideline   {base}/guideline/\n\n"
        "A demonstration: no authentication, on this machine only."
    )
    if example:
        click.echo(
            f"Its today is {example.today} (fixed, so that the examples stay due).\n\n"
            f"In another terminal, this answers with cards:\n\n"
            f"curl -s -H 'Content-Type: application/json' --data @{quote(_shown(example.request))} "
            f"{base}/cds-services/cutaneous-leiomyosarcoma-{example.hook}\n"
        )
    click.echo("Ctrl-C ends it.\n")
    _run(settings, host=_LOOPBACK, port=port, workers=1, prepare=prepare)


def _to_serve(settings: Settings) -> Settings:
    """Return the settings as ``serve`` takes them. Raises where nobody could call."""
    if settings.auth == "required" and not settings.clients:
        raise SettingsError(
            "No client authentication is configured. Describe each client in a table "
            "[clients.NAME] of the file that CDS_CONFIG names (docs/trust.md), or, behind "
            "something that authenticates clients, set CDS_AUTH=off."
        )
    return replace(settings, database_url=settings.database_url or DEFAULT_DATABASE)


def _forgets_whom(settings: Settings) -> bool:
    return settings.audit_references == "digest" and not settings.audit_key


def _check_port(host: str, port: int) -> None:
    """Raise where the address is taken: the server itself would share the port silently."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        raise click.ClickException(
            f"Cannot listen on {host} port {port}: {error.strerror}. Choose another with --port."
        ) from None


def _check_capture(settings: Settings) -> None:
    """Warn that calls are captured; end the start where they cannot be."""
    if settings.capture is None:
        return
    from cds_service.capture import CaptureError, Folder  # noqa: PLC0415 - hardly ever needed

    try:
        Folder(settings.capture, most=settings.capture_most).prepare()
    except CaptureError as error:
        raise click.ClickException(f"CDS_CAPTURE: {error}") from None
    warn(
        f"CDS_CAPTURE: every call is written to {settings.capture}, WITH PATIENT DATA. "
        "cds-service scrub removes what identifies."
    )


def _run(
    settings: Settings,
    *,
    host: str,
    port: int,
    workers: int,
    prepare: Callable[[Settings], Settings],
) -> None:
    """Serve until SIGTERM or Ctrl-C; ``prepare`` makes ``settings`` of what can be read again."""
    from cds_service.observe import shared  # noqa: PLC0415 - other commands do not need it

    try:
        with shared.folder():
            _serve(settings, host=host, port=port, workers=workers, prepare=prepare)
    except shared.NoPlaceError as error:
        raise click.ClickException(str(error)) from None


def _serve(
    settings: Settings,
    *,
    host: str,
    port: int,
    workers: int,
    prepare: Callable[[Settings], Settings],
) -> None:
    from cds_service.serving import Server, Source  # noqa: PLC0415 - after the place for metrics
    from cds_service.store import StoreError  # noqa: PLC0415

    _check_port(host, port)
    _check_capture(settings)
    name = f"[{host}]" if ":" in host else host

    def whole(read: Settings) -> Settings:
        read = prepare(read)
        return replace(read, public_url=read.public_url or f"http://{name}:{port}")

    source = Source(whole)
    first = source.read()
    for warning in first.warnings:
        warn(warning)
    if settings.database_url and settings.audit_days and _forgets_whom(settings):
        warn(
            "CDS_AUDIT_KEY is not set: the audit record does not tell which patient and user a "
            "call was about (docs/operate.md)."
        )
    # What cannot be built ends the start here; in the workers it would be an endless respawn.
    try:
        first.check()
        first.migrate()
    except StoreError as error:
        raise click.ClickException(str(error)) from None
    Server(source, first, host=host, port=port, workers=workers).run()


@dataclass(frozen=True, slots=True)
class _Example:
    """A captured request that is answered with cards on ``today``."""

    request: Path
    hook: str
    today: dt.date


def _example() -> _Example | None:
    """Return the first worked case that is a request and expects cards; None without any."""
    for path in sorted(WORKED.glob("*/request.json")):
        expected = json.loads(path.with_name("expected.json").read_text(encoding="utf-8"))
        hook = json.loads(path.read_text(encoding="utf-8"))["hook"]
        shown = expected["hooks"].get(hook) or []
        if shown["cards"] if isinstance(shown, dict) else shown:
            return _Example(path, hook, dt.date.fromisoformat(expected["today"]))
    return None


def _shown(path: Path) -> str:
    """Return ``path`` as it can be pasted into a shell in the present directory."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
