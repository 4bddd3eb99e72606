"""A staged file of delimited text in, its rows as text out; regular blocks are read fast, all others row by row."""

import io
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, islice

import polars as pl

from outcomes.settings import Limits
from outcomes.sources.csv_layout import Layout, layout
from outcomes.sources.csv_rows import Row, rows
from outcomes.sources.csv_runs import runs
from outcomes.sources.raw import BATCH, Raw, Runs, as_frame, opened
from outcomes.sources.staging import Staged
from outcomes.sources.text import LONGEST_LINE, blocks, lines
from outcomes.sources.verdicts import Refused

DELIMITERS = ",;\t|"
_SAMPLE_ROWS = 100
_HEADER_LINES = 10_000


@dataclass(frozen=True)
class _Shape:
    delimiter: str
    width: int
    longest: int


def read(staged: Staged, encoding: str, sample: str, limits: Limits) -> Raw:
    """The file opened; `sample` is the text it begins with.

    Raises Refused for a header that can't be read (F11, F10, F13), that is divided unlike the rows (F12), or that is cut (F08).
    """
    delimiter = _delimiter(sample)
    source = blocks(staged, encoding)
    header, first_line, rest = _header(source, delimiter)
    raw = opened("csv", encoding, header.fields or [], limits)
    if header.is_cut:
        raw.notes["F52"] = 1
    shape = _Shape(delimiter, len(raw.header), limits.field_chars)
    raw.batches = _frames(raw, chain([rest], source), first_line, shape)
    return raw


def _delimiter(sample: str) -> str:
    """The sign that divides header and rows alike; among several the one that makes most fields.

    Raises Refused where no sign divides the header and one leaves a quote open (F11), and for two signs at once (F12).
    """
    widths = {sign: _widths(sample, sign) for sign in DELIMITERS}
    fitting = {sign: sum(width == found[0] for width in found[1:]) for sign, found in widths.items() if found and found[0] > 1}
    best = max(fitting, key=lambda sign: (fitting[sign], widths[sign][0]), default=",")
    if not fitting and any(found and not found[0] for found in widths.values()):
        raise Refused("F11")
    of_header = max(DELIMITERS, key=lambda sign: widths[sign][:1])
    if not fitting.get(best) and _divided_otherwise(widths, of_header):
        raise Refused("F12")
    return best if fitting.get(best) else of_header


def _widths(sample: str, delimiter: str) -> list[int]:
    """How many fields the first rows have, 0 where quotes are not balanced."""
    found = islice(rows(io.StringIO(sample, newline=""), 1, delimiter), _SAMPLE_ROWS)
    return [len(row.fields or []) for row in found if not _is_blank(row)]


def _divided_otherwise(widths: dict[str, list[int]], of_header: str) -> bool:
    width = widths[of_header][:1]
    return any(found[1:] and set(found[1:]) == set(width) for sign, found in widths.items() if sign != of_header and width > [1])


def _is_blank(row: Row) -> bool:
    return row.fields is not None and len(row.fields) < 2 and not "".join(row.fields).strip()


def _header(source: Iterator[bytes], delimiter: str) -> tuple[Row, int, bytes]:
    """The first row that is not blank, the number of the line after it, and what follows it in the block it was taken from."""
    block = next(source, b"")
    whole = block[: block.rfind(b"\n") + 1]
    if not whole and next(source, None) is not None:
        raise Refused("F14")
    physical = list(islice(lines([whole or block]), _HEADER_LINES))
    for row in rows(physical, 1, delimiter):
        if _is_blank(row):
            continue
        if row.fields is None:
            raise Refused("F11")
        after = row.line + row.lines
        return row, after, block[len("".join(physical[: after - 1]).encode()) :]
    raise Refused("F01")


def _frames(raw: Raw, source: Iterator[bytes], line: int, shape: _Shape) -> Iterator[pl.DataFrame | Runs]:
    for block, found in _ahead(_laid_out(source, shape)):
        if found.kind == "loose":
            yield from _slow(raw, lines(chain([block], source)), line, shape)
            return
        if (batch := _fast(raw, block, found, line, shape)) is not None:
            yield batch
            line += found.rows
            continue
        block = block[: found.cut]
        yield from _slow(raw, lines([block]), line, shape)
        line += block.count(b"\n") + (block.count(b"\r") - block.count(b"\r\n") if b"\r" in block else 0)


def _laid_out(source: Iterator[bytes], shape: _Shape) -> Iterator[tuple[bytes, Layout]]:
    """Blocks with their layout, of which the first `cut` bytes count; what follows the last line end comes as loose.

    After a loose block nothing is taken.
    """
    rest = b""
    for part in source:
        block = rest + part
        found = layout(block, shape.delimiter, shape.width, shape.longest)
        if found.kind == "loose":
            yield block, found
            return
        if found.cut:
            yield block, found
        rest = block[found.cut :]
        if len(rest) > LONGEST_LINE:
            raise Refused("F14")
    if rest:
        yield rest, Layout(len(rest), "loose")


def _ahead(items: Iterator[tuple[bytes, Layout]]) -> Iterator[tuple[bytes, Layout]]:
    """The same items, the next one made while the caller works on this one."""
    with ThreadPoolExecutor(1) as helper:
        coming = helper.submit(next, items, None)
        while (item := coming.result()) is not None:
            if item[1].kind == "loose":
                # The caller reads on from the same source; nobody else may.
                yield item
                return
            coming = helper.submit(next, items, None)
            yield item


def _fast(raw: Raw, block: bytes, found: Layout, line: int, shape: _Shape) -> pl.DataFrame | Runs | None:
    """The rows of a regular block; None if it is none, or if the reader disagrees about them."""
    if found.kind not in ("plain", "quoted"):
        return None
    if raw.tail and found.kind == "plain" and (batch := _in_runs(raw, block, found, line, shape)) is not None:
        return batch
    quoted = found.kind == "quoted"
    frame = _parsed(raw, block[: found.cut], quoted, shape, raw.wanted)
    if frame is None and raw.whole:
        # One cell that is no number makes the next likely; two attempts per block would cost more than numbers save.
        raw.whole = frozenset()
        frame = _parsed(raw, block[: found.cut], quoted, shape, raw.wanted)
    if frame is None or frame.height != found.rows:
        return None
    if quoted:
        # A quoted field without text is an empty one.
        cells = pl.col(pl.String())
        frame = frame.with_columns(pl.when(cells != "").then(cells).name.keep())
    return frame.with_columns(_lines(line, found.rows))


def _lines(first: int, rows: int) -> pl.Series:
    return pl.int_range(first, first + rows, dtype=pl.Int64, eager=True).alias("source_line")


def _in_runs(raw: Raw, block: bytes, found: Layout, line: int, shape: _Shape) -> Runs | None:
    """The rows of a plain block with what repeats told from what changes; None where the reader disagrees, or a number is none."""
    heads = [position for position in raw.wanted if position not in raw.tail]
    told = runs(block, found, heads, raw.tail)
    frame = _parsed(raw, told.text, False, shape, heads) if told else None
    if not told or frame is None or frame.height != told.starts.size:
        return None
    lines = _lines(line, found.rows)
    tail = [numbers.alias(f"c{position}") for numbers, position in zip(told.tail, raw.tail, strict=True)]
    return Runs(frame.with_columns(lines.gather(told.starts)), told.starts, pl.DataFrame([*tail, lines]))


def _parsed(raw: Raw, text: bytes, quoted: bool, shape: _Shape, columns: Sequence[int]) -> pl.DataFrame | None:
    """These columns as the reader sees them; None if it can't."""
    text = text.replace(b"\r\n", b"\n") if b"\r" in text else text
    try:
        return pl.read_csv(
            text,
            has_header=False,
            schema={f"c{position}": pl.Int16() if position in raw.whole else pl.String() for position in range(shape.width)},
            columns=columns,
            separator=shape.delimiter,
            quote_char='"' if quoted else None,
        ).select(f"c{position}" for position in columns)
    except pl.exceptions.PolarsError:
        return None


def _slow(raw: Raw, physical: Iterable[str], line: int, shape: _Shape) -> Iterator[pl.DataFrame]:
    """The rows of these lines, one by one; what can't be read goes to the problems. Raises Refused (F08) for a file that is cut."""
    kept: list[list[str]] = []
    numbers: list[int] = []
    for row in rows(physical, line, shape.delimiter):
        if _is_blank(row):
            raw.notes["F53"] += 1
        elif code := _wrong(row, shape):
            raw.problem(row.line, code)
        else:
            kept.append([row.fields[position] for position in raw.wanted] if row.fields else [])
            numbers.append(row.line)
            if row.is_cut:
                raw.notes["F52"] = 1
        if len(numbers) == BATCH:
            yield as_frame(raw, kept, numbers)
            kept, numbers = [], []
    if numbers:
        yield as_frame(raw, kept, numbers)


def _wrong(row: Row, shape: _Shape) -> str:
    """The code of what is wrong with a row, "" if nothing is."""
    found = len(row.fields) if row.fields is not None else 0
    if row.is_cut and found < shape.width:
        raise Refused("F08")
    if row.fields is None:
        return "F34"
    if found != shape.width:
        return "F31" if found > shape.width else "F32"
    return "F33" if max(map(len, row.fields)) > shape.longest else ""
