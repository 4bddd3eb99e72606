"""A block of delimited UTF-8 in, how its rows lie out: counted with arrays, so that regular blocks can take the fast reader."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

_QUOTE, _LF, _CR = 34, 10, 13


@dataclass(frozen=True)
class Layout:
    """`cut` is the length up to the last line end outside quotes.

    `plain` and `quoted`: up to `cut`, every line is a row of `width` fields, no line is longer than asked, and quotes, if any,
    enclose whole fields. `irregular`: quotes are in order, rows are not all of that kind. `loose`: a quote stands where the
    format knows none, or is never closed, so rows can only be told by reading on from here.
    """

    cut: int
    kind: Literal["plain", "quoted", "irregular", "loose"]
    rows: int = 0


def layout(block: bytes, delimiter: str, width: int, longest: int) -> Layout:
    """The layout of a block that begins with a row."""
    view = np.frombuffer(block, np.uint8)
    is_end, is_delimiter = view == _LF, view == ord(delimiter)
    quotes = np.flatnonzero(view == _QUOTE) if b'"' in block else np.empty(0, np.int64)
    lines = 0
    if quotes.size:
        outside = ~np.bitwise_xor.accumulate(view == _QUOTE)
        lines = int(np.count_nonzero(is_end))
        is_end, is_delimiter = is_end & outside, is_delimiter & outside
    ends = np.flatnonzero(is_end)
    if not ends.size:
        return Layout(0, "loose" if quotes.size else "plain")
    cut = int(ends[-1]) + 1
    quotes = quotes[quotes < cut]
    if not _enclose_fields(view, quotes, ord(delimiter)):
        return Layout(cut, "loose")
    one_line_each = not lines or lines - int(np.count_nonzero(view[cut:] == _LF)) == ends.size
    regular = (
        width > 1
        and one_line_each
        and _in_line(ends, np.flatnonzero(is_delimiter[:cut]), width, longest)
        and (b"\r" not in block or _returns_end_lines(view[:cut], ends))
    )
    return Layout(cut, ("quoted" if quotes.size else "plain") if regular else "irregular", ends.size)


def _enclose_fields(view: np.ndarray, quotes: np.ndarray, delimiter: int) -> bool:
    """Whether each opening quote begins a field and each closing one ends it; two together are one quote inside."""
    opening, closing = quotes[0::2], quotes[1::2]
    before = view[np.maximum(opening - 1, 0)]
    after = view[closing + 1]
    begins = (opening == 0) | np.isin(before, (delimiter, _LF, _QUOTE))
    return bool(begins.all() and np.isin(after, (delimiter, _LF, _CR, _QUOTE)).all())


def _in_line(ends: np.ndarray, delimiters: np.ndarray, width: int, longest: int) -> bool:
    """Whether each line has exactly `width` fields and at most `longest` bytes."""
    each = width - 1
    if delimiters.size != each * ends.size:
        return False
    starts = np.concatenate(([0], ends[:-1] + 1))
    inside = (delimiters[::each] >= starts).all() and (delimiters[each - 1 :: each] < ends).all()
    return bool(inside and (ends - starts).max() <= longest)


def _returns_end_lines(view: np.ndarray, ends: np.ndarray) -> bool:
    """Whether carriage returns only stand right before a line feed."""
    return int(np.count_nonzero(view == _CR)) == int(np.count_nonzero(view[np.maximum(ends - 1, 0)] == _CR))
