"""kill -9 while mail is sent: whatever was being done, the next run leaves every letter sent, once more at most, as the same message."""

import datetime as dt
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from mail_tools import FAILURE, LETTER, Certificate, Mailbox, certificate, email, parsed, serving, settings
from test_outbox import DAY, RUN

from outcomes import private
from outcomes.mail import delivery, sending

SENDER = """
import sys
from contextlib import closing
from pathlib import Path
from outcomes import private
from outcomes.mail import delivery
from outcomes.settings import Email
with closing(private.connect(Path(sys.argv[1]))) as con:
    delivery.deliver(con, Email.model_validate_json(sys.argv[2]))
"""
POINTS = [f"mail: {point}{again}" for again in ("", "#2") for point in ("sending", "handed over", "answered", "settled")]
DOUBLES = {"mail: handed over", "mail: answered"}
KILLED = -9


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Mailbox, int, Certificate]]:
    own, box = certificate(tmp_path_factory.mktemp("own")), Mailbox()
    with serving(box, tls_context=own.context) as port:
        yield box, port, own


def send(data: Path, told: str, **points: str) -> int:
    return subprocess.run([sys.executable, "-c", SENDER, str(data), told], env=os.environ | points, check=False).returncode


@pytest.mark.parametrize("point", POINTS)
def test_a_run_that_is_killed_while_it_sends_loses_nothing(point: str, server: tuple[Mailbox, int, Certificate], tmp_path: Path) -> None:
    box, port, own = server
    box.taken = []
    to = email(port, ca_file=own.authority, to=["chief@clinic.example"])
    with closing(private.connect(tmp_path / "data")) as con, private.transaction(con):
        assert sending.post(con, [LETTER, FAILURE], settings(tmp_path, to), RUN, DAY, []) == 2
    told = to.model_dump_json(by_alias=True)
    assert send(tmp_path / "data", told, OUTCOMES_KILL_AT=point) == KILLED
    assert send(tmp_path / "data", told) == 0
    with closing(private.connect(tmp_path / "data")) as con:
        assert [tuple(row) for row in con.execute("select state, message from outbox")] == [("sent", None)] * 2
    came = Counter(parsed(wire)["Message-ID"] for wire, _ in box.taken)
    assert sorted(came.values()) == ([1, 2] if point.removesuffix("#2") in DOUBLES else [1, 1])
    assert len({wire for wire, _ in box.taken}) == 2


def test_the_points_are_those_that_are_passed(server: tuple[Mailbox, int, Certificate], tmp_path: Path) -> None:
    _, port, own = server
    to = email(port, ca_file=own.authority)
    with closing(private.connect(tmp_path / "data")) as con, private.transaction(con):
        sending.post(con, [LETTER, FAILURE], settings(tmp_path, to), RUN, DAY, [])
    assert send(tmp_path / "data", to.model_dump_json(by_alias=True), OUTCOMES_POINTS=str(tmp_path / "points")) == 0
    assert (tmp_path / "points").read_text().splitlines() == POINTS


def test_what_was_being_sent_says_that_it_may_have_arrived(tmp_path: Path) -> None:
    with closing(private.connect(tmp_path / "data")) as con:
        with private.transaction(con):
            sending.post(con, [LETTER], settings(tmp_path, email(1)), RUN, DAY, [])
        con.execute("update outbox set state = 'sending', attempts = 1, next_at = ?", [(delivery.now() + dt.timedelta(days=1)).isoformat()])
        assert delivery.deliver(con, email(1), send=lambda *_: {}).sent == 1
