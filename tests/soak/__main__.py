"""The soak: ``python -m tests.soak --seconds 600``.

Mixed traffic to a real ``serve`` while it is reloaded, restarted and loses workers. In the second
half no process is disturbed, so that its memory can be measured. Exits 1 on any violation.
"""

# ruff: noqa: T201 - what it prints is what it is for
import argparse
import json
import random
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path

from ..postgresql import running as postgresql  # noqa: TID252 - a script, too
from .deck import Question, deal
from .ehrs import running
from .judge import Disturbance, Judge
from .nonsense import every
from .service import DEADLINE, Service
from .traffic import ACCESS_TOKEN, MIX, Traffic

_CLIENTS = 8
_DISTURBING = ("kill", "restart", "reload", "broken reload")
_LEAVING = ("reload", "broken reload")
#: Seconds between two of them: a worker that dies twice in six seconds ends the service.
_SHORTEST, _LONGEST = 7.0, 60.0
_SHOWN = 25


def main() -> int:
    """Run a soak; return the exit code."""
    given = _arguments()
    seed = random.SystemRandom().randrange(10**6) if given.seed is None else given.seed
    print(f"soak: {given.seconds:g} s, {given.workers} workers, {given.rate:g}/s, seed {seed}")
    judge = Judge()
    with ExitStack() as stack, tempfile.TemporaryDirectory(prefix="cds-soak-") as name:
        database = given.database
        if database == "postgresql":
            database = stack.enter_context(postgresql()).database()
        service = Service(Path(name), workers=given.workers, database=database)
        chance = random.Random(seed)  # noqa: S311 - to be repeated
        questions = deal(service.url, chance)
        print(f"{len(questions)} questions with their reference answers")
        charts = {each.case: each.chart for each in questions if each.chart}
        with running(charts, slow=DEADLINE + 3) as servers:
            service.configure(servers, charts)
            try:
                service.start()
                plain = next(each for each in questions if each.hook == "patient-view")
                nonsense = every(plain, service.keys)
                rate = given.rate / _CLIENTS
                traffic = Traffic(service, servers, questions, judge, nonsense, rate)
                disturbances, samples = _drive(traffic, given.seconds, seed)
                service.stop()
            finally:
                service.abandon()
        judge.look_for(MIX)
        judge.look_at_connections(disturbances)
        judge.look_at_stored(*service.remembered())
        judge.look_at_memory(samples)
        judge.look_at_log(service.log, (ACCESS_TOKEN, *_names(questions)))
        if any(service.exits):
            judge.violations[f"exit codes {service.exits}"] += 1
    _print(judge, disturbances, samples)
    if given.json:
        given.json.write_text(json.dumps(_as_json(judge, disturbances, seed), indent=2) + "\n")
    return int(bool(judge.violations))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rate", type=float, default=20.0, help="requests a second")
    parser.add_argument("--seed", type=int, help="of the choices; printed, to be repeated")
    parser.add_argument(
        "--database",
        help="postgresql, to have one started, or the address of an empty one; else SQLite",
    )
    parser.add_argument("--json", type=Path, help="write the result into this file, too")
    return parser.parse_args()


_Samples = dict[int, list[tuple[float, float]]]


def _drive(traffic: Traffic, seconds: float, seed: int) -> tuple[list[Disturbance], _Samples]:
    """Let the clients send, disturb, and measure; return what was done and measured."""
    threads = [
        threading.Thread(target=traffic.client, args=(seed + number,), daemon=True)
        for number in range(_CLIENTS)
    ]
    began = time.monotonic()
    samples: _Samples = defaultdict(list)
    disturbances: list[Disturbance] = []
    plan = _plan(seconds)
    next_at, kind = next(plan)
    for thread in threads:
        thread.start()
    try:
        while (now := time.monotonic() - began) < seconds:
            if now >= next_at:
                disturbances += _disturb(traffic.service, kind)
                next_at, kind = next(plan, (seconds, ""))
            if now >= seconds / 2:
                for pid, kilobytes in traffic.service.memory():
                    samples[pid].append((now, kilobytes))
            time.sleep(min(1.0, seconds / 60))
    finally:
        traffic.stop.set()
        for thread in threads:
            thread.join(60)
    return disturbances, samples


def _plan(seconds: float) -> Iterator[tuple[float, str]]:
    step = min(_LONGEST, max(_SHORTEST, seconds / 15))
    at = step
    for kind in cycle(_DISTURBING):
        if at + step > seconds / 2:
            break
        yield at, kind
        at += step
    for kind in cycle(_LEAVING):
        if at >= seconds - 1:
            return
        yield at, kind
        at += step


def _disturb(service: Service, kind: str) -> list[Disturbance]:
    print(f"  {kind}", flush=True)
    if kind == "restart":
        return [service.restart()]
    if kind == "kill":
        return [service.kill_worker()]
    service.reload(broken=kind == "broken reload")
    return []


def _names(questions: tuple[Question, ...]) -> set[str]:
    """Return the family names of all patients."""
    found = set()
    for each in questions:
        patient = (each.request.get("prefetch") or {}).get("patient") or {}
        found |= {str(name["family"]) for name in patient.get("name", ()) if name.get("family")}
    return found


def _print(judge: Judge, disturbances: list[Disturbance], samples: _Samples) -> None:
    kinds: dict[str, list[str]] = defaultdict(list)
    for (kind, status), count in sorted(judge.statuses.items()):
        kinds[kind].append(f"{status or 'broke off'}: {count}")
    for kind, counts in kinds.items():
        print(f"  {kind:12} {', '.join(counts)}")
    for each in disturbances:
        print(f"  {each.kind}: {each.ended - each.began:.1f} s")
    for pid, each in samples.items():
        sizes = [kilobytes / 1000 for _, kilobytes in each]
        print(f"  process {pid}: {sizes[0]:.0f} MB, then {sizes[-1]:.0f} MB, {len(each)} samples")
    print(f"  feedback acknowledged: {len(judge.acknowledged)}, cards received: {len(judge.cards)}")
    for violation, count in judge.violations.most_common(_SHOWN):
        print(f"VIOLATION {violation} ({count})")
    asked = sum(judge.statuses.values())
    wrong = sum(judge.violations.values())
    print(f"soak: {asked} requests, {wrong} violations")


def _as_json(judge: Judge, disturbances: list[Disturbance], seed: int) -> dict[str, object]:
    return {
        "seed": seed,
        "requests": {f"{kind} {status}": n for (kind, status), n in judge.statuses.items()},
        "disturbances": [each.kind for each in disturbances],
        "acknowledged": len(judge.acknowledged),
        "violations": dict(judge.violations),
    }


if __name__ == "__main__":
    sys.exit(main())
