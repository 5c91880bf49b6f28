import os
from collections.abc import Generator

import pytest

from . import approved, charts


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Compare, after a test has passed, the plans that it made with the approved ones."""
    charts.PLANS.clear()
    result = yield
    approved.check(item.path.stem, item.name, charts.PLANS)
    return result


def pytest_sessionfinish(exitstatus: int) -> None:
    """Write the plans where that was asked and every test has passed."""
    if os.environ.get(approved.WRITING) and exitstatus == 0:
        approved.write()
