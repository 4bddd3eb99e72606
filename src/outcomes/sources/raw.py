"""A staged file in, its rows as text out, in batches, each row with the line of the file that it stands on."""

import re
import zipfile
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from outcomes.settings import Limits
from outcomes.sources import text
from outcomes.sources.staging import Staged
from outcomes.sources.verdicts import Refused, refusing

Format = Literal["csv", "jsonl", "parquet", "xlsx"]

BATCH = 100_000
# Typing the heads of runs costs little per head, but much per batch.
RUNS = 400_000

_SUFFIXES: dict[Format, tuple[str, ...]] = {
    "csv": (".csv", ".tsv", ".tab", ".txt", ".dat", ""),
    "jsonl": (".jsonl", ".ndjson", ".json"),
    "parquet": (".parquet", ".pq"),
    "xlsx": (".xlsx", ".xlsm"),
}

# First bytes of what is no table: compressed files (F05), spreadsheets in other forms (F18), anything else (F06).
_MAGIC = (
    (rb"\x1f\x8b|\x1f\x9d|BZh|\xfd7zXZ\0|\x28\xb5\x2f\xfd|7z\xbc\xaf|Rar!|\x04\x22\x4d\x18|.{257}ustar", "F05"),
    (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "F18"),
    (rb"%PDF|\x89PNG|\xff\xd8\xff|GIF8|SQLite format 3\0|.{8}DUCK|ARROW1|\x7fELF|MZ.{58}\0|Obj\x01|ORC|PARE|\{\\rtf", "F06"),
    (rb"(?:\xef\xbb\xbf)?\s*<", "F06"),
)


@dataclass
class Runs:
    """Rows of a file whose columns mostly repeat what stands in the row before.

    A run is rows that follow one another with equal `heads`, which has one row per run: its cells and `source_line` of its first row.
    `starts` are the first rows of the runs, from 0. `tail` has what changes, and `source_line`, of every row.
    """

    heads: pl.DataFrame
    starts: npt.NDArray[np.int64]
    tail: pl.DataFrame

    def rename(self, names: Mapping[str, str]) -> "Runs":
        return Runs(self.heads.rename(names, strict=False), self.starts, self.tail.rename(names, strict=False))

    def drop(self, name: str) -> "Runs":
        """Without a column of the heads; runs that were told apart by it alone are one."""
        heads = self.heads.drop(name)
        new = begins(heads)
        return Runs(heads.filter(new), self.starts[new], self.tail)


def begins(heads: pl.DataFrame) -> npt.NDArray[np.bool_]:
    """Which rows differ from the row before in any column but source_line; the first one does."""
    names = [name for name in heads.columns if name != "source_line"]
    new = heads.select(pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift(1)) for name in names)).to_series()
    return np.concatenate([[True], new.to_numpy()[1:]])


def joined(batches: "Iterator[pl.DataFrame | Runs]", rows: int) -> "Iterator[pl.DataFrame | Runs]":
    """The same rows, Runs that follow one another put together until they have so many; a run that went on is one."""
    waiting: list[Runs] = []
    for batch in batches:
        if isinstance(batch, Runs):
            waiting.append(batch)
            if sum(part.tail.height for part in waiting) < rows:
                continue
        if waiting:
            yield _one(waiting)
        waiting = []
        if isinstance(batch, pl.DataFrame):
            yield batch
    if waiting:
        yield _one(waiting)


def _one(parts: Sequence[Runs]) -> Runs:
    heads, starts, row, before = [], [], 0, None
    for part in parts:
        texts = part.heads.drop("source_line")
        goes_on = texts.row(0) == before
        heads.append(part.heads[goes_on:])
        starts.append(part.starts[goes_on:] + row)
        row, before = row + part.tail.height, texts.row(-1)
    return Runs(pl.concat(heads), np.concatenate(starts), pl.concat(part.tail for part in parts))


@dataclass
class Raw:
    """An open export file.

    `header` holds the column names as they stand in the file, without BOM, zero-width characters and surrounding blanks; a name
    may be empty, none stands twice (names that differ in case only are two names). `batches` can be walked once: frames of
    String columns `c0`, `c1` ... (position in the header) and Int64 `source_line` (CSV and Excel: the header is line 1; JSON
    Lines: the line; Parquet: the row, from 1); an empty cell is null, any other text is as in the file. A column of `whole` may come
    as Int16 in a batch where every cell of it is such a number or empty; where a `tail` of columns is said to change within runs, a
    batch may come as Runs of all others. `problems`, `notes` and `rows_in` are complete once `batches` is used up, and the walk
    itself may still raise Refused: nothing of a file counts before its last batch.
    """

    format: Format
    encoding: str
    header: list[str]
    batches: "Iterator[pl.DataFrame | Runs]" = field(default_factory=lambda: iter(()))
    notes: Counter[str] = field(default_factory=Counter)
    sheet: str = ""
    wanted: list[int] = field(default_factory=list)
    whole: frozenset[int] = frozenset()
    tail: tuple[int, ...] = ()
    rows_read: int = 0
    _problem_lines: "array[int]" = field(default_factory=lambda: array("q"))
    _problem_codes: list[str] = field(default_factory=list)

    @property
    def problems(self) -> pl.DataFrame:
        """Rows that could not be read: source_line (Int64), code (String), in file order."""
        lines = pl.Series("source_line", self._problem_lines, dtype=pl.Int64)
        return pl.DataFrame([lines, pl.Series("code", self._problem_codes, dtype=pl.String)])

    @property
    def rows_in(self) -> int:
        """Data rows of the file, problem rows included; empty rows are none."""
        return self.rows_read + len(self._problem_lines)

    @property
    def names(self) -> list[str]:
        """Names of the String columns of the batches."""
        return [f"c{position}" for position in self.wanted]

    def only(self, positions: Sequence[int], whole: Iterable[int] = (), tail: Iterable[int] = ()) -> None:
        """Read only these columns (positions in the header), and some of them as whole numbers. To be said before the first batch.

        `tail` are columns of whole numbers that change from row to row while the others repeat.

        What stands in the other columns is not looked at: a row is empty if these are.
        """
        self.wanted, self.whole, self.tail = sorted(set(positions)), frozenset(whole), tuple(tail)

    def problem(self, line: int, code: str) -> None:
        """The row that begins at `line` can't be read."""
        self._problem_lines.append(line)
        self._problem_codes.append(code)


def opened(form: Format, encoding: str, header: Iterable[str], limits: Limits) -> Raw:
    """A Raw without batches, its header checked. Raises Refused: too many columns (F13), a name twice (F10)."""
    names = [text.name(cell) for cell in header]
    if len(names) > limits.columns:
        raise Refused("F13")
    named = [name for name in names if name]
    if len(named) != len(set(named)):
        raise Refused("F10")
    raw = Raw(form, encoding, names, wanted=list(range(len(names))))
    if len(named) < len(names):
        raw.notes["F59"] = len(names) - len(named)
    return raw


def as_frame(raw: Raw, rows: Sequence[Sequence[str | None]], lines: Sequence[int]) -> pl.DataFrame:
    """Rows of the wanted cells as a batch; a cell without text is null."""
    columns = zip(*rows, strict=True) if rows else iter(())
    series = [pl.Series(name, cells, dtype=pl.String) for name, cells in zip(raw.names, columns, strict=bool(rows))]
    frame = pl.DataFrame([*series, pl.Series("source_line", lines, dtype=pl.Int64)])
    cells = pl.col(raw.names)
    return frame.with_columns(pl.when(cells != "").then(cells).name.keep()) if raw.names else frame


def open_raw(staged: Staged, file_name_suffix: str, limits: Limits) -> Raw:
    """The file opened as what its bytes say it is; a suffix that says otherwise is noted (F58).

    Raises Refused with a code of `expectations/file.json`, here or while the batches are walked.
    """
    # Each format's library is loaded only for its files.
    from outcomes.sources import csv_file, excel_file, jsonl_file, parquet_file

    head = staged.facts.head
    if not staged.bytes:
        raise Refused("F01")
    for magic, code in _MAGIC:
        if re.match(magic, head, re.DOTALL):
            raise Refused(code)
    if head.startswith(b"PAR1"):
        raw = parquet_file.read(staged, limits)
    elif head.startswith(b"PK"):
        _is_workbook(staged)
        raw = excel_file.read(staged, limits)
    else:
        encoding, note = text.encoding(staged)
        sample = text.sample(staged, encoding)
        if sample.startswith("["):
            raise Refused("F19")
        raw = jsonl_file.read(staged, encoding, limits) if sample.startswith("{") else csv_file.read(staged, encoding, sample, limits)
        if note:
            raw.notes[note] = 1
    if file_name_suffix.lower() not in _SUFFIXES[raw.format]:
        raw.notes["F58"] = 1
    raw.batches = joined(_counted(raw, raw.batches), RUNS)
    return raw


def _is_workbook(staged: Staged) -> None:
    """Raises Refused unless the zip archive is an .xlsx workbook."""
    with refusing("F17" if b"xl/" in staged.facts.head else "F05"), zipfile.ZipFile(staged.path_in_raw) as archive:
        names = set(archive.namelist())
    if "xl/workbook.xml" in names:
        return
    raise Refused("F18" if "xl/workbook.bin" in names or "content.xml" in names else "F05")


def _counted(raw: Raw, frames: Iterator[pl.DataFrame | Runs]) -> Iterator[pl.DataFrame | Runs]:
    """The batches without their empty rows, all others counted; runs have none."""
    for frame in frames:
        if isinstance(frame, Runs):
            raw.rows_read += frame.tail.height
            yield frame
            continue
        # Where one column is full, no row is empty.
        may_be = raw.names and all(frame[name].null_count() for name in raw.names)
        full = frame.filter(pl.any_horizontal(pl.col(raw.names).is_not_null())) if may_be else frame
        if full.height < frame.height:
            raw.notes["F53"] += frame.height - full.height
        raw.rows_read += full.height
        if full.height:
            yield full
    if not raw.rows_in:
        raw.notes["F51"] = 1
