"""What the report hands to the mail: a letter, whole before anybody thinks of a server."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

Kind = Literal["leadership", "quality", "failure"]
KINDS: Final[tuple[Kind, ...]] = ("leadership", "quality", "failure")


@dataclass(frozen=True)
class Attachment:
    """A file that goes with a letter; `media_type` like `application/pdf`."""

    name: str
    media_type: str
    data: bytes


@dataclass(frozen=True)
class Letter:
    """One mail without its recipients. Made from released values only.

    `html` refers to each picture of `images` (content id -> PNG) as `cid:<content id>`; `text` says the same as `html`. `is_changed` is
    false where the letter says what the one of the release before said. `digest` stands for what the letter says, without its date and
    run: two letters with one digest tell their readers the same.
    """

    kind: Kind
    subject: str
    html: str
    text: str
    images: Mapping[str, bytes] = field(default_factory=dict)
    attachments: tuple[Attachment, ...] = ()
    is_changed: bool = True
    digest: str = ""
