"""House rules of the SQL: floors, comments, dates that come from nowhere, and a specification for every table."""

import re
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest
from recounted import RECOUNTED, SAYS_NO_COUNT_OF_COURSES

from outcomes import places, reference, sensitivity, sqlfiles
from outcomes.contract import TABLES
from outcomes.disclosure import GUARDED
from outcomes.sqlfiles import SqlFile, SqlFileError, Token, tokens

FOLDER = places.folder("sql")
SPECIFICATIONS = Path(__file__).parent / "sql"
FILES = sqlfiles.read_folder(FOLDER)
SELECTS = [file for file in FILES if file.schema != "macro"]
STACKED = {"core.judgement", "core.evidence", "core.verdict"}
MADE_BY_THE_BUILDER = STACKED | {"meta.input_file", sensitivity.TABLE}
CLOCK = {"now", "current_date", "current_time", "current_timestamp", "today", "localtimestamp", "get_current_timestamp", "random", "uuid"}
MAY_READ = {
    "core": {"ref", "meta", "clean", "core"},
    "metric": {"ref", "core"},
    "tally": {"ref", "core", "tally"},
    "report": {"ref", "meta", "release"},
}


def problems(file: SqlFile) -> list[str]:
    """What is wrong with a file by the house rules."""
    stream = list(tokens(file.text))
    found = [f"reads {table}" for table in sorted(file.reads) if not _may_read(file, table)]
    found += ["has no header"] if len(file.header) < 20 else []
    found += ["ends with select *"] if _last_select_has_star(stream) else []
    found += [f"column {place} has no meaning" for place, meaning in enumerate(file.meanings, 1) if not meaning]
    found += [f"column {place}: a meaning ends with a full stop" for place, m in enumerate(file.meanings, 1) if m and not m.endswith(".")]
    found += [f"asks the clock: {t.text}" for t in stream if t.kind == "word" and t.text in CLOCK]
    found += ["divides with //, which the formatter takes for a comment"] if _has_double_slash(stream) else []
    return found


def _may_read(file: SqlFile, table: str) -> bool:
    schema = table.partition(".")[0]
    if table in STACKED:
        return file.schema == "tally"
    return schema in MAY_READ[file.schema] or (file.schema == "report" and table in {"core.accounting", "core.finding", "core.score"})


def _last_select_has_star(stream: list[Token]) -> bool:
    starts = [i for i, t in enumerate(stream) if t.text == "select" and t.kind == "word" and t.depth == 0]
    for i in range(starts[-1] + 1, len(stream)):
        token = stream[i]
        if token.depth == 0 and token.text == "from" and stream[i - 1].text != "distinct":
            return False
        if token.depth == 0 and token.text == "*" and stream[i - 1].text in ("select", ",", ".", "distinct"):
            return True
    return False


def _has_double_slash(stream: list[Token]) -> bool:
    return any(a.text == b.text == "/" and a.line == b.line for a, b in pairwise(stream))


@pytest.mark.parametrize("file", SELECTS, ids=lambda file: file.table)
def test_file_keeps_the_house_rules(file: SqlFile) -> None:
    assert problems(file) == []


@pytest.mark.parametrize("file", SELECTS, ids=lambda file: file.table)
def test_file_reads_only_what_exists(file: SqlFile) -> None:
    known = (
        {f.table for f in FILES} | MADE_BY_THE_BUILDER | {f"clean.{name}" for name in TABLES} | {f"ref.{name}" for name in reference.REF}
    )
    known |= {f"ref.{name}" for name in reference.from_folder(FOLDER / "ref")} | {f"release.{g.table}" for g in GUARDED}
    unknown = {table for table in file.reads if not table.startswith("meta.")} - known
    assert unknown == set()


@pytest.mark.parametrize("file", [f for f in SELECTS if f.schema in ("core", "metric")], ids=lambda file: file.table)
def test_table_has_a_specification(file: SqlFile) -> None:
    specification = SPECIFICATIONS / file.schema / f"{file.name}.md"
    assert specification.is_file(), f"write tests/sql/{file.schema}/{file.name}.md"
    assert re.search(r"^Then\b", specification.read_text(encoding="utf-8"), re.MULTILINE)


def test_every_table_can_be_built_behind_what_it_reads() -> None:
    order = sqlfiles.in_order({file.table: file.reads for file in SELECTS})
    assert sorted(order) == sorted(file.table for file in SELECTS)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("-- One row per thing of the house.\nselect x,  -- Thing.\n y  -- Other.\nfrom ref.thing", []),
        ("select x  -- Thing.\nfrom ref.thing", ["has no header"]),
        ("-- One row per thing of the house.\nselect x from ref.thing", ["column 1 has no meaning"]),
        ("-- One row per thing of the house.\nselect x  -- Thing\nfrom ref.thing", ["column 1: a meaning ends with a full stop"]),
        ("-- One row per thing of the house.\nselect *  -- All.\nfrom ref.thing", ["ends with select *"]),
        ("-- One row per thing of the house.\nselect t.*  -- All.\nfrom ref.thing as t", ["ends with select *"]),
        ("-- One row per thing of the house.\nselect count(*) as n  -- Things.\nfrom ref.thing", []),
        ("-- One row per thing of the house.\nselect x  -- Thing.\nfrom metric.response", ["reads metric.response"]),
        ("-- One row per thing of the house.\nselect x  -- Thing.\nfrom release.outcome", ["reads release.outcome"]),
        ("-- One row per thing of the house.\nselect today() as x  -- Day.\nfrom ref.thing", ["asks the clock: today"]),
        (
            "-- One row per thing of the house.\nselect x // 2 as x  -- Half.\nfrom ref.thing",
            ["divides with //, which the formatter takes for a comment"],
        ),
    ],
)
def test_a_rule_finds_what_breaks_it(tmp_path: Path, text: str, found: list[str]) -> None:
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "thing.sql").write_text(text)
    assert problems(sqlfiles.read(tmp_path / "core" / "thing.sql")) == found


@pytest.mark.parametrize(
    ("text", "meanings"),
    [
        ("select a,  -- A.\n b  -- B.\nfrom t", ("A.", "B.")),
        ("with c as (select x  -- Not this.\nfrom t)\nselect a  -- A.\nfrom c", ("A.",)),
        ("select\n -- Before.\n a,\n b  -- B.\nfrom t", ("Before.", "B.")),
        ("select case when a > 1  -- why\n then 'x,y' end as a,  -- A.\n b\nfrom t", ("A.", None)),
        ("select f(a, b) as a,  -- A.\n a is distinct from b as d,  -- D.\n 'it''s -- no' as e  -- E.\nfrom t", ("A.", "D.", "E.")),
        ("select a from t\nunion all\nselect b  -- B.\nfrom t", ("B.",)),
        ("select a  -- A.\n", ("A.",)),
    ],
)
def test_meanings_are_the_comments_of_the_last_select(tmp_path: Path, text: str, meanings: tuple[str | None, ...]) -> None:
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "thing.sql").write_text(text)
    assert sqlfiles.read(tmp_path / "core" / "thing.sql").meanings == meanings


@pytest.mark.parametrize(
    ("text", "said"),
    [("select 1 as x; select 2 as x", "2 statements"), ("create table x as select 1", "Only SELECT"), ("selec 1", "syntax error")],
)
def test_a_file_is_one_select(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "thing.sql").write_text(text)
    with pytest.raises(SqlFileError, match=rf"core\.thing.*{said}"):
        sqlfiles.read(tmp_path / "core" / "thing.sql")


def test_tables_that_read_each_other_are_named() -> None:
    with pytest.raises(SqlFileError, match=r"core\.(a|b) -> core\.(a|b)"):
        sqlfiles.in_order({"core.a": ["core.b"], "core.b": ["core.a"]})


def test_reads_are_found_in_joins_subqueries_and_set_operations(tmp_path: Path) -> None:
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "thing.sql").write_text(
        "with a as (select 1 as x from core.one) select x  -- X.\n from a left join ref.two using (x) "
        "where x in (select x from clean.three) union all select x from meta.four"
    )
    assert sqlfiles.read(tmp_path / "core" / "thing.sql").reads == {"core.one", "ref.two", "clean.three", "meta.four"}


def test_macros_are_written_for_duckdb() -> None:
    with duckdb.connect() as con:
        for file in FILES:
            if file.schema == "macro":
                con.execute("create schema if not exists macro")
                con.execute(file.text)


def test_no_published_table_is_forgotten_when_counts_are_counted_again() -> None:
    """A new table is counted again in a test, which recounted.py names; or recounted.py says why it is not."""
    assert {file.name for file in FILES if file.schema == "report"} == RECOUNTED.keys() | SAYS_NO_COUNT_OF_COURSES


@pytest.mark.parametrize(("table", "module"), RECOUNTED.items())
def test_a_table_is_counted_again_where_it_is_said_to_be(table: str, module: str) -> None:
    assert table in (Path(__file__).parent / f"{module}.py").read_text(encoding="utf-8")
