"""What the gate holds is printed as it was last released, in every table that tells of the same people; what it never let out is hidden."""

import datetime as dt
from collections.abc import Iterator, Mapping

import duckdb
import polars as pl
import pytest

from outcomes import disclosure, gating
from outcomes.disclosure import Guarded, Rule
from outcomes.ledger import Ledger, Lost
from outcomes.reference import HELD, SHOWN

RULE = Rule("cms", 1, 10, gate_k=11, gate_c=2)
TABLES = (
    Guarded("score", ("window_id",), ("n",)),
    Guarded("outcome", ("window_id",), ("denominator", "numerator"), page="score", rates=(("numerator", "denominator"),)),
    Guarded("shift", ("window_id",), ("courses",), within="score", part="band"),
    Guarded("induction", (), ("courses",)),
)
Sites = Mapping[str, tuple[int, int]]
FIRST: Sites = {"north": (40, 20), "south": (60, 25)}


@pytest.fixture
def con(monkeypatch: pytest.MonkeyPatch) -> Iterator[duckdb.DuckDBPyConnection]:
    monkeypatch.setattr(disclosure, "GUARDED", TABLES)
    with duckdb.connect() as con:
        con.execute("create schema release; create schema meta; create schema ref")
        con.execute("create table ref.setting (as_of date, headline_window_id varchar)")
        yield con


def night(con: duckdb.DuckDBPyConnection, day: int, sites: Sites, ledger: Ledger) -> Ledger:
    """A release of these (people, responders) by site, and in all."""
    as_of = dt.date(2026, 1, day)
    everybody = (sum(n for n, _ in sites.values()), sum(x for _, x in sites.values()))
    rows = [("site", site, *counts) for site, counts in sites.items()] + [("all", "all", *everybody)]
    marks = {"unit": 1, "is_suppressed": False, "suppression_reason": None, "as_of": as_of}
    cells = [{"window_id": "d30", "breakdown": b, "level": level, "n": n, "x": x, **marks} for b, level, n, x in rows]
    schema = {"is_suppressed": pl.Boolean, "suppression_reason": pl.String, "unit": pl.Int32}
    frame = pl.DataFrame(cells, schema_overrides=schema)
    halves = [("better", "x"), ("not", "rest")]
    parts = frame.with_columns(rest=pl.col("n") - pl.col("x"))
    tables = {
        "score": frame.drop("x"),
        "outcome": frame.rename({"n": "denominator", "x": "numerator"}),
        "shift": pl.concat([parts.with_columns(band=pl.lit(band), courses=pl.col(name)).drop("n", "x", "rest") for band, name in halves]),
        "induction": frame.drop("window_id", "x").rename({"n": "courses"}),
    }
    con.execute("delete from ref.setting; insert into ref.setting values (?, 'd30')", [as_of])
    for name, released in tables.items():
        con.register("incoming", released.to_arrow())
        con.execute(f"create or replace table release.{name} as select * from incoming")
    for name, meta in (("held", HELD), ("shown", SHOWN)):
        con.register("incoming", pl.DataFrame(schema=meta).to_arrow())
        con.execute(f"create or replace table meta.{name} as select * from incoming")
    con.unregister("incoming")
    return gating.hold(con, RULE, ledger, day)[0]


def printed(con: duckdb.DuckDBPyConnection, table: str, what: str) -> dict[tuple[str, str], tuple[int | None, int]]:
    """Number and day of what is printed, by breakdown and level."""
    rows = con.execute(f"select breakdown, level, {what}, day(as_of) from release.{table} order by all").fetchall()
    return {(breakdown, level): (number, day) for breakdown, level, number, day in rows}


ALL, NORTH, SOUTH = ("all", "all"), ("site", "north"), ("site", "south")


@pytest.mark.parametrize(
    ("second", "all_on", "sites_on"),
    [
        (FIRST, 2, 2),
        ({"north": (43, 21), "south": (60, 25)}, 1, 1),
        ({"north": (46, 23), "south": (66, 28)}, 2, 1),
        ({"north": (51, 26), "south": (60, 25)}, 2, 2),
        ({"north": (51, 31), "south": (60, 25)}, 1, 1),
        ({"north": (51, 20), "south": (60, 25)}, 1, 1),
        ({"north": (40, 21), "south": (60, 25)}, 1, 1),
        ({"north": (29, 14), "south": (60, 25)}, 2, 2),
        ({"north": (51, 26), "south": (49, 19)}, 2, 2),
    ],
    ids=[
        "the same",
        "three more",
        "six more in each",
        "eleven more",
        "all of them responded",
        "none did",
        "a correction",
        "eleven left",
        "eleven moved",
    ],
)
def test_a_partition_is_printed_anew_or_as_it_was(con: duckdb.DuckDBPyConnection, second: Sites, all_on: int, sites_on: int) -> None:
    night(con, 2, second, night(con, 1, FIRST, Ledger()))
    shown = printed(con, "outcome", "numerator")
    assert {cell: day for cell, (_, day) in shown.items()} == {ALL: all_on, NORTH: sites_on, SOUTH: sites_on}
    rows = {1: FIRST, 2: second}
    assert shown[NORTH][0] == rows[sites_on]["north"][1]
    assert shown[ALL][0] == sum(x for _, x in rows[all_on].values())


def test_tables_that_tell_of_the_same_people_are_held_together(con: duckdb.DuckDBPyConnection) -> None:
    ledger = night(con, 1, FIRST, Ledger())
    night(con, 2, {"north": (43, 21), "south": (60, 25)}, ledger)
    days = {table: {day for _, day in printed(con, table, what).values()} for table, what in (("score", "n"), ("shift", "courses"))}
    assert days == {"score": {1}, "shift": {1}}
    assert printed(con, "induction", "courses")[ALL] == (100, 1)


def test_a_table_that_splits_another_is_held_where_all_newcomers_are_in_one_part(con: duckdb.DuckDBPyConnection) -> None:
    ledger = night(con, 1, FIRST, Ledger())
    night(con, 2, {"north": (52, 32), "south": (60, 25)}, ledger)
    assert printed(con, "score", "n")[ALL] == (112, 2)
    assert {day for _, day in printed(con, "shift", "courses").values()} == {1}


def test_nothing_is_subtracted_from_any_earlier_release(con: duckdb.DuckDBPyConnection) -> None:
    ledger = night(con, 1, FIRST, Ledger())
    ledger = night(con, 2, {"north": (60, 30), "south": (60, 25)}, ledger)
    night(con, 3, {"north": (43, 22), "south": (60, 25)}, ledger)
    assert printed(con, "outcome", "denominator")[NORTH] == (60, 2), "43 differ from 60 by many, and from 40 by three"


def test_a_table_is_held_with_another_and_for_reasons_of_its_own_at_once() -> None:
    """Each says so in columns of its own; those that it has not stand for any."""
    tonight = pl.DataFrame(
        {"window_id": ["d30", "d30", "d90"], "cutoff_id": ["a", "c", "c"], "breakdown": "site", "level": "north", "n": 20}
    )
    layout = gating._layout(Guarded("change", ("window_id", "cutoff_id"), ("n",)), tonight)
    offered = tonight.with_columns(whole=pl.lit(""))
    frames = [
        pl.DataFrame({"window_id": "d30", "breakdown": "site"}),
        pl.DataFrame({"window_id": "d90", "cutoff_id": "c", "because": "waits"}),
    ]
    blocked = gating._spread(frames, offered, layout)
    assert blocked is not None
    found = blocked.select("window_id", "cutoff_id", "because").rows()
    assert sorted(found, key=str) == [("d30", "a", None), ("d30", "c", None), ("d90", "c", "waits")]


def test_what_was_never_released_is_hidden(con: duckdb.DuckDBPyConnection) -> None:
    """A breakdown that tells of three people fewer than all others: they would be found by subtraction."""
    ledger = night(con, 1, FIRST, Ledger())
    others = "select * replace ('sex' as breakdown, 97 as denominator) from release.outcome where level = 'all'"
    con.execute(f"insert into release.outcome by name {others}")
    gating.hold(con, RULE, Ledger(), 1)
    rows = con.execute(
        "select breakdown, denominator, is_suppressed, suppression_reason from release.outcome where breakdown in ('sex', 'all')"
    )
    assert ("sex", None, True, "would reveal") in rows.fetchall()
    assert ledger.dates == {1: dt.date(2026, 1, 1)}


def test_a_table_that_was_released_in_other_columns_is_not_taken_for_a_new_one(con: duckdb.DuckDBPyConnection) -> None:
    ledger = night(con, 1, FIRST, Ledger())
    old = Ledger({**ledger.tables, "outcome": ledger.tables["outcome"].rename({"numerator": "met"})}, ledger.dates)
    with pytest.raises(Lost, match="outcome"):
        night(con, 2, {"north": (43, 21), "south": (60, 25)}, old)
    assert printed(con, "score", "n")[ALL] == (103, 2), "nothing was printed before it was found"


def test_it_is_said_what_is_held_and_since_when(con: duckdb.DuckDBPyConnection) -> None:
    night(con, 2, {"north": (46, 23), "south": (66, 28)}, night(con, 1, FIRST, Ledger()))
    held = con.execute("select table_name, breakdown, because, shown_as_of from meta.held order by all").fetchall()
    day = dt.date(2026, 1, 1)
    because = {"score": "few", "outcome": "few", "shift": "blocked", "induction": "few"}
    assert held == [(table, "site", why, day) for table, why in sorted(because.items())]
    assert gating.summary(con) == {"courses": 112, "fresh": 4, "held": 4, "oldest": "2026-01-01"}


@pytest.mark.parametrize("guarded", disclosure.GUARDED, ids=lambda guarded: guarded.table)
def test_every_table_stands_behind_those_it_is_held_with(guarded: Guarded) -> None:
    order = [other.table for other in gating._bases_first(disclosure.GUARDED)]
    assert all(order.index(name) < order.index(guarded.table) for name in (guarded.within, guarded.page) if name)
