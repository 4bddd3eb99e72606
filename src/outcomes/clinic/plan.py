"""`plan.toml` in, the planted numbers out, frozen."""

import datetime as dt
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from outcomes.clinic.draw import Bools, Floats, Ints

_FILE = Path(__file__).with_name("plan.toml")
EPOCH = dt.date(1970, 1, 1)
BOOSTER_VISITS = frozenset({"booster_before", "booster_after"})


def ordinal(day: dt.date) -> int:
    """Days since 1970-01-01."""
    return (day - EPOCH).days


@dataclass(frozen=True)
class Visit:
    """When a questionnaire is asked for, and by how many it is answered; at d30 the programme says by how many."""

    id: str
    days: tuple[int, int]
    coverage: float = 1.0
    progress: tuple[float, float] = (1.0, 1.0)


@dataclass(frozen=True)
class Programme:
    """One programme; `failed` are the shares of 0, 1, 2, 3 failed antidepressants and of unknown."""

    id: str
    share: float
    indications: Mapping[str, float]
    routes: Mapping[str, float]
    dose_mg_per_kg: tuple[float, float]
    induction: tuple[int, ...]
    weekdays: tuple[int, ...]
    maintenance: float
    returning: float
    occupations: Mapping[str, float]
    failed: tuple[float, ...]
    excluded: float
    drop_out: float
    coverage: float
    adverse_event: float
    resolved_120: float
    preparation: int = 0
    therapy: float = 0.0
    integration: Mapping[str, float] = field(default_factory=dict)
    modalities: Mapping[str, float] = field(default_factory=dict)
    group: tuple[int, int] = (0, 0)
    meq30: tuple[int, int] = (0, 0)
    booster_gap: tuple[int, int] = (21, 42)
    booster_forms: bool = False
    booster_lapse: float = 0.0
    booster_regain: float = 0.0
    answered: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Measure:
    """One scale of a questionnaire with its rule.

    Inside the generator a score is its *severity*: the raw sum, counted from the healthy end, 0 to `top`.
    """

    id: str
    questionnaire: str
    export: str
    items: int
    answer_max: int
    baseline: tuple[float, float]
    mild: tuple[float, float] | None = None
    scale: str = "total"
    factor: tuple[int, int] = (1, 1)
    offset: int = 0
    higher_is_better: bool = False
    hard_item: int | None = None
    response: float | None = None
    response_points: float | None = None
    remission: Mapping[str, float] = field(default_factory=dict)
    caseness: Mapping[str, float] = field(default_factory=dict)
    reliable_change: float | None = None
    mcid: float | None = None
    mcid_share: float | None = None
    has_items: bool = False
    mapped: bool = True

    @property
    def top(self) -> int:
        return self.items * self.answer_max

    @property
    def has_response(self) -> bool:
        return self.response is not None or self.response_points is not None

    @property
    def has_deterioration(self) -> bool:
        return self.reliable_change is not None

    def scores(self) -> Floats:
        """The exported score at each severity, with two decimals."""
        raw = np.arange(self.top + 1)
        if self.higher_is_better:
            raw = raw[::-1]
        return np.round(self.offset + raw * self.factor[0] / self.factor[1], 2)

    def improvement(self) -> Floats:
        """Improvement from a baseline severity (row) to a severity (column), in points."""
        scores = self.scores()
        sign = -1 if self.higher_is_better else 1
        return np.asarray(np.round(sign * (scores[:, None] - scores[None, :]), 2))

    def responds(self) -> Bools:
        """Whether a severity (column) is a response to a baseline severity (row)."""
        gain = self.improvement()
        if self.response_points is not None:
            return np.asarray(gain >= self.response_points)
        if self.response is None:
            return np.zeros_like(gain, dtype=np.bool_)
        base = self.scores()[:, None]
        return np.asarray((base > 0) & (np.round(gain * 100) >= np.round(base * 100 * self.response, 6)))

    def worsens(self) -> Bools:
        """Whether a severity (column) is a reliable deterioration from a baseline severity (row)."""
        gain = self.improvement()
        return np.zeros_like(gain, dtype=np.bool_) if self.reliable_change is None else np.asarray(-gain >= self.reliable_change)

    def matters(self) -> Bools:
        """Whether a severity (column) is an important difference from a baseline severity (row)."""
        gain = self.improvement()
        if self.mcid is not None:
            return np.asarray(gain >= self.mcid)
        base = self.scores()[:, None]
        return np.asarray((base > 0) & (np.round(gain * 100) >= np.round(base * 100 * (self.mcid_share or 0), 6)))

    def remits(self) -> Bools:
        return _side(self.scores(), self.remission)

    def is_case(self) -> Bools:
        return _side(self.scores(), self.caseness)

    def severities(self, scores: tuple[float, float]) -> Ints:
        """The severities whose score lies between two scores, both included."""
        have = self.scores()
        return np.flatnonzero((have >= scores[0]) & (have <= scores[1]))


def _side(scores: Floats, cut: Mapping[str, float]) -> Bools:
    sides = {"below": np.less, "at_most": np.less_equal, "at_least": np.greater_equal, "above": np.greater}
    found = np.zeros(len(scores), dtype=np.bool_)
    for side, value in cut.items():
        found |= sides[side](scores, value)
    return found


@dataclass(frozen=True)
class Outcome:
    """What is planted on some measures of a programme, as far as the rules of the measures know it."""

    programme: str
    measures: tuple[str, ...]
    indications: tuple[str, ...] = ()
    primary: bool = False
    response: float = 0.0
    remission: float = 0.0
    deterioration: float = 0.0
    relapse: float = 0.0


@dataclass(frozen=True)
class Plan:
    """All of `plan.toml`; `numbers` are its top-level shares."""

    name: str
    timezone: str
    profile: str
    window: str
    window_days: tuple[int, int]
    window_target: int
    first_day: int
    last_day: int
    exported_on: dt.date
    as_of: dt.date
    closed: tuple[int, ...]
    numbers: Mapping[str, float]
    shares: Mapping[str, Mapping[str, float]]
    visits: Mapping[str, Visit]
    programmes: tuple[Programme, ...]
    measures: Mapping[str, Measure]
    outcomes: tuple[Outcome, ...]
    dirt: Mapping[str, Mapping[str, int]]
    corrected_forms: int
    corrected_on: dt.date
    stale_on: dt.date

    def treatment_days(self, programme: Programme) -> Ints:
        """The days on which a course of the programme may begin."""
        days = np.arange(self.first_day, self.last_day + 1)
        weekday = (days + EPOCH.weekday()) % 7
        return days[np.isin(weekday, programme.weekdays) & ~np.isin(days, self.closed)]

    def by_programme(self, ids: pl.Series, number: Callable[[Programme], float]) -> Floats:
        """A number of its programme for each of `ids`."""
        return ids.replace_strict({p.id: number(p) for p in self.programmes}, return_dtype=pl.Float64).to_numpy()

    def planted(self, programme: str, indication: str) -> list[tuple[Measure, Outcome]]:
        """The measures of a programme's patients with an indication, and what is planted on each."""
        return [
            (self.measures[name], outcome)
            for outcome in self.outcomes
            if outcome.programme == programme and (not outcome.indications or indication in outcome.indications)
            for name in outcome.measures
        ]


def load() -> Plan:
    """The plan that comes with the package."""
    raw = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    shares = ("sites", "sexes", "age_bands", "ethnicities", "exclusion_reasons", "event_terms", "event_severities")
    usual = {key.removeprefix("usual_"): value for key, value in raw.items() if key.startswith("usual_")}
    return Plan(
        name=raw["name"],
        timezone=raw["timezone"],
        profile=raw["profile"],
        window=raw["window"],
        window_days=(raw["window_days"][0], raw["window_days"][1]),
        window_target=raw["window_target_day"],
        first_day=ordinal(raw["first_treatment_on"]),
        last_day=ordinal(raw["last_treatment_on"]),
        exported_on=raw["exported_on"],
        as_of=raw["as_of"],
        closed=tuple(ordinal(day) for day in raw["closed"]),
        numbers={key: value for key, value in raw.items() if isinstance(value, float)},
        shares={key: raw[key] for key in shares},
        visits={visit["id"]: Visit(**_frozen(visit)) for visit in raw["visit"]},
        programmes=tuple(Programme(**_frozen(programme)) for programme in raw["programme"]),
        measures={measure["id"]: Measure(**_frozen(measure)) for measure in raw["measure"]},
        outcomes=tuple(Outcome(**_frozen(usual | outcome)) for outcome in raw["outcome"]),
        dirt=raw["dirt"],
        corrected_forms=raw["correction"]["forms"],
        corrected_on=raw["correction"]["exported_on"],
        stale_on=raw["stale"]["exported_on"],
    )


def _frozen(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
