import re
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin

import pytest
from flask.testing import FlaskClient
from markupsafe import escape

from cds_service import rulebook, terminology
from cds_service.app import create_app
from cds_service.guideline import load
from cds_service.rulebook import pages
from cds_service.settings import Settings

HTTP = "http://localhost"
VOID = {"meta", "link", "br", "hr", "img", "input"}
PAGES = sorted(pages.build(rulebook.load()).pages)


class Page(HTMLParser):
    """What the tests look at in a page."""

    def __init__(self, text: str) -> None:
        """Read a page."""
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.unbalanced: list[str] = []
        self.headings: list[int] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.attributes: dict[str, list[dict[str, str | None]]] = {}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the element."""
        found = dict(attrs)
        self.attributes.setdefault(tag, []).append(found)
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if found.get("id"):
            self.ids.append(str(found["id"]))
        self.links += [str(found[name]) for name in ("href", "src") if name in found]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Note an end that does not fit."""
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    """Return a client of one application for all tests: the pages are built once."""
    return create_app(Settings(auth="off")).test_client()


def crawl(client: FlaskClient) -> Iterator[tuple[str, str]]:
    """Yield address and text of every page that can be reached from the contents."""
    seen, waiting = set[str](), [f"{HTTP}/guideline/", f"{HTTP}/guideline", f"{HTTP}/about"]
    while waiting:
        address = waiting.pop()
        if address in seen:
            continue
        seen.add(address)
        response = client.get(address.removeprefix(HTTP))
        assert response.status_code == 200, address
        if response.mimetype == "text/html":
            yield address, response.text
            links = Page(response.text).links
            waiting += [urldefrag(urljoin(address, link)).url for link in links]


def test_every_link_leads_somewhere(client: FlaskClient) -> None:
    """Every link of every page answers, with the section that its fragment names."""
    found = dict(crawl(client))
    parsed = {address: Page(text) for address, text in found.items()}
    for address, page in parsed.items():
        for link in page.links:
            target, fragment = urldefrag(urljoin(address, link))
            assert target.startswith(HTTP), f"{address} links elsewhere: {link}"
            if fragment:
                assert fragment in parsed[target].ids, f"{address}: {link}"
    reached = {address.removeprefix(f"{HTTP}/guideline/") for address in found}
    assert set(PAGES) <= reached


def test_links_hold_behind_a_prefix(client: FlaskClient) -> None:
    """Behind a proxy that serves the service under a path, links stay below that path."""
    for path in ("/guideline", "/guideline/", "/guideline/S24", "/guideline/valuesets/excision"):
        text = client.get(path).text
        for link in Page(text).links:
            whole = urljoin(f"https://ehr.example.org/some/cds{path}", link)
            assert whole.startswith("https://ehr.example.org/some/cds/"), (path, link)


@pytest.mark.parametrize("path", [*PAGES, "document"])
def test_a_page_is_sound_html(client: FlaskClient, path: str) -> None:
    """Elements close, ids are unique, headings go down one level at a time, tables have heads."""
    text = client.get(f"/guideline/{path}").text
    page = Page(text)
    assert text.startswith('<!doctype html>\n<html lang="en">')
    assert page.unbalanced == page.open == []
    assert len(set(page.ids)) == len(page.ids)
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    assert all(b - a <= 1 for a, b in zip(page.headings, page.headings[1:], strict=False))
    tables = page.attributes.get("table", [])
    assert len(page.attributes.get("caption", [])) == len(tables)
    assert all(each.get("scope") in {"col", "row"} for each in page.attributes.get("th", []))
    assert "script" not in page.attributes
    assert "style" not in page.attributes
    assert not any("style" in each for group in page.attributes.values() for each in group)


def test_statement(client: FlaskClient) -> None:
    """A statement's page shows its number, its source, its caveat and its certainty."""
    statement = load().statements["S24"]
    page = client.get("/guideline/S24").text
    assert "<strong>1 cm</strong>" in page
    for text in (statement.verified_source, statement.caveat, "retrospective series"):
        assert str(escape(text)) in page


def test_every_link_of_a_card_has_its_page(client: FlaskClient) -> None:
    """Every statement, rule, topic and value set has a page of its own address."""
    guideline = load()
    items = (*guideline.statements, *guideline.rules, *guideline.topics)
    sets = (f"valuesets/{slug}" for slug in terminology.load().value_sets)
    for item in (*items, *sets):
        assert client.get(f"/guideline/{item}").status_code == 200, item


def test_rule(client: FlaskClient) -> None:
    """A rule's page shows when it applies, links its statements by depth, and what proves it."""
    page = client.get("/guideline/margin.positive").text
    assert load().rules["margin.positive"].when in page
    assert 'href="../guideline/S24"' in page
    assert page.index("source says, dermal") < page.index("source says, subcutaneous")
    assert "entered-dermal-margin-positive-reexcise" in page


def test_prognosis(client: FlaskClient) -> None:
    """Prognosis stands on the pages of diagnosis and margin, each number with its caveat."""
    guideline = load()
    statement = guideline.statements["S17"]
    for rule in guideline.rules.values():
        page = client.get(f"/guideline/{rule.id}").text
        assert (str(escape(statement.caveat)) in page) == (rule.topic in {"diagnosis", "margin"})


def test_prognosis_stands_beside_its_caveat(client: FlaskClient) -> None:
    """On a topic's page, the line of a prognosis holds the caveat too."""
    guideline = load()
    for topic in ("diagnosis", "margin"):
        page = client.get(f"/guideline/{topic}").text
        for key in (f"S{number}" for number in range(12, 20)):
            caveat = str(escape(guideline.statements[key].caveat))
            assert any(f">{key}</a>" in line and caveat in line for line in page.splitlines()), key


@pytest.mark.parametrize("path", ["/guideline", "/guideline/"])
def test_contents(client: FlaskClient, path: str) -> None:
    """The contents list every statement and rule; the policy is marked as not the source's."""
    page = client.get(path).text
    guideline = load()
    assert all(f"guideline/{item}" in page for item in (*guideline.statements, *guideline.rules))
    assert "not in the source" in page
    assert guideline.meta["source_status"] in page


def test_version_of_a_card(client: FlaskClient) -> None:
    """The address that a card gives as its source names both versions; other ones are told."""
    own = f"version={load().version}&valuesets={terminology.load().version}"
    assert "The card was made" not in client.get(f"/guideline/?{own}").text
    page = client.get("/guideline/?version=0.9.0&valuesets=0.8.0").text
    assert "made with the guideline data 0.9.0; these pages show" in page
    assert "made with the value sets 0.8.0; these pages show" in page
    assert "The card was made" not in client.get("/guideline/?version=%3Cb%3E").text


def test_policy(client: FlaskClient) -> None:
    """The pages run no script and load nothing from elsewhere."""
    response = client.get("/guideline/S24")
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'; style-src 'self'" in policy
    assert "unsafe" not in policy
    style = client.get("/guideline/style.css")
    assert style.mimetype == "text/css"
    assert "prefers-color-scheme: dark" in style.text


@pytest.mark.parametrize(
    "path",
    ["/guideline/S99", "/guideline/valuesets/none", "/fhir/ValueSet/none", "/fhir/Patient/1"],
)
def test_what_is_not_there(client: FlaskClient, path: str) -> None:
    """An address without a page or resource is 404, and says where the list is."""
    response = client.get(path)
    assert response.status_code == 404
    assert "GET /guideline/" in response.json["issue"][0]["details"]["text"]


@pytest.mark.parametrize(
    "path",
    [
        "ValueSet/excision",
        "PlanDefinition/cutaneous-leiomyosarcoma",
        "Library/cutaneous-leiomyosarcoma",
        "ActivityDefinition/wide-excision",
        "CodeSystem/advice-topic",
    ],
)
def test_fhir(client: FlaskClient, path: str) -> None:
    """A resource is read by type and id, at the address that its canonical URL ends with."""
    response = client.get(f"/fhir/{path}")
    assert response.content_type == "application/fhir+json; charset=utf-8"
    assert response.json["url"] == f"https://cds-service.example.org/fhir/{path}"
    assert f"{response.json['resourceType']}/{response.json['id']}" == path
