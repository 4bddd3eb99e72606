"""Published tables in, what others have published beside the clinic's own figures out, as text for a terminal. Never a target."""

from pathlib import Path
from typing import Any

from outcomes.headline import query

COLUMNS = ("study", "figure", "when", "n", "published", "own", "own n", "source")
NOTE = (
    "in brackets: 95 % intervals as published, or computed (c) from the share and n; own: the clinic's rate of the same metric, measure, "
    "window and indication. Other patients, other windows, other rules for who is counted: nothing here is a target."
)
LICENCE = "NHS Talking Therapies: contains public sector information licensed under the Open Government Licence v3.0."
ROWS = """
select * from published.benchmark
where study_id <> 'nhs_talking_therapies' or (metric_id is not null and published_window = (
    select max(published_window) from published.benchmark where study_id = 'nhs_talking_therapies'
))
order by study_id = 'nhs_talking_therapies', study_id, instrument_id nulls last, figure, published_window
"""

Cell = dict[str, Any]


def rows(release: Path) -> list[tuple[str, ...]]:
    """One row of text per published figure, in the order of COLUMNS; of the national line, the newest year's rates."""
    return [_row(cell) for cell in query(release, ROWS)]


def _row(cell: Cell) -> tuple[str, ...]:
    figure = " ".join(part for part in (cell["instrument_id"], cell["figure"], f"({cell['arm']})" if cell["arm"] else None) if part)
    people = f"{cell['n']} of {cell['n_of']}" if cell["n_of"] and cell["n_of"] != cell["n"] else str(cell["n"] or "-")
    own, of = _own(cell)
    return cell["study_id"], figure, cell["published_window"], people, _published(cell), own, of, cell["status"]


def _published(cell: Cell) -> str:
    value, low, high = (_number(cell[name], cell["unit"]) for name in ("value", "low", "high"))
    unit = " %" if cell["unit"].startswith("share") else f" {cell['unit']}"
    if value is None:
        return f"{low} to {high}{unit}" if low else "see the note"
    mark = " c" if cell["interval_is"] == "computed" else ""
    return f"{value}{unit}" + (f" ({low}-{high}{mark})" if low else "")


def _own(cell: Cell) -> tuple[str, str]:
    if cell["own_is"] != "shown":
        return cell["own_is"], "-"
    interval = f"({100 * cell['own_low']:.0f}-{100 * cell['own_high']:.0f})"
    return f"{100 * cell['own_rate']:.0f} % {interval}", f"{cell['own_denominator']} of {cell['own_enrolled']}"


def _number(value: Any, unit: str) -> str | None:
    if value is None:
        return None
    return f"{100 * float(value):.1f}" if unit.startswith("share") else f"{float(value):g}"


def terminal(release: Path, clinic: str, width: int = 150) -> str:
    """The table, with how to read it and the notes of the studies below."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{clinic}: beside what others have published", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for place, name in enumerate(COLUMNS):
        table.add_column(name, justify="right" if place in (3, 4, 5, 6) else "left", overflow="fold")
    for row in rows(release):
        table.add_row(*row)
    console = Console(width=width)
    with console.capture() as captured:
        console.print(table)
        console.print(NOTE)
        for cell in query(release, "select distinct study_id, design, citation from published.benchmark where design like '%negative%'"):
            console.print(f"Negative trial: {cell['citation']}; {cell['design']}.")
        console.print(LICENCE)
    return "\n".join(line.rstrip() for line in captured.get().splitlines()).strip("\n")
