"""Item change in SQL equals what numpy makes of the answers themselves, without packing them."""

from collections.abc import Iterator
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outcomes import places, sqlfiles

SQL = places.folder("sql")
ITEMS, HIGHEST = 20, 10
REVERSED = {2, 16}
PACK = """
create or replace table core.score as
select
    form_number,
    'm' as instrument_id,
    bit_or(macro.packed(answer, macro.place_of(item))) filter (where macro.pack_of(item) = 0) as answers_1_15,
    bit_or(macro.packed(answer, macro.place_of(item))) filter (where macro.pack_of(item) = 1) as answers_16_30
from answer
group by form_number
"""


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as con:
        con.execute("create schema macro; create schema ref; create schema core; create schema tally")
        con.execute((SQL / "macro" / "core_packed.sql").read_text())
        con.execute("create table ref.window (window_id text, baseline_pick text)")
        con.execute("create table core.stratum_level as select 1 as stratum_id, 'all' as breakdown, 'all' as level")
        rows = [(item, -1 if item in REVERSED else 1, HIGHEST if item in REVERSED else 0) for item in range(1, ITEMS + 1)]
        con.execute('create table ref.scale_item (questionnaire_id text, item smallint, instrument_id text, slope int, "offset" int)')
        con.executemany("insert into ref.scale_item values ('m', $1, 'm', $2, $3)", rows)
        yield con


@st.composite
def forms(draw: st.DrawFn) -> tuple[int, np.ndarray]:
    """A sign, and answers by course, occasion and item; -1 where an item is blank."""
    courses = draw(st.integers(1, 12))
    values = draw(st.lists(st.integers(-1, HIGHEST), min_size=courses * 2 * ITEMS, max_size=courses * 2 * ITEMS))
    return draw(st.sampled_from([1, -1])), np.array(values).reshape(courses, 2, ITEMS)


def expected(sign: int, answers: np.ndarray) -> dict[int, tuple[int, ...]]:
    """n, sums and sums of squares of before, after and change, improved and worse, by item."""
    found = {}
    for item in range(1, ITEMS + 1):
        both = answers[:, :, item - 1]
        before, after = both[(both >= 0).all(axis=1)].T
        if len(before):
            turned = [HIGHEST - x if item in REVERSED else x for x in (before, after)]
            change = turned[1] - turned[0]
            sums = [int(total) for x in (*turned, change) for total in (x.sum(), (x**2).sum())]
            found[item] = (len(before), *sums, int((sign * change < 0).sum()), int((sign * change > 0).sum()))
    return found


@settings(max_examples=40, deadline=None)
@given(forms())
def test_item_change_is_that_of_the_answers(con: duckdb.DuckDBPyConnection, given_: tuple[int, np.ndarray]) -> None:
    sign, answers = given_
    rows: list[tuple[Any, ...]] = [
        (2 * course + occasion, item + 1, int(answers[course, occasion, item]))
        for course, occasion, item in np.ndindex(answers.shape)
        if answers[course, occasion, item] >= 0
    ]
    frame = pl.DataFrame(rows, schema={"form_number": pl.Int64, "item": pl.Int16, "answer": pl.Int16}, orient="row")
    con.register("answer", frame.to_arrow())
    con.execute(PACK)
    con.execute("create or replace table ref.scale as select 'm' as instrument_id, $1::int as sign", [sign])
    courses = f"select c::varchar as course_id, 'm' as instrument_id from range({len(answers)}) as a(c)"
    con.execute(f"create or replace table core.stratum as select *, 1 as stratum_id from ({courses})")
    con.execute(f"create or replace table core.baseline as select *, 2 * course_id::bigint as baseline_form_number from ({courses})")
    con.execute(
        f"create or replace table core.counted as "
        f"select *, 'w' as window_id, true as is_due, 2 * course_id::bigint + 1 as form_number from ({courses})"
    )
    con.execute(
        "create or replace table tally.score as "
        "select 'm' as instrument_id, 'w' as window_id, 'all' as breakdown, 'all' as level, 1::bigint as enrolled"
    )
    found = con.sql(sqlfiles.read(SQL / "tally" / "item_change.sql").text).fetchall()
    assert {row[2]: row[6:] for row in found} == expected(sign, answers)
