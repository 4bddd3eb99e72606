"""Reads dresses back as a person would: texts and tables of a page, pages of a PDF, numbers of a text."""

import io
import re
from html.parser import HTMLParser

NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
Table = tuple[str, list[list[str]]]


class _Page(HTMLParser):
    SILENT = frozenset({"style", "script", "svg", "title"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self.tables: list[Table] = []
        self.silent = 0
        self.cell: list[str] | None = None
        self.caption: list[str] | None = None

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.silent += tag in self.SILENT
        self.words.append("\n")
        if tag == "table":
            self.tables.append(("", []))
        elif tag == "caption":
            self.caption = []
        elif tag == "tr" and self.tables:
            self.tables[-1][1].append([])
        elif tag in ("td", "th"):
            self.cell = []
        elif tag == "img":
            self.words.append(dict(attributes).get("alt") or "")

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in self.SILENT
        self.words.append("\n")
        if tag == "caption" and self.caption is not None:
            self.tables[-1] = ("".join(self.caption).strip(), self.tables[-1][1])
            self.caption = None
        elif tag in ("td", "th") and self.cell is not None:
            self.tables[-1][1][-1].append("".join(self.cell).strip())
            self.cell = None

    def handle_data(self, text: str) -> None:
        if self.silent:
            return
        self.words.append(text)
        for open_ in (self.cell, self.caption):
            if open_ is not None:
                open_.append(text)


def _read(page: str) -> _Page:
    found = _Page()
    found.feed(page)
    return found


def text(page: str) -> str:
    """What a page says, the words of its pictures included."""
    return "".join(_read(page).words)


def tables(page: str) -> list[Table]:
    """Caption and rows of every table, heads first."""
    return _read(page).tables


def pdf(data: bytes) -> str:
    import pypdf

    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages)


def sheets(data: bytes) -> dict[str, list[list[str | None]]]:
    """Rows of every sheet of a workbook, heads first, as texts."""
    import fastexcel

    book = fastexcel.read_excel(data)
    return {
        name: [list(row) for row in book.load_sheet(name, header_row=None, dtypes="string").to_polars().iter_rows()]
        for name in book.sheet_names
    }


def numbers(text: str) -> set[str]:
    return {found.rstrip(",") for found in NUMBER.findall(text)}
