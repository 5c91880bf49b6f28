"""Samples, and what is said of them."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

Call = Callable[[bytes], object]
_MILLI = 1000.0


@dataclass(slots=True)
class Samples:
    """What single calls took, in milliseconds of processor time and of the clock."""

    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)

    def summary(self) -> dict[str, float]:
        """Return medians, the quartiles of the processor time, and the slow end of the clock."""
        low, _, high = statistics.quantiles(self.cpu, n=4)
        return {
            "cpu": statistics.median(self.cpu),
            "low": low,
            "high": high,
            "p50": statistics.median(self.wall),
            "p95": statistics.quantiles(self.wall, n=20)[-1],
            "calls": len(self.cpu),
        }


def alternating(
    subjects: Mapping[str, Call], batches: Sequence[Sequence[bytes]]
) -> dict[str, Samples]:
    """Return the samples of each subject: all of them get each batch, one after another.

    The first batch warms up and is not counted; the order of the subjects turns with the batches.
    """
    samples = {name: Samples() for name in subjects}
    names = list(subjects)
    for turn, batch in enumerate(batches):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            call, kept = subjects[name], samples[name] if turn else Samples()
            for body in batch:
                wall, cpu = time.perf_counter(), time.process_time()
                call(body)
                kept.cpu.append((time.process_time() - cpu) * _MILLI)
                kept.wall.append((time.perf_counter() - wall) * _MILLI)
    return samples
