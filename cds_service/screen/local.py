"""The engine for one machine: all cores, and memory that does not grow with the export."""

import itertools
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing.connection import wait as wait_for
from pathlib import Path
from typing import TypeVar

from cds_service.screen import reading, spill
from cds_service.screen.completeness import Completeness, completeness
from cds_service.screen.errors import ScreenError
from cds_service.screen.evaluation import Screening, screen
from cds_service.screen.inputs import Export, Slice
from cds_service.screen.intake import Intake
from cds_service.screen.sorting import reference_of
from cds_service.screen.spill import Record, Segment, Spill
from cds_service.screen.state import BucketDone, State, UnitDone
from cds_service.screen.tally import Problem

Task = TypeVar("Task")
Done = TypeVar("Done")

#: Bytes of input for one bucket of patients, and the most buckets.
BUCKET = 16 * 2**20
MOST_BUCKETS = 1024


class Progress:
    """What is being done, for people; says nothing."""

    def begin(self, what: str, total: int, done: int) -> None:
        """Begin ``what``, ``total`` units long, of which ``done`` are done."""

    def advance(self, amount: int) -> None:
        """Go on by an amount."""


def buckets_for(export: Export) -> int:
    """Return how many buckets the patients of an export are sorted into."""
    return max(1, min(MOST_BUCKETS, -(-export.weight // BUCKET)))


def read(export: Export, *, state: State, jobs: int, progress: Progress) -> Completeness:
    """Read what was not read yet, and return what of the export is not there."""
    units = dict(enumerate(export.units()))
    sizes = {unit: sum(map(export.size_of, slices)) for unit, slices in units.items()}
    done = state.units
    progress.begin("read", export.size, sum(sizes[unit] for unit in done))
    work = partial(_read, folder=state.folder, buckets=state.identity["buckets"])
    tasks = ((unit, slices) for unit, slices in units.items() if unit not in done)
    for result in parallel(work, tasks, jobs=jobs):
        state.add_unit(result)
        progress.advance(sizes[result.unit])
    return completeness(state.tally(), [file.name for file in export.files])


def evaluate(screening: Screening, *, state: State, jobs: int, progress: Progress) -> None:
    """Evaluate the patients that were not evaluated yet."""
    buckets = state.identity["buckets"]
    done = state.buckets
    progress.begin("evaluate", buckets, len(done))
    work = partial(
        _evaluate,
        folder=state.folder,
        buckets=buckets,
        deletions=state.deletions,
        screening=screening,
    )
    tasks = ((each, state.segments(each)) for each in range(buckets) if each not in done)
    for result in parallel(work, tasks, jobs=jobs):
        state.add_bucket(result)
        progress.advance(1)


# --- Reading --------------------------------------------------------------------------------


def _read(task: tuple[int, Sequence[Slice]], *, folder: Path, buckets: int) -> UnitDone:
    unit, slices = task
    out = Spill(folder, unit, buckets=buckets)
    intake = Intake(out.add)
    done = UnitDone(unit, intake.tally)
    for part in slices:
        pieces = reading.pieces(part.path, part.start, part.end)
        lines = intake.take(part.file, part.path.name, pieces)
        if part.end is not None:
            done.file, done.start, done.lines = part.file, part.start, lines
    out.flush()
    done.segments = out.segments
    if intake.deleted:
        done.deletions = f"{unit:06}-deleted"
        text = "".join(f"{reference}\n" for reference in intake.deleted)
        (folder / done.deletions).write_text(text, encoding="utf-8")
    return done


# --- Evaluating -----------------------------------------------------------------------------


def _evaluate(
    task: tuple[int, Sequence[Segment]],
    *,
    folder: Path,
    buckets: int,
    deletions: Sequence[str],
    screening: Screening,
) -> BucketDone:
    bucket, segments = task
    done = BucketDone(bucket)
    for group in spill.groups(folder, segments, buckets=buckets):
        deleted = _deleted(folder, deletions, group)
        for patient, records in group.items():
            verdict = screen(
                patient,
                (record.payload for record in records),
                screening=screening,
                deleted=deleted,
            )
            done.patients[verdict.outcome] += 1
            if verdict.row:
                done.rows.append(verdict.row)
            if verdict.problem:
                unit, file, line, _ = min(records)
                done.problems.append((unit, Problem(file, line, verdict.problem)))
    return done


def _deleted(
    folder: Path, deletions: Iterable[str], group: Mapping[str, Iterable[Record]]
) -> frozenset[str]:
    """Return the references of the group's resources that were deleted."""
    paths = tuple(deletions)
    if not paths:
        return frozenset()
    payloads = (record.payload for record in itertools.chain.from_iterable(group.values()))
    held = {name for payload in payloads if (name := reference_of(payload))}
    found: set[str] = set()
    for path in paths:
        with (folder / path).open(encoding="utf-8") as lines:
            found |= held.intersection(line.rstrip("\n") for line in lines)
    return frozenset(found)


# --- Processes ------------------------------------------------------------------------------


def parallel(work: Callable[[Task], Done], tasks: Iterable[Task], *, jobs: int) -> Iterator[Done]:
    """Yield what ``work`` gives for each task, as it comes; few tasks are held at a time.

    Raises :class:`ScreenError`.
    """
    if jobs == 1:
        yield from map(work, tasks)
        return
    remaining = iter(tasks)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=spawn, initializer=_begin_worker) as pool:
        running: set[Future[Done]] = set()
        try:
            while True:
                for task in itertools.islice(remaining, 2 * jobs - len(running)):
                    running.add(pool.submit(work, task))
                if not running:
                    return
                ready, running = wait(running, return_when=FIRST_COMPLETED)
                for future in ready:
                    yield future.result()
        except BrokenProcessPool:
            raise ScreenError(
                "A process ended unexpectedly, killed or out of memory. The same command goes on "
                "from here; with fewer --jobs it needs less memory."
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)


def _begin_worker() -> None:
    """Leave Ctrl-C to the parent, and end with it however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait_for([sentinel])
    os._exit(1)
