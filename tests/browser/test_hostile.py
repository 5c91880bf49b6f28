"""Charts that would take over the page, and sites that would use it."""

import http.server
import json
import threading
from collections.abc import Iterator

import pytest

from cds_service.replay.client import Json

from .conftest import Service, Window

EVIL = (
    "<script>window.hit = 1</script>",
    "<img src=x onerror='window.hit = 1'>",
    "</textarea><script>window.hit = 1</script>",
    "</pre><svg onload='window.hit = 1'>",
    "[x](javascript:window.hit=1)",
    "![x](https://evil.example.org/pixel.png)",
    "https://evil.example.org/bare",
    "**bold** `code` # heading | table",
    "{{ 7 * 7 }} ${7*7}",
    '" autofocus onfocus="window.hit = 1',
    "\u202egnp.exe\u200b\u2066\ufeff",
)


@pytest.mark.parametrize("text", EVIL)
def test_inert(window: Window, captured: Json, text: str) -> None:
    """Text of a chart is text, wherever it stands: nothing runs, nothing is loaded."""
    evil = json.loads(
        json.dumps(captured)
        .replace("Malignant neoplasm of skin of back", json.dumps(text)[1:-1])
        .replace("Excision of lesion of skin of back", json.dumps(text)[1:-1])
        .replace("entered-1", "entered-1")
    )
    evil["prefetch"]["observations"] = {
        "resourceType": "Bundle",
        "entry": [
            {"resource": {"resourceType": "Observation", "id": text, "code": {"text": text}}}
        ],
    }
    shown = window()
    page = shown.paste(evil)
    page.get_by_role("heading", name="4 cards").wait_for()
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    assert page.evaluate("window.hit ?? 0") == 0
    assert page.locator(".answer script, .answer img, .answer iframe").count() == 0
    links = page.evaluate("[...document.links].map((link) => link.href)")
    assert all(link.startswith(shown.service.base) for link in links)
    handlers = "[...document.querySelectorAll('*')].flatMap((e) => e.getAttributeNames())"
    assert not [name for name in page.evaluate(handlers) if name.startswith("on")]
    assert page.locator("[style]").count() == 0


@pytest.fixture
def elsewhere(service: Service) -> Iterator[str]:
    """Yield the address of another site, whose page sends the workbench a form at once."""
    text = f"""<form method="post" action="{service.base}/" enctype="multipart/form-data">
    <input name="source" value="server"><input name="server" value="http://127.0.0.1:1/fhir">
    <input name="patient" value="1"></form><script>document.forms[0].submit()</script>"""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_foreign_form(window: Window, elsewhere: str) -> None:
    """A foreign site's form is refused: it could have the page read servers of this machine."""
    shown = window()
    page = shown.page
    with page.expect_response(lambda answer: answer.request.method == "POST") as caught:
        page.goto(elsewhere)
    assert caught.value.status == 403
    page.get_by_text("Another site may not use the workbench").wait_for()
    shown.faults.clear()


def test_frame(window: Window, service: Service) -> None:
    """No other page can hold the workbench in a frame."""
    shown = window()
    page = shown.page
    page.set_content(f'<iframe src="{service.base}/"></iframe>')
    page.wait_for_timeout(300)
    assert "workbench" not in page.frames[-1].content()
    shown.faults.clear()


def test_the_watch_sees(window: Window) -> None:
    """What these tests would not let pass is indeed seen: a style, and what asks another host."""
    shown = window()
    page = shown.open()
    page.evaluate("document.body.setAttribute('style', 'color: red')")
    page.evaluate("fetch('https://elsewhere.example.org').catch(() => 0)")
    page.wait_for_timeout(300)
    assert [fault for fault in shown.faults if "policy: style-src" in fault]
    assert [fault for fault in shown.faults if "policy: connect-src" in fault]
    shown.faults.clear()
