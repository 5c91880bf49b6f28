"""The settings: one table, from which reading, ``--help`` and docs/settings.md come."""

import datetime as dt
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cds_service.protocol.request import is_http_url

PREFIX = "CDS_"
_CONFIG = "CDS_CONFIG"
Auth = Literal["off", "required"]


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
    #: The names of the ``[clients.*]`` tables of the configuration file.
    clients: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table: ``parse`` takes text and raises ValueError with what is allowed."""

    field: str
    parse: Callable[[str], object]
    help: str

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
        return str(int(value) if isinstance(value, bool) else value)


def _auth(text: str) -> str:
    if text not in {"off", "required"}:
        raise ValueError("off or required")
    return text


def _method(text: str) -> str:
    if text not in {"get", "post"}:
        raise ValueError("get or post")
    return text


def _date(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise ValueError("a date such as 2026-12-01") from None


def _url(text: str) -> str:
    if not is_http_url(text) or "?" in text or "#" in text:
        raise ValueError("an absolute http or https URL without query and fragment")
    return text.rstrip("/")


def _items(text: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in text.split(",") if item.strip())


def _urls(text: str) -> tuple[str, ...]:
    return tuple(map(_url, _items(text)))


def _origins(text: str) -> tuple[str, ...]:
    origins = _items(text)
    for origin in origins:
        if not is_http_url(origin) or origin.count("/") != 2:  # noqa: PLR2004 - of "://"
            raise ValueError("origins such as https://ehr.example.org, no path, separated by ,")
    return tuple(origin.lower() for origin in origins)


def _seconds(text: str) -> float:
    value = float(text) if text.replace(".", "", 1).isdecimal() else 0.0
    if not 0 < value <= 60:  # noqa: PLR2004 - a minute
        raise ValueError("seconds, more than 0 and at most 60")
    return value


def _bytes(text: str) -> int:
    value = int(text) if text.isdecimal() else 0
    if value < 1024:  # noqa: PLR2004 - no hook request is smaller
        raise ValueError("a whole number of bytes, at least 1024")
    return value


def _switch(text: str) -> bool:
    if text not in {"0", "1"}:
        raise ValueError("1 for on or 0 for off")
    return text == "1"


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "auth",
        _auth,
        "`required`: `serve` starts only with client authentication configured. "
        "`off`: everybody who reaches the port is answered.",
    ),
    Setting(
        "today",
        _date,
        "Fixes the date on which due dates are judged (YYYY-MM-DD), for tests and demonstrations. "
        "Without it the clock decides.",
    ),
    Setting(
        "public_url",
        _url,
        "The address under which clients reach the service: the base of the links on cards. "
        "Without it `serve` uses the host and port it listens on.",
    ),
    Setting(
        "cors_origins",
        _origins,
        "The origins of browser clients that may call the service, separated by commas, exact.",
    ),
    Setting(
        "deadline",
        _seconds,
        "Seconds that answering one request may take, reading from the FHIR server included.",
    ),
    Setting(
        "fhir_servers",
        _urls,
        "The FHIR servers that are read without a token, separated by commas. "
        "With `CDS_AUTH=off` also those on the loopback address.",
    ),
    Setting(
        "fhir_search",
        _method,
        "`get` or `post`: how searches are sent to FHIR servers. A server that refuses one is "
        "asked by the other.",
    ),
    Setting(
        "max_body",
        _bytes,
        "The largest request body in bytes; a larger one is answered with 413.",
    ),
    Setting(
        "trace",
        _switch,
        "With `CDS_AUTH=off`: `1` puts the decision trace into every answer, as an `extension`. "
        "An authenticated client gets it by its profile.",
    ),
)
_CONFIG_HELP = (
    "The path of a TOML file with the settings above in lower case without `CDS_` (`auth`, "
    "`cors_origins`, …). The environment has precedence. Its `[clients.*]` tables are "
    "reserved for client authentication: `serve` does not start with them yet."
)


def load(environment: Mapping[str, str] | None = None) -> tuple[Settings, tuple[str, ...]]:
    """Return the settings of ``environment`` (``os.environ``) and warnings for the operator.

    Raises :class:`SettingsError`, which names the setting, for a value that cannot be used.
    """
    environment = os.environ if environment is None else environment
    path = environment.get(_CONFIG, "")
    values, clients = _file(Path(path)) if path else ({}, ())
    for setting in SETTINGS:
        text = environment.get(setting.name)
        if text:
            values[setting.field] = _parsed(setting, text, setting.name)
    known = {_CONFIG, *(setting.name for setting in SETTINGS)}
    unknown = sorted(name for name in environment if name.startswith(PREFIX) and name not in known)
    warnings = tuple(f"{name} is not a setting of this version and is ignored" for name in unknown)
    return Settings(**values, clients=clients), warnings


def _file(path: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{_CONFIG}: {path} cannot be read: {error}") from error
    clients = table.pop("clients", {})
    if not isinstance(clients, dict):
        raise SettingsError(f"{_CONFIG}: {path}: clients must be tables [clients.NAME]")
    by_field = {setting.field: setting for setting in SETTINGS}
    values: dict[str, Any] = {}
    for key, value in table.items():
        where = f"{_CONFIG}: {path}: {key}"
        if key not in by_field:
            raise SettingsError(f"{where} is not a setting; there are {', '.join(by_field)}")
        values[key] = _parsed(by_field[key], _text(value), where)
    return values, tuple(clients)


def _text(value: object) -> str:
    """Return a TOML value as the environment would hold it."""
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _parsed(setting: Setting, text: str, where: str) -> object:
    try:
        return setting.parse(text.strip())
    except ValueError as error:
        raise SettingsError(f"{where} must be {error}; it is {text!r}") from None


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
