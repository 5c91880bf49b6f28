"""The files of an export as Apache Spark reads them: records, and parts of a tally.

Lines of NDJSON come by Spark's text source, which cuts large files; all else comes as whole files.
"""

import functools
import io
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import orjson

from cds_service.screen import reading
from cds_service.screen.errors import ScreenError
from cds_service.screen.inputs import Export, File
from cds_service.screen.intake import Add, Intake
from cds_service.screen.reading import Piece
from cds_service.screen.sorting import reference_of

if TYPE_CHECKING:
    from pandas import DataFrame as Frame
    from pyspark.errors import PySparkException
    from pyspark.sql import DataFrame, SparkSession

#: A record, or with another ``what`` a part of a tally.
FOUND = (
    "what string, patient string, payload binary, name string, file int, line int, reason string,"
    " count long"
)
_NAMES = tuple(part.split()[0] for part in FOUND.split(","))
_LINES = re.compile(r"\.(ndjson|jsonl)$", re.IGNORECASE)
_Taker = Callable[[Iterable["Frame"]], Iterator["Frame"]]
#: Records that are handed to Spark at once.
_BATCH = 2_000


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of an export, and how Spark names each."""

    export: Export
    addresses: tuple[str, ...]

    @property
    def empty_types(self) -> Iterator[str]:
        """The resource types that files without a byte are named for."""
        for file in self.export.files:
            named = reading.type_named(PurePosixPath(file.name).name)
            if named and not file.size:
                yield named

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
            frames.append(text.mapInPandas(_lines_taker(numbers, names), FOUND))
        if wholes:
            files = spark.read.format("binaryFile").load(wholes).select("content", "path")
            frames.append(files.mapInPandas(_files_taker(numbers, names), FOUND))
        empty = spark.createDataFrame([], FOUND)
        return functools.reduce(lambda one, other: one.unionByName(other), frames, empty)


def find(spark: "SparkSession", root: str) -> Listing:
    """Return the files at a path or address. Raises :class:`ScreenError`."""
    from pyspark.errors import PySparkException  # noqa: PLC0415 - an extra

    reader = spark.read.format("binaryFile").option("recursiveFileLookup", "true")
    try:
        files = reader.load(_escaped(root))
        names = [unquote(address) for address in files.inputFiles()]
        # Of empty files Spark gives no row.
        rows = files.select("path", "length").collect()
    except PySparkException as error:
        raise ScreenError(f"{root} cannot be read by Spark: {short(error)}.") from None
    if not names:
        raise ScreenError(f"{root} holds no file. An export has .ndjson or .json files.")
    sizes = {_plain(row.path): row.length for row in rows}
    base = _plain(root if "://" in root else str(Path(root).absolute())).rstrip("/")
    named = sorted((_name(address, base), address) for address in names)
    return Listing(
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


def short(error: "PySparkException") -> str:
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
