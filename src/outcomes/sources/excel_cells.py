"""The stored value of one Excel cell in, the text that stands for it out."""

import datetime as dt
import re
from typing import Literal

Shown = Literal["number", "date", "datetime", "time"]

# ECMA-376 part 1, 18.8.30: the number formats that a workbook needn't list. 46 is elapsed time.
_BUILT_IN: dict[int, Shown] = {
    **dict.fromkeys((14, 15, 16, 17, *range(27, 32), 36, *range(50, 59)), "date"),
    **dict.fromkeys((18, 19, 20, 21, 32, 33, 34, 35, 45, 46, 47), "time"),
    22: "datetime",
}
# What of a number format is not a sign for a part of the value: quoted text, escaped letters, colours and conditions.
_LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_SHORT_WHOLE = re.compile(r"-?\d{1,15}")
_LAST_SERIAL = 2_958_466
_NO_SUCH_DAY = 60  # Excel counts a 29 February 1900


def shown_as(format_id: int, custom: dict[int, str]) -> Shown:
    """What a number format makes of a number."""
    if format_id not in custom:
        return _BUILT_IN.get(format_id, "number")
    code = _LITERAL.sub("", custom[format_id]).split(";")[0].lower()
    if "general" in code:
        return "number"
    has_time = any(sign in code for sign in ("h", "s", "[m"))
    has_date = any(sign in code for sign in ("y", "d")) or ("m" in code and not has_time)
    if has_date:
        return "datetime" if has_time else "date"
    return "time" if has_time else "number"


def number_text(stored: str, shown: Shown, from_1904: bool) -> str:
    """A stored number as Excel shows it: 15 digits, 12.0 as 12; as ISO date or time where its format says so.

    A serial that is no day stays a number. Raises ValueError for what is no number.
    """
    if shown == "number":
        if _SHORT_WHOLE.fullmatch(stored):
            return stored
        return _plain(float(stored))
    return _time_text(float(stored), shown, from_1904)


def _plain(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else format(value, ".15g")


def _time_text(serial: float, shown: Shown, from_1904: bool) -> str:
    days, milliseconds = divmod(round(serial * 86_400_000), 86_400_000)
    clock = dt.timedelta(milliseconds=milliseconds)
    if shown == "time" and days >= 0:
        return _clock(clock + dt.timedelta(days=days))
    if days < 0 or days >= _LAST_SERIAL or (not from_1904 and days in (0, _NO_SUCH_DAY)):
        return _plain(serial)
    start = dt.date(1904, 1, 1) if from_1904 else dt.date(1899, 12, 30 if days > _NO_SUCH_DAY else 31)
    day = (start + dt.timedelta(days=days)).isoformat()
    return day if shown == "date" and not milliseconds else f"{day}T{_clock(clock)}"


def _clock(since: dt.timedelta) -> str:
    seconds, rest = divmod(since, dt.timedelta(seconds=1))
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{text}.{rest.microseconds // 1000:03}" if rest else text


def column_of(reference: str) -> int:
    """The column of a cell reference, A1 -> 0, AB7 -> 27. Raises ValueError for another text."""
    column = 0
    for letter in reference.rstrip("0123456789"):
        if not "A" <= letter <= "Z":
            raise ValueError
        column = column * 26 + ord(letter) - 64
    if not column:
        raise ValueError
    return column - 1


def unescaped(text: str) -> str:
    """Text with `_x000D_` and the like as the letters they stand for."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text
