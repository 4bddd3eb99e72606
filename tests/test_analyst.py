"""The analyst's bench: connections and queries of the guide run against the demo, names stay, and a number leads back to its rows."""

import csv
import json
import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import duckdb
import polars as pl
import pytest
from typer.testing import CliRunner

from outcomes import cli, explain, meanings, publish

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "docs" / "analyst.md").read_text(encoding="utf-8")
QUERIES = sorted((ROOT / "docs" / "queries").glob("*.sql"))
NAMES = Path(__file__).parent / "data" / "published_names.csv"


@pytest.fixture(scope="module")
def release(demo: tuple[Path, str]) -> Path:
    return demo[0] / "data" / "published" / "current"


@pytest.fixture(scope="module")
def con(release: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(release / "outcomes.duckdb"), read_only=True) as con:
        yield con


def test_there_are_twelve_questions() -> None:
    assert len(QUERIES) == 12


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_a_query_asks_a_question_and_answers_it(path: Path, con: duckdb.DuckDBPyConnection) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.match(r"-- [A-Z].*\?\n-- .*\.\n", text), "the first line is the question, the second says how to read the answer"
    assert con.execute(text).fetchall()


@pytest.mark.parametrize("name", ["connect", "parquet"])
def test_the_python_of_the_guide_runs(name: str, demo: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = re.search(rf"^```python {name}\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    assert found
    script = tmp_path / "guide.py"
    script.write_text(found.group(1), encoding="utf-8")
    monkeypatch.chdir(demo[0].parent)
    said = runpy.run_path(str(script))
    assert said["frame" if name == "connect" else "rates"].height > 0


MACROS = re.findall(r"^from (published\.\w+\(.*?\).*?);", GUIDE, re.MULTILINE)


@pytest.mark.parametrize("call", MACROS)
def test_the_macros_of_the_guide_answer(call: str, con: duckdb.DuckDBPyConnection) -> None:
    assert con.execute(f"from {call}").fetchall()


def test_the_guide_shows_every_macro() -> None:
    assert {file.name for file in meanings.macros()} == {re.sub(r"published\.(\w+).*", r"\1", call) for call in MACROS}


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\((\w[\w./]*/?)\)", re.sub(r"```.*?```", "", GUIDE, flags=re.DOTALL)))))
def test_every_link_of_the_guide_leads_somewhere(path: str) -> None:
    assert (ROOT / "docs" / path).exists()


def test_macros_agree_with_the_tables_and_say_what_is_hidden(con: duckdb.DuckDBPyConnection) -> None:
    rows = con.execute("select * from published.outcome('response', 'phq9', by := 'ethnicity')").fetchall()
    of_table = con.execute(
        "select count(*), sum(numerator) from published.outcome_summary "
        "where profile_id = 'ketamine-rwe' and metric_id = 'response' and instrument_id = 'phq9' and breakdown = 'ethnicity'"
    ).fetchone()
    of_macro = con.execute("select count(*), sum(numerator) from published.outcome('response', 'phq9', 'ethnicity')").fetchone()
    assert of_macro == of_table
    assert rows
    states = {row[-2] for row in rows}
    assert any(state.startswith("hidden") for state in states)
    other = con.execute("select count(*) from published.outcome('recovery', 'phq9', profile := 'nhs-tt')").fetchone()
    assert other is not None
    assert other[0] > 0


def test_a_database_that_is_attached_answers_once_it_is_in_use(release: Path) -> None:
    with duckdb.connect() as con:
        con.execute(f"attach '{release / 'outcomes.duckdb'}' as o (read_only)")
        con.execute("use o")
        assert con.execute("from published.outcome('response', 'phq9')").fetchall()


def names(con: duckdb.DuckDBPyConnection) -> set[tuple[str, str]]:
    found = con.execute("select table_name, coalesce(column_name, '') from published.dictionary").fetchall()
    return {(table, column) for table, column in found}


def test_no_name_is_lost_within_a_version(con: duckdb.DuckDBPyConnection) -> None:
    """`tests/data/published_names.csv` has the names that readers rely on; new ones may be added to it at each release of the software."""
    with NAMES.open(encoding="utf-8", newline="") as file:
        promised = {(row["table_name"], row["column_name"]) for row in csv.DictReader(file)}
    assert promised - names(con) == set(), "keep the old name: add a line to sql/ref/renamed.csv"


def test_a_name_that_changed_goes_on_working(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as con:
        con.execute("create schema report; create table report.rates as select 'all' as level, 0.5 as rate, 3 as n")
        con.execute("comment on column report.rates.rate is 'Share.'")
    old_names = [meanings.Renamed("old_rates", "", "rates", 2), meanings.Renamed("rates", "proportion", "rate", 2)]
    monkeypatch.setattr(meanings, "renamed", lambda folder=None: old_names)
    frames = publish.write_database(tmp_path / "warehouse.duckdb", tmp_path / "outcomes.duckdb")
    assert frames["rates"].columns == ["level", "rate", "n"]
    with duckdb.connect(str(tmp_path / "outcomes.duckdb"), read_only=True) as con:
        assert con.execute("select proportion, rate from published.old_rates").fetchall() == [(0.5, 0.5)]
        assert con.execute("select proportion from published.rates where proportion > 0").fetchall() == [(0.5,)]
        said = "select column_name, comment from duckdb_columns() where table_name = 'rates' and column_name in ('rate', 'proportion')"
        assert dict(con.execute(said).fetchall()) == {
            "rate": "Share.",
            "proportion": "Called rate since version 2 of the names; goes with version 3.",
        }
    listed = frames[meanings.TABLE].filter(pl.col("kind") == "renamed").select("table_name", "column_name").rows()
    assert listed == [("old_rates", None), ("rates", "proportion")]


def told(demo: tuple[Path, str], *words: str) -> tuple[int, str]:
    said = CliRunner().invoke(cli.app, ["explain", *words, "--config", str(demo[0] / "outcomes.toml")])
    return said.exit_code, said.output


def test_a_number_leads_back_to_definition_reasons_and_files(demo: tuple[Path, str], con: duckdb.DuckDBPyConnection) -> None:
    code, text = told(demo, "response", "phq9", "d30")
    assert code == 0
    assert max(map(len, text.splitlines())) <= explain.WIDTH
    row = con.execute(
        "select numerator, denominator, measured, eligible from published.outcome_summary where profile_id = 'ketamine-rwe' "
        "and window_id = 'd30' and breakdown = 'all' and metric_id = 'response' and instrument_id = 'phq9'"
    ).fetchone()
    assert row is not None
    numerator, denominator, measured, eligible = row
    assert f"{numerator} of {denominator} courses" in text
    assert f"{measured} measured of {eligible} eligible" in text
    for said in ("50 % of the baseline", "ketamine-rwe, version", "verified", "No score in the window", "version 1 of the names"):
        assert said in text
    assert not re.search(r"\b(sessions|questionnaires|patients)[\w.-]*\.(csv|xlsx|parquet|jsonl)", text)


def test_the_counts_by_reason_add_up(demo: tuple[Path, str]) -> None:
    code, text = told(demo, "response", "phq9", "d30", "--json")
    assert code == 0
    facts = json.loads(text)
    reasons = {row["standing"]: row for row in facts["reasons"]}
    assert reasons["met"]["courses"] == facts["cell"]["numerator"]
    assert sum(row["denominator"] for row in facts["reasons"]) == facts["cell"]["denominator"]
    assert "rows" not in facts
    with (demo[0] / "data" / "runs.jsonl").open(encoding="utf-8") as file:
        run = json.loads(file.readline())["run_id"]
    assert {file["taken_in_by"] for file in facts["files"]} == {run}
    assert {file["table_name"] for file in facts["files"]} == {"form", "session", "patient"}
    assert all(re.fullmatch("[0-9a-f]{12}", file["file_id"]) for file in facts["files"])


def test_rows_are_said_to_be_private(demo: tuple[Path, str]) -> None:
    assert "They stay in the house." in told(demo, "response", "phq9", "d30", "--rows")[1]
    assert "They stay in the house." not in told(demo, "response", "phq9", "d30")[1]


def test_rows_come_from_the_private_warehouse_and_are_as_many_as_counted(demo: tuple[Path, str]) -> None:
    facts = json.loads(told(demo, "response", "phq9", "d30", "--by", "site", "--level", "north", "--rows", "--json")[1])
    assert sum(row["denominator"] for row in facts["rows"]) == facts["cell"]["denominator"]
    assert sum(row["numerator"] or False for row in facts["rows"]) == facts["cell"]["numerator"]
    files = {file["file_id"] for file in facts["files"]}
    assert {row["score_file_id"] for row in facts["rows"] if row["score_file_id"]} <= files


@pytest.fixture(scope="module")
def hidden(con: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    row = con.execute(
        "select metric_id, instrument_id, window_id, breakdown, level, profile_id from published.outcome_summary "
        "where is_suppressed and breakdown = 'site' order by all limit 1"
    ).fetchone()
    assert row is not None
    return tuple(map(str, row))


@pytest.mark.parametrize("form", [[], ["--json"]], ids=["text", "json"])
def test_of_a_hidden_cell_nothing_is_told_but_why(form: list[str], hidden: tuple[str, ...], demo: tuple[Path, str]) -> None:
    metric, instrument, window, by, level, profile = hidden
    code, text = told(demo, metric, instrument, window, "--by", by, "--level", level, "--profile", profile, "--rows", *form)
    assert code == 0
    assert "Too few courses" in " ".join(text.split())
    if form:
        facts = json.loads(text)
        assert set(facts) == {"cell", "clinic", "run_id"}
        assert all(not isinstance(value, int | float) or isinstance(value, bool) for value in facts["cell"].values())
    else:
        assert not any(word in text for word in ("courses\n", "rate ", "file", "numerator", "%"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["responses", "phq9", "d30"], "metric responses; did you mean response?", id="metric"),
        pytest.param(["response", "phq", "d30"], "instrument phq; did you mean phq9?", id="measure"),
        pytest.param(["response", "phq9", "d31"], "window d31; did you mean d30?", id="window"),
        pytest.param(["response", "phq9", "d30", "--by", "sit"], "breakdown sit; did you mean site?", id="breakdown"),
        pytest.param(["response", "phq9", "d30", "--by", "site", "--level", "nort"], "level nort; did you mean north?", id="level"),
        pytest.param(["response", "phq9", "d30", "--profile", "nhs"], "profile nhs; did you mean nhs-tt?", id="profile"),
        pytest.param(["response'--", "phq9", "d30"], "there are", id="hostile"),
    ],
)
def test_what_is_not_published_is_answered_with_what_is(words: list[str], said: str, demo: tuple[Path, str]) -> None:
    code, text = told(demo, *words)
    assert code == 2
    assert said in " ".join(text.split())


def test_without_the_warehouse_the_release_alone_is_explained(demo: tuple[Path, str], tmp_path: Path) -> None:
    facts = explain.private_facts(tmp_path, "2026-02-01-0001", explain.Key("ketamine-rwe", "response", "phq9", "d30"), rows=True)
    assert facts == {"warehouse": None, "files": None}


def test_a_number_is_explained_with_what_moved_it() -> None:
    moved = {"since_on": "2026-02-01", "numerator_change": 14, "denominator_change": 23, "label": "New patients"}
    rest = moved | {"numerator_change": -2, "denominator_change": 0, "label": "Not told apart"}
    _, heading, _, first, second = explain._moved([moved, rest])
    assert heading == "Why it moved since 2026-02-01, in courses"
    assert first.split(maxsplit=2) == ["+14", "+23", "New patients"]
    assert second.split(maxsplit=2) == ["-2", "+0", "Not told apart"]
    assert list(explain._moved([])) == []
