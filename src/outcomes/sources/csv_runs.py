"""A plain block of delimited text in, its runs of rows out: what rows repeat is compared as bytes, and read once per run.

An export of answers repeats patient, form and time on the row of every item. Bytes are compared many at a time, without a look at
what they mean; the numbers that change from row to row are read where they stand.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from outcomes.sources.csv_layout import Layout

Places = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]
Small = npt.NDArray[np.int16]

_ZERO, _MINUS, _CR = 48, 45, 13
_DIGITS: Final = 4
# So many bytes are compared at a time: eight words, so that their eight verdicts are a word again.
_WINDOW: Final = 64
# By how many bytes of a window belong to a text, what to keep of it.
_KEPT: Final = np.where(np.arange(_WINDOW) < np.arange(_WINDOW + 1)[:, None], 0xFF, 0).astype(np.uint8).view(f"V{_WINDOW}").ravel()


class Found(NamedTuple):
    """Runs of rows with equal bytes in the columns that were asked for.

    `starts`: the first row of each; `text`: these rows, as they stand in the block; `tail`: the numbers of every row, column by column.
    """

    starts: Places
    text: bytes
    tail: list[pl.Series]


class _Part(NamedTuple):
    """Some rows of a block: where each begins, and where its fields end (rows x columns)."""

    first: Places
    ends: Places

    def begin(self, column: int) -> Places:
        return self.ends[:, column - 1] + 1 if column else self.first


def runs(block: bytes, found: Layout, heads: Sequence[int], tail: Sequence[int]) -> Found | None:
    """The runs of a plain block by the columns `heads`, at least one.

    None where a cell of the `tail` is no whole number of up to four digits; empty ones pass, but not in its first column, so that no
    row is empty.
    """
    memory = block if len(block) >= found.cut + _WINDOW else block + bytes(_WINDOW)
    view = np.frombuffer(memory, np.uint8)
    windows = np.ndarray(shape=(view.size - _WINDOW + 1,), dtype=f"V{_WINDOW}", buffer=memory, strides=(1,))
    segments = _segments(heads)
    before: list[bytes] = []
    starts, begins, ends = [], [], []
    numbers: list[list[Small]] = [[] for _ in tail]
    empty: list[list[Places]] = [[] for _ in tail]
    row = 0
    for part in _parts(found):
        new = _differing(part, segments, windows)
        new[0] = before != [memory[part.begin(a)[0] : part.ends[0, z]] for a, z in segments]
        before = [memory[part.begin(a)[-1] : part.ends[-1, z]] for a, z in segments]
        at = np.flatnonzero(new)
        starts.append(at + row)
        begins.append(part.first[at])
        ends.append(part.ends[at, -1] + 1)
        for place, column in enumerate(tail):
            read = _numbers(view, part, column)
            if read is None or (place == 0 and read[1].size):
                return None
            numbers[place].append(read[0])
            empty[place].append(read[1] + row)
        row += part.first.size
    text = _text(memory, np.concatenate(begins), np.concatenate(ends))
    return Found(np.concatenate(starts), text, [_series(*column) for column in zip(numbers, empty, strict=True)])


def _parts(found: Layout) -> Iterator[_Part]:
    begin = 0
    for ends in found.fields:
        yield _Part(np.concatenate([[begin], ends[:-1, -1] + 1]), ends)
        begin = ends[-1, -1] + 1


def _segments(columns: Sequence[int]) -> list[tuple[int, int]]:
    """Columns that stand beside each other, as first and last."""
    segments: list[tuple[int, int]] = []
    for column in sorted(columns):
        if segments and segments[-1][1] == column - 1:
            segments[-1] = (segments[-1][0], column)
        else:
            segments.append((column, column))
    return segments


def _differing(part: _Part, segments: Sequence[tuple[int, int]], windows: npt.NDArray[np.void]) -> npt.NDArray[np.bool_]:
    """Which rows differ from the row before them in any segment; nothing is said of the first."""
    new = np.zeros(part.first.size, dtype=bool)
    for a, z in segments:
        begin = part.begin(a)
        length = part.ends[:, z] - begin
        new[1:] |= length[1:] != length[:-1]
        for step in range(0, int(length.max()), _WINDOW):
            # A text that ended before keeps nothing of what stands there.
            here = np.where(length > step, begin + step, 0) if step else begin
            words = windows[here].view(np.uint64)
            words &= _KEPT[np.clip(length - step, 0, _WINDOW)].view(np.uint64)
            new[1:] |= (words[8:] != words[:-8]).view(np.uint64) != 0
    return new


def _numbers(view: Bytes, part: _Part, column: int) -> tuple[Small, Places] | None:
    """The whole numbers of a column, and the rows where it is empty; None if anything else stands there."""
    begin, end = part.begin(column), part.ends[:, column]
    if column == part.ends.shape[1] - 1:
        end = end - (view[end - 1] == _CR)
    length = end - begin
    longest = int(length.max())
    if longest == 1 == int(length.min()):
        digit = view[begin] - _ZERO
        return (digit.astype(np.int16), np.empty(0, dtype=np.int64)) if int(digit.max()) <= 9 else None
    if longest > _DIGITS + 1:
        return None
    minus = (view[begin] == _MINUS) & (length > 1)
    digits = length - minus
    if int(digits.max()) > _DIGITS:
        return None
    total = np.zeros(begin.size, dtype=np.int16)
    for place in range(_DIGITS):
        at = np.flatnonzero(digits > place)
        digit = view[end[at] - 1 - place] - _ZERO
        if at.size and int(digit.max()) > 9:
            return None
        total[at] += digit.astype(np.int16) * np.int16(10**place)
    return np.where(minus, -total, total), np.flatnonzero(length == 0)


def _text(memory: bytes, begins: Places, ends: Places) -> bytes:
    """The bytes from each beginning to its end, one after the other."""
    offsets = pa.py_buffer(np.column_stack([begins, ends]).ravel())
    size = 2 * begins.size - 1
    pieces = pa.LargeBinaryArray.from_buffers(pa.large_binary(), size, [None, offsets, pa.py_buffer(memory)])
    return bytes(pieces.take(pa.array(np.arange(0, size, 2))).buffers()[2])


def _series(numbers: Sequence[Small], empty: Sequence[Places]) -> pl.Series:
    series, blank = pl.Series(np.concatenate(numbers)), np.concatenate(empty)
    return series.scatter(pl.Series(blank), None) if blank.size else series
