"""Pseudonyms of people who have withdrawn in; out, a data folder that holds them nowhere, and the proof. Behind `outcomes forget`.

The order survives a kill at any point: what holds them is looked for, the register is written in one transaction, and from then on any
run finishes the erasure. Then everything is built of what is left, and every file is searched.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from outcomes import night, runs
from outcomes.log import Say
from outcomes.points import reached
from outcomes.runs import Exit
from outcomes.settings import Settings

if TYPE_CHECKING:
    from outcomes.erasure import Erased
    from outcomes.night import Night


@dataclass(frozen=True)
class Wanted:
    """Whom to forget: lines with a pseudonym each, and whether those with a day of withdrawal in an export. `check` changes nothing."""

    lines: tuple[str, ...] = ()
    withdrawn: bool = False
    check: bool = False
    as_of: date | None = None


def forget(settings: Settings, wanted: Wanted, say: Say) -> tuple[int, str]:
    """Erases people and everything that was made of them, then does a night of what is left, and says what a search of all files found.

    Exit codes: those of a night; 1 also where a file still holds somebody, 2 where nobody is named. No text names anybody.
    """
    try:
        with runs.lock(settings.paths.data):
            return _checked(settings, wanted) if wanted.check else _forgotten(settings, wanted, say)
    except runs.Busy:
        return Exit.BUSY, "another run holds the lock; nothing was forgotten: try again when it is done"


def _checked(settings: Settings, wanted: Wanted) -> tuple[int, str]:
    people = _people(settings, wanted)
    if not people:
        return Exit.USAGE, "nobody is named: give one pseudonym a line"
    is_clean, lines = _proof(settings, people)
    return (Exit.OK if is_clean else Exit.CRASH), "\n".join(lines)


def _forgotten(settings: Settings, wanted: Wanted, say: Say) -> tuple[int, str]:
    from contextlib import closing

    from outcomes import private, scan, steps, withdrawal

    try:
        tonight = night.begin(settings, wanted.as_of, say)
    except OSError as error:
        return Exit.CRASH, f"the data folder could not be prepared ({type(error).__name__}); nothing was forgotten"
    people, data = _people(settings, wanted), settings.paths.data
    if not people:
        return Exit.USAGE, "nobody is named: give one pseudonym a line"
    there = len(set(people) & _known(data))
    held = scan.scan(data / "raw", people, data / "raw")
    raw = [path.name for path in (*held.holding, *held.unread)]
    reached("forget: raw files searched")
    with closing(private.connect(data)) as con:
        withdrawal.record(con, people, raw)
    reached("forget: recorded")
    taken: list[Erased] = []
    erase = night.Step("forget", lambda tonight: taken.append(_erase(tonight)), retries=1)
    record = night.carry_out(tonight, (erase, *steps.BUILD_AND_PUBLISH))
    lines = [f"recorded    {len(people)} people, {there} of them with rows that were taken in; no later export brings them back"]
    if taken:
        rows = sum(one.rows for one in taken)
        lines += [
            f"erased      {rows} rows from {sum(one.files for one in taken)} files; {sum(one.raw for one in taken)} raw files removed"
        ]
    is_clean, proof = _proof(settings, people)
    lines += [*proof, *_told(settings, people), str(record["line"])]
    return (int(record["code"]) if is_clean else Exit.CRASH), "\n".join(lines)


def _erase(tonight: "Night") -> "Erased":
    from outcomes import erasure

    taken = erasure.finish(tonight.data)
    tonight.marks = runs.seen(tonight.data)
    return taken


def _people(settings: Settings, wanted: Wanted) -> list[str]:
    """The pseudonyms as clean tables write them, each once."""
    import polars as pl

    from outcomes import sieve, store

    named = list(sieve.pseudonyms(pl.Series(wanted.lines, dtype=pl.String)).drop_nulls())
    if wanted.withdrawn:
        data = settings.paths.data
        for path in store.parquet(data, store.ledger(data)).get("patient", {}).values():
            left = pl.scan_parquet(path).filter(pl.col("withdrawn_on").is_not_null())
            named += left.select(sieve.WHO).collect()[sieve.WHO].drop_nulls().to_list()
    return sorted(set(named))


def _known(data: Path) -> set[str]:
    """Everybody of whom there is a row."""
    import polars as pl

    from outcomes import sieve, store

    files = store.parquet(data, store.ledger(data))
    paths = [path for table, some in files.items() if table != "answer" for path in some.values()]
    return {one for path in paths for one in pl.scan_parquet(path).select(pl.col(sieve.WHO).unique()).collect()[sieve.WHO] if one}


def _proof(settings: Settings, people: Sequence[str]) -> tuple[bool, list[str]]:
    """Whether no file of the data folder holds any of them, and what to say of it."""
    from outcomes import scan

    found = scan.scan(settings.paths.data, people, settings.paths.data / "raw")
    lines = [f"searched    {found.files} files of the data folder: {len(found.holding)} hold somebody who is to be forgotten"]
    lines += [f"            {_place(settings, path)}" for path in found.holding]
    if found.unread:
        lines += [f"            {len(found.unread)} files could not be unpacked, so nobody knows:"]
        lines += [f"            {_place(settings, path)}" for path in found.unread]
    return not (found.holding or found.unread), lines


def _place(settings: Settings, path: Path) -> str:
    """Where a file stands, its name without any pseudonym."""
    from outcomes import withdrawal

    known = withdrawal.register(settings.paths.data)
    return str(Path(*map(known.without, path.relative_to(settings.paths.data).parts)))


def _told(settings: Settings, people: Sequence[str]) -> list[str]:
    """What the clinic has to do in its inbox, which is its own: files are named by their fingerprint."""
    from outcomes import scan, store

    inbox = settings.paths.inbox
    found = scan.scan(inbox, people, inbox) if inbox.is_dir() else scan.Found(0)
    if not (found.holding or found.unread):
        return []
    paths = (*found.holding, *found.unread)
    lines = [f"inbox       {len(paths)} files hold them still, or could not be unpacked; remove these, they are yours:"]
    return [*lines, *(f"            {store.sha256(path)[:12]}" for path in paths)]
