"""Tonight's numbers of one table and all that was ever printed of it in; what is printed tonight, and the ledger with it, out.

A *unit* is a row: keys, breakdown, level and parts. A *partition* is keys and breakdown: its units add up to its total, which other
breakdowns of the same keys tell as well. A partition is printed fresh only if each of its units, compared with every number that
unit was ever printed with, and its total, compared with every total of these keys that any breakdown ever told,

* is equal in every number, or
* counts k people more or fewer, and of every pair (numerator, denominator) those that are more are neither all nor none: c or more of
  them in the numerator, and c or more not (or the pair is as it was).

Otherwise the partition prints its last release again, byte for byte, as of the version of that release.

The difference of two head counts is a lower bound of how many people came or went, so whoever subtracts any two prints of a unit gets a
sum over k people or more, and is not told that all of them are alike. A unit whose level was pooled with others before has another name
now; it is compared through the total here, and through who stands in it by `outcomes.gate.cohort`.

A hold depends on outcomes where the difference was all or none: with c = 1, somebody who knows this rule takes a hold as news that all or
none of a batch are in the numerator, and may learn which from a later total. With c = 2 or more a hold tells that no more than c - 1 are
on one side, and nobody's own outcome follows, unless several holds follow each other and the next batch are all, or none, themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import polars as pl

TOTAL: Final = "(total)"
FRESH: Final = "fresh"
FEW: Final = "few"
ALIKE: Final = "alike"
BLOCKED: Final = "blocked"
ABSENT: Final = "absent"


@dataclass(frozen=True)
class Layout:
    """The columns of a table: `keys`, breakdown, level and `parts` name a row. `people` counts who is in it.

    `counts` are sums over people, `people` among them or not; `also` is printed and not summed (means, units, marks). `pairs` are names of
    a numerator and its denominator, both among the counts (or `people`); a table without pairs is judged by its head counts alone.
    `is_judged_alone`: whether a unit is compared with nothing, too, that is, must have k people (or none) and c on both
    sides of every pair by itself. Where a true zero may be printed (nobody had a serious event), it is not.
    """

    keys: tuple[str, ...]
    people: str
    counts: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...] = ()
    parts: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    is_judged_alone: bool = True

    @property
    def partition(self) -> list[str]:
        return [*self.keys, "breakdown"]

    @property
    def unit(self) -> list[str]:
        return [*self.partition, "level", *self.parts]

    @property
    def sums(self) -> list[str]:
        return list(dict.fromkeys([self.people, *self.counts]))

    @property
    def columns(self) -> list[str]:
        return [*self.unit, *self.sums, *self.also]


class Release(NamedTuple):
    """What is printed tonight.

    `rows`: the columns of the layout, `as_of` (the version of which the row tells), is_held. `partitions`: keys, breakdown, because
    (`fresh`; or held since the difference is `few` people, or `alike`, or the caller `blocked` it or said why, or it is `absent` tonight),
    as_of (null where nothing was ever printed, so nothing is now). `ledger`: the ledger of the next night. All sorted.
    """

    rows: pl.DataFrame
    partitions: pl.DataFrame
    ledger: pl.DataFrame


def empty_ledger(tonight: pl.DataFrame, layout: Layout) -> pl.DataFrame:
    """A ledger in which nothing stands. A ledger is never made by anything else: one that is lost means that nothing is printed."""
    return _numbered(tonight.clear(), layout, 0)


def release(
    tonight: pl.DataFrame, ledger: pl.DataFrame, layout: Layout, k: int, c: int, version: int, blocked: pl.DataFrame | None = None
) -> Release:
    """What is printed at `version`, which is higher than any in the ledger, or the last once more.

    `tonight`: the rows that the primary rule shows, with the columns of the layout. `ledger`: those columns, version, last: every
    different row ever printed, with the first and the last version at which it was printed fresh; totals stand in it as the level
    `(total)`. `blocked`: keys and breakdown of partitions that are held whatever they tell; columns that are missing in it are any;
    `because`, if it is there, says why.
    With k = 0 nothing but `blocked` is held.
    """
    fresh = _numbered(tonight, layout, version)
    offered = fresh.select(layout.partition).unique()
    nothing = offered.clear().with_columns(because=pl.lit(None, pl.String))
    held = pl.concat([nothing, *_suspect(fresh, ledger, layout, k, c), *_blocked(offered, blocked, layout)])
    held = held.group_by(layout.partition).agg(pl.col("because").max())
    partitions = offered.join(held, on=layout.partition, how="left", nulls_equal=True).with_columns(pl.col("because").fill_null(FRESH))
    gone = ledger.join(offered, on=layout.partition, how="anti", nulls_equal=True).select(layout.partition).unique()
    partitions = pl.concat([partitions, gone.with_columns(because=pl.lit(ABSENT))])
    last = ledger.group_by(layout.partition).agg(pl.col("last").max().alias("as_of"))
    partitions = partitions.join(last, on=layout.partition, how="left", nulls_equal=True)
    is_fresh = pl.col("because") == FRESH
    partitions = partitions.with_columns(as_of=pl.when(is_fresh).then(pl.lit(version, pl.Int64)).otherwise("as_of"))
    printed = fresh.join(partitions.filter(is_fresh), on=layout.partition, how="semi", nulls_equal=True)
    last_printed = partitions.filter(~is_fresh).select(*layout.partition, pl.col("as_of").alias("last"))
    again = ledger.join(last_printed, on=[*layout.partition, "last"], nulls_equal=True)
    rows = pl.concat(
        [
            printed.select(*layout.columns, pl.col("version").alias("as_of"), is_held=pl.lit(value=False)),
            again.select(*layout.columns, pl.col("last").alias("as_of"), is_held=pl.lit(value=True)),
        ]
    )
    return Release(
        rows.filter(pl.col("level") != TOTAL).sort([*layout.unit]),
        partitions.sort(layout.partition),
        _written(ledger, printed, layout, version),
    )


def _numbered(rows: pl.DataFrame, layout: Layout, version: int) -> pl.DataFrame:
    """The rows, and the total of each partition (and parts) as the level `(total)`; with the version."""
    totals = rows.group_by([*layout.partition, *layout.parts]).agg(pl.col(layout.sums).sum())
    totals = totals.with_columns(
        pl.lit(TOTAL, rows.schema["level"]).alias("level"), *(pl.lit(None, rows.schema[name]).alias(name) for name in layout.also)
    )
    both = pl.concat([rows.select(layout.columns), totals.select(layout.columns).cast({name: rows.schema[name] for name in layout.sums})])
    return both.with_columns(pl.lit(version, pl.Int64).alias(name) for name in ("version", "last"))


def _suspect(fresh: pl.DataFrame, ledger: pl.DataFrame, layout: Layout, k: int, c: int) -> list[pl.DataFrame]:
    """Partitions with a unit or a total that is too near to one that was printed, and why."""
    if not k:
        return []
    was = {name: f"{name}_before" for name in [*layout.sums, *layout.also]}
    total = pl.col("level") == TOTAL
    # A table without keys or parts has one total; a join wants a column all the same.
    across = ["of", *layout.keys, *layout.parts]
    fresh = fresh.with_columns(of=pl.lit(0))
    earlier = ledger.rename(was).with_columns(of=pl.lit(0))
    units = fresh.join(earlier.select(*layout.unit, *was.values()), on=layout.unit, nulls_equal=True)
    told = earlier.filter(total).select(*across, *(was[name] for name in layout.sums)).unique()
    totals = fresh.filter(total).join(told, on=across, nulls_equal=True)
    # One total of tonight stands for all: those that differ from it by a few are held.
    usual = fresh.filter(total).sort(layout.partition).group_by(across, maintain_order=True).first().rename(was)
    beside = fresh.filter(total).join(usual.select(*across, *(was[name] for name in layout.sums)), on=across, nulls_equal=True)
    none = {was[name]: pl.lit(0) for name in layout.sums}
    alone = [_judged(fresh.with_columns(**none), layout, was, layout.sums, k, c)] if layout.is_judged_alone else []
    return [
        _judged(units, layout, was, [*layout.sums, *layout.also], k, c),
        _judged(totals, layout, was, layout.sums, k, c),
        _judged(beside, layout, was, layout.sums, k, c),
        *alone,
    ]


def _judged(pairs: pl.DataFrame, layout: Layout, was: dict[str, str], equal: Sequence[str], k: int, c: int) -> pl.DataFrame:
    """Partitions of the rows that neither equal what they are compared with nor differ from it by a batch, and why."""

    def more(name: str) -> pl.Expr:
        return (pl.col(name).fill_null(0) - pl.col(was[name]).fill_null(0)) * way

    way = (pl.col(layout.people) - pl.col(was[layout.people])).sign()
    is_equal = pl.all_horizontal([pl.col(name).eq_missing(pl.col(was[name])) for name in equal])
    many = (pl.col(layout.people) - pl.col(was[layout.people])).abs() >= k
    unlike = [
        ((more(numerator) == 0) & (more(denominator) == 0)) | ((more(numerator) >= c) & (more(denominator) - more(numerator) >= c))
        for numerator, denominator in layout.pairs
    ]
    is_mixed = pl.all_horizontal(unlike) if unlike else pl.lit(value=True)
    bad = pairs.filter(~is_equal & ~(many & is_mixed))
    return bad.select(*layout.partition, because=pl.when(many).then(pl.lit(ALIKE)).otherwise(pl.lit(FEW)))


def _blocked(offered: pl.DataFrame, blocked: pl.DataFrame | None, layout: Layout) -> list[pl.DataFrame]:
    if blocked is None:
        return []
    on = [name for name in layout.partition if name in blocked.columns]
    why = pl.col("because").fill_null(BLOCKED) if "because" in blocked.columns else pl.lit(BLOCKED)
    reasons = blocked.select(*on, why.alias("because")).unique()
    return [offered.join(reasons, on=on, nulls_equal=True).select(*layout.partition, "because")]


def _written(ledger: pl.DataFrame, printed: pl.DataFrame, layout: Layout, version: int) -> pl.DataFrame:
    """The ledger after what was printed fresh: one row for each different row, however often it was printed in a run."""
    last = ledger.group_by(layout.partition).agg(pl.col("last").max())
    latest = ledger.join(last, on=[*layout.partition, "last"], how="semi", nulls_equal=True)
    again = printed.select(layout.columns).join(
        latest.select(*layout.columns, since="version"), on=layout.columns, how="left", nulls_equal=True
    )
    now = again.select(*layout.columns, version=pl.col("since").fill_null(version), last=pl.lit(version, pl.Int64))
    kept = ledger.join(now, on=[*layout.columns, "version"], how="anti", nulls_equal=True)
    return pl.concat([kept, now.select(ledger.columns)]).sort([*layout.unit, "version"])
