"""Rows of an export as text, and the register of those who have withdrawn, in; the rows without theirs out, counted."""

from typing import Final

import numpy as np
import polars as pl

from outcomes.sources import values
from outcomes.sources.raw import Runs, begins
from outcomes.withdrawal import Register

WHO: Final = "patient_id"
CODE: Final = "R19"


def pseudonyms(texts: pl.Series) -> pl.Series:
    """The texts as clean tables write an identifier: without blanks around and invisible characters, null where nothing is left."""
    return values.blank_to_null(texts.alias(WHO))[0]


def theirs(texts: pl.Series, register: Register) -> pl.Series:
    """The distinct texts, as they are written, that are a pseudonym of one who has withdrawn."""
    written = texts.drop_nulls().unique()
    return written.filter(pl.Series([text is not None and register.holds(text) for text in pseudonyms(written)], dtype=pl.Boolean))


class Sieve:
    """Takes rows of those who have withdrawn out of batches; `rows` is how many there were, whatever else was wrong with them."""

    def __init__(self, register: Register) -> None:
        self.register, self.rows = register, 0

    def sift(self, batch: pl.DataFrame | Runs) -> pl.DataFrame | Runs | None:
        """The batch without their rows, None where it has no others."""
        heads = batch.heads if isinstance(batch, Runs) else batch
        if not self.register or WHO not in heads.columns:
            return batch
        gone = theirs(heads[WHO], self.register)
        if not gone.len():
            return batch
        keep = ~heads[WHO].is_in(gone.implode()).fill_null(value=False)
        if isinstance(batch, Runs):
            lengths = np.diff(np.append(batch.starts, batch.tail.height))
            rows = np.repeat(keep.to_numpy(), lengths)
            self.rows += int((~rows).sum())
            starts = np.concatenate([[0], np.cumsum(lengths[keep.to_numpy()])[:-1]])
            heads = heads.filter(keep)
            if not heads.height:
                return None
            # Runs that now follow one another with equal heads are one.
            new = begins(heads)
            return Runs(heads.filter(new), starts[new], batch.tail.filter(pl.Series(rows)))
        self.rows += int((~keep).sum())
        return batch.filter(keep) if keep.any() else None
