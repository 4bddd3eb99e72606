"""A report in, letters out: tables and inline CSS, pictures by content id, and a plain text that says the same, line by line."""

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from outcomes.letter import Attachment, Letter
from outcomes.report.assemble import digest
from outcomes.report.draw import png
from outcomes.report.html import environment
from outcomes.report.model import Grid, Picture, QualityReport, Report, Said, Text

WIDTH: Final = 76
HEADLINE_COLUMNS: Final = ("Both scores", "Coverage", "Response", "Remission")
NARROW: Final = 5
SHORT: Final = 24
MOST_ROWS: Final = 12
MEDIA: Final[Mapping[str, str]] = {
    "report.pdf": "application/pdf",
    "outcomes.xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

Item = dict[str, Any]


def letters(report: Report, snapshot: Path, attach: Sequence[str] = tuple(MEDIA)) -> list[Letter]:
    """One to leadership, with those of the files in `attach` that the snapshot has, and one to the owners of the data."""
    attached = tuple(Attachment(name, MEDIA[name], (snapshot / name).read_bytes()) for name in attach if (snapshot / name).exists())
    top = _leadership(report)
    pictures = [item["picture"] for item in top if item["kind"] == "picture" and item["picture"].spec]
    return [
        Letter(
            kind="leadership",
            subject=report.subject,
            html=_html(report.title, top),
            text=_text(report.title, top),
            images={picture.id: png(picture.spec) for picture in pictures},
            attachments=attached,
            digest=digest(_undated(top, report.day)),
        ),
        quality_letter(QualityReport(report.clinic, report.day, report.quality_subject, report.quality_answer, report.quality)),
    ]


def quality_letter(report: QualityReport) -> Letter:
    """The one to the owners of the data."""
    title, items = f"{report.clinic}: data quality as of {report.day}", _owners(report)
    return Letter(
        kind="quality",
        subject=report.subject,
        html=_html(title, items),
        text=_text(title, items),
        digest=digest(_undated(items, report.day)),
    )


def _undated(items: Sequence[Item], day: str) -> list[str]:
    return [repr(item).replace(day, "") for item in items]


def _leadership(report: Report) -> list[Item]:
    first = report.first
    headline = next(block for block in report.sections[0].blocks if isinstance(block, Grid))
    return [
        {"kind": "answer", "text": first.answer},
        {"kind": "small", "text": first.glance},
        {"kind": "figures", "figures": first.figures},
        {"kind": "heading", "text": "What to do"},
        {"kind": "list", "lines": [f"{task.who}: {task.what}" for task in first.tasks]},
        *(item for one in first.said for item in _said(one)),
        {"kind": "picture", "picture": report.trend},
        {"kind": "small", "text": " ".join((first.asked, *first.meanings))},
        _grid_item(_narrowed(headline)),
        {"kind": "small", "text": report.caveat},
    ]


def _said(one: Said) -> list[Item]:
    return [{"kind": "heading", "text": one.title}, {"kind": "list", "lines": one.lines}]


def _owners(report: QualityReport) -> list[Item]:
    items: list[Item] = [{"kind": "answer", "text": report.answer}]
    for section in report.sections:
        if section.id == "allrules":
            continue
        items.append({"kind": "heading", "text": section.title})
        for block in section.blocks:
            if isinstance(block, Grid):
                items.append(_grid_item(_first_rows(block)))
            elif isinstance(block, Text) and section.id != "mend":
                items += [{"kind": "list", "lines": block.lines}]
    return items


def _grid_item(grid: Grid) -> Item:
    """A table as wide as a phone, or else a line for each of its rows."""
    is_narrow = len(grid.columns) <= NARROW and all(len(text) <= SHORT for row in grid.rows for text in row[1:])
    return {"kind": "grid" if is_narrow else "rows", "grid": grid}


def _narrowed(grid: Grid) -> Grid:
    """The headline table with the columns that fit a phone."""
    kept = [grid.columns.index(name) for name in HEADLINE_COLUMNS]
    rows = tuple((f"{row[0]}, {row[1]}", *(row[i] for i in kept)) for row in grid.rows)
    return Grid(grid.title, ("Indication, measure", *HEADLINE_COLUMNS), rows, grid.numbers, grid.remarks)


def _first_rows(grid: Grid) -> Grid:
    if len(grid.rows) <= MOST_ROWS:
        return grid
    more = f"{len(grid.rows) - MOST_ROWS} further lines stand in the report."
    return Grid(grid.title, grid.columns, grid.rows[:MOST_ROWS], grid.numbers, (*grid.remarks, more))


def _html(title: str, items: Sequence[Item]) -> str:
    return environment().get_template("mail.html").render(title=title, items=items)


def _text(title: str, items: Sequence[Item]) -> str:
    lines = [title, "=" * len(title), ""]
    for item in items:
        lines += [*_IN_WORDS[item["kind"]](item), ""]
    return "\n".join(line.rstrip() for line in lines)


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=" " * len(indent), break_long_words=False) or [""]


def _figures(item: Item) -> list[str]:
    lines: list[str] = []
    for figure in item["figures"]:
        lines.append(f"{figure.name}: {figure.value}")
        lines += [
            line
            for text in (", ".join(part for part in (figure.of, figure.interval) if part), figure.coverage, figure.bounds)
            if text
            for line in _wrapped(text, "  ")
        ]
    return lines


def _picture(item: Item) -> list[str]:
    picture: Picture = item["picture"]
    return [picture.title, *_wrapped(picture.alt)]


def _grid(item: Item) -> list[str]:
    """Aligned columns where they fit, else a line for each row."""
    grid: Grid = item["grid"]
    widths = [max(len(text) for text in column) for column in zip(grid.columns, *grid.rows, strict=True)]
    if sum(widths) + 2 * len(widths) > WIDTH:
        return _rows(item)
    lines = [grid.title]
    for row in (grid.columns, *grid.rows):
        cells = [text.rjust(w) if right else text.ljust(w) for text, w, right in zip(row, widths, grid.is_number, strict=True)]
        lines.append("  ".join(cells))
    return lines + [line for remark in grid.remarks for line in _wrapped(remark)]


def _rows(item: Item) -> list[str]:
    grid: Grid = item["grid"]
    lines = [grid.title]
    for row in grid.rows:
        lines += _wrapped("; ".join(f"{column}: {text.rstrip('.')}" for column, text in zip(grid.columns, row, strict=True)), "* ")
    return lines + [line for remark in grid.remarks for line in _wrapped(remark)]


_IN_WORDS: Final[Mapping[str, Any]] = {
    "answer": lambda item: _wrapped(item["text"]),
    "text": lambda item: _wrapped(item["text"]),
    "small": lambda item: _wrapped(item["text"]),
    "heading": lambda item: [item["text"], "-" * len(item["text"])],
    "list": lambda item: [line for text in item["lines"] for line in _wrapped(text, "* ")],
    "figures": _figures,
    "picture": _picture,
    "grid": _grid,
    "rows": _rows,
}
