"""The keys of one profile file in; a frozen set of cited thresholds out."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Final, Literal, get_args

from pydantic import BeforeValidator, Field, model_validator

from outcomes.instrument_model import Name, Number, Part, Positive, Status, Text, worst
from outcomes.settings import Window

Role = Literal["primary", "secondary", "optional"]
Threshold = Literal["response", "remission", "caseness", "reliable_change", "mcid", "minimum_baseline", "criterion"]
THRESHOLDS: Final[tuple[Threshold, ...]] = get_args(Threshold)

ProfileName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$", max_length=48)]
MeasureName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?$")]


def _whole_rule(value: object) -> object:
    return {"rule": value} if isinstance(value, str) else value


def _share_or_points(value: object) -> object:
    return value if isinstance(value, dict) else {"share": value}


def _points_or_share(value: object) -> object:
    return value if isinstance(value, dict) else {"points": value}


class Cut(Part):
    """One side of a line: exactly one of the four."""

    below: Number | None = None
    at_most: Number | None = None
    at_least: Number | None = None
    above: Number | None = None

    @model_validator(mode="after")
    def _has_one_side(self) -> "Cut":
        if len(self.model_fields_set) != 1:
            raise ValueError("needs exactly one of below, at_most, at_least, above")
        return self

    @property
    def side(self) -> str:
        return next(iter(self.model_fields_set))

    @property
    def value(self) -> Decimal:
        cut: Decimal = getattr(self, self.side)
        return cut


class Change(Part):
    """An improvement that counts: a share of the baseline, or points."""

    share: Annotated[Positive, Field(le=1)] | None = None
    points: Positive | None = None

    @model_validator(mode="after")
    def _is_one_of_two(self) -> "Change":
        if len(self.model_fields_set) != 1:
            raise ValueError("is a share such as 0.5 of the baseline, or points: { share = 0.5 } or { points = 10 }")
        return self


class Cited(Part):
    """Source of the rule (a bare text in the file), or of single thresholds."""

    rule: Text | None = None
    response: Text | None = None
    remission: Text | None = None
    caseness: Text | None = None
    reliable_change: Text | None = None
    mcid: Text | None = None
    minimum_baseline: Text | None = None
    criterion: Text | None = None

    def of(self, threshold: str) -> str | None:
        text: str | None = getattr(self, threshold)
        return text or self.rule

    def __str__(self) -> str:
        """The rule's source first, then those of single thresholds by name."""
        own = [f"{name.replace('_', ' ')}: {getattr(self, name)}" for name in THRESHOLDS if getattr(self, name)]
        return "; ".join([*([self.rule] if self.rule else []), *own])


class Trust(Part):
    """Status of the rule (a bare text in the file), or of single thresholds."""

    rule: Status | None = None
    response: Status | None = None
    remission: Status | None = None
    caseness: Status | None = None
    reliable_change: Status | None = None
    mcid: Status | None = None
    minimum_baseline: Status | None = None
    criterion: Status | None = None

    def of(self, threshold: str) -> Status | None:
        status: Status | None = getattr(self, threshold)
        return status or self.rule


class Rule(Part):
    """The thresholds of one measure. What the sources do not give is absent, and its metric is not computed."""

    instrument: MeasureName
    response: Annotated[Change, BeforeValidator(_share_or_points)] | None = None
    remission: Cut | None = None
    caseness: Cut | None = None
    reliable_change: Positive | None = None
    mcid: Annotated[Change, BeforeValidator(_points_or_share)] | None = None
    minimum_baseline: Number | None = None
    criterion: Name | None = None
    source: Annotated[Cited, BeforeValidator(_whole_rule)]
    trust: Annotated[Trust, BeforeValidator(_whole_rule), Field(alias="status")]
    reviewed_on: dt.date

    @property
    def thresholds(self) -> tuple[Threshold, ...]:
        """The thresholds that the rule gives."""
        return tuple(name for name in THRESHOLDS if getattr(self, name) is not None)

    @property
    def status(self) -> Status:
        """The weakest status of the thresholds given."""
        return worst([status for name in (self.thresholds or ("rule",)) if (status := self.trust.of(name))])

    @model_validator(mode="after")
    def _is_sourced(self) -> "Rule":
        for name in self.thresholds or ("rule",):
            for key, given in (("source", self.source.of(name)), ("status", self.trust.of(name))):
                if not given:
                    raise ValueError(f"{key} says nothing about {name}")
        return self


@dataclass(frozen=True)
class Expected:
    """A measure that is expected of whoever has the indication (and is in the programme, where one is named)."""

    indication: str
    programme_id: str | None
    instrument: str
    role: Role


class Expectation(Part):
    """The measures that are expected of whoever has the indication (and is in the programme, where one is named).

    `optional` ones fit the indication and are expected of nobody by name, only of those who ever answer them: no patient lacks them.
    """

    indication: Name
    programme_id: Text | None = None
    primary: tuple[MeasureName, ...] = ()
    secondary: tuple[MeasureName, ...] = ()
    optional: tuple[MeasureName, ...] = ()

    @property
    def measures(self) -> list[tuple[str, Role]]:
        named: dict[Role, tuple[str, ...]] = {"primary": self.primary, "secondary": self.secondary, "optional": self.optional}
        return [(measure, role) for role, measures in named.items() for measure in measures]

    @model_validator(mode="after")
    def _names_each_once(self) -> "Expectation":
        named = [measure for measure, _ in self.measures]
        if not named:
            raise ValueError("names no measure; give primary or secondary")
        twice = next((measure for measure in named if named.count(measure) > 1), None)
        if twice:
            raise ValueError(f"{twice} stands twice")
        return self


class OwnBaseline(Part):
    """Which score before treatment a window's change is counted from, where its authority says so.

    `first_case` is the earliest that is a case by the profile's rule, and the first of all where none is. Without `from_days` the days
    are those of the settings.
    """

    pick: Literal["last", "mean", "worst", "first", "first_case"]
    from_days: Annotated[int, Field(strict=True, ge=-3660, le=0)] | None = None
    source: Text
    status: Status


class OwnWindow(Window):
    """A window that a profile brings along."""

    baseline: OwnBaseline | None = None


class Pair(Part):
    """Two measures that are judged together: `instrument`, and the one of `partner` for the course's indication, or `fallback`.

    `window` is when; courses with fewer attended treatment `contacts` have not finished and are not asked about.
    """

    instrument: MeasureName
    partner: dict[Name, MeasureName] = Field(default_factory=dict)
    fallback: MeasureName
    contacts: Annotated[int, Field(strict=True, ge=1)] = 1
    window: Window
    source: Text
    status: Status

    @property
    def partners(self) -> list[tuple[str | None, str, int]]:
        """Indication (none for all), measure, and its place in the order in which they are tried."""
        return [*((indication, measure, 1) for indication, measure in self.partner.items()), (None, self.fallback, 2)]


class Profile(Part):
    """A named set of thresholds: what is asked, when, of whom, and what is expected of whom.

    `metrics` are those that it asks; none named are all that have their thresholds. `windows` are names of its own windows or of the
    settings'; none named are its own, or the settings' where it has none. `standings` are the authority's own words for what became of a
    course (ref.reason). `unmeasured` says where courses without a score in the window
    stand: apart, or in the denominator as if the condition was not met.
    """

    id: ProfileName
    version: Text
    title: Text
    about: str = ""
    source: Text | None = None
    stated: Annotated[Status | None, Field(alias="status")] = None
    reviewed_on: dt.date | None = None
    review_due_on: dt.date | None = None
    metrics: tuple[Name, ...] = ()
    windows: tuple[Text, ...] = ()
    unmeasured: Literal["apart", "in_denominator"] = "apart"
    standings: dict[Name, Text] = Field(default_factory=dict)
    pair: Pair | None = None
    own_windows: Annotated[tuple[OwnWindow, ...], Field(alias="window")] = ()
    rules: Annotated[tuple[Rule, ...], Field(alias="rule")] = ()
    expectations: Annotated[tuple[Expectation, ...], Field(alias="expected")] = ()

    @property
    def expected(self) -> tuple[Expected, ...]:
        """One entry per indication, programme and measure, in the order of the file."""
        return tuple(Expected(each.indication, each.programme_id, *named) for each in self.expectations for named in each.measures)

    @property
    def all_windows(self) -> tuple[Window, ...]:
        """Its own windows, and that of its pair."""
        return (*self.own_windows, *([self.pair.window] if self.pair else []))

    @property
    def status(self) -> Status:
        """The weakest status of its rules, of the baselines of its windows, and of what it states of itself."""
        named = [window.baseline.status for window in self.own_windows if window.baseline]
        return worst([*([self.stated] if self.stated else []), *named, *(rule.status for rule in self.rules)])

    @model_validator(mode="after")
    def _rules_each_once(self) -> "Profile":
        ruled = [rule.instrument for rule in self.rules]
        twice = next((measure for measure in ruled if ruled.count(measure) > 1), None)
        if twice:
            raise ValueError(f"two rules for {twice}")
        return self

    @model_validator(mode="after")
    def _names_each_once(self) -> "Profile":
        for key, names in (("metrics", self.metrics), ("windows", self.windows), ("window", [one.id for one in self.all_windows])):
            twice = next((name for name in names if list(names).count(name) > 1), None)
            if twice:
                raise ValueError(f"{key}: {twice} stands twice")
        return self

    @model_validator(mode="after")
    def _has_rules_for_its_pair(self) -> "Profile":
        needed = [self.pair.instrument, *(measure for _, measure, _ in self.pair.partners)] if self.pair else []
        for measure in needed:
            rule = next((rule for rule in self.rules if rule.instrument == measure), None)
            if rule is None or rule.caseness is None or rule.reliable_change is None:
                raise ValueError(f"pair: {measure} needs a rule with caseness and reliable_change")
        return self

    @model_validator(mode="after")
    def _has_lines_for_its_first_case(self) -> "Profile":
        if any(window.baseline and window.baseline.pick == "first_case" for window in self.own_windows):
            rule = next((rule for rule in self.rules if rule.caseness is None), None)
            if rule:
                raise ValueError(f"window: first_case needs a rule with caseness for {rule.instrument}")
        return self

    @model_validator(mode="after")
    def _is_reviewed_before_it_is_due(self) -> "Profile":
        if self.reviewed_on and self.review_due_on and self.review_due_on <= self.reviewed_on:
            raise ValueError("review_due_on is not after reviewed_on")
        return self
