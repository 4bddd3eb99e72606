"""A staged file in, its rows as text out, in batches, each row with the line of the file that it stands on."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import polars as pl

from outcomes.settings import Limits
from outcomes.sources.staging import Staged

Format = Literal["csv", "jsonl", "parquet", "xlsx"]


@dataclass
class Raw:
    """An open export file.

    `header` holds the column names as they stand in the file, without BOM, zero-width characters and surrounding blanks; a name
    may be empty, none stands twice. `batches` can be walked once: frames of String columns `c0`, `c1` ... (position in the
    header) and Int64 `source_line` (CSV and Excel: the header is line 1; JSON Lines: the line; Parquet: the row, from 1); an empty
    cell is null, any other text is as in the file. `problems`, `notes` and `rows_in` are complete once `batches` is used up, and the walk itself may
    still raise Refused: nothing of a file counts before its last batch.
    """

    format: Format
    encoding: str
    header: list[str]
    batches: Iterator[pl.DataFrame] = iter(())
    notes: Counter[str] = field(default_factory=Counter)
    sheet: str = ""
    wanted: list[int] = field(default_factory=list)
    rows_read: int = 0

    @property
    def problems(self) -> pl.DataFrame:
        """Rows that could not be read: source_line (Int64), code (String), in file order."""
        raise NotImplementedError

    @property
    def rows_in(self) -> int:
        """Data rows of the file, problem rows included; empty rows are none."""
        raise NotImplementedError

    def only(self, positions: Sequence[int]) -> None:
        """Read only these columns (positions in the header). To be said before the first batch."""
        self.wanted = sorted(positions)


def open_raw(staged: Staged, file_name_suffix: str, limits: Limits) -> Raw:
    """The file opened as what its bytes say it is; a suffix that says otherwise is noted.

    Raises Refused with a code of `expectations/file.json`.
    """
    raise NotImplementedError
