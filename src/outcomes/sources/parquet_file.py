"""A staged Parquet file in, its values as text out, as many digits as they have and no more."""

import base64
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING

import polars as pl

from outcomes.settings import Limits
from outcomes.sources.raw import BATCH, Raw, opened
from outcomes.sources.staging import Staged
from outcomes.sources.verdicts import Refused, refusing

if TYPE_CHECKING:
    from pyarrow import Array, DataType, RecordBatch
    from pyarrow.parquet import ParquetFile

# Whole numbers up to here are exact in a 64-bit float.
_EXACT = 2**53
# Days since 1970 of 2 January of the year 1 and of 30 December 9999.
_CALENDAR = (-719_161, 2_932_895)


def read(staged: Staged, limits: Limits) -> Raw:
    """The file opened, its footer checked against itself.

    Raises Refused: damaged (F16), more than `limits.expansion_ratio` cells or bytes per byte of the file (F15).
    """
    from pyarrow import parquet

    with refusing("F16"):
        file = parquet.ParquetFile(staged.path_in_raw, page_checksum_verification=True, pre_buffer=False)
        facts = file.metadata
        names = file.schema_arrow.names
        groups = [facts.row_group(group) for group in range(facts.num_row_groups)]
        is_whole = _names_agree(staged, names, len(groups)) and _types_agree(file)
        has_checksum = _has_checksum(staged)
    if not is_whole:
        raise Refused("F16")
    unpacked = sum(group.total_byte_size for group in groups)
    cells = sum(group.num_rows for group in groups) * max(1, facts.num_columns)
    if max(unpacked, cells) > limits.expansion_ratio * staged.bytes:
        raise Refused("F15")
    raw = opened("parquet", "", names, limits)
    if facts.num_rows and not has_checksum:
        raw.notes["F57"] = 1
    raw.batches = _frames(raw, file, limits)
    return raw


def _names_agree(staged: Staged, names: list[str], groups: int) -> bool:
    """Whether each column's name stands in the footer once for the schema and once for each row group.

    Searched as bytes: the library's own access to a chunk's facts ends the process when they are damaged.
    """
    with staged.path_in_raw.open("rb") as file:
        file.seek(-8, 2)
        (length,) = struct.unpack("<I", file.read(4))
        file.seek(-8 - length, 2)
        footer = file.read(length)
    return all(footer.count(_length(name.encode()) + name.encode()) > groups for name in names)


def _length(text: bytes) -> bytes:
    """The length that Thrift writes before a text: seven bits a byte, the lowest first."""
    size, written = len(text), b""
    while size > 127:
        written, size = written + bytes([size & 127 | 128]), size >> 7
    return written + bytes([size])


def _types_agree(file: "ParquetFile") -> bool:
    """Whether the schema that Arrow puts beside Parquet's own, if it did, tells the same names and kinds of time."""
    from pyarrow import ipc, py_buffer, types

    stored = (file.metadata.metadata or {}).get(b"ARROW:schema")
    if stored is None:
        return True
    beside = ipc.read_schema(py_buffer(base64.b64decode(stored)))

    def kind(of: "DataType") -> tuple[bool, bool, bool]:
        return types.is_timestamp(of), types.is_timestamp(of) and of.tz is not None, types.is_date(of) or types.is_time(of)

    own = file.schema_arrow
    return beside.names == own.names and [kind(of) for of in beside.types] == [kind(of) for of in own.types]


def _has_checksum(staged: Staged) -> bool:
    """Whether the first page carries a CRC: field 4 of its header, right after the type and two sizes (Thrift compact protocol)."""
    header = staged.facts.head[4:36]
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
        with refusing("F16"):
            batch = next(batches, None)
            frame = None if batch is None else _as_text(raw, batch, line, limits.field_chars)
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
    """The values as text: 12.0 as 12, true, 2025-01-21, 2025-01-21T09:00:00, with its offset from UTC where it has one.

    A time outside the years 1 to 9999 is none, and comes as the number that is stored.
    """
    values = pl.Series(pl.from_arrow(array))
    if values.dtype.is_float():
        is_whole = (values == values.round(0)) & (values.abs() < _EXACT)
        return _either(is_whole, values.cast(pl.Int64, strict=False).cast(pl.String), values.cast(pl.String))
    if isinstance(values.dtype, pl.Datetime):
        written = "%Y-%m-%dT%H:%M:%S%.f" + ("%:z" if values.dtype.time_zone else "")
        a_day = {"ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}[values.dtype.time_unit]
        return _when(values, a_day).dt.strftime(written).fill_null(values.to_physical().cast(pl.String))
    if values.dtype == pl.Date:
        return _when(values, 1).cast(pl.String).fill_null(values.to_physical().cast(pl.String))
    if values.dtype == pl.Time:
        return values.dt.strftime("%H:%M:%S%.f")
    return values.cast(pl.String)


def _when(values: pl.Series, a_day: int) -> pl.Series:
    """The values that are a time in the years 1 to 9999 (a day off at the ends, for the offset from UTC), all others null."""
    stored = values.to_physical()
    return pl.select(pl.when((stored // a_day).is_between(*_CALENDAR)).then(values)).to_series()


def _either(test: pl.Series, yes: pl.Series, no: pl.Series) -> pl.Series:
    return pl.select(pl.when(test).then(yes).otherwise(no)).to_series()
