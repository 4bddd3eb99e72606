"""Codes of the release in, words for a reader out: groups, windows, measures, numbers that may be hidden."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from outcomes.numerals import Numerals
from outcomes.report.model import HIDDEN, NONE, NOT_MEASURED
from outcomes.report.release import Release, Row

CHOICES: Final = Path(__file__).with_name("report.toml")
_HOURS: Final = 24
_ANCHORS: Final = {
    "day_0": "the first dose",
    "end_of_induction": "the last dose of the induction",
    "baseline": "the score before treatment",
}


@cache
def choices() -> dict[str, Any]:
    """What report.toml says."""
    return tomllib.loads(CHOICES.read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Words:
    """How this release is spoken of, in the numerals of its reader."""

    release: Release
    numerals: Numerals

    def level(self, level: str) -> str:
        found = choices()["level"].get(level)
        return str(found) if found else _human(level)

    def breakdown(self, breakdown: str) -> str:
        found = choices()["breakdown"].get(breakdown)
        return str(found) if found else _human(breakdown)

    def table(self, name: str | None) -> str:
        return str(choices()["table"].get(name, _human(name))) if name else "not known"

    def measure(self, instrument_id: str) -> str:
        row = self.release.measures.get(instrument_id)
        return str(row["title"]) if row else instrument_id

    def metric(self, metric_id: str) -> str:
        row = self.release.metrics.get(metric_id)
        return str(row["metric_title"]) if row else _human(metric_id)

    def window(self, window_id: str) -> str:
        """A window by name, short enough for an axis."""
        row = self.release.windows.get(window_id)
        if row is None or row["target_days"] is None:
            return {"last": "Last score"}.get(window_id, _human(window_id.rpartition(".")[2]))
        if row["anchor"] == "end_of_induction":
            return "After induction"
        if _by_hours(row):
            return f"{self.numerals.brief(float(row['target_days']) * _HOURS)} h"
        return f"Day {self.numerals.brief(row['target_days'])}"

    def is_own(self, window_id: str) -> bool:
        """Whether a profile brings the window along for itself."""
        row = self.release.windows.get(window_id)
        return bool(row and row["is_own"])

    def when(self, window_id: str) -> str:
        """A window by its bounds."""
        row = self.release.windows.get(window_id)
        if row is None:
            return _human(window_id)
        anchor = _ANCHORS[row["anchor"]]
        scale, unit = (_HOURS, "hours") if _by_hours(row) else (1, "days")
        low = self.numerals.brief(float(row["from_days"]) * scale)
        if row["to_days"] is None:
            return f"at any time from {low} {unit} after {anchor}"
        return f"{low} to {self.numerals.brief(float(row['to_days']) * scale)} {unit} after {anchor}"

    def count(self, row: Row | None, name: str) -> str:
        """A count; zero is 0, a hidden one says so, and one that there is not is none."""
        if row is None:
            return NONE
        if row.get("is_suppressed") or (row[name] is None and row.get("is_people_hidden")):
            return HIDDEN
        return NONE if row[name] is None else self.numerals.plain(row[name])

    def coverage(self, row: Row | None, name: str = "coverage") -> str:
        if row is None:
            return NONE
        if row.get("is_suppressed") or (row[name] is None and row.get("is_people_hidden")):
            return HIDDEN
        return NONE if row[name] is None else self.numerals.share(row[name])

    def rate(self, row: Row | None, names: tuple[str, str, str] = ("rate", "rate_low", "rate_high"), absent: str = "no rule") -> str:
        """A share with its interval: `50% (45–55)`."""
        if row is None:
            return absent
        if row.get("is_suppressed"):
            return HIDDEN
        value, low, high = (row[name] for name in names)
        if value is None:
            return NOT_MEASURED
        ends = f" ({self.numerals.shares(low, high)})" if low is not None and high is not None else ""
        return f"{self.numerals.share(value, self._digits(value))}{ends}{self._as_of(row)}"

    def bounds(self, row: Row | None) -> str:
        """What the rate could be if each unmeasured course had gone badly, or well."""
        if row is None or row.get("is_suppressed") or row["rate_worst"] is None or row["rate_best"] is None:
            return HIDDEN if row is not None and row.get("is_suppressed") else NONE
        return f"{self.numerals.shares(row['rate_worst'], row['rate_best'])}"

    def points(self, row: Row | None, names: tuple[str, str, str] = ("mean_change", "change_low", "change_high")) -> str:
        """A signed change with its interval: `−6.6 (−8.9 to −4.3)`."""
        if row is None:
            return NONE
        if row.get("is_suppressed"):
            return HIDDEN
        value, low, high = (row[name] for name in names)
        if value is None:
            return NOT_MEASURED
        number = self.numerals.plain
        ends = f" ({number(low, 1, signed=True)} to {number(high, 1, signed=True)})" if low is not None and high is not None else ""
        return f"{number(value, 1, signed=True)}{ends}{self._as_of(row)}"

    def aged(self, row: Row) -> str:
        """The day of which a figure is, where the release prints it as an earlier one did; else nothing."""
        as_of = row.get("as_of")
        return self.numerals.day(as_of) if as_of is not None and as_of < self.release.as_of else ""

    def _as_of(self, row: Row) -> str:
        return f", as of {self.aged(row)}" if self.aged(row) else ""

    def number(self, row: Row | None, name: str, digits: int = 1) -> str:
        if row is None:
            return NONE
        if row.get("is_suppressed"):
            return HIDDEN
        return NOT_MEASURED if row[name] is None else self.numerals.plain(row[name], digits)

    @staticmethod
    def _digits(value: Any) -> int:
        """A share that whole per cents would print as 0 or 100, though it is neither, gets a decimal."""
        return 1 if 0 < float(value) < 0.005 or 0.995 < float(value) < 1 else 0


def _by_hours(row: Mapping[str, Any]) -> bool:
    return any(bound is not None and float(bound) % 1 for bound in (row["from_days"], row["to_days"]))


def _human(code: str) -> str:
    text = code.replace("_", " ")
    return text[:1].upper() + text[1:]
