"""Bytes in, what the entrance makes of them out, in a form that a table of cases can hold."""

from dataclasses import dataclass, field
from pathlib import Path

from outcomes.settings import Limits
from outcomes.sources.raw import Raw, open_raw
from outcomes.sources.staging import stage
from outcomes.sources.verdicts import Refused


@dataclass(frozen=True)
class Seen:
    """`rows` as "line: cell | cell" (a null cell is empty), `problems` and `notes` as codes; `refused` as code."""

    refused: str = ""
    header: list[str] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)
    problems: dict[int, str] = field(default_factory=dict)
    notes: dict[str, int] = field(default_factory=dict)


def read(data: bytes, folder: Path, suffix: str = ".csv", only: list[int] | None = None, **limits: int) -> tuple[Raw, list[str]]:
    """A file with these bytes, staged and read to its end; raises what that raises."""
    inbox = folder / "inbox"
    inbox.mkdir(exist_ok=True)
    file = inbox / f"file{suffix}"
    file.write_bytes(data)
    allowed = Limits(**limits)
    raw = open_raw(stage(file, folder / "raw", allowed), suffix, allowed)
    if only is not None:
        raw.only(only)
    return raw, [
        f"{line}: {' | '.join('' if cell is None else cell for cell in cells)}"
        for batch in raw.batches
        for *cells, line in batch.iter_rows()
    ]


def seen(data: bytes, folder: Path, suffix: str = ".csv", only: list[int] | None = None, **limits: int) -> Seen:
    """What becomes of a file with these bytes."""
    try:
        raw, rows = read(data, folder, suffix, only, **limits)
    except Refused as refusal:
        return Seen(refused=refusal.code)
    assert raw.rows_in == len(rows) + raw.problems.height
    problems = dict(raw.problems.select("source_line", "code").iter_rows())
    return Seen("", raw.header, rows, problems, dict(raw.notes))
