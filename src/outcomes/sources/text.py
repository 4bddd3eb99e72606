"""A staged text file in, blocks of UTF-8 and physical lines out."""

import codecs
import io
import re
from collections.abc import Iterable, Iterator

from outcomes.sources.staging import Staged
from outcomes.sources.verdicts import Refused

BLOCK = 1 << 23
LONGEST_LINE = BLOCK

# Letters that are seen nowhere and that spreadsheets leave at the ends of names.
_INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060\u00ad"
_ENDS = re.compile(rf"^[\s{_INVISIBLE}]+|[\s{_INVISIBLE}]+$")

# Windows-1252, with ISO 8859-1 for the five bytes that it leaves open.
_WINDOWS = {code: bytes([code]).decode("cp1252", "ignore") or chr(code) for code in range(0x80, 0xA0)}


def name(cell: str) -> str:
    """A column name without BOM, zero-width characters and blanks (no-break ones too) at its ends."""
    return _ENDS.sub("", cell)


def encoding(staged: Staged) -> tuple[str, str]:
    """The encoding of a text file and the code of the note about it ("" if it is UTF-8).

    `utf-8`, `utf-16-le`, `utf-16-be` or `windows-1252`. Raises Refused for zero bytes in 8-bit text (F07) and for broken bytes
    in a file that is mostly UTF-8 (F09).
    """
    facts = staged.facts
    head = facts.head
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise Refused("F07")
    if head.startswith(codecs.BOM_UTF16_LE):
        return "utf-16-le", "F55"
    if head.startswith(codecs.BOM_UTF16_BE):
        return "utf-16-be", "F55"
    if facts.nuls:
        guess = _utf16_without_bom(head)
        if not guess:
            raise Refused("F07")
        return guess, "F55"
    if not facts.broken_utf8:
        return "utf-8", ""
    if facts.non_ascii - facts.broken_utf8 > facts.broken_utf8:
        raise Refused("F09")
    return "windows-1252", "F54"


def _utf16_without_bom(head: bytes) -> str:
    """UTF-16 whose letters are mostly ASCII: every other byte is zero, and none of the others is."""
    even, odd = head[0::2], head[1::2]
    if odd.count(0) > 0.7 * len(odd) and not even.count(0):
        return "utf-16-le"
    if even.count(0) > 0.7 * len(even) and not odd.count(0):
        return "utf-16-be"
    return ""


def blocks(staged: Staged, encoded: str) -> Iterator[bytes]:
    """The file as UTF-8 without BOM, in blocks that may end in the middle of a line or character.

    A file without any line feed has its carriage returns as line ends. Raises Refused (F09) for broken UTF-16.
    """
    cr_only = staged.facts.returns > 0 and staged.facts.newlines == 0
    with staged.path_in_raw.open("rb", buffering=0) as file:
        pieces = _pieces(file)
        for block in pieces if encoded == "utf-8" else _decoded(pieces, encoded):
            yield block.replace(b"\r", b"\n") if cr_only else block


def _pieces(file: io.FileIO) -> Iterator[bytes]:
    first = file.read(BLOCK)
    yield first.removeprefix(codecs.BOM_UTF8)
    while piece := file.read(BLOCK):
        yield piece


def _decoded(pieces: Iterator[bytes], encoded: str) -> Iterator[bytes]:
    if encoded == "windows-1252":
        for piece in pieces:
            yield _windows(piece).encode()
        return
    decoder = codecs.getincrementaldecoder(encoded)("strict")
    start = True
    try:
        for piece in pieces:
            text = decoder.decode(piece)
            yield (text.removeprefix("\ufeff") if start else text).encode()
            start = False
        decoder.decode(b"", True)
    except UnicodeError:
        raise Refused("F09") from None


def _windows(piece: bytes) -> str:
    try:
        return piece.decode("cp1252")
    except UnicodeDecodeError:
        return piece.decode("latin-1").translate(_WINDOWS)


def lines(parts: Iterable[bytes]) -> Iterator[str]:
    """The physical lines of UTF-8 blocks, each with its end; LF, CR LF and a lone CR end a line.

    Raises Refused (F14) for a line longer than `LONGEST_LINE`.
    """
    rest = b""
    for part in parts:
        buffer = rest + part
        cut = buffer.rfind(b"\n") + 1
        yield from _split(buffer[:cut])
        rest = buffer[cut:]
        if len(rest) > LONGEST_LINE:
            raise Refused("F14")
    yield from _split(rest)


def _split(data: bytes) -> Iterator[str]:
    for line in io.StringIO(data.decode(), newline=""):
        if len(line) > LONGEST_LINE:
            raise Refused("F14")
        yield line


def sample(staged: Staged, encoded: str) -> str:
    """The text of the file's first 64 KiB without blank lines at its start; a last line that is cut there is left out.

    Raises Refused (F01) where the whole file is blank.
    """
    whole = staged.bytes <= len(staged.facts.head)
    text = b"".join(_decoded_head(staged.facts.head, encoded)).decode("utf-8", "ignore")
    if staged.facts.returns and not staged.facts.newlines:
        text = text.replace("\r", "\n")
    if not whole:
        text = text[: text.rfind("\n") + 1] or text
    text = text.lstrip()
    if whole and not name(text):
        raise Refused("F01")
    return text


def _decoded_head(head: bytes, encoded: str) -> Iterator[bytes]:
    if encoded.startswith("utf-16"):
        yield head.decode(encoded, "ignore").removeprefix("\ufeff").encode()
    elif encoded == "windows-1252":
        yield from _decoded(iter([head]), encoded)
    else:
        yield head.removeprefix(codecs.BOM_UTF8)
