"""A FHIR server that holds what is put into it: for the commands that the pages show."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from cds_service.replay.client import Store

Json = dict[str, Any]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    held: dict[str, Json]

    def do_GET(self) -> None:
        """Read, or search by patient."""
        parts = urlsplit(self.path.removeprefix("/fhir/"))
        if parts.path == "metadata":
            self._send({"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1"})
        elif "/" in parts.path:
            found = self.held.get(parts.path)
            self._send(found or {"resourceType": "OperationOutcome"}, 200 if found else 404)
        else:
            bundle = Store(tuple(self.held.values())).search(parts.path, parts.query)
            bundle["link"] = [{"relation": "self", "url": f"http://{self._host}{self.path}"}]
            self._send(bundle)

    def do_POST(self) -> None:
        """Put what a transaction holds in its place."""
        length = int(self.headers["Content-Length"])
        entries = json.loads(self.rfile.read(length))["entry"]
        for entry in entries:
            self.held[entry["request"]["url"]] = entry["resource"]
        done = [{"response": {"status": "200 OK"}} for _ in entries]
        self._send({"resourceType": "Bundle", "type": "transaction-response", "entry": done})

    @property
    def _host(self) -> str:
        return self.headers.get("Host", "")

    def _send(self, resource: Json, status: int = 200) -> None:
        body = json.dumps(resource).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/fhir+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[str]:
    """Serve while the block runs; gives the address without a path."""
    handler = type("Handler", (_Handler,), {"held": {}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
    )
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
