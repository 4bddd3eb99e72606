"""The register of those who have withdrawn: pseudonyms in, keyed digests in the private database; out, whether a text is one of theirs.

No pseudonym is kept: the register can say of a text that it is one, and can't name any. Whoever holds the private database can try all
pseudonyms of a clinic, and so has to be kept from it. Imports nothing heavy: `outcomes status` asks here.
"""

import datetime as dt
import hashlib
import secrets
import sqlite3
from collections.abc import Callable, Collection, Iterable
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from outcomes import private

INSTEAD: Final = "withdrawn"


@dataclass(frozen=True)
class Register:
    """Everybody who has withdrawn; it is false where nobody has."""

    secret: bytes = b""
    digests: frozenset[bytes] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.digests)

    def holds(self, text: str) -> bool:
        """Whether this is the pseudonym of one who has withdrawn, as clean tables write it."""
        return bool(self.digests) and _digest(self.secret, text) in self.digests

    def without(self, text: str, instead: Callable[[str], str] = lambda _: INSTEAD) -> str:
        """The text with each such pseudonym replaced that begins and ends where a word or a number does.

        `a_p17.csv` becomes `a_withdrawn.csv`, if `instead` does not say what else p17 is to be.
        """
        if not self.digests:
            return text
        places = [0, *(at for at, (one, two) in enumerate(pairwise(text), 1) if _kind(one) != _kind(two) or not one.isalnum()), len(text)]
        done, out = 0, ""
        for start in places:
            if start < done:
                continue
            end = next((end for end in reversed(places) if end > start and self.holds(text[start:end])), None)
            if end is not None:
                out, done = out + text[done:start] + instead(text[start:end]), end
        return out + text[done:]


NOBODY: Final = Register()


def register(data: Path) -> Register:
    """The register of a data folder."""
    if not private.exists(data):
        return NOBODY
    with closing(private.connect(data)) as con:
        return read(con)


def read(con: sqlite3.Connection) -> Register:
    found = con.execute("select secret from withdrawal_secret").fetchone()
    digests = frozenset(digest for (digest,) in con.execute("select digest from withdrawal"))
    return Register(found[0], digests) if found else NOBODY


def record(con: sqlite3.Connection, pseudonyms: Iterable[str], raw: Iterable[str]) -> None:
    """Registers withdrawals, and the raw files that hold them, in one transaction; what is registered is to be erased, also again."""
    with private.transaction(con):
        if con.execute("select 1 from withdrawal_secret").fetchone() is None:
            con.execute("insert into withdrawal_secret values (?)", [secrets.token_bytes(32)])
        secret = con.execute("select secret from withdrawal_secret").fetchone()[0]
        con.executemany(
            "insert into withdrawal (digest, recorded_at) values (?, ?) on conflict (digest) do update set erased_at = null",
            [(_digest(secret, one), _now()) for one in sorted(set(pseudonyms))],
        )
        con.executemany("insert or ignore into withdrawal_raw values (?)", [(one,) for one in sorted(set(raw))])


def carry(data: Path, other: Path) -> None:
    """Gives the register of one data folder to another that has none."""
    known = register(data)
    if known:
        with closing(private.connect(other)) as con, private.transaction(con):
            con.execute("insert into withdrawal_secret values (?)", [known.secret])
            con.executemany("insert into withdrawal values (?, ?, ?)", [(digest, _now(), _now()) for digest in known.digests])


def is_unfinished(con: sqlite3.Connection) -> bool:
    """Whether something that is kept may still hold one who has withdrawn."""
    return bool(con.execute("select 1 from withdrawal where erased_at is null limit 1").fetchone())


def raw_files(con: sqlite3.Connection) -> Collection[str]:
    """The raw files that an unfinished withdrawal removes, by ingest_id."""
    return {ingest_id for (ingest_id,) in con.execute("select ingest_id from withdrawal_raw")}


def done(con: sqlite3.Connection) -> None:
    """Says that all that are registered are erased."""
    with private.transaction(con):
        con.execute("update withdrawal set erased_at = ? where erased_at is null", [_now()])
        con.execute("delete from withdrawal_raw")


def counts(data: Path) -> dict[str, int]:
    """How many withdrawals are registered, and of how many the erasure is unfinished."""
    if not private.exists(data):
        return {"recorded": 0, "unfinished": 0}
    with closing(private.connect(data)) as con:
        recorded, erased = con.execute("select count(*), count(erased_at) from withdrawal").fetchone()
    return {"recorded": recorded, "unfinished": recorded - erased}


def _digest(secret: bytes, text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=secret, digest_size=32).digest()


def _kind(letter: str) -> str:
    return "letter" if letter.isalpha() else "digit" if letter.isdigit() else "other"


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
