"""The bench: its patients are varied and always the same, and its page says what was measured."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from cds_service import hooks
from cds_service.chart import classify
from cds_service.engine import Engine
from cds_service.guideline import load
from cds_service.hooks.base import PREFETCH
from cds_service.settings import Settings
from tools.bench import bare, inprocess, page, patients, targets, timing

ROOT = Path(__file__).parents[2]
VIEW = next(service for service in hooks.services() if service.hook == "patient-view")
ENGINE = Engine(Settings(auth="off", today=patients.TODAY), load())


def summary(cpu: float) -> dict[str, float]:
    """Return what is said of samples."""
    return {"cpu": cpu, "low": cpu, "high": cpu, "p50": cpu, "p95": cpu, "calls": 1}


def run(rate: float, p99: float = 1.0) -> dict[str, float]:
    """Return what is said of runs under load."""
    return {
        **dict.fromkeys(("rate", "low", "high"), rate),
        **dict.fromkeys(("p50", "p95", "p99"), p99),
        "errors": 0,
    }


def results(**parts: Any) -> dict[str, Any]:
    """Return results as the script keeps them."""
    head = {"date": "2026-12-01", "quick": False, "machine": "a machine", "versions": "some"}
    return head | parts


# --- The patients ---


@pytest.mark.parametrize("size", [2_000, 20_000, 200_000])
def test_requests(size: int) -> None:
    """Requests are of about the size that was asked for, and are answered with cards."""
    bodies = patients.requests(size, 6)
    assert len(set(bodies)) == 6
    assert all(0.9 < len(body) / size < 1.3 for body in bodies)
    answers = [ENGINE.work(VIEW, VIEW.read(json.loads(body))) for body in bodies]
    assert sum(bool(answer.response.cards) for answer in answers) >= 4
    assert not any(answer.evaluated.chart.unread for answer in answers if answer.evaluated)


def test_the_same_ones() -> None:
    """The patients are the same in every run."""
    again = [sys.executable, "-c", "from tools.bench import patients as p; "]
    again[-1] += "import sys; sys.stdout.buffer.write(p.requests(20_000, 3)[2])"
    done = subprocess.run(again, cwd=ROOT, capture_output=True, check=True)
    assert done.stdout == patients.requests(20_000, 3)[2]


def test_nothing_is_shared_but_words() -> None:
    """No id and no text of a report is that of another patient."""
    charts = [patients.chart(number, size=30_000).resources for number in (5, 10)]
    ids, others = ({resource["id"] for resource in chart} for chart in charts)
    assert not ids & others


def test_well_formed() -> None:
    """The resources are such as the reader has nothing to say of."""
    body = json.loads(patients.requests(200_000, 1)[0])
    found = ENGINE.work(VIEW, VIEW.read(body)).evaluated
    assert found
    assert not [issue for issue in found.chart.issues if issue.effect == "dropped"]
    assert all(classify(key, body["prefetch"][key]) for key in PREFETCH)


def test_tumours() -> None:
    """Every tumour that is added brings records of its own."""
    patient = patients.Patient(1)
    before = len(patient.resources)
    for place in (1, 2):
        patient.add_tumour(place)
    assert len({resource["id"] for resource in patient.resources}) == len(patient.resources)
    assert len(patient.resources) > before + 6


def test_population() -> None:
    """In two hundred one has the tumour; the others' charts are as long."""
    people = list(patients.population(3))
    named = ["leiomyosarcoma" in json.dumps(each.resources).lower() for each in people]
    assert named == [True, False, False]
    assert all(40 <= len(each.resources) <= 400 for each in people)


# --- Measuring ---


def test_alternating() -> None:
    """Everybody gets every batch, in turn, and the first batch does not count."""
    order: list[str] = []
    subjects = {name: (lambda _, name=name: order.append(name)) for name in "ab"}
    samples = timing.alternating(subjects, [[b"1"], [b"2", b"3"], [b"4"]])
    assert "".join(order) == "ab" + "bbaa" + "ab"
    assert [len(samples[name].cpu) for name in "ab"] == [3, 3]


def test_a_call_must_be_answered() -> None:
    """A handler that refuses is no subject of a measurement."""
    call = inprocess.calling(bare.app, inprocess.BARE)
    assert len(json.loads(call(b'{"hook": "patient-view"}'))["cards"]) == 6
    with pytest.raises(RuntimeError, match="400"):
        call(b'{"hook": "order-sign"}')


def test_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service, the bare handler and the models are measured on the same charts."""
    monkeypatch.setattr(inprocess, "SIZES", {"2 KB": 2_000})
    monkeypatch.setattr(inprocess, "_amount", lambda _, *, quick: (2, 3 + quick))
    # They set up a process of the bench's own.
    monkeypatch.setattr(inprocess.logs, "configure", lambda _: None)
    monkeypatch.setattr(inprocess.memory, "settle", lambda: None)
    found = inprocess.sizes(quick=False)["2 KB"]
    assert {name: found[name]["calls"] for name in ("service", "bare", "models", "again")} == (
        dict.fromkeys(("service", "bare", "models", "again"), 3)
    )
    assert found["service"]["cpu"] > found["bare"]["cpu"] > 0


# --- The page ---


@pytest.mark.parametrize(
    ("service", "reached"), [((1.5, 1.0), [True, True]), ((1.6, 1.1), [False, False])]
)
def test_processor_targets(service: Sequence[float], reached: list[bool]) -> None:
    """A call may cost one and a half of the bare handler's at 2 KB, and as much above."""
    sizes = {
        name: {"service": summary(cpu), "bare": summary(1.0)}
        for name, cpu in zip(("2 KB", "20 KB"), service, strict=True)
    }
    assert [target.reached for target in targets.of(results(sizes=sizes))] == reached


def test_load_targets() -> None:
    """Throughput is compared with HealthChain's, p99 with the bare handler's."""
    runs = {"service": run(30, 1.6), "bare": run(100), "healthchain": run(10)}
    found = list(targets.of(results(load={"20 KB": {"8": runs, "64": runs}})))
    assert [(target.measured, target.reached) for target in found] == [
        (3.0, True),
        (1.6, False),
        (3.0, False),
        (1.6, False),
    ]
    alone = {"service": run(30), "bare": run(100)}
    assert len(list(targets.of(results(load={"200 KB": {"8": alone}})))) == 1
    assert not list(targets.of(results(load={"missing": "wrk is not installed"})))


def test_other_targets() -> None:
    """Latency beyond a search, growth and memory have limits of their own."""
    found = targets.of(
        results(
            reading={"100": {"p50": 114.0}, "500": {"p50": 516.0}},
            growth={"resources": {"10": 1.0, "100": 5.0, "1000": 61.0}},
            footprint={"memory": {"0": 50.0, "5000": 60.0, "11000": 61.0, "100000": 64.0}},
        )
    )
    assert [(target.measured, target.reached) for target in found] == [
        (14.0, True),
        (16.0, False),
        (12.2, False),
        (64 / 61, True),
    ]


def test_page() -> None:
    """The tables stand between the marks; what is not reached says how far and why."""
    sizes = {
        "20 KB": {
            **{name: summary(cpu) for name, cpu in (("service", 3.0), ("bare", 1.0))},
            **{name: summary(2.0) for name in ("models", "again")},
            "cards": 1.0,
        }
    }
    text = page.written(f"before\n{page.BEGIN}\nold\n{page.END}\nafter\n", results(sizes=sizes))
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "old" not in text
    assert "| at most 1 times | 3.00 times | **not reached** |" in text
    assert f"(3.00 times too far): {targets.WORK}." in text
    assert page.written(text, results(sizes=sizes)) == text
    with pytest.raises(ValueError, match="no <!-- measured -->"):
        page.written("no marks", results())


def test_what_is_missing_is_said() -> None:
    """Without the load generator, or without HealthChain, the page says so."""
    marks = f"{page.BEGIN}{page.END}"
    missing = page.written(marks, results(load={"missing": "wrk is not installed"}))
    assert "Not measured: wrk is not installed." in missing
    alone = page.written(marks, results(load={"20 KB": {"8": {"service": run(1), "bare": run(2)}}}))
    assert "HealthChain could not be installed" in alone


def test_the_page_has_its_marks() -> None:
    """The page of the documentation is such as the script can write into."""
    text = (ROOT / "docs" / "performance.md").read_text("utf-8")
    assert page.BEGIN in page.written(text, results())


@pytest.mark.skipif(not os.environ.get("BENCH"), reason="takes two minutes; BENCH=1 runs it")
def test_quick_run(tmp_path: Path) -> None:
    """The whole script runs from end to end."""
    command = ["make", "bench", "BENCH_QUICK=1", f"BENCH={tmp_path}"]
    subprocess.run(command, cwd=ROOT, check=True)
    written = (tmp_path / "performance.md").read_text("utf-8")
    for part in "abcdef":
        assert f"## ({part})" in written
    assert json.loads((tmp_path / "results.json").read_text("utf-8"))["quick"]
