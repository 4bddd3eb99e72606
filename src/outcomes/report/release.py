"""A published snapshot in, its tables as rows out: the only door of the report to any data.

Texts come out clean: without control characters, line ends or marks that turn the direction of writing, so that no name of a site can
break a line of a mail or of a page.
"""

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import duckdb

Row = dict[str, Any]

DATABASE: Final = "outcomes.duckdb"
_UNWANTED: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]+")
_COMMENTS: Final = """
select table_name, coalesce(comment, '') as comment from duckdb_tables() where schema_name = 'published' order by table_name
"""
_COLUMNS: Final = """
select table_name, column_name, lower(data_type) as data_type, coalesce(comment, '') as comment from duckdb_columns()
where schema_name = 'published' order by table_name, column_index
"""


def clean(text: str) -> str:
    """One line of plain text: what is no character to read becomes one space."""
    return _UNWANTED.sub(" ", text).strip()


@dataclass(frozen=True)
class Release:
    """One snapshot, open for reading."""

    folder: Path
    con: "duckdb.DuckDBPyConnection"

    def rows(self, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[Row]:
        """Rows of a query over schema `published`, by column, their texts clean."""
        found = self.con.execute(sql, dict(values) if isinstance(values, Mapping) else list(values))
        names = [column[0] for column in found.description or ()]
        return [{name: clean(v) if isinstance(v, str) else v for name, v in zip(names, row, strict=True)} for row in found.fetchall()]

    def has(self, table: str) -> bool:
        """Whether the release has such a table; releases of other versions may not."""
        return any(name == table for name, _ in self.tables)

    @cached_property
    def tables(self) -> list[tuple[str, str]]:
        """Every table with what a row of it is."""
        return [(row["table_name"], row["comment"]) for row in self.rows(_COMMENTS)]

    @cached_property
    def columns(self) -> list[Row]:
        """Every column of every table with its type and meaning."""
        return self.rows(_COLUMNS)

    @cached_property
    def setting(self) -> Row:
        """What the release was asked."""
        return self.rows("select * from published.setting")[0]

    @property
    def as_of(self) -> dt.date:
        day = self.setting["as_of"]
        assert isinstance(day, dt.date)
        return day

    @cached_property
    def windows(self) -> dict[str, Row]:
        return {row["window_id"]: row for row in self.rows("select * from published.window order by ordinal")}

    @cached_property
    def measures(self) -> dict[str, Row]:
        return {row["instrument_id"]: row for row in self.rows("select * from published.measure order by all")}

    @cached_property
    def metrics(self) -> dict[str, Row]:
        """Name and direction of each metric that any profile defines."""
        found = self.rows("select distinct metric_id, metric_title, good_is from published.definition order by all")
        return {row["metric_id"]: row for row in found}

    @cached_property
    def primary(self) -> list[tuple[str, str]]:
        """Indication and measure, where the headline's profile has the measure as primary and the clinic has such courses."""
        found = self.rows(
            "select distinct e.indication, e.instrument_id from published.expected as e "
            "inner join published.retention as r on r.instrument_id = e.instrument_id and r.breakdown = 'indication' "
            "and r.level = e.indication where e.profile_id = ? and e.role = 'primary' order by all",
            [self.setting["profile_id"]],
        )
        return [(row["indication"], row["instrument_id"]) for row in found]


def tells_of_itself(snapshot: Path) -> bool:
    """Whether the release has the table that says what it was asked; releases made before there were reports have not."""
    with opened(snapshot) as release:
        return release.has("setting")


OF_QUALITY: Final = ("setting", "quality", "quarantine", "arrival")


@contextmanager
def opened_for_quality(warehouse: Path) -> Iterator[Release]:
    """Tonight's warehouse as a release of nothing but what became of the data: no figure of a patient can be asked of it."""
    import duckdb

    with duckdb.connect() as con:
        name = str(warehouse.resolve(strict=True)).replace("'", "''")
        con.execute(f"attach '{name}' as warehouse (read_only)")
        con.execute("create schema published")
        for table in OF_QUALITY:
            con.execute(f"create table published.{table} as from warehouse.report.{table}")
        con.execute("detach warehouse")
        yield Release(warehouse.parent, con)


@contextmanager
def opened(snapshot: Path) -> Iterator[Release]:
    """The snapshot in a folder, opened read-only. Raises FileNotFoundError where there is none."""
    import duckdb

    path = (snapshot / DATABASE).resolve(strict=True)
    with duckdb.connect(str(path), read_only=True) as con:
        yield Release(path.parent, con)
