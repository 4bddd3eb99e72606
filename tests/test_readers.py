"""Who reads a release: clients of older versions, and many at once while releases come out. Nobody waits, fails, or sees two at once."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import duckdb
import pytest

from outcomes.publish import prune, publish, swap

READER = """
import sys, json, pathlib, time, duckdb
zone, stop = map(pathlib.Path, sys.argv[1:3])
looked, seen = 0, []
while True:
    is_last = stop.exists()
    with duckdb.connect(str(zone / "current" / "outcomes.duckdb"), read_only=True) as con:
        rows = con.execute("select release from published.rates union all select release from published.answers").fetchall()
        con.execute("from published.find('release')").fetchall()
        rows += con.execute("select release from published.rates limit 1").fetchall()
    releases = {row[0] for row in rows}
    assert len(rows) == 41 and len(releases) == 1, "a mixed release"
    folder = (zone / "current").resolve()
    with duckdb.connect() as con:
        of_files = con.execute(
            "select release from read_parquet(?) union select release from read_csv(?)",
            [str(folder / "parquet" / "rates.parquet"), str(folder / "csv" / "answers.csv")],
        ).fetchall()
    assert len(of_files) == 1, "mixed files"
    seen += releases
    looked += 1
    if is_last:
        break
    time.sleep(float(sys.argv[3]))
assert seen == sorted(seen), "back in time"
print(json.dumps({"looked": looked, "releases": len(set(seen)), "last": seen[-1]}))
"""


PAUSE_S = 0.1
"""Between two looks of one reader, for each of them, so that the publisher has its share of two cores."""


def warehouse(path: Path, release: int) -> Path:
    """Two tables that say in every row which release they are of."""
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as con:
        con.execute("create schema report")
        con.execute(f"create table report.rates as select {release} as release, i as level from range(20) t(i)")
        con.execute(f"create table report.answers as select {release} as release, 'site ' || i as level from range(20) t(i)")
    return path


@pytest.mark.parametrize(
    ("readers", "releases"),
    [
        pytest.param(3, 6, id="a few"),
        pytest.param(20, 100, id="twenty through a hundred", marks=[pytest.mark.slow, pytest.mark.timeout(1800)]),
    ],
)
def test_readers_see_no_error_and_no_mixed_release(readers: int, releases: int, tmp_path: Path) -> None:
    zone, stop = tmp_path / "published", tmp_path / "stop"
    names = [f"2026-01-01-{number:04d}" for number in range(1, releases + 1)]
    publish(warehouse(tmp_path / "w.duckdb", 1), zone, names[0])
    swap(zone / "current", names[0])
    crowd = [
        subprocess.Popen(
            [sys.executable, "-c", READER, str(zone), str(stop), str(PAUSE_S * readers)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(readers)
    ]
    for number, name in enumerate(names[1:], start=2):
        publish(warehouse(tmp_path / "w.duckdb", number), zone, name)
        swap(zone / "current", name)
        prune(zone, 14)
    stop.touch()
    said = [(*reader.communicate(timeout=600), reader.returncode) for reader in crowd]
    assert [error for _, error, code in said if code] == []
    told = [json.loads(out) for out, _, _ in said]
    assert {one["last"] for one in told} == {releases}
    assert max(one["releases"] for one in told) > 1
    print(f"{readers} readers looked {sum(one['looked'] for one in told)} times through {releases} publications")


CLIENT = """
import sys, json, duckdb
con = duckdb.connect(sys.argv[1], read_only=True)
ask = lambda sql: con.execute(sql).fetchall()
tables = [name for (name,) in ask("select table_name from duckdb_tables() where schema_name = 'published' order by 1")]
print(json.dumps({
    "tables": {name: ask(f"select count(*) from published.{name}") for name in tables},
    "table comments": ask("select table_name, comment from duckdb_tables() where schema_name = 'published' order by all"),
    "column comments": ask("select table_name, column_name, comment from duckdb_columns() where schema_name = 'published' order by all"),
    "macro comments": ask("select distinct function_name, comment from duckdb_functions() where schema_name = 'published' order by all"),
    "sums": ask("select metric_id, sum(numerator), sum(denominator), count(rate), max(rate)::varchar from published.outcome_summary "
                "group by all order by all"),
    "macros": [ask("from published.outcome('response', 'phq9', by := 'site')"), ask("from published.score_change('phq9')"),
               ask("from published.reasons('response', 'phq9', profile := 'ketamine-rwe')"),
               ask("select profile_id, definition from published.definitions('recovery', 'phq9')"),
               ask("from published.find('coverage')")],
    "version": ask("select format_version, as_of::varchar from published.version"),
}, default=str, sort_keys=True))
"""


@pytest.mark.slow
@pytest.mark.needs_index
@pytest.mark.timeout(900)
@pytest.mark.parametrize("version", ["1.4", "1.5"])
def test_an_older_client_reads_values_comments_and_macros(version: str, demo: tuple[Path, str], tmp_path: Path) -> None:
    """The client is installed into an environment of its own, by its ordinary installer; what it reads is what we read."""
    folder, release = tmp_path / "client", demo[0] / "data" / "published" / "current" / "outcomes.duckdb"
    python = folder / "bin" / "python"
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "--quiet", "--python", sys.executable, str(folder)], check=True)
    install = [*uv, "pip", "install", "--quiet", "--python", str(python), f"duckdb=={version}.*"]
    got = subprocess.run(install, capture_output=True, text=True, check=False)
    if got.returncode:
        pytest.skip(f"duckdb {version} can't be installed here: no package index")
    own, theirs = (
        subprocess.run([program, "-c", CLIENT, str(release)], capture_output=True, text=True, check=False)
        for program in (sys.executable, python)
    )
    assert theirs.returncode == 0, textwrap.shorten(theirs.stderr, 2000)
    which = subprocess.run([python, "-c", "import duckdb; print(duckdb.__version__)"], capture_output=True, text=True, check=True).stdout
    assert which.startswith(version)
    ours, read = json.loads(own.stdout), json.loads(theirs.stdout)
    assert read == ours
    assert all(comment for _, comment in read["table comments"])
    assert all(comment for *_, comment in read["column comments"])
    assert all(comment for _, comment in read["macro comments"])
    assert all(rows for rows in read["macros"])
    tables, columns, macros = (len(read[name]) for name in ("tables", "column comments", "macro comments"))
    print(f"duckdb {which.strip()}: {tables} tables, {columns} columns, {macros} macros")
