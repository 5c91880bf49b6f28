"""Ways to the simulated server: a requests adapter without a socket, and a real one."""

import io
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPResponse

from cds_service.simulate.ehr import Ehr
from cds_service.simulate.replies import Reply

_LONGEST = 10.0


class InProcess(BaseAdapter):
    """Answers requests from an :class:`Ehr`; what takes longer than the time-out is not waited
    for, and fails at once.
    """

    def __init__(self, ehr: Ehr) -> None:
        """Take the server."""
        super().__init__()
        self._ehr = ehr
        self.count = 0

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: FBT001, FBT002
        timeout: Any = None,  # noqa: ANN401
        verify: bool | str = True,  # noqa: FBT001, FBT002
        cert: Any = None,  # noqa: ANN401
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Return the answer, or raise what a socket would."""
        del stream, verify, cert, proxies
        self.count += 1
        reply = _asked(self._ehr, request.method or "GET", request.url or "", request.body)
        seconds = timeout[1] if isinstance(timeout, tuple) else timeout
        if seconds is not None and reply.delay > seconds:
            raise requests.ReadTimeout("simulated", request=request)
        if reply.lost:
            raise requests.ConnectionError("simulated", request=request)
        return _response(reply, request)

    def close(self) -> None:
        """Do nothing: there is nothing open."""


def _asked(ehr: Ehr, method: str, url: str, body: bytes | str | None) -> Reply:
    base, asked = urlsplit(ehr.base), urlsplit(url)
    if asked.netloc != base.netloc or not asked.path.startswith(base.path):
        return Reply(404)
    path = asked.path[len(base.path) :] + (f"?{asked.query}" if asked.query else "")
    text = body.decode() if isinstance(body, bytes) else body or ""
    return ehr.answer(method, path, text)


def _response(reply: Reply, request: requests.PreparedRequest) -> requests.Response:
    headers = {"Content-Length": str(len(reply.body)), **reply.headers}
    body = reply.body if reply.sent is None else reply.body[: reply.sent]
    response = requests.Response()
    response.status_code = reply.status
    response.headers = CaseInsensitiveDict(headers)
    response.request = request
    response.url = request.url or ""
    response.raw = HTTPResponse(
        body=io.BytesIO(body),
        headers=headers,
        status=reply.status,
        preload_content=False,
        enforce_content_length=True,
    )
    return response


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512


@contextmanager
def serving(ehr: Ehr, *, port: int = 0) -> Iterator[str]:
    """Serve on the loopback address while the block runs; gives the base address."""
    server = _Server(("127.0.0.1", port), _handler(ehr))
    ehr.base = f"http://127.0.0.1:{server.server_port}/fhir"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield ehr.base
    finally:
        server.shutdown()
        server.server_close()


def _handler(ehr: Ehr) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # An answer in two small packets waits for an acknowledgement otherwise.
        wbufsize = -1
        disable_nagle_algorithm = True

        def _serve(self) -> None:
            length = self.headers.get("Content-Length", "0")
            body = self.rfile.read(int(length) if length.isdecimal() else 0)
            reply = _asked(ehr, self.command, f"http://{self._host}{self.path}", body)
            _pause(self.connection, reply.delay)
            if reply.lost:
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if reply.sent is None:
                self.wfile.write(reply.body)
            else:
                self.wfile.write(reply.body[: reply.sent])
                self.close_connection = True

        do_GET = do_POST = _serve  # noqa: N815 - the names that http.server looks for

        @property
        def _host(self) -> str:
            return urlsplit(ehr.base).netloc

        def log_message(self, *_: object) -> None:
            """Say nothing: addresses hold patient ids."""

    return Handler


def _pause(connection: socket.socket, seconds: float) -> None:
    """Wait, but not for a client that has gone."""
    if not seconds:
        return
    connection.settimeout(min(seconds, _LONGEST))
    try:
        connection.recv(1, socket.MSG_PEEK)
    except OSError:
        pass
    finally:
        connection.settimeout(None)
