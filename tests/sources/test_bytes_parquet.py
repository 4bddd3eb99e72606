"""Parquet values come out as text without noise, and a damaged file is refused."""

import base64
import datetime as dt
import io
import random
import uuid
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet
from sources.opening import seen


def file(columns: dict[str, object], **options: object) -> bytes:
    out = io.BytesIO()
    parquet.write_table(pa.table(columns), out, **{"write_page_checksum": True, **options})
    return out.getvalue()


NOON = dt.datetime.fromisoformat("2025-01-21T12:00")
VALUES: list[tuple[str, pa.Array, list[str]]] = [
    ("text", pa.array(["0012", "n/a", None, "", " x "]), ["0012", "n/a", "", "", " x "]),
    ("whole numbers", pa.array([0, -9, 2**63 - 1, None]), ["0", "-9", "9223372036854775807", ""]),
    ("fractions", pa.array([12.0, 0.1, -0.0, 1e300, None]), ["12", "0.1", "0", "1e+300", ""]),
    ("not numbers", pa.array([float("nan"), float("inf")]), ["NaN", "inf"]),
    ("short fractions", pa.array([0.1, 3.0], pa.float32()), ["0.1", "3"]),
    ("decimals", pa.array([Decimal("12.50"), Decimal("0.10")]), ["12.50", "0.10"]),
    ("long decimals", pa.array([Decimal("12.50")], pa.decimal256(60, 2)), ["12.50"]),
    ("yes and no", pa.array([True, False, None]), ["true", "false", ""]),
    ("dates", pa.array([NOON.date()]), ["2025-01-21"]),
    ("times of day", pa.array([dt.time(9, 30)]), ["09:30:00"]),
    ("local times", pa.array([NOON, NOON.replace(microsecond=600_000)]), ["2025-01-21T12:00:00", "2025-01-21T12:00:00.600"]),
    ("instants", pa.array([NOON], pa.timestamp("ms", "UTC")), ["2025-01-21T12:00:00+00:00"]),
    ("instants of a zone", pa.array([NOON], pa.timestamp("us", "America/Denver")), ["2025-01-21T05:00:00-07:00"]),
    ("times beyond the calendar", pa.array([2**62, -(2**62)], pa.timestamp("us")), [str(2**62), str(-(2**62))]),
    ("dates beyond the calendar", pa.array([2**31 - 1], pa.date32()), [str(2**31 - 1)]),
    ("dictionary", pa.array(["phq9", "gad7", "phq9"]).dictionary_encode(), ["phq9", "gad7", "phq9"]),
    ("bytes that are text", pa.array([b"p1", None]), ["p1", ""]),
    ("nothing", pa.nulls(2), ["", ""]),
]


@pytest.mark.parametrize(("values", "texts"), [pytest.param(values, texts, id=name) for name, values, texts in VALUES])
def test_value(values: pa.Array, texts: list[str], tmp_path: Path) -> None:
    data = file({"id": [f"p{i}" for i in range(len(values))], "value": values})

    found = seen(data, tmp_path, ".parquet")

    assert found.rows == [f"{i + 1}: p{i} | {text}" for i, text in enumerate(texts)]
    assert found.notes == {}


NO_VALUE = [
    ("list", pa.array([None, [1]])),
    ("record", pa.array([None, {"a": 1}])),
    ("bytes that are no text", pa.array([None, b"\xff"])),
    ("identifier in 16 bytes", pa.array([None, uuid.UUID(int=255).bytes], pa.uuid())),
]


@pytest.mark.parametrize("values", [pytest.param(values, id=name) for name, values in NO_VALUE])
def test_what_is_no_single_value_costs_its_row(values: pa.Array, tmp_path: Path) -> None:
    found = seen(file({"id": ["p1", "p2"], "value": values}), tmp_path, ".parquet")

    assert (found.rows, found.problems) == (["1: p1 | "], {2: "F35"})
    assert seen(file({"id": ["p1", "p2"], "value": values}), tmp_path, ".parquet", only=[0]).rows == ["1: p1", "2: p2"]


def test_long_fields_and_empty_rows(tmp_path: Path) -> None:
    found = seen(file({"id": ["p1", None, "x" * 10_001]}), tmp_path, ".parquet")

    assert (found.rows, found.problems, found.notes) == (["1: p1"], {3: "F33"}, {"F53": 1})


def test_a_file_without_rows_and_one_without_checksums(tmp_path: Path) -> None:
    assert seen(file({"id": pa.array([], pa.string())}), tmp_path, ".parquet").notes == {"F51": 1}
    assert seen(file({"id": ["p1"]}, write_page_checksum=False), tmp_path, ".parquet").notes == {"F57": 1}


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    zeros = pa.array([0]).take(pa.array([0] * 3_000_000))

    assert seen(file({"id": zeros}), tmp_path, ".parquet", expansion_ratio=200).refused == "F15"


ROWS = 40
TABLE = {
    "patient_id": [f"p{i:03}" for i in range(ROWS)],
    "score": pa.array([float(i % 28) if i % 7 else None for i in range(ROWS)]),
    "item": pa.array([i % 9 for i in range(ROWS)], pa.int32()),
    "answered_at": pa.array([NOON + dt.timedelta(hours=i) for i in range(ROWS)]),
    "at": pa.array([NOON.date()] * ROWS),
    "ok": [i % 2 == 0 for i in range(ROWS)],
}
WAYS: list[dict[str, object]] = [{}, {"compression": "zstd", "data_page_version": "2.0", "use_dictionary": False}, {"row_group_size": 10}]


def damaged(data: bytes, how_many: int) -> list[bytes]:
    """Copies of the file with one bit flipped, or cut short; the same ones each time."""
    dice = random.Random(7)  # noqa: S311
    flips = []
    for _ in range(how_many):
        copy = bytearray(data)
        copy[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        flips.append(bytes(copy))
    return [*flips, *(data[: dice.randrange(4, len(data))] for _ in range(how_many // 4))]


def refuses_or_reads_the_same(data: bytes, copies: list[bytes], folder: Path) -> None:
    good = seen(data, folder, ".parquet")
    assert len(good.rows) == ROWS
    for number, copy in enumerate(copies):
        found = seen(copy, folder, ".parquet")
        assert found.refused or (found.header, found.rows) == (good.header, good.rows), number


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_damage_is_refused_or_changes_nothing(way: dict[str, object], tmp_path: Path) -> None:
    data = file(TABLE, **way)

    refuses_or_reads_the_same(data, damaged(data, 60), tmp_path)


def test_a_name_that_is_not_the_one_of_its_column_is_refused(tmp_path: Path) -> None:
    data = file(TABLE, store_schema=False)
    # The schema is the first part of the footer; the chunks name their columns after it.
    at = data.index(b"score", data.index(b"schema"))

    assert seen(data[:at] + b"scare" + data[at + 5 :], tmp_path, ".parquet").refused == "F16"


@pytest.mark.parametrize("other", [pa.timestamp("us", "UTC"), pa.int64(), pa.date32(), pa.time64("us")], ids=str)
def test_a_time_of_which_the_file_says_two_things_is_refused(other: pa.DataType, tmp_path: Path) -> None:
    beside = base64.b64encode(pa.schema({"at": other}).serialize())
    table = pa.table({"at": pa.array([NOON])})
    out = io.BytesIO()
    with parquet.ParquetWriter(out, table.schema, store_schema=False, write_page_checksum=True) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({"ARROW:schema": beside})

    assert seen(out.getvalue(), tmp_path, ".parquet").refused == "F16"


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS, ids=str)
def test_much_damage_is_refused_or_changes_nothing(way: dict[str, object], tmp_path: Path) -> None:
    data = file(TABLE, **way)

    refuses_or_reads_the_same(data, damaged(data, 2_000), tmp_path)


def test_without_checksums_damage_never_ends_the_process(tmp_path: Path) -> None:
    data = file(TABLE, write_page_checksum=False, store_schema=False)

    for copy in damaged(data, 100):
        seen(copy, tmp_path, ".parquet")
