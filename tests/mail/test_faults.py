"""200 scripts of faults against a real server: nothing is lost, and nothing comes twice but after a drop that left it open."""

import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from mail_tools import (
    FAILURE,
    LETTER,
    QUALITY,
    Certificate,
    Clock,
    Fault,
    Mailbox,
    certificate,
    email,
    free_port,
    parsed,
    serving,
    settings,
)
from test_outbox import DAY, RUN

from outcomes import private
from outcomes.mail import delivery, sending, smtp
from outcomes.settings import Email

SCRIPTS, QUICK = 200, 30
VERBS = ("EHLO", "STARTTLS", "MAIL", "RCPT", "DATA", "the dot")
SLOW_S = 0.3


def script(seed: int) -> list[Fault]:
    """One to six faults, session after session; each kind is drawn about as often as the others."""
    draw = random.Random(seed)  # noqa: S311
    faults = []
    for _ in range(draw.randint(1, 6)):
        verb, does = draw.choice(VERBS), draw.choice(("refuses", "4xx", "5xx", "drops", "drops", "slow"))
        match does:
            case "refuses":
                faults.append(Fault("refused", "refuses"))
            case "4xx" | "5xx":
                codes = {"4xx": (421, 450, 451, 452), "5xx": (550, 552, 554)}[does]
                # A server that answers STARTTLS with an error has not begun TLS; the client must leave all the same.
                faults.append(Fault(verb, "answers", draw.choice(codes)))
            case "drops":
                faults.append(Fault(draw.choice((verb, verb, "the greeting")), "drops", accepts=draw.random() < 0.5))
            case "slow":
                faults.append(Fault(verb, "is slow", accepts=draw.random() < 0.5))
    return faults


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Mailbox, int, Certificate, int]]:
    own, box = certificate(tmp_path_factory.mktemp("own")), Mailbox(slow_s=SLOW_S)
    with serving(box, tls_context=own.context, require_starttls=True) as port:
        yield box, port, own, free_port()


@pytest.mark.parametrize("seed", [pytest.param(n, marks=[pytest.mark.slow] if n >= QUICK else []) for n in range(SCRIPTS)])
def test_nothing_is_lost_and_only_an_open_end_doubles(
    seed: int, server: tuple[Mailbox, int, Certificate, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box, port, own, nobody = server
    clock, left = Clock(), script(seed)
    monkeypatch.setattr(time, "sleep", clock.sleep)
    monkeypatch.setattr(delivery, "now", clock)
    monkeypatch.setattr(smtp, "LONGER_AT_THE_END", 1)
    box.faults, box.taken, box.heard = [], [], []
    open_ends: Counter[tuple[str, str]] = Counter()
    told: list[str] = []

    def hand_over(wire: bytes, recipients: Sequence[str], to: Email) -> Mapping[str, int]:
        """The real thing, at a server that does what the next fault says."""
        fault = left.pop(0) if left else None
        is_refused = fault is not None and fault.does == "refuses"
        box.faults = [fault] if fault and not is_refused else []
        slow = SLOW_S / 2 if fault and fault.does == "is slow" else 20
        try:
            return smtp.hand_over(wire, recipients, to.model_copy(update={"port": nobody if is_refused else port, "timeout_s": slow}))
        except smtp.NotSent as failure:
            told.append(failure.what)
            if failure.is_ambiguous:
                open_ends.update((parsed(wire)["Message-ID"], recipient) for recipient in recipients)
            raise

    with closing(private.connect(tmp_path / "data")) as con:
        to = email(port, ca_file=own.authority, patience_s=0)
        with private.transaction(con):
            assert sending.post(con, [LETTER, QUALITY, FAILURE], settings(tmp_path, to), RUN, DAY, []) == 3
        due = Counter((row["message_id"], to) for row in con.execute("select * from outbox") for to in _waiting(row["waiting"]))
        for _ in range(24 * 6):
            if not delivery.deliver(con, to, clock, hand_over).waiting:
                break
            clock.sleep(600)
        assert [state for (state,) in con.execute("select distinct state from outbox")] == ["sent"]
        assert con.execute("select sum(attempts) from outbox").fetchone()[0] == 3 + len(told)
    came = Counter((parsed(wire)["Message-ID"], recipient) for wire, recipients in box.taken for recipient in recipients)
    assert due.keys() == came.keys(), "lost"
    assert {one: came[one] - due[one] for one in came if came[one] - due[one] > open_ends[one]} == {}, "doubled without need"
    assert len({wire for wire, _ in box.taken}) == 3, "a second copy differs from the first"
    assert not [what for what in told if "p007" in what]


def _waiting(text: str) -> list[str]:
    import json

    return list(json.loads(text))


def test_the_scripts_hold_every_fault_at_every_verb() -> None:
    drawn = {(fault.verb, fault.does, fault.accepts and fault.verb == "the dot") for seed in range(SCRIPTS) for fault in script(seed)}
    assert {(verb, does) for verb, does, _ in drawn} >= {(verb, does) for verb in VERBS for does in ("answers", "drops", "is slow")}
    assert {("the greeting", "drops", False), ("refused", "refuses", False), ("the dot", "drops", True)} <= drawn
    assert {("the dot", "drops", False), ("the dot", "is slow", True)} <= drawn
