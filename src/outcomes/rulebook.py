"""The rules in `expectations/` in, the page `docs/rules.md` out; `outcomes docs` writes it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from outcomes import places
from outcomes.validate import suite

CLEAN: Final = ("patient", "session", "form", "answer", "adverse_event", "session_observation")
RELEASE: Final = ("outcome_summary", "score_summary", "input_file", "volume")

_INTRODUCTION: Final = """\
# Rules

Generated from `expectations/`; change a rule there, then run `outcomes docs`.

What a violation costs: **row** the row, which goes to quarantine while the rest goes on; **file** the whole file;
**publication** the night's publication, while the last good release stays; **note** nothing: it is counted and shown, and the row
is kept. A rule against publication may be broken once where that is intended: `outcomes run --accept VOL-01`, by its code.
"""


@dataclass(frozen=True)
class Line:
    """One rule as the page shows it."""

    code: str
    severity: str
    rejects: str
    message: str
    source: str = ""


def chapters() -> Iterator[tuple[str, list[Line]]]:
    """Title and rules of each part, in the order in which data meet them."""
    for name, title in (("file", "Files, before their columns are looked at"), ("reading", "Cells, while they are read")):
        if lines := _verdicts(name):
            yield title, lines
    for table in CLEAN:
        yield f"Rows of `{table}`", _rules(table)
    for table in RELEASE:
        yield f"Before publication: `{table}`", _rules(f"release/{table}")


def page() -> str:
    """The whole page as Markdown."""
    return "\n".join([_INTRODUCTION, *(_chapter(title, lines) for title, lines in chapters())])


def _rules(name: str) -> list[Line]:
    return [
        Line(
            rule.code,
            rule.severity,
            f"{rule.rejects} ({rule.column})" if rule.each else rule.rejects,
            rule.message,
            f"{rule.source} ({rule.status})" if rule.source else "",
        )
        for rule in suite(name)
    ]


def _verdicts(name: str) -> list[Line]:
    """The verdicts of a file that is no suite: a list of records, or an object that holds one."""
    data = json.loads((places.folder("expectations") / f"{name}.json").read_text(encoding="utf-8"))
    entries: list[Mapping[str, str]] = data["verdicts"] if isinstance(data, dict) else data
    return [Line(entry["code"], entry["severity"], entry.get("rejects") or entry.get("means", ""), entry["message"]) for entry in entries]


def _chapter(title: str, lines: list[Line]) -> str:
    columns = ["code", "severity", "rejects", "message"] + (["source of the limit"] if any(line.source for line in lines) else [])
    rows = [[line.code, line.severity, line.rejects, line.message, line.source][: len(columns)] for line in lines]
    table = [columns, ["-"] * len(columns), *([_cell(text) for text in row] for row in rows)]
    return "\n".join([f"## {title}", "", *("| " + " | ".join(row) + " |" for row in table), ""])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
