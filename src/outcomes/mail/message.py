"""A letter and its recipients in, a message out: mixed(alternative(plain, related(html, pictures)), attachments)."""

import datetime as dt
import email.policy
import hashlib
import html
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final

from outcomes.letter import Attachment, Letter

HEADER_CHARS: Final = 200
NAME_CHARS: Final = 100
_REFERENCE: Final = re.compile(r"""\bcid:([^"'\s)>]+)""")


class LetterError(Exception):
    """A letter that can't become a message; the text quotes nothing of it."""


def compose(letter: Letter, sender: str, name: str, recipients: Sequence[str], message_id: str, at: dt.datetime) -> EmailMessage:
    """The message. `name` is the clinic's, shown as the sender's; `at` has a zone. The same arguments give the same bytes.

    Raises LetterError where the HTML refers to a picture that the letter does not bring, or the letter brings one that nothing shows.
    """
    if set(_REFERENCE.findall(letter.html)) != set(letter.images):
        raise LetterError("the pictures that the letter shows are not those that it brings")
    message = EmailMessage(policy=email.policy.SMTP.clone(max_line_length=78))
    message["From"] = Address(header(name), addr_spec=sender)
    message["To"] = tuple(Address(addr_spec=recipient) for recipient in recipients)
    message["Subject"] = header(letter.subject)
    message["Date"] = format_datetime(at)
    message["Message-ID"] = message_id
    # No answer from a machine: no bounce loop, no out-of-office to a mailbox that nobody reads.
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(letter.text, cte="quoted-printable")
    if letter.html:
        message.add_alternative(letter.html, subtype="html", cte="quoted-printable")
        body = message.get_payload(1)
        assert isinstance(body, EmailMessage)
        for cid, picture in letter.images.items():
            body.add_related(picture, "image", "png", cid=f"<{cid}>", disposition="inline", filename=f"{file_name(cid)}.png")
    for attachment in letter.attachments:
        main, _, sub = attachment.media_type.partition("/")
        message.add_attachment(attachment.data, main, sub, filename=file_name(attachment.name))
    for number, part in enumerate(part for part in message.walk() if part.is_multipart()):
        part.set_boundary(f"={hashlib.sha256(f'{message_id} {number}'.encode()).hexdigest()[:40]}=")
    return message


def header(text: str) -> str:
    """The text on one line, without what could end a header or turn its reading round; cut where it is long."""
    return _plain(text)[:HEADER_CHARS].strip()


def file_name(name: str) -> str:
    """A name that is nothing but a name: no folder, no hidden file, nothing that could end a header."""
    return re.sub(r'[/\\:*?"<>|]+', "_", _plain(name)).lstrip(". ")[-NAME_CHARS:] or "attachment"


def _plain(text: str) -> str:
    """Controls, line and paragraph marks become spaces; invisible marks (of direction, of width) go; nothing looks like an encoded word."""
    kept = (" " if unicodedata.category(char) in {"Cc", "Zl", "Zp", "Zs"} else char for char in text)
    visible = "".join(char for char in kept if unicodedata.category(char) not in {"Cf", "Cs", "Co", "Cn"})
    # The standard library writes an encoded word as it stands, and readers decode it, line ends and all.
    return " ".join(visible.replace("=?", "= ?").split())


def fit(letter: Letter, html_kb: int, attachments_mb: int) -> Letter:
    """The letter within its limits, which hold for what goes over the wire; what had to be left out is named at the end of it.

    Attachments go largest first. An HTML body that is too long goes with its pictures, and the plain text stays.
    """
    kept, left = _attachments(letter.attachments, attachments_mb * 1_000_000)
    notes = (
        [f"Left out, since a mail may bring {attachments_mb} MB at most: {', '.join(left)}. It lies beside the release."] if left else []
    )
    letter = replace(letter, attachments=kept)
    if len(letter.html.encode()) > html_kb * 1_000:
        notes.append(f"Left out, since it is longer than {html_kb} KB: the formatted letter. The report lies beside the release.")
        letter = replace(letter, html="", images={})
    if not notes:
        return letter
    noted = "".join(f"<p>{html.escape(note)}</p>" for note in notes)
    start, end, tail = letter.html.rpartition("</body>")
    body = f"{start}{noted}{end}{tail}" if end else letter.html and letter.html + noted
    return replace(letter, text="\n\n".join([letter.text.rstrip(), *notes]) + "\n", html=body)


def _attachments(attachments: Sequence[Attachment], room: int) -> tuple[tuple[Attachment, ...], list[str]]:
    """Those that fit, and the names of the others; counted as they are sent, four characters for three bytes."""
    stay = sorted(range(len(attachments)), key=lambda n: len(attachments[n].data))
    while stay and sum(_encoded(attachments[n]) for n in stay) > room:
        stay.pop()
    kept = tuple(one for n, one in enumerate(attachments) if n in stay)
    return kept, [file_name(one.name) for n, one in enumerate(attachments) if n not in stay]


def _encoded(attachment: Attachment) -> int:
    return len(attachment.data) * 4 // 3
