import pytest

from cds_service.protocol.discovery import ServiceEntry, document


def entry(**changes: str) -> ServiceEntry:
    """Return a minimal entry with changes."""
    base = {"id": "a", "hook": "patient-view", "title": "A", "description": "Does A."}
    return ServiceEntry(**(base | changes))


def test_minimal_entry() -> None:
    """#2, #12, #13, #15: optional members without a value are not written."""
    assert document([entry()]) == {
        "services": [
            {
                "hook": "patient-view",
                "title": "A",
                "description": "Does A.",
                "id": "a",
                "version": "3.0.0",
            }
        ]
    }


def test_no_services() -> None:
    """#11: no services are an empty array."""
    assert document([]) == {"services": []}


@pytest.mark.parametrize("name", ["", "a b", "a/b", "feedback", "ä"])
def test_ids(name: str) -> None:
    """#18: an id stands in a URL path, and feedback is taken."""
    with pytest.raises(ValueError, match="service id"):
        entry(id=name)


@pytest.mark.parametrize("name", ["hook", "description"])
def test_required(name: str) -> None:
    """#12: hook and description are required."""
    with pytest.raises(ValueError, match="required"):
        entry(**{name: ""})


def test_equal_ids() -> None:
    """#17: the public sandbox keeps only one of two services with the same id."""
    with pytest.raises(ValueError, match="same id"):
        document([entry(), entry(hook="order-sign")])
