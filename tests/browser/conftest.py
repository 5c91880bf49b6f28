"""A running service with its workbench, and pages of a real browser that watch what happens.

Slow, and a browser is needed: ``make test-browser`` sets BROWSER=1.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from cds_service.store import Store

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

ROOT = Path(__file__).parents[2]
CASES = ROOT / "fixtures" / "fhir"
#: Where a Debian has it, and other places.
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
#: What a browser says of a page that was answered with an error on purpose.
EXPECTED = "Failed to load resource: the server responded with a status of 4"
WATCH = """document.addEventListener("securitypolicyviolation", (event) => console.error(
  `policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));"""

collect_ignore_glob = [] if os.environ.get("BROWSER") else ["test_*.py"]


@dataclass(frozen=True, slots=True)
class Service:
    """A running service: its address, and the database that it uses."""

    base: str
    database: str

    @property
    def host(self) -> str:
        """Return the host and port."""
        return self.base.partition("//")[2]

    def store(self) -> Store:
        """Return the database."""
        return Store(self.database)


def answers(base: str) -> bool:
    """Return whether a service runs at an address."""
    try:
        return requests.get(f"{base}/healthz", timeout=5).ok
    except requests.ConnectionError:
        return False


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield a service with the workbench, on the day of the worked cases."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("service")
    found = Service(f"http://127.0.0.1:{port}", f"sqlite:///{folder / 'db'}")
    environment = {key: value for key, value in os.environ.items() if key[:4] != "CDS_"} | {
        "CDS_AUTH": "off",
        "CDS_WORKBENCH": "1",
        "CDS_TODAY": "2026-12-01",
        "CDS_DATABASE_URL": found.database,
        "CDS_MAX_BODY": "400000",
    }
    command = [sys.executable, "-m", "cds_service", "serve", "--port", str(port)]
    log = folder / "log"
    with log.open("w") as out:
        process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out, env=environment)
    try:
        until = time.monotonic() + 30
        while not answers(found.base):
            if process.poll() is not None or time.monotonic() > until:
                pytest.fail(f"the service does not start: {log.read_text()}")
            time.sleep(0.05)
        yield found
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    """Yield the system's browser."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only here is it installed

    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.fail("There is no Chromium: install the package chromium.")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield running
        running.close()


@dataclass  # without slots: the library keeps something in it
class Watched:
    """A browser's window in which everything that must not happen is noted."""

    context: "BrowserContext"
    page: "Page"
    service: Service
    faults: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Note errors, violations of the policy, and what leaves for another host."""
        self.context.add_init_script(WATCH)
        self.context.on("request", self._request)
        self.page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        self.page.on("console", self._console)
        self.page.set_default_timeout(10_000)

    def _request(self, request: Any) -> None:
        if not request.url.startswith((self.service.base, "data:,")):
            self.faults.append(f"request to {request.url}")

    def _console(self, message: Any) -> None:
        if message.type in {"error", "warning"} and not message.text.startswith(EXPECTED):
            self.faults.append(f"console: {message.text}")

    def check(self) -> None:
        """Fail where anything was noted."""
        assert self.faults == []

    # --- What a user does ---

    def open(self, path: str = "/") -> "Page":
        """Open a page of the service."""
        self.page.goto(self.service.base + path)
        return self.page

    def paste(self, body: Any, **options: str) -> "Page":
        """Paste a text on the first page and ask."""
        page = self.open()
        page.get_by_text("Paste or drop", exact=True).click()
        form = page.locator("[data-paste]")
        form.get_by_label("A chart or a captured request").fill(
            body if isinstance(body, str) else json.dumps(body, indent=1)
        )
        for label, value in options.items():
            form.get_by_label(label).select_option(value)
        form.get_by_role("button", name="Ask the service").click()
        page.wait_for_load_state()
        return page


Window = Callable[..., Watched]


@pytest.fixture
def window(browser: "Browser", service: Service) -> Iterator[Window]:
    """Yield a way to open windows; at the end each must be without a fault."""
    opened: list[Watched] = []

    def make(**options: Any) -> Watched:
        options = {"viewport": {"width": 1280, "height": 900}, **options}
        context = browser.new_context(**options)
        watched = Watched(context, context.new_page(), service)
        watched.watch()
        opened.append(watched)
        return watched

    yield make
    for watched in opened:
        watched.context.close()
        watched.check()


@pytest.fixture
def captured() -> dict[str, Any]:
    """Return a captured request that is answered with four cards."""
    path = CASES / "entered-dermal-margin-positive-reexcise" / "request.json"
    found: dict[str, Any] = json.loads(path.read_text())
    return found


@pytest.fixture
def chart() -> dict[str, Any]:
    """Return a chart that is answered with cards."""
    path = CASES / "dermal-fourth-year-follow-up-not-yet-due-lenient" / "chart.json"
    found: dict[str, Any] = json.loads(path.read_text())
    return found
