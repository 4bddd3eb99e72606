"""The private database: closed to others, one transaction or nothing, brought up to date step by step."""

import sqlite3
import stat
from pathlib import Path

import pytest

from outcomes import private


def tables(con: sqlite3.Connection) -> set[str]:
    return {name for (name,) in con.execute("select name from sqlite_schema where type = 'table'")}


def test_only_this_user_can_read_it_whatever_the_mask_was(tmp_path: Path) -> None:
    folder = tmp_path / private.FOLDER
    folder.mkdir(mode=0o755)
    (folder / private.NAME).touch(mode=0o644)
    private.connect(tmp_path).close()
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / private.NAME)] == [0o700, 0o600]


def test_what_is_written_in_a_transaction_that_fails_was_never_there(tmp_path: Path) -> None:
    con = private.connect(tmp_path)
    with pytest.raises(sqlite3.IntegrityError), private.transaction(con):
        con.executemany("insert into approval values ('quality', ?, 'now')", [["x"], ["y"], ["x"]])
    assert con.execute("select count(*) from approval").fetchone()[0] == 0
    con.close()


def test_a_commit_is_durable_and_leaves_nothing_beside_the_file(tmp_path: Path) -> None:
    con = private.connect(tmp_path)
    asked = [con.execute(f"pragma {name}").fetchone()[0] for name in ("journal_mode", "synchronous", "secure_delete")]
    assert asked == ["delete", 3, 1]
    con.close()
    assert [path.name for path in (tmp_path / private.FOLDER).iterdir()] == [private.NAME]


def test_an_older_database_is_brought_up_to_date_and_keeps_its_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    con = private.connect(tmp_path)
    con.execute("insert into approval values ('quality', 'x', 'now')")
    con.close()
    monkeypatch.setattr(private, "MIGRATIONS", (*private.MIGRATIONS, ("create table more (x text) strict",)))
    con = private.connect(tmp_path)
    assert "more" in tables(con)
    assert con.execute("select count(*) from approval").fetchone()[0] == 1
    con.close()


def test_a_step_that_fails_halfway_leaves_the_older_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    private.connect(tmp_path).close()
    with monkeypatch.context() as broken:
        broken.setattr(private, "MIGRATIONS", (*private.MIGRATIONS, ("create table more (x text) strict", "nonsense")))
        with pytest.raises(sqlite3.OperationalError):
            private.connect(tmp_path)
    con = private.connect(tmp_path)
    assert "more" not in tables(con)
    con.close()


def test_a_database_of_a_newer_version_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    private.connect(tmp_path).close()
    monkeypatch.setattr(private, "MIGRATIONS", private.MIGRATIONS[:-1])
    with pytest.raises(private.PrivateError, match="newer version"):
        private.connect(tmp_path)
