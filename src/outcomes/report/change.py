"""Table published.change in, what moved since the last release out, in sentences and as a table; releases before it have none."""

from typing import Final

from outcomes.report.model import HIDDEN, NONE, Block, Grid, Text
from outcomes.report.release import Row
from outcomes.report.words import Words

ABSENT: Final = "This release does not say what moved since the one before, so no cause of a change is named."
TEXT_TYPES: Final = ("varchar", "date", "boolean")


def lines(words: Words) -> list[str]:
    """How many lines there are, for the first screen; the table itself stands in C11."""
    rows = words.release.rows("select * from published.change order by all")
    return [f"{words.numerals.plain(len(rows))} causes of change since the last release; see C11."] if rows else ["Nothing moved."]


def blocks(words: Words) -> list[Block]:
    """The whole table, as it was published."""
    if not words.release.has("change"):
        return [Text((ABSENT,))]
    columns = [row for row in words.release.columns if row["table_name"] == "change"]
    names = [row["column_name"] for row in columns]
    numbers = frozenset(row["column_name"] for row in columns if row["data_type"] not in TEXT_TYPES)
    rows = words.release.rows("select * from published.change order by all")
    if not rows:
        return [Text(("Nothing moved since the last release.",))]
    return [Grid("What moved, and why", tuple(names), tuple(tuple(_cell(words, row, name) for name in names) for row in rows), numbers)]


def _cell(words: Words, row: Row, name: str) -> str:
    value = row[name]
    if value is None:
        return HIDDEN if row.get("is_suppressed") else NONE
    if isinstance(value, bool | str):
        return str(value)
    return words.numerals.brief(value, 6) if isinstance(value, int | float) else str(value)
