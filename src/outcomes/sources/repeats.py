"""Units and answers of one file that share a key in, what is repeated or contradicts itself out.

The order of rows inside one file carries no meaning: equal rows are one row and its duplicates; of rows that differ none can be preferred,
so all are set aside. The parts of a form that does not stand in one place (long shape) are put together.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from outcomes.sources.pieces import LOST

Keys = npt.NDArray[np.uint64]

UNITS = ("unit", "key", "head", "answers_sum", "source_line", "rows")


@dataclass
class Repeats:
    """`lost`: units with their code; `duplicates`: units to leave out; `merged`: unit -> the unit `into` whose part it is."""

    lost: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=LOST))
    duplicates: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema={"unit": pl.Int64()}))
    merged: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema={"unit": pl.Int64(), "into": pl.Int64()}))

    def __bool__(self) -> bool:
        return any(frame.height for frame in (self.lost, self.duplicates, self.merged))


def repeated(keys: Keys) -> Keys:
    """The keys that stand more than once, sorted."""
    ordered = np.sort(keys)
    return np.unique(ordered[1:][ordered[1:] == ordered[:-1]])


def of_rows(units: pl.DataFrame, column: str) -> Repeats:
    """Units of one row each that share a key: equal ones are duplicates of the first, others contradict each other (R17)."""
    content = pl.struct(name for name in ("head", "answers_sum") if name in units.columns)
    same = units.sort("source_line", "unit").with_columns((content.n_unique().over("key") == 1).alias("same"))
    lost = same.filter(~pl.col("same")).with_columns(code=pl.lit("R17"), column=pl.lit(column))
    duplicates = same.filter(pl.col("same") & ~pl.col("key").is_first_distinct())
    return Repeats(lost.select(LOST.names()), duplicates.select("unit"))


def of_runs(units: pl.DataFrame) -> Repeats:
    """Runs of rows that share a form: parts of it if their heads are equal, else none can be told whose it is (R16)."""
    same = units.sort("unit").with_columns(
        (pl.col("head").n_unique().over("key") == 1).alias("same"), pl.col("unit").first().over("key").alias("into")
    )
    lost = same.filter(~pl.col("same")).with_columns(code=pl.lit("R16"), column=pl.lit("form_id"))
    return Repeats(lost.select(LOST.names()), merged=same.filter("same").select("unit", "into"))


def of_answers(answers: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Answers with an item of a form more than once: first LOST rows of those that differ (R15), then duplicates."""
    item = ["form_row", "item"]
    several = answers.sort("source_line").filter(pl.len().over(item) > 1)
    several = several.with_columns((pl.col("answer").n_unique().over(item) == 1).alias("same"))
    lost = several.filter(~pl.col("same")).select(
        pl.col("form_row").alias("unit"),
        "source_line",
        pl.lit("R15").alias("code"),
        pl.lit("answer").alias("column"),
        pl.lit(1, pl.Int32).alias("rows"),
    )
    duplicates = several.filter(pl.col("same") & ~pl.struct(item).is_first_distinct())
    return lost, duplicates.select("form_row", "source_line", "item", "answer")
