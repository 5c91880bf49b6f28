import json
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from .conftest import Run

KEY = ec.generate_private_key(ec.SECP384R1())
AUDIENCE = "https://cds.example.org/cds-services"
HOME = {"CDS_CONFIG": "cds.toml", "CDS_PUBLIC_URL": "https://cds.example.org"}


def token(**changes: Any) -> str:
    """Return a token of the configured client."""
    now = int(time.time())
    claims = {"iss": "ehr", "aud": AUDIENCE, "exp": now + 60, "iat": now, "jti": "one"}
    return jwt.encode(claims | changes, KEY, algorithm="ES384", headers={"kid": "k"})


@pytest.fixture(autouse=True)
def config(tmp_path: Path) -> None:
    """Configure a client with its keys in a file."""
    key = json.loads(ECAlgorithm.to_jwk(KEY.public_key())) | {"kid": "k"}
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [key]}))
    (tmp_path / "cds.toml").write_text('[clients.a]\nissuer = "ehr"\njwks_file = "keys.json"\n')


def test_good_token(run: Run) -> None:
    """A good token passes every check, and looking at it does not use it up."""
    raw = token()
    for _ in "ab":
        result = run("trust", "check", raw, **HOME)
        assert result.exit_code == 0, result.output
        assert "FAIL" not in result.output
        assert "The token would be accepted." in result.output
    assert not Path("cds-service.sqlite3").exists()


def test_bad_token(run: Run) -> None:
    """A bad token is told every reason, and none of its own words."""
    raw = token(aud="https://else.example.org", exp=1, tenant="SENTINEL")
    result = run("trust", "check", "-", stdin=f"Bearer {raw}\n", **HOME)
    assert result.exit_code == 1
    assert "FAIL audience: aud is none of" in result.output
    assert "FAIL exp: expired" in result.output
    assert "ok   signature" in result.output
    assert "SENTINEL" not in result.output


def test_endpoint(run: Run) -> None:
    """With an address the audience has to be that one."""
    result = run("trust", "check", token(), "--endpoint", AUDIENCE + "/x", **HOME)
    assert result.exit_code == 1
    assert "FAIL audience" in result.output


def test_no_clients(run: Run) -> None:
    """Without clients there is nothing to check against."""
    result = run("trust", "check", "x")
    assert result.exit_code == 1
    assert "CDS_CONFIG" in result.stderr
