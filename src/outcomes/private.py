"""The clinic's private database, `data/private/private.sqlite`: what must change in one transaction, and is never published.

A rollback journal, made durable at every commit: after kill -9 or a power cut the next connection finds the last commit, and
nothing lies beside the file. Whoever adds a table adds a step to MIGRATIONS, and never changes one that stands.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

FOLDER: Final = "private"
NAME: Final = "private.sqlite"
BUSY_S: Final = 30

# One entry per version of the schema, each a tuple of statements; `pragma user_version` counts those that are done.
MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (
    (
        """
        create table outbox (
            key text primary key,          -- SHA-256 of run, kind, list of recipients and what the letter says
            run_id text not null,
            as_of text not null,
            kind text not null check (kind in ('leadership', 'quality', 'failure')),
            list text not null,            -- stands for the whole list of recipients
            waiting text not null,         -- JSON: the recipients for whom no server has taken it yet
            message_id text not null,
            subject text not null,
            digest text not null,
            message blob,                  -- the mail as it goes over the wire; null once it is sent or replaced
            state text not null check (state in ('queued', 'awaiting_approval', 'sending', 'sent', 'failed', 'given_up', 'replaced')),
            attempts integer not null default 0,
            error text,                    -- the kind of the last error, in our words
            queued_at text not null,
            next_at text not null,         -- not to be tried before
            ended_at text
        ) strict
        """,
        """
        create table approval (
            kind text not null,
            list text not null,
            approved_at text not null,
            primary key (kind, list)
        ) strict
        """,
    ),
    (
        """
        create table release (
            run_id text primary key,
            as_of text not null,
            is_shown integer not null,     -- whether readers have seen it
            summary text not null          -- JSON: what the gate let through and held
        ) strict
        """,
        """
        create table release_file (
            run_id text not null references release,
            name text not null,            -- file of the ledger
            sha256 text not null,
            primary key (run_id, name)
        ) strict
        """,
    ),
    (
        "create table withdrawal_secret (secret blob not null) strict",  # the key of the digests
        """
        create table withdrawal (
            digest blob primary key,       -- of the pseudonym of one who has withdrawn
            recorded_at text not null,
            erased_at text                 -- null until nothing of theirs is kept
        ) strict
        """,
        "create table withdrawal_raw (ingest_id text primary key) strict",  # raw files that an unfinished withdrawal removes
    ),
)


class PrivateError(Exception):
    """The private database can't be used; the text says what to do."""


def connect(data: Path) -> sqlite3.Connection:
    """The database of a data folder, made or brought up to date where needed; only this user can read it.

    Nothing commits by itself: write inside `transaction`. Raises PrivateError for a database that a newer version made.
    """
    folder = data / FOLDER
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    path = folder / NAME
    # SQLite gives its journal the mode of the file.
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    path.chmod(0o600)
    con = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
    try:
        con.row_factory = sqlite3.Row
        con.execute("pragma journal_mode = delete")
        con.execute("pragma synchronous = extra")
        con.execute("pragma secure_delete = on")
        con.execute("pragma foreign_keys = on")
        _migrate(con)
    except BaseException:
        con.close()
        raise
    return con


def exists(data: Path) -> bool:
    """Whether there is a private database yet; asking makes none."""
    return (data / FOLDER / NAME).is_file()


@contextmanager
def transaction(con: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """All of it or nothing, and durable at the end; one writer at a time, also across processes."""
    con.execute("begin immediate")
    try:
        yield con
    except BaseException:
        con.execute("rollback")
        raise
    con.execute("commit")


def _migrate(con: sqlite3.Connection) -> None:
    if _version(con) == len(MIGRATIONS):
        return
    with transaction(con):
        done = _version(con)
        if done > len(MIGRATIONS):
            raise PrivateError(f"{NAME} was made by a newer version of this program; install that one")
        for statements in MIGRATIONS[done:]:
            for statement in statements:
                con.execute(statement)
        con.execute(f"pragma user_version = {len(MIGRATIONS)}")


def _version(con: sqlite3.Connection) -> int:
    return int(con.execute("pragma user_version").fetchone()[0])
