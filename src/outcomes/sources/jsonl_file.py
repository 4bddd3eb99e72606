"""A staged file of one JSON object per line in, its rows as text out; numbers keep the digits they are written with."""

import json
from collections.abc import Iterator
from typing import Any

import polars as pl

from outcomes.settings import Limits
from outcomes.sources.raw import BATCH, Raw, as_frame, opened
from outcomes.sources.staging import Staged
from outcomes.sources.text import blocks, lines
from outcomes.sources.verdicts import Refused


class _TwiceError(ValueError):
    """One object names the same field twice."""


def read(staged: Staged, encoding: str, limits: Limits) -> Raw:
    """The file opened; its columns are the keys of all lines, in the order in which they are first met.

    Raises Refused: no line is an object (F19), too many keys (F13), two that are one name (F10), the last line is cut (F08).
    """
    keys: dict[str, int] = {}
    last = ""
    for last in lines(blocks(staged, encoding)):
        for key in _object(last) or ():
            keys.setdefault(key, len(keys))
        if len(keys) > limits.columns:
            raise Refused("F13")
    is_open = not last.endswith(("\n", "\r")) and bool(last.strip())
    if is_open and _object(last) is None and keys:
        raise Refused("F08")
    if not keys:
        raise Refused("F19")
    raw = opened("jsonl", encoding, keys, limits)
    if is_open:
        raw.notes["F52"] = 1
    raw.batches = _frames(raw, lines(blocks(staged, encoding)), keys, limits)
    return raw


def _object(line: str) -> dict[str, Any] | None:
    """The line's object, numbers as written; None if it holds none. Raises nothing: an error would quote the line."""
    try:
        found = _PLAIN.decode(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _frames(raw: Raw, physical: Iterator[str], keys: dict[str, int], limits: Limits) -> Iterator[pl.DataFrame]:
    kept: list[list[str | None]] = []
    numbers: list[int] = []
    wanted = [list(keys)[position] for position in raw.wanted]
    for number, line in enumerate(physical, start=1):
        if not line.strip():
            raw.notes["F53"] += 1
            continue
        cells, code = _cells(line, wanted, limits.field_chars)
        if code:
            raw.problem(number, code)
            continue
        kept.append(cells)
        numbers.append(number)
        if len(numbers) == BATCH:
            yield as_frame(raw, kept, numbers)
            kept, numbers = [], []
    if numbers:
        yield as_frame(raw, kept, numbers)


def _cells(line: str, keys: list[str], longest: int) -> tuple[list[str | None], str]:
    """The wanted cells of a line and the code of what is wrong with it, "" if nothing is."""
    try:
        found = _STRICT.decode(line)
    except _TwiceError:
        return [], "F37"
    except (ValueError, RecursionError):
        return [], "F36"
    if not isinstance(found, dict):
        return [], "F36"
    cells: list[str | None] = []
    for key in keys:
        value = found.get(key)
        if isinstance(value, bool):
            value = "true" if value else "false"
        if isinstance(value, dict | list):
            return [], "F35"
        if value is not None and len(value) > longest:
            return [], "F33"
        cells.append(value)
    return cells, "" if _is_text(line, cells) else "F36"


def _is_text(line: str, cells: list[str | None]) -> bool:
    r"""Whether all cells can be written as UTF-8; half a character (`\ud83d` alone) can't."""
    if "\\u" not in line:
        return True
    try:
        "".join(cell for cell in cells if cell).encode()
    except UnicodeEncodeError:
        return False
    return True


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _TwiceError
    return found


_PLAIN = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)
_STRICT = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str, object_pairs_hook=_once)
