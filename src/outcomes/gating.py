"""Schema `release` of a warehouse and the ledger in; the same tables out, with the last release where tonight's would tell too much.

What may be shown of one night is `outcomes.disclosure`'s question, what may be shown beside all earlier releases that of `outcomes.gate`.
Here the two meet. A partition (the keys of a table and a breakdown) that the gate holds is printed as it was last released; `as_of` says
how old it is, and `meta.held` lists it. Tables that split the levels of another are held with it, and tables that tell the same outcomes
as `score` are printed fresh only where that is: no two tables tell of groups that differ by a few people. Who is counted, and which
breakdowns wait for newcomers, is said by `outcomes.batches`.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from outcomes import disclosure
from outcomes.disclosure import Guarded, Rule
from outcomes.gate import holding
from outcomes.gate.holding import FRESH, Layout
from outcomes.ledger import Ledger, Lost
from outcomes.reference import HELD, SHOWN

if TYPE_CHECKING:
    import duckdb

ONE: Final = "whole"
MARKS: Final = ("unit", "is_suppressed", "suppression_reason", "as_of")
WOULD_REVEAL: Final = "would reveal"


def hold(
    con: "duckdb.DuckDBPyConnection", rule: Rule, ledger: Ledger, version: int, unready: Mapping[str, Sequence[pl.DataFrame]] | None = None
) -> tuple[Ledger, dict[str, pl.DataFrame]]:
    """Prints what the gate holds as it was last released. The ledger of a release at `version`, and by table the partitions printed anew.

    `unready`: by table, keys and breakdown of partitions that are held whatever they tell, and why (`outcomes.batches`).
    Every table of schema `release` says in `as_of` of which date its numbers are. `meta.held`: each held partition, why (`few`, `alike`,
    `waits`, `crosses`, `blocked` with another table, `absent` tonight), and of which date it is shown, null where it never was.
    `meta.shown`: per table how many partitions are fresh and held, and the oldest date. Raises Lost where the ledger can't be compared with
    tonight's columns.
    """
    as_of = con.execute("select as_of from ref.setting").fetchall()[0][0]
    dates = {**ledger.dates, version: as_of}
    found: dict[str, holding.Release] = {}
    _compare_columns(con, ledger)
    for guarded in _bases_first(disclosure.GUARDED):
        tonight = con.sql(f"from release.{guarded.table}").pl().drop("as_of")
        layout = _layout(guarded, tonight)
        tonight = _with_one(tonight, guarded)
        before = ledger.tables.get(guarded.table, holding.empty_ledger(tonight, layout))
        blocked = _blocked(con, guarded, found)
        blocked += unready.get(guarded.table, []) if unready else []
        is_split = guarded.part is not None and not guarded.is_group
        if is_split and guarded.counts and guarded.curve is None:
            blocked.append(_all_alike(tonight, before, layout, rule.gate_c))
        k = 0 if is_split else rule.gate_k
        found[guarded.table] = holding.release(tonight, before, layout, k, rule.gate_c, version, _spread(blocked, tonight, layout))
        _print(con, guarded, tonight, found[guarded.table], dates)
    _list(con, found, dates)
    fresh = {table: release.partitions.filter(because=FRESH) for table, release in found.items()}
    return Ledger({table: release.ledger for table, release in found.items()}, dates), fresh


def _compare_columns(con: "duckdb.DuckDBPyConnection", ledger: Ledger) -> None:
    """Raises Lost where a table was released in other columns, before anything is printed: it can't be told what tonight's would reveal."""
    for guarded in disclosure.GUARDED:
        tonight = con.sql(f"from release.{guarded.table} limit 0").pl().drop("as_of")
        nothing = holding.empty_ledger(_with_one(tonight, guarded), _layout(guarded, tonight))
        if ledger.tables.get(guarded.table, nothing).columns != nothing.columns:
            raise Lost(f"what was released of {guarded.table} was kept in other columns")


def _spread(blocked: Sequence[pl.DataFrame], tonight: pl.DataFrame, layout: Layout) -> pl.DataFrame | None:
    """The partitions of tonight that any of the frames names; columns that are missing in one are any."""
    offered = tonight.select(layout.partition).unique()
    frames = [offered.join(frame, on=[name for name in layout.partition if name in frame.columns], nulls_equal=True) for frame in blocked]
    return pl.concat(frames, how="diagonal").unique() if frames else None


def _bases_first(tables: Sequence[Guarded]) -> list[Guarded]:
    """The tables, each behind those that it is held with."""
    left, done = list(tables), list[Guarded]()
    while left:
        names = {guarded.table for guarded in left}
        done += [guarded for guarded in left if not {guarded.within, guarded.page} & names]
        left = [guarded for guarded in left if {guarded.within, guarded.page} & names]
    return done


def _layout(guarded: Guarded, rows: pl.DataFrame) -> Layout:
    """How the gate reads a table: who is in a row, and what is counted of them."""
    rated = [name for pair in guarded.rates for name in pair]
    counts = tuple(dict.fromkeys(name for name in (*guarded.counts, *rated) if name in rows.columns))
    also = [name for name in rows.columns if name not in (*guarded.cell, *counts)]
    parts = (guarded.part,) if guarded.part else ()
    people = guarded.people or counts[0] if counts else next(name for name in also if rows.schema[name].is_integer())
    also = [name for name in also if name != people]
    return Layout((*guarded.keys, ONE), people, counts or (people,), guarded.rates, parts, tuple(also), is_judged_alone=False)


def _with_one(rows: pl.DataFrame, guarded: Guarded) -> pl.DataFrame:
    """The rows with one key more: the breakdown again where breakdowns do not count the same people, so that their totals may differ."""
    return rows.with_columns((pl.col("breakdown") if guarded.overlaps else pl.lit("")).alias(ONE))


def _all_alike(tonight: pl.DataFrame, before: pl.DataFrame, layout: Layout, c: int) -> pl.DataFrame:
    """Partitions in which fewer than `c` of those who came to a level since any release have another value than all others."""
    level = [*layout.partition, "level"]
    now = tonight.with_columns(people=pl.col(layout.people).sum().over(level))
    was = before.filter(pl.col("level") != holding.TOTAL)
    was = was.with_columns(people=pl.col(layout.people).sum().over([*level, "version"]))
    both = now.join(was, on=layout.unit, nulls_equal=True, suffix="_before")
    came = pl.col("people") - pl.col("people_before")
    had = pl.col(layout.people) - pl.col(f"{layout.people}_before")
    return both.filter((came > 0) & (came - had < c)).select(name for name in layout.partition if name != ONE).unique()


def _blocked(con: "duckdb.DuckDBPyConnection", guarded: Guarded, found: Mapping[str, holding.Release]) -> list[pl.DataFrame]:
    """The partitions that are held whatever they tell, since a table is held that they belong to."""
    frames = []
    for name in (guarded.within, guarded.page):
        if name is not None:
            partitions = found[name].partitions.filter(pl.col("because") != FRESH)
            if guarded.page and "window_id" not in guarded.keys and "window_id" in partitions.columns:
                partitions = partitions.filter(window_id=_headline_window(con)).drop("window_id")
            frames.append(partitions.select(pl.selectors.by_name(*guarded.keys, "breakdown", require_all=False)))
    return frames


def _headline_window(con: "duckdb.DuckDBPyConnection") -> str:
    return str(con.execute("select headline_window_id from ref.setting").fetchall()[0][0])


def _print(
    con: "duckdb.DuckDBPyConnection", guarded: Guarded, tonight: pl.DataFrame, release: holding.Release, dates: Mapping[int, dt.date]
) -> None:
    """Puts what was last released in the place of what is held; what never was is hidden."""
    held = release.partitions.filter(pl.col("because") != FRESH)
    if held.is_empty():
        return
    again = release.rows.filter("is_held").with_columns(_dated("as_of", dates)).drop("is_held", ONE)
    numbers = [name for name in tonight.columns if name not in (*guarded.cell, ONE, *MARKS)]
    never = tonight.join(held.filter(pl.col("as_of").is_null()), on=[*guarded.keys, "breakdown"], how="semi", nulls_equal=True)
    hidden = never.drop(ONE).with_columns(
        *(pl.lit(None, tonight.schema[name]).alias(name) for name in numbers),
        is_suppressed=pl.lit(value=True),
        suppression_reason=pl.lit(WOULD_REVEAL),
        as_of=pl.lit(max(dates.values())),
    )
    gone = held.select(*guarded.keys, "breakdown")
    same = " and ".join(f"shown.{name} is not distinct from gone.{name}" for name in gone.columns)
    for name, frame in (("gone", gone), ("incoming", pl.concat([again, hidden.select(again.columns)]))):
        con.register(name, frame.to_arrow())
    con.execute(f"delete from release.{guarded.table} as shown using gone where {same}")
    con.execute(f"insert into release.{guarded.table} by name select * from incoming")
    for name in ("gone", "incoming"):
        con.unregister(name)


def _dated(version: str, dates: Mapping[int, dt.date]) -> pl.Expr:
    return pl.col(version).replace_strict(dates, default=None, return_dtype=pl.Date)


def _list(con: "duckdb.DuckDBPyConnection", found: Mapping[str, holding.Release], dates: Mapping[int, dt.date]) -> None:
    held, shown = [pl.DataFrame(schema=HELD)], [pl.DataFrame(schema=SHOWN)]
    for table, release in sorted(found.items()):
        keys = [name for name in release.partitions.columns if name not in ("breakdown", "because", "as_of", ONE)]
        partitions = release.partitions.with_columns(
            table_name=pl.lit(table),
            keys=pl.concat_str([pl.col(name).cast(pl.String).fill_null("") for name in keys], separator=" ") if keys else pl.lit(""),
            shown_as_of=_dated("as_of", dates),
        )
        is_fresh = pl.col("because") == FRESH
        held.append(partitions.filter(~is_fresh).select(HELD.names()))
        shown.append(
            partitions.group_by("table_name").agg(
                fresh=is_fresh.sum().cast(pl.Int64), held=(~is_fresh).sum().cast(pl.Int64), oldest=pl.col("shown_as_of").min()
            )
        )
    for name, frames in (("held", held), ("shown", shown)):
        con.register("incoming", pl.concat(frames).to_arrow())
        con.execute(f"insert into meta.{name} by name select * from incoming order by all")
        con.unregister("incoming")


def summary(con: "duckdb.DuckDBPyConnection") -> dict[str, Any]:
    """What `outcomes status` says of a release: courses in its figures, partitions fresh and held, and the oldest date of what is shown."""
    counted = "coalesce(sum(fresh), 0)::bigint, coalesce(sum(held), 0)::bigint, min(oldest)"
    fresh, held, oldest = con.execute(f"select {counted} from meta.shown").fetchall()[0]
    known = con.execute("select 1 from duckdb_tables() where schema_name = 'release' and table_name = 'induction'").fetchall()
    covered = con.execute("select sum(courses)::bigint from release.induction where breakdown = 'all'").fetchall()[0][0] if known else None
    return {"courses": covered, "fresh": fresh, "held": held, "oldest": oldest.isoformat() if oldest else None}
