"""Which table a file name stands for, and which column of a header stands for which of ours."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from intake_tools import library, settings

from outcomes.sources import native
from outcomes.sources.verdicts import Refused


def recognised(name: str, *sources: Mapping[str, Any]) -> str:
    try:
        return native.recognise(name, settings(Path("x"), sources=sources)).table.name
    except Refused as refused:
        return refused.code


def mapped(name: str, header: Sequence[str], *sources: Mapping[str, Any]) -> native.Columns | str:
    known = native.recognise(name, settings(Path("x"), sources=sources))
    try:
        return native.map_header(header, known, library())
    except Refused as refused:
        return str(refused)


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("sessions.csv", "session"),
        ("Sessions_2026-11-21.CSV", "session"),
        ("session-2.parquet", "session"),
        ("patients20261121.jsonl", "patient"),
        ("questionnaires denver.xlsx", "form"),
        ("adverse_events.tsv", "adverse_event"),
        ("sessions\n.csv", "session"),
        ("sessions[12].csv", "session"),
        ("sessionsnotes.csv", "H01"),
        ("patientsatisfaction.csv", "H01"),
        ("my_sessions.csv", "H01"),
        ("sessions.pdf", "H01"),
        ("sessions", "H01"),
        ("../sessions.csv", "H01"),
        ("", "H01"),
    ],
)
def test_a_file_is_recognised_by_its_name(name: str, table: str) -> None:
    assert recognised(name) == table


@pytest.mark.parametrize(
    ("name", "source", "table"),
    [
        ("redcap_1.csv", {"pattern": "redcap_*.csv", "table": "form"}, "form"),
        ("REDCAP_1.CSV", {"pattern": "redcap_*.csv", "table": "form"}, "form"),
        ("sessions_old.csv", {"pattern": "sessions_old*", "table": "form"}, "form"),
        ("sessions_1.csv", {"pattern": "sessions_*", "day_first": True}, "session"),
        ("redcap_1.csv", {"pattern": "redcap_*.csv"}, "H05"),
        ("redcap_1.csv", {"pattern": "redcap_*.csv", "table": "form", "format": "redcap"}, "H05"),
        ("redcap_1.csv", {"pattern": "redcap_*.csv", "table": "session", "columns": {"color": "Hue"}}, "H05"),
        ("a[1].csv", {"pattern": "a[[]1].csv", "table": "session"}, "session"),
    ],
)
def test_a_source_in_the_settings_comes_before_the_names(name: str, source: dict[str, Any], table: str) -> None:
    assert recognised(name, {"name": "x", **source}) == table


SESSION = ["session_id", "patient_id", "started_at", "kind"]
FORM = ["patient_id", "instrument_id", "answered_at"]


@pytest.mark.parametrize(
    ("header", "shape", "columns", "unknown"),
    [
        ([*FORM, "total"], "total", {"patient_id": 0, "instrument_id": 1, "answered_at": 2, "reported_total": 3}, ()),
        ([*FORM, "item", "answer", "x"], "long", {"item": 3, "answer": 4}, ("x",)),
        ([*FORM, "item_1", "Item 2", "q3"], "wide", {"patient_id": 0}, ()),
        ([" Patient_ID ", "INSTRUMENT_ID", "answered\u200b_at", "Score"], "total", {"patient_id": 0, "reported_total": 3}, ()),
        ([*FORM, "total", "exported_at", ""], "total", {"exported_at": 4}, ()),
    ],
)
def test_a_header_of_questionnaires(header: list[str], shape: str, columns: dict[str, int], unknown: tuple[str, ...]) -> None:
    found = mapped("questionnaires.csv", header)
    assert isinstance(found, native.Columns)
    assert (found.shape, found.unknown) == (shape, unknown)
    assert columns.items() <= found.columns.items()


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("phq9_1", ("phq9", "total", 1)),
        ("PHQ-9_q1", ("phq9", "total", 1)),
        ("phq9_item_02", ("phq9", "total", 2)),
        ("phq_9_3", ("phq9", "total", 3)),
        ("phq9q4", ("phq9", "total", 4)),
        ("pcl5_20", ("pcl5", "total", 20)),
        ("phq9_total", ("phq9", "total", None)),
        ("PHQ-9 score", ("phq9", "total", None)),
        ("gad7", ("gad7", "total", None)),
        ("pcl5_b", ("pcl5", "b", None)),
        ("pcl5_b_total", ("pcl5", "b", None)),
    ],
)
def test_columns_named_after_a_questionnaire(name: str, place: tuple[str, str, int | None]) -> None:
    found = mapped("questionnaires.csv", ["patient_id", "answered_at", name])
    assert isinstance(found, native.Columns)
    (block,) = found.blocks
    assert (block.questionnaire_id, block.scale_id) == place[:2]
    assert (dict(block.items), block.total) == (({place[2]: 2}, None) if place[2] else ({}, 2))


def test_several_questionnaires_in_one_line_and_items_that_none_has() -> None:
    found = mapped("questionnaires.csv", ["patient_id", "answered_at", "phq9_1", "phq9_10", "gad7_1", "gad7_total", "notes"])
    assert isinstance(found, native.Columns)
    assert [(b.questionnaire_id, dict(b.items), b.total) for b in found.blocks] == [("phq9", {1: 2}, None), ("gad7", {1: 4}, 5)]
    assert (found.beyond, found.unknown) == (1, ("phq9_10", "notes"))
    assert found.positions == [0, 1, 2, 4, 5]


@pytest.mark.parametrize(
    ("name", "header", "said"),
    [
        ("sessions.csv", ["session_id", "kind"], "H02: Columns that must be there are missing: patient_id, started_at."),
        ("sessions.csv", [*SESSION, "Kind"], "H03: More than one column of the file stands for: kind."),
        ("questionnaires.csv", [*FORM, "total", "score"], "H03: More than one column of the file stands for: reported_total."),
        ("questionnaires.csv", [*FORM, "item_1", "q1"], "H03: More than one column of the file stands for: item_1."),
        ("questionnaires.csv", [*FORM[:1], FORM[2], "phq9_1", "PHQ-9_q1"], "H03: More than one column of the file stands for: phq9_1."),
        ("questionnaires.csv", FORM, "H04"),
        ("questionnaires.csv", [*FORM, "item", "answer", "item_1"], "H04"),
        ("questionnaires.csv", [*FORM, "total", "phq9_1"], "H04"),
        ("questionnaires.csv", [*FORM, "item"], "H02: Columns that must be there are missing: answer."),
        ("questionnaires.csv", ["patient_id", "phq9_1"], "H02: Columns that must be there are missing: answered_at."),
        ("patients.csv", ["patient_id", "name"], "H06"),
    ],
)
def test_a_header_that_would_have_to_be_guessed_refuses_the_file(name: str, header: list[str], said: str) -> None:
    found = mapped(name, header)
    assert isinstance(found, str)
    assert found.startswith(said)


def test_a_source_maps_columns_and_demands_them() -> None:
    source = {"name": "x", "pattern": "pm*", "table": "form", "columns": {"patient_id": "PID", "total": "Sum", "item_1": "First"}}
    missing = mapped("pm.csv", ["PID", "instrument_id", "answered_at"], source)
    assert str(missing).startswith("H02: Columns that must be there are missing: item_1, reported_total.")
    found = mapped("pm.csv", ["PID", "patient_id", "instrument_id", "answered_at", "sum", "first"], source)
    assert isinstance(found, native.Columns)
    assert found.columns["patient_id"] == 0
    assert found.columns["reported_total"] == 4
    assert dict(found.items) == {1: 5}
    assert found.unknown == ("patient_id",)


def test_no_refusal_names_a_column_of_the_file() -> None:
    assert "Jane" not in str(mapped("sessions.csv", ["session_id", "Jane Doe 1970"]))
