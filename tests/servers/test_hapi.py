"""Every fixture from HAPI FHIR JPA, which ``make test-hapi`` starts (or HAPI_URL names)."""

import os
from collections.abc import Callable

import pytest

from cds_service.fhirtools.server import Server
from cds_service.replay.cases import Case

URL = os.environ.get("HAPI_URL", "").rstrip("/")
#: The same data in pages of two; the server of ``make test-hapi`` has it beside /fhir.
PAGED = os.environ.get("HAPI_PAGED_URL", "").rstrip("/")
pytestmark = pytest.mark.skipif(not URL, reason="HAPI_URL names no server; see make test-hapi")


@pytest.fixture(scope="module")
def hapi(loaded: Callable[[str], Server]) -> Server:
    """Return the server with every chart in it."""
    return loaded(URL)


@pytest.mark.parametrize(
    "keys",
    [(), ("patient", "procedures", "reports", "orders"), None],
    ids=["server alone", "mixed", "first pages prefetched"],
)
def test_the_cards_are_those_of_the_file(
    hapi: Server, case: Case, keys: tuple[str, ...] | None, check: Callable[..., None]
) -> None:
    """However the chart arrives from the server, the cards are the same word for word."""
    check(hapi, case, keys)


@pytest.mark.parametrize("keys", [(), None], ids=["server alone", "first pages prefetched"])
@pytest.mark.skipif(not PAGED, reason="HAPI_PAGED_URL names no server with pages of two")
def test_pages_of_two(
    hapi: Server, case: Case, keys: tuple[str, ...] | None, check: Callable[..., None]
) -> None:
    """Forced to pages of two, nothing is lost."""
    assert hapi.base == URL
    check(Server(PAGED), case, keys)
