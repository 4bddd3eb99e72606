"""What a mail is made of: its parts, its headers, its pictures; and that no name can make it anything else."""

import dataclasses
import re
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mail_tools import LETTER, NOON, PNG, parsed

from outcomes.letter import Attachment, Letter
from outcomes.mail import message

SENDER, TO, ID = "outcomes@clinic.example", ["chief@clinic.example", "board@clinic.example"], "<1@clinic.example>"
NAME = "Höhenluft, Dr. Ærø & Söhne"
HOSTILE = {
    "a line of its own": "Clinic\r\nBcc: thief@example.org",
    "a bare line feed": "Clinic\nBcc: thief@example.org",
    "a bare return": "Clinic\rBcc: thief@example.org",
    "a body of its own": "Clinic\r\n\r\n<script>alert(1)</script>",
    "line and paragraph marks": "Clinic\u2028Bcc: thief@example.org\u2029x",
    "vertical tab and next line": "Clinic\x0bBcc: thief@example.org\x85x",
    "a null": "Clinic\x00x",
    "right to left": "Clinic \u202etxt.exe\u202c \u2067x\u2069",
    "no width": "Cli\u200bnic\ufeff",
    "an encoded word": "=?utf-8?q?Clinic=0D=0ABcc:_thief=40example.org?=",
    "an address": 'Clinic" <thief@example.org>, "x',
    "markup": "<script>alert(1)</script>",
    "a lone surrogate": "Clinic \ud800",
    "long": "Ketamine " * 500,
    "long without a space": "ü" * 5_000,
    "nothing but marks": "\r\n\u202e",
}


def composed(letter: Letter = LETTER, name: str = NAME, **more: Any) -> EmailMessage:
    letter = dataclasses.replace(letter, **more)
    return parsed(message.compose(letter, SENDER, name, TO, ID, NOON).as_bytes())


def shape(part: EmailMessage) -> Any:
    if part.is_multipart():
        return {part.get_content_type(): [shape(inner) for inner in part.iter_parts()]}
    return part.get_content_type()


WHOLE = {
    "multipart/mixed": [
        {"multipart/alternative": ["text/plain", {"multipart/related": ["text/html", "image/png", "image/png"]}]},
        "application/pdf",
        "application/x-xlsx",
    ]
}


@pytest.mark.parametrize(
    ("more", "tree"),
    [
        ({}, WHOLE),
        ({"attachments": ()}, WHOLE["multipart/mixed"][0]),
        ({"html": "<p>x</p>", "images": {}, "attachments": ()}, {"multipart/alternative": ["text/plain", "text/html"]}),
        ({"html": "", "images": {}, "attachments": ()}, "text/plain"),
    ],
    ids=["everything", "nothing attached", "no picture", "text only"],
)
def test_the_parts_stand_in_each_other_as_readers_expect(more: dict[str, Any], tree: Any) -> None:
    assert shape(composed(**more)) == tree


def test_every_header_is_there_once_and_says_what_it_should() -> None:
    mail = composed()
    assert {name: str(mail[name]) for name in mail if name.lower() not in ("content-type", "mime-version")} == {
        "From": '"Höhenluft, Dr. Ærø & Söhne" <outcomes@clinic.example>',
        "To": "chief@clinic.example, board@clinic.example",
        "Subject": LETTER.subject,
        "Date": "Mon, 05 Jan 2026 12:00:00 +0000",
        "Message-ID": ID,
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
    }
    assert len(mail.keys()) == len({name.lower() for name in mail.keys()})  # noqa: SIM118 - a message lists a name twice


def test_every_picture_that_is_shown_is_brought_and_the_other_way_round() -> None:
    mail = composed()
    page = mail.get_body(("html",))
    assert page is not None
    shown = set(re.findall(r"cid:([^\"]+)", page.get_content()))
    brought = {part["Content-ID"]: part.get_content() for part in mail.walk() if part.get_content_maintype() == "image"}
    assert {f"<{cid}>" for cid in shown} == set(brought)
    assert brought == {"<trend>": PNG, "<flow>": PNG + b"2"}
    assert all(part.get_content_disposition() == "inline" for part in mail.walk() if part.get_content_maintype() == "image")


@pytest.mark.parametrize(
    "images", [{"trend": PNG}, {"trend": PNG, "flow": PNG, "more": PNG}, {}], ids=["one lacks", "one too many", "none"]
)
def test_a_letter_whose_pictures_do_not_fit_is_none(images: dict[str, bytes]) -> None:
    with pytest.raises(message.LetterError):
        composed(images=images)


def test_what_is_written_comes_out_as_it_went_in() -> None:
    mail = composed()
    text, page = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert page is not None
    assert text.get_content().replace("\r\n", "\n") == LETTER.text
    assert page.get_content().replace("\r\n", "\n").rstrip("\n") == LETTER.html
    files = [(part.get_filename(), part.get_content_type(), part.get_content()) for part in mail.iter_attachments()]
    assert files == [(one.name, one.media_type, one.data) for one in LETTER.attachments]


def test_the_same_letter_gives_the_same_bytes_fit_for_any_server() -> None:
    first, second = (message.compose(LETTER, SENDER, NAME, TO, ID, NOON).as_bytes() for _ in range(2))
    assert first == second
    assert first.isascii()
    assert max(map(len, first.split(b"\r\n"))) <= 998
    assert b"\n" not in first.replace(b"\r\n", b"")


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("where", ["the clinic", "the subject", "an attachment"])
def test_a_hostile_name_is_a_name_and_nothing_else(where: str, text: str) -> None:
    mail = {
        "the clinic": lambda: composed(name=text),
        "the subject": lambda: composed(subject=text),
        "an attachment": lambda: composed(attachments=(*LETTER.attachments[:1], Attachment(text, "application/x-xlsx", b"PK"))),
    }[where]()
    assert sorted(set(mail.keys())) == sorted(set(composed().keys()))
    assert shape(mail) == WHOLE
    assert [(address.addr_spec) for name in ("from", "to") for address in mail[name].addresses] == [SENDER, *TO]
    names = [part.get_filename() or "" for part in mail.iter_attachments()]
    for said in (str(mail["Subject"]), mail["From"].addresses[0].display_name, *names):
        assert not re.search("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]", said)
        # Where a long name is folded, the standard library leaves spaces in it.
        assert len(said.replace(" ", "")) <= message.HEADER_CHARS
    assert all(names)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "_.._etc_passwd"),
        (".bashrc", "bashrc"),
        ("C:\\x\\report.pdf", "C_x_report.pdf"),
        ("report\r\n.pdf", "report .pdf"),
        ("fdp.\u202eexe", "fdp.exe"),
        ("", "attachment"),
        ("ü" * 300 + ".pdf", "ü" * 96 + ".pdf"),
    ],
)
def test_an_attachment_has_a_name_and_no_folder(name: str, shown: str) -> None:
    assert message.file_name(name) == shown


@given(st.text(max_size=300))
def test_no_text_ends_a_header(text: str) -> None:
    mail = composed(Letter("quality", text, "", "x"), name=text)
    assert sorted(set(mail.keys())) == sorted({*composed().keys(), "Content-Transfer-Encoding"})
    assert str(mail["Subject"]).split() == message.header(text).split()


BIG = Letter(
    "leadership",
    "s",
    f"<html><body>{'x' * 2_000}<img src='cid:a'></body></html>",
    "text\n",
    {"a": PNG},
    (Attachment("small.pdf", "application/pdf", b"1" * 600_000), Attachment("large.xlsx", "application/x-xlsx", b"2" * 900_000)),
)


@pytest.mark.parametrize(
    ("html_kb", "attachments_mb", "names", "has_html"),
    [
        (3, 3, ["small.pdf", "large.xlsx"], True),
        (3, 2, ["small.pdf", "large.xlsx"], True),
        (3, 1, ["small.pdf"], True),
        (3, 0, [], True),
        (2, 2, ["small.pdf", "large.xlsx"], False),
    ],
    ids=["within", "just within as sent", "largest goes first", "none at all", "page too long"],
)
def test_a_letter_keeps_its_limits_and_names_what_it_left_out(html_kb: int, attachments_mb: int, names: list[str], has_html: bool) -> None:
    fitting = message.fit(BIG, html_kb, attachments_mb)
    mail = composed(fitting)
    assert [part.get_filename() for part in mail.iter_attachments()] == names
    assert bool(fitting.html) is has_html
    left = {one.name for one in BIG.attachments} - set(names)
    assert all(name in fitting.text and (name in fitting.html or not has_html) for name in left)
    assert (fitting.text == BIG.text) is (not left and has_html)
    assert fitting.html.endswith("</body></html>" if has_html else "")


def test_attachments_of_one_name_are_weighed_apart() -> None:
    twice = dataclasses.replace(BIG, attachments=(BIG.attachments[0], Attachment("small.pdf", "application/pdf", b"1" * 600_001)))
    assert [len(one.data) for one in message.fit(twice, 3, 1).attachments] == [600_000]
