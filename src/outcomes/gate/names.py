"""The levels of people in, and the names under which levels are joined and printed out: small levels go by one name, and stay together.

A level that few belong to would never have k newcomers in one night, and keep everybody in it waiting. So the smallest levels of a
breakdown go by one name, from the smallest up, as in `outcomes.disclosure`. Whatever this does costs no safety, only how much is shown:
people whose level changes its name have left one level and come to another for `outcomes.gate.cohort`, which waits for newcomers in both.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, Final

import polars as pl

POOLED: Final = "(pooled)"


def names(
    people: pl.DataFrame, levels: pl.DataFrame, before: pl.DataFrame | None, k: int, share: float = 0, ripe: float = 1
) -> pl.DataFrame:
    """population, breakdown, level, name: the level's own, or `(pooled)`; sorted. One row per level that is known, now or `before`.

    `people`: population, person, stratum_id, all of tonight, whether they wait or not. A level has a name of its own if k people and
    `share` of the population are in it; so has the pool, which takes in the next larger level where it would not. `before` is the answer of
    the night before: a level with a name of its own keeps it unless the pool needs it, and one in the pool leaves it when both it and what
    stays behind are `ripe` times as large. (A breakdown in which a name is new waits for k newcomers on both sides. That takes k / r
    nights where r of them come a night; where n people are there already, it is k / n of the time that it took to get so far.)
    """
    on = ["population", "breakdown", "level"]
    counted = people.select("population", "person", "stratum_id").join(levels.select("stratum_id", "breakdown", "level"), on="stratum_id")
    counts = counted.group_by(on).agg(pl.col("person").n_unique().alias("n"))
    if before is not None:
        counts = counts.join(before.select(*on, "name"), on=on, how="full", coalesce=True, nulls_equal=True)
    else:
        counts = counts.with_columns(name=pl.lit(None, pl.String))
    totals = people.group_by("population").agg(pl.col("person").n_unique().alias("people"))
    counts = counts.join(totals, on="population", how="left", nulls_equal=True).with_columns(pl.col("n", "people").fill_null(0)).sort(on)
    rows = counts.select(*on, "n", "name", "people").rows()
    named: list[str] = []
    for _, group in groupby(rows, key=lambda row: row[:2]):
        of = list(group)
        named += _named(of, max(k, share * of[0][-1]), ripe)
    return counts.select(on).with_columns(pl.Series("name", named, dtype=pl.String))


def _named(rows: Sequence[tuple[Any, ...]], least: float, ripe: float) -> list[str]:
    """The name of each level of one breakdown, in the order of its rows: population, breakdown, level, n, name, people."""
    size: Mapping[Any, int] = {row[2]: row[3] for row in rows}
    is_pooled = {row[2] for row in rows if row[4] == POOLED or (row[4] is None and row[3] < least)}
    apart = least * ripe if any(row[4] == POOLED for row in rows) else least

    def people() -> int:
        return sum(size[level] for level in is_pooled)

    for level in sorted(is_pooled, key=lambda level: (-size[level], level)):
        if size[level] >= apart and (people() - size[level] >= apart or len(is_pooled) == 1):
            is_pooled.discard(level)
    while is_pooled and people() < least and len(is_pooled) < len(rows):
        is_pooled.add(min((level for level in size if level not in is_pooled), key=lambda level: (size[level], level)))
    return [POOLED if row[2] in is_pooled else row[2] for row in rows]


def under_names(levels: pl.DataFrame, named: pl.DataFrame) -> pl.DataFrame:
    """population, stratum_id, breakdown, level: `levels` under the names of `names`, to be handed to `outcomes.gate.cohort`."""
    return (
        levels.select("stratum_id", "breakdown", "level")
        .join(named, on=["breakdown", "level"], nulls_equal=True)
        .select("population", "stratum_id", "breakdown", level="name")
        .unique()
    )
