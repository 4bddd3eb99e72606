"""Lines of delimited text in, fields row by row out, each with its line: the careful way, which misreads nothing."""

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from outcomes.sources.text import LONGEST_LINE


class Row(NamedTuple):
    """`fields` is None where the quotes are not balanced; `is_cut` where the file ends inside the row or without a line end."""

    line: int
    fields: list[str] | None
    lines: int
    is_cut: bool


def rows(lines: Iterable[str], first_line: int, delimiter: str) -> Iterator[Row]:
    """Every row with the number of its first line and how many lines it takes.

    A quote that is never closed costs its own line only: reading goes on with the next one.
    """
    # The module's own limit is lower than a line may be; fields are capped by the settings afterwards.
    csv.field_size_limit(LONGEST_LINE)
    source = iter(lines)
    ahead: deque[str] = deque()
    line = first_line
    while (text := _next(ahead, source)) is not None:
        ended = text.endswith(("\n", "\r"))
        if '"' not in text:
            yield Row(line, text.rstrip("\r\n").split(delimiter), 1, not ended)
            line += 1
            continue
        taken = [text]
        row = _Quoted(taken, ahead, source)
        try:
            fields = next(csv.reader(row, delimiter=delimiter, strict=True))
            yield Row(line, fields, len(taken), not taken[-1].endswith(("\n", "\r")))
            line += len(taken)
        except csv.Error:
            ahead.extendleft(reversed(taken[1:]))
            yield Row(line, None, 1, not ended or (row.ran_out and len(taken) == 1))
            line += 1


def _next(ahead: deque[str], source: Iterator[str]) -> str | None:
    return ahead.popleft() if ahead else next(source, None)


class _Quoted:
    """The lines of one row, as many as its quotes ask for; every line handed out is remembered in `taken`."""

    def __init__(self, taken: list[str], ahead: deque[str], source: Iterator[str]) -> None:
        self.taken, self.ahead, self.source = taken, ahead, source
        self.started = self.ran_out = False
        self.size = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if not self.started:
            self.started = True
            return self.taken[0]
        line = _next(self.ahead, self.source) if self.size <= LONGEST_LINE else None
        if line is None:
            self.ran_out = self.size <= LONGEST_LINE
            raise StopIteration
        self.size += len(line)
        self.taken.append(line)
        return line
