"""The tables of each kind of programme: what the data file may say, how a number is printed, and what is folded."""

import re
from typing import Any

import pytest
from pydantic import ValidationError

from outcomes import instruments, places, programme_tables, sqlfiles
from outcomes.programme_figures import BLANK, FIGURES
from outcomes.programme_tables import HIDDEN, MISSING, Line, Table

TABLES = programme_tables.load()
LINES = [(table, line) for table in TABLES.table for line in table.line]
NAMES = [f"{table.id} {line.line} {line.title}" for table, line in LINES]
WANTED = {"T0": "abcde", "T1": "abcde", "T2": "abcdefg", "T3": "abcdef", "T4": "abcde"}


def cell(**columns: Any) -> dict[str, Any]:
    shown = {"title": "Response", "measure": "phq9", "window_id": "d30", "breakdown": "indication", "level": "ptsd", "n": 40}
    return (
        dict.fromkeys(BLANK)
        | {"kind": "share", "unit": "", "ordinal": 0, "is_hidden": False, "coverage": 0.5, "value": 0.25, "low": 0.1, "high": 0.4}
        | shown
        | columns
    )


LINE = Line.model_validate({"line": "a", "title": "A line", "from": "rates"})


# The file


@pytest.mark.parametrize("table", TABLES.table, ids=lambda table: table.id)
def test_every_letter_of_the_acceptance_list_has_a_line(table: Table) -> None:
    assert "".join(dict.fromkeys(line.line for line in table.line)) == WANTED[table.id]


@pytest.mark.parametrize(("table", "line"), LINES, ids=NAMES)
def test_a_line_names_things_that_exist(table: Table, line: Line) -> None:
    assert line.figure in FIGURES
    known = {
        "rates": {file.name for file in sqlfiles.read_folder(places.folder("sql"), ["metric"])},
        "doses": reference_ids("dose_rule"),
        "courses": reference_ids("course_rule"),
        "months": reference_ids("dose_rule") | reference_ids("event_kind"),
        "values": reference_ids("dose_value"),
        "events": reference_ids("event_kind"),
    }
    for name in line.ids or ():
        if line.figure in known:
            assert any(re.fullmatch(name.replace("*", ".*"), one) for one in known[line.figure]), name
    indications = {e.indication for e in instruments.load((), ()).profiles["ketamine-rwe"].expected}
    assert set(line.levels or ()) <= indications


SESSIONS = r"release\.(dose|event|session|course_rule|maintenance|booster|acute|screening|exclusion)"


def test_every_table_that_is_published_from_sessions_has_a_line() -> None:
    texts = {file.stem: file.read_text(encoding="utf-8") for file in (places.folder("sql") / "report").glob("*.sql")}
    from_sessions = {name for name, text in texts.items() if re.search(SESSIONS, text)}
    printed = " ".join(FIGURES[line.figure] for _, line in LINES)
    assert len(from_sessions) >= 10
    assert {name for name in from_sessions if not re.search(rf"published\.{name}\b", printed)} == set()


def reference_ids(table: str) -> set[str]:
    rows = (places.folder("sql") / "ref" / f"{table}.csv").read_text(encoding="utf-8").splitlines()[1:]
    return {row.split(",", 1)[0] for row in rows}


@pytest.mark.parametrize(("table", "line"), LINES, ids=NAMES)
def test_groups_that_stand_beside_each_other_are_marked_as_compared(table: Table, line: Line) -> None:
    """All but the course's own indication, and what splits doses, not patients."""
    apart = line.breakdown not in {"all", "indication", "dose_route", "dose_band", "dose_number"}
    assert line.compares == apart


def test_a_key_that_no_line_has_is_an_error() -> None:
    with pytest.raises(ValidationError):
        Line.model_validate({"line": "a", "title": "A line", "from": "rates", "widows": ["d30"]})


# A number


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        ({}, "25 % (10-40)"),
        ({"value": 0, "low": 0.0, "high": 0.084}, "0 % (0-8)"),
        ({"value": None, "low": None, "high": None}, MISSING),
        ({"low": None, "high": None}, "25 %"),
        ({"kind": "points", "value": -7.25, "low": -9.0, "high": -5.5}, "-7.2 (-9.0 to -5.5)"),
        ({"kind": "share difference", "value": 0.04, "low": -0.07, "high": 0.16}, "+4 points (-7 to +16)"),
        ({"kind": "rate", "unit": "per dose", "value": 0.1, "low": 0.061, "high": 0.154}, "0.100 per dose (0.061-0.154)"),
        ({"kind": "plain", "unit": "mg/kg", "value": 0.5204, "low": None, "high": None}, "0.5204 mg/kg"),
        ({"kind": "plain", "unit": "days", "value": None, "low": 7, "high": 14}, "7 to 14 days"),
        ({"kind": "median", "unit": "days", "value": 28, "low": 21, "high": None}, "median by 28 days (21 to open)"),
        ({"kind": "median", "unit": "days", "value": None, "low": None, "high": None}, "median not shown"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_number_stands_with_its_interval(columns: dict[str, Any], text: str) -> None:
    assert programme_tables._row(cell(**columns), LINE)[6] == text


def test_what_is_hidden_shows_no_number_at_all() -> None:
    row = programme_tables._row(cell(is_hidden=True), LINE)
    assert row == ("Response", "phq9", "d30", "ptsd", HIDDEN, HIDDEN, HIDDEN, HIDDEN)


def test_what_is_missing_is_no_zero() -> None:
    row = programme_tables._row(cell(coverage=None, value=None, window_id=None, measure=None), LINE)
    assert row == ("Response", MISSING, MISSING, "ptsd", "40", MISSING, MISSING, MISSING)


def test_a_caution_is_marked_in_its_row_and_said_once() -> None:
    cells = [cell(measure=name, caution="Looks back") for name in ("pcl5", "pcl5.b")] + [cell()]
    assert [programme_tables._row(one, LINE)[2] for one in cells] == ["d30 !", "d30 !", "d30"]
    assert programme_tables._cautions(cells) == ["! d30: pcl5, pcl5.b. Looks back"]


@pytest.mark.parametrize(
    ("hidden", "levels"),
    [(["b"], ["a", "b"]), (["b", "c"], ["a", "b", "c"]), (["b", "c", "d"], ["a", "3 small groups"])],
    ids=["one", "two", "three"],
)
def test_many_hidden_groups_are_one_row(hidden: list[str], levels: list[str]) -> None:
    cells = [*(cell(level=name, is_hidden=True) for name in hidden), cell(level="a")]
    assert [one["level"] for one in programme_tables._folded(cells)] == levels


def test_windows_stand_in_order_of_time() -> None:
    cells = [cell(window_id=name) for name in ("d180", "d30", "d7")]
    assert [one["window_id"] for one in programme_tables._in_order(cells, ["d7", "d30", "d180"])] == ["d7", "d30", "d180"]
