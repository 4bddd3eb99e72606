"""What waits in the outbox and when it goes: once per release and list, in the release's transaction, later and later, never lost."""

import datetime as dt
import json
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from mail_tools import FAILURE, LETTER, NOON, QUALITY, Clock, email, parsed, settings

from outcomes import private, releases
from outcomes.letter import Letter
from outcomes.mail import delivery, outbox, sending, smtp
from outcomes.settings import Email

DAY = dt.date(2026, 1, 5)  # a Monday
RUN = "2026-01-05-0001"


@pytest.fixture
def con(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(private.connect(tmp_path / "data")) as con:
        yield con


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "sleep", clock.sleep)
    monkeypatch.setattr(delivery, "now", clock)
    return clock


@dataclass
class Server:
    """A server in the place of `smtp.hand_over`: fails as often as told, refuses whom it is told to."""

    fails: int = 0
    refuses: dict[str, int] = field(default_factory=dict)
    taken: list[tuple[str, list[str]]] = field(default_factory=list)
    asked: list[dt.datetime] = field(default_factory=list)

    def __call__(self, wire: bytes, recipients: Sequence[str], _email: Email) -> Mapping[str, int]:
        self.asked.append(delivery.now())
        if self.fails:
            self.fails -= 1
            raise smtp.NotSent("the server answered 451 at MAIL")
        self.taken.append((parsed(wire)["Message-ID"], [to for to in recipients if to not in self.refuses]))
        return {to: code for to, code in self.refuses.items() if to in recipients}


def put(con: sqlite3.Connection, *letters: Letter, run_id: str = RUN, as_of: dt.date = DAY, **more: Any) -> int:
    """As a release does it."""
    with private.transaction(con):
        return sending.post(con, letters, settings(Path(), email(25, **more)), run_id, as_of, [])


def states(con: sqlite3.Connection) -> list[tuple[str, str]]:
    return [(row["kind"], row["state"]) for row in con.execute("select kind, state from outbox order by queued_at, key")]


def sent(con: sqlite3.Connection, server: Server, **more: Any) -> delivery.Delivered:
    return delivery.deliver(con, email(25, **more), delivery.now, server)


def test_the_same_letter_of_the_same_release_is_queued_once(con: sqlite3.Connection, clock: Clock) -> None:
    assert [put(con, LETTER), put(con, LETTER), put(con, replace(LETTER, text="made again"))] == [1, 0, 0]
    server = Server()
    sent(con, server)
    assert put(con, LETTER) == 0
    sent(con, server)
    assert len(server.taken) == 1


def test_a_release_that_is_rolled_back_takes_its_letters_with_it(con: sqlite3.Connection) -> None:
    con.execute("begin")
    assert sending.post(con, [LETTER], settings(Path(), email(25)), RUN, DAY, []) == 1
    con.execute("rollback")
    assert states(con) == []


def test_a_letter_that_cannot_be_made_costs_itself_and_not_the_release(con: sqlite3.Connection) -> None:
    troubles: list[str] = []
    with private.transaction(con):
        releases.add(con, releases.Release(RUN, DAY))
        assert sending.post(con, [replace(LETTER, images={}), QUALITY], settings(Path(), email(25)), RUN, DAY, troubles) == 1
    assert states(con) == [("quality", "queued")]
    assert releases.last(con) is not None
    assert troubles == ["the leadership letter could not be put into the outbox (LetterError)"]


def test_another_letter_of_the_same_run_replaces_one_of_which_nothing_was_sent(con: sqlite3.Connection, clock: Clock) -> None:
    put(con, LETTER)
    clock.sleep(1)
    put(con, replace(LETTER, digest="says more"))
    assert states(con) == [("leadership", "replaced"), ("leadership", "queued")]
    server = Server(fails=1)
    sent(con, server)
    clock.sleep(1)
    put(con, replace(LETTER, digest="says even more"))
    assert states(con)[1:] == [("leadership", "failed"), ("leadership", "queued")]


def test_each_kind_goes_to_its_own_people(con: sqlite3.Connection, clock: Clock) -> None:
    put(con, LETTER, QUALITY, FAILURE)
    server = Server()
    assert sent(con, server) == delivery.Delivered(sent=3)
    assert sorted(to for _, to in server.taken) == [
        ["board@clinic.example", "chief@clinic.example"],
        ["data@clinic.example"],
        ["it@clinic.example"],
    ]
    assert put(con, replace(QUALITY, digest="x"), owners=[]) == 0


def test_the_bytes_of_a_letter_go_once_it_is_sent(con: sqlite3.Connection, clock: Clock) -> None:
    put(con, LETTER)
    sent(con, Server())
    row = con.execute("select * from outbox").fetchone()
    assert (row["state"], row["message"], row["waiting"], row["error"]) == ("sent", None, "[]", None)


def test_it_is_tried_later_and_later_with_one_message_id_until_it_is_given_up(con: sqlite3.Connection, clock: Clock) -> None:
    put(con, LETTER)
    server = Server(fails=10_000)
    sent(con, server, patience_s=0, give_up_hours=24)
    while sent(con, server, give_up_hours=24).waiting:
        clock.at += dt.timedelta(minutes=1)
    waits = [(b - a).total_seconds() for a, b in zip(server.asked, server.asked[1:], strict=False)]
    assert waits[: len(delivery.BACKOFF_S)] == [60 * -(-wait // 60) for wait in delivery.BACKOFF_S]
    assert states(con) == [("leadership", "given_up")]
    assert dt.timedelta(hours=24) <= server.asked[-1] - NOON <= dt.timedelta(hours=28)
    assert con.execute("select error from outbox").fetchone()[0] == "the server answered 451 at MAIL"
    server.fails = 0
    assert sent(con, server).sent == 0
    assert sending.retry(con) == 1
    assert sent(con, server).sent == 1
    assert len({message_id for message_id, _ in server.taken}) == 1


def test_a_night_waits_for_what_is_due_soon_and_not_longer_than_its_patience(con: sqlite3.Connection, clock: Clock) -> None:
    put(con, LETTER)
    assert sent(con, Server(fails=2), patience_s=40) == delivery.Delivered(sent=1)
    assert (clock.at - NOON).total_seconds() == 35
    put(con, QUALITY)
    assert sent(con, Server(fails=3), patience_s=40) == delivery.Delivered(waiting=1)
    assert (clock.at - NOON).total_seconds() == 70


def test_only_those_who_were_refused_are_tried_again(con: sqlite3.Connection, clock: Clock) -> None:
    put(con, LETTER)
    server = Server(refuses={"board@clinic.example": 450})
    assert sent(con, server) == delivery.Delivered(waiting=1)
    row = con.execute("select waiting, error from outbox").fetchone()
    assert json.loads(row["waiting"]) == ["board@clinic.example"]
    assert row["error"] == "the server refused 1 of 2 recipients (450)"
    clock.at += dt.timedelta(minutes=1)
    server.refuses = {}
    assert sent(con, server) == delivery.Delivered(sent=1)
    assert [to for _, to in server.taken] == [["chief@clinic.example"], ["board@clinic.example"]]


def test_the_first_letter_to_a_list_awaits_an_approval_and_the_next_does_not(con: sqlite3.Connection, clock: Clock) -> None:
    server = Server()
    put(con, LETTER, QUALITY, FAILURE, approve_first=True)
    assert sent(con, server) == delivery.Delivered(sent=1, awaiting_approval=2)
    assert [to for _, to in server.taken] == [["it@clinic.example"]]
    assert sending.approve(con) == 2
    assert sent(con, server).sent == 2
    later: dict[str, Any] = {"run_id": "2026-01-12-0002", "as_of": DAY + dt.timedelta(7)}
    put(con, LETTER, QUALITY, approve_first=True, **later)
    assert sent(con, server) == delivery.Delivered(sent=2)
    more = {**later, "run_id": "2026-01-13-0003", "to": ["new@clinic.example"]}
    put(con, LETTER, approve_first=True, **more)
    assert sent(con, server) == delivery.Delivered(awaiting_approval=1)


def test_of_letters_that_await_an_approval_only_the_newest_goes(con: sqlite3.Connection, clock: Clock) -> None:
    for n in range(3):
        clock.sleep(1)
        put(con, LETTER, run_id=f"2026-01-05-000{n}", as_of=DAY + dt.timedelta(7 * n), approve_first=True)
    assert states(con) == [("leadership", "replaced"), ("leadership", "replaced"), ("leadership", "awaiting_approval")]


@pytest.mark.parametrize(
    ("day", "on", "goes"),
    [
        ([0, 1, 6, 7], "monday", [1, 0, 0, 1]),
        ([2, 3, 6, 7, 8], "monday", [1, 0, 0, 1, 0]),
        ([0, 3, 4], "thursday", [1, 1, 0]),
        ([0, 16, 17, 20], "monday", [1, 1, 0, 0]),
        ([7, 0], "monday", [1, 0]),
    ],
    ids=["once a week", "begins midweek", "on a day of one's own", "a night was missed", "an earlier date again"],
)
def test_leadership_hears_once_in_a_week(day: list[int], on: str, goes: list[int], con: sqlite3.Connection, clock: Clock) -> None:
    found = []
    for n, days in enumerate(day):
        clock.sleep(1)
        found.append(put(con, LETTER, run_id=f"2026-01-05-{n:04}", as_of=DAY + dt.timedelta(days), leadership_day=on))
    assert found == goes


@pytest.mark.parametrize(
    ("kind", "cadence", "quiet", "digest", "is_changed", "goes"),
    [
        ("quality", "weekly", False, "same", False, 1),
        ("quality", "weekly", True, "same", True, 0),
        ("quality", "weekly", True, "other", False, 0),
        ("quality", "weekly", True, "other", True, 1),
        ("leadership", "every release", True, "other", False, 0),
        ("leadership", "weekly", True, "other", False, 1),
        ("leadership", "weekly", True, "same", True, 0),
        ("failure", "weekly", True, "same", False, 1),
    ],
)
def test_a_letter_that_says_nothing_new_is_kept_back_only_if_that_is_wanted(
    kind: Any, cadence: str, quiet: bool, digest: str, is_changed: bool, goes: int, con: sqlite3.Connection, clock: Clock
) -> None:
    more = {"quiet_when_unchanged": quiet, "leadership_on": cadence}
    letter = replace(QUALITY, kind=kind, digest="same", is_changed=False)
    assert put(con, letter, **more) == 1, "the first letter goes whatever it says"
    clock.sleep(1)
    again = replace(letter, digest=digest, is_changed=is_changed)
    assert put(con, again, run_id="2026-01-12-0002", as_of=DAY + dt.timedelta(7), **more) == goes


def test_a_letter_waits_until_readers_can_see_its_release(con: sqlite3.Connection, clock: Clock) -> None:
    with private.transaction(con):
        releases.add(con, releases.Release(RUN, DAY))
    put(con, LETTER, FAILURE)
    server = Server()
    assert sent(con, server) == delivery.Delivered(sent=1, waiting=1)
    con.execute("update release set is_shown = 1")
    assert sent(con, server) == delivery.Delivered(sent=1)


@pytest.mark.parametrize("list_a", [["a@x.example", "B@x.example"], ["b@X.example", "a@x.example", "a@x.example"]])
def test_a_list_is_the_same_in_any_order(list_a: list[str]) -> None:
    assert outbox.list_key(list_a) == outbox.list_key(["a@x.example", "b@x.example"])
