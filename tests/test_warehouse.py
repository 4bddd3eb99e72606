"""The builder: what it refuses, what it never says, and that neither order of arrival nor threads change what it makes."""

import itertools
import zlib
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from outcomes import disclosure, instruments, places, reference, warehouse
from outcomes.contract import ANSWER, FORM, PATIENT, SESSION, Table
from outcomes.settings import Clinic, Limits, Settings, Window
from outcomes.warehouse import BuildError, CleanFiles

AS_OF = date(2026, 1, 1)
SETTINGS = Settings(clinic=Clinic(name="A clinic", timezone="America/Denver"))


def references() -> dict[str, pl.DataFrame]:
    library = instruments.load([places.folder("instruments")])
    return reference.tables(SETTINGS, library, AS_OF)


REF = references()


def fingerprint(row: dict[str, Any]) -> int:
    return zlib.crc32(repr({name: value for name, value in row.items() if name != "form_row"}).encode())


class Exports:
    """Clean Parquet files and their ledger, as the entrance leaves them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ledger: list[dict[str, Any]] = []
        self.parquet: dict[str, dict[str, Path]] = {}

    def add(self, ingest_id: str, table: Table, rows: list[dict[str, Any]], *, exported_on: date, arrival: int = 0) -> None:
        self.ledger.append(
            {
                "ingest_id": ingest_id,
                "source_file": f"{table.name}s.csv",
                "table_name": table.name,
                "status": "accepted",
                "exported_on": exported_on,
                "arrival": arrival,
                "rows_in": len(rows),
                "rows_accepted": len(rows),
                "rows_duplicate": 0,
                "rows_rejected": 0,
            }
        )
        self.write(ingest_id, table, rows)

    def write(self, ingest_id: str, table: Table, rows: list[dict[str, Any]]) -> None:
        rows = [{"source_rows": 1, "content": fingerprint(row), "source_line": i, **row} for i, row in enumerate(rows, 2)]
        rows = [{**row, "ingest_id": ingest_id, "source_file": f"{table.name}s.csv"} for row in rows]
        frame = pl.DataFrame(
            [pl.Series(name, [row.get(name) for row in rows], dtype=type_, strict=False) for name, type_ in table.schema.items()]
        )
        path = self.folder / ingest_id / f"{table.name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.write_parquet(path)
        self.parquet.setdefault(table.name, {})[ingest_id] = path

    def files(self) -> CleanFiles:
        return CleanFiles(pl.DataFrame(self.ledger, infer_schema_length=None), self.parquet)


def a_clinic(folder: Path, order: tuple[int, ...] = (0, 1, 2, 3, 4)) -> CleanFiles:
    """Two exports of patients and forms, of which the later corrects, repeats and withdraws, and one of sessions."""
    old, new = date(2025, 6, 1), date(2025, 7, 1)
    exports = Exports(folder)

    def forms(ingest_id: str, exported_on: date, totals: dict[str, tuple[str, str, int]]) -> None:
        rows = [
            {"form_row": i, "form_id": form, "patient_id": patient, "instrument_id": "phq9", "answers": 9}
            | {"answered_at": datetime.fromisoformat(f"{day}T15:00:00"), "answered_on": date.fromisoformat(day), "content": total}
            for i, (form, (patient, day, total)) in enumerate(totals.items())
        ]
        exports.add(ingest_id, FORM, rows, exported_on=exported_on)
        answers = [
            {"form_row": i, "instrument_id": "phq9", "item": item, "answer": total // 9 + (item <= total % 9)}
            for i, (_, _, total) in enumerate(totals.values())
            for item in range(1, 10)
        ]
        exports.write(ingest_id, ANSWER, answers)

    steps: list[Callable[[], None]] = [
        lambda: exports.add(
            "p-old",
            PATIENT,
            [{"patient_id": p, "site_id": "north", "indication": "depression"} for p in ("p1", "p2", "p3")],
            exported_on=old,
        ),
        lambda: exports.add(
            "p-new",
            PATIENT,
            [{"patient_id": "p1", "site_id": "south", "indication": "depression"}, {"patient_id": "p3", "withdrawn_on": date(2025, 6, 20)}],
            exported_on=new,
        ),
        lambda: exports.add(
            "s",
            SESSION,
            [
                {"session_id": f"{p}-{k}", "patient_id": p, "started_on": date(2025, 3, 3 + 7 * k), "kind": "medicine", "route": "iv"}
                | {"started_at": datetime(2025, 3, 3 + 7 * k, 16)}  # noqa: DTZ001
                for p in ("p1", "p2", "p3")
                for k in range(3)
            ],
            exported_on=old,
        ),
        lambda: forms(
            "q-old",
            old,
            {
                "f1": ("p1", "2025-03-01", 20),
                "f2": ("p1", "2025-04-02", 18),
                "f3": ("p2", "2025-03-01", 12),
                "f4": ("p3", "2025-03-01", 12),
            },
        ),
        lambda: forms("q-new", new, {"f2": ("p1", "2025-04-02", 8), "f3": ("p2", "2025-03-01", 12)}),
    ]
    for step in order:
        steps[step]()
    return exports.files()


def build(path: Path, clean: CleanFiles, **more: Any) -> duckdb.DuckDBPyConnection:
    warehouse.build(path, clean, REF, more.pop("limits", Limits(threads=1)), disclose=release_everything, **more)
    return duckdb.connect(str(path), read_only=True)


def release_everything(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("create schema release")
    marks = "1 as unit, false as is_suppressed, null::varchar as suppression_reason, null::date as as_of"
    tallies = [name for (name,) in con.execute("select table_name from information_schema.tables where table_schema = 'tally'").fetchall()]
    others = {one.table: one.tally for one in disclosure.GUARDED if one.table != one.tally}
    for name, tally in ({name: name for name in tallies} | others).items():
        con.execute(f"create table release.{name} as select *, {marks} from tally.{tally}")


def contents(con: duckdb.DuckDBPyConnection, schemas: tuple[str, ...] = ("core", "tally", "report")) -> dict[str, list[tuple[Any, ...]]]:
    tables = con.execute(
        "select table_schema || '.' || table_name from information_schema.tables where list_contains(?, table_schema)", [list(schemas)]
    ).fetchall()
    return {table: sorted(con.execute(f"select * from {table}").fetchall(), key=repr) for (table,) in sorted(tables)}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    folder = tmp_path_factory.mktemp("warehouse")
    return build(folder / "run" / "warehouse.duckdb", a_clinic(folder / "clean"))


def test_newest_export_counts(built: duckdb.DuckDBPyConnection) -> None:
    assert built.execute("select patient_id, site_id from core.patient order by all").fetchall() == [("p1", "south"), ("p2", "north")]
    scores = built.execute("select form_id, score from core.score join core.form using (form_number) order by all").fetchall()
    assert [(form, int(score)) for form, score in scores] == [("f1", 20), ("f2", 8), ("f3", 12)]


def test_withdrawn_patient_is_in_no_table(built: duckdb.DuckDBPyConnection) -> None:
    assert [table for table, rows in contents(built, ("core", "metric", "tally", "report")).items() if "p3" in repr(rows)] == []


def test_every_row_is_accounted_for(built: duckdb.DuckDBPyConnection) -> None:
    rows = built.execute("select ingest_id, rows_in, accepted, duplicate, superseded, rejected, withdrawn from core.accounting order by 1")
    assert rows.fetchall() == [
        ("p-new", 2, 2, 0, 0, 0, 1),
        ("p-old", 3, 2, 0, 1, 0, 1),
        ("q-new", 2, 2, 0, 0, 0, 0),
        ("q-old", 4, 2, 1, 1, 0, 1),
        ("s", 9, 9, 0, 0, 0, 3),
    ]


def test_response_is_judged_and_can_be_traced(built: duckdb.DuckDBPyConnection) -> None:
    row = built.execute(
        "select course_id, baseline::integer, score::integer, numerator, form_id "
        "from core.evidence left join core.form using (form_number) "
        "where metric_id = 'response' and window_id = 'd30' and instrument_id = 'phq9' and profile_id = 'ketamine-rwe' and denominator"
    ).fetchall()
    assert row == [("p1/1", 20, 8, True, "f2")]


@pytest.mark.parametrize("order", list(itertools.permutations(range(5)))[7::31], ids=str)
def test_order_of_arrival_changes_nothing(built: duckdb.DuckDBPyConnection, tmp_path: Path, order: tuple[int, ...]) -> None:
    with build(tmp_path / "run" / "warehouse.duckdb", a_clinic(tmp_path / "clean", order)) as con:
        assert contents(con) == contents(built)


def test_threads_change_nothing(built: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    with build(tmp_path / "run" / "warehouse.duckdb", a_clinic(tmp_path / "clean"), limits=Limits(threads=2)) as con:
        assert contents(con) == contents(built)


def test_every_table_and_column_says_what_it_is(built: duckdb.DuckDBPyConnection) -> None:
    silent = built.execute(
        "select schema_name || '.' || table_name || '.' || column_name from duckdb_columns() "
        "where schema_name in ('core', 'metric', 'tally', 'report') and comment is null"
    ).fetchall()
    wordless = built.execute(
        "select table_name from duckdb_tables() where schema_name in ('core', 'tally', 'report') and comment is null "
        "union all select view_name from duckdb_views() where schema_name in ('core', 'metric') and comment is null"
    ).fetchall()
    assert (silent, wordless) == ([], [])


def test_clean_is_gone_and_no_path_is_left(built: duckdb.DuckDBPyConnection, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert built.execute("select count(*) from duckdb_schemas() where schema_name = 'clean'").fetchall() == [(0,)]
    path = built.execute("select path from duckdb_databases() where database_name = 'warehouse'").fetchall()[0][0]
    assert str(tmp_path_factory.getbasetemp()).encode() not in Path(path).read_bytes()
    assert sorted(file.name for file in Path(path).parent.iterdir()) == ["warehouse.duckdb"]


def test_file_opens_in_the_oldest_supported_client(built: duckdb.DuckDBPyConnection) -> None:
    tags = built.execute("select tags from duckdb_databases() where database_name = 'warehouse'").fetchall()[0][0]
    assert tags["storage_version"].startswith("v1.4")


def test_nothing_is_built_over(tmp_path: Path) -> None:
    (tmp_path / "warehouse.duckdb").write_bytes(b"the last good one")
    with pytest.raises(BuildError, match="never over"):
        warehouse.build(tmp_path / "warehouse.duckdb", a_clinic(tmp_path / "clean"), REF, Limits())
    assert (tmp_path / "warehouse.duckdb").read_bytes() == b"the last good one"


def test_a_night_without_files_builds_empty_tables(tmp_path: Path) -> None:
    with build(tmp_path / "run" / "warehouse.duckdb", CleanFiles(pl.DataFrame(schema=reference.INPUT_FILE))) as con:
        assert con.execute("select count(*) from core.outcome").fetchall() == [(0,)]


def sql_folder(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        schema, _, table = name.partition("__")
        (folder / schema).mkdir(parents=True, exist_ok=True)
        (folder / schema / f"{table}.sql").write_text(text)
    return folder


def test_an_error_carries_no_value(tmp_path: Path) -> None:
    exports = Exports(tmp_path / "clean")
    exports.add("p", PATIENT, [{"patient_id": "secret-pseudonym"}], exported_on=AS_OF)
    folder = sql_folder(tmp_path / "sql", core__thing="-- Thing.\nselect patient_id::integer as x  -- X.\nfrom clean.patient")
    with pytest.raises(BuildError) as caught:
        warehouse.build(tmp_path / "run" / "w.duckdb", exports.files(), {}, Limits(), folder=folder)
    assert str(caught.value) == "core.thing: ConversionException"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_mistake_in_the_sql_is_named(tmp_path: Path) -> None:
    folder = sql_folder(tmp_path / "sql", core__thing="-- Thing.\nselect nonsense as x  -- X.\nfrom clean.patient")
    with pytest.raises(BuildError, match=r'core\.thing: .*"nonsense"'):
        warehouse.build(tmp_path / "w.duckdb", CleanFiles(pl.DataFrame()), {}, Limits(), folder=folder)


def test_a_column_without_a_meaning_stops_the_build(tmp_path: Path) -> None:
    folder = sql_folder(tmp_path / "sql", core__thing="-- Thing.\nselect patient_id,  -- Pseudonym.\nsex\nfrom clean.patient")
    with pytest.raises(BuildError, match=r"core\.thing: each column"):
        warehouse.build(tmp_path / "w.duckdb", CleanFiles(pl.DataFrame()), {}, Limits(), folder=folder)


@pytest.mark.parametrize(
    "sql",
    ["select * from read_text('/etc/hostname')", "copy (select 1) to '/tmp/leak.csv'", "install httpfs", "set memory_limit = '9GB'"],
)
def test_the_builder_reaches_nothing_else(tmp_path: Path, sql: str) -> None:
    def reach(con: duckdb.DuckDBPyConnection) -> None:
        with pytest.raises(duckdb.Error, match=r"disabled|locked"):
            con.execute(sql)

    warehouse.build(tmp_path / "w.duckdb", CleanFiles(pl.DataFrame()), {}, Limits(), folder=sql_folder(tmp_path / "sql"), disclose=reach)


def test_disclosure_stands_between_tally_and_report(tmp_path: Path) -> None:
    folder = sql_folder(
        tmp_path / "sql",
        tally__n="-- Counts.\nselect count(*) as n  -- Patients.\nfrom clean.patient",
        report__n="-- Counts.\nselect n  -- Patients.\nfrom release.n",
    )
    tables: list[tuple[str]] = []

    def disclose(con: duckdb.DuckDBPyConnection) -> None:
        tables.extend(con.execute("select schema_name from duckdb_tables() where schema_name in ('tally', 'report')").fetchall())
        con.execute("create schema release; create table release.n as select n from tally.n")

    made = warehouse.build(tmp_path / "w.duckdb", CleanFiles(pl.DataFrame()), {}, Limits(), folder=folder, disclose=disclose)
    assert tables == [("tally",)]
    assert [step.table for step in made] == ["tally.n", "release", "report.n"]


def test_a_file_name_with_a_quote_is_only_a_name(tmp_path: Path) -> None:
    exports = Exports(tmp_path / "it's [1] clean")
    exports.add("p", PATIENT, [{"patient_id": "p1"}], exported_on=AS_OF)
    folder = sql_folder(tmp_path / "sql", core__thing="-- Thing.\nselect patient_id  -- Pseudonym.\nfrom clean.patient")
    warehouse.build(tmp_path / "it's" / "w.duckdb", exports.files(), {}, Limits(), folder=folder)
    with duckdb.connect(str(tmp_path / "it's" / "w.duckdb"), read_only=True) as con:
        assert con.execute("select * from core.thing").fetchall() == [("p1",)]


def test_files_are_numbered_from_the_one_that_all_others_override() -> None:
    ledger = pl.DataFrame(
        {
            "ingest_id": ["b", "a", "d", "c", "e"],
            "exported_on": [date(2025, 1, 2), date(2025, 1, 2), date(2025, 1, 1), date(2025, 1, 2), None],
            "arrival": [0, 0, 9, 1, 0],
        }
    )
    assert warehouse.numbered(ledger)["ingest_id"].to_list() == ["e", "d", "a", "b", "c"]


@pytest.mark.parametrize("name", sorted(set(reference.REF) - {"setting", "window"}))
def test_reference_tables_have_the_columns_that_sql_relies_on(name: str) -> None:
    assert REF[name].columns == reference.REF[name].names()


@pytest.mark.parametrize(
    ("window", "by_hours"),
    [
        (Window(id="h24", target_days=1, from_days=0.5, to_days=2), True),
        (Window(id="d7", target_days=7, from_days=5, to_days=10), False),
        (Window(id="last", from_days=1, pick="last"), False),
        (Window(id="d7", target_days=7.5, from_days=5, to_days=10), False),
    ],
)
def test_only_a_bound_with_a_fraction_counts_hours(window: Window, by_hours: bool) -> None:
    frame = reference.from_settings(SETTINGS.model_copy(update={"windows": (window,)}), AS_OF)["window"]
    assert frame["by_hours"].to_list() == [by_hours]
