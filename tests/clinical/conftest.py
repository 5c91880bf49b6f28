import functools
import os
from collections.abc import Generator, Iterator

import pytest

from cds_service.clinical import lens

from . import approved, charts


@pytest.fixture(scope="session", autouse=True)
def _each_text_is_read_once() -> Iterator[None]:
    """Keep what a text says for all tests: they share their texts, and reading is pure."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lens, "read", functools.cache(lens.read))
        yield


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
