"""A report in, a tagged PDF out: title, language, headings, tables with their heads, pictures with their words. Fonts are typst's own."""

import datetime as dt
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from outcomes.report.draw import png
from outcomes.report.html import TEMPLATES
from outcomes.report.model import Grid, Picture, Report, Section, Text

TEMPLATE: Final = "report.typ"
NOON: Final = 12


def made(report: Report) -> bytes:
    """The PDF; its date is the as-of date, so that the same release gives the same bytes.

    Every text goes in as data, never as markup, so that no value can become a command.
    """
    import typst

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / TEMPLATE).write_bytes((TEMPLATES / TEMPLATE).read_bytes())
        pictures: dict[str, bytes] = {}
        sections = [_section(one, pictures) for one in (*report.sections, *report.programmes, *report.quality[:5])]
        data = {
            "title": report.title,
            "clinic": report.clinic,
            "day": report.day,
            "caveat": report.caveat,
            "first": {
                "answer": report.first.answer,
                "glance": report.first.glance,
                "asked": " ".join((report.first.asked, *report.first.meanings)),
                "figures": [vars(figure) for figure in report.first.figures],
                "tasks": [f"{task.who}: {task.what}" for task in report.first.tasks],
                "said": [{"heading": one.title, "lines": one.lines} for one in report.first.said],
            },
            "trend": _block(report.trend, pictures),
            "sections": sections,
        }
        (folder / "data.json").write_text(json.dumps(data), encoding="utf-8")
        for name, drawn in pictures.items():
            (folder / name).write_bytes(drawn)
        day = dt.date.fromisoformat(report.as_of)
        found: bytes = typst.compile(
            str(folder / TEMPLATE),
            root=str(folder),
            ignore_system_fonts=True,
            timestamp=int(dt.datetime(day.year, day.month, day.day, NOON, tzinfo=dt.UTC).timestamp()),
            pdf_standards=["ua-1"],
        )
        return found


def _section(section: Section, pictures: dict[str, bytes]) -> dict[str, Any]:
    return {"title": section.title, "blocks": [_block(block, pictures) for block in section.blocks]}


def _block(block: Grid | Picture | Text, pictures: dict[str, bytes]) -> Mapping[str, Any]:
    if isinstance(block, Grid):
        rows = block.rows or (("none",) * len(block.columns),)
        shown = {"columns": block.columns, "rows": rows, "numbers": block.is_number}
        return {"kind": "grid", "title": block.title, "remarks": block.remarks, **shown}
    if isinstance(block, Picture):
        if block.spec:
            pictures[f"{block.id}.png"] = png(block.spec)
        return {"kind": "picture", "title": block.title, "alt": block.alt, "file": f"{block.id}.png" if block.spec else None}
    return {"kind": "list" if block.is_list else "text", "lines": block.lines}
