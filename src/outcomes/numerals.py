"""Numbers and dates in; out, how they are written where the reader lives. Which places there are stands in locales.toml."""

import datetime as dt
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

LOCALES: Final = Path(__file__).with_name("locales.toml")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NUMBER: Final = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.]*\w)(?!-\d)")


@dataclass(frozen=True)
class Numerals:
    """The signs of one locale. Every number goes through `plain`, so that one place decides about rounding and grouping."""

    decimal: str
    group: str
    percent: str
    date: str
    month: str
    to: str = "–"
    minus: str = "−"

    def plain(self, value: Any, digits: int = 0, signed: bool = False) -> str:
        """A number with so many decimals; `signed` writes the plus too. A zero has no sign."""
        text = f"{abs(float(value)):,.{digits}f}"
        whole, _, fraction = text.partition(".")
        is_zero = not text.strip("0.,")
        sign = "" if is_zero else self.minus if value < 0 else "+" if signed else ""
        if is_zero and signed:
            sign = "+" if value >= 0 else self.minus
        return sign + whole.replace(",", self.group) + (self.decimal + fraction if fraction else "")

    def brief(self, value: Any, figures: int = 4) -> str:
        """A number with so many significant figures and no zeros behind them."""
        text = f"{float(value):.{figures}g}"
        if "e" in text:
            return self.plain(value)
        return self.plain(float(text), len(text.partition(".")[2]))

    def share(self, value: Any, digits: int = 0) -> str:
        """A share of 1 in per cent."""
        return self.percent.format(self.plain(100 * float(value), digits))

    def shares(self, low: Any, high: Any, digits: int = 0) -> str:
        """The ends of an interval of shares, in per cent, without the sign."""
        return f"{self.plain(100 * float(low), digits)}{self.to}{self.plain(100 * float(high), digits)}"

    def day(self, value: dt.date) -> str:
        return _dated(self.date, value)

    def period(self, value: str) -> str:
        """Months as the release writes them: `2025-02`, or `2025-02 to 2025-03`."""
        months = [dt.date.fromisoformat(f"{month}-01") for month in value.split(" to ")]
        return " to ".join(_dated(self.month, month) for month in months)

    def short(self, period: str) -> str:
        """The same on an axis, in two lines that a bar divides: `Feb–Mar|2025`."""
        first, _, last = period.partition(" to ")
        months = [_MONTHS[int(month[5:7]) - 1] for month in (first, last) if month]
        return f"{'–'.join(months)}|{(last or first)[:4]}"

    def within(self, text: str) -> str:
        """A text of the release whose numbers are written anew, digit by digit; words stay."""
        return _NUMBER.sub(self._again, text)

    def _again(self, found: "re.Match[str]") -> str:
        number = found.group()
        if number.startswith("-") and found.start() and found.string[found.start() - 1].isdigit():
            return number
        return self.plain(float(number), len(number.partition(".")[2]))


def _dated(pattern: str, value: dt.date) -> str:
    """Independent of the machine's own language."""
    return value.strftime(pattern.replace("%b", _MONTHS[value.month - 1]).replace("%-d", str(value.day)))


@cache
def names() -> tuple[str, ...]:
    """Every locale that a settings file may name."""
    return tuple(name for name in _locales() if name != "house")


@cache
def of(name: str) -> Numerals:
    """The numerals of a locale. Raises KeyError for one that is not known."""
    return Numerals(**_locales()[name])


@cache
def _locales() -> dict[str, dict[str, str]]:
    return tomllib.loads(LOCALES.read_text(encoding="utf-8"))


HOUSE: Final = of("house")
