import pytest
from flask.testing import FlaskClient

from cds_service.app import create_app
from cds_service.settings import Settings

POST = {"source": "paste", "text": "{}"}
PAGES = ("/", "/?case=entered-dermal-margin-positive-reexcise", "/workbench/static/workbench.js")


def policy(value: str) -> dict[str, list[str]]:
    """Return a Content-Security-Policy by directive."""
    return {name: rest for name, *rest in (part.split() for part in value.split(";"))}


@pytest.mark.parametrize("path", PAGES)
def test_headers(client: FlaskClient, path: str) -> None:
    """Nothing may run, load, frame or leave that the service has not sent itself."""
    with client.get(path) as answer:
        found = answer.headers
    rules = policy(found["Content-Security-Policy"])
    assert rules.pop("default-src") == ["'none'"]
    assert {name: rules.pop(name) for name in ("base-uri", "frame-ancestors")} == {
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
    assert set(rules) == {"script-src", "style-src", "img-src", "connect-src", "form-action"}
    assert all(sources == ["'self'"] for sources in rules.values())
    assert found["Referrer-Policy"] == "same-origin"


def test_not_stored(client: FlaskClient) -> None:
    """What shows a patient's data is kept by no cache."""
    assert client.get("/").headers["Cache-Control"] == "no-store"
    assert client.post("/", data=POST).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/guideline/", "/guideline/document", "/about"])
def test_other_pages(client: FlaskClient, path: str) -> None:
    """Every other page of the service is as strict: no script, no form, no frame."""
    rules = policy(client.get(path).headers["Content-Security-Policy"])
    assert rules["default-src"] == rules["base-uri"] == rules["frame-ancestors"] == ["'none'"]
    assert rules["form-action"] == ["'none'"]
    assert rules["style-src"] == ["'self'"]


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "[::1]:8000"])
def test_own_names(client: FlaskClient, host: str) -> None:
    """The page is reached under the names of this machine."""
    assert client.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["rebound.example.org", "10.0.0.7:8000", "a b", "127.0.0.1.evil"])
def test_rebinding(client: FlaskClient, host: str) -> None:
    """A foreign name that leads here is refused: it would be the foreign site's own origin."""
    answer = client.get("/", headers={"Host": host})
    assert answer.status_code in {400, 403}
    assert b"worked case" not in answer.data


def test_public_name() -> None:
    """The page is reached under the public address, too."""
    settings = Settings(auth="off", workbench=True, public_url="https://cds.example.org/base")
    client = create_app(settings).test_client()
    own = {"Host": "cds.example.org", "Origin": "https://cds.example.org"}
    assert client.post("/", data=POST, headers=own).status_code == 400  # {} is no chart
    proxied = {"Host": "127.0.0.1:8000", "Origin": "https://cds.example.org"}
    assert client.post("/", data=POST, headers=proxied).status_code == 400
    assert client.get("/", headers={"Host": "other.example.org"}).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example.org"},
        {"Origin": "null"},
        {"Origin": "http://["},
        {"Origin": ""},
        {"Origin": "http://localhost:9999"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.parametrize("path", ["/", "/workbench/feedback"])
def test_foreign_sites(client: FlaskClient, path: str, headers: dict[str, str]) -> None:
    """Another site can send nothing through its visitor's browser."""
    answer = client.post(path, data=POST, headers=headers)
    assert answer.status_code == 403
    assert answer.json["resourceType"] == "OperationOutcome"


def test_own_forms(client: FlaskClient) -> None:
    """What a browser says of the page's own forms lets them through."""
    own = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    assert client.post("/", data=POST, headers=own).status_code == 400  # {} is no chart
