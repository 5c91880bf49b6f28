"""A run as JUnit XML, which build servers read: one test case for each case."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator

from cds_service.replay.change import Change
from cds_service.replay.layout import dumps
from cds_service.replay.outcome import Result
from cds_service.replay.report.model import Report
from cds_service.replay.report.words import brief, visible
from cds_service.replay.run import Entry

_SUITE = "cds-service replay"


def junit(report: Report) -> str:
    """Return the report as XML.

    With another version to compare with, a failure is a difference from it; else one from the
    expectation. An error is a case that could not be played.
    """
    compared = bool(report.against)
    cases = [_case(entry, compared=compared) for entry in report.entries]
    counts = {
        "tests": str(len(cases)),
        "failures": str(sum(case.find("failure") is not None for case in cases)),
        "errors": str(sum(case.find("error") is not None for case in cases)),
        "skipped": "0",
        "time": _seconds(sum(_time(entry) for entry in report.entries)),
    }
    totals = {key: counts[key] for key in ("tests", "failures", "errors", "time")}
    suites = ET.Element("testsuites", {"name": _SUITE, **totals})
    suite = ET.SubElement(suites, "testsuite", {"name": _SUITE, **counts})
    if compared:
        properties = ET.SubElement(suite, "properties")
        said = {"here": report.now, "there": report.against, "total": report.total()}
        said |= {f"note {place}": note for place, note in enumerate(report.remarks(), 1)}
        for name, value in said.items():
            ET.SubElement(properties, "property", {"name": name, "value": visible(value)})
    suite.extend(cases)
    ET.indent(suites)
    return f'<?xml version="1.0"?>\n{ET.tostring(suites, encoding="unicode")}'


def _case(entry: Entry, *, compared: bool) -> ET.Element:
    folder, _, file = entry.key.rpartition("/")
    case = ET.Element(
        "testcase",
        {
            "classname": visible(f"replay.{folder.replace('/', '.')}".rstrip(".")),
            "name": visible(file),
            "time": _seconds(_time(entry)),
        },
    )
    if entry.error:
        _outcome(case, "error", "could not be played", [entry.error.reason])
    changes = entry.comparison.changes if entry.comparison else ()
    # One outcome each: a case that cannot be played has its error alone.
    if changes and not entry.error:
        kinds = ", ".join(dict.fromkeys(change.kind for change in changes))
        _outcome(case, "failure", kinds, [_said(change) for change in changes])
    unexpected = list(_unexpected(entry))
    if unexpected and compared:
        text = "\n".join(["Differs from expected.json:", *unexpected])
        ET.SubElement(case, "system-out").text = visible(text)
    elif unexpected:
        _outcome(case, "failure", "differs from expected.json", unexpected)
    return case


def _outcome(case: ET.Element, kind: str, message: str, lines: list[str]) -> None:
    found = ET.SubElement(case, kind, {"message": visible(message), "type": visible(message)})
    found.text = visible("\n".join(lines))


def _said(change: Change) -> str:
    before, after = brief(change.before, change.after)
    said = f"{change.kind}: {change.where}"
    return f"{said}\n  there: {before or '-'}\n  here:  {after or '-'}" if before or after else said


def _unexpected(entry: Entry) -> Iterator[str]:
    result = entry.outcome if isinstance(entry.outcome, Result) else None
    for each in (result.differences or ()) if result else ():
        yield f"{each.where}\n  expected {dumps(each.expected)}\n  got      {dumps(each.actual)}"


def _time(entry: Entry) -> float:
    return entry.outcome.seconds if isinstance(entry.outcome, Result) else 0


def _seconds(value: float) -> str:
    return f"{value:.3f}"
