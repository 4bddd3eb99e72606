"""Mail at the end of a night: it brings the release, tells of a night that failed, and never makes one fail."""

import datetime as dt
import json
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mail_tools import HERE, LETTER, QUALITY, Certificate, Mailbox, certificate, free_port, parsed, serving
from test_night import SETTINGS, small_clinic, withdraw
from typer.testing import CliRunner

from outcomes import cli, private, runs, steps
from outcomes import night as walk
from outcomes.mail import sending, smtp
from outcomes.settings import SettingsError, load

Night = Callable[..., tuple[int, str]]
LETTERS_OF = sending.letters_of
EMAIL = """
[email]
host = "{host}"
port = {port}
ca_file = "authority.pem"
from = "outcomes@clinic.example"
to = ["chief@clinic.example"]
owners = ["data@clinic.example"]
operators = ["it@clinic.example"]
leadership_on = "every release"
approve_first = false
patience_s = 0
heartbeat_file = "alive"
"""


@dataclass
class Clinic:
    """A small clinic whose settings name a mail server."""

    folder: Path
    box: Mailbox
    port: int

    @property
    def config(self) -> Path:
        return self.folder / "outcomes.toml"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def change(self, old: str, new: str) -> None:
        text = self.config.read_text()
        assert old in text
        self.config.write_text(text.replace(old, new))

    def states(self) -> list[tuple[str, str]]:
        with closing(private.connect(self.data)) as con:
            return sorted((row["kind"], row["state"]) for row in con.execute("select kind, state from outbox"))

    def call(self, *arguments: str) -> tuple[int, str]:
        said = CliRunner().invoke(cli.app, [*arguments, "--config", str(self.config)])
        return said.exit_code, said.output


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Mailbox, int, Certificate]]:
    own, box = certificate(tmp_path_factory.mktemp("own")), Mailbox()
    with serving(box, tls_context=own.context, require_starttls=True) as port:
        yield box, port, own


@pytest.fixture
def clinic(server: tuple[Mailbox, int, Certificate], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clinic:
    box, port, own = server
    box.taken, box.heard = [], []
    small_clinic(tmp_path, settings=SETTINGS + EMAIL.format(host=HERE, port=port))
    (tmp_path / "authority.pem").write_bytes(own.authority.read_bytes())
    monkeypatch.setattr(
        sending, "letters_of", lambda release, _settings: [LETTER, QUALITY] if (release / "outcomes.duckdb").exists() else []
    )
    return Clinic(tmp_path, box, port)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A night whose work is done, for what comes after it; it releases as a night does, but for the figures."""

    def publish(tonight: walk.Night) -> None:
        from outcomes import releases

        for zone in runs.ZONES:
            folder = tonight.data / zone / "snapshots" / tonight.run_id
            folder.mkdir(parents=True)
            (folder / "outcomes.duckdb").touch()
        with closing(private.connect(tonight.data)) as con:
            letters = sending.made(folder, tonight.settings, tonight.mail_troubles)
            with private.transaction(con):
                releases.add(con, releases.Release(tonight.run_id, tonight.as_of))
                sending.post(con, letters, tonight.settings, tonight.run_id, tonight.as_of, tonight.mail_troubles)
            tonight.is_released = True
            releases.finish(tonight.data, con)

    monkeypatch.setattr(steps, "STEPS", (walk.Step("publish", publish), walk.Step("send", steps.send)))


def crashes(monkeypatch: pytest.MonkeyPatch, error: Exception | None = None) -> None:
    def crash(_tonight: walk.Night) -> None:
        raise error or ValueError("the cell says p007")

    monkeypatch.setattr(steps, "STEPS", (walk.Step("build", crash), walk.Step("send", steps.send)))


def subjects(box: Mailbox) -> list[str]:
    return [str(message["Subject"]) for message in box.messages]


def test_a_night_sends_its_letters_one_without_a_release_its_own_and_one_that_is_blocked_says_so(
    clinic: Clinic, night: Night, monkeypatch: pytest.MonkeyPatch, drawn: Callable[..., None]
) -> None:
    """With the letters that the report really writes."""
    monkeypatch.setattr(steps, "_dress", drawn)
    monkeypatch.setattr(sending, "letters_of", LETTERS_OF)
    clinic.config.write_text(clinic.config.read_text() + "\n[release]\nevery_days = 7\n")
    code, line = night()
    assert code == 0, line
    assert "mail: 2 sent" in line
    assert sorted(to for _, to in clinic.box.taken) == [["chief@clinic.example"], ["data@clinic.example"]]
    assert clinic.states() == [("leadership", "sent"), ("quality", "sent")]
    (report,) = (mail for mail in clinic.box.messages if mail["To"] == "chief@clinic.example")
    page = report.get_body(("html",))
    assert page is not None
    brought = {part["Content-ID"] for part in report.walk() if part.get_content_maintype() == "image"}
    assert {f"<{cid}>" for cid in re.findall('cid:([^"]+)', page.get_content())} == brought != set()
    assert {part.get_filename() for part in report.iter_attachments()} == {"report.pdf", "outcomes.xlsx"}
    assert len(page.get_content()) < 100_000
    assert (clinic.folder / "alive").read_text().startswith("2026-01-01-0001 ")

    clinic.box.taken.clear()
    code, line = night(as_of="2026-01-02")
    assert (code, line.startswith("computed")) == (0, True), line
    ((wire, to),) = clinic.box.taken
    assert to == ["data@clinic.example"], "the owners of the data hear of every night, nobody else does without a release"
    mail = parsed(wire)
    assert mail["Subject"].strip().startswith("Data quality: ")
    assert "Jan 2, 2026" in mail["Subject"]
    assert "Every row is accounted for." in mail.get_body(("plain",)).get_content()

    withdraw(clinic.folder, 0.8)
    clinic.box.taken.clear()
    code, line = night(as_of="2026-01-04")
    assert code == 3
    ((wire, to),) = clinic.box.taken
    assert to == ["it@clinic.example"]
    mail = parsed(wire)
    assert mail["Subject"].strip() == "Test: the night of 2026-01-04 was blocked; figures as of 2026-01-01 stay"
    text, page = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
    for said in (text, page):
        assert "figures as of 2026-01-01, 3 days before this night (run 2026-01-01-0001)" in said
        assert "VOL-01: Publication stops: a table has less than half the rows of the last release." in said
        assert "outcomes run" in said
        assert not re.search(r"\bp0\d\d\b", said)
    assert (clinic.folder / "alive").read_text().startswith("2026-01-02-0002 "), "a night that was blocked has no heartbeat"


def test_a_dry_run_sends_nothing(clinic: Clinic, night: Night, quick: None) -> None:
    assert night(dry=True)[0] == 0
    assert clinic.box.heard == []


def test_without_email_in_the_settings_nothing_happens(clinic: Clinic, night: Night, quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    clinic.config.write_text(SETTINGS)
    assert night()[0] == 0
    crashes(monkeypatch)
    assert night()[0] == 1
    assert clinic.box.heard == []
    assert clinic.states() == []
    code, said = clinic.call("send")
    assert (code, "no [email]" in said) == (2, True)


def test_mail_that_cannot_go_makes_code_5_and_waits_for_the_next_run(clinic: Clinic, night: Night, quick: None) -> None:
    clinic.change(f"port = {clinic.port}", f"port = {free_port()}")
    code, line = night()
    assert code == 5
    assert "mail: 2 wait for another try" in line
    assert runs.history(clinic.data)[-1]["status"] == "published"
    assert not (clinic.folder / "alive").exists()
    code, said = clinic.call("status")
    assert code == 0
    assert said.count("outbox      ") == 2
    assert "leadership as of 2026-01-01; failed; 1 try; ConnectionRefusedError at the connection; again after" in said
    clinic.config.write_text(SETTINGS + EMAIL.format(host=HERE, port=clinic.port))
    assert clinic.call("send")[0] == 5, "it is not yet due"
    code, said = clinic.call("send", "--retry")
    assert (code, "2 sent" in said) == (0, True)
    assert "outbox" not in clinic.call("status")[1]


@pytest.mark.parametrize("fails", ["the report", "a letter", "the outbox"])
def test_whatever_fails_about_the_mail_the_release_is_out(
    fails: str, clinic: Clinic, night: Night, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object, **__: object) -> Any:
        raise RuntimeError("the cell says p007")

    monkeypatch.setattr(
        *{"the report": (sending, "letters_of"), "a letter": (sending, "is_due"), "the outbox": (sending.delivery, "deliver")}[fails], crash
    )
    code, line = night()
    assert code == 5
    assert "RuntimeError" in line
    assert "p007" not in line + (clinic.data / "runs.jsonl").read_text()
    assert runs.history(clinic.data)[-1]["status"] == "published"
    assert runs.current(clinic.data, "published") is not None


def test_a_crash_is_told_by_its_kind_and_nothing_of_a_cell(clinic: Clinic, night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    crashes(monkeypatch)
    assert night()[0] == 1
    ((wire, to),) = clinic.box.taken
    assert to == ["it@clinic.example"]
    assert b"p007" not in wire
    mail = parsed(wire)
    assert mail["Subject"] == "Test: the night of 2026-01-01 failed; nothing is published yet"
    assert "The step build failed with ValueError." in mail.get_body(("plain",)).get_content()
    assert clinic.states() == [("failure", "sent")]
    night()
    assert "Nights in a row that did not do their work: 2. None has done it yet." in parsed(clinic.box.taken[1][0]).as_string()


def test_a_failure_that_cannot_be_told_now_is_told_by_the_next_night(
    clinic: Clinic, night: Night, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = steps.STEPS
    clinic.change(f"port = {clinic.port}", f"port = {free_port()}")
    crashes(monkeypatch)
    code, line = night()
    assert (code, line.endswith("; mail: 1 wait for another try")) == (1, True)
    clinic.config.write_text(SETTINGS + EMAIL.format(host=HERE, port=clinic.port).replace("patience_s = 0", "patience_s = 60"))
    monkeypatch.setattr(steps, "STEPS", released)
    assert night(as_of="2026-01-02")[0] == 0
    assert sorted(subjects(clinic.box))[-1].startswith("Test: the night of 2026-01-01 failed")


def test_the_first_letters_wait_for_an_operator_who_can_look_at_them(clinic: Clinic, night: Night, quick: None) -> None:
    clinic.change("approve_first = false", "approve_first = true")
    code, line = night()
    assert code == 5
    assert "2 wait for `outcomes send --approve`" in line
    assert "awaiting approval" in clinic.call("status")[1]
    assert clinic.call("send")[0] == 5
    code, said = clinic.call("send", str(clinic.folder / "mails"), "--preview")
    assert code == 0
    assert clinic.box.heard == []
    assert sorted(str(parsed(Path(line).read_bytes())["To"]) for line in said.split()) == ["chief@clinic.example", "data@clinic.example"]
    code, said = clinic.call("send", "--approve")
    assert (code, said) == (0, "2 letters approved\nmail: 2 sent\n")
    assert night(as_of="2026-01-09")[0] == 0
    assert len(clinic.box.taken) == 4


def test_a_preview_opens_nothing_and_writes_what_would_go(
    clinic: Clinic, night: Night, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    night()
    clinic.box.heard.clear()

    def fail(*_: object, **__: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr("socket.create_connection", fail)
    monkeypatch.setattr(smtp, "session", fail)
    code, said = clinic.call("send", str(clinic.folder / "mails"), "--preview")
    assert code == 0
    written = [Path(line) for line in said.split()]
    assert [path.name for path in written] == ["2026-01-01-leadership.eml", "2026-01-01-quality.eml"]
    assert parsed(written[0].read_bytes())["Subject"] == LETTER.subject
    assert {path.stat().st_mode & 0o777 for path in written} == {0o600}


def test_one_address_of_the_settings_can_have_the_last_release_again_and_no_other(clinic: Clinic, night: Night, quick: None) -> None:
    night()
    clinic.box.taken.clear()
    for times in (1, 2):
        code, said = clinic.call("send", "--to", "it@clinic.example")
        assert code == 0
        assert [to for _, to in clinic.box.taken] == [["it@clinic.example"]] * 2 * times
    assert len({message["Message-ID"] for message in clinic.box.messages}) == 2
    code, said = clinic.call("send", "--to", "stranger@example.org")
    assert (code, "of the settings only" in said) == (2, True)


def test_another_run_keeps_send_out(clinic: Clinic) -> None:
    with runs.lock(clinic.data):
        assert clinic.call("send")[0] == 75


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('to = ["chief@clinic.example"]', 'to = ["Chief <chief@clinic.example>"]', "email.to.0"),
        ('to = ["chief@clinic.example"]', r'to = ["chief@clinic.example\r\nBcc: x@example.org"]', "email.to.0"),
        ('from = "outcomes@clinic.example"', 'from = "outcomes"', "is not a mail address"),
        ('host = "127.0.0.1"', 'host = "mail.example.org"\nsecurity = "none"', "on this machine only"),
        ('ca_file = "authority.pem"', 'password = "x"', "email.password is not a key; did you mean password_file?"),
    ],
    ids=["a display name", "a second header", "no address", "in the clear", "a password"],
)
def test_settings_that_would_mislead_mail_are_refused(old: str, new: str, said: str, clinic: Clinic) -> None:
    clinic.change(old, new)
    with pytest.raises(SettingsError, match=re.escape(said)):
        load(clinic.config)


def test_files_of_the_mail_stand_beside_the_settings(clinic: Clinic) -> None:
    email = load(clinic.config).email
    assert email is not None
    assert (email.ca_file, email.heartbeat_file, email.password_file) == (clinic.folder / "authority.pem", clinic.folder / "alive", None)


@pytest.mark.parametrize(
    ("old", "new", "mend"),
    [
        ('operators = ["it@clinic.example"]', "", "name [email] operators"),
        ("patience_s = 0", 'user = "clinic"', "OUTCOMES_SMTP_PASSWORD"),
        ("patience_s = 0", 'user = "clinic"\npassword_file = "authority.pem"', "chmod 600"),
        ('ca_file = "authority.pem"', 'ca_file = "absent.pem"', "put the certificates to trust"),
    ],
    ids=["nobody hears of a failure", "no password", "an open password file", "no certificates"],
)
def test_doctor_says_how_to_mend_the_mail(old: str, new: str, mend: str, clinic: Clinic) -> None:
    (clinic.folder / "authority.pem").chmod(0o644)
    clinic.change(old, new)
    assert [line for line in clinic.call("doctor")[1].splitlines() if "MEND" in line and mend in line]
    assert clinic.box.heard == []


def test_doctor_calls_the_server_if_asked(clinic: Clinic, tmp_path: Path) -> None:
    assert "ok    mail server answers, with a certificate that holds" in clinic.call("doctor", "--mail")[1]
    (clinic.folder / "authority.pem").write_bytes(certificate(tmp_path / "other").authority.read_bytes())
    assert "MEND  mail server: the server's certificate was refused" in clinic.call("doctor", "--mail")[1]
    assert "MAIL" not in clinic.box.heard


def test_status_tells_no_address(clinic: Clinic, night: Night, quick: None) -> None:
    clinic.change("approve_first = false", "approve_first = true")
    night()
    said = clinic.call("status", "--log", "json")[1]
    assert [letter["state"] for letter in json.loads(said)["outbox"]] == ["awaiting_approval"] * 2
    assert "@" not in said


@pytest.mark.parametrize(
    "name", ["Clinic\r\nBcc: x@example.org", "Clinic \u202etxt", "<script>alert(1)</script>", "=?utf-8?q?a=0D=0ABcc:_b?="]
)
def test_a_hostile_name_of_the_clinic_is_harmless_in_word_of_a_failure(
    name: str, clinic: Clinic, night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    clinic.change('name = "Test"', f"name = {json.dumps(name)}")
    crashes(monkeypatch)
    night()
    mail = clinic.box.messages[0]
    assert mail["Bcc"] is None
    assert "\u202e" not in mail["Subject"]
    assert "<script>" not in mail.get_body(("html",)).get_content()
    assert dt.datetime.strptime(str(mail["Date"]), "%a, %d %b %Y %H:%M:%S %z").tzinfo
