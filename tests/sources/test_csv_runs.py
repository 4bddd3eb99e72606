"""Rows told apart by the bytes that they repeat are the rows of a reading cell by cell."""

import shutil
import tempfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outcomes.settings import Limits
from outcomes.sources import csv_layout, csv_runs, text
from outcomes.sources.csv_layout import layout
from outcomes.sources.raw import Runs, open_raw
from outcomes.sources.staging import stage

HEADS = st.sampled_from(["p1", "p2", "p21", "", "é", "f" * 7, "f" * 8, "f" * 9, "g" * 70, "g" * 69 + "h"])
NUMBERS = st.sampled_from(["0", "1", "2", "3", "12", "-9", "999", "9999", "007"])


@st.composite
def exports(draw: st.DrawFn) -> tuple[list[list[str]], list[int]]:
    """Rows of which most repeat the one before but for the tail, and the places of the tail."""
    width = draw(st.integers(3, 6))
    tail = draw(st.permutations(range(width)))[:2]
    rows: list[list[str]] = []
    for _ in range(draw(st.integers(1, 30))):
        repeated = rows and draw(st.integers(0, 3))
        row = list(rows[-1]) if repeated else [draw(HEADS) for _ in range(width)]
        row[tail[0]], row[tail[1]] = draw(NUMBERS), draw(st.one_of(NUMBERS, st.just("")))
        rows.append(row)
    return rows, tail


def expanded(batch: pl.DataFrame | Runs, width: int) -> pl.DataFrame:
    """A batch cell by cell."""
    if isinstance(batch, Runs):
        place = np.repeat(np.arange(batch.starts.size), np.diff(batch.starts, append=batch.tail.height))
        assert batch.heads["source_line"].to_list() == batch.tail["source_line"].to_numpy()[batch.starts].tolist()
        batch = pl.concat([batch.heads.drop("source_line")[place], batch.tail], how="horizontal")
    return batch.select([*(f"c{place}" for place in range(width)), "source_line"])


def read(data: bytes, width: int, tail: list[int], block: int) -> tuple[list[tuple[object, ...]], list[pl.DataFrame | Runs]]:
    folder = Path(tempfile.mkdtemp())
    (folder / "file.csv").write_bytes(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "BLOCK", block)
        patch.setattr(csv_layout, "_SLICE", block // 8)
        raw = open_raw(stage(folder / "file.csv", folder / "raw", Limits()), ".csv", Limits())
        raw.only(range(width), tail, tail)
        batches = list(raw.batches)
    shutil.rmtree(folder)
    rows = pl.concat([expanded(batch, width).cast({f"c{place}": pl.Int16 for place in tail}) for batch in batches]).rows()
    assert raw.rows_in == len(rows)
    return rows, batches


@settings(max_examples=150, deadline=None)
@given(exports(), st.sampled_from(["\n", "\r\n"]), st.sampled_from([128, 600, 1 << 20]))
def test_runs_are_the_rows_that_stand_there(export: tuple[list[list[str]], list[int]], ends: str, block: int) -> None:
    rows, tail = export
    width = len(rows[0])
    header = [f"n{place}" for place in range(width)]

    found, batches = read(ends.join([*map(",".join, [header, *rows]), ""]).encode(), width, tail, block)

    cells = [[int(cell) if place in tail and cell else cell or None for place, cell in enumerate(row)] for row in rows]
    assert found == [(*row, line) for line, row in enumerate(cells, 2)]
    if block == 1 << 20:
        (batch,) = batches
        assert isinstance(batch, Runs)
        heads = [[cell for place, cell in enumerate(row) if place not in tail] for row in rows]
        assert batch.starts.tolist() == [0, *(place for place in range(1, len(rows)) if heads[place] != heads[place - 1])]


@pytest.mark.parametrize("slice_", [1, 20, 1 << 19])
def test_a_run_goes_on_from_slice_to_slice(slice_: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_layout, "_SLICE", slice_)
    block = "".join(f"p{place // 9},{place % 9},1\n" for place in range(90)).encode()

    found = in_runs(block)

    assert found is not None
    assert found.starts.tolist() == list(range(0, 90, 9))
    assert found.text.decode() == "".join(f"p{place},0,1\n" for place in range(10))


@pytest.mark.parametrize("cells", ["1,2", "1,", "1,-1234", "12,007"])
def test_small_whole_numbers_are_read_where_they_stand(cells: str) -> None:
    assert in_runs(f"p1,{cells}\n".encode()) is not None


@pytest.mark.parametrize("cells", [",1", ",", "1,x", "1,1.0", "1,+1", "1,-", "1,12345", "1, 2", "1,2-", "1,--2", "x,1"])
def test_what_is_none_is_left_to_the_reader(cells: str) -> None:
    assert in_runs(f"p1,1,1\np1,{cells}\n".encode()) is None


def in_runs(block: bytes) -> csv_runs.Found | None:
    return csv_runs.runs(block, layout(block, ",", 3, 50), [0], [1, 2])


def test_a_word_among_the_answers_ends_runs_but_loses_nothing(tmp_path: Path) -> None:
    rows = [f"p,{item},{'often' if item == 3 else 1}" for item in range(1, 6)]
    (tmp_path / "file.csv").write_text("a,item,answer\n" + "\n".join(rows) + "\n")
    raw = open_raw(stage(tmp_path / "file.csv", tmp_path / "raw", Limits()), ".csv", Limits())
    raw.only([0, 1, 2], [1, 2], [1, 2])

    (batch,) = raw.batches

    assert isinstance(batch, pl.DataFrame)
    assert [",".join(row[:3]) for row in batch.rows()] == rows
