"""What a night and an operator ask of the mail: letters of a release into the outbox, the outbox to the server, word of a failed night.

Without `[email]` in the settings nothing happens. Nothing here fails a night: what could not be sent waits in the outbox.
"""

import datetime as dt
import os
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final

from outcomes import private, releases, runs
from outcomes.letter import Kind, Letter
from outcomes.log import Say
from outcomes.mail import delivery, failure, message, outbox
from outcomes.runs import Exit
from outcomes.settings import Email, Settings

DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def letters_of(release: Path, settings: Settings) -> list[Letter]:
    """The letters that a release brings, made from its snapshot."""
    from outcomes import report

    return report.letters(release, settings)


def recipients(email: Email, kind: Kind) -> tuple[str, ...]:
    return {"leadership": email.to, "quality": email.owners, "failure": email.operators}[kind]


def made(release: Path, settings: Settings, troubles: list[str]) -> list[Letter]:
    """The letters of a release; none without `[email]`. A report that fails costs its letters and no release: `troubles` says so."""
    return _made(lambda: letters_of(release, settings), settings, troubles)


def made_of_quality(warehouse: Path, settings: Settings, troubles: list[str]) -> list[Letter]:
    """The letter of a night without a release, to the owners of the data; likewise."""
    from outcomes import report

    return _made(lambda: [report.quality_letter(warehouse, settings)], settings, troubles)


def _made(make: Callable[[], list[Letter]], settings: Settings, troubles: list[str]) -> list[Letter]:
    if settings.email is None:
        return []
    try:
        return make()
    except Exception as error:
        troubles.append(f"the letters could not be made ({type(error).__name__})")
        return []


def post(con: sqlite3.Connection, letters: Iterable[Letter], settings: Settings, run_id: str, as_of: dt.date, troubles: list[str]) -> int:
    """Puts the letters that are due into the outbox, each for its own recipients, and gives their number. Commits nothing.

    A letter that can't become a message is left out, and `troubles` says so; the transaction it belongs to goes on.
    """
    email, count = settings.email, 0
    for letter in letters if email else ():
        assert email is not None
        con.execute("savepoint letter")
        try:
            if is_due(con, letter, email, run_id, as_of):
                count += _enqueue(con, letter, recipients(email, letter.kind), settings, email, run_id, as_of) is not None
        except Exception as error:
            con.execute("rollback to letter")
            troubles.append(f"the {letter.kind} letter could not be put into the outbox ({type(error).__name__})")
        con.execute("release letter")
    return count


def is_due(con: sqlite3.Connection, letter: Letter, email: Email, run_id: str, as_of: dt.date) -> bool:
    """Whether a letter goes at all: a weekly one once in a week of as-of dates, one that says nothing new only if that is wanted."""
    if letter.kind == "failure":
        return True
    to_list = outbox.list_key(recipients(email, letter.kind))
    query = "select as_of, digest from outbox where kind = ? and list = ? and run_id <> ? and state <> 'replaced' order by queued_at desc"
    before = con.execute(query, [letter.kind, to_list, run_id]).fetchall()
    is_weekly = letter.kind == "leadership" and email.leadership_on == "weekly"
    week = as_of - dt.timedelta(days=(as_of.weekday() - DAYS.index(email.leadership_day)) % 7)
    if is_weekly and any(row["as_of"] >= week.isoformat() for row in before):
        return False
    if email.quiet_when_unchanged and before:
        # `is_changed` compares with the release before, of which a weekly reader may have heard nothing.
        return letter.digest != before[0]["digest"] and (is_weekly or letter.is_changed)
    return True


def _enqueue(
    con: sqlite3.Connection, letter: Letter, to: Sequence[str], settings: Settings, email: Email, run_id: str, as_of: dt.date
) -> str | None:
    return outbox.enqueue(
        con,
        message.fit(letter, email.html_kb, email.attachments_mb),
        to,
        run_id=run_id,
        as_of=as_of,
        sender=email.sender,
        name=settings.clinic.name,
        at=delivery.now(),
        needs_approval=_needs_approval(con, letter.kind, to, email),
    )


def _needs_approval(con: sqlite3.Connection, kind: Kind, to: Sequence[str], email: Email) -> bool:
    """Whether somebody must look before the list of a kind hears of it for the first time. Word of a failed night never waits."""
    everybody = recipients(email, kind)
    if kind == "failure" or not email.approve_first or not set(to) & set(everybody):
        return False
    return not con.execute("select 1 from approval where kind = ? and list = ?", [kind, outbox.list_key(everybody)]).fetchone()


def away(settings: Settings, say: Say, troubles: list[str]) -> str:
    """Sends what waits, for the run that holds the lock, and gives the line for the operator; `troubles` grows by what was not sent."""
    assert settings.email is not None
    try:
        with closing(private.connect(settings.paths.data)) as con:
            delivered = delivery.deliver(con, settings.email)
    except Exception as error:
        troubles.append(f"mail could not be sent ({type(error).__name__})")
        return ""
    if not delivered.is_all:
        troubles.append(delivered.line)
        say("warning", step="send", mail=delivered.line)
    return delivered.line


def tell(settings: Settings, record: Mapping[str, Any], troubles: list[str]) -> None:
    """Puts word of a night that was blocked or failed into the outbox, for the operators."""
    data = settings.paths.data
    try:
        shown = runs.current(data, "published")
        known = [run for run in runs.history(data) if run.get("run_id") != record["run_id"]]
        letter = failure.letter(settings, record, known, shown.name if shown else None)
        as_of = dt.date.fromisoformat(record["as_of"]) if "as_of" in record else delivery.now().date()
        with closing(private.connect(data)) as con, private.transaction(con):
            post(con, [letter], settings, str(record["run_id"]), as_of, troubles)
    except Exception as error:
        troubles.append(f"word of the failure could not be put into the outbox ({type(error).__name__})")


def beat(email: Email, run_id: str) -> None:
    """Renews the heartbeat file, for a watch outside this program that misses a night which did not come."""
    if email.heartbeat_file is not None:
        fresh = email.heartbeat_file.with_name(f".{email.heartbeat_file.name}")
        with suppress(OSError):
            fresh.write_text(f"{run_id} {outbox.instant(delivery.now())}\n", encoding="utf-8")
            fresh.replace(email.heartbeat_file)


def preview(settings: Settings, folder: Path) -> list[Path]:
    """Writes what waits as .eml files, or the letters of the last release where nothing waits. Opens no connection."""
    email, data = settings.email, settings.paths.data
    assert email is not None
    folder.mkdir(parents=True, exist_ok=True)
    mails = {f"{row['as_of']}-{row['kind']}-{row['key'][:8]}.eml": row["message"] for row in waiting(data)}
    shown = runs.current(data, "published")
    if not mails and shown:
        for letter in letters_of(shown, settings):
            to = recipients(email, letter.kind) or email.everybody
            fitting = message.fit(letter, email.html_kb, email.attachments_mb)
            composed = message.compose(fitting, email.sender, settings.clinic.name, to, "<preview@localhost>", delivery.now())
            mails[f"{shown.name[:10]}-{letter.kind}.eml"] = composed.as_bytes()
    for name, wire in mails.items():
        with open(os.open(folder / name, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as file:  # noqa: PTH123
            file.write(wire)
    return [folder / name for name in mails]


def waiting(data: Path) -> list[sqlite3.Row]:
    """What the outbox holds that was not sent, oldest first."""
    if not private.exists(data):
        return []
    with closing(private.connect(data)) as con:
        return con.execute("select * from outbox where state not in ('sent', 'replaced') order by queued_at, key").fetchall()


def on_request(settings: Settings, to: str | None, is_approved: bool, again: bool, say: Say) -> tuple[int, str]:
    """What an operator asks for, under the lock: exit code and text."""
    troubles: list[str] = []
    lines: list[str] = []
    with closing(private.connect(settings.paths.data)) as con:
        releases.finish(settings.paths.data, con)
        if to is not None:
            lines.append(f"{to_one(con, settings, to)} letters of the last release for this address")
        if is_approved:
            lines.append(f"{approve(con)} letters approved")
        if again:
            lines.append(f"{retry(con)} letters to be tried again")
    line = away(settings, say, troubles)
    kept = [said for said in troubles if said != line]
    return Exit.MAIL if troubles or given_up(settings.paths.data) else Exit.OK, "\n".join([*lines, line or "nothing waits", *kept])


def given_up(data: Path) -> int:
    return sum(row["state"] == "given_up" for row in waiting(data))


def approve(con: sqlite3.Connection) -> int:
    """Lets what awaits an approval go, and later letters of these kinds to these lists too; gives the number of letters."""
    at = outbox.instant(delivery.now())
    with private.transaction(con):
        held = con.execute("select distinct kind, list from outbox where state = 'awaiting_approval'").fetchall()
        con.executemany("insert or ignore into approval values (?, ?, ?)", [[kind, to_list, at] for kind, to_list in held])
        let_go = "update outbox set state = 'queued', queued_at = ?, next_at = ? where state = 'awaiting_approval'"
        return con.execute(let_go, [at, at]).rowcount


def retry(con: sqlite3.Connection) -> int:
    """Makes everything that failed or was given up due now, for as long as a fresh letter; gives the number of letters."""
    at = outbox.instant(delivery.now())
    with private.transaction(con):
        again = "update outbox set state = 'queued', queued_at = ?, next_at = ?, ended_at = null where state in ('failed', 'given_up')"
        return con.execute(again, [at, at]).rowcount


def to_one(con: sqlite3.Connection, settings: Settings, address: str) -> int:
    """Puts the letters of the last release into the outbox for one address of the settings, again if it had them; gives their number."""
    email, last = settings.email, releases.last(con)
    assert email is not None
    if last is None:
        return 0
    letters = letters_of(settings.paths.data / "published" / "snapshots" / last.run_id, settings)
    with private.transaction(con):
        gone = "delete from outbox where run_id = ? and list = ? and state in ('sent', 'given_up')"
        con.execute(gone, [last.run_id, outbox.list_key([address])])
        keys = [_enqueue(con, letter, [address], settings, email, last.run_id, last.as_of) for letter in letters]
    return sum(key is not None for key in keys)
