import datetime as dt
from dataclasses import fields
from pathlib import Path

import pytest

from cds_service.settings import SETTINGS, Settings, SettingsError, epilogue, load, markdown

DOCS = Path(__file__).parents[1] / "docs" / "settings.md"


def test_defaults() -> None:
    """An empty environment gives the defaults and no warning."""
    assert load({}) == (Settings(), ())


def test_environment() -> None:
    """Each variable sets its field."""
    settings, warnings = load(
        {
            "CDS_AUTH": "off",
            "CDS_TODAY": "2026-12-01",
            "CDS_PUBLIC_URL": "https://cds.example.org/base/",
            "CDS_CORS_ORIGINS": "https://a.example.org, http://localhost:8080,",
            "CDS_DEADLINE": "1.5",
            "CDS_FHIR_SERVERS": "https://fhir.example.org/r4/",
            "CDS_MAX_BODY": "2048",
            "PATH": "/bin",
        }
    )
    assert warnings == ()
    assert settings == Settings(
        auth="off",
        today=dt.date(2026, 12, 1),
        public_url="https://cds.example.org/base",
        cors_origins=("https://a.example.org", "http://localhost:8080"),
        deadline=1.5,
        fhir_servers=("https://fhir.example.org/r4",),
        max_body=2048,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CDS_AUTH", "no"),
        ("CDS_TODAY", "1.12.2026"),
        ("CDS_TODAY", "2026-02-29"),
        ("CDS_PUBLIC_URL", "cds.example.org"),
        ("CDS_PUBLIC_URL", "https://cds.example.org/?x=1"),
        ("CDS_CORS_ORIGINS", "*"),
        ("CDS_CORS_ORIGINS", "https://a.example.org/"),
        ("CDS_DEADLINE", "soon"),
        ("CDS_DEADLINE", "0"),
        ("CDS_DEADLINE", "-1"),
        ("CDS_DEADLINE", "nan"),
        ("CDS_DEADLINE", "61"),
        ("CDS_FHIR_SERVERS", "https://a.example.org b"),
        ("CDS_MAX_BODY", "1M"),
        ("CDS_MAX_BODY", "0"),
        ("CDS_DEV", "yes"),
        ("CDS_DISCOVERY_AUTH", "1"),
        ("CDS_TOKEN_SKEW", "-1"),
        ("CDS_TOKEN_LIFE", "86401"),
        ("CDS_TRUSTED_PROXIES", "proxy.example.org"),
        ("CDS_CERTIFICATE_HEADER", "X Subject"),
        ("CDS_FEEDBACK_TEXT_DAYS", "1.5"),
        ("CDS_MAX_DEPTH", "1000"),
        ("CDS_MAX_ENTRIES", "many"),
        ("CDS_MAX_REQUESTS", "-5"),
        ("CDS_LOG_LEVEL", "loud"),
        ("CDS_METRICS", "yes"),
        ("CDS_METRICS_TOKEN", "short"),
        ("CDS_CONFIG", "/nowhere/cds.toml"),
    ],
)
def test_malformed(name: str, value: str) -> None:
    """A value that cannot be used is an error that names the setting."""
    with pytest.raises(SettingsError, match=name):
        load({name: value})


def test_secrets() -> None:
    """A secret that cannot be used is not shown, nor is one that can."""
    with pytest.raises(SettingsError) as caught:
        load({"CDS_METRICS_TOKEN": "SENTINEL"})
    assert "SENTINEL" not in str(caught.value)
    assert "SENTINEL" not in repr(load({"CDS_METRICS_TOKEN": "SENTINEL" * 2})[0])


def test_unknown_variable() -> None:
    """A variable with our prefix that is no setting is warned about."""
    assert load({"CDS_PROT": "1"})[1] == (
        "CDS_PROT is not a setting of this version and is ignored",
    )


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return the path of a configuration file."""
    return tmp_path / "cds.toml"


def test_file(config: Path) -> None:
    """The file sets what the environment does not; lists and dates are TOML's own."""
    config.write_text(
        'auth = "off"\ntoday = 2026-12-01\ndeadline = 1\nmax_body = 4096\n'
        'cors_origins = ["https://a.example.org", "https://b.example.org"]\n'
    )
    settings, _ = load({"CDS_CONFIG": str(config), "CDS_MAX_BODY": "2048"})
    assert settings == Settings(
        auth="off",
        today=dt.date(2026, 12, 1),
        deadline=1.0,
        max_body=2048,
        cors_origins=("https://a.example.org", "https://b.example.org"),
    )


def test_clients_of_file(config: Path) -> None:
    """The client tables of the file are the clients; a mistake in one is a settings error."""
    table = '[clients.epic]\nissuer = "https://epic.example.org"\n'
    config.write_text(table + 'jku = "https://epic.example.org/jwks"\n')
    (client,) = load({"CDS_CONFIG": str(config)})[0].clients
    assert (client.name, client.issuer) == ("epic", "https://epic.example.org")
    config.write_text(table)
    with pytest.raises(SettingsError, match=r"\[clients.epic\] jku is missing"):
        load({"CDS_CONFIG": str(config)})


def test_development(config: Path) -> None:
    """CDS_DEV of the environment, or ``dev`` of the file, permits http and this machine."""
    table = '[clients.here]\nissuer = "here"\njku = "http://127.0.0.1:9000/jwks"\n'
    config.write_text(table)
    with pytest.raises(SettingsError, match="CDS_DEV=1"):
        load({"CDS_CONFIG": str(config)})
    assert load({"CDS_CONFIG": str(config), "CDS_DEV": "1"})[0].clients
    config.write_text("dev = true\n" + table)
    assert load({"CDS_CONFIG": str(config)})[0].clients


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("auth = ", "cannot be read"),
        ("autth = 'off'", "autth is not a setting"),
        ("auth = 'none'", "auth must be off or required"),
        ("clients = 3", "clients must be tables"),
        ("\udc80", "cannot be read"),
    ],
)
def test_malformed_file(config: Path, text: str, message: str) -> None:
    """A mistake in the file is an error that names the file and the key."""
    config.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(SettingsError, match=message) as caught:
        load({"CDS_CONFIG": str(config)})
    assert str(config) in str(caught.value)


def test_table_is_complete() -> None:
    """Every field has a row in the table, but the names of the client tables."""
    assert {item.name for item in fields(Settings)} == {
        "clients",
        *(setting.field for setting in SETTINGS),
    }


def test_defaults_parse() -> None:
    """The defaults that the documentation shows are values that can be set."""
    values = {setting.name: setting.default for setting in SETTINGS if setting.default}
    assert load(values)[0] == Settings()


def test_documentation() -> None:
    """docs/settings.md is what the table makes; ``make docs`` writes it."""
    assert DOCS.read_text(encoding="utf-8") == markdown()


def test_help() -> None:
    """The epilogue of ``--help`` names every setting."""
    assert all(setting.name in epilogue() for setting in SETTINGS)
