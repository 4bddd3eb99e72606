"""The server that mail is handed to: verified, never in the clear off this machine, and none of its words is kept."""

import re
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mail_tools import HERE, LETTER, NOON, SECRET, USER, Certificate, Fault, Mailbox, certificate, email, free_port, serving
from pydantic import ValidationError

from outcomes.mail import message, smtp
from outcomes.settings import Email

WIRE = message.compose(LETTER, "outcomes@clinic.example", "Höhenluft", ["chief@clinic.example"], "<1@clinic.example>", NOON).as_bytes()
TO = ["chief@clinic.example", "board@clinic.example"]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("own"))


@pytest.fixture
def box() -> Mailbox:
    return Mailbox()


@pytest.fixture
def starttls(box: Mailbox, own: Certificate) -> Iterator[Email]:
    with serving(box, tls_context=own.context, require_starttls=True) as port:
        yield email(port, ca_file=own.authority)


def handed_over(to: Email) -> str:
    """What came of a message: empty, or why it was not sent."""
    try:
        smtp.hand_over(WIRE, TO, to)
    except smtp.NotSent as failure:
        return failure.what
    return ""


def test_a_message_arrives_byte_for_byte_over_starttls(starttls: Email, box: Mailbox) -> None:
    assert smtp.hand_over(WIRE, TO, starttls) == {}
    assert box.taken == [(WIRE, TO)]
    assert b"\r\n.a line" in WIRE
    assert box.heard[:2] == ["EHLO", "STARTTLS"]


def test_a_message_arrives_over_tls_from_the_start(box: Mailbox, own: Certificate) -> None:
    with serving(box, ssl_context=own.context) as port:
        assert handed_over(email(port, ca_file=own.authority, security="tls")) == ""
    assert len(box.taken) == 1


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize("wrong", ["of a stranger", "for another host", "over"])
def test_a_wrong_certificate_is_refused_and_nothing_is_said(
    wrong: str, security: str, box: Mailbox, own: Certificate, tmp_path: Path
) -> None:
    shown = {
        "of a stranger": lambda: certificate(tmp_path),
        "for another host": lambda: certificate(tmp_path, "mail.example"),
        "over": lambda: certificate(tmp_path, days=-1),
    }[wrong]()
    trusted = own if wrong == "of a stranger" else shown
    how: dict[str, Any] = {"tls_context" if security == "starttls" else "ssl_context": shown.context}
    with serving(box, **how) as port:
        said = handed_over(email(port, ca_file=trusted.authority, security=security, user=USER, password_file=_secret(tmp_path)))
    assert "certificate was refused" in said
    assert box.taken == []
    assert not {"MAIL", "AUTH"} & set(box.heard)


def test_the_machines_certificates_hold_where_no_others_are_named(box: Mailbox, own: Certificate) -> None:
    with serving(box, tls_context=own.context) as port:
        assert "certificate was refused" in handed_over(email(port))


def test_the_context_is_one_that_verifies(starttls: Email, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    create = ssl.create_default_context
    monkeypatch.setattr(ssl, "create_default_context", lambda **how: made.append(create(**how)) or made[-1])
    assert handed_over(starttls) == ""
    assert [(one.verify_mode, one.check_hostname) for one in made] == [(ssl.CERT_REQUIRED, True)]


def test_a_server_that_offers_no_starttls_gets_no_mail(box: Mailbox) -> None:
    with serving(box) as port:
        assert handed_over(email(port)) == "the server does not offer STARTTLS"
    assert "MAIL" not in box.heard


def test_on_this_machine_mail_may_go_in_the_clear(box: Mailbox) -> None:
    with serving(box) as port:
        assert handed_over(email(port, security="none")) == ""


@pytest.mark.parametrize("host", ["mail.example.org", "10.0.0.1", "127.0.0.1.example.org", "0.0.0.0"])  # noqa: S104
def test_settings_refuse_mail_in_the_clear_off_this_machine(host: str) -> None:
    with pytest.raises(ValidationError, match="on this machine only"):
        email(25, security="none", host=host)


def test_a_local_name_that_leads_elsewhere_gets_no_mail_in_the_clear(box: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp, "_is_loopback", lambda _server: False)
    with serving(box) as port:
        assert "on this machine only" in handed_over(email(port, security="none"))
    assert "EHLO" not in box.heard


@pytest.mark.parametrize("peer", [("127.0.0.1", True), ("::1", True), ("10.1.2.3", False), ("192.0.2.1", False)], ids=lambda peer: peer[0])
def test_loopback_is_told_by_the_address_of_the_peer(peer: tuple[str, bool]) -> None:
    class Line:
        class sock:  # noqa: N801
            @staticmethod
            def getpeername() -> tuple[str, int]:
                return peer[0], 25

    assert smtp._is_loopback(Line) is peer[1]  # type: ignore[arg-type]


def _secret(folder: Path, mode: int = 0o600) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "secret").write_text(f"{SECRET}\n")
    (folder / "secret").chmod(mode)
    return folder / "secret"


@pytest.fixture
def guarded(box: Mailbox, own: Certificate) -> Iterator[Email]:
    with serving(box, tls_context=own.context, require_starttls=True, auth_required=True, authenticator=box.authenticate) as port:
        yield email(port, ca_file=own.authority, user=USER)


def test_the_password_comes_from_a_file_that_is_this_users_alone(guarded: Email, tmp_path: Path) -> None:
    assert handed_over(guarded.model_copy(update={"password_file": _secret(tmp_path)})) == ""


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o622])
def test_a_password_file_that_others_may_touch_is_refused(mode: int, guarded: Email, box: Mailbox, tmp_path: Path) -> None:
    assert "open to others" in handed_over(guarded.model_copy(update={"password_file": _secret(tmp_path, mode)}))
    assert box.heard == []


def test_the_password_in_the_environment_goes_first(guarded: Email, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(smtp.PASSWORD, SECRET)
    assert handed_over(guarded) == ""


@pytest.mark.parametrize(("file", "said"), [(None, "there is no password"), ("absent", "can't be read (FileNotFoundError)")])
def test_without_a_password_nobody_is_called(file: str | None, said: str, guarded: Email, box: Mailbox, tmp_path: Path) -> None:
    path = tmp_path / file if file else None
    assert said in handed_over(guarded.model_copy(update={"password_file": path}))
    assert box.heard == []


def test_a_wrong_password_is_told_without_it(guarded: Email, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(smtp.PASSWORD, "wrong horse")
    said = handed_over(guarded)
    assert said == "the server answered 535 at the login"


def test_a_password_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(smtp.PASSWORD, SECRET)
    assert SECRET not in repr(smtp.password(email(25, user=USER))) + repr(email(25, user=USER))


@pytest.mark.parametrize(
    ("fault", "said", "is_ambiguous"),
    [
        (Fault("EHLO", "drops"), "dropped at EHLO", False),
        (Fault("STARTTLS", "drops"), "dropped at STARTTLS", False),
        (Fault("MAIL", "answers", 451), "answered 451 at MAIL", False),
        (Fault("RCPT", "answers", 550), r"refused every recipient \(550\)", False),
        (Fault("RCPT", "answers", 421), "answered 421 at RCPT", False),
        (Fault("RCPT", "drops"), "dropped at RCPT", False),
        (Fault("DATA", "answers", 554), "answered 554 at DATA", False),
        (Fault("DATA", "drops"), "dropped at DATA", False),
        (Fault("the dot", "answers", 452), "answered 452 at the end of the text", False),
        (Fault("the dot", "drops"), "dropped at the end of the text; it may have arrived", True),
        (Fault("the dot", "drops", accepts=True), "dropped at the end of the text; it may have arrived", True),
    ],
    ids=lambda value: f"{value.verb} {value.does} {value.code or ''}".strip() if isinstance(value, Fault) else "",
)
def test_each_way_to_fail_has_a_name_and_only_the_dot_is_ambiguous(
    fault: Fault, said: str, is_ambiguous: bool, starttls: Email, box: Mailbox
) -> None:
    box.faults = [fault]
    with pytest.raises(smtp.NotSent, match=said) as failure:
        smtp.hand_over(WIRE, TO[:1], starttls)
    assert failure.value.is_ambiguous is is_ambiguous
    assert "p007" not in repr(failure.value)
    assert failure.value.__cause__ is None
    assert failure.value.__suppress_context__ or failure.value.__context__ is None


def test_what_the_server_says_is_kept_nowhere(starttls: Email, box: Mailbox) -> None:
    box.faults = [Fault("MAIL", "answers", 550)]
    assert not re.search("cell|p007", handed_over(starttls))


def test_a_recipient_who_is_refused_costs_the_others_nothing(starttls: Email, box: Mailbox) -> None:
    box.refuses = {TO[0]: 550}
    assert smtp.hand_over(WIRE, TO, starttls) == {TO[0]: 550}
    assert box.taken == [(WIRE, TO[1:])]


def test_a_server_that_is_not_there_is_told_so() -> None:
    assert handed_over(email(free_port())) == "ConnectionRefusedError at the connection"


def test_the_name_of_this_machine_is_not_told(starttls: Email, box: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> str:
        raise AssertionError("asked for the name of this machine")

    monkeypatch.setattr("socket.getfqdn", fail)
    assert handed_over(starttls) == ""
    assert starttls.host == HERE


def test_a_check_sends_nothing(starttls: Email, box: Mailbox) -> None:
    smtp.check(starttls)
    assert "MAIL" not in box.heard
