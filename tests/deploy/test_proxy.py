"""The proxy's configuration and its certificate, with the real nginx where there is one."""

import json
import os
import runpy
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

COMPOSE = Path(__file__).parents[2] / "deploy" / "compose"
NGINX = os.environ.get("NGINX") or shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")


def make_certificate(folder: Path) -> None:
    """Run the script that makes the certificate."""
    runpy.run_path(str(COMPOSE / "certificate.py"))["make"](folder)


def test_certificate(tmp_path: Path) -> None:
    """It is for this machine, its key is its owner's alone, and it is kept while it lasts."""
    make_certificate(tmp_path)
    first = (tmp_path / "tls.crt").read_bytes()
    names = x509.load_pem_x509_certificate(first).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert names.value.get_values_for_type(x509.DNSName) == ["localhost"]
    assert (tmp_path / "tls.key").stat().st_mode & 0o077 == 0
    make_certificate(tmp_path)
    assert (tmp_path / "tls.crt").read_bytes() == first


class Service(BaseHTTPRequestHandler):
    """Stands for the service: answers with what it was sent."""

    def do_GET(self) -> None:
        """Answer."""
        body = json.dumps({"path": self.path, "headers": dict(self.headers)}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def service() -> Iterator[ThreadingHTTPServer]:
    """Yield a stand-in for the service."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def proxy(service: ThreadingHTTPServer) -> Iterator[tuple[int, Path]]:
    """Yield the port of nginx with our configuration, and the folder of its files."""
    if NGINX is None:
        pytest.skip("nginx is not installed, or NGINX does not name it; see make compose-check")
    folder = Path(tempfile.mkdtemp(prefix="cds-proxy-"))
    # Who runs it may have no way to where it lies.
    shutil.copy(NGINX, folder / "nginx")
    make_certificate(folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    text = (COMPOSE / "nginx.conf").read_text()
    for old, new in (
        ("/tmp/", f"{folder}/"),  # noqa: S108 - the container's
        ("8443", f"127.0.0.1:{port}"),
        ("http://cds:8000", f"http://127.0.0.1:{service.server_port}"),
        ("/certificate/", f"{folder}/"),
        ("/dev/stdout", f"{folder}/access.log"),
        ("/dev/stderr", f"{folder}/error.log"),
    ):
        assert old in text
        text = text.replace(old, new)
    (folder / "nginx.conf").write_text(text)
    user = "nobody" if os.geteuid() == 0 else None
    if user:
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, user)
    process = subprocess.Popen(
        [folder / "nginx", "-c", folder / "nginx.conf", "-g", "daemon off;"],
        user=user,
        stderr=subprocess.PIPE,
    )
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    yield port, folder
    process.terminate()
    process.communicate(timeout=20)
    shutil.rmtree(folder)


def ask(proxy: tuple[int, Path], path: str, body: bytes | None = None) -> tuple[int, Any]:
    """Return status and JSON of an answer, over TLS that is verified."""
    port, folder = proxy
    request = urllib.request.Request(
        f"https://localhost:{port}{path}", body, {"X-Client-Subject": "CN=anybody"}
    )
    trusted = ssl.create_default_context(cafile=str(folder / "tls.crt"))
    try:
        with urllib.request.urlopen(request, context=trusted, timeout=20) as answer:  # noqa: S310
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        text = error.read()
        return error.code, json.loads(text) if text.startswith(b"{") else None


def test_proxy(proxy: tuple[int, Path]) -> None:
    """What comes by TLS goes to the service; nobody but the proxy says whose certificate it is."""
    status, seen = ask(proxy, "/cds-services?x=secret")
    assert (status, seen["path"]) == (200, "/cds-services?x=secret")
    assert seen["headers"]["Host"] == f"localhost:{proxy[0]}"
    assert "X-Client-Subject" not in seen["headers"]
    assert "secret" not in (proxy[1] / "access.log").read_text()


def test_inner_addresses(proxy: tuple[int, Path]) -> None:
    """Metrics and readiness are not for the outside."""
    assert [ask(proxy, path)[0] for path in ("/metrics", "/readyz", "/healthz")] == [404, 404, 200]


def test_too_long(proxy: tuple[int, Path]) -> None:
    """A body that is longer than the service would read is a 413 with an OperationOutcome."""
    status, body = ask(proxy, "/cds-services/x", b"x" * (17 * 1024 * 1024))
    assert (status, body["resourceType"]) == (413, "OperationOutcome")


def test_service_is_gone(proxy: tuple[int, Path], service: ThreadingHTTPServer) -> None:
    """An outage of every instance is a 503 with an OperationOutcome, not a page of the proxy's."""
    service.socket.close()
    status, body = ask(proxy, "/cds-services")
    assert (status, body["resourceType"], body["issue"][0]["code"]) == (
        503,
        "OperationOutcome",
        "transient",
    )
