"""The outbox: letters in, inside the transaction of the release; what waits, and what became of each, out.

queued -> sending -> sent; or failed, to be tried again later, and at last given_up. A letter that needs an approval first is
awaiting_approval. One that a newer letter of its kind overtakes before anything of it was sent is replaced.
"""

import datetime as dt
import hashlib
import json
import sqlite3
from collections.abc import Sequence

from outcomes.letter import KINDS, Letter
from outcomes.mail import message


def enqueue(
    con: sqlite3.Connection,
    letter: Letter,
    recipients: Sequence[str],
    *,
    run_id: str,
    as_of: dt.date,
    sender: str,
    name: str,
    at: dt.datetime,
    needs_approval: bool = False,
) -> str | None:
    """Puts a letter into the outbox and gives its key, or None where it is there already or has no recipients. Commits nothing.

    What the letter says is its digest, so the same letter for the same run and list is put in once, whatever its bytes are.
    Call it in the transaction that makes the release. `sender` is the address, `name` the clinic's, `at` an instant. The same run
    with another letter (a night that was killed and found more files) replaces the one of which nothing was sent yet.
    """
    assert letter.kind in KINDS
    if not recipients:
        return None
    to = sorted(set(recipients))
    to_list = list_key(to)
    key = _digest(run_id, letter.kind, to_list, letter.digest or _content(letter))
    con.execute("delete from outbox where key = ? and state = 'replaced'", [key])
    if con.execute("select 1 from outbox where key = ?", [key]).fetchone():
        return None
    message_id = f"<{key[:32]}@{sender.rpartition('@')[2]}>"
    wire = message.compose(letter, sender, name, to, message_id, at).as_bytes()
    same = "run_id = ? and kind = ? and list = ? and attempts = 0"
    _replace(con, f"{same} and state in ('queued', 'awaiting_approval')", [run_id, letter.kind, to_list], at)
    if needs_approval:
        _replace(con, "kind = ? and list = ? and state = 'awaiting_approval'", [letter.kind, to_list], at)
    row = {
        "key": key,
        "run_id": run_id,
        "as_of": as_of.isoformat(),
        "kind": letter.kind,
        "list": to_list,
        "waiting": json.dumps(to),
        "message_id": message_id,
        "subject": message.header(letter.subject),
        "digest": letter.digest,
        "message": wire,
        "state": "awaiting_approval" if needs_approval else "queued",
        "queued_at": instant(at),
        "next_at": instant(at),
    }
    con.execute(f"insert into outbox ({', '.join(row)}) values ({', '.join(f':{column}' for column in row)})", row)
    return key


def list_key(recipients: Sequence[str]) -> str:
    """Stands for a list of recipients, in any order and letter case."""
    return _digest(*sorted({recipient.casefold() for recipient in recipients}))


def instant(at: dt.datetime) -> str:
    """UTC, to be compared as text."""
    return at.astimezone(dt.UTC).isoformat(timespec="seconds")


def _replace(con: sqlite3.Connection, which: str, values: Sequence[str], at: dt.datetime) -> None:
    con.execute(f"update outbox set state = 'replaced', message = null, ended_at = ? where {which}", [instant(at), *values])


def _content(letter: Letter) -> str:
    files = [(one.name, one.media_type, one.data) for one in letter.attachments]
    blobs = [*sorted(letter.images.items()), *((f"{name} {kind}", data) for name, kind, data in files)]
    return _digest(letter.subject, letter.html, letter.text, *(f"{name} {hashlib.sha256(data).hexdigest()}" for name, data in blobs))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()
