"""The engine for many machines: the same reading, sorting and evaluation, on Apache Spark.

Every machine needs this package, pandas and pyarrow.
"""

import datetime as dt
import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import orjson

from cds_service.guideline import Guideline
from cds_service.screen import spark_files
from cds_service.screen.completeness import completeness
from cds_service.screen.errors import ScreenError
from cds_service.screen.evaluation import Screening, screen
from cds_service.screen.output import Output
from cds_service.screen.report import Report
from cds_service.screen.row import COLUMNS, Row
from cds_service.screen.tally import Problem, Tally

if TYPE_CHECKING:
    from pandas import DataFrame as Frame
    from pyspark.sql import DataFrame, SparkSession

_JAVA = 17
#: Set where somebody else says which Spark it is: spark-submit, or its arguments.
_CHOSEN = ("PYSPARK_GATEWAY_PORT", "PYSPARK_SUBMIT_ARGS")
#: What is handed to Python at once: a line may be the chart of a patient.
_BATCHES = {
    "spark.sql.execution.arrow.maxRecordsPerBatch": "1000",
    "spark.sql.execution.arrow.maxBytesPerBatch": "67108864",
}
_VERDICT = "outcome string, problem string, file int, line int, " + ", ".join(
    f"{column.name} {'int' if column.number else 'string'}" for column in COLUMNS
)


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
    builder = SparkSession.builder.appName("cds-service screen")
    if not any(name in os.environ for name in _CHOSEN):
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
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
        raise ScreenError(f"Spark could not finish: {spark_files.short(error)}.") from error


def _run(
    spark: "SparkSession", root: str, output: Output, guideline: Guideline, today: dt.date
) -> Report:
    from pyspark import StorageLevel  # noqa: PLC0415 - an extra

    for name, value in _BATCHES.items():
        spark.conf.set(name, value)
    listing = spark_files.find(spark, root)
    found = listing.read(spark).persist(StorageLevel.DISK_ONLY)
    tally = _tally(found)
    # Of types whose files are empty there are none.
    tally.types.update(dict.fromkeys(listing.empty_types, 0))
    if tally.is_empty:
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
        completeness=complete,
        patients={
            row["outcome"]: row["count"] for row in verdicts.groupBy("outcome").count().collect()
        },
    )
    output.write(_rows(verdicts), report.as_json())
    verdicts.unpersist()
    found.unpersist()
    return report


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
