"""What SIGTERM does to requests under way, to idle connections, and to those who would come."""

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
import requests

from .conftest import VIEW, Served, Start, view

Slow = Callable[[float], str]
MARGIN = 4.0


def ask(server: Served, fhir: str) -> tuple[int, int]:
    """Send a call; return its status and the number of cards, or 0 where it was cut off."""
    try:
        answer = requests.post(f"{server.url}{VIEW}", json=view(fhir), timeout=30)
    except requests.ConnectionError:
        return 0, 0
    return answer.status_code, len(answer.json()["cards"])


def under_way(pool: ThreadPoolExecutor, server: Served, fhir: str) -> list[Future[tuple[int, int]]]:
    """Return calls that the server has begun to answer."""
    calls = [pool.submit(ask, server, fhir) for _ in range(4)]
    time.sleep(0.7)
    return calls


@pytest.mark.parametrize("workers", [1, 2])
def test_requests_under_way_are_answered(served: Start, ehr: Slow, workers: int) -> None:
    """What runs when SIGTERM comes is answered whole; nobody new gets in; the exit code is 0."""
    server = served(workers=workers, CDS_DEADLINE="20")
    fhir = ehr(2.0)
    with requests.Session() as idle, ThreadPoolExecutor(4) as pool:
        assert idle.get(f"{server.url}/healthz", timeout=5).ok
        calls = under_way(pool, server, fhir)
        begun = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.4)
        with pytest.raises(requests.ConnectionError):
            requests.get(f"{server.url}/healthz", timeout=5)
        assert not any(call.done() for call in calls)
        found = [call.result() for call in calls]
        assert server.process.wait(10) == 0
    assert [status for status, _ in found] == [200] * 4
    assert all(cards for _, cards in found)
    assert time.monotonic() - begun < 2.0 + MARGIN
    assert "is killed" not in server.log


@pytest.mark.parametrize("forced", [False, True])
def test_draining(served: Start, forced: bool) -> None:  # noqa: FBT001
    """While it drains it is not ready and answers all the same; a second signal ends that."""
    server = served(workers=2, CDS_DRAIN_SECONDS="60" if forced else "3")
    assert requests.get(f"{server.url}/readyz", timeout=5).status_code == 200
    server.process.send_signal(signal.SIGTERM)
    begun = time.monotonic()
    server.until(lambda: requests.get(f"{server.url}/readyz", timeout=5).status_code == 503)
    time.sleep(1.5)
    for _ in range(6):
        answer = requests.get(f"{server.url}/readyz", timeout=5)
        assert "stopping" in answer.json()["failing"]
        assert requests.post(f"{server.url}{VIEW}", json=view(), timeout=5).ok
    if forced:
        server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(MARGIN) == 0
    assert forced or time.monotonic() - begun >= 2.9


@pytest.mark.parametrize("workers", [1, 2])
def test_limit(served: Start, ehr: Slow, workers: int) -> None:
    """A request that takes longer than the limit is cut off, and the exit code is 0."""
    server = served(workers=workers, CDS_DEADLINE="30", CDS_SHUTDOWN_SECONDS="1")
    with ThreadPoolExecutor(4) as pool:
        calls = under_way(pool, server, ehr(9.0))
        begun = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(1 + MARGIN) == 0
        assert time.monotonic() - begun >= 0.9
        assert 1 <= server.log.count("is killed with the requests") <= workers
        assert [call.result() for call in calls] == [(0, 0)] * 4


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_second_signal(served: Start, ehr: Slow, second: signal.Signals) -> None:
    """A second signal does not wait for what runs."""
    server = served(workers=2, CDS_DEADLINE="30", CDS_SHUTDOWN_SECONDS="60")
    with ThreadPoolExecutor(4) as pool:
        calls = under_way(pool, server, ehr(9.0))
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        assert server.process.poll() is None
        server.process.send_signal(second)
        server.process.wait(MARGIN)
        assert [call.result() for call in calls] == [(0, 0)] * 4


def test_whole_group(served: Start, ehr: Slow) -> None:
    """Where the workers are told, too, as by systemd or Ctrl-C, it is no failure."""
    server = served(workers=2, CDS_DEADLINE="20")
    with ThreadPoolExecutor(4) as pool:
        calls = under_way(pool, server, ehr(1.5))
        os.killpg(server.process.pid, signal.SIGTERM)
        assert [status for status, _ in (call.result() for call in calls)] == [200] * 4
        assert server.process.wait(MARGIN) == 0


def test_while_starting(served: Start) -> None:
    """Workers that are just starting are stopped, too, and do not use up the limit."""
    server = served(workers=2, CDS_SHUTDOWN_SECONDS="60")
    for worker in server.worker_ids:
        os.kill(worker, signal.SIGKILL)
    time.sleep(0.05)
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(10) in {0, 1}


def test_main_process_killed(served: Start) -> None:
    """Workers whose main process is gone end, so that the next start finds the port free."""
    server = served(workers=2)
    workers = server.worker_ids
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait(5)
    end = time.monotonic() + 15
    while time.monotonic() < end and any(map(alive, workers)):
        time.sleep(0.1)
    assert not any(map(alive, workers))
    assert "the main process is gone" in server.log


def alive(pid: int) -> bool:
    """Return whether a process runs; a zombie does not."""
    try:
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123 - a kernel file
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
