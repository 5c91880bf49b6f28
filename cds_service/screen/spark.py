"""The engine for many machines: the same reading, sorting and evaluation, on Apache Spark.

Lines of NDJSON are read by Spark's text source, which cuts large files; whatever else there is
comes as whole files. Every machine needs this package, pandas and pyarrow.
"""

import datetime as dt
import functools
import importlib.util
import io
import itertools
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import orjson

from cds_service.guideline import Guideline
from cds_service.screen import reading
from cds_service.screen.completeness import completeness
from cds_service.screen.errors import ScreenError
from cds_service.screen.evaluation import Screening, screen
from cds_service.screen.inputs import Export, File
from cds_service.screen.intake import Add, Intake
from cds_service.screen.output import Output
from cds_service.screen.reading import Piece
from cds_service.screen.report import Report
from cds_service.screen.row import COLUMNS, Row
from cds_service.screen.sorting import reference_of
from cds_service.screen.tally import FOREIGN, Problem, Tally

if TYPE_CHECKING:
    from pandas import DataFrame as Frame
    from pyspark.errors import PySparkException
    from pyspark.sql import DataFrame, SparkSession

_LINES = re.compile(r"\.(ndjson|jsonl)$", re.IGNORECASE)
_JAVA = 17
#: Set where somebody else says which Spark it is: spark-submit, or its arguments.
_CHOSEN = ("PYSPARK_GATEWAY_PORT", "PYSPARK_SUBMIT_ARGS")
#: A record, or with another ``what`` a part of a tally.
_FOUND = (
    "what string, patient string, payload binary, name string, file int, line int, reason string,"
    " count long"
)
_NAMES = tuple(part.split()[0] for part in _FOUND.split(","))
_VERDICT = "outcome string, problem string, file int, line int, " + ", ".join(
    f"{column.name} {'int' if column.number else 'string'}" for column in COLUMNS
)
_Taker = Callable[[Iterable["Frame"]], Iterator["Frame"]]
#: Records that are handed to Spark at once.
_BATCH = 2_000


@contextmanager
def session(jobs: int | None) -> Iterator["SparkSession"]:
    """Give the session that there is, or for a while one of our own.

    It is on this machine, with ``jobs`` cores, unless the environment names a cluster.

    Raises :class:`ScreenError`.
    """
    if not all(map(importlib.util.find_spec, ("pyspark", "pandas", "pyarrow"))):
        raise ScreenError(
            "Spark needs the extra spark: pip install 'pyspark[sql]>=4,<5' 'pandas>=2.2,<3'."
        )
    from pyspark.sql import SparkSession  # noqa: PLC0415 - an extra

    active = SparkSession.getActiveSession()
    if active:
        yield active
        return
    home = os.environ.get("JAVA_HOME")
    if not shutil.which("java", path=f"{home}/bin" if home else None):
        raise ScreenError(f"Spark needs Java {_JAVA} or later. Install it, or set JAVA_HOME.")
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("cds-service screen")
    if not any(name in os.environ for name in _CHOSEN):
        cores = jobs or os.cpu_count() or 1
        builder = (
            builder.master(f"local[{cores}]")
            .config("spark.ui.enabled", "false")
            .config("spark.ui.showConsoleProgress", str(sys.stderr.isatty()).lower())
            .config("spark.sql.shuffle.partitions", str(4 * cores))
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
        )
    own = builder.getOrCreate()
    own.sparkContext.setLogLevel("ERROR")
    try:
        yield own
    finally:
        own.stop()


def run(
    spark: "SparkSession", root: str, output: Output, *, guideline: Guideline, today: dt.date
) -> Report:
    """Screen the export at a path or address that Spark can read; write rows and report.

    Raises :class:`ScreenError`.
    """
    from pyspark.errors import PySparkException  # noqa: PLC0415 - an extra

    try:
        return _run(spark, root, output, guideline, today)
    except PySparkException as error:
        raise ScreenError(f"Spark could not finish: {_short(error)}.") from error


def _run(
    spark: "SparkSession", root: str, output: Output, guideline: Guideline, today: dt.date
) -> Report:
    from pyspark import StorageLevel  # noqa: PLC0415 - an extra

    listing = _list(spark, root)
    found = listing.read(spark).persist(StorageLevel.DISK_ONLY)
    tally = _tally(found)
    for file in listing.export.files:
        named = reading.type_named(PurePosixPath(file.name).name)
        if named and not file.size:
            tally.types[named] += 0
    if not tally.types and all(problem.reason == FOREIGN for problem in tally.problems):
        raise ScreenError(f"{root} holds no FHIR resource.")
    complete = completeness(tally, [file.name for file in listing.export.files])
    screening = Screening(today=today, guideline=guideline, lacking=complete.lacking)
    verdicts = _verdicts(found, screening).persist(StorageLevel.DISK_ONLY)
    failed = verdicts.where("outcome = 'failed'").orderBy("file", "line", "problem")
    tally.problems += [
        Problem(row.file, row.line or None, row.problem) for row in failed.toLocalIterator()
    ]
    report = Report(
        export=listing.export,
        engine="spark",
        screening=screening,
        tally=tally,
        missing=complete.problems,
        patients={
            row["outcome"]: row["count"] for row in verdicts.groupBy("outcome").count().collect()
        },
    )
    output.write(_rows(verdicts), report.as_json())
    verdicts.unpersist()
    found.unpersist()
    return report


# --- Files ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Listing:
    """The files of an export, and how Spark names each."""

    export: Export
    addresses: tuple[str, ...]

    def read(self, spark: "SparkSession") -> "DataFrame":
        """Return what all files hold, as records and parts of a tally."""
        from pyspark.sql import functions as f  # noqa: PLC0415 - an extra

        numbers = {_plain(address): number for number, address in enumerate(self.addresses)}
        names = [PurePosixPath(file.name).name for file in self.export.files]
        lines: list[str] = []
        wholes: list[str] = []
        for file, address in zip(self.export.files, self.addresses, strict=True):
            cut = _LINES.search(file.name) and not file.compressed
            if file.size:
                (lines if cut else wholes).append(_escaped(address))
        frames = []
        if lines:
            # As bytes: what is not UTF-8 is to be a problem of its line, and not of the run.
            text = spark.read.text(lines).select(
                f.col("value").cast("binary").alias("raw"),
                f.col("_metadata.file_path").alias("path"),
            )
            frames.append(text.mapInPandas(_lines_taker(numbers, names), _FOUND))
        if wholes:
            files = spark.read.format("binaryFile").load(wholes).select("content", "path")
            frames.append(files.mapInPandas(_files_taker(numbers, names), _FOUND))
        empty = spark.createDataFrame([], _FOUND)
        return functools.reduce(lambda one, other: one.unionByName(other), frames, empty)


def _list(spark: "SparkSession", root: str) -> _Listing:
    from pyspark.errors import PySparkException  # noqa: PLC0415 - an extra

    reader = spark.read.format("binaryFile").option("recursiveFileLookup", "true")
    try:
        files = reader.load(_escaped(root))
        names = [unquote(address) for address in files.inputFiles()]
        # Of empty files Spark gives no row.
        rows = files.select("path", "length").collect()
    except PySparkException as error:
        raise ScreenError(f"{root} cannot be read by Spark: {_short(error)}.") from None
    if not names:
        raise ScreenError(f"{root} holds no file. An export has .ndjson or .json files.")
    sizes = {_plain(row.path): row.length for row in rows}
    base = _plain(root if "://" in root else str(Path(root).absolute())).rstrip("/")
    named = sorted((_name(address, base), address) for address in names)
    return _Listing(
        Export(
            Path(root),
            tuple(
                File(
                    name,
                    Path(name),
                    sizes.get(_plain(address), 0),
                    0,
                    compressed=_is_compressed(address),
                )
                for name, address in named
            ),
        ),
        tuple(address for _, address in named),
    )


def _short(error: "PySparkException") -> str:
    """Return what kind of error it is; the rest is in Spark's own lines."""
    return error.getCondition() or type(error).__name__


def _name(address: str, base: str) -> str:
    plain = _plain(address)
    return plain.removeprefix(f"{base}/") if plain != base else PurePosixPath(plain).name


def _plain(address: str) -> str:
    """Return an address of a local file as its path; Spark writes them in several ways."""
    return re.sub(r"^file:/+", "/", address)


def _escaped(address: str) -> str:
    """Return an address in which nothing is a pattern."""
    return re.sub(r"([\\*?\[\]{}])", r"\\\1", address)


def _is_compressed(address: str) -> bool:
    """Return whether a file is compressed: by content on this machine, by name elsewhere."""
    plain = _plain(address)
    try:
        return reading.is_compressed(Path(plain))
    except OSError:
        return plain.lower().endswith(".gz")


# --- Reading, on the workers ----------------------------------------------------------------


def _lines_taker(numbers: Mapping[str, int], names: list[str]) -> _Taker:
    def take(batches: Iterable["Frame"]) -> Iterator["Frame"]:
        for batch in batches:
            rows: list[tuple[Any, ...]] = []
            intake = Intake(_adder(rows))
            lines = zip(batch["path"], batch["raw"], strict=True)
            for path, group in itertools.groupby(lines, key=lambda line: line[0]):
                number = numbers[_plain(unquote(path))]
                # Spark tells no line.
                pieces = (Piece(0, raw) for _, each in group if (raw := _stripped(each)))
                intake.take(number, names[number], pieces)
            yield _frame([*rows, *_told(intake)])

    return take


def _stripped(raw: bytes) -> bytes:
    return raw.removeprefix(b"\xef\xbb\xbf").strip()


def _files_taker(numbers: Mapping[str, int], names: list[str]) -> _Taker:
    def take(batches: Iterable["Frame"]) -> Iterator["Frame"]:
        for batch in batches:
            for path, content in zip(batch["path"], batch["content"], strict=True):
                rows: list[tuple[Any, ...]] = []
                intake = Intake(_adder(rows))
                number = numbers[_plain(path)]
                name = names[number]
                intake.take(number, name, reading.pieces_of(io.BytesIO(content), name))
                rows += _told(intake)
                for start in range(0, len(rows), _BATCH):
                    yield _frame(rows[start : start + _BATCH])

    return take


def _adder(rows: list[tuple[Any, ...]]) -> Add:
    def add(patient: str, payload: bytes, file: int, line: int) -> None:
        rows.append(("record", patient, payload, reference_of(payload), file, line, None, 1))

    return add


def _told(intake: Intake) -> Iterator[tuple[Any, ...]]:
    """Yield a tally as rows."""
    tally = intake.tally
    for kind, count in tally.types.items():
        yield ("type", None, None, kind, None, None, None, count)
    for file, line, reason, times in tally.all_problems():
        yield ("problem", None, None, None, file, line, reason, times)
    for (file, reason), count in tally.notes.items():
        yield ("note", None, None, None, file, None, reason, count)
    for file in tally.fhir:
        yield ("fhir", None, None, None, file, None, None, 1)
    for manifest in tally.manifests:
        yield ("manifest", None, orjson.dumps(manifest), None, None, None, None, 1)
    for key, reason in tally.damaged.items():
        yield ("damaged", None, None, key, None, None, reason, 1)
    for reference in intake.deleted:
        yield ("deleted", None, None, reference, None, None, None, 1)


def _frame(rows: list[tuple[Any, ...]]) -> "Frame":
    import pandas as pd  # noqa: PLC0415 - an extra

    frame = pd.DataFrame(rows, columns=list(_NAMES), dtype=object)
    return frame.astype({"file": "Int32", "line": "Int32", "count": "int64"})


# --- The driver -----------------------------------------------------------------------------


def _tally(found: "DataFrame") -> Tally:
    from pyspark.sql import functions as f  # noqa: PLC0415 - an extra

    tally = Tally()
    told = (
        found.where("what NOT IN ('record', 'deleted')")
        .groupBy("what", "payload", "name", "file", "line", "reason")
        .agg(f.sum("count").alias("count"))
        .orderBy("file", "line", "reason")
    )
    for row in told.toLocalIterator():
        match row["what"]:
            case "type":
                tally.types[row["name"]] += row["count"]
            case "problem":
                line = row["line"] or None
                tally.problems.append(Problem(row["file"], line, row["reason"], row["count"]))
            case "note":
                tally.notes[row["file"], row["reason"]] += row["count"]
            case "fhir":
                tally.fhir.add(row["file"])
            case "manifest":
                tally.manifests.append(orjson.loads(row["payload"]))
            case "damaged":
                tally.damaged[row["name"]] = row["reason"]
    return tally


def _verdicts(found: "DataFrame", screening: Screening) -> "DataFrame":
    from pyspark.sql import functions as f  # noqa: PLC0415 - an extra

    records = found.where("what = 'record'").select("patient", "payload", "name", "file", "line")
    deleted = found.where("what = 'deleted'").select("name").distinct()
    deleted = deleted.withColumn("deleted", f.lit(True))  # noqa: FBT003 - a value
    marked = records.join(deleted, "name", "left")

    def verdict(records: "Frame") -> "Frame":
        return _verdict(screening, records)

    return marked.groupBy("patient").applyInPandas(verdict, _VERDICT)


def _verdict(screening: Screening, records: "Frame") -> "Frame":
    import pandas as pd  # noqa: PLC0415 - an extra

    verdict = screen(
        records["patient"].iloc[0],
        records["payload"],
        screening=screening,
        deleted=frozenset(records["name"][records["deleted"].notna()]),
    )
    file, line = min(zip(records["file"], records["line"], strict=True))
    row = verdict.row or dict.fromkeys((column.name for column in COLUMNS), None)
    told = {"outcome": verdict.outcome, "problem": verdict.problem, "file": file, "line": line}
    return pd.DataFrame([told | row])


def _rows(verdicts: "DataFrame") -> Iterator[Row]:
    rows = verdicts.where("outcome = 'row'").orderBy("patient").toLocalIterator()
    return ({column.name: row[column.name] for column in COLUMNS} for row in rows)
