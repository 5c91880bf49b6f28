"""Parts that wait at the same time are written at once, and each hears what came of it."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from cds_service.store.together import Together

Write = Callable[[Sequence[int]], None]


class Writer:
    """Writes numbers, the first batch not before it is allowed to."""

    def __init__(self, refused: int | None = None, error: type[Exception] = ValueError) -> None:
        """Take the number that makes a batch fail, and how."""
        self.batches: list[list[int]] = []
        self.begun = threading.Event()
        self.free = threading.Event()
        self._refused = refused
        self._error = error

    def __call__(self, parts: Sequence[int]) -> None:
        """Write a batch."""
        self.begun.set()
        self.free.wait(10)
        self.batches.append(list(parts))
        if self._refused in parts:
            raise self._error


def added(writer: Writer, parts: Sequence[int], **options: Any) -> dict[int, BaseException | None]:
    """Add the first part, and the others while it is being written; return the error of each."""
    together = Together(writer, seconds=10, **options)
    with ThreadPoolExecutor(len(parts)) as pool:
        futures = {parts[0]: pool.submit(together.add, parts[0])}
        assert writer.begun.wait(10)
        futures |= {part: pool.submit(together.add, part) for part in parts[1:]}
        while len(together._waiting) < len(parts) - 1:  # noqa: SLF001 - all are to wait
            pass
        writer.free.set()
        return {part: future.exception(10) for part, future in futures.items()}


def test_alone() -> None:
    """Whoever is alone waits for nobody."""
    writer = Writer()
    writer.free.set()
    together = Together(writer, seconds=1)
    together.add(1)
    together.add(2)
    assert writer.batches == [[1], [2]]


def test_at_once() -> None:
    """What waits while a batch is written is the next batch, whole."""
    writer = Writer()
    assert added(writer, range(8)) == dict.fromkeys(range(8))
    assert writer.batches[0] == [0]
    assert sorted(writer.batches[1]) == list(range(1, 8))
    assert len(writer.batches) == 2


def test_failure() -> None:
    """A failure is everybody's whose part was in it, and nobody else's."""
    errors = added(Writer(refused=3), range(5))
    assert errors[0] is None
    assert [type(errors[part]) for part in range(1, 5)] == [ValueError] * 4


def test_a_part_s_own_failure() -> None:
    """A part that cannot be written does not cost the others theirs."""
    writer = Writer(refused=3)
    errors = added(writer, range(5), own=(ValueError,))
    assert {part: type(error) for part, error in errors.items() if error} == {3: ValueError}
    assert sorted(map(tuple, writer.batches[2:])) == [(1,), (2,), (3,), (4,)]


def test_after_a_failure() -> None:
    """The next part is written as if nothing had been."""
    writer = Writer(refused=1)
    writer.free.set()
    together = Together(writer, seconds=1)
    with pytest.raises(ValueError):  # noqa: PT011 - the writer's own, without words
        together.add(1)
    together.add(2)
    assert writer.batches == [[1], [2]]


def test_no_turn() -> None:
    """Nobody waits without end for others; what was given is written when its turn comes."""
    writer = Writer()
    together = Together(writer, seconds=0.05)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(together.add, 1)
        assert writer.begun.wait(10)
        with pytest.raises(TimeoutError):
            together.add(2)
        writer.free.set()
        first.result(10)
    together.add(3)
    assert writer.batches == [[1], [2, 3]]
