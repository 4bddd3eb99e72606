"""Counts by level in, and under which level each may be shown out: small cells are pooled with others, or hidden.

Within one partition (everything but the level) the cells add up to a total that readers may know. So a small cell is not simply left out:
levels are pooled from the smallest up, until all small ones are in and the pool itself is safe. What is shown still adds up to the total.
Since the order is that of the people counted, the pools of all metrics of a breakdown are nested: no metric's pool can be subtracted from
another's to leave a small cell. Only schema `report` reads the result.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

import polars as pl

if TYPE_CHECKING:
    import duckdb

POOLED: Final = "(pooled)"
SMALL: Final = "small"


@dataclass(frozen=True)
class Rule:
    """Counts from `hide_from` to `hide_to` may not be seen; what is seen is rounded to `round_to`. `hide_to` 0 hides nothing."""

    name: str
    hide_from: int
    hide_to: int
    round_to: int = 1

    def hides(self, count: int) -> bool:
        return self.hide_from <= count <= self.hide_to and self.hide_to > 0


@dataclass(frozen=True)
class Guarded:
    """A table of schema `tally`: the keys of a partition, and the counts (or differences of counts) that must not be small in it.

    The first count is that of the people the level holds, the same in every table, so that levels stand in one order everywhere.
    """

    table: str
    keys: tuple[str, ...]
    counts: tuple[str, ...]


GUARDED: Final = (
    Guarded(
        "outcome",
        ("profile_id", "metric_id", "instrument_id", "window_id"),
        ("enrolled", "with_baseline", "eligible", "measured", "denominator", "numerator", "denominator - numerator", "eligible - measured"),
    ),
    Guarded("score", ("instrument_id", "window_id"), ("enrolled", "n")),
    Guarded(
        "retention",
        ("instrument_id", "window_id"),
        ("enrolled", "with_baseline", "with_score", "with_both", "enrolled - with_score"),
    ),
    Guarded("due", ("instrument_id", "window_id"), ("enrolled", "not_due")),
)


def release(cells: pl.DataFrame, keys: Sequence[str], counts: Sequence[str], rule: Rule) -> pl.DataFrame:
    """One row per cell: keys, breakdown, level, shown_as, is_suppressed, suppression_reason; sorted.

    `shown_as` is the cell's own level, `(pooled)` for cells that are shown as one, or null where nothing of the partition may be
    shown. A cell is small if any of its `counts` is one that the rule hides. Cells stand in order of the first count, then of their
    level; the pool is the shortest beginning of that order that holds every small cell and is not small itself. A cell of nothing but
    zeros stays what it is.
    """
    where = [*keys, "breakdown", "level"]
    rows = cells.select(*where, *counts).sort(where).rows(named=True)
    names = [name for _, group in groupby(rows, key=lambda row: [row[k] for k in where[:-1]]) for name in _shown(list(group), counts, rule)]
    answer = pl.DataFrame(rows, schema=cells.select(*where, *counts).schema).select(where)
    return answer.with_columns(pl.Series("shown_as", names, dtype=pl.String)).with_columns(
        is_suppressed=pl.col("shown_as").ne_missing(pl.col("level")),
        suppression_reason=pl.when(pl.col("shown_as").ne_missing(pl.col("level"))).then(pl.lit(SMALL)),
    )


def _shown(cells: list[dict[str, Any]], counts: Sequence[str], rule: Rule) -> Iterator[str | None]:
    """The level under which each cell of one partition is shown."""

    def is_small(group: list[dict[str, Any]]) -> bool:
        return any(rule.hides(sum(cell[count] for cell in group)) for count in counts)

    in_order = sorted((cell for cell in cells if any(cell[count] for count in counts)), key=lambda cell: (cell[counts[0]], cell["level"]))
    size = max((place for place, cell in enumerate(in_order, start=1) if is_small([cell])), default=0)
    while is_small(in_order[:size]) and size < len(in_order):
        size += 1
    pool = in_order[:size]
    levels = {cell["level"] for cell in pool}
    name = None if is_small(pool) else POOLED
    return (name if cell["level"] in levels else cell["level"] for cell in cells)


def rule_in_force(con: "duckdb.DuckDBPyConnection") -> Rule:
    """The rule that the settings name, from `ref.disclosure`. Raises LookupError if there is none of that name."""
    row = con.execute(
        "select d.rule, d.hide_from, d.hide_to, d.round_to from ref.disclosure as d join ref.setting as s on s.disclosure_rule = d.rule"
    ).fetchone()
    if row is None:
        raise LookupError("the disclosure rule of the settings is not in ref.disclosure")
    return Rule(*row)


def disclose(con: "duckdb.DuckDBPyConnection") -> None:
    """Makes schema `release`: for each guarded table of `tally` a table that says how each of its cells may be shown."""
    rule = rule_in_force(con)
    con.execute("create schema if not exists release")
    for guarded in GUARDED:
        names = [f"count_{i}" for i in range(len(guarded.counts))]
        guards = ", ".join(f"({count})::bigint as {name}" for count, name in zip(guarded.counts, names, strict=True))
        keys = ", ".join((*guarded.keys, "breakdown", "level"))
        cells = con.sql(f"select {keys}, {guards} from tally.{guarded.table}").pl()
        con.register("released", release(cells, guarded.keys, names, rule).to_arrow())
        con.execute(f"create table release.{guarded.table} as select * from released")
        con.unregister("released")
        con.execute(
            f"comment on table release.{guarded.table} is 'How each cell of tally.{guarded.table} may be shown, under rule {rule.name}.'"
        )
        for column in (*guarded.keys, "breakdown", "level", "shown_as", "is_suppressed", "suppression_reason"):
            con.execute(f"comment on column release.{guarded.table}.{column} is '{MEANINGS[column]}'")


MEANINGS: Final = {
    "profile_id": "Profile whose thresholds are used.",
    "metric_id": "Metric.",
    "instrument_id": "Measure.",
    "window_id": "Window of the follow-up score.",
    "breakdown": "By what the courses are grouped.",
    "level": "Group.",
    "shown_as": "Level under which the cell is shown; empty where nothing of its partition may be shown.",
    "is_suppressed": "Whether the cell is not shown by itself.",
    "suppression_reason": "Why not.",
}
