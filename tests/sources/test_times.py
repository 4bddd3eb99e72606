"""When a text says that something was: instants in UTC, dates at the site, and the two nights of the year that have no plain answer."""

import datetime as dt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcomes.sources.times import Custom, instants

DENVER = Custom("America/Denver")


def one(text: str, custom: Custom = DENVER) -> tuple[dt.datetime | None, dt.date | None, str | None, int]:
    at, on, codes, twice = instants(pl.Series("answered_at", [text]), custom)
    return at.item(), on.item(), None if codes is None else codes.item(), twice


@pytest.mark.parametrize(
    ("text", "utc", "on"),
    [
        ("2026-04-03T10:00:00", "2026-04-03T16:00:00", "2026-04-03"),
        ("2026-04-03 10:00:00", "2026-04-03T16:00:00", "2026-04-03"),
        ("2026-04-03 10:00", "2026-04-03T16:00:00", "2026-04-03"),
        ("2026-01-03T10:00:00", "2026-01-03T17:00:00", "2026-01-03"),
        ("2026-04-03T23:30:00", "2026-04-04T05:30:00", "2026-04-03"),
        ("2026-04-03T02:00:00Z", "2026-04-03T02:00:00", "2026-04-02"),
        ("2026-04-03T10:00:00+02:00", "2026-04-03T08:00:00", "2026-04-03"),
        ("2026-04-03T10:00:00+0200", "2026-04-03T08:00:00", "2026-04-03"),
        ("2026-04-03T10:00:00+02", "2026-04-03T08:00:00", "2026-04-03"),
        ("2026-04-03T10:00:00.25", "2026-04-03T16:00:00.250000", "2026-04-03"),
        ("2026-04-03T10:00:00,250", "2026-04-03T16:00:00.250000", "2026-04-03"),
        ("2026-04-03T10:00:00.123456789Z", "2026-04-03T10:00:00.123456", "2026-04-03"),
        ("2026-4-3 3:05 pm", "2026-04-03T21:05:00", "2026-04-03"),
        ("2026-4-3 12:05 AM", "2026-04-03T06:05:00", "2026-04-03"),
    ],
)
def test_an_instant(text: str, utc: str, on: str) -> None:
    assert one(text) == (dt.datetime.fromisoformat(utc), dt.date.fromisoformat(on), None, 0)


def test_a_date_alone_stays_a_date() -> None:
    assert one("2026-04-03") == (None, dt.date(2026, 4, 3), None, 0)


def test_a_time_that_the_clock_skipped_costs_its_row() -> None:
    assert one("2026-03-08T02:30:00") == (None, None, "R07", 0)


def test_a_time_that_the_clock_showed_twice_is_the_earlier_and_is_counted() -> None:
    assert one("2026-11-01T01:30:00") == (dt.datetime.fromisoformat("2026-11-01T07:30"), dt.date(2026, 11, 1), None, 1)
    assert one("2026-11-01T01:30:00-07:00") == (dt.datetime.fromisoformat("2026-11-01T08:30"), dt.date(2026, 11, 1), None, 0)


def test_one_odd_text_does_not_change_how_others_are_read() -> None:
    texts = ["2026-04-03T10:00:00", "03/04/2026", None, "2026-04-03", "2026-03-08T02:30:00", "2026-04-03T10:00:00Z"]
    at, on, codes, _ = instants(pl.Series("answered_at", texts), DENVER)
    assert codes is not None
    assert codes.to_list() == [None, "R05", None, None, "R07", None]
    assert at.is_null().to_list() == [False, True, True, True, True, False]
    assert on.is_null().to_list() == [False, True, True, False, True, False]


@given(st.datetimes(dt.datetime.fromisoformat("1950-01-01"), dt.datetime.fromisoformat("2100-01-01")))
def test_every_utc_instant_comes_back(moment: dt.datetime) -> None:
    assert one(moment.isoformat() + "Z")[0] == moment
