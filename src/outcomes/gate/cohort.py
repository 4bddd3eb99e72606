"""Who is in the data tonight, and who was in the last release, in; who is counted tonight, and which breakdowns may be counted again, out.

Somebody who knows who joined between two releases subtracts one from the other. So people join in batches: tonight's newcomers to a
population are counted only together with others, so many that in every level of every breakdown they join none, or k or more. Whoever
lacks company waits. Who is counted already is counted as the data say tonight, since no other data are kept: a correction or a
withdrawal shows at once, but then the breakdown is not counted again (it prints its last release) until enough newcomers stand beside
the change, in every level that it touches.

**What this proves.** Let the breakdown b of a population be printed at versions 1 ... m, and let U(j, A) be any number of level A at
version j that is a sum over the people of A: of x(p), one unknown per person and number. Take any combination w = sum of a(j, A) U(j, A) of
all numbers that were ever printed of b, after numbers that are equal because nothing changed are taken as one. Let j be the
last version used and A a level with a(j, A) not 0. By `ready`, A has k newcomers or more at j: people in no earlier print. Their weights
in w are a(j, A), all the same, since no other number that is used holds them. Hence **every combination of the printed numbers of
one breakdown weighs at least k people alike**: no sum over fewer than k people can be computed from them, whatever was corrected,
withdrawn or taken up again in between, and even if it is known that a correction did not touch the outcome. What several breakdowns tell
together, and what follows from a sum being as low or as high as it can be, is for `outcomes.gate.holding` and `outcomes.gate.audit`.

Frames. A *population* is whatever is counted together under one version (a measure and a window). `standing`: population, person, state,
stratum_id, entered (version from which this row counts), first (version at which the person joined the population). `tonight`:
population, person, state, stratum_id. A person may have several rows (courses), and joins with all of them; `state` is a fingerprint of
everything the row contributes. `levels`: stratum_id, breakdown, level, and population if the names of levels depend on it.
"""

from typing import Final, NamedTuple

import polars as pl

WHO: Final = ("population", "person")
ROW: Final = (*WHO, "stratum_id", "state")
LEVEL: Final = ("population", "breakdown", "level")
TOTAL: Final = "(total)"

STANDING: Final = ("entered", "first")


class Cohort(NamedTuple):
    """Tonight's cohort.

    `rows`: population, person, state, stratum_id, entered, first, change; sorted. `change` is `kept`, `enters` (a newcomer), `returns`
    (known from `former`), `changes` (a new row of somebody who stands), `left` (a row that stood and is gone), `waits`. Who is counted are
    all but `left` and `waits` (`standing_after`). `touched`: population, breakdown, level, version in which a row of somebody who is
    no newcomer last came or went there; to be handed in again the next night, and to `ready`.
    """

    rows: pl.DataFrame
    touched: pl.DataFrame

    @property
    def standing(self) -> pl.DataFrame:
        """`standing` of the next night: who is counted from tonight on."""
        return self.rows.filter(~pl.col("change").is_in(["left", "waits"])).drop("change")


def nobody(like: pl.DataFrame) -> pl.DataFrame:
    """`standing` before the first night, in the types of a frame `tonight`."""
    return like.clear().with_columns(pl.lit(None, pl.Int64).alias(name) for name in STANDING)


def admit(
    standing: pl.DataFrame,
    tonight: pl.DataFrame,
    levels: pl.DataFrame,
    k: int,
    version: int,
    touched: pl.DataFrame | None = None,
    before: pl.DataFrame | None = None,
    former: pl.DataFrame | None = None,
) -> Cohort:
    """Who is counted tonight, at `version` (higher than any before).

    Newcomers join if in each of their levels k or more newcomers join with them: the largest such set (a k-core) does, the others
    wait. Those in `former` (population, person: once counted, then gone; or another key of somebody who is counted) come back
    only beside k newcomers, and are none themselves. `before` are the levels as they were named the night before: people whose level has
    another name tonight have left the one and come into the other. k = 0 lets everybody in.
    """
    is_known = standing.select(*WHO, "first").group_by(WHO).agg(pl.col("first").min())
    rows = tonight.select(ROW).unique()
    kept = rows.join(standing.select(*ROW, "entered"), on=ROW, how="left", nulls_equal=True)
    kept = kept.join(is_known, on=WHO, how="left", nulls_equal=True)
    left = standing.join(rows, on=ROW, how="anti", nulls_equal=True)
    is_former = (former if former is not None else tonight.clear()).select(WHO).unique().with_columns(is_former=pl.lit(value=True))
    outside = kept.filter(pl.col("first").is_null()).join(is_former, on=WHO, how="left", nulls_equal=True)
    outside = outside.with_columns(pl.col("is_former").fill_null(value=False))
    joining = _with_company(outside, levels, k).with_columns(joins=pl.lit(value=True))
    outside = outside.join(joining, on=WHO, how="left", nulls_equal=True)
    joins, here = pl.col("joins").fill_null(value=False), pl.lit(version, pl.Int64)
    changes = [
        kept.filter(pl.col("first").is_not_null()).with_columns(
            change=pl.when(pl.col("entered").is_null()).then(pl.lit("changes")).otherwise(pl.lit("kept")),
            entered=pl.col("entered").fill_null(here),
        ),
        outside.select(
            *ROW,
            pl.when(joins).then(here).alias("entered"),
            pl.when(joins).then(here).alias("first"),
            pl.when(~joins).then(pl.lit("waits")).when("is_former").then(pl.lit("returns")).otherwise(pl.lit("enters")).alias("change"),
        ),
        left.select(*ROW, *STANDING).with_columns(change=pl.lit("left")),
    ]
    columns = [*WHO, "state", "stratum_id", *STANDING, "change"]
    # Who comes back is no newcomer: for `ready` they have been there before every version.
    returned = pl.when(pl.col("change") == "returns").then(0).otherwise(pl.col("first"))
    answer = pl.concat([frame.select(columns) for frame in changes]).with_columns(first=returned).sort(columns)
    return Cohort(answer, _touched(answer, levels, levels if before is None else before, version, touched))


def _with_company(outside: pl.DataFrame, levels: pl.DataFrame, k: int) -> pl.DataFrame:
    """Population and person of those outside who may join: each of their levels is joined by k newcomers or more."""
    where = in_levels(outside.select(*WHO, "stratum_id", "is_former"), levels).unique()
    while True:
        crowd = where.group_by(LEVEL).agg((~pl.col("is_former")).sum().alias("newcomers"))
        lonely = where.join(crowd.filter(pl.col("newcomers") < k), on=LEVEL, how="semi", nulls_equal=True).select(WHO).unique()
        if lonely.is_empty():
            return where.select(WHO).unique()
        where = where.join(lonely, on=WHO, how="anti", nulls_equal=True)


def in_levels(rows: pl.DataFrame, levels: pl.DataFrame) -> pl.DataFrame:
    """Each row once for every level of its stratum, and once for the total: breakdown and level in place of stratum_id."""
    on = ["population", "stratum_id"] if "population" in levels.columns else ["stratum_id"]
    spread = rows.join(levels.select(*on, "breakdown", "level"), on=on, nulls_equal=True).drop("stratum_id")
    total = rows.drop("stratum_id").with_columns(pl.lit(TOTAL, spread["breakdown"].dtype).alias("breakdown"), level=pl.lit(TOTAL))
    return pl.concat([spread, total.with_columns(pl.col("level").cast(spread["level"].dtype)).select(spread.columns)])


def _touched(rows: pl.DataFrame, levels: pl.DataFrame, before: pl.DataFrame, version: int, touched: pl.DataFrame | None) -> pl.DataFrame:
    """`touched` of tonight: levels that somebody left, or came to who is no newcomer, have this version; the others theirs."""
    change = pl.col("change")
    gone, come = rows.filter(change == "left"), rows.filter(change.is_in(["changes", "returns"]))
    places = [in_levels(gone, before), in_levels(come, levels)]
    on = [name for name in ("population", "stratum_id", "breakdown", "level") if name in levels.columns]
    was, now = before.select(on), levels.select(on)
    for other, renamed in ((now, was), (was, now)):
        moved = renamed.join(other, on=on, how="anti", nulls_equal=True)
        if not moved.is_empty():
            places.append(in_levels(rows.filter(change == "kept"), moved).filter(pl.col("breakdown") != TOTAL))
    told = pl.concat([frame.select(LEVEL) for frame in places]).unique().with_columns(version=pl.lit(version, pl.Int64))
    earlier = [] if touched is None else [touched.select(told.columns)]
    return pl.concat([told, *earlier]).group_by(LEVEL).agg(pl.col("version").max()).sort(LEVEL)


def ready(standing: pl.DataFrame, touched: pl.DataFrame, levels: pl.DataFrame, released: pl.DataFrame, k: int) -> pl.DataFrame:
    """population, breakdown, is_ready: whether tonight's numbers of the breakdown may be printed; sorted.

    `standing` and `touched` are tonight's (of the cohort), `released` names the versions (population, breakdown, version) at which anything
    that was counted of the breakdown, in whatever table, was printed fresh. A level that was touched since such a version needs k newcomers
    since the last such version before it was touched. The total, which every breakdown tells, needs them since the last version of any.
    Of a level that nobody is left in nothing is printed, so it needs nobody.
    """
    places = in_levels(standing.select(*WHO, "stratum_id", "first"), levels).unique()
    told = released.select("population", "breakdown", pl.col("version").alias("since"))
    of_total = told.with_columns(pl.lit(TOTAL, told.schema["breakdown"]).alias("breakdown"))
    last = (
        touched.join(pl.concat([told, of_total]).unique(), on=["population", "breakdown"], nulls_equal=True)
        .filter(pl.col("since") < pl.col("version"))
        .group_by(LEVEL)
        .agg(pl.col("since").max())
    )
    crowd = places.join(last, on=LEVEL, nulls_equal=True).group_by(LEVEL)
    newcomers = crowd.agg(newcomers=pl.col("person").filter(pl.col("first") > pl.col("since")).n_unique())
    judged = places.select(LEVEL).unique().join(last, on=LEVEL, how="left", nulls_equal=True)
    judged = judged.join(newcomers, on=LEVEL, how="left", nulls_equal=True)
    judged = judged.with_columns(is_ready=pl.col("since").is_null() | (pl.col("newcomers").fill_null(0) >= k))
    total = judged.filter(pl.col("breakdown") == TOTAL).select("population", pl.col("is_ready").alias("total_is"))
    return (
        judged.filter(pl.col("breakdown") != TOTAL)
        .group_by("population", "breakdown")
        .agg(pl.col("is_ready").all())
        .join(total, on="population", how="left", nulls_equal=True)
        .select("population", "breakdown", is_ready=pl.col("is_ready") & pl.col("total_is").fill_null(value=True))
        .sort("population", "breakdown")
    )
