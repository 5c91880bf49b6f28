"""The real server, with several workers, and clients that authenticate."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from .conftest import ISSUER, Keys, Sign, ec_key

ROOT = Path(__file__).parents[2]


def get(url: str, token: str | None = None) -> int:
    """Return the status of a GET."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - http to ourselves
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.fixture
def base(tmp_path: Path, keys: Keys) -> Iterator[str]:
    """Yield the address of a service with two workers and one client."""
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [ec_key(keys.ec, "ec")]}))
    (tmp_path / "cds.toml").write_text(
        f'[clients.ehr]\nissuer = "{ISSUER}"\njwks_file = "keys.json"\n'
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {key: value for key, value in os.environ.items() if key[:4] != "CDS_"}
    environment |= {"CDS_CONFIG": "cds.toml", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "cds_service", "serve", "--port", str(port), "--workers", "2"]
    with (tmp_path / "output").open("w") as out:
        process = subprocess.Popen(command, cwd=tmp_path, stdout=out, stderr=out, env=environment)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(100):
            try:
                get(f"{url}/healthz")
                break
            except OSError:
                time.sleep(0.1)
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def test_workers_share_what_they_saw(base: str, sign: Sign) -> None:
    """#91: of many uses of one token at once, over all workers, one is answered."""
    url = f"{base}/cds-services"
    assert get(url) == 401
    for _ in range(3):
        token = sign(aud=url)
        with ThreadPoolExecutor(8) as pool:
            statuses = Counter(pool.map(lambda _, used=token: get(url, used), range(16)))
        assert statuses == {200: 1, 401: 15}
