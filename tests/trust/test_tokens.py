# ruff: noqa: ARG005 - a row of the table takes what it needs
"""The tampered-token table: one row, one thing wrong, one 401 that looks like every other."""

import base64
import hashlib
import hmac
import json
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from cds_service.app import create_app
from cds_service.settings import Settings
from cds_service.store import Store
from cds_service.trust import Client, KeyRing, Verifier

from .conftest import BASE, DISCOVERY, ISSUER, JKU, Keys, Sign, pem

SERVICE = "cutaneous-leiomyosarcoma-patient-view"
SERVER = "https://ehr.example.org/fhir"
Get = Callable[..., Any]


@pytest.fixture
def ehr(keys: Keys) -> Client:
    """Return a client whose keys were shared beforehand."""
    return Client(
        name="ehr",
        issuer=ISSUER,
        jku=JKU,
        jwks=keys.jwks(),
        audiences=("urn:epic:alias",),
        tenants=("north", "south"),
        fhir_servers=(SERVER,),
    )


def settings(*clients: Client, **changes: Any) -> Settings:
    """Return the settings of a service with clients."""
    return Settings(public_url=BASE, clients=clients, **changes)


@pytest.fixture
def client(ehr: Client) -> FlaskClient:
    """Return a client of the whole application."""
    return create_app(settings(ehr)).test_client()


@pytest.fixture
def get(client: FlaskClient) -> Get:
    """Return a getter of an address with a token."""

    def call(token: str, path: str = "/cds-services", **headers: str) -> Any:
        return client.get(path, headers={"Authorization": f"Bearer {token}"} | headers)

    return call


def now() -> int:
    """Return the time in whole seconds."""
    return int(time.time())


# --- What is accepted ---


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"aud": [DISCOVERY, "https://other.example.org"]},
        {"aud": "urn:epic:alias"},
        {"sub": "client", "nbf": -300},
        {"exp": 900, "nbf": 30},
        {"jti": "f" * 64},
        {"iat": -3000, "exp": 300},
        {"exp": -30, "iat": -300},
        {"iat": 30},
        {"header": {"jku": JKU}},
        {"extra": {"nested": [1]}},
    ],
    ids=str,
)
def test_good_tokens(get: Get, sign: Sign, changes: dict[str, Any]) -> None:
    """#80 to #83, #85: what clients really send is accepted, clocks a little off included."""
    times = {name: now() + changes[name] for name in ("exp", "iat", "nbf") if name in changes}
    assert get(sign(tenant="north", **changes | times)).status_code == 200


def test_rsa(get: Get, sign: Sign, keys: Keys) -> None:
    """#85: RS384 is accepted from the start, with the RSA key."""
    token = sign(key=keys.rsa, alg="RS384", header={"kid": "rsa"}, tenant="south")
    assert get(token).status_code == 200


def test_widened_algorithms(ehr: Client, sign: Sign, keys: Keys) -> None:
    """#85: another asymmetric algorithm is accepted where the operator lists it."""
    wide = replace(ehr, algorithms=("RS256",), tenants=())
    token = sign(key=keys.rsa, alg="RS256", header={"kid": "rsa"})
    client = create_app(settings(wide)).test_client()
    bearer = {"Authorization": f"Bearer {token}"}
    assert client.get("/cds-services", headers=bearer).status_code == 200
    assert client.get("/cds-services", headers={"Authorization": sign()}).status_code == 401


# --- What is refused ---


def _segments(header: dict[str, Any], claims: dict[str, Any]) -> str:
    return ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in (header, claims)
    )


def _claims(**changes: Any) -> dict[str, Any]:
    own = {"iss": ISSUER, "aud": DISCOVERY, "exp": now() + 300, "iat": now(), "jti": "x"}
    return own | {"tenant": "north"} | changes


def _confused(secret: bytes, alg: str = "HS384") -> str:
    """Return a token that is signed with a public key as if it were a shared secret."""
    signed = _segments({"alg": alg, "typ": "JWT", "kid": "rsa"}, _claims())
    mac = hmac.new(secret, signed.encode(), hashlib.sha384).digest()
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def _unsigned(alg: str) -> str:
    return _segments({"alg": alg, "typ": "JWT", "kid": "ec"}, _claims()) + "."


def _swapped(token: str) -> str:
    """Return a token whose claims were changed after it was signed."""
    header, _, signature = token.split(".")
    body = _segments({}, _claims(sub="administrator")).split(".")[1]
    return f"{header}.{body}.{signature}"


TAMPERED: dict[str, Callable[[Sign, Keys], str]] = {
    # The claims.
    "iss unknown": lambda sign, _: sign(iss="https://evil.example.org"),
    "iss missing": lambda sign, _: sign(iss=None),
    "iss no text": lambda sign, _: _segments({"alg": "ES384"}, _claims(iss=[ISSUER])) + ".AA",
    "iss with a slash more": lambda sign, _: sign(iss=ISSUER + "/"),
    "iss of the sandbox": lambda sign, _: sign(iss="https://sandbox.cds-hooks.org"),
    "aud of another service": lambda sign, _: sign(aud=f"{DISCOVERY}/{SERVICE}"),
    "aud the base alone": lambda sign, _: sign(aud=BASE),
    "aud of another host": lambda sign, _: sign(aud="https://evil.example.org/cds-services"),
    "aud from the Host header": lambda sign, _: sign(aud="http://localhost/cds-services"),
    "aud missing": lambda sign, _: sign(aud=None),
    "aud empty": lambda sign, _: sign(aud=[]),
    "aud an object": lambda sign, _: sign(aud={"url": DISCOVERY}),
    "aud with a number": lambda sign, _: sign(aud=[DISCOVERY, 1]),
    "exp past": lambda sign, _: sign(exp=now() - 61, iat=now() - 300),
    "exp missing": lambda sign, _: sign(exp=None),
    "exp a text": lambda sign, keys: _resigned(keys, exp=str(now() + 300)),
    "exp true": lambda sign, keys: _resigned(keys, exp=True),
    "exp far away": lambda sign, _: sign(exp=now() + 3700),
    "exp huge": lambda sign, _: sign(exp=10**30),
    "exp before iat": lambda sign, _: sign(exp=now() + 10, iat=now() + 20),
    "iat in the future": lambda sign, _: sign(iat=now() + 120),
    "iat missing": lambda sign, _: sign(iat=None),
    "iat a text": lambda sign, keys: _resigned(keys, iat="now"),
    "iat long ago": lambda sign, _: sign(iat=now() - 86_400),
    "nbf in the future": lambda sign, _: sign(nbf=now() + 120),
    "nbf a text": lambda sign, keys: _resigned(keys, nbf="later"),
    "jti missing": lambda sign, _: sign(jti=None),
    "jti empty": lambda sign, _: sign(jti=""),
    "jti a number": lambda sign, keys: _resigned(keys, jti=7),
    "jti huge": lambda sign, _: sign(jti="x" * 600),
    "tenant a number": lambda sign, _: sign(tenant=5),
    # The algorithms.
    "alg none": lambda sign, _: _unsigned("none"),
    "alg None": lambda sign, _: _unsigned("None"),
    "alg missing": lambda sign, _: _segments({"typ": "JWT", "kid": "ec"}, _claims()) + ".AA",
    "alg HS256": lambda sign, _: sign(key="s" * 32, alg="HS256"),
    "alg HS384": lambda sign, _: sign(key="s" * 48, alg="HS384"),
    "alg HS512": lambda sign, _: sign(key="s" * 64, alg="HS512"),
    "alg RS256": lambda sign, keys: sign(key=keys.rsa, alg="RS256", header={"kid": "rsa"}),
    "alg RS512": lambda sign, keys: sign(key=keys.rsa, alg="RS512", header={"kid": "rsa"}),
    "alg PS384": lambda sign, keys: sign(key=keys.rsa, alg="PS384", header={"kid": "rsa"}),
    "alg ES256": lambda sign, keys: sign(key=keys.ec_256, alg="ES256", header={"kid": "ec-256"}),
    # The keys.
    "public RSA key as secret": lambda sign, keys: _confused(pem(keys.rsa)),
    "public EC key as secret": lambda sign, keys: _confused(pem(keys.ec)),
    "JWK as secret": lambda sign, keys: _confused(json.dumps(keys.jwks()["keys"][2]).encode()),
    "EC algorithm with the RSA key's kid": lambda sign, _: sign(header={"kid": "rsa"}),
    "RSA algorithm with the EC key's kid": lambda sign, keys: sign(key=keys.rsa, alg="RS384"),
    "another curve": lambda sign, keys: sign(header={"kid": "ec-256"}),
    "short RSA key": lambda sign, keys: sign(
        key=keys.rsa_short, alg="RS384", header={"kid": "rsa-short"}
    ),
    "key for encryption": lambda sign, _: sign(header={"kid": "for-encryption"}),
    "key to sign alone": lambda sign, _: sign(header={"kid": "for-signing"}),
    "key of another algorithm": lambda sign, _: sign(header={"kid": "for-es256"}),
    "key that stands twice": lambda sign, _: sign(header={"kid": "twice"}),
    "broken key": lambda sign, _: sign(header={"kid": "broken"}),
    "foreign key": lambda sign, keys: sign(key=keys.foreign),
    "kid unknown": lambda sign, _: sign(header={"kid": "other"}),
    "kid missing": lambda sign, _: sign(header={"kid": None}),
    "jku of somebody else": lambda sign, _: sign(header={"jku": "https://evil.example.org/jwks"}),
    "jwk in the header": lambda sign, keys: sign(
        key=keys.foreign, header={"jwk": keys.jwks()["keys"][0]}
    ),
    "typ missing": lambda sign, _: sign(header={"typ": ""}),
    "typ at+jwt": lambda sign, _: sign(header={"typ": "at+jwt"}),
    "crit": lambda sign, _: sign(header={"crit": ["x"], "x": "y"}),
    # The form.
    "changed after signing": lambda sign, _: _swapped(sign(tenant="north")),
    "signature cut": lambda sign, _: sign(tenant="north")[:-10],
    "signature empty": lambda sign, _: sign(tenant="north").rsplit(".", 1)[0] + ".",
    "two parts": lambda sign, _: sign(tenant="north").rsplit(".", 1)[0],
    "five parts": lambda sign, _: sign(tenant="north") + ".a.b",
    "no JSON": lambda sign, _: "YWJj.YWJj.YWJj",
    "no object": lambda sign, _: "W10.W10.AA",
    "deep JSON": lambda sign, _: f"{base64.b64encode(b'[' * 3000).decode()}.W10.AA",
    "no base64": lambda sign, _: "ä.ö.ü",
    "no token": lambda sign, _: "x",
    "huge": lambda sign, _: sign(tenant="north", pad="x" * 10_000),
}


def _resigned(keys: Keys, **changes: Any) -> str:
    """Return a good signature on claims that PyJWT would not write."""
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec, utils  # noqa: PLC0415

    signed = _segments({"alg": "ES384", "typ": "JWT", "kid": "ec"}, _claims(**changes))
    der = keys.ec.sign(signed.encode(), ec.ECDSA(hashes.SHA384()))
    raw = b"".join(part.to_bytes(48, "big") for part in utils.decode_dss_signature(der))
    return f"{signed}.{base64.urlsafe_b64encode(raw).rstrip(b'=').decode()}"


def test_resigned_is_good(get: Get, keys: Keys) -> None:
    """The table's own signer makes good tokens: a row is refused for what it changes alone."""
    assert get(_resigned(keys)).status_code == 200


@pytest.mark.parametrize("row", TAMPERED)
@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_tampered(
    get: Get, sign: Sign, keys: Keys, row: str, caplog: pytest.LogCaptureFixture
) -> None:
    """#81 to #86, #89 to #91: each row is a 401, the same to the byte; no log has the token."""
    signer: Sign = lambda **changes: sign(**{"tenant": "north"} | changes)  # noqa: E731
    token = TAMPERED[row](signer, keys)
    with caplog.at_level(logging.DEBUG):
        response = get(token.encode().decode("latin-1"))
    assert (response.status_code, response.data) == (401, b"")
    assert dict(response.headers) == {
        "WWW-Authenticate": "Bearer",
        "X-Content-Type-Options": "nosniff",
        "Content-Length": "0",
    }
    assert token not in caplog.text
    assert all(part not in caplog.text for part in token.split(".") if len(part) > 20)


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "Basic dTpw", "bearer  ", "x" * 50])
def test_no_token(client: FlaskClient, value: str) -> None:
    """#80: without a token there is no answer, whatever stands in the header instead."""
    for path in ("/cds-services", f"/cds-services/{SERVICE}", "/cds-services/nothing/feedback"):
        method = "GET" if path == "/cds-services" else "POST"
        response = client.open(path, method=method, headers={"Authorization": value})
        assert (response.status_code, response.data) == (401, b"")


def test_replay(get: Get, sign: Sign) -> None:
    """#91: a token is good once."""
    token = sign(tenant="north")
    assert [get(token).status_code for _ in range(3)] == [200, 401, 401]


def test_replay_on_another_host(ehr: Client, sign: Sign, tmp_path: Any) -> None:
    """#91: a token that one process has seen is refused by another on the same database."""
    url = f"sqlite:///{tmp_path}/store.sqlite3"
    hosts = [create_app(settings(ehr, database_url=url)).test_client() for _ in range(2)]
    bearer = {"Authorization": f"Bearer {sign(tenant='north')}"}
    assert [host.get("/cds-services", headers=bearer).status_code for host in hosts] == [200, 401]


def test_replay_allowed(ehr: Client, sign: Sign) -> None:
    """#91: a client that uses its tokens again can be let."""
    client = create_app(settings(replace(ehr, refuse_replay=False))).test_client()
    bearer = {"Authorization": f"Bearer {sign(tenant='north')}"}
    assert [client.get("/cds-services", headers=bearer).status_code for _ in "ab"] == [200, 200]


def test_refused_tokens_use_up_nothing(get: Get, sign: Sign, keys: Keys) -> None:
    """#89: a jti is remembered after the signature alone, so that nobody can use up another's."""
    assert get(sign(key=keys.foreign, jti="same", tenant="north")).status_code == 401
    assert get(sign(jti="same", tenant="north")).status_code == 200


def test_jti_is_the_issuers(ehr: Client, sign: Sign) -> None:
    """#91: two issuers may use the same jti."""
    other = replace(ehr, name="other", issuer="https://other.example.org")
    client = create_app(settings(ehr, other)).test_client()
    for issuer in (ISSUER, other.issuer):
        bearer = {"Authorization": f"Bearer {sign(iss=issuer, jti='1', tenant='north')}"}
        assert client.get("/cds-services", headers=bearer).status_code == 200


@pytest.mark.parametrize("tenant", ["west", None, "", "North"])
def test_foreign_tenant(get: Get, sign: Sign, tenant: str | None) -> None:
    """A good token of a tenant that is not configured is a 403 that says so."""
    response = get(sign(tenant=tenant))
    assert response.status_code == 403
    assert "tenant" in response.json["issue"][0]["details"]["text"]


def test_unsigned_tenant(get: Get, sign: Sign, keys: Keys) -> None:
    """A foreign tenant is told of to a good token alone."""
    assert get(sign(tenant="west", key=keys.foreign)).status_code == 401


def test_tenant_not_configured(ehr: Client, sign: Sign) -> None:
    """Where no tenants are configured the claim is not looked at."""
    client = create_app(settings(replace(ehr, tenants=()))).test_client()
    bearer = {"Authorization": f"Bearer {sign(tenant='anybody')}"}
    assert client.get("/cds-services", headers=bearer).status_code == 200


# --- Calls ---


@pytest.mark.parametrize(
    ("path", "suffix", "status"),
    [
        (f"/cds-services/{SERVICE}", f"/{SERVICE}", 200),
        (f"/cds-services/{SERVICE}/", f"/{SERVICE}", 200),
        (f"/cds-services//{SERVICE}", f"//{SERVICE}", 200),
        (f"/cds-services/{SERVICE}", "", 401),
        (f"/cds-services/{SERVICE}", f"/{SERVICE}/feedback", 401),
    ],
)
def test_audience_of_calls(
    ehr: Client, sign: Sign, view: dict[str, Any], path: str, suffix: str, status: int
) -> None:
    """#83: the audience is the address that is called, in the client's spelling."""
    client = create_app(settings(ehr), answer=_nothing).test_client()
    bearer = {"Authorization": f"Bearer {sign(aud=DISCOVERY + suffix, tenant='north')}"}
    assert client.post(path, json=view, headers=bearer).status_code == status


def _nothing(*_: object) -> Any:
    from cds_service.protocol.card import CardsResponse  # noqa: PLC0415

    return CardsResponse()


@pytest.mark.parametrize(
    ("server", "status"),
    [
        (SERVER, 200),
        (SERVER + "/", 200),
        ("https://EHR.example.org:443/fhir", 200),
        (None, 200),
        ("https://ehr.example.org/fhir/other", 403),
        ("https://ehr.example.org", 403),
        ("http://ehr.example.org/fhir", 403),
        ("https://ehr.example.org:8443/fhir", 403),
        ("https://ehr.example.org.evil.org/fhir", 403),
        ("https://evil@ehr.example.org/fhir", 403),
        ("https://hapi.fhir.org/baseR4", 403),
        ("http://127.0.0.1/fhir", 403),
        ("http://169.254.169.254/latest", 403),
        ("https://[::1]/fhir", 403),
    ],
)
def test_foreign_server(
    ehr: Client, sign: Sign, view: dict[str, Any], server: str | None, status: int
) -> None:
    """#70: a fhirServer that is not the issuer's is a 403, with a token for it or without."""
    client = create_app(settings(replace(ehr, tenants=())), answer=_nothing).test_client()
    access = {
        "access_token": "secret",
        "token_type": "Bearer",
        "expires_in": 60,
        "scope": "patient/*.rs",
        "subject": "s",
    }
    for authorization in (None, access if server else None):
        bearer = {"Authorization": f"Bearer {sign(aud=f'{DISCOVERY}/{SERVICE}')}"}
        body = view | {"fhirServer": server, "fhirAuthorization": authorization}
        response = client.post(f"/cds-services/{SERVICE}", json=body, headers=bearer)
        assert response.status_code == status
        assert "evil" not in response.text


def test_open_discovery(ehr: Client) -> None:
    """#20: discovery alone can be opened, for clients that send no token there."""
    client = create_app(settings(ehr, discovery_auth="off")).test_client()
    assert client.get("/cds-services").status_code == 200
    assert client.post(f"/cds-services/{SERVICE}", json={}).status_code == 401


def test_preflight_needs_no_token(ehr: Client) -> None:
    """#93: a preflight is answered without a token, and a 401 carries the CORS headers."""
    origin = "https://app.example.org"
    client = create_app(settings(ehr, cors_origins=(origin,))).test_client()
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    assert client.options(f"/cds-services/{SERVICE}", headers=headers).status_code == 200
    response = client.post(f"/cds-services/{SERVICE}", headers={"Origin": origin})
    assert response.status_code == 401
    assert response.headers["Access-Control-Allow-Origin"] == origin


def test_pages_need_no_token(client: FlaskClient) -> None:
    """What holds no patient data is public: the guideline's pages and the health endpoint."""
    assert client.get("/healthz").status_code == 200
    assert client.get("/guideline/").status_code == 200


@pytest.mark.parametrize(
    ("address", "subject", "status"),
    [
        ("10.0.0.7", "CN=ehr", 200),
        ("10.0.0.7", "CN=other", 401),
        ("10.0.0.7", "", 401),
        ("192.0.2.1", "CN=ehr", 401),
    ],
)
def test_certificates(address: str, subject: str, status: int) -> None:
    """#92: a certificate identifies a client, if a trusted proxy says so."""
    chosen = settings(
        Client(name="ehr", issuer=ISSUER, certificate="CN=ehr"),
        certificate_header="X-Client-Subject",
        trusted_proxies=("10.0.0.0/24",),
    )
    response = (
        create_app(chosen)
        .test_client()
        .get(
            "/cds-services",
            headers={"X-Client-Subject": subject},
            environ_base={"REMOTE_ADDR": address},
        )
    )
    assert response.status_code == status


def test_certificate_and_token(ehr: Client, sign: Sign) -> None:
    """#92: a client with keys and a certificate needs both."""
    both = replace(ehr, certificate="CN=ehr", tenants=())
    chosen = settings(both, certificate_header="X-Subject", trusted_proxies=("127.0.0.1",))
    client = create_app(chosen).test_client()

    def status(**headers: str) -> int:
        return client.get("/cds-services", headers=headers).status_code

    assert status(**{"Authorization": f"Bearer {sign()}", "X-Subject": "CN=ehr"}) == 200
    assert status(Authorization=f"Bearer {sign()}") == 401
    assert status(**{"X-Subject": "CN=ehr"}) == 401


def test_requests_per_client(ehr: Client, sign: Sign, keys: Keys) -> None:
    """A client that asks too often gets 429 with Retry-After; another client does not notice."""
    other = replace(ehr, name="other", issuer="https://other.example.org")
    client = create_app(settings(ehr, other, max_requests=2)).test_client()

    def get(**changes: Any) -> Any:
        bearer = {"Authorization": f"Bearer {sign(tenant='north', **changes)}"}
        return client.get("/cds-services", headers=bearer)

    assert get(key=keys.foreign).status_code == 401
    assert [get().status_code for _ in range(3)] == [200, 200, 429]
    assert get(iss=other.issuer).status_code == 200
    last = get()
    assert 1 <= int(last.headers["Retry-After"]) <= 61
    assert last.json["issue"][0]["code"] == "throttled"


def test_no_limit_without_authentication() -> None:
    """With CDS_AUTH=off nobody is told apart, so nobody is limited."""
    client = create_app(Settings(auth="off", max_requests=1)).test_client()
    assert [client.get("/cds-services").status_code for _ in range(3)] == [200] * 3


def test_inspect_stores_nothing(ehr: Client, sign: Sign) -> None:
    """Looking at a token does not use it up, and tells of a used one."""
    store = Store()
    verifier = Verifier((ehr,), keys=KeyRing((ehr,)), seen=store)
    token = sign(tenant="north")

    def problems() -> list[str]:
        return [
            item.check for item in verifier.inspect(token, audiences=[DISCOVERY]) if item.problem
        ]

    assert (problems(), problems()) == ([], [])
    verifier.verify(token, audiences=[DISCOVERY])
    assert problems() == ["replay"]
