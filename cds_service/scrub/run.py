"""A whole run: everything that was found, patient by patient, into a directory or a file."""

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import orjson
from rich.console import Console
from rich.progress import track

from cds_service.guideline import Guideline
from cds_service.observe.logs import place
from cds_service.replay.cases import Case, CaseError
from cds_service.replay.client import ChartError
from cds_service.replay.layout import dumps, load
from cds_service.replay.play import today_of
from cds_service.scrub import files
from cds_service.scrub.check import Judge
from cds_service.scrub.exports import Export, adopt, charts
from cds_service.scrub.files import Inputs
from cds_service.scrub.names import Found, Names
from cds_service.scrub.patient import Item, NoOffsetError, Report, Scrubbed, Scrubber

Json = dict[str, Any]
_Patient = TypeVar("_Patient")

_META = ("service", "status", "shadow", "versions", "seconds", "read_from_server")


@dataclass(slots=True)
class Outcome:
    """What came of a run."""

    report: Report = field(default_factory=Report)
    #: Where each case was written.
    written: list[tuple[Path, Path]] = field(default_factory=list)
    #: Patients whose lines of exports were written.
    patients: int = 0
    #: What was not written, and why, without patient data.
    failed: list[tuple[str, str]] = field(default_factory=list)
    left_out: list[tuple[Path, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a run is done."""

    #: Secret of the new names and, where ``same``, of the offsets.
    key: bytes
    #: Whether the next run with the key takes the same offsets.
    same: bool = False
    strict: bool = False
    #: Today, for what states none.
    today: dt.date | None = None


def run(source: Path, out: Path, *, guideline: Guideline, options: Options) -> Outcome:
    """Scrub a file or a directory into ``out``, which is a file only where ``source`` is one.

    What cannot be scrubbed with the same answers is not written. Raises ``OSError``.
    """
    found = files.find(source)
    outcome = Outcome(left_out=found.left_out)
    outcome.failed += [(str(error.path), error.reason) for error in found.broken]
    if not (found.cases or found.broken or found.exports):
        outcome.failed.append((str(source), "holds no capture, chart, request or export"))
    exports = [Export.read(path) for path in found.exports]
    work = _Work(_Target(source, out), outcome, options)
    work.prepare(found, exports, guideline)
    work.cases(found)
    work.exports(exports)
    return outcome


@dataclass(frozen=True, slots=True)
class _Target:
    """Where results go."""

    source: Path
    out: Path

    def at(self, path: Path) -> Path:
        """Return where the result of an input file goes, by its name of old."""
        if self.source.is_dir():
            return path.relative_to(self.source)
        return Path(self.out.name if self._is_file else path.name)

    @property
    def base(self) -> Path:
        """The directory of all results."""
        return self.out.parent if self._is_file else self.out

    @property
    def _is_file(self) -> bool:
        return self.source.is_file() and self.out.suffix in {".json", ".ndjson", ".jsonl"}


@dataclass(slots=True)
class _Work:
    """The state of a run."""

    target: _Target
    outcome: Outcome
    options: Options
    scrubber: Scrubber = field(init=False)

    def prepare(self, found: Inputs, exports: list[Export], guideline: Guideline) -> None:
        """Give everything its new name."""
        named = Found()
        for case in list(found.cases):
            try:
                named.add(_body(case))
            except RecursionError:
                found.cases.remove(case)
                self.outcome.failed.append((str(case.path), "is nested too deep"))
        for export in exports:
            for resource in list(export.resources):
                try:
                    named.add(resource)
                except RecursionError:
                    export.resources.remove(resource)
                    self.outcome.failed.append((str(export.path), "holds what is nested too deep"))
        self.scrubber = Scrubber(
            names=Names(named, key=self.options.key),
            judge=Judge(guideline),
            report=self.outcome.report,
            key=self.options.key if self.options.same else None,
            strict=self.options.strict,
        )

    def cases(self, found: Inputs) -> None:
        """Scrub the captures, requests and charts."""
        patients: dict[str, list[tuple[Case, Item]]] = {}
        for case in found.cases:
            try:
                item = self._item(case)
            except CaseError as error:
                self.outcome.failed.append((str(error.path), error.reason))
            else:
                patients.setdefault(case.patient_id, []).append((case, item))
        for patient, own in _progress(patients.items()):
            done = self._patient([item for _, item in own], patient)
            if isinstance(done, str):
                self.outcome.failed += [(str(case.path), done) for case, _ in own]
                continue
            for (case, _), scrubbed in zip(own, done, strict=True):
                self._write(case, scrubbed)

    def _patient(self, items: list[Item], patient: str) -> tuple[Scrubbed, ...] | str:
        """Return a patient's items scrubbed, or why they cannot be."""
        try:
            return self.scrubber.patient(items, patient)
        except NoOffsetError as error:
            return f"its answer would change ({error}); nothing was written of this patient"
        except CaseError as error:
            return error.reason
        except ChartError as error:
            return str(error)
        except Exception as error:  # noqa: BLE001 - one case must not take the others with it
            return f"unexpected {type(error).__name__} at {place(error.__traceback__)}"

    def _item(self, case: Case) -> Item:
        return Item(
            name=case.name,
            kind="chart" if case.store else "request",
            body=_body(case),
            today=today_of(case, None if case.expected else self.options.today),
            expected=case.expected,
        )

    def _write(self, case: Case, scrubbed: Scrubbed) -> None:
        old = self.target.at(case.path)
        new = files.renamed(old, text=scrubbed.text, offset=scrubbed.offset)
        path = self.target.base / new
        if new.name in {"chart.json", "request.json"}:
            path = files.free(path.parent) / new.name if new.parent.parts else path
        else:
            path = files.free(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        contents = {path: scrubbed.body, files.expectation_of(path): scrubbed.expected}
        if files.beside(case, "response.json") is not None and scrubbed.response is not None:
            contents[path.with_name("response.json")] = scrubbed.response
        meta = files.beside(case, "meta.json")
        if meta is not None:
            contents[path.with_name("meta.json")] = {
                name: meta[name] for name in _META if name in meta
            }
        for file, content in contents.items():
            file.write_text(dumps(content) + "\n", encoding="utf-8")
        self.outcome.written.append((case.path, path))

    def exports(self, exports: list[Export]) -> None:
        """Scrub the lines of exports, and write those whose patient's answers stay."""
        for export in exports:
            self.outcome.failed += [
                (f"{export.path}:{number}", "is no FHIR resource in JSON")
                for number in export.broken
            ]
            export.keep(self.outcome.report.dropped)
        adopt(exports)
        done: dict[str, list[Json]] = {}
        today = self.options.today or dt.datetime.now(tz=dt.UTC).date()
        for patient, item in _progress(charts(exports, today).items()):
            scrubbed = self._patient([item], patient)
            if isinstance(scrubbed, str):
                self.outcome.failed.append((item.name, scrubbed))
                continue
            done[patient] = [entry["resource"] for entry in scrubbed[0].body["entry"]]
            self.outcome.patients += 1
        for export in exports:
            self._write_lines(export, done)

    def _write_lines(self, export: Export, done: dict[str, list[Json]]) -> None:
        old = self.target.at(export.path)
        path = self.target.base / files.renamed(old.with_name(old.name.removesuffix(".gz")))
        path.parent.mkdir(parents=True, exist_ok=True)
        nobody = 0
        with path.open("wb") as file:
            for patient in export.owners:
                if patient is None:
                    nobody += 1
                elif patient in done:
                    file.write(orjson.dumps(done[patient].pop(0)) + b"\n")
        if nobody:
            self.outcome.left_out.append((export.path, f"{nobody} resources name no patient"))


def _progress(patients: Collection[_Patient]) -> Iterable[_Patient]:
    console = Console(stderr=True)
    if not console.is_terminal:
        return patients
    return track(patients, "scrub", console=console, transient=True)


def _body(case: Case) -> Json:
    return load(case.path.read_bytes())
