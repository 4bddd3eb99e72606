"""Texts of dates and times in, UTC instants and calendar dates at the site out; a text with two meanings is a fault, not a guess."""

import datetime as dt
import re
from dataclasses import dataclass
from typing import Final

import polars as pl

from outcomes.contract import DATE, INSTANT

EARLIEST: Final = dt.date(1900, 1, 1)
LATEST: Final = dt.date(2199, 12, 31)

# length of the text, its format, whether it names its offset from UTC
_ISO: Final = (
    (19, 19, "%Y-%m-%dT%H:%M:%S", False),
    (10, 10, "%Y-%m-%d", False),
    (16, 16, "%Y-%m-%dT%H:%M", False),
    (20, 20, "%Y-%m-%dT%H:%M:%S%#z", True),
    (24, 25, "%Y-%m-%dT%H:%M:%S%#z", True),
    (21, 29, "%Y-%m-%dT%H:%M:%S%.f", False),
    (22, 35, "%Y-%m-%dT%H:%M:%S%.f%#z", True),
)
_CLOCK: Final = (
    r"(?:[T ]+(?P<h>\d{1,2}):(?P<mi>\d{2})(?::(?P<s>\d{2})(?:[.,](?P<f>\d{1,9}))?)?(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?"
    r"(?: ?(?P<off>[Zz]|[+-]\d{2}(?::?\d{2})?))?)?"
)
_YEAR_FIRST: Final = re.compile(r"(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})" + _CLOCK, re.ASCII)
_YEAR_LAST: Final = re.compile(r"(?P<a>\d{1,2})[-/. ](?P<b>\d{1,2})[-/. ](?P<y>\d{4})" + _CLOCK, re.ASCII)
_BARE: Final = re.compile(r"[+-]?\d+(\.\d*)?", re.ASCII)


@dataclass(frozen=True)
class Custom:
    """How a file writes: the zone of times that name none, the order of day and month if it is known, the decimal mark."""

    zone: str = "UTC"
    day_first: bool | None = None
    decimal_comma: bool = False


def dates(texts: pl.Series, custom: Custom) -> tuple[pl.Series, pl.Series | None]:
    """Calendar dates at the site, and codes R04, R05, R06, R07 where a text gives none. A time beside the date is let go."""
    _, on, codes, _ = instants(texts, custom)
    return on, codes


def instants(texts: pl.Series, custom: Custom) -> tuple[pl.Series, pl.Series, pl.Series | None, int]:
    """UTC instants (null for a date alone), dates at the site, codes R04 to R07, and how many times the clock shows twice."""
    name = texts.name
    texts = texts.str.replace(" ", "T", literal=True)
    parts = pl.DataFrame(
        {"text": texts, "local": pl.Series([None], dtype=INSTANT).new_from_index(0, len(texts))},
    ).with_columns(utc=pl.lit(None, INSTANT), on=pl.lit(None, DATE))
    for shortest, longest, form, is_aware in _ISO:
        left = pl.col("local").is_null() & pl.col("utc").is_null() & pl.col("on").is_null() & pl.col("text").is_not_null()
        left &= pl.col("text").str.len_bytes().is_between(shortest, longest)
        if not parts.select(left.any()).item():
            continue
        target = "on" if longest == 10 else "utc" if is_aware else "local"
        parts = parts.with_columns(pl.when(left).then(_parsed(form, is_aware)).otherwise(pl.col(target)).alias(target))
    parts = _odd_ones(parts, custom.day_first)
    parts, skipped, twice = _at_site(parts, custom.zone)
    unread = pl.col("text").is_not_null() & pl.col("on").is_null()
    strange = ~pl.col("on").is_between(EARLIEST, LATEST)
    if not parts.select((unread | strange).any()).item() and not skipped.any():
        return parts["utc"].alias(name), parts["on"].alias(name), None, twice
    code = pl.when(skipped).then(pl.lit("R07")).when(unread).then(pl.coalesce("code", pl.lit("R04"))).when(strange).then(pl.lit("R04"))
    parts = parts.with_columns(code.alias("code"))
    good = parts.with_columns(pl.when(pl.col("code").is_null()).then(pl.col("utc", "on")))
    return good["utc"].alias(name), good["on"].alias(name), good["code"], twice


def _parsed(form: str, is_aware: bool) -> pl.Expr:
    text = pl.col("text")
    if "T" not in form:
        return text.str.to_date(form, strict=False)
    instant = text.str.to_datetime(form, strict=False, time_unit="us")
    return instant.dt.replace_time_zone(None) if is_aware else instant


def _odd_ones(parts: pl.DataFrame, day_first: bool | None) -> pl.DataFrame:
    """What the ISO formats left, each distinct text once; adds `code`."""
    left = pl.all_horizontal(pl.col("local", "utc", "on").is_null()) & pl.col("text").is_not_null()
    texts = parts.filter(left)["text"].unique().to_list()
    if not texts:
        return parts.with_columns(code=pl.lit(None, pl.String))
    rows = [(text, *_one(text.replace("T", " "), day_first)) for text in texts]
    schema = {"text": pl.String(), "local_": INSTANT, "utc_": INSTANT, "on_": DATE, "code": pl.String()}
    read = pl.DataFrame(rows, schema=schema, orient="row")
    joined = parts.join(read, on="text", how="left", maintain_order="left")
    columns = [pl.coalesce(column, f"{column}_").alias(column) for column in ("local", "utc", "on")]
    return joined.select("text", *columns, "code")


Read = tuple[dt.datetime | None, dt.datetime | None, dt.date | None, str | None]


def _one(text: str, day_first: bool | None) -> Read:
    """Local time, UTC instant, date or code: one of them."""
    if _BARE.fullmatch(text):
        return None, None, None, "R06"
    found = _YEAR_FIRST.fullmatch(text) or _YEAR_LAST.fullmatch(text)
    if not found:
        return None, None, None, "R04"
    got = found.groupdict()
    if "a" in got:
        if day_first is None:
            return None, None, None, "R05"
        got["d"], got["m"] = (got["a"], got["b"]) if day_first else (got["b"], got["a"])
    try:
        day = dt.date(int(got["y"]), int(got["m"]), int(got["d"]))
        return _with_clock(day, got)
    except (ValueError, OverflowError):
        return None, None, None, "R04"


def _with_clock(day: dt.date, got: dict[str, str | None]) -> Read:
    if got["h"] is None:
        return None, None, day, None
    hour = int(got["h"])
    if got["half"]:
        if not 1 <= hour <= 12:
            return None, None, None, "R04"
        hour = hour % 12 + (12 if got["half"].lower() == "p" else 0)
    fraction = int((got["f"] or "0").ljust(6, "0")[:6])
    clock = dt.time(hour, int(got["mi"] or 0), int(got["s"] or 0), fraction)
    local = dt.datetime.combine(day, clock)
    offset = got["off"]
    if offset is None:
        return local, None, None, None
    if offset in "Zz":
        return None, local, None, None
    minutes = int(offset[1:3]) * 60 + int(offset[3:].lstrip(":") or 0)
    return None, local - dt.timedelta(minutes=minutes if offset[0] == "+" else -minutes), None, None


def _at_site(parts: pl.DataFrame, zone: str) -> tuple[pl.DataFrame, pl.Series, int]:
    """`utc` and `on` filled in from local times and the other way; which local times the clock skipped, and how many it shows twice."""
    local = parts["local"]
    utc = _to_utc(local, zone, "null")
    unsure = (utc.is_null() & local.is_not_null()).arg_true()
    twice = 0
    skipped = pl.Series([False], dtype=pl.Boolean).new_from_index(0, len(local))
    if len(unsure):
        earlier = _to_utc(local.gather(unsure), zone, "earliest")
        twice = len(unsure) - earlier.null_count()
        utc = utc.scatter(unsure, earlier)
        skipped = utc.is_null() & local.is_not_null()
    there = pl.col("utc").dt.replace_time_zone("UTC").dt.convert_time_zone(zone).dt.date()
    return (
        parts.with_columns(on=pl.coalesce("on", pl.Series(local).dt.date(), there), utc=pl.coalesce("utc", utc)).with_columns(
            on=pl.when(~skipped).then("on")
        ),
        skipped,
        twice,
    )


def _to_utc(local: pl.Series, zone: str, twice: str) -> pl.Series:
    if zone == "UTC":
        return local
    aware = local.dt.replace_time_zone(zone, ambiguous=twice, non_existent="null")  # type: ignore[arg-type]
    return aware.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
