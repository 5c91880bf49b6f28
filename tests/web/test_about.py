import pytest
from flask.testing import FlaskClient

from cds_service import terminology
from cds_service.guideline import load

#: The attributes of 45 CFR 170.315(b)(11)(iv)(A) whose use is to be stated.
ATTRIBUTES = {
    "race",
    "ethnicity",
    "language",
    "sexual-orientation",
    "gender-identity",
    "sex",
    "date-of-birth",
    "social-determinants",
    "health-status",
}


def test_source_attributes(client: FlaskClient) -> None:
    """Citation, developer, funding, dates, and for each attribute whether and how it is used."""
    body = client.get("/about.json").json
    stated = body["sourceAttributes"]
    assert "Is cutaneous leiomyosarcoma a cancerous condition?" in stated["citation"]
    assert "2025-09-19" in stated["revised"]
    assert all(stated[key] for key in ("developer", "funding", "released"))
    assert set(stated["uses"]) >= ATTRIBUTES
    used = {key for key in ATTRIBUTES if stated["uses"][key]["used"]}
    assert used == {"sex", "date-of-birth", "health-status"}
    assert all(use["how"] for use in stated["uses"].values())


def test_what_is_not_known_is_not_invented(client: FlaskClient) -> None:
    """Funding and the developer's legal name are said to be not stated."""
    stated = client.get("/about.json").json["sourceAttributes"]
    assert "not stated by the maintainers" in stated["developer"]
    assert stated["funding"] == "Not stated by the maintainers"


def test_use_and_limits(client: FlaskClient) -> None:
    """Intended use and users, limits, scope, and the versions that cards name."""
    body = client.get("/about.json").json
    assert all(body[key] for key in ("intendedUse", "intendedUsers", "limits", "outOfScope"))
    assert body["versions"]["guideline"] == load().version
    assert body["versions"]["valueSets"] == terminology.load().version


def test_the_page_says_the_same(client: FlaskClient) -> None:
    """Everything of the JSON stands on the page."""
    page = client.get("/about").text
    about = load().about
    for text in (about.developer, about.funding, about.intended_users, *about.out_of_scope):
        assert text in page
    for use in about.uses:
        assert f'<th scope="row">{use.title}</th>' in page


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("application/json", "application/json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html"),
        ("*/*", "text/html"),
        ("", "text/html"),
    ],
)
def test_accept(client: FlaskClient, accept: str, expected: str) -> None:
    """The client's Accept chooses between page and JSON; a cache must know."""
    response = client.get("/about", headers={"Accept": accept})
    assert response.mimetype == expected
    assert "Accept" in response.headers["Vary"]


def test_ages_are_the_guidelines(client: FlaskClient) -> None:
    """The ages at which age counts are those of the statements and the policy."""
    how = client.get("/about.json").json["sourceAttributes"]["uses"]["date-of-birth"]["how"]
    guideline = load()
    features = guideline.policy["hlrcc_features"].numbers
    ages = (guideline.number("S42", "start_age"), guideline.number("S43", "start_age"))
    assert all(f"{age:g}" in how for age in (*ages, *features.values()))
