"""Rows into a file, or into a folder of Parquet files: there whole, or not at all."""

import csv
import importlib.util
import itertools
import os
import shutil
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cds_service.screen.errors import ScreenError
from cds_service.screen.row import COLUMNS, Row

#: Rows of one Parquet file of a folder, and of a group of rows in it.
PART = 100_000
_GROUP = 10_000
#: What spreadsheets take for the beginning of a formula.
_FORMULA = "=+-@"
_FORMATS: dict[str, Literal["csv", "parquet"]] = {".csv": "csv", ".parquet": "parquet"}


@dataclass(frozen=True, slots=True)
class Output:
    """Where the rows go, and as what."""

    path: Path
    form: Literal["csv", "parquet", "folder"]

    @property
    def report(self) -> Path:
        """Where the report goes: beside a file, into a folder."""
        if self.form == "folder":
            return self.path / "_report.json"
        return self.path.with_name(f"{self.path.name}.report.json")

    @property
    def work(self) -> Path:
        """Where everything goes that is not finished."""
        return self.path.with_name(f"{self.path.name}.partial")

    def write(self, rows: Iterable[Row], report: bytes) -> None:
        """Write rows and report; they appear when they are whole. :attr:`work` is there."""
        made = self.work / "output"
        if self.form == "folder":
            shutil.rmtree(made, ignore_errors=True)
            made.mkdir()
            for number, part in enumerate(_parts(rows, PART)):
                _write_parquet(part, made / f"part-{number:05}.parquet")
            (made / self.report.name).write_bytes(report)
            (made / "_SUCCESS").touch()
        else:
            (_write_csv if self.form == "csv" else _write_parquet)(rows, made)
            self.report.write_bytes(report)
        made.replace(self.path)


def output_at(path: Path, *, export: str) -> Output:
    """Return the output at a path, whose suffix tells what it is; none is a folder.

    Raises :class:`ScreenError`.
    """
    # Path has dropped the slash of "rows.d/", but a folder that is there is a folder.
    suffix = "" if path.is_dir() else path.suffix.lower()
    if suffix and suffix not in _FORMATS:
        raise ScreenError(f"{path} must end with .csv or .parquet, or be a directory.")
    output = Output(path, _FORMATS.get(suffix, "folder"))
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise ScreenError(f"{path} exists. Remove it, or choose another name.")
    if not path.absolute().parent.is_dir():
        raise ScreenError(f"{path.parent} is no directory. Make it first.")
    if not os.access(path.absolute().parent, os.W_OK):
        raise ScreenError(f"{path.parent} cannot be written to.")
    if Path(export).is_dir() and path.resolve().is_relative_to(Path(export).resolve()):
        raise ScreenError(f"{path} is inside the export: the next run would read it. Move it out.")
    if output.form != "csv" and not importlib.util.find_spec("pyarrow"):
        raise ScreenError(
            "Parquet needs the extra parquet: pip install 'pyarrow>=18'. Without it there is CSV."
        )
    return output


def _parts(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    """Yield the rows in lists; one empty list where there is no row."""
    remaining = iter(rows)
    part = list(itertools.islice(remaining, size))
    while True:
        yield part
        part = list(itertools.islice(remaining, size))
        if not part:
            return


def _write_csv(rows: Iterable[Row], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(column.name for column in COLUMNS)
        writer.writerows([_cell(row[column.name]) for column in COLUMNS] for row in rows)


def _cell(value: str | int) -> str | int:
    """Return a cell that no spreadsheet runs."""
    if not isinstance(value, str) or not value:
        return value
    # Some take wide characters for their usual forms, and look past white space.
    first = unicodedata.normalize("NFKC", value[0])
    return f"'{value}" if first in _FORMULA or first.isspace() else value


def _write_parquet(rows: Iterable[Row], path: Path) -> None:
    import pyarrow as pa  # noqa: PLC0415 - an extra
    from pyarrow import parquet  # noqa: PLC0415

    schema: Any = pa.schema(
        [(column.name, pa.int32() if column.number else pa.string()) for column in COLUMNS]
    )
    with parquet.ParquetWriter(path, schema) as writer:
        for part in _parts(rows, _GROUP):
            writer.write_table(pa.Table.from_pylist(part, schema=schema))
