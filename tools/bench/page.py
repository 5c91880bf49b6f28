"""The results as tables, between the two marks of the page."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from . import targets

BEGIN, END = "<!-- measured -->", "<!-- end of measured -->"
Results = Mapping[str, Any]
_SERVERS = {
    "service": "cds-service",
    "bare": "bare Flask handler",
    "healthchain": "HealthChain, one static card",
}


def written(page: str, results: Results) -> str:
    """Return the page with the results in place of what stood between its marks."""
    text = "\n\n".join((BEGIN, *_parts(results), END))
    pattern = re.compile(re.escape(BEGIN) + ".*" + re.escape(END), re.DOTALL)
    if not pattern.search(page):
        raise ValueError(f"the page has no {BEGIN} with {END} after it")
    return pattern.sub(lambda _: text, page)


def _parts(results: Results) -> Iterator[str]:
    if results["quick"]:
        yield "**A quick run: few and short measurements, for trying the script alone.**"
    yield f"Measured on {results['date']}: {results['machine']}. {results['versions']}."
    yield "## Targets"
    yield _targets(tuple(targets.of(results)))
    yield from _sizes(results.get("sizes", {}), results.get("phases", {}))
    yield from _load(results.get("load", {}))
    yield from _reading(results.get("reading", {}))
    yield from _growth(results.get("growth", {}))
    yield from _footprint(results.get("footprint", {}))
    yield from _screening(results.get("screening", {}))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; all columns but the first are numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def number(value: float) -> str:
    """Return a number with as many digits as say something."""
    if value >= 100:  # noqa: PLR2004 - three digits
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"  # noqa: PLR2004 - as above


def _targets(found: Sequence[targets.Target]) -> str:
    rows = [
        (
            target.what,
            target.wanted,
            f"{number(target.measured)} {target.unit}",
            "reached" if target.reached else "**not reached**",
        )
        for target in found
    ]
    lines = [table(("Target", "Wanted", "Measured", ""), rows)]
    missed = {
        target.why: [t for t in found if t.why == target.why and not t.reached]
        for target in found
        if not target.reached
    }
    lines += [f"Not reached: {_how_far(of)}: {why}." for why, of in missed.items()]
    return "\n\n".join(lines)


def _how_far(missed: Sequence[targets.Target]) -> str:
    said = []
    for target in missed:
        if target.unit == "ms":
            said.append(f"{target.what[0].lower()}{target.what[1:]} ({number(target.measured)} ms)")
        else:
            far = target.limit / target.measured if target.least else target.measured / target.limit
            said.append(f"{target.what[0].lower()}{target.what[1:]} ({number(far)} times too far)")
    return "; ".join(said)


def _sizes(sizes: Results, phases: Results) -> Iterator[str]:
    if not sizes:
        return
    yield "## (a) One call, complete prefetch"
    yield (
        "Milliseconds of processor time within one process, medians over different charts; the "
        "quartiles stand beside them. *The same chart again* is one chart called many times."
    )
    yield table(
        ("Body", "cds-service", "bare Flask handler", "ratio", "the same chart again", "cards"),
        (
            (
                size,
                _spread(of["service"]),
                _spread(of["bare"]),
                number(of["service"]["cpu"] / of["bare"]["cpu"]),
                _spread(of["again"]),
                f"{of['cards']:g}",
            )
            for size, of in sizes.items()
        ),
    )
    yield "Milliseconds by the clock, and for comparison the prefetch validated by fhir.resources:"
    yield table(
        ("Body", "p50", "p95", "fhir.resources alone, processor", "ratio to the bare handler"),
        (
            (
                size,
                number(of["service"]["p50"]),
                number(of["service"]["p95"]),
                _spread(of["models"]),
                number(of["models"]["cpu"] / of["bare"]["cpu"]),
            )
            for size, of in sizes.items()
        ),
    )
    if phases:
        yield "Where the time of a call goes, in milliseconds; what is left is HTTP, log and store:"
        yield table(
            ("Body", "read", "evaluate", "render"),
            (
                (size, *(number(of[phase]) for phase in ("read", "evaluate", "render")))
                for size, of in phases.items()
            ),
        )


def _spread(of: Mapping[str, float]) -> str:
    return f"{number(of['cpu'])} ({number(of['low'])}–{number(of['high'])})"


def _load(load: Results) -> Iterator[str]:
    if not load:
        return
    yield "## (b) Under load"
    if "missing" in load:
        yield f"Not measured: {load['missing']}."
        return
    yield (
        "Requests a second (lowest and highest run beside the median) and milliseconds by the "
        "clock. Each server has two workers; the requests are of different charts."
    )
    rows = []
    for size, of_size in load.items():
        for connections, runs in of_size.items():
            for name, run in runs.items():
                rate = f"{number(run['rate'])} ({number(run['low'])}–{number(run['high'])})"
                rows.append(
                    (
                        f"{size}, {connections} connections, {_SERVERS[name]}",
                        rate,
                        *(number(run[which]) for which in ("p50", "p95", "p99")),
                        f"{run['errors']:g}",
                    )
                )
    yield table(("", "requests/s", "p50", "p95", "p99", "errors"), rows)
    if not any("healthchain" in runs for of in load.values() for runs in of.values()):
        yield "HealthChain could not be installed, and was not measured."


def _reading(reading: Results) -> Iterator[str]:
    if not reading:
        return
    yield "## (c) Without prefetch"
    yield "Milliseconds of a call by the milliseconds that the FHIR server takes for each search:"
    yield table(
        ("A search", "searches", "p50", "p95", "p50 beyond one search"),
        (
            (
                f"{delay} ms",
                f"{of['searches']}",
                number(of["p50"]),
                number(of["p95"]),
                number(of["p50"] - float(delay)),
            )
            for delay, of in reading.items()
        ),
    )


def _growth(growth: Results) -> Iterator[str]:
    if not growth:
        return
    yield "## (d) Growth"
    for name, points in growth.items():
        yield f"Milliseconds of processor time of a call, by {name}:"
        yield table(
            (name.capitalize(), "a call", f"for each of the {name}"),
            (
                (count, number(taken), f"{taken / int(count):.3f}")
                for count, taken in points.items()
            ),
        )


def _footprint(footprint: Results) -> Iterator[str]:
    if not footprint:
        return
    yield "## (e) Start and memory"
    rows = [(name, f"{of['median']:.2f}") for name, of in footprint["commands"].items()]
    rows.append(("cds-service serve, until /readyz answers", f"{footprint['serve']:.2f}"))
    yield table(("Command", "seconds"), rows)
    if "memory" in footprint:
        yield "MiB of the larger of two workers (PSS), by the calls that both have answered:"
        yield table(
            ("Calls", "MiB"),
            ((count, number(held)) for count, held in footprint["memory"].items()),
        )


def _screening(screening: Results) -> Iterator[str]:
    if not screening:
        return
    yield "## (f) Screening a population"
    yield table(
        ("", "processes", "patients/s", "patients/s of a core", "MiB of a process", "rows"),
        (
            (
                f"{name}: {of['patients']} patients, {of['resources']} resources",
                jobs,
                number(run["rate"]),
                number(run["core"]),
                number(run["memory"]),
                f"{run['rows']}",
            )
            for name, of in screening.items()
            for jobs, run in of["runs"].items()
        ),
    )
