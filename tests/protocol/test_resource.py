from typing import Any

import pytest

from cds_service.protocol import resource
from cds_service.protocol.resource import resource_json


@pytest.fixture(autouse=True)
def _forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "_valid", set())


def order(text: str = "Re-excision", **more: Any) -> dict[str, Any]:
    """Return a proposal as the service sends it."""
    return {
        "resourceType": "ServiceRequest",
        "status": "draft",
        "intent": "proposal",
        "code": {"text": text},
        "subject": {"reference": "Patient/1"},
        **more,
    }


def validated(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the list in which every full validation will stand."""
    calls: list[Any] = []
    whole = resource._validate  # noqa: SLF001 - what is counted

    def counted(body: Any) -> None:
        calls.append(body)
        whole(body)

    monkeypatch.setattr(resource, "_validate", counted)
    return calls


def test_what_differs_in_its_words_alone_is_validated_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ten patients' proposals of one kind cost one validation, and each keeps its own words."""
    calls = validated(monkeypatch)
    for number in range(10):
        body = order(f"Re-excision {number}", subject={"reference": f"Patient/{number}"})
        assert resource_json(body) == body
    assert len(calls) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        order(""),
        order(code={"text": None}),
        order(code={"text": 7}),
        order(code={"text": ["Re-excision"]}),
        order(status="drafty"),
        order(status=["draft"]),
        order(subject=None),
        order(subject={"reference": True}),
        order(unknown="Re-excision"),
        order(priority=1),
    ],
)
def test_a_wrong_one_is_refused_after_a_right_one(wrong: dict[str, Any]) -> None:
    """A valid resource before it does not let an invalid one through."""
    resource_json(order())
    with pytest.raises(ValueError, match=r"valid|null"):
        resource_json(wrong)


def test_a_refused_one_stays_refused() -> None:
    """An invalid resource is refused the second time, too."""
    for _ in range(2):
        with pytest.raises(ValueError, match="status"):
            resource_json(order(status="drafty"))


def test_nothing_of_a_patient_is_kept() -> None:
    """What is remembered of a resource holds neither its words nor its references."""
    resource_json(order("Zebra-Words", subject={"reference": "Patient/Zebra-Id"}))
    assert resource._valid  # noqa: SLF001 - what is kept
    assert "Zebra" not in repr(resource._valid)  # noqa: SLF001


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Resources of ever new shapes are validated each, and do not fill the memory."""
    monkeypatch.setattr(resource, "_MAX_SHAPES", 3)
    for day in range(1, 10):
        resource_json(order(authoredOn=f"2026-01-0{day}"))
    assert len(resource._valid) == 3  # noqa: SLF001
