"""What moved since the last release, and what stands as it was, in words; every number is one of published.change or of the figure."""

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from reading import numbers

from outcomes import numerals
from outcomes.report import assemble, change, facts
from outcomes.report.model import Grid, Text
from outcomes.report.release import opened
from outcomes.report.words import Words
from outcomes.settings import Settings

CELL = ("ketamine-rwe", "phq9", "d30", "all", "all")
MOVED = [("new", "New patients", 1, 16, 30), ("late", "Late data", 2, 7, 14), ("several", "Not told apart", 6, -2, 0)]
SINCE = dt.date(2026, 1, 25)


@pytest.fixture
def later(snapshot: Path, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The demo's release as if there had been one before, in which its remission stands as of then."""
    shutil.copyfile(snapshot / "outcomes.duckdb", tmp_path / "outcomes.duckdb")
    with duckdb.connect(str(tmp_path / "outcomes.duckdb")) as con:
        profile, measure, window, breakdown, level = CELL
        for cause, label, ordinal, met, counted in MOVED:
            values = [profile, "response", measure, window, breakdown, level, cause, label, ordinal, SINCE, met, counted]
            con.execute(f"insert into published.change values ({', '.join('?' * len(values))})", values)
        con.execute(
            "update published.outcome_summary set as_of = ? where metric_id = 'remission' and instrument_id = 'phq9' and window_id = 'd30'",
            [SINCE],
        )
        yield con


@pytest.fixture
def words(later: duckdb.DuckDBPyConnection, tmp_path: Path) -> Iterator[Words]:
    later.close()
    with opened(tmp_path) as release:
        yield Words(release, numerals.of("en-US"))


def test_the_first_screen_says_why_a_figure_moved_and_which_one_stands(words: Words) -> None:
    top = facts.headline(words)
    assert top is not None
    said = change.said(words, top.rates)
    response, remission, how = said.lines
    assert response == (
        "Response since Jan 25, 2026: new patients +16 of +30 courses; late data +7 of +14 courses; not told apart −2 of 0 courses."
    )
    assert remission.startswith("Remission is printed as of Jan 25, 2026: too little has changed since")
    assert not numbers(how)
    assert said.verdict == "good"


def test_a_changed_definition_asks_for_a_look(later: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    later.execute("update published.change set cause_id = 'definition', label = 'Changed definition' where cause_id = 'late'")
    later.close()
    with opened(tmp_path) as release:
        words = Words(release, numerals.of("en-US"))
        top = facts.headline(words)
        assert top is not None
        assert change.said(words, top.rates).verdict == "look"


def test_a_figure_that_stands_says_so_wherever_it_is_printed(words: Words, clinic: Settings) -> None:
    whole = assemble._report(words, clinic)
    assert [figure.of.endswith(", as of Jan 25, 2026") for figure in whole.first.figures] == [False, True]
    assert "(as of Jan 25, 2026)" in whole.subject
    tables = [block for block in assemble.every_block(whole) if isinstance(block, Grid)]
    cells = [cell for table in tables for row in table.rows for cell in row if cell.endswith(", as of Jan 25, 2026")]
    assert len(cells) >= 2


def test_all_totals_that_moved_or_stand_are_listed(words: Words) -> None:
    moved, held = change.blocks(words)
    assert isinstance(moved, Grid)
    assert isinstance(held, Grid)
    assert [row[4:] for row in moved.rows] == [("New patients", "+16", "+30"), ("Late data", "+7", "+14"), ("Not told apart", "−2", "0")]
    assert held.rows == (("Remission", "PHQ-9", "Day 30", "Jan 25, 2026"),)


def test_a_first_release_says_that_it_is_one(snapshot: Path) -> None:
    with opened(snapshot) as release:
        words = Words(release, numerals.of("en-US"))
        assert change.blocks(words) == [Text((change.FIRST,))]
        assert change.said(words, {}).lines == (change.FIRST,)
