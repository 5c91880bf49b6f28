"""The settings: one table, from which reading, ``--help`` and docs/settings.md come."""

import datetime as dt
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from cds_service import values

if TYPE_CHECKING:
    from cds_service.trust.clients import Client

PREFIX = "CDS_"
_CONFIG = "CDS_CONFIG"
Auth = Literal["off", "required"]
Switch = Literal["off", "on"]
References = Literal["digest", "plain"]
LogLevel = Literal["debug", "info", "warning", "error"]
#: Where ``serve`` and the commands keep what they remember, if nothing else is set.
DEFAULT_DATABASE = "sqlite:///cds-service.sqlite3"


class SettingsError(ValueError):
    """A setting that cannot be used; the message names it and says what it may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one service, checked."""

    auth: Auth = "required"
    today: dt.date | None = None
    #: Without a trailing slash; None where it is not set.
    public_url: str | None = None
    cors_origins: tuple[str, ...] = ()
    #: Seconds.
    deadline: float = 2.5
    fhir_servers: tuple[str, ...] = ("https://hapi.fhir.org/baseR4",)
    fhir_search: Literal["get", "post"] = "get"
    #: Bytes.
    max_body: int = 10_000_000
    trace: bool = False
    dev: bool = False
    discovery_auth: Auth = "required"
    #: Seconds.
    token_skew: float = 60.0
    #: Seconds.
    token_life: float = 3600.0
    trusted_proxies: tuple[str, ...] = ()
    certificate_header: str | None = None
    #: SQLAlchemy's address; None: in memory, or what ``serve`` takes.
    database_url: str | None = None
    #: Days; 0: free text is not kept.
    feedback_text_days: int = 0
    #: Levels of JSON.
    max_depth: int = 100
    #: Entries of all Bundles of one request.
    max_entries: int = 20_000
    #: Requests of one client in a minute; 0: any number.
    max_requests: int = 600
    #: Where calls are captured; None: nowhere.
    capture: Path | None = None
    #: Captures.
    capture_most: int = 1000
    capture_force: bool = False
    log_level: LogLevel = "info"
    metrics: Switch = "on"
    metrics_token: str | None = field(default=None, repr=False)
    #: Days; 0: no audit record is written.
    audit_days: int = 2190
    audit_key: str | None = field(default=None, repr=False)
    audit_references: References = "digest"
    #: The guideline in place of the package's.
    guideline: Path | None = None
    shadow: bool = False
    #: Seconds.
    shutdown_seconds: int = 8
    #: Seconds.
    drain_seconds: int = 0
    #: Seconds between looks at the files; 0: none.
    watch_seconds: int = 0
    workbench: bool = False
    #: The ``[clients.*]`` tables of the configuration file.
    clients: "tuple[Client, ...]" = ()

    @property
    def cautions(self) -> tuple[str, ...]:
        """What the operator of a service with these settings has to be warned of."""
        watched = ", ".join(client.name for client in self.clients if client.shadow)
        off = self.auth == "off"
        said = (
            (off, "CDS_AUTH=off: everybody who reaches this port is answered, unauthenticated."),
            (off and self.clients, "CDS_AUTH=off: the [clients] tables are not used."),
            (self.shadow, "CDS_SHADOW=1: every call is answered without cards."),
            (watched, f"In shadow mode, so answered without cards: {watched}."),
            (self.dev, "CDS_DEV=1: clients may use http and this machine; not for real patients."),
            (self.today, f"CDS_TODAY: every due date is judged as if today were {self.today}."),
        )
        return tuple(text for holds, text in said if holds)


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table: ``parse`` takes text and raises ValueError with what is allowed."""

    field: str
    parse: Callable[[str], object]
    help: str
    #: The value must not be shown.
    secret: bool = False

    @property
    def name(self) -> str:
        """The environment variable."""
        return PREFIX + self.field.upper()

    @property
    def default(self) -> str:
        """The default as it would be written in the environment, "" where there is none."""
        value = getattr(Settings(), self.field)
        if value is None:
            return ""
        if isinstance(value, tuple):
            return ",".join(value)
        if isinstance(value, bool):
            return str(int(value))
        return f"{value:g}" if isinstance(value, float) else str(value)


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "auth",
        values.one_of(*get_args(Auth)),
        "`required`: `serve` starts only with client authentication configured. "
        "`off`: everybody who reaches the port is answered.",
    ),
    Setting(
        "today",
        values.date,
        "Fixes the date on which due dates are judged (YYYY-MM-DD), for tests and demonstrations. "
        "Without it the clock decides.",
    ),
    Setting(
        "public_url",
        values.url,
        "The address under which clients reach the service: the base of the links on cards. "
        "Without it `serve` uses the host and port it listens on.",
    ),
    Setting(
        "cors_origins",
        values.origins,
        "The origins of browser clients that may call the service, separated by commas, exact.",
    ),
    Setting(
        "deadline",
        values.seconds,
        "Seconds that answering one request may take, reading from the FHIR server included.",
    ),
    Setting(
        "fhir_servers",
        values.urls,
        "The FHIR servers that are read without a token, separated by commas. "
        "With `CDS_AUTH=off` also those on the loopback address.",
    ),
    Setting(
        "fhir_search",
        values.one_of("get", "post"),
        "`get` or `post`: how searches are sent to FHIR servers. A server that refuses one is "
        "asked by the other.",
    ),
    Setting(
        "max_body",
        values.size,
        "The largest request body in bytes; a larger one is answered with 413.",
    ),
    Setting(
        "trace",
        values.switch,
        "With `CDS_AUTH=off`: `1` puts the decision trace into every answer, as an `extension`. "
        "An authenticated client gets it by its profile.",
    ),
    Setting(
        "dev",
        values.switch,
        "`1`, for development: permits http and the loopback address for clients' `jku` and "
        "`fhir_servers`, and the public sandbox's issuer, as which everybody can sign.",
    ),
    Setting(
        "discovery_auth",
        values.one_of(*get_args(Auth)),
        "`off`: `GET /cds-services` is answered without a token, for clients that send none there.",
    ),
    Setting(
        "token_skew",
        values.token_seconds,
        "Seconds by which the clock of a client may differ.",
    ),
    Setting(
        "token_life",
        values.token_seconds,
        "Seconds for which a client's token may be valid (`exp` - `iat`) at most.",
    ),
    Setting(
        "certificate_header",
        values.header,
        "The header in which a trusted proxy writes the verified subject of a client's "
        "certificate, for clients with `certificate`. The proxy must remove it from requests.",
    ),
    Setting(
        "trusted_proxies",
        values.networks,
        "The addresses of the proxies from which `CDS_CERTIFICATE_HEADER` is believed.",
    ),
    Setting(
        "database_url",
        str,
        "Where cards sent, feedback and used tokens are kept: `sqlite:///FILE` or "
        "`postgresql+psycopg://…`. Without it `serve` uses the file `cds-service.sqlite3` in the "
        "working directory, and `demo` the memory.",
    ),
    Setting(
        "feedback_text_days",
        values.count,
        "Days for which the free text of feedback is kept, which may hold patient data; "
        "`0`: it is not kept.",
    ),
    Setting(
        "max_depth",
        values.levels,
        "The levels of JSON that a body may have; a deeper one is answered with 400.",
    ),
    Setting(
        "max_entries",
        values.count,
        "The entries that all Bundles of a request, or the items that a feedback, may have; "
        "more are answered with 413.",
    ),
    Setting(
        "max_requests",
        values.count,
        "The requests of one client that one worker answers in a minute; more are answered with "
        "429. `0`: any number. Not with `CDS_AUTH=off`.",
    ),
    Setting(
        "capture",
        Path,
        "A directory into which every call and its answer are written as a case that `replay` "
        "plays, **with patient data**; in the configuration file relative to it. Refused with "
        "`CDS_AUTH=required`. See docs/capture.md.",
    ),
    Setting(
        "capture_most",
        values.count,
        "How many captures the directory may hold; then no more are written.",
    ),
    Setting(
        "capture_force",
        values.switch,
        "`1`: permits `CDS_CAPTURE` with `CDS_AUTH=required`, so for real patients.",
    ),
    Setting(
        "log_level",
        values.one_of(*get_args(LogLevel)),
        "`debug`, `info`, `warning` or `error`: what of the log is written. Requests are `info`, "
        "probes `debug`. See docs/operate.md.",
    ),
    Setting(
        "metrics",
        values.one_of(*get_args(Switch)),
        "`off`: there is no `/metrics`. It holds counts and the names of configured FHIR servers, "
        "no patient data. See docs/operate.md.",
    ),
    Setting(
        "metrics_token",
        values.secret,
        "A bearer token without which `/metrics` is answered with 401; without it everybody who "
        "reaches the port may read it.",
        secret=True,
    ),
    Setting(
        "audit_days",
        values.count,
        "Days for which the audit record of each call is kept (2190 are six years). `0`: none is "
        "written, and what there is stays. See docs/operate.md.",
    ),
    Setting(
        "audit_key",
        values.secret,
        "The secret with which patients and users are made digests in the audit record. Without "
        "it, and without `CDS_AUDIT_REFERENCES=plain`, the record does not tell whom a call was "
        "about.",
        secret=True,
    ),
    Setting(
        "audit_references",
        values.one_of(*get_args(References)),
        "`digest`, or `plain`: whether the audit record names patient and user by digests that "
        "only `CDS_AUDIT_KEY` can tell, or by the ids that the client sent.",
    ),
    Setting(
        "guideline",
        Path,
        "The path of a guideline in place of the package's `guideline.toml`, for every command; "
        "in the configuration file relative to it. See docs/guideline.md.",
    ),
    Setting(
        "shadow",
        values.switch,
        "`1`: every call is evaluated and recorded, and answered without cards. For one client "
        "alone, `shadow` stands in its table. See docs/operate.md.",
    ),
    Setting(
        "shutdown_seconds",
        values.seconds_within(1, 600),
        "Seconds that `serve` leaves to the requests under way when it is told to stop. What kills "
        "it afterwards, such as `terminationGracePeriodSeconds`, must wait longer.",
    ),
    Setting(
        "drain_seconds",
        values.seconds_within(0, 600),
        "Seconds before that for which `serve` still answers everybody while `/readyz` says that "
        "it is not ready: for a proxy that asks there.",
    ),
    Setting(
        "watch_seconds",
        values.seconds_within(0, 3600),
        "Seconds after which `serve` looks whether its configuration has changed, the guideline "
        "included, and takes it over. `0`: only when it is sent SIGHUP.",
    ),
    Setting(
        "workbench",
        values.switch,
        "`1`: `serve` has the workbench page at `/`, as `demo` always has. It is unauthenticated "
        "and shows patient data, so only with `CDS_AUTH=off`. See docs/workbench.md.",
    ),
)
_CONFIG_HELP = (
    "The path of a TOML file with the settings above in lower case without `CDS_` (`auth`, "
    "`cors_origins`, …). The environment has precedence. Its `[clients.NAME]` tables are the "
    "clients that may call: see docs/trust.md."
)


def load(environment: Mapping[str, str] | None = None) -> tuple[Settings, tuple[str, ...]]:
    """Return the settings of ``environment`` (``os.environ``) and warnings for the operator.

    Raises :class:`SettingsError`, which names the setting, for a value that cannot be used.
    """
    environment = os.environ if environment is None else environment
    path = environment.get(_CONFIG, "")
    chosen, table = _file(Path(path)) if path else ({}, {})
    for setting in SETTINGS:
        text = environment.get(setting.name)
        if text:
            chosen[setting.field] = _parsed(setting, text, setting.name)
    known = {_CONFIG, *(setting.name for setting in SETTINGS)}
    unknown = sorted(name for name in environment if name.startswith(PREFIX) and name not in known)
    warnings = tuple(f"{name} is not a setting of this version and is ignored" for name in unknown)
    dev = bool(chosen.get("dev", Settings().dev))
    clients = _clients(table, Path(path), dev=dev) if table else ()
    return Settings(**chosen, clients=clients), warnings


def _clients(table: Mapping[str, Any], path: Path, *, dev: bool) -> "tuple[Client, ...]":
    # What reads keys and tokens is large, and most commands know no clients.
    from cds_service.trust import clients  # noqa: PLC0415

    try:
        return clients.read(table, folder=path.parent, dev=dev)
    except clients.ClientError as error:
        raise SettingsError(f"{_CONFIG}: {path}: {error}") from None


def _file(path: Path) -> tuple[dict[str, Any], Mapping[str, Any]]:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{_CONFIG}: {path} cannot be read: {error}") from error
    clients = table.pop("clients", {})
    if not isinstance(clients, dict):
        raise SettingsError(f"{_CONFIG}: {path}: clients must be tables [clients.NAME]")
    by_field = {setting.field: setting for setting in SETTINGS}
    chosen: dict[str, Any] = {}
    for key, value in table.items():
        where = f"{_CONFIG}: {path}: {key}"
        if key not in by_field:
            raise SettingsError(f"{where} is not a setting; there are {', '.join(by_field)}")
        chosen[key] = _parsed(by_field[key], _text(value), where)
    for key in ("guideline", "capture"):
        if key in chosen:
            chosen[key] = path.parent / chosen[key]
    return chosen, clients


def _text(value: object) -> str:
    """Return a TOML value as the environment would hold it."""
    if isinstance(value, bool):
        return str(int(value))
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _parsed(setting: Setting, text: str, where: str) -> object:
    try:
        return setting.parse(text.strip())
    except ValueError as error:
        shown = "" if setting.secret else f"; it is {text!r}"
        raise SettingsError(f"{where} must be {error}{shown}") from None


def epilogue() -> str:
    """Return the settings as the end of ``cds-service --help``."""
    rows = [(setting.name, setting.help, setting.default) for setting in SETTINGS]
    lines = ["Settings (environment variables):", ""]
    for name, text, default in (*rows, (_CONFIG, _CONFIG_HELP, "")):
        lines += [f"  {name}", f"    {text.replace('`', '')}"]
        lines += [f"    Default: {default}"] if default else []
    return "\n".join(lines)


def markdown() -> str:
    """Return docs/settings.md."""
    rows = [(setting.name, setting.default, setting.help) for setting in SETTINGS]
    table = "\n".join(
        f"| `{name}` | {f'`{default}`' if default else ''} | {text} |"
        for name, default, text in (*rows, (_CONFIG, "", _CONFIG_HELP))
    )
    return (
        "# Settings\n\n"
        "Made from the table in `cds_service/settings.py` by `make docs`; a test compares them.\n\n"
        "A value that cannot be used stops the start with a message that names the setting. "
        "A variable that begins with `CDS_` and is not in the table is warned about.\n\n"
        f"| variable | default | what it does |\n|---|---|---|\n{table}\n"
    )


if __name__ == "__main__":
    print(markdown(), end="")  # noqa: T201 - the output is the page
