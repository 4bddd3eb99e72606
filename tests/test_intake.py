"""One file in, one transaction out: rows that are kept, rows that are set aside with their reason, and an account that adds up."""

import datetime as dt
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from intake_tools import AS_OF, Taken, library, settings, take

from outcomes import export_date, intake, parts, settle, store, validate
from outcomes.contract import TABLES
from outcomes.sources import staging
from outcomes.sources.raw import Raw, Runs, open_raw

SESSIONS = """session_id,patient_id,started_at,kind,dose_mg,extra,modality
001,p1,2026-01-01T10:00:00,Medicine,40.5,x,cbt+emdr
001,p1,2026-01-01T10:00:00,Medicine,40.5,y,cbt+emdr
002,p1,2026-01-08,medicine,-9,x,
003,p1,2026-01-09,medicine,1,x,
003,p2,2026-01-09,medicine,1,x,
004,p1,03/04/2026,medicine,,,
005,,2026-01-01,medicine,,,
"""
LONG = """patient_id,form_id,instrument_id,answered_at,item,answer
p1,f1,PHQ-9,2026-01-01T09:00:00,1,0
p1,f1,PHQ-9,2026-01-01T09:00:00,2,3
p1,f1,PHQ-9,2026-01-01T09:00:00,3,-9
p1,f1,PHQ-9,2026-01-01T09:00:00,5,x
p1,f1,PHQ-9,2026-01-01T09:00:00,6,7
p1,f1,PHQ-9,2026-01-01T09:00:00,6,1
p1,f1,PHQ-9,2026-01-01T09:00:00,8,1
p1,f1,PHQ-9,2026-01-01T09:00:00,8,2
p1,f1,PHQ-9,2026-01-01T09:00:00,10,1
p1,f1,PHQ-9,2026-01-01T09:00:00,1,0
p1,f2,phq9,2026-01-02,1,1
p1,f1,PHQ-9,2026-01-01T09:00:00,7,2
p2,f3,nope,2026-01-02,1,1
p2,f4,phq9,45678,1,1
p2,f4,phq9,45678,2,1
p2,f5,phq9,2026-01-02,1,
p1,f2,phq9,2026-01-03,2,1
"""
TOTALS = """patient_id,instrument_id,answered_at,total
p1,phq9,2026-01-01,12
p1,phq9,2026-01-01,12.0
p1,phq9,2026-01-02,14
p1,phq9,2026-01-02,140
p1,phq9,2026-01-03,1
p1,phq9,2026-01-03,2
p1,phq9,2026-01-04,999
p1,phq9,2027-01-05,12
"""


def adds_up(taken: Taken) -> bool:
    came, accepted, duplicate, rejected = taken.rows
    kept = sum(frame["source_rows"].sum() for frame in taken.frames.values() if "source_rows" in frame.columns)
    return came == accepted + duplicate + rejected and accepted == kept


def test_sessions(tmp_path: Path) -> None:
    taken = take(tmp_path, "sessions_2026-11-21T0215.csv", SESSIONS)
    assert taken.rows == (7, 2, 1, 4)
    assert adds_up(taken)
    assert taken.codes == {5: ["R17"], 6: ["R17"], 7: ["R05"], 8: ["SES-03"]}
    assert taken.notes == {"N02": 1}
    session = taken.frames["session"]
    assert session.schema == TABLES["session"].schema
    assert session["session_id"].to_list() == ["001", "002"]
    assert session["started_on"].to_list() == [dt.date(2026, 1, 1), dt.date(2026, 1, 8)]
    assert session["started_at"].null_count() == 1
    assert session["modality"].to_list() == [["cbt", "emdr"], None]
    verdict = taken.verdict
    assert (verdict.status, verdict.table, verdict.shape, verdict.format) == ("accepted", "session", "rows", "csv")
    assert (verdict.exported_on, verdict.arrival) == (dt.date(2026, 11, 21), 135)
    assert verdict.unknown_column_names == ("extra",)


def test_long(tmp_path: Path) -> None:
    taken = take(tmp_path, "questionnaires.csv", LONG)
    assert taken.rows == (17, 5, 1, 11)
    assert adds_up(taken)
    assert taken.codes == {
        5: ["R13"],
        6: ["ANS-05"],
        8: ["R15"],
        9: ["R15"],
        10: ["ANS-03"],
        12: ["R16"],
        14: ["FRM-08"],
        15: ["R06"],
        17: ["FRM-14"],
        18: ["R16"],
    }
    assert dict(taken.rejects.select("source_line", "rows").iter_rows())[15] == 2
    form, answer = taken.frames["form"], taken.frames["answer"]
    assert (form.schema, answer.schema) == (TABLES["form"].schema, TABLES["answer"].schema)
    assert form.select("form_id", "instrument_id", "answers", "source_rows", "source_line").rows() == [("f1", "phq9", 4, 5, 2)]
    assert answer.select("item", "answer", "source_line").rows() == [(1, 0, 2), (2, 3, 3), (6, 1, 7), (7, 2, 13)]
    assert answer["form_row"].unique().to_list() == form["form_row"].to_list()
    assert (taken.verdict.exported_on, taken.verdict.arrival) == (AS_OF, 7)


def test_total(tmp_path: Path) -> None:
    taken = take(tmp_path, "questionnaires.csv", TOTALS)
    assert taken.rows == (8, 2, 1, 5)
    assert adds_up(taken)
    assert taken.codes == {5: ["FRM-16"], 6: ["R17"], 7: ["R17"], 8: ["FRM-14"], 9: ["FRM-13"]}
    assert taken.frames["form"]["reported_total"].to_list() == [12, 14]
    assert taken.frames["answer"].schema == TABLES["answer"].schema


def test_wide(tmp_path: Path) -> None:
    text = "patient_id,answered_at,phq9_1,phq9_2,gad7_1\np1,2026-01-01,1,2,\np1,2026-01-02,9,1,1\np1,2026-01-03,,,\np1,2026-01-01,1,2,\n"
    taken = take(tmp_path, "questionnaires.csv", text)
    assert taken.rows == (5, 2, 1, 2)
    assert adds_up(taken)
    assert taken.codes == {3: ["ANS-05"], 4: ["R14"]}
    assert taken.frames["answer"].select("instrument_id", "item", "source_line").rows() == [("phq9", 1, 2), ("phq9", 2, 2), ("gad7", 1, 3)]


def test_a_file_whose_rows_are_mostly_wrong_is_refused(tmp_path: Path) -> None:
    rows = [f"s{n},p1,{'2026-01-01' if n < 9 else 'yesterday'},medicine" for n in range(20)]
    taken = take(tmp_path, "sessions.csv", "session_id,patient_id,started_at,kind\n" + "\n".join(rows) + "\n")
    assert (taken.verdict.status, taken.verdict.code) == ("refused", "SES-90")
    assert taken.rows == (20, 0, 0, 20)
    assert taken.rejects.height == 11
    assert not list((taken.data / "clean").iterdir())


def test_the_same_bytes_again_change_nothing(tmp_path: Path) -> None:
    first = take(tmp_path, "sessions.csv", SESSIONS)
    before = {path: path.stat().st_mtime_ns for path in first.data.rglob("*") if "raw" not in path.parts}
    again = take(tmp_path, "sessions_2026-12-01.csv", SESSIONS)
    assert again.verdict == first.verdict
    assert {path: path.stat().st_mtime_ns for path in first.data.rglob("*") if "raw" not in path.parts} == before


def test_the_same_rows_in_another_file_have_the_same_content(tmp_path: Path) -> None:
    contents = []
    for n, text in enumerate([LONG, LONG.replace("PHQ-9", "phq_9").replace("T09:00:00", " 09:00"), LONG.replace("1,0", "1,2")]):
        folder = tmp_path / str(n)
        folder.mkdir()
        contents.append(take(folder, "questionnaires.csv", text).frames["form"]["content"].to_list())
    assert contents[0] == contents[1] != contents[2]


@pytest.mark.parametrize(
    ("name", "column", "moment"),
    [
        ("sessions.csv", "", (AS_OF, 7)),
        ("sessions_2026-11-21.csv", "", (dt.date(2026, 11, 21), 0)),
        ("sessions_20261121_0215.csv", "", (dt.date(2026, 11, 21), 135)),
        ("sessions-20261121T021507Z.csv", "", (dt.date(2026, 11, 21), 135)),
        ("sessions_2026-13-21.csv", "", (AS_OF, 7)),
        ("sessions_2026-11-2100.csv", "", (AS_OF, 7)),
        ("sessions_2026-01-01_to_2026-11-21.csv", "", (dt.date(2026, 11, 21), 0)),
        ("sessions_2026-11-21.csv", "2026-11-20T23:30:00", (dt.date(2026, 11, 20), 1410)),
        ("sessions.csv", "2026-11-21T02:00:00Z", (dt.date(2026, 11, 20), 1140)),
        ("sessions.csv", "yesterday", (AS_OF, 7)),
    ],
)
def test_when_a_file_was_exported(tmp_path: Path, name: str, column: str, moment: tuple[dt.date, int]) -> None:
    header, row = "session_id,patient_id,started_at,kind", "s1,p1,2026-01-01,medicine"
    text = f"{header},exported_at\n{row},{column}\n" if column else f"{header}\n{row}\n"
    taken = take(tmp_path, name, text)
    assert (taken.verdict.exported_on, taken.verdict.arrival) == moment
    assert taken.notes.get("N08", 0) == (column == "yesterday")
    assert taken.verdict.unknown_columns == 0


def test_an_export_dated_after_the_run_is_noted(tmp_path: Path) -> None:
    assert take(tmp_path, "sessions_2062-11-21.csv", SESSIONS).notes["N07"] == 1


def test_no_cell_value_is_in_a_verdict_a_reject_list_or_an_error(tmp_path: Path) -> None:
    canaries = ["jane@example.org", "Xavier", "555-0100"]
    text = SESSIONS.replace("03/04/2026", canaries[0]).replace("40.5", canaries[1]).replace("002,p1", f"{canaries[2]},")
    taken = take(tmp_path, "sessions.csv", text)
    written = [path for path in taken.data.rglob("*") if path.is_file() and "raw" not in path.parts and path.name != "session.parquet"]
    for path in written:
        content = path.read_bytes()
        assert not [canary for canary in canaries if canary.encode() in content], path.name
    assert json.loads((taken.data / "clean" / taken.verdict.ingest_id / "verdict.json").read_text())["rows"]["in"] == 7


@pytest.fixture
def content_with_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules that hold of everything: the account of reading and repeats alone, without the slow library."""
    monkeypatch.setattr(validate, "_answered", list)


RUNS = st.lists(
    st.tuples(
        st.sampled_from(["f1", "f2"]),
        st.sampled_from(["2026-01-01", "2026-01-02", "bad"]),
        st.lists(st.tuples(st.integers(1, 2), st.sampled_from(["0", "1", "", "x"])), min_size=1, max_size=3),
    ),
    min_size=1,
    max_size=7,
)


@hypothesis_settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(RUNS, st.integers(1, 9))
def test_every_row_of_any_long_file_ends_where_the_rules_say(
    tmp_path_factory: pytest.TempPathFactory, content_with_everything: None, runs: list[Any], height: int
) -> None:
    """Against twenty lines of plain Python, with batches that end anywhere."""
    lines = [(form, day, item, answer) for form, day, items in runs for item, answer in items]
    text = "patient_id,form_id,instrument_id,answered_at,item,answer\n" + "".join(f"p,{f},phq9,{d},{i},{a}\n" for f, d, i, a in lines)

    def cut(*given_: Any) -> Raw:
        raw = open_raw(*given_)
        raw.batches = (part for batch in raw.batches for part in sliced(batch, height))
        return raw

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(intake, "open_raw", cut)
        patch.setattr(settle, "SHARE", height)
        patch.setattr(parts, "BATCH", height)
        taken = take(tmp_path_factory.mktemp("f"), "questionnaires.csv", text)
    assert taken.rows == (len(lines), *expected(lines))
    assert adds_up(taken)
    form, answer = taken.frames["form"], taken.frames["answer"]
    counts = dict(answer.group_by("form_row").len().iter_rows())
    assert [counts.get(row, 0) for row in form["form_row"]] == form["answers"].to_list()
    assert set(counts) <= set(form["form_row"])
    assert form["form_id"].is_unique().all()


def sliced(batch: pl.DataFrame | Runs, height: int) -> Iterator[pl.DataFrame | Runs]:
    if isinstance(batch, pl.DataFrame):
        yield from batch.iter_slices(height)
        return
    run = np.repeat(np.arange(batch.starts.size), np.diff(batch.starts, append=batch.tail.height))
    for begin in range(0, run.size, height):
        here, tail = run[begin : begin + height], batch.tail[begin : begin + height]
        starts = np.flatnonzero(np.diff(here, prepend=-1))
        yield Runs(batch.heads[here[starts]].with_columns(tail["source_line"].gather(starts)), starts, tail)


def expected(lines: list[tuple[str, str, int, str]]) -> tuple[int, int, int]:
    accepted = duplicate = rejected = 0
    forms = defaultdict(list)
    for form, day, item, answer in lines:
        if day == "bad":
            rejected += 1
        else:
            forms[form].append((day, item, answer))
    for rows in forms.values():
        if len({day for day, _, _ in rows}) > 1:
            rejected += len(rows)
            continue
        items = defaultdict(list)
        for _, item, answer in rows:
            if answer == "x":
                rejected += 1
            elif answer == "":
                accepted += 1
            else:
                items[item].append(answer)
        for answers in items.values():
            if len(set(answers)) > 1:
                rejected += len(answers)
            else:
                accepted += 1
                duplicate += len(answers) - 1
    return accepted, duplicate, rejected


@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["1", "2", "x"])), max_size=12))
def test_every_row_of_any_session_file_ends_where_the_rules_say(
    tmp_path_factory: pytest.TempPathFactory, content_with_everything: None, rows: list[tuple[str, str]]
) -> None:
    text = "session_id,patient_id,started_at,kind,dose_mg\n" + "".join(f"{key},p,2026-01-01,medicine,{dose}\n" for key, dose in rows)
    taken = take(tmp_path_factory.mktemp("s"), "sessions.csv", text)
    doses = defaultdict(list)
    for key, dose in rows:
        if dose != "x":
            doses[key].append(dose)
    accepted = sum(len(set(found)) == 1 for found in doses.values())
    duplicate = sum(len(found) - 1 for found in doses.values() if len(set(found)) == 1)
    assert taken.rows == (len(rows), accepted, duplicate, len(rows) - accepted - duplicate)
    assert adds_up(taken)


def test_a_form_in_any_order_of_rows_is_the_same_form(tmp_path: Path, content_with_everything: None) -> None:
    header, *rows = LONG.strip().splitlines()
    frames = []
    for n, order in enumerate([rows, rows[::-1], sorted(rows, key=lambda row: row.split(",")[4])]):
        folder = tmp_path / str(n)
        folder.mkdir()
        taken = take(folder, "questionnaires.csv", "\n".join([header, *order]) + "\n")
        frames.append((taken.rows, taken.frames["form"].sort("form_id").select("form_id", "answers", "source_rows", "content")))
    assert frames[0][0] == frames[1][0] == frames[2][0]
    assert frames[0][1].equals(frames[1][1])
    assert frames[0][1].equals(frames[2][1])


def test_a_failure_inside_leaves_nothing_that_the_ledger_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> Iterator[None]:
        raise OSError(28, "No space left on device")

    given_ = settings(tmp_path)
    store.tidy(given_.paths.data)
    (tmp_path / "in").write_text(SESSIONS)
    staged = staging.stage(tmp_path / "in", given_.paths.data / "raw", given_.limits)
    monkeypatch.setattr(store, "_write", broken)
    with pytest.raises(OSError, match="No space left"):
        intake.take_in(staged, "sessions.csv", given_, library(), intake.Run(AS_OF, 1))
    assert store.ledger(given_.paths.data) == []
    store.tidy(given_.paths.data)
    assert not [path for path in given_.paths.data.rglob("*") if "raw" not in path.parts and path.is_file()]


def test_export_date_in_a_name_needs_a_real_date() -> None:
    assert export_date.in_name("a_2026-02-30.csv") is None
    assert export_date.in_name("batch12026112199.csv") is None


@pytest.mark.parametrize(
    ("item", "answer"),
    [([1, 2, 127, 1], [0, 3, 127, 0]), ([1, 2, 128], [0, 0, 0]), ([1, 2, 2], [0, -1, -1]), ([1, None, 2, None], [0, 1, 1, 1])],
    ids=["small", "beyond an item number", "below zero", "without an item number"],
)
def test_answers_are_counted_by_questionnaire_item_and_answer(item: list[int | None], answer: list[int]) -> None:
    place = [None, 0, 65, None][: len(item)]
    kinds = {name: parts.COMBINATIONS[name] for name in ("questionnaire", "item", "answer")}
    answers = pl.DataFrame({"questionnaire": place, "item": item, "answer": answer}, schema=kinds)

    counted = parts.combinations(answers)

    assert counted.schema == parts.COMBINATIONS
    assert {row[:3]: row[3] for row in counted.iter_rows()} == Counter(answers.iter_rows())


def test_a_form_whose_rows_were_exported_at_several_times_is_one_form(tmp_path: Path) -> None:
    rows = "".join(f"p,f{form},phq9,2026-01-0{form},{item},1,2026-05-0{item}\n" for form in (1, 2) for item in range(1, 6))
    taken = take(tmp_path, "questionnaires.csv", f"patient_id,form_id,instrument_id,answered_at,item,answer,exported_at\n{rows}")
    assert taken.rows == (10, 10, 0, 0)
    assert taken.frames["form"].select("form_row", "source_line", "source_rows").rows() == [(0, 2, 5), (1, 7, 5)]
    assert taken.verdict.exported_on == dt.date(2026, 5, 5)
