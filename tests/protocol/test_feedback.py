import datetime as dt
from typing import Any

import pytest

from cds_service.errors import BadRequest, PayloadTooLarge
from cds_service.protocol.feedback import Item, read

CARD = "4e0a3a1e-3283-4575-ab82-028d55fe2719"
NOON = "2026-12-01T12:00:00Z"


def item(**changes: Any) -> dict[str, Any]:
    """Return an overridden card; None removes a field."""
    own = {"card": CARD, "outcome": "overridden", "outcomeTimestamp": NOON} | changes
    return {name: value for name, value in own.items() if value is not None}


def parse(*items: dict[str, Any]) -> tuple[Item, ...]:
    """Return the items of a body."""
    return read({"feedback": list(items)}, most=100)


def test_accepted() -> None:
    """#157, #158: an accepted card names the suggestions."""
    (found,) = parse(item(outcome="accepted", acceptedSuggestions=[{"id": "a"}, {"id": "b"}]))
    assert (found.card, found.outcome) == (CARD, "accepted")
    assert [accepted.id for accepted in found.accepted_suggestions] == ["a", "b"]


@pytest.mark.parametrize("name", ["overrideReason", "overrideReasons"])
@pytest.mark.parametrize(
    ("value", "code", "comment"),
    [
        ({"reason": {"code": "c", "system": "s", "display": "d"}, "userComment": "x"}, "c", "x"),
        ({"reason": {"code": "c", "system": "s"}}, "c", None),
        ({"reason": {"code": "c"}}, "c", None),
        ({"reason": {"display": "d"}}, None, None),
        ({"userComment": "x"}, None, "x"),
        ({"extension": {"com.epic.cdshooks.feedback.reason": {"x": 1}}}, None, None),
        ({}, None, None),
        ([{"reason": {"code": "c"}}], "c", None),
    ],
)
def test_override_reasons(name: str, value: object, code: str | None, comment: str | None) -> None:
    """#160 to #162: both spellings, missing parts, extensions and clients' own codes are read."""
    (found,) = parse(item(**{name: value}))
    assert found.override_reason is not None
    reason = found.override_reason.reason
    assert (reason.code if reason else None, found.override_reason.user_comment) == (code, comment)


def test_no_reason() -> None:
    """#159: an overridden card needs no reason, and a null is none."""
    (found,) = parse(item())
    assert found.override_reason is None
    assert read({"feedback": [item() | {"overrideReason": None}]}, most=1) == (found,)


@pytest.mark.parametrize(
    ("moment", "utc"),
    [
        ("2026-12-01T12:34:56.789Z", "2026-12-01T12:34:56.789"),
        ("2026-12-01T12:34:56Z", "2026-12-01T12:34:56"),
        ("2026-12-01t12:34:56z", "2026-12-01T12:34:56"),
        ("2026-12-01T12:34:56.1234567891Z", "2026-12-01T12:34:56.123456"),
        ("2026-12-01T12:34:56+01:00", "2026-12-01T11:34:56"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59"),
    ],
)
def test_moments(moment: str, utc: str) -> None:
    """#157: every date-time of RFC 3339 is read, with or without a fraction, as UTC."""
    (found,) = parse(item(outcomeTimestamp=moment))
    assert found.outcome_timestamp == dt.datetime.fromisoformat(utc).replace(tzinfo=dt.UTC)


def test_unknown_cards_and_extensions() -> None:
    """#41, #162: a card id need not be a UUID, and unknown fields are no errors."""
    (found,) = parse(item(card="card 7", extension={"a": 1}, other=[]))
    assert found.card == "card 7"


def test_empty() -> None:
    """#156: an empty batch is a batch."""
    assert parse() == ()


MALFORMED: list[tuple[dict[str, Any], str]] = [
    (item(card=None), "feedback.0.card"),
    (item(card=5), "feedback.0.card"),
    (item(card=""), "feedback.0.card"),
    (item(outcome=None), "feedback.0.outcome"),
    (item(outcome="ignored"), "feedback.0.outcome"),
    (item(outcome="ACCEPTED"), "feedback.0.outcome"),
    (item(outcomeTimestamp=None), "feedback.0.outcomeTimestamp"),
    (item(outcomeTimestamp="2026-12-01"), "feedback.0.outcomeTimestamp"),
    (item(outcomeTimestamp="2026-12-01T12:00:00"), "feedback.0.outcomeTimestamp"),
    (item(outcomeTimestamp="2026-02-30T12:00:00Z"), "feedback.0.outcomeTimestamp"),
    (item(outcomeTimestamp="0001-01-01T00:00:00+23:59"), "feedback.0.outcomeTimestamp"),
    (item(outcomeTimestamp=1764590400), "feedback.0.outcomeTimestamp"),
    (item(outcome="accepted"), "feedback.0.acceptedSuggestions"),
    (item(outcome="accepted", acceptedSuggestions=[]), "feedback.0.acceptedSuggestions"),
    (item(outcome="accepted", acceptedSuggestions=["a"]), "feedback.0.acceptedSuggestions.0"),
    (item(outcome="accepted", acceptedSuggestions=[{}]), "feedback.0.acceptedSuggestions.0.id"),
    (item(outcome="accepted", acceptedSuggestions={"id": "a"}), "feedback.0.acceptedSuggestions"),
    (item(overrideReason="no"), "feedback.0.overrideReason"),
    (item(overrideReason={"reason": "no"}), "feedback.0.overrideReason.reason"),
    (item(overrideReason={"reason": {"code": 1}}), "feedback.0.overrideReason.reason.code"),
    (item(overrideReason={"userComment": 1}), "feedback.0.overrideReason.userComment"),
]


@pytest.mark.parametrize(("bad", "where"), MALFORMED)
def test_malformed(bad: dict[str, Any], where: str) -> None:
    """#157 to #160: a malformed item is an error at the field, without what stood there."""
    with pytest.raises(BadRequest) as caught:
        parse(bad)
    assert caught.value.where == where
    with pytest.raises(BadRequest):
        parse(item(), bad, item())


@pytest.mark.parametrize("body", [{}, {"feedback": None}, {"feedback": {}}, {"feedback": [1]}])
def test_no_batch(body: dict[str, Any]) -> None:
    """#156: the body is an object with an array of objects."""
    with pytest.raises(BadRequest):
        read(body, most=10)


def test_too_many() -> None:
    """A batch of more items than the operator allows is a 413."""
    with pytest.raises(PayloadTooLarge, match="CDS_MAX_ENTRIES"):
        read({"feedback": [item()] * 3}, most=2)
