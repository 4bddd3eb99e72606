"""A staged Parquet file in, its values as text out, as many digits as they have and no more."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import polars as pl

from outcomes.settings import Limits
from outcomes.sources.raw import BATCH, Raw, opened
from outcomes.sources.staging import Staged
from outcomes.sources.verdicts import Refused

if TYPE_CHECKING:
    from pyarrow import Array, RecordBatch
    from pyarrow.parquet import FileMetaData, ParquetFile

# Whole numbers up to here are exact in a 64-bit float.
_EXACT = 2**53


def read(staged: Staged, limits: Limits) -> Raw:
    """The file opened, its footer checked against itself.

    Raises Refused: damaged (F16), more than `limits.expansion_ratio` cells or bytes per byte of the file (F15).
    """
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(staged.path_in_raw, page_checksum_verification=True, pre_buffer=False)
        header = file.schema_arrow.names
        facts = file.metadata
        _check(file, facts, staged.bytes)
    except Refused:
        raise
    except Exception:
        raise Refused("F16") from None
    unpacked = sum(facts.row_group(group).total_byte_size for group in range(facts.num_row_groups))
    if max(unpacked, facts.num_rows * max(1, facts.num_columns)) > limits.expansion_ratio * staged.bytes:
        raise Refused("F15")
    raw = opened("parquet", "", header, limits)
    if facts.num_rows and not _has_checksum(staged, facts):
        raw.notes["F57"] = 1
    raw.batches = _frames(raw, file, limits)
    return raw


def _check(file: "ParquetFile", facts: "FileMetaData", size: int) -> None:
    """Raises Refused (F16) where parts of the footer contradict each other or the file."""
    rows = 0
    for group in range(facts.num_row_groups):
        part = facts.row_group(group)
        rows += part.num_rows
        for column in range(part.num_columns):
            chunk = part.column(column)
            start = min(filter(None, (chunk.data_page_offset, chunk.dictionary_page_offset)))
            flat = file.schema.column(column).max_repetition_level == 0
            if start < 4 or start + chunk.total_compressed_size > size or (flat and chunk.num_values != part.num_rows):
                raise Refused("F16")
    if rows != facts.num_rows:
        raise Refused("F16")


def _has_checksum(staged: Staged, facts: "FileMetaData") -> bool:
    """Whether the first page carries a CRC: field 4 of its header, right after the type and two sizes (Thrift compact protocol)."""
    chunk = facts.row_group(0).column(0)
    with staged.path_in_raw.open("rb") as file:
        file.seek(min(filter(None, (chunk.data_page_offset, chunk.dictionary_page_offset))))
        header = file.read(32)
    whole_number = 0x15
    at = 0
    for _ in range(3):
        if header[at] != whole_number:
            return False
        at += 1
        while header[at] & 0x80:
            at += 1
        at += 1
    return header[at] == whole_number


def _frames(raw: Raw, file: "ParquetFile", limits: Limits) -> Iterator[pl.DataFrame]:
    names = file.schema_arrow.names
    every = len(raw.wanted) == len(names)
    batches = file.iter_batches(BATCH, columns=None if every else [names[position] for position in raw.wanted])
    line = 1
    while True:
        try:
            batch = next(batches, None)
            frame = None if batch is None else _as_text(raw, batch, line, limits.field_chars)
        except Exception:
            raise Refused("F16") from None
        if frame is None:
            break
        line += frame.height
        wrong = frame.filter(pl.col("code") != "")
        for number, code in wrong.select("source_line", "code").iter_rows():
            raw.problem(number, code)
        yield frame.filter(pl.col("code") == "").drop("code")
    if line - 1 != file.metadata.num_rows:
        raise Refused("F16")


def _as_text(raw: Raw, batch: "RecordBatch", line: int, longest: int) -> pl.DataFrame:
    """The wanted cells as String columns, with `source_line` and `code`: what is wrong with the row, "" if nothing is."""
    batch.validate(full=True)
    arrays = [_plain(array) for array in batch.columns]
    frame = pl.DataFrame([_text(array).alias(name) for name, (array, _) in zip(raw.names, arrays, strict=True)])
    nested = [pl.Series(is_more) for _, is_more in arrays if is_more is not None]
    cells = pl.col(raw.names)
    return frame.select(
        pl.when(cells != "").then(cells),
        pl.int_range(line, line + batch.num_rows, dtype=pl.Int64).alias("source_line"),
        pl.when(pl.any_horizontal(*nested, pl.lit(False)))
        .then(pl.lit("F35"))
        .when(pl.any_horizontal(cells.str.len_chars() > longest))
        .then(pl.lit("F33"))
        .otherwise(pl.lit(""))
        .alias("code"),
    )


def _plain(array: "Array") -> "tuple[Array, Array | None]":
    """The array with one plain value per cell, and where it had something else (None: nowhere), which becomes null."""
    import pyarrow as pa
    from pyarrow import types

    kind = array.type
    if types.is_dictionary(kind):
        return _plain(array.dictionary_decode())
    if types.is_decimal256(kind):
        return array.cast(pa.string()), None
    if types.is_binary(kind) or types.is_large_binary(kind):
        try:
            return array.cast(pa.large_string()), None
        except pa.ArrowInvalid:
            return pa.nulls(len(array), pa.string()), array.is_valid()
    is_text = types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)
    is_number = types.is_integer(kind) or types.is_floating(kind) or types.is_decimal128(kind) or types.is_boolean(kind)
    is_time = types.is_date(kind) or types.is_time(kind) or types.is_timestamp(kind)
    if is_text or is_number or is_time or types.is_null(kind):
        return array, None
    return pa.nulls(len(array), pa.string()), array.is_valid()


def _text(array: "Array") -> pl.Series:
    """The values as text: 12.0 as 12, true, 2025-01-21, 2025-01-21T09:00:00, with its offset from UTC where it has one."""
    values = pl.Series(pl.from_arrow(array))
    written = values.cast(pl.String)
    if values.dtype.is_float():
        is_whole = (values == values.round(0)) & (values.abs() < _EXACT)
        whole = values.cast(pl.Int64, strict=False).cast(pl.String)
        return pl.select(pl.when(is_whole).then(whole).otherwise(written)).to_series()
    if isinstance(values.dtype, pl.Datetime):
        return written.str.replace(" ", "T", literal=True).str.replace(r"\.(\d*?)0+($|[+-])", ".$1$2").str.replace(r"\.($|[+-])", "$1")
    if values.dtype == pl.Time:
        return written.str.replace(r"\.?0*$", "") if written.str.contains(".", literal=True).any() else written
    return written
