"""Units and answers of one file that share a key in, what is repeated or contradicts itself out.

The order of rows inside one file carries no meaning: equal rows are one row and its duplicates; of rows that differ none can be preferred,
so all are set aside. The parts of a form that does not stand in one place (long shape) are put together.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from outcomes.sources.pieces import LOST

Keys = npt.NDArray[np.uint64]

COUNTS: Final = ("rows", "bad", "answers", "answers_sum")


@dataclass
class Repeats:
    """What repeats among the units of a file.

    `lost`: units with their code; `duplicates`: units to leave out; `into`: by unit, the unit that it is a part of (itself, mostly), or
    None where every form stands in one place; `whole`: the counts of forms put together, by unit.
    """

    lost: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=LOST))
    duplicates: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema={"unit": pl.Int64()}))
    into: npt.NDArray[np.int64] | None = None
    whole: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema={"unit": pl.Int64()}))

    def __bool__(self) -> bool:
        return bool(self.lost.height or self.duplicates.height or self.into is not None)

    def form_of(self, units: pl.Series) -> pl.Series:
        """The form that each unit is, or is a part of."""
        return units if self.into is None else pl.Series(units.name, self.into[units.to_numpy()])


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


def of_runs(units: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Runs of rows that share a form: parts of it if their heads are equal, else none can be told whose it is (R16).

    Gives what is lost, unit and `into` of the parts, and the whole counts of each form.
    """
    same = units.sort("key", "unit").with_columns((pl.col("head").n_unique().over("key") == 1).alias("same"))
    lost = same.filter(~pl.col("same")).sort("unit").with_columns(code=pl.lit("R16"), column=pl.lit("form_id"))
    parts = same.filter("same")
    starts = np.flatnonzero(np.diff(parts["key"].to_numpy(), prepend=~parts["key"].to_numpy()[:1]) != 0)
    sizes = np.diff(starts, append=parts.height)
    first = parts["unit"].to_numpy()[starts]
    merged = pl.DataFrame({"unit": parts["unit"], "into": pl.Series(np.repeat(first, sizes), dtype=pl.Int64())})
    sums = [
        pl.Series(name, np.add.reduceat(parts[name].to_numpy(), starts), dtype=parts.schema[name]) if len(starts) else parts[name]
        for name in COUNTS
    ]
    whole = pl.DataFrame([pl.Series("unit", first, dtype=pl.Int64()), *sums])
    return lost.select(LOST.names()), merged, whole


def twice_in_a_form(forms: npt.NDArray[np.int64], items: npt.NDArray[np.int16]) -> npt.NDArray[np.int64]:
    """The forms that have an item more than once, sorted."""
    packed = np.sort(forms * 2**16 + items.astype(np.int64) % 2**16)
    return np.unique(packed[1:][packed[1:] == packed[:-1]] // 2**16)


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
