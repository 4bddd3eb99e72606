"""A block of delimited UTF-8 in, how its rows lie out: counted with arrays, so that regular blocks can take the fast reader."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

_QUOTE, _LF, _CR = 34, 10, 13

# Small enough for arrays that the memory allocator keeps at hand and the processor in its cache.
_SLICE = 1 << 19


@dataclass(frozen=True)
class Layout:
    """`cut` is the length up to the last line end outside quotes.

    `plain` and `quoted`: up to `cut`, every line is a row of `width` fields, no line is longer than asked, and quotes, if any,
    enclose whole fields. `irregular`: quotes are in order, rows are not all of that kind. `loose`: a quote stands where the
    format knows none, or is never closed, so rows can only be told by reading on from here.

    `fields` says of a plain block where its fields end, some rows at a time: an array of rows x columns.
    """

    cut: int
    kind: Literal["plain", "quoted", "irregular", "loose"]
    rows: int = 0
    fields: tuple[np.ndarray, ...] = field(default=(), compare=False, repr=False)


def layout(block: bytes, delimiter: str, width: int, longest: int) -> Layout:
    """The layout of a block that begins with a row."""
    if b'"' not in block and (cut := block.rfind(b"\n") + 1):
        slices = [_layout(part, delimiter, width, longest, begin) for begin, part in _slices(block, cut)]
        rows = sum(one.rows for one in slices)
        if any(one.kind != "plain" for one in slices):
            return Layout(cut, "irregular", rows)
        return Layout(cut, "plain", rows, tuple(fields for one in slices for fields in one.fields))
    return _layout(block, delimiter, width, longest)


def _slices(block: bytes, cut: int) -> Iterator[tuple[int, bytes]]:
    """The lines of a block without quotes, some at a time, and where they begin."""
    begin = 0
    while begin < cut:
        end = block.find(b"\n", min(begin + _SLICE, cut) - 1) + 1
        yield begin, block[begin:end]
        begin = end


def _layout(block: bytes, delimiter: str, width: int, longest: int, begin: int = 0) -> Layout:
    view = np.frombuffer(block, np.uint8)
    is_end, is_delimiter = view == _LF, view == ord(delimiter)
    quotes = np.flatnonzero(view == _QUOTE) if b'"' in block else np.empty(0, np.int64)
    lines = 0
    if quotes.size:
        outside = ~np.bitwise_xor.accumulate(view == _QUOTE)
        lines = int(np.count_nonzero(is_end))
        is_end, is_delimiter = is_end & outside, is_delimiter & outside
    rows = int(np.count_nonzero(is_end))
    if not rows:
        return Layout(0, "loose" if quotes.size else "plain")
    cut = view.size if is_end[-1] else view.size - int(np.argmax(is_end[::-1]))
    quotes = quotes[quotes < cut]
    if quotes.size and not _enclose_fields(view, quotes, ord(delimiter)):
        return Layout(cut, "loose")
    one_line_each = not lines or lines - int(np.count_nonzero(view[cut:] == _LF)) == rows
    separators = np.flatnonzero(np.logical_or(is_end, is_delimiter, out=is_delimiter)[:cut])
    ends = separators[width - 1 :: width]
    regular = (
        width > 1
        and one_line_each
        # As many row ends as rows among every width-th separator: then all others are delimiters, and no row has more or fewer.
        and separators.size == width * rows
        and bool(is_end[ends].all())
        and max(int(ends[0]), int(np.diff(ends).max(initial=0)) - 1) <= longest
        and (b"\r" not in block or _returns_end_lines(view[:cut], ends))
    )
    if not regular:
        return Layout(cut, "irregular", rows)
    if quotes.size:
        return Layout(cut, "quoted", rows)
    separators += begin
    return Layout(cut, "plain", rows, (separators.reshape(rows, width),))


def _enclose_fields(view: np.ndarray, quotes: np.ndarray, delimiter: int) -> bool:
    """Whether each opening quote begins a field and each closing one ends it; two together are one quote inside."""
    opening, closing = quotes[0::2], quotes[1::2]
    before = view[np.maximum(opening - 1, 0)]
    after = view[closing + 1]
    begins = (opening == 0) | np.isin(before, (delimiter, _LF, _QUOTE))
    return bool(begins.all() and np.isin(after, (delimiter, _LF, _CR, _QUOTE)).all())


def _returns_end_lines(view: np.ndarray, ends: np.ndarray) -> bool:
    """Whether carriage returns only stand right before a line feed."""
    return int(np.count_nonzero(view == _CR)) == int(np.count_nonzero(view[np.maximum(ends - 1, 0)] == _CR))
