"""Pieces of one file in; its unjudged rows on disk out, with eight bytes per unit kept in memory to tell whether keys repeat."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from outcomes.contract import ANSWER, Table
from outcomes.sources import fingerprint
from outcomes.sources.pieces import Facts, Piece, schema
from outcomes.sources.repeats import Keys

BATCH: Final = 300_000
_RISING: Final = ("form_row", "source_line")
COMBINATIONS: Final = pl.Schema({"questionnaire": pl.Int32(), "item": pl.Int16(), "answer": pl.Int16(), "rows": pl.Int64()})
_SMALL: Final = 128
_WORDS: Final = ("instrument_id", "source_file", "ingest_id", "site_id", "instrument_version", "scale_id")


class Writer:
    """A Parquet file that grows frame by frame; whole numbers that rise are kept as differences, repeated texts once."""

    def __init__(self, path: Path, like: pa.Schema) -> None:
        rising = {name: "DELTA_BINARY_PACKED" for name in like.names if name in _RISING}
        words = [name for name in like.names if name in _WORDS or name in ("item", "answer")]
        options = {
            "compression": "lz4",
            "use_dictionary": words,
            "column_encoding": rising,
            "store_schema": False,
            "write_statistics": False,
        }
        self.schema = like
        self.file = pq.ParquetWriter(path, like, **options)

    def add(self, table: pa.Table) -> None:
        if table.num_rows:
            self.file.write_table(table.cast(self.schema) if table.schema != self.schema else table)

    def close(self) -> None:
        self.file.close()


def as_arrow(frame: pl.DataFrame) -> pa.Table:
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest())


def ahead(items: Iterator[Any]) -> Iterator[Any]:
    """The same items, the next one made on a thread of its own while the caller works on this one."""
    with ThreadPoolExecutor(1) as helper:
        coming = helper.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = helper.submit(next, items, None)
            yield item


class Parts:
    """The unjudged rows of one file: `units` are Arrow files and `answers` is a Parquet file once `closed`, `keys` has one number per unit.

    `doubtful` are the units that may hold one item twice, `combinations` says how often each item was answered how. Answers have the
    columns of the clean table already, so that the file stays as it is where none must go.
    """

    def __init__(self, folder: Path, table: Table, facts: Facts, source_file: str, ingest_id: str) -> None:
        self.table, self.facts = table, facts
        self.units: list[Path] = []
        self.answers = folder / "answers.part"
        self.doubtful: set[int] = set()
        self.has_answers = False
        self.highest = 0
        self.combinations = pl.DataFrame(schema=COMBINATIONS)
        self._folder = folder
        self._waiting: list[pl.DataFrame] = []
        self._keys: list[Keys] = []
        self._names = {"source_file": source_file, "ingest_id": ingest_id}
        self._ids = pa.array(facts.ids, pa.string())
        self.schema = pl.Schema([*schema(table).items(), ("key", pl.UInt64())])
        self._answer_schema = _answer_schema()
        self._answer_writer = Writer(self.answers, self._answer_schema)

    def add(self, piece: Piece) -> None:
        units = piece.units.select(schema(self.table).names())
        units = units.with_columns(_key(units, self.table))
        self._keys.append(units["key"].to_numpy())
        self.highest = max([self.highest, *units["unit"].tail(1)])
        self._waiting.append(units.cast(self.schema))
        if sum(frame.height for frame in self._waiting) >= BATCH:
            self._put_down()
        if piece.answers is not None and piece.answers.height:
            self.has_answers = True
            self._answer_writer.add(self._answers(piece.answers))
            self.combinations = _together([self.combinations, combinations(piece.answers)])
        self.doubtful.update(piece.doubtful)

    def close(self) -> None:
        self._put_down()
        self._answer_writer.close()

    def _put_down(self) -> None:
        """Writes the units that wait as a file of their own, in the form they have in memory: it is read once and thrown away."""
        if self._waiting:
            self.units.append(self._folder / f"units-{len(self.units)}.part")
            pl.concat(self._waiting).write_ipc(self.units[-1])
            self._waiting = []

    def stamped(self, table: pa.Table) -> pa.Table:
        """The rows with the file's name and identifier, each written once."""
        zeros = pa.array(np.zeros(table.num_rows, dtype=np.int32))
        for name, text in self._names.items():
            column = pa.DictionaryArray.from_arrays(zeros, pa.array([text], pa.string()))
            table = table.append_column(pa.field(name, column.type, nullable=False), column)
        return table

    @property
    def keys(self) -> Keys:
        return np.concatenate([np.empty(0, dtype=np.uint64), *self._keys])

    def unit_batches(self) -> Iterator[pl.DataFrame]:
        """All units in bounded batches; one batch without rows where there are none."""
        for path in self.units:
            yield pl.read_ipc(path)
        if not self.units:
            yield pl.DataFrame(schema=self.schema)

    def _answers(self, answers: pl.DataFrame) -> pa.Table:
        """Answers with the columns of the clean table."""
        given = {name: answers[name].to_arrow() for name in ("form_row", "item", "answer", "source_line")}
        given["instrument_id"] = pa.DictionaryArray.from_arrays(answers["questionnaire"].to_arrow(), self._ids)
        return self.stamped(pa.table(given)).select(self._answer_schema.names).cast(self._answer_schema)


def combinations(answers: pl.DataFrame) -> pl.DataFrame:
    """COMBINATIONS of answers. Small numbers, as they mostly are, are counted in one array; that is ten times as fast as groups."""
    item, answer = answers["item"], answers["answer"]
    if item.null_count() or not _are_small(item, answer):
        grouped = answers.group_by("questionnaire", "item", "answer").agg(rows=pl.len().cast(pl.Int64))
        return grouped.select(COMBINATIONS.names())
    pair = item.to_numpy().astype(np.int64) * _SMALL + answer.to_numpy()
    # Only so many pairs as there are, so that the array stays small with every questionnaire.
    present = np.flatnonzero(np.bincount(pair, minlength=_SMALL**2))
    rank = np.zeros(_SMALL**2, dtype=np.int64)
    rank[present] = np.arange(present.size)
    place = answers["questionnaire"].fill_null(-1).to_numpy().astype(np.int64) + 1
    counts = np.bincount(place * present.size + rank[pair])
    (found,) = np.nonzero(counts)
    places, pairs = found // present.size - 1, present[found % present.size]
    columns = [places, pairs // _SMALL, pairs % _SMALL, counts[found]]
    frame = pl.DataFrame(dict(zip(COMBINATIONS.names(), columns, strict=True))).cast(COMBINATIONS)
    return frame.with_columns(pl.when(pl.col("questionnaire") >= 0).then("questionnaire").alias("questionnaire"))


def _are_small(*columns: pl.Series) -> bool:
    return all(column.min() >= 0 and column.max() < _SMALL for column in columns)  # type: ignore[operator]


def _together(counted: Sequence[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(counted).group_by("questionnaire", "item", "answer").agg(pl.col("rows").sum()).select(COMBINATIONS.names())


def _answer_schema() -> pa.Schema:
    """The clean table's schema; what is never empty is said to be so, which saves a mark per value."""
    texts = pa.dictionary(pa.int32(), pa.string())
    plain = as_arrow(pl.DataFrame(schema=ANSWER.schema)).schema
    kinds = {name: texts if kind == pl.String() else plain.field(name).type for name, kind in ANSWER.schema.items()}
    return pa.schema([pa.field(name, kind, nullable=name in ("instrument_id", "item")) for name, kind in kinds.items()])


def arrow_batches(path: Path) -> Iterator[pa.Table]:
    """The rows of a Parquet file in bounded batches, in order, at least one; repeated texts stay dictionaries."""
    words = [name for name in ("instrument_id", "source_file", "ingest_id") if name in pq.read_schema(path).names]
    with pq.ParquetFile(path, read_dictionary=words) as file:
        groups: list[pa.Table] = []
        for group in range(file.num_row_groups):
            groups.append(file.read_row_group(group))
            if sum(table.num_rows for table in groups) >= BATCH:
                yield pa.concat_tables(groups)
                groups = []
        if groups or not file.num_row_groups:
            yield pa.concat_tables(groups) if groups else file.read()


def _key(units: pl.DataFrame, table: Table) -> pl.Series:
    """A number per unit that equal keys share; a unit without a key shares none."""
    key = fingerprint.of_rows(units.select(table.key))
    nameless = units.select(pl.any_horizontal(pl.col(table.key).is_null())).to_series()
    if nameless.any():
        alone = fingerprint.of_rows(units.select("unit"))
        key = pl.select(pl.when(nameless).then(alone).otherwise(key)).to_series()
    return key.alias("key")
