"""A release is complete or absent, the same bytes every time, readable by the group, and never disturbs who reads the last one."""

import hashlib
import multiprocessing
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import polars as pl
import pytest

from outcomes.publish import PublishError, prune, publish, swap, write_csv

RUN = "2026-01-01-0001"
NEXT = "2026-01-02-0002"


@pytest.fixture(autouse=True)
def private() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    """A warehouse with two report tables, rows in no order."""
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect() as con:
        con.execute(f"attach '{path}' as w (storage_version 'v1.4.0')")
        con.execute("use w")
        con.execute("create schema report; create schema core; create table core.course as select 'secret' as course_id")
        con.execute("create table report.rates as select 'site ' || (97 - i) as level, (i / 7)::double as rate from range(98) t(i)")
        con.execute(
            "create table report.answers as select 'response' as metric_id, null::varchar as status, date '2026-01-01' as reviewed_on"
        )
        con.execute("comment on table report.rates is 'The clinic''s rates.'; comment on column report.rates.rate is 'Share.'")
        con.execute("use memory; detach w")
    return path


def current(published: Path) -> str:
    """The snapshot that readers see."""
    return (published / "current").readlink().name


def checksums(snapshot: Path, *folders: str) -> dict[str, str]:
    files = [path for folder in folders for path in sorted((snapshot / folder).iterdir())]
    return {str(path.relative_to(snapshot)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_a_snapshot_holds_every_report_table_and_nothing_else(warehouse: Path, tmp_path: Path) -> None:
    snapshot = publish(warehouse, tmp_path / "published", RUN)
    assert sorted(str(p.relative_to(snapshot)) for p in snapshot.rglob("*") if p.is_file()) == [
        "checksums.txt",
        "csv/answers.csv",
        "csv/dictionary.csv",
        "csv/rates.csv",
        "datapackage.json",
        "outcomes.duckdb",
        "outcomes.xlsx",
        "parquet/answers.parquet",
        "parquet/dictionary.parquet",
        "parquet/rates.parquet",
    ]
    with duckdb.connect(str(snapshot / "outcomes.duckdb"), read_only=True) as con:
        assert con.execute("select schema_name || '.' || table_name from duckdb_tables() order by all").fetchall() == [
            ("published.answers",),
            ("published.dictionary",),
            ("published.rates",),
        ]


def test_meanings_go_with_the_tables(warehouse: Path, tmp_path: Path) -> None:
    snapshot = publish(warehouse, tmp_path / "published", RUN)
    with duckdb.connect(str(snapshot / "outcomes.duckdb"), read_only=True) as con:
        assert con.execute("select comment from duckdb_tables() where table_name = 'rates'").fetchall() == [("The clinic's rates.",)]
        assert con.execute("select comment from duckdb_columns() where column_name = 'rate'").fetchall() == [("Share.",)]


def test_the_database_is_in_a_format_that_duckdb_1_4_opens(warehouse: Path, tmp_path: Path) -> None:
    snapshot = publish(warehouse, tmp_path / "published", RUN)
    with duckdb.connect(str(snapshot / "outcomes.duckdb"), read_only=True) as con:
        (tags,) = con.execute("select tags from duckdb_databases() where database_name = 'outcomes'").fetchall()[0]
    assert tags["storage_version"].startswith("v1.4.0")
    assert not list(snapshot.glob("*.wal"))


def test_rows_are_sorted_and_bytes_are_the_same_on_one_and_two_threads(warehouse: Path, tmp_path: Path) -> None:
    one = publish(warehouse, tmp_path / "one", RUN, threads=1)
    two = publish(warehouse, tmp_path / "two", NEXT, threads=2)
    assert checksums(one, "parquet", "csv") == checksums(two, "parquet", "csv")
    for name in ("outcomes.xlsx", "datapackage.json"):
        assert (one / name).read_bytes() == (two / name).read_bytes()
    levels = pl.read_parquet(one / "parquet" / "rates.parquet")["level"]
    assert levels.to_list() == sorted(levels)


def test_checksums_name_every_file(warehouse: Path, tmp_path: Path) -> None:
    snapshot = publish(warehouse, tmp_path / "published", RUN)
    listed = dict(reversed(line.split("  ")) for line in (snapshot / "checksums.txt").read_text().splitlines())
    found = {str(p.relative_to(snapshot)): hashlib.sha256(p.read_bytes()).hexdigest() for p in snapshot.rglob("*") if p.is_file()}
    del found["checksums.txt"]
    assert listed == found


def test_the_group_can_read_and_others_cannot(warehouse: Path, tmp_path: Path) -> None:
    published = tmp_path / "published"
    snapshot = publish(warehouse, published, RUN)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in snapshot.rglob("*") if path.is_file()}
    folders = {stat.S_IMODE(path.stat().st_mode) for path in (published, snapshot.parent, snapshot, snapshot / "csv")}
    assert (modes, folders) == ({0o640}, {0o750})


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        pytest.param("=1+1", "'=1+1", id="equals"),
        pytest.param("+1", "'+1", id="plus"),
        pytest.param("-1", "'-1", id="minus"),
        pytest.param("@x", "'@x", id="at"),
        pytest.param("\tx", "'\tx", id="tab"),
        pytest.param("\rx", '"\'\rx"', id="carriage return"),
        pytest.param("\nx", '"\'\nx"', id="line feed"),
        pytest.param("\x00x", "'\x00x", id="NUL"),
        pytest.param("a=1", "a=1", id="harmless inside"),
        pytest.param("5-9", "5-9", id="harmless range"),
        pytest.param(None, "", id="null"),
        pytest.param("", '""', id="empty text"),
    ],
)
def test_csv_text_is_never_a_formula(cell: str | None, written: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    write_csv(pl.DataFrame({"n": [-1.5], "text": [cell]}, schema={"n": pl.Float64, "text": pl.String}), path)
    assert path.read_bytes().decode() == f"n,text\n-1.5,{written}\n"


def test_a_snapshot_is_never_written_over(warehouse: Path, tmp_path: Path) -> None:
    publish(warehouse, tmp_path / "published", RUN)
    with pytest.raises(PublishError, match="there already"):
        publish(warehouse, tmp_path / "published", RUN)


def test_a_warehouse_without_a_report_publishes_nothing(tmp_path: Path) -> None:
    duckdb.connect(str(tmp_path / "empty.duckdb")).close()
    with pytest.raises(PublishError, match="no report"):
        publish(tmp_path / "empty.duckdb", tmp_path / "published", RUN)
    assert not (tmp_path / "published" / "snapshots" / RUN).exists()


def test_current_points_to_what_was_swapped_in(warehouse: Path, tmp_path: Path) -> None:
    published = tmp_path / "published"
    for run in (RUN, NEXT):
        publish(warehouse, published, run)
        swap(published / "current", run)
        assert current(published) == run
    assert (published / "snapshots" / RUN / "outcomes.duckdb").exists()
    with pytest.raises(PublishError, match="no snapshot"):
        swap(published / "current", "2026-01-03-0003")
    assert current(published) == NEXT


def test_a_reader_of_the_old_release_is_not_disturbed_and_does_not_block(warehouse: Path, tmp_path: Path) -> None:
    published = tmp_path / "published"
    publish(warehouse, published, RUN)
    swap(published / "current", RUN)
    script = (
        "import sys, duckdb\n"
        "con = duckdb.connect(sys.argv[1], read_only=True)\n"
        "print(con.execute('select count(*) from published.rates').fetchall(), flush=True)\n"
        "sys.stdin.readline()\n"
        "print(con.execute('select max(rate) from published.rates').fetchall(), flush=True)\n"
    )
    arguments = [sys.executable, "-c", script, str(published / "current" / "outcomes.duckdb")]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None
        assert reader.stdout.readline() == "[(98,)]\n"
        with duckdb.connect(str(warehouse)) as con:
            con.execute("delete from report.rates where rate > 1")
        publish(warehouse, published, NEXT)
        swap(published / "current", NEXT)
        with duckdb.connect(str(published / "current" / "outcomes.duckdb"), read_only=True) as con:
            assert con.execute("select count(*) from published.rates").fetchall() == [(8,)]
        reader.stdin.write("\n")
        reader.stdin.flush()
        assert reader.stdout.readline() == f"[({97 / 7},)]\n"
        reader.stdin.close()
        assert reader.wait(30) == 0


POINTS = [
    ("publish: folder made", None),
    ("publish: database written", None),
    ("publish: files written", None),
    ("publish: durable", None),
    ("publish: renamed", None),
    ("swap published: link made", None),
    ("swap published: done", NEXT),
]


def _publish_and_swap(warehouse: Path, published: Path, point: str) -> None:
    os.environ["OUTCOMES_KILL_AT"] = point
    publish(warehouse, published, NEXT)
    swap(published / "current", NEXT)


@pytest.mark.parametrize(("point", "seen"), POINTS, ids=[point for point, _ in POINTS])
def test_a_kill_leaves_the_old_release_or_the_new_one(point: str, seen: str | None, warehouse: Path, tmp_path: Path) -> None:
    published = tmp_path / "published"
    publish(warehouse, published, RUN)
    swap(published / "current", RUN)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["polars", "duckdb", "pyarrow"])
    process = context.Process(target=_publish_and_swap, args=(warehouse, published, point))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert current(published) == (seen or RUN)
    complete = published / "snapshots" / NEXT
    if complete.exists():
        assert (complete / "checksums.txt").exists()
    else:
        publish(warehouse, published, NEXT)
    swap(published / "current", NEXT)
    with duckdb.connect(str(published / "current" / "outcomes.duckdb"), read_only=True) as con:
        assert con.execute("select count(*) from published.rates").fetchall() == [(98,)]


def test_pruning_keeps_the_newest_and_whatever_is_current(tmp_path: Path) -> None:
    zone = tmp_path / "published"
    names = [f"2026-01-{day:02d}-{ordinal:04d}" for ordinal, day in enumerate((5, 1, 2, 3, 4), start=9998)]
    for name in names:
        (zone / "snapshots" / name).mkdir(parents=True)
    swap(zone / "current", names[0])
    assert prune(zone, keep=2) == [names[2], names[1]]
    assert sorted(p.name for p in (zone / "snapshots").iterdir()) == sorted([names[0], names[3], names[4]])
