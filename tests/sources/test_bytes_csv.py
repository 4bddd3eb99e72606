"""The fast and the careful way through a CSV file agree, wherever its blocks are cut."""

import csv
import io
import shutil
import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sources.opening import seen

from outcomes.settings import Limits
from outcomes.sources import csv_file, csv_layout, text
from outcomes.sources.csv_layout import Layout, layout
from outcomes.sources.raw import open_raw
from outcomes.sources.staging import stage

PLAIN = st.text("ab1é. -", max_size=5)
ANY = st.text('ab1é,;"\n\r\t. ', max_size=6)


def written(rows: list[list[str]], delimiter: str, ends: str, quoting: int) -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator=ends, quoting=quoting).writerows(rows)  # type: ignore[arg-type]
    return out.getvalue().encode()


@st.composite
def tables(draw: st.DrawFn, cells: st.SearchStrategy[str]) -> list[list[str]]:
    width = draw(st.integers(2, 4))
    return [[f"n{i}" for i in range(width)], *draw(st.lists(st.lists(cells, min_size=width, max_size=width), max_size=12))]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def by_both(data: bytes, block: int) -> tuple[object, object, int]:
    """What is seen the fast way and the careful way with blocks of this size, and how many blocks took the fast way."""
    fast_blocks = 0
    fast = csv_file._fast

    def counted(*arguments: object) -> object:
        nonlocal fast_blocks
        frame = fast(*arguments)  # type: ignore[arg-type]
        fast_blocks += frame is not None
        return frame

    folder = Path(tempfile.mkdtemp())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "BLOCK", block)
        patch.setattr(csv_layout, "_SLICE", block // 8)
        patch.setattr(csv_file, "_fast", counted)
        quick = seen(data, folder)
        patch.setattr(csv_file, "_fast", lambda *_: None)
        careful = seen(data, folder)
    shutil.rmtree(folder)
    return quick, careful, fast_blocks


@settings(max_examples=60, deadline=None)
@given(
    tables(PLAIN), st.sampled_from(",;\t|"), st.sampled_from(["\n", "\r\n"]), st.sampled_from([0, 1]), st.sampled_from([64, 200, 1 << 20])
)
def test_regular_tables_read_the_same_both_ways(table: list[list[str]], sign: str, ends: str, quoting: int, block: int) -> None:
    data = written(table, sign, ends, quoting)

    fast, careful, blocks = by_both(data, block)

    assert fast == careful
    assert blocks or len(table) == 1 or block < 1 << 20


@settings(max_examples=80, deadline=None)
@given(tables(ANY), st.sampled_from(",;\t|"), st.sampled_from(["\n", "\r\n"]), st.sampled_from([64, 1 << 20]))
def test_any_table_written_is_the_table_read(table: list[list[str]], sign: str, ends: str, block: int) -> None:
    data = written(table, sign, ends, csv.QUOTE_ALL)

    fast, careful, _ = by_both(data, block)

    assert fast == careful
    assert [row.partition(": ")[2] for row in fast.rows] == [" | ".join(row) for row in table[1:] if any(row)]  # type: ignore[attr-defined]


@settings(max_examples=150, deadline=None)
@given(st.text('ab,"\n\r;', max_size=60).map(lambda rows: f"id,score\n{rows}".encode()), st.sampled_from([16, 1 << 20]))
def test_any_text_reads_the_same_both_ways(data: bytes, block: int) -> None:
    fast, careful, _ = by_both(data, block)

    assert fast == careful


LAYOUTS = [
    ("two rows", "a,b\nc,d\n", Layout(8, "plain", 2)),
    ("what follows the last line end is left", "a,b\nc", Layout(4, "plain", 1)),
    ("a field too many", "a,b\nc,d,e\n", Layout(10, "irregular", 2)),
    ("one too many and one too few", "a,b,c\nd\n", Layout(8, "irregular", 2)),
    ("a blank line", "a,b\n\n", Layout(5, "irregular", 2)),
    ("longer than asked", "a," + "b" * 99 + "\n", Layout(102, "irregular", 1)),
    ("quoted fields", '"a","b"\n"c",d\n', Layout(14, "quoted", 2)),
    ("a delimiter in quotes", '"a,x",b\n', Layout(8, "quoted", 1)),
    ("a delimiter in quotes for one that is missing", '"a,b"\n', Layout(6, "irregular", 1)),
    ("a quote in quotes", '"a""x",b\n', Layout(9, "quoted", 1)),
    ("a line end in quotes", '"a\n",b\n', Layout(7, "irregular", 1)),
    ("a quote amid a field", 'a"x",b\n', Layout(7, "loose")),
    ("text after a closing quote", '"a"x,b\n', Layout(7, "loose")),
    ("an open quote", 'a,b\nc,"d\n', Layout(4, "plain", 1)),
    ("an open quote and nothing before", '"a,b\n', Layout(0, "loose")),
    ("CR LF", "a,b\r\nc,d\r\n", Layout(10, "plain", 2)),
    ("a CR amid a line", "a\r,b\n", Layout(5, "irregular", 1)),
]


@pytest.mark.parametrize(("block", "expected"), [pytest.param(block, expected, id=name) for name, block, expected in LAYOUTS])
def test_layout(block: str, expected: Layout) -> None:
    assert layout(block.encode(), ",", 2, 50) == expected


def breaks(*_: object, **__: object) -> pl.DataFrame:
    raise pl.exceptions.ComputeError("SECRET")


def loses_a_row(*arguments: object, **options: object) -> pl.DataFrame:
    return READ_CSV(*arguments, **options).head(-1)  # type: ignore[arg-type]


READ_CSV = pl.read_csv


@pytest.mark.parametrize("reader", [breaks, loses_a_row])
def test_where_the_fast_reader_fails_the_careful_one_reads(reader: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_file.pl, "read_csv", reader)

    assert seen(b"id,score\np1,3\np2,4\n", tmp_path).rows == ["2: p1 | 3", "3: p2 | 4"]


def test_only_the_chosen_columns_are_read(tmp_path: Path) -> None:
    assert seen(b"a,b,c\n1,2,3\n4,5,6\n", tmp_path, only=[2, 0]).rows == ["2: 1 | 3", "3: 4 | 6"]


def test_line_numbers_count_every_physical_line_of_every_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "BLOCK", 4096)
    lines = [f"p{i},{i}" for i in range(3000)]
    lines[700] = "p700"
    lines[1500] = '"p\n1500",1500'
    lines[2600] = '5" p2600,2600'
    data = ("id,score\n" + "\n".join(lines) + "\n").encode()

    found = seen(data, tmp_path)

    assert found.problems == {702: "F32"}
    assert len(found.rows) == 2999
    assert {found.rows[0], found.rows[701], found.rows[1499], found.rows[1500], found.rows[-1]} == {
        "2: p0 | 0",
        "704: p702 | 702",
        "1502: p\n1500 | 1500",
        "1504: p1501 | 1501",
        "3002: p2999 | 2999",
    }


@pytest.mark.parametrize("quote", ["", '"'], ids=["plain", "quoted"])
@pytest.mark.parametrize(
    ("cells", "kind", "read"),
    [
        (["3", "-9", "", " 4", "007"], pl.Int16, [3, -9, None, 4, 7]),
        (["3", "x", "", "1.0"], pl.String, ["3", "x", None, "1.0"]),
        (["3", "99999"], pl.String, ["3", "99999"]),
    ],
    ids=["numbers", "a word among them", "beyond the type"],
)
def test_whole_numbers_are_read_as_such_where_all_cells_are(
    folder: Path, quote: str, cells: list[str], kind: pl.DataType, read: list[object]
) -> None:
    lines = ["a,answer", *(f"{quote}t{quote}," + (f"{quote}{cell}{quote}" if cell else "") for cell in cells)]
    (folder / "file.csv").write_text("\n".join(lines) + "\n")
    raw = open_raw(stage(folder / "file.csv", folder / "raw", Limits()), ".csv", Limits())
    raw.only([0, 1], whole=[1])

    frame = pl.concat(raw.batches)

    assert frame.schema["c1"] == kind
    assert frame["c1"].to_list() == read
    assert frame["source_line"].to_list() == list(range(2, 2 + len(cells)))
