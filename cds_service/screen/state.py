"""How far a run has come, in a folder beside its output: an interrupted run goes on from there.

The folder holds patient data; its owner alone can read it, and it is removed at the end.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cds_service.screen.row import Row
from cds_service.screen.spill import Segment
from cds_service.screen.tally import Problem, Tally

Json = dict[str, Any]

_TABLES = """
CREATE TABLE identity (value TEXT NOT NULL);
CREATE TABLE units (unit INTEGER PRIMARY KEY, file INTEGER, start INTEGER, lines INTEGER);
CREATE TABLE segments (bucket INTEGER, path TEXT, start INTEGER, size INTEGER);
CREATE INDEX by_bucket ON segments (bucket);
CREATE TABLE counts (what TEXT, file INTEGER, name TEXT, count INTEGER,
                     PRIMARY KEY (what, file, name));
CREATE TABLE problems (unit INTEGER, file INTEGER, line INTEGER, reason TEXT, times INTEGER);
CREATE TABLE manifests (value TEXT);
CREATE TABLE deletions (path TEXT);
CREATE TABLE damaged (key TEXT PRIMARY KEY, reason TEXT);
CREATE TABLE buckets (bucket INTEGER PRIMARY KEY);
CREATE TABLE rows (patient TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
_FILE = "state.sqlite3"
#: The lines of a file before the range of it that is a unit.
_PROBLEMS = """
SELECT p.file,
       p.line + coalesce((SELECT sum(u.lines) FROM units u JOIN units own ON own.unit = p.unit
                          WHERE u.file = own.file AND u.start < own.start), 0),
       p.reason, p.times
FROM problems p ORDER BY 1, 2 IS NULL, 2, 3
"""
_COUNT = "INSERT INTO counts VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET count = count + ?"


class BusyError(Exception):
    """Another run works on the same output."""


@dataclass(slots=True)
class UnitDone:
    """What came of a unit of work; ``file``, ``start`` and ``lines`` of a part of a file."""

    unit: int
    tally: Tally
    segments: list[Segment] = field(default_factory=list)
    #: The file with references of deleted resources, if the unit had any.
    deletions: str | None = None
    file: int | None = None
    start: int = 0
    lines: int = 0
    size: int = 0


@dataclass(slots=True)
class BucketDone:
    """What came of a bucket of patients."""

    bucket: int
    rows: list[Row] = field(default_factory=list)
    #: The unit of each problem, and the problem.
    problems: list[tuple[int, Problem]] = field(default_factory=list)
    patients: Counter[str] = field(default_factory=Counter)


class State:
    """The state of one run, open in one process at a time."""

    def __init__(self, folder: Path, identity: Json, *, any_day: bool = False) -> None:
        """Go on with the run in ``folder`` if it is this one, else begin it.

        ``any_day``: go on with the day of the earlier run. Raises :class:`BusyError`.
        """
        self.folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._database = self._open()
        known = self._identity()
        #: Whether there is an earlier run, and whether it is this one.
        self.found = known is not None
        day = known.get("today") if known and any_day else identity["today"]
        self.resumed = known == {**identity, "today": day}
        self.identity = known if known and self.resumed else identity
        if not self.resumed:
            self._begin()

    def __enter__(self) -> Self:
        """Return the state."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it; how far the run has come stays."""
        self._database.close()

    def _open(self) -> sqlite3.Connection:
        database = sqlite3.connect(self.folder / _FILE, timeout=0)
        try:
            database.execute("PRAGMA locking_mode = EXCLUSIVE")
            database.execute("BEGIN EXCLUSIVE")
            database.commit()
        except sqlite3.OperationalError:
            database.close()
            raise BusyError from None
        except sqlite3.DatabaseError:  # not one of ours: begin anew
            database.close()
            (self.folder / _FILE).unlink()
            return self._open()
        return database

    def _begin(self) -> None:
        """Forget the earlier run; the file stays, and with it the lock."""
        for path in self.folder.iterdir():
            if not path.name.startswith(_FILE):
                path.unlink()
        tables = self._database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        for (name,) in tables.fetchall():
            self._database.execute(f'DROP TABLE "{name}"')
        self._database.executescript(_TABLES)
        with self._database as database:
            database.execute("INSERT INTO identity VALUES (?)", [json.dumps(self.identity)])

    def _identity(self) -> Json | None:
        try:
            found = self._database.execute("SELECT value FROM identity").fetchone()
        except sqlite3.OperationalError:  # no table yet
            return None
        return json.loads(found[0]) if found else None

    # --- Reading the export ---

    @property
    def units(self) -> set[int]:
        """The units of work that are done."""
        return {unit for (unit,) in self._database.execute("SELECT unit FROM units")}

    def add_unit(self, done: UnitDone) -> None:
        """Remember what came of a unit, all or nothing."""
        tally = done.tally
        with self._database as database:
            database.execute(
                "INSERT INTO units VALUES (?, ?, ?, ?)",
                [done.unit, done.file, done.start, done.lines],
            )
            database.executemany("INSERT INTO segments VALUES (?, ?, ?, ?)", done.segments)
            database.executemany(
                "INSERT INTO problems VALUES (?, ?, ?, ?, ?)",
                [(done.unit, *problem) for problem in tally.all_problems()],
            )
            database.executemany(
                "INSERT INTO manifests VALUES (?)",
                [[json.dumps(manifest)] for manifest in tally.manifests],
            )
            database.executemany(
                "INSERT OR REPLACE INTO damaged VALUES (?, ?)", tally.damaged.items()
            )
            if done.deletions:
                database.execute("INSERT INTO deletions VALUES (?)", [done.deletions])
            self._count("type", ((0, name, n) for name, n in tally.types.items()))
            self._count("note", ((file, why, n) for (file, why), n in tally.notes.items()))
            self._count("fhir", ((file, "", 1) for file in tally.fhir))

    def _count(self, what: str, counts: Iterable[tuple[int, str, int]]) -> None:
        self._database.executemany(_COUNT, [(what, *count, count[-1]) for count in counts])

    def tally(self) -> Tally:
        """Return what all units and buckets that are done have found together."""
        tally = Tally()
        read = self._database.execute
        for what, file, name, count in read("SELECT * FROM counts ORDER BY 1, 2, 3"):
            match what:
                case "type":
                    tally.types[name] = count
                case "note":
                    tally.notes[file, name] = count
                case "fhir":
                    tally.fhir.add(file)
        tally.problems = [Problem(*row) for row in read(_PROBLEMS)]
        tally.manifests = [json.loads(value) for (value,) in read("SELECT value FROM manifests")]
        tally.damaged = dict(read("SELECT key, reason FROM damaged"))
        return tally

    @property
    def deletions(self) -> list[str]:
        """The files with references of deleted resources."""
        return [path for (path,) in self._database.execute("SELECT path FROM deletions")]

    # --- Evaluating the patients ---

    def segments(self, bucket: int) -> list[Segment]:
        """Return where the records of a bucket are."""
        found = self._database.execute("SELECT * FROM segments WHERE bucket = ?", [bucket])
        return [Segment(*row) for row in found]

    @property
    def buckets(self) -> set[int]:
        """The buckets that are done."""
        return {bucket for (bucket,) in self._database.execute("SELECT bucket FROM buckets")}

    def add_bucket(self, done: BucketDone) -> None:
        """Remember what came of a bucket, all or nothing."""
        with self._database as database:
            database.execute("INSERT INTO buckets VALUES (?)", [done.bucket])
            database.executemany(
                "INSERT INTO rows VALUES (?, ?)",
                [(row["patient"], json.dumps(row)) for row in done.rows],
            )
            database.executemany(
                "INSERT INTO problems VALUES (?, ?, ?, ?, ?)",
                [(unit, *problem) for unit, problem in done.problems],
            )
            self._count("patients", ((0, name, n) for name, n in done.patients.items()))

    @property
    def patients(self) -> Counter[str]:
        """How many patients became what."""
        query = "SELECT name, count FROM counts WHERE what = 'patients'"
        return Counter(dict(self._database.execute(query)))

    def rows(self) -> Iterator[Row]:
        """Yield all rows in the order of the patients' ids."""
        for (value,) in self._database.execute("SELECT value FROM rows ORDER BY patient"):
            yield json.loads(value)
