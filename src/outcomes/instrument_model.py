"""The keys of one instrument file in; a frozen questionnaire out, or the sentences that say which key is wrong and how."""

import datetime as dt
import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

Direction = Literal["lower_is_better", "higher_is_better"]
Status = Literal["verified", "verified once", "secondary", "house rule", "unverified", "test"]
How = Literal["sum", "mean", "maxima", "highest"]
Told = Literal["answers", "totals"]
Fact = Literal["scoring", "bands", "missing", "lookback", "criterion", "labels", "codes", "licence", "reliability", "norms", "note"]

STATUSES: Final[tuple[Status, ...]] = get_args(Status)
TOTAL: Final = "total"
STANDARD: Final = "standard"


def normalise(text: str) -> str:
    """The text as aliases and answer labels are compared: lower-case letters and digits only."""
    return re.sub(r"[^a-z0-9]", "", text.lower())


def worst(statuses: Sequence[Status]) -> Status:
    """The least trustworthy of some statuses; `unverified` of none."""
    return max(statuses, key=STATUSES.index, default="unverified")


def check_digit(number: str) -> int:
    """The digit that LOINC puts behind a code's number: modulus 10, every second digit from the right counted double."""
    doubled = (int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(number)))
    return -sum(value - 9 if value > 9 else value for value in doubled) % 10


def _loinc(code: str) -> str:
    if not re.fullmatch(r"[0-9]{1,7}-[0-9]", code):
        raise ValueError(f"{code} is not a LOINC code (digits, a hyphen, one digit)")
    number, digit = code.split("-")
    if check_digit(number) != int(digit):
        raise ValueError(f"{code} fails the LOINC check digit")
    return code


def _places(number: Decimal) -> Decimal:
    """To the six places of a score, halves to the even digit."""
    return number.quantize(Decimal("0.000001")).normalize() + 0


def _exact(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise ValueError("should be a number")
    return value


def _cited(value: object) -> object:
    return {"cite": value} if isinstance(value, str) else value


def _terms(value: object) -> object:
    return {"terms": value} if isinstance(value, str) else value


def _blank_is_none(value: object) -> object:
    return [None if answer == "" else answer for answer in value] if isinstance(value, list) else value


Number = Annotated[Decimal, BeforeValidator(_exact), Field(max_digits=18, decimal_places=6)]
Positive = Annotated[Decimal, BeforeValidator(_exact), Field(max_digits=18, decimal_places=6, gt=0)]
Whole = Annotated[int, Field(strict=True, ge=-1000, le=1000)]
Item = Annotated[int, Field(strict=True, ge=1, le=500)]
Items = tuple[Item, ...]
ItemText = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,2}$")]
Text = Annotated[str, Field(min_length=1)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=48)]
LoincCode = Annotated[str, AfterValidator(_loinc)]
Range = tuple[Number, Number]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Missing(Part):
    """How many blanks a scale bears (blank domains where `how` is maxima), and what replaces them."""

    allowed: Annotated[int, Field(strict=True, ge=0)] = 0
    fill: Literal["none", "mean"] = "none"


class Band(Part):
    """A named stretch of scores, both ends inclusive on whole scores."""

    id: Name
    title: Text
    low: Number
    high: Number


class BandSet(Part):
    """Another way to cut a scale. `subtypes` are the indication subtypes of the patients that it is meant for.

    Of a scale's sets one is the default: `bands` (whose id is `standard`), or the set that says so.
    """

    id: Name
    title: Text
    scale: Name = TOTAL
    is_default: bool = False
    subtypes: tuple[Text, ...] = ()
    bands: Annotated[tuple[Band, ...], Field(min_length=1)]


class Scale(Part):
    """A score of the questionnaire. Without `items` it is made of all of them; `range` is for totals-only questionnaires.

    Of `highest`, `levels` has what a yes to each item stands for, and `asked_after` the items that are not asked after a no to the key.
    """

    id: Name
    title: Text | None = None
    items: Items = ()
    domains: tuple[Items, ...] = ()
    how: How = "sum"
    levels: tuple[Annotated[int, Field(strict=True, ge=1, le=100)], ...] = ()
    asked_after: dict[ItemText, Items] = {}
    factor: Positive = Decimal(1)
    divisor: Annotated[int, Field(strict=True, ge=1, le=1000)] = 1
    direction: Direction | None = None
    missing: Missing | None = None
    bands: tuple[Band, ...] = ()
    range: Range | None = None


class Loinc(Part):
    panel: LoincCode | None = None
    total: LoincCode | None = None
    items: tuple[LoincCode, ...] = ()
    other: dict[Name, LoincCode] = {}


class Source(Part):
    """Where facts of the file were seen; a bare text in the file counts as unverified."""

    facts: tuple[Fact, ...] = ()
    cite: Text
    status: Status = "unverified"


class Licence(Part):
    """What the owner says, and what it lets this project do: score items, or hold totals only.

    `wording` tells whether the questions may be shown to others; they are never part of a file, whatever it says.
    """

    terms: Text
    allows: Literal["items", "totals only"] | None = None
    wording: bool = False


class Reliability(Part):
    """How well a scale repeats itself in a population. The one that is `used` goes into the Jacobson-Truax reliable change."""

    scale: Name = TOTAL
    kind: Literal["alpha", "retest", "icc"]
    r: Annotated[Number, Field(gt=0, lt=1)]
    population: Text
    source: Text
    status: Status
    used: bool = False


class Norm(Part):
    """Mean and standard deviation of a scale among the well (`functional`) or the ill (`clinical`). `used` as in Reliability."""

    scale: Name = TOTAL
    kind: Literal["functional", "clinical"] = "functional"
    population: Text
    mean: Number
    sd: Positive
    source: Text
    status: Status
    used: bool = False


class ItemLine(Part):
    """The line of one item of a cluster, where it is another than that of the others."""

    item: Item
    at_least: Whole


class Cluster(Part):
    """`needed` of `items` must be answered `at_least` so high, or as high as the item's own line says."""

    id: Name
    items: Items
    at_least: Whole
    needed: Annotated[int, Field(strict=True, ge=1)]
    own_lines: tuple[ItemLine, ...] = ()

    def line(self, item: int) -> int:
        """From which answer on the item counts."""
        return next((own.at_least for own in self.own_lines if own.item == item), self.at_least)


class ScoreLine(Part):
    """The score of `scale` reaches `at_least`; where `sex` is named, that is the line of patients of that sex."""

    scale: Name
    at_least: Number
    sex: Literal["male", "female"] | None = None


class Criterion(Part):
    """A rule over single items (`clusters`) or over scores; it is met where every part is. A sex without a line is not classified."""

    id: Name
    title: Text
    clusters: tuple[Cluster, ...] = ()
    scores: tuple[ScoreLine, ...] = ()

    @model_validator(mode="after")
    def _has_one_kind_of_parts(self) -> "Criterion":
        if bool(self.clusters) == bool(self.scores):
            raise ValueError("needs clusters or scores, and not both")
        return self


class Coding(Part):
    """One of the ways in which exports write the questionnaire, told by one of its `aliases` in instrument_id, or `versions` in
    instrument_version. It may turn other items, and its totals may be the score divided by `factor`.
    """

    id: Name
    title: Text
    aliases: tuple[Text, ...] = ()
    versions: tuple[Text, ...] = ()
    reversed: Items | None = None
    factor: Positive = Decimal(1)


class Flag(Part):
    """An item that is looked at by itself, beside the total: what its answers from `at_least` on mean is the metric's business."""

    id: Literal["suicidality"]
    title: Text
    item: Item
    at_least: Whole
    source: Text
    status: Status


class Example(Part):
    """A worked form: `answers[i]` answers item i + 1 (None is a blank, "" in the file), or `totals` of scales as an export reports them.

    With answers, each scale has a score, or the reason of `core.score` why there is none. A reported total is the score, or stands in
    `refused`.
    """

    title: Text
    answers: Annotated[tuple[Whole | None, ...], BeforeValidator(_blank_is_none)] = ()
    totals: dict[Name, Number] = {}
    refused: tuple[Name, ...] = ()
    scores: dict[Name, Number] = {}
    reasons: dict[Name, Name] = {}
    bands: dict[Name, Name] = {}
    criteria: dict[Name, bool] = {}
    coding: Name | None = None
    sex: Literal["male", "female"] | None = None


@dataclass(frozen=True)
class Measure:
    """A scale with everything settled. `domains` are the items whose highest points count once (one item each unless `how` is maxima)."""

    id: str
    questionnaire_id: str
    scale_id: str
    title: str
    direction: Direction
    how: How | None
    levels: tuple[int, ...]
    asked_after: Mapping[int, int]
    factor: Decimal
    divisor: int
    domains: tuple[tuple[int, ...], ...]
    missing: Missing
    low: Decimal
    high: Decimal
    band_sets: tuple[BandSet, ...]

    @property
    def bands(self) -> tuple[Band, ...]:
        """The bands of the default set."""
        return next((each.bands for each in self.band_sets if each.is_default), ())

    @property
    def sign(self) -> int:
        """+1 where a lower score is better: improvement = sign * (baseline - score)."""
        return 1 if self.direction == "lower_is_better" else -1

    @property
    def items(self) -> tuple[int, ...]:
        return tuple(item for domain in self.domains for item in domain)


class Instrument(Part):
    """A questionnaire. `bands` and `missing` at the top belong to the scale `total`; `missing` is also every scale's default."""

    id: Name
    title: Text
    about: Text
    direction: Direction
    totals_only: bool = False
    range: Range | None = None
    items: Item | None = None
    answers: tuple[Whole, Whole] | None = None
    reversed: Items = ()
    missing: Missing = Missing()
    bands: tuple[Band, ...] = ()
    scales: Annotated[tuple[Scale, ...], Field(alias="scale")] = ()
    labels: dict[Text, Whole] = {}
    band_sets: Annotated[tuple[BandSet, ...], Field(alias="band_set")] = ()
    lookback_days: Annotated[int, Field(strict=True, ge=0, le=3660)] | None = None
    about_lookback: Text | None = None
    licence: Annotated[Licence, BeforeValidator(_terms)]
    reviewed_on: dt.date | None = None
    review_after_months: Annotated[int, Field(strict=True, ge=1, le=120)] | None = None
    loinc: Loinc = Loinc()
    aliases: tuple[Text, ...] = ()
    sources: Annotated[tuple[Annotated[Source, BeforeValidator(_cited)], ...], Field(min_length=1)]
    reliabilities: Annotated[tuple[Reliability, ...], Field(alias="reliability")] = ()
    norms: Annotated[tuple[Norm, ...], Field(alias="norm")] = ()
    must_tell: Told | None = None
    codings: Annotated[tuple[Coding, ...], Field(alias="coding")] = ()
    criteria: Annotated[tuple[Criterion, ...], Field(alias="criterion")] = ()
    flags: Annotated[tuple[Flag, ...], Field(alias="flag")] = ()
    examples: Annotated[tuple[Example, ...], Field(alias="example")] = ()

    @property
    def measures(self) -> tuple[Measure, ...]:
        """Every score of the questionnaire, `total` first; its id is the questionnaire's for `total`, else `questionnaire.scale`."""
        scales = self.scales
        if (self.totals_only and self.range) or not scales:
            scales = (Scale(id=TOTAL, range=self.range), *scales)
        return tuple(self._measure(scale) for scale in sorted(scales, key=lambda scale: scale.id != TOTAL))

    def _measure(self, scale: Scale) -> Measure:
        total = scale.id == TOTAL
        items = scale.items or tuple(range(1, (self.items or 0) + 1))
        domains = scale.domains if scale.how == "maxima" else tuple((item,) for item in items)
        low, high = scale.range or self._reach(scale, len(domains))
        return Measure(
            id=self.id if total else f"{self.id}.{scale.id}",
            questionnaire_id=self.id,
            scale_id=scale.id,
            title=scale.title or (self.title if total else f"{self.title} {scale.id}"),
            direction=scale.direction or self.direction,
            how=None if self.totals_only else scale.how,
            levels=scale.levels,
            asked_after={item: int(gate) for gate, items in scale.asked_after.items() for item in items},
            factor=scale.factor,
            divisor=scale.divisor,
            domains=domains,
            missing=scale.missing or self.missing,
            low=low,
            high=high,
            band_sets=self._band_sets(scale.id, scale.bands or (self.bands if total else ())),
        )

    def _band_sets(self, scale: str, bands: tuple[Band, ...]) -> tuple[BandSet, ...]:
        standard = [BandSet(id=STANDARD, title="Standard", scale=scale, is_default=True, bands=bands)] if bands else []
        return (*standard, *(each for each in self.band_sets if each.scale == scale))

    def _reach(self, scale: Scale, counted: int) -> tuple[Decimal, Decimal]:
        if scale.how == "highest":
            return Decimal(0), Decimal(max(scale.levels, default=1))
        times = scale.factor * (1 if scale.how == "mean" else counted)
        lowest, highest = self.answers or (0, 0)
        return _places(lowest * times / scale.divisor), _places(highest * times / scale.divisor)

    @property
    def forms(self) -> dict[str, Coding | None]:
        """What clean tables may call a form of this questionnaire: its id, and its id with that of each coding behind it."""
        return {self.id: None} | {f"{self.id}_{coding.id}": coding for coding in self.codings}

    def turned(self, coding: Coding | None) -> Items:
        """The reversed items under a coding."""
        return self.reversed if coding is None or coding.reversed is None else coding.reversed

    @property
    def allows(self) -> Literal["items", "totals only"]:
        """What the licence lets be held; where the file does not say it, what the file holds."""
        return self.licence.allows or ("totals only" if self.totals_only else "items")

    def status_of(self, fact: Fact) -> Status | None:
        """How well a fact is sourced: the best of the sources that state it; None where none does."""
        return min((source.status for source in self.sources if fact in source.facts), key=STATUSES.index, default=None)

    @property
    def status(self) -> Status:
        """How well scoring, and bands where there are any, are sourced: the weaker of the two."""
        has_bands = any(measure.bands for measure in self.measures)
        facts: tuple[Fact, ...] = ("scoring", "bands") if has_bands else ("scoring",)
        return worst([self.status_of(fact) or "unverified" for fact in facts])


def sentences(error: ValidationError, model: type[Part]) -> list[str]:
    """What pydantic found, in words: the key and what is wrong with it; an unknown key with the nearest one that exists."""
    return [_sentence(problem, model) for problem in error.errors()]


def _sentence(problem: Any, model: type[Part]) -> str:
    steps: tuple[int | str, ...] = problem["loc"]
    where = ""
    for step in steps:
        where += f"[{step + 1}]" if isinstance(step, int) else f".{step}" if where else step
    if problem["type"] == "extra_forbidden":
        nearest = difflib.get_close_matches(str(steps[-1]), _keys_at(model, steps[:-1]), n=1, cutoff=0.4)
        return f"{where} is not a key" + (f"; did you mean {nearest[0]}?" if nearest else "")
    if problem["type"] == "missing":
        return f"{where} is missing"
    said = problem["msg"].removeprefix("Value error, ")
    return f"{where}: {said}" if where else said


def _keys_at(model: type[Part] | None, steps: Sequence[int | str]) -> list[str]:
    for step in steps:
        if isinstance(step, int) or model is None:
            continue
        field = next((field for name, field in model.model_fields.items() if step == (field.alias or name)), None)
        model = next(iter(_models(field.annotation)), None) if field else None
    return [field.alias or name for name, field in model.model_fields.items()] if model else []


def _models(annotation: Any) -> list[type[Part]]:
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models(inner)]
