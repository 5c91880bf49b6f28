"""The metrics of the real server, summed over its workers."""

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .conftest import ROOT, SERVICE, Served
from .samples import samples

ID = SERVICE.rpartition("/")[2]
HOOK = "problem-list-item-create"


def test_sum_of_workers(serve: Callable[..., Served], tmp_path: Path) -> None:
    """Concurrent requests to two workers are counted exactly, whichever of them is asked."""
    served = serve("--workers", "2")
    (folder,) = tmp_path.glob("cds-service-metrics-*")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    with ThreadPoolExecutor(8) as pool:
        good = list(pool.map(lambda _: served.call()[0], range(40)))
        bad = list(pool.map(lambda _: served.post(SERVICE, {})[0], range(30)))
    assert (set(good), set(bad)) == ({200}, {400})
    for _ in range(6):
        text = served.get("/metrics")[1]
        assert samples(text, "cds_service_requests_total") == {
            ("call", HOOK, ID, "200"): 40,
            ("call", HOOK, ID, "400"): 30,
        }
        assert samples(text, "cds_service_cards_total")["warning", "act", "margin"] == 40
        assert samples(text, "cds_service_call_seconds_count")["total", ID] == 70
    assert len(list(folder.glob("counter_*.db"))) >= 2
    assert served.end() == 0
    assert not folder.exists()


def test_dead_worker(serve: Callable[..., Served], tmp_path: Path) -> None:
    """What a worker counted outlives it; the states that it was in do not."""
    served = serve()
    (folder,) = tmp_path.glob("cds-service-metrics-*")
    served.call()
    (worker,) = served.workers()
    stale = folder / f"gauge_livesum_{worker}.db"
    if not stale.exists():
        stale.write_bytes((folder / f"counter_{worker}.db").read_bytes())
    os.kill(worker, signal.SIGKILL)
    for _ in range(200):
        if served.workers() and worker not in served.workers():
            break
        time.sleep(0.1)
    served.wait()
    text = served.get("/metrics")[1]
    assert samples(text, "cds_service_requests_total") == {("call", HOOK, ID, "200"): 1}
    assert not stale.exists()
    served.call()
    text = served.get("/metrics")[1]
    assert samples(text, "cds_service_requests_total") == {("call", HOOK, ID, "200"): 2}


def test_new_configuration(serve: Callable[..., Served], tmp_path: Path) -> None:
    """A configuration that is taken over goes on counting where the one before was."""
    config = tmp_path / "cds.toml"
    config.write_text("max_body = 100000\n")
    served = serve(CDS_CONFIG=str(config))
    served.call()
    config.write_text("max_body = 100001\n")
    served.process.send_signal(signal.SIGHUP)
    for _ in range(100):
        if any(
            "new configuration" in line["event"]
            for line in served.lines()
            if "worker" in line["event"]
        ):
            break
        time.sleep(0.1)
    served.call()
    text = served.get("/metrics")[1]
    assert samples(text, "cds_service_requests_total") == {("call", HOOK, ID, "200"): 2}


def test_no_place(tmp_path: Path) -> None:
    """Where no directory can be made, the start ends with a line that says what to do."""
    code = (
        "import tempfile\n"
        "def fail(**_): raise FileNotFoundError('No usable temporary directory')\n"
        "tempfile.mkdtemp = fail\n"
        "from cds_service.cli import main\n"
        "main(['serve', '--port', '9378'])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=os.environ | {"CDS_AUTH": "off", "PYTHONPATH": str(ROOT)},
    )
    assert result.returncode == 1
    assert "TMPDIR" in result.stderr.splitlines()[-1]
