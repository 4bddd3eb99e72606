"""A file's name and its column `exported_at` in; out when it was exported, which decides what overrides what."""

import datetime as dt
import re
from typing import TYPE_CHECKING, Final

import polars as pl

from outcomes.sources import values
from outcomes.sources.times import Custom, instants

if TYPE_CHECKING:
    from outcomes.intake import Run

_IN_NAME: Final = re.compile(
    r"(?<!\d)(20\d{2})(-?)(\d{2})\2(\d{2})(?:[T_-]?([01]\d|2[0-3])[-:]?([0-5]\d)(?:[-:]?[0-5]\d)?Z?)?(?!\d)", re.ASCII
)


class Latest:
    """The latest `exported_at` seen so far, as a time at the site, and how many texts could not be read."""

    def __init__(self, custom: Custom) -> None:
        self.custom, self.unread = custom, 0
        self.value: dt.datetime | None = None

    def see(self, texts: pl.Series) -> None:
        written = values.blank_to_null(texts.unique())[0].drop_nulls()
        at, on, _, _ = instants(written, self.custom)
        local = at.dt.replace_time_zone("UTC").dt.convert_time_zone(self.custom.zone).dt.replace_time_zone(None)
        found = pl.select(pl.coalesce(local, on.cast(pl.Datetime("us")))).to_series()
        self.unread += found.null_count()
        newest = found.max()
        if isinstance(newest, dt.datetime):
            self.value = newest if self.value is None else max(self.value, newest)


def of_file(name: str, exported_at: dt.datetime | None, run: "Run") -> tuple[dt.date, int]:
    """Day of the export and its place within the day.

    From `exported_at`, else from a date in the name (2026-11-21 or 20261121, with or without T0215): the place is then the minute
    of the day, 0 where only the day is known. Else the run's as-of date, and the place is the run's number.
    """
    moment = exported_at or in_name(name)
    if moment is None:
        return run.as_of, run.arrival
    return moment.date(), moment.hour * 60 + moment.minute


def in_name(name: str) -> dt.datetime | None:
    """The last date of a file name that is one."""
    found = None
    for match in _IN_NAME.finditer(name):
        year, _, month, day, hour, minute = match.groups()
        try:
            found = dt.datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0))  # noqa: DTZ001
        except ValueError:
            continue
    return found
