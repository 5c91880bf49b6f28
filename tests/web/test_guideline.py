import pytest
from flask.testing import FlaskClient
from markupsafe import escape

from cds_service.guideline import load


def test_statement(client: FlaskClient) -> None:
    """A statement's page shows its number, its source, its caveat and its certainty."""
    statement = load().statements["S24"]
    page = client.get("/guideline/S24").text
    assert "<strong>1 cm</strong>" in page
    for text in (statement.verified_source, statement.caveat, "retrospective series"):
        assert text in page


def test_every_page(client: FlaskClient) -> None:
    """Every statement and every rule has a page."""
    guideline = load()
    for item in (*guideline.statements, *guideline.rules):
        assert client.get(f"/guideline/{item}").status_code == 200, item


def test_rule(client: FlaskClient) -> None:
    """A rule's page shows when it applies and links its statements, by depth."""
    page = client.get("/guideline/margin.positive").text
    assert load().rules["margin.positive"].when in page
    assert 'href="/guideline/S24"' in page
    assert page.index("Dermal") < page.index("Subcutaneous")


def test_prognosis(client: FlaskClient) -> None:
    """Prognosis stands on the pages of diagnosis and margin, each number with its caveat."""
    guideline = load()
    statement = guideline.statements["S17"]
    for rule in guideline.rules.values():
        page = client.get(f"/guideline/{rule.id}").text
        assert (str(escape(statement.caveat)) in page) == (rule.topic in {"diagnosis", "margin"})


@pytest.mark.parametrize("path", ["/guideline", "/guideline/"])
def test_contents(client: FlaskClient, path: str) -> None:
    """The contents list every statement and rule; the policy is marked as not the source's."""
    page = client.get(path).text
    guideline = load()
    assert all(f"/guideline/{item}" in page for item in (*guideline.statements, *guideline.rules))
    assert "not in the source" in page


def test_policy(client: FlaskClient) -> None:
    """The pages run no script and load nothing from elsewhere."""
    response = client.get("/guideline/S24")
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert "<script" not in response.text
    with client.get("/static/guideline.css") as style:
        assert style.mimetype == "text/css"
