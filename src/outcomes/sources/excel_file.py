"""A staged Excel workbook in, the cells of its first sheet with data as text out, as a person sees them in the sheet."""

import posixpath
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

import polars as pl

from outcomes.settings import Limits
from outcomes.sources.excel_cells import Shown, column_of, number_text, shown_as, unescaped
from outcomes.sources.raw import BATCH, Raw, as_frame, opened
from outcomes.sources.staging import Staged
from outcomes.sources.verdicts import Refused, refusing

_PIECE = 1 << 16
_EXCEL_COLUMNS = 1 << 14

Attributes = dict[str, str]
Cells = dict[int, str]


@dataclass
class _Book:
    """What the sheets refer to: `sheets` are (name, part) in the workbook's order, the hidden ones last."""

    sheets: list[tuple[str, str]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    formats: list[Shown] = field(default_factory=list)
    from_1904: bool = False


def read(staged: Staged, limits: Limits) -> Raw:
    """The workbook opened; the first row that is not empty is the header, its first and last name bound the table.

    Raises Refused: damaged (F17), protected (F18), far larger when unpacked (F15), without any cell (F01).
    """
    with refusing("F17"):
        archive = zipfile.ZipFile(staged.path_in_raw)
        _check(archive, staged, limits)
        book = _book(archive)
        filled = [(name, part) for name, part in book.sheets if next(_rows(archive, part, book), None)]
        if not filled:
            raise Refused("F01")
        rows = _rows(archive, filled[0][1], book)
        _, cells = next(rows)
    first, last = min(cells), max(cells)
    raw = opened("xlsx", "", [cells.get(column, "") for column in range(first, last + 1)], limits)
    raw.sheet = filled[0][0]
    if len(filled) > 1:
        raw.notes["F56"] = len(filled) - 1
    raw.batches = _frames(raw, rows, first, limits.field_chars)
    return raw


def _check(archive: zipfile.ZipFile, staged: Staged, limits: Limits) -> None:
    """Refuses by what the archive says of itself; reading stops at the sizes it says."""
    parts = archive.infolist()
    if any(part.flag_bits & 1 for part in parts):
        raise Refused("F18")
    if any(part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for part in parts):
        raise Refused("F17")
    if sum(part.file_size for part in parts) > limits.expansion_ratio * staged.bytes:
        raise Refused("F15")
    # The table of texts is the one part that is held in memory; as objects it takes several times its size.
    if any(part.filename.endswith("sharedStrings.xml") and part.file_size > limits.memory_mb * 1_000_000 // 8 for part in parts):
        raise Refused("F15")


def _frames(raw: Raw, rows: Iterator[tuple[int, Cells]], first: int, longest: int) -> Iterator[pl.DataFrame]:
    width = len(raw.header)
    kept: list[list[str | None]] = []
    numbers: list[int] = []
    while True:
        with refusing("F17"):
            number, cells = next(rows, (0, {}))
        if not number:
            break
        if min(cells) < first or max(cells) >= first + width:
            raw.problem(number, "F31")
        elif max(map(len, cells.values())) > longest:
            raw.problem(number, "F33")
        else:
            kept.append([cells.get(first + position) for position in raw.wanted])
            numbers.append(number)
        if len(numbers) == BATCH:
            yield as_frame(raw, kept, numbers)
            kept, numbers = [], []
    if numbers:
        yield as_frame(raw, kept, numbers)


def _book(archive: zipfile.ZipFile) -> _Book:
    book = _Book()
    targets: dict[str, str] = {}
    parts: dict[str, str] = {}

    def relation(tag: str, found: Attributes) -> None:
        if tag == "Relationship":
            kind, target = found["Type"].rsplit("/", 1)[-1], found["Target"]
            part = target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"xl/{target}")
            parts[kind] = part
            if kind == "worksheet":
                targets[found["Id"]] = part

    hidden: list[tuple[str, str]] = []

    def sheet(tag: str, found: Attributes) -> None:
        if tag == "workbookPr":
            book.from_1904 = found.get("date1904", "0") in ("1", "true")
        if tag == "sheet":
            part = targets.get(next((value for key, value in found.items() if key.endswith(":id")), ""))
            if part:
                (hidden if found.get("state", "visible") != "visible" else book.sheets).append((found["name"], part))

    _walk(archive, "xl/_rels/workbook.xml.rels", relation)
    _walk(archive, "xl/workbook.xml", sheet)
    book.sheets += hidden
    if "styles" in parts:
        book.formats = _formats(archive, parts["styles"])
    if "sharedStrings" in parts:
        book.texts = list(_texts(archive, parts["sharedStrings"]))
    return book


def _walk(archive: zipfile.ZipFile, part: str, start: Callable[[str, Attributes], None]) -> None:
    for _ in _parsed(archive, part, start, lambda tag: None, lambda text: None):
        pass


def _parsed(
    archive: zipfile.ZipFile,
    part: str,
    start: Callable[[str, Attributes], None],
    end: Callable[[str], None],
    text: Callable[[str], None],
) -> Iterator[None]:
    """Reads a part piece by piece and calls back with local names; what was called back may be taken after each piece."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = lambda tag, found: start(tag.rpartition(":")[2], found)
    parser.EndElementHandler = lambda tag: end(tag.rpartition(":")[2])
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = _no_declarations
    with archive.open(part) as file:
        while piece := file.read(_PIECE):
            parser.Parse(piece, False)
            yield
    parser.Parse(b"", True)
    yield


def _no_declarations(*_: object) -> None:
    """A workbook declares no entities; a bomb does."""
    raise ValueError


def _formats(archive: zipfile.ZipFile, part: str) -> list[Shown]:
    """How each cell style shows a number."""
    custom: dict[int, str] = {}
    styles: list[int] = []
    inside = [False]

    def start(tag: str, found: Attributes) -> None:
        if tag == "numFmt":
            custom[int(found["numFmtId"])] = found["formatCode"]
        elif tag == "cellXfs":
            inside[0] = True
        elif tag == "xf" and inside[0]:
            styles.append(int(found.get("numFmtId", "0")))

    def end(tag: str) -> None:
        inside[0] = inside[0] and tag != "cellXfs"

    for _ in _parsed(archive, part, start, end, lambda text: None):
        pass
    return [shown_as(style, custom) for style in styles]


def _texts(archive: zipfile.ZipFile, part: str) -> Iterator[str]:
    """The shared texts; of a formatted text its pieces together, of one with a reading aid the text only."""
    done: list[str] = []
    pieces: list[str] = []
    taking = _Taking()

    def end(tag: str) -> None:
        taking.end(tag)
        if tag == "si":
            done.append(unescaped("".join(pieces)))
            pieces.clear()

    for _ in _parsed(archive, part, lambda tag, found: taking.start(tag), end, lambda text: pieces.append(text) if taking.on else None):
        yield from done
        done.clear()


class _Taking:
    """Whether the letters that are met now belong to a value."""

    def __init__(self) -> None:
        self.on = self.aside = False

    def start(self, tag: str) -> None:
        self.aside = self.aside or tag == "rPh"
        self.on = tag in ("t", "v") and not self.aside

    def end(self, tag: str) -> None:
        self.on = False
        self.aside = self.aside and tag != "rPh"


class _Sheet:
    """Takes the parts of a sheet as they are met; `rows` are those that are whole and hold text."""

    def __init__(self, book: _Book) -> None:
        self.book = book
        self.rows: list[tuple[int, Cells]] = []
        self.taking = _Taking()
        self.row = 0
        self.cells: Cells = {}
        self.column = -1
        self.kind = "n"
        self.style = 0
        self.pieces: list[str] = []

    def start(self, tag: str, found: Attributes) -> None:
        if tag == "row":
            row = int(found.get("r", self.row + 1))
            if row <= self.row:
                raise ValueError
            self.row, self.column, self.cells = row, -1, {}
        elif tag == "c":
            self.column = column_of(found["r"]) if "r" in found else self.column + 1
            if self.column >= _EXCEL_COLUMNS or self.column in self.cells:
                raise ValueError
            self.kind, self.style = found.get("t", "n"), int(found.get("s", "0"))
            self.pieces.clear()
        else:
            self.taking.start(tag)

    def text(self, text: str) -> None:
        if self.taking.on:
            self.pieces.append(text)

    def end(self, tag: str) -> None:
        self.taking.end(tag)
        if tag == "c" and (value := self._value("".join(self.pieces))):
            self.cells[self.column] = value
        elif tag == "row" and self.cells:
            self.rows.append((self.row, self.cells))

    def _value(self, stored: str) -> str:
        if not stored or self.kind in ("str", "e", "d", "inlineStr"):
            return stored if self.kind in ("e", "d") else unescaped(stored)
        if self.kind == "s":
            return self.book.texts[int(stored)]
        if self.kind == "b":
            return "true" if stored == "1" else "false"
        shown = self.book.formats[self.style] if self.style < len(self.book.formats) else "number"
        return number_text(stored, shown, self.book.from_1904)


def _rows(archive: zipfile.ZipFile, part: str, book: _Book) -> Iterator[tuple[int, Cells]]:
    """Rows that hold text: their number in the sheet and their cells by column."""
    sheet = _Sheet(book)
    for _ in _parsed(archive, part, sheet.start, sheet.end, sheet.text):
        yield from sheet.rows
        sheet.rows.clear()
