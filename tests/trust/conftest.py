"""Clients with real keys, and tokens of theirs."""

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

ISSUER = "https://ehr.example.org/fhir"
JKU = "https://ehr.example.org/jwks.json"
BASE = "https://cds.example.org/base"
DISCOVERY = f"{BASE}/cds-services"
Sign = Callable[..., str]


class Keys:
    """The key pairs of the tests, made once: RSA takes its time."""

    def __init__(self) -> None:
        """Make one pair of each kind."""
        self.ec = ec.generate_private_key(ec.SECP384R1())
        self.ec_256 = ec.generate_private_key(ec.SECP256R1())
        self.rsa = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.rsa_short = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505
        self.foreign = ec.generate_private_key(ec.SECP384R1())

    def jwks(self) -> dict[str, Any]:
        """Return the client's JWK Set."""
        return {
            "keys": [
                ec_key(self.ec, "ec"),
                ec_key(self.ec_256, "ec-256"),
                rsa_key(self.rsa, "rsa"),
                rsa_key(self.rsa_short, "rsa-short"),
                ec_key(self.ec, "for-encryption") | {"use": "enc"},
                ec_key(self.ec, "for-signing") | {"key_ops": ["sign"]},
                ec_key(self.ec, "for-es256") | {"alg": "ES256"},
                ec_key(self.ec, "twice"),
                ec_key(self.foreign, "twice"),
                {"kty": "EC", "crv": "P-384", "kid": "broken", "x": "AA", "y": "AA"},
                "no key",
            ]
        }


def ec_key(key: ec.EllipticCurvePrivateKey, kid: str) -> dict[str, Any]:
    """Return the public half as a JWK."""
    return json.loads(ECAlgorithm.to_jwk(key.public_key())) | {"kid": kid}


def rsa_key(key: rsa.RSAPrivateKey, kid: str) -> dict[str, Any]:
    """Return the public half as a JWK."""
    return json.loads(RSAAlgorithm.to_jwk(key.public_key())) | {"kid": kid}


def pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    """Return the public half as PEM."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form)


@pytest.fixture(scope="session")
def keys() -> Keys:
    """Return the key pairs."""
    return Keys()


@pytest.fixture
def sign(keys: Keys) -> Sign:
    """Return a signer: claims and header fields replace those of a good token; None removes."""

    def make(
        *,
        key: Any = None,
        alg: str = "ES384",
        header: dict[str, Any] | None = None,
        **changes: Any,
    ) -> str:
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": DISCOVERY,
            "exp": now + 300,
            "iat": now,
            "jti": str(uuid.uuid4()),
        } | changes
        fields = {"kid": "ec", "typ": "JWT"} | (header or {})
        return jwt.encode(
            {name: value for name, value in claims.items() if value is not None},
            keys.ec if key is None else key,
            algorithm=alg,
            headers={name: value for name, value in fields.items() if value is not None},
        )

    return make
