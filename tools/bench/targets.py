"""What was to be reached, and whether it was."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Results = Mapping[str, Any]

WORK = (
    "the service reads every record and every text of the chart in Python; the bare handler leaves "
    "all of it to a parser in C and looks at one word"
)
TURNS = (
    "a call takes as many times the processor time of a bare one, and calls that wait for a "
    "processor wait for each other"
)
SEARCHES = (
    "eight questions and eight answers are sent, parsed and read on one processor, and the last "
    "of them is waited for"
)
GROWTH = (
    "a record of a very large chart costs somewhat more, with the garbage collector switched off, "
    "too; what else it may be was not looked into"
)
CACHES = "what recurs in charts (codes, names, short phrases) is remembered up to fixed numbers"


@dataclass(frozen=True, slots=True)
class Target:
    """One target: the measured number, and what it may be at most or must be at least."""

    what: str
    measured: float
    limit: float
    #: The number is to be large.
    least: bool = False
    unit: str = "times"
    why: str = ""

    @property
    def reached(self) -> bool:
        """Whether the target is reached."""
        return self.measured >= self.limit if self.least else self.measured <= self.limit

    @property
    def wanted(self) -> str:
        """The limit in words."""
        return f"{'at least' if self.least else 'at most'} {self.limit:g} {self.unit}"


def of(results: Results) -> Iterator[Target]:
    """Yield the targets of issue and house, as far as they were measured."""
    yield from _processor(results.get("sizes", {}))
    yield from _load(results.get("load", {}))
    yield from _reading(results.get("reading", {}))
    yield from _growth(results.get("growth", {}))
    yield from _memory(results.get("footprint", {}).get("memory", {}))


def _processor(sizes: Results) -> Iterator[Target]:
    for size, of_size in sizes.items():
        yield Target(
            f"Processor time of a call of {size}, of the bare handler's",
            of_size["service"]["cpu"] / of_size["bare"]["cpu"],
            1.5 if size == "2 KB" else 1.0,
            why=WORK,
        )


def _load(load: Results) -> Iterator[Target]:
    least = {("20 KB", "8"): 3, ("200 KB", "8"): 4, ("20 KB", "64"): 4, ("200 KB", "64"): 6}
    for (size, connections), factor in least.items():
        runs = load.get(size, {}).get(connections)
        if not runs:
            continue
        at = f"{size} and {connections} connections"
        if "healthchain" in runs:
            yield Target(
                f"Requests a second at {at}, of HealthChain's with one static card",
                runs["service"]["rate"] / runs["healthchain"]["rate"],
                factor,
                least=True,
                why=WORK,
            )
        yield Target(
            f"p99 at {at}, of the bare handler's on the same server",
            runs["service"]["p99"] / runs["bare"]["p99"],
            1.5,
            why=TURNS,
        )


def _reading(reading: Results) -> Iterator[Target]:
    for delay, taken in reading.items():
        yield Target(
            f"Median latency without prefetch, beyond the {delay} ms of a search",
            taken["p50"] - float(delay),
            15,
            unit="ms",
            why=SEARCHES,
        )


def _growth(growth: Results) -> Iterator[Target]:
    for name, points in growth.items():
        counts = sorted(map(int, points))
        first, last = next(n for n in counts if n * 10 == counts[-1]), counts[-1]
        # Ten times as much, and a fifth for what larger heaps cost.
        yield Target(
            f"Processor time of a call with {last} {name}, of one with {first}",
            points[str(last)] / points[str(first)],
            12,
            why=GROWTH,
        )


def _memory(memory: Results) -> Iterator[Target]:
    counts = sorted(map(int, memory))
    warm = next((count for count in counts if count * 10 >= counts[-1]), 0)
    if warm:
        yield Target(
            f"Memory of a worker after {counts[-1]} calls, of that after {warm}",
            memory[str(counts[-1])] / memory[str(warm)],
            1.05,
            why=CACHES,
        )
