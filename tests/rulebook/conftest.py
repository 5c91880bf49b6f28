from importlib import resources

import pytest

from cds_service import rulebook
from cds_service.rulebook import Book


@pytest.fixture(scope="session")
def book() -> Book:
    """Return the rule book that the package ships."""
    return rulebook.load()


@pytest.fixture(scope="session")
def toml() -> str:
    """Return the text of the guideline data."""
    return resources.files("cds_service.guideline").joinpath("guideline.toml").read_text("utf-8")
