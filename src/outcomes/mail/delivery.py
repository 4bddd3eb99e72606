"""What waits in the outbox in, the mail server's acceptance out; what was not accepted waits on, with the kind of its error.

To be called by the one run that holds the lock of the data folder. Each change of state is durable before the next effect, so after
kill -9 anywhere a letter is sent once more, with its Message-ID, rather than never.
"""

import datetime as dt
import json
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from outcomes import private
from outcomes.mail import smtp
from outcomes.mail.outbox import instant
from outcomes.points import reached
from outcomes.settings import Email

BACKOFF_S: Final = (5, 30, 120, 600, 1800, 3600, 7200, 14400)
INTERRUPTED: Final = "the run ended while this was being sent; it may have arrived"
# A letter of a release that no reader can see yet waits until it is shown.
NEXT: Final = """
select * from outbox
where state in ('queued', 'failed') and (kind = 'failure' or run_id not in (select run_id from release where not is_shown))
order by next_at, queued_at, key
"""

Send = Callable[[bytes, Sequence[str], Email], Mapping[str, int]]


@dataclass(frozen=True)
class Delivered:
    """How many letters went, wait for another try, wait for an approval, and were given up now."""

    sent: int = 0
    waiting: int = 0
    awaiting_approval: int = 0
    given_up: int = 0

    @property
    def is_all(self) -> bool:
        return not (self.waiting or self.awaiting_approval or self.given_up)

    @property
    def line(self) -> str:
        """What became of the mail, for the operator; empty where there was none."""
        kept = {
            "wait for another try": self.waiting,
            "given up": self.given_up,
            "wait for `outcomes send --approve`": self.awaiting_approval,
        }
        parts = [f"{self.sent} sent"] if self.sent else []
        return "mail: " + ", ".join(parts + [f"{n} {what}" for what, n in kept.items() if n]) if parts or not self.is_all else ""


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def deliver(
    con: sqlite3.Connection,
    email: Email,
    clock: Callable[[], dt.datetime] = now,
    send: Send = smtp.hand_over,
    patience_s: float | None = None,
) -> Delivered:
    """Sends what is due, and waits for what is due soon: `patience_s` seconds in all, the settings' if not given."""
    _recover(con, clock())
    before = _count(con, "sent"), _count(con, "given_up")
    patience = email.patience_s if patience_s is None else patience_s
    while row := con.execute(NEXT).fetchone():
        wait = max(0.0, (dt.datetime.fromisoformat(row["next_at"]) - clock()).total_seconds())
        if wait > patience:
            break
        patience -= wait
        time.sleep(wait)
        _try(con, row, email, clock, send)
    waiting = con.execute("select count(*) from outbox where state in ('queued', 'failed')").fetchone()[0]
    gone, lost = _count(con, "sent") - before[0], _count(con, "given_up") - before[1]
    return Delivered(gone, waiting, _count(con, "awaiting_approval"), lost)


def _recover(con: sqlite3.Connection, at: dt.datetime) -> None:
    """What a killed run was sending is sent again."""
    with private.transaction(con):
        con.execute("update outbox set state = 'failed', error = ?, next_at = ? where state = 'sending'", [INTERRUPTED, instant(at)])


def _try(con: sqlite3.Connection, row: sqlite3.Row, email: Email, clock: Callable[[], dt.datetime], send: Send) -> None:
    """One attempt: `sending` is durable before the server hears of it, the end is durable after."""
    with private.transaction(con):
        con.execute("update outbox set state = 'sending', attempts = attempts + 1 where key = ?", [row["key"]])
    reached("mail: sending")
    recipients = json.loads(row["waiting"])
    try:
        refused = send(row["message"], recipients, email)
    except smtp.NotSent as failure:
        refused, error = dict.fromkeys(recipients, 0), failure.what
    else:
        codes = ", ".join(str(code) for code in sorted(set(refused.values())))
        error = f"the server refused {len(refused)} of {len(recipients)} recipients ({codes})"
    reached("mail: answered")
    with private.transaction(con):
        _settle(con, row, [one for one in recipients if one in refused], error, clock(), email)
    reached("mail: settled")


def _settle(con: sqlite3.Connection, row: sqlite3.Row, left: list[str], error: str, at: dt.datetime, email: Email) -> None:
    if not left:
        sent = "update outbox set state = 'sent', waiting = '[]', message = null, error = null, ended_at = ? where key = ?"
        con.execute(sent, [instant(at), row["key"]])
        return
    is_late = at - dt.datetime.fromisoformat(row["queued_at"]) >= dt.timedelta(hours=email.give_up_hours)
    again = at + dt.timedelta(seconds=BACKOFF_S[min(row["attempts"], len(BACKOFF_S) - 1)])
    con.execute(
        "update outbox set state = ?, waiting = ?, error = ?, next_at = ?, ended_at = ? where key = ?",
        ["given_up" if is_late else "failed", json.dumps(left), error, instant(again), instant(at) if is_late else None, row["key"]],
    )


def _count(con: sqlite3.Connection, state: str) -> int:
    return int(con.execute("select count(*) from outbox where state = ?", [state]).fetchone()[0])
