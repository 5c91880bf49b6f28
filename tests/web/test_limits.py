from typing import Any

import pytest

from cds_service.errors import BadRequest, PayloadTooLarge
from cds_service.web.messages import Limits, check_limits


def nested(levels: int, innermost: Any) -> Any:
    """Return JSON of so many levels, objects and arrays in turn; ``innermost`` is the last."""
    for level in range(levels - 1):
        innermost = [innermost] if level % 2 else {"a": 1, "b": innermost}
    return innermost


@pytest.mark.parametrize("innermost", [1, None, "text", {}, []])
def test_depth(innermost: Any) -> None:
    """Every value counts as a level, an empty one too; one more than allowed is refused."""
    check_limits(nested(7, innermost), Limits(depth=7))
    with pytest.raises(BadRequest, match="more than 7 levels"):
        check_limits(nested(8, innermost), Limits(depth=7))


@pytest.mark.parametrize("body", [{}, [], 1, None])
def test_one_level(body: Any) -> None:
    """What holds nothing is one level."""
    check_limits(body, Limits(depth=1))


def test_entries() -> None:
    """The entries of all Bundles count together, wherever the Bundles stand."""
    body = {"prefetch": {"a": {"entry": [1, {"resource": {"entry": [{}, {}]}}]}}, "entry": {}}
    check_limits(body, Limits(entries=4))
    with pytest.raises(PayloadTooLarge, match="more than 3 entries"):
        check_limits(body, Limits(entries=3))
