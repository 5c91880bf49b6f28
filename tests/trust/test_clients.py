import json
from pathlib import Path
from typing import Any

import pytest

from cds_service.protocol.dialect import shipped
from cds_service.trust import Client, ClientError, clients

from .conftest import ISSUER, JKU, Keys

TABLE = {"issuer": ISSUER, "jku": JKU}


def read(*, dev: bool = False, folder: Path | None = None, **table: Any) -> Client:
    """Return the client of a table."""
    (client,) = clients.read({"ehr": TABLE | table}, dev=dev, folder=folder)
    return client


def test_defaults() -> None:
    """Issuer and jku are enough: the recommended algorithms, no replay, no FHIR server."""
    client = read()
    assert client.algorithms == ("ES384", "RS384")
    assert client.refuse_replay
    assert not client.owns("https://ehr.example.org/fhir")


def test_everything(tmp_path: Path, keys: Keys) -> None:
    """#87: each key of a table arrives; files are looked up beside the configuration."""
    (tmp_path / "keys.json").write_text(json.dumps({"keys": keys.jwks()["keys"][:3]}))
    (tmp_path / "own.toml").write_text('detail = "plain"\ntrace = true\n')
    client = read(
        folder=tmp_path,
        jwks_file="keys.json",
        audiences=["a", "b"],
        tenants="north",
        fhir_servers=["https://FHIR.example.org:443/r4/"],
        algorithms=["ES256"],
        replay="allow",
        profile="own.toml",
        private_network=True,
        certificate="CN=ehr",
    )
    assert len(client.jwks["keys"]) == 3
    assert (client.audiences, client.tenants) == (("a", "b"), ("north",))
    assert client.owns("https://fhir.example.org/r4")
    assert (client.algorithms, client.refuse_replay) == (("ES256",), False)
    assert (client.dialect.detail, client.dialect.trace) == ("plain", True)
    assert client.internal_servers == ("https://fhir.example.org/r4",)


@pytest.mark.parametrize(("value", "refuse"), [("refuse", True), ("allow", False), (False, False)])
def test_replay(value: object, *, refuse: bool) -> None:
    """#91: ``replay`` says whether a token may be used again; false switches the check off."""
    assert read(replay=value).refuse_replay is refuse


@pytest.mark.parametrize("name", shipped())
def test_profiles(name: str) -> None:
    """Every shipped profile can be named."""
    assert read(profile=name).dialect.description


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"issuer": ""}, "issuer must be a text"),
        ({"issuer": 3}, "issuer must be a text"),
        ({"jku": "http://ehr.example.org/jwks"}, "jku must be https"),
        ({"jku": "https://127.0.0.1/jwks"}, "jku is this machine"),
        ({"jku": "https://localhost/jwks"}, "jku is this machine"),
        ({"jku": "https://ehr.example.org/jwks?x=1"}, "jku must be an absolute"),
        ({"jku": "https://u:p@ehr.example.org/jwks"}, "jku must be an absolute"),
        ({"jku": "file:///etc/passwd"}, "jku must be an absolute"),
        ({"jku": ["a"]}, "jku must be a text"),
        ({"jwks_file": "nowhere.json"}, "jwks_file cannot be read"),
        ({"fhir_servers": ["http://ehr.example.org/fhir"]}, "fhir_servers must be https"),
        ({"fhir_servers": ["https://[::1]/fhir"]}, "fhir_servers is this machine"),
        ({"fhir_servers": [1]}, "fhir_servers must be a text"),
        ({"algorithms": ["HS256"]}, "algorithms must be some of"),
        ({"algorithms": ["none"]}, "algorithms must be some of"),
        ({"algorithms": []}, "algorithms must be some of"),
        ({"replay": "maybe"}, "replay must be"),
        ({"replay": [1]}, "replay must be"),
        ({"profile": "nobody"}, "profile 'nobody' is not a profile; there are default"),
        ({"profile": "nowhere.toml"}, "profile 'nowhere.toml' cannot be read"),
        ({"private_network": "yes"}, "private_network must be true or false"),
        ({"issuers": ["a"]}, "issuers is not known; there are issuer, jku"),
    ],
)
def test_mistakes(tmp_path: Path, table: dict[str, Any], message: str) -> None:
    """A mistake names the table and the key, and says what it may be."""
    with pytest.raises(ClientError, match=r"\[clients.ehr\] ") as caught:
        read(folder=tmp_path, **table)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "must be a JWK Set"),
        ('{"keys": []}', "must be a JWK Set"),
        ('{"keys": [1]}', "whose keys are objects"),
        ('{"keys": [{"kty": "oct", "k": "AA"}]}', "holds a secret"),
        ('{"keys": [{"kty": "EC", "d": "AA"}]}', "holds a secret"),
        ("{", "cannot be read"),
        ('{"keys": [{"kid": "44823f3d-0b01-4a6c-a80e-b9d3e8a7226f"}]}', "sandbox"),
    ],
)
def test_key_files(tmp_path: Path, text: str, message: str) -> None:
    """#84, #94: no shared secret, no private key and no published one is taken from a file."""
    (tmp_path / "keys.json").write_text(text)
    with pytest.raises(ClientError, match="jwks_file") as caught:
        read(folder=tmp_path, jwks_file="keys.json")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "table",
    [
        {"issuer": "https://sandbox.cds-hooks.org"},
        {"issuer": "https://sandbox.cds-hooks.org/"},
        {"jku": "https://sandbox.cds-hooks.org/.well-known/jwks.json"},
    ],
)
def test_sandbox(table: dict[str, str]) -> None:
    """#94: the sandbox's issuer and keys are a client of development mode alone."""
    with pytest.raises(ClientError, match="CDS_DEV=1"):
        read(**table)
    assert read(dev=True, **table)


def test_development() -> None:
    """Development mode permits http and this machine."""
    servers = ["http://127.0.0.1:8080/fhir"]
    client = read(dev=True, jku="http://localhost:9000/jwks", fhir_servers=servers)
    assert client.internal_servers == ("http://127.0.0.1:8080/fhir",)
    named = read(dev=True, fhir_servers=["http://fhir:8080/fhir", "https://fhir.example.org"])
    assert named.internal_servers == ("http://fhir:8080/fhir",)


def test_no_keys() -> None:
    """A client needs keys or a certificate."""
    with pytest.raises(ClientError, match="jku is missing"):
        clients.read({"ehr": {"issuer": ISSUER}})
    assert clients.read({"ehr": {"issuer": ISSUER, "certificate": "CN=ehr"}})


@pytest.mark.parametrize("table", [{"ehr": 3}, {"a b": TABLE}, {"a": TABLE, "b": TABLE}])
def test_tables(table: dict[str, Any]) -> None:
    """A client is a table with a plain name, and one issuer is one client."""
    with pytest.raises(ClientError, match="clients"):
        clients.read(table)


@pytest.mark.parametrize(
    ("server", "internal"),
    [
        ("https://10.0.0.5/fhir", True),
        ("https://[fd00::1]/fhir", True),
        ("https://fhir.internal.example.org/r4", False),
    ],
)
def test_private_addresses(server: str, *, internal: bool) -> None:
    """#70: a private address may be asked if it was written down; a name must be permitted."""
    assert bool(read(fhir_servers=[server]).internal_servers) is internal
    assert read(fhir_servers=[server], private_network=True).internal_servers
