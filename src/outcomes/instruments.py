"""Folders of instrument and profile files in; one checked library of them out, and the tables that SQL and the entrance read."""

import difflib
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final

import polars as pl
from pydantic import ValidationError

from outcomes import instrument_facts, places
from outcomes.contract import DATE, SCORE, TEXT, YES_NO
from outcomes.entrance_facts import SMALL, aliases, frame, item_facts, labels, names_of, total_facts, untold, versions
from outcomes.instrument_checks import problems_of_instrument, problems_of_profile
from outcomes.instrument_model import Coding, Instrument, Measure, normalise, sentences
from outcomes.profile_model import Profile

__all__ = [
    "Instrument",
    "InstrumentError",
    "Library",
    "Measure",
    "Profile",
    "aliases",
    "item_facts",
    "labels",
    "load",
    "normalise",
    "profiles",
    "ref_tables",
    "total_facts",
    "untold",
    "versions",
]


class InstrumentError(Exception):
    """An instrument or profile can't be used; each line of the text names the file, the key, and what is wrong."""


@dataclass(frozen=True)
class Library:
    """All instruments and profiles by id. `files` has the file that each came from, keyed ("instrument"|"profile", id)."""

    instruments: dict[str, Instrument]
    profiles: dict[str, Profile]
    files: dict[tuple[str, str], Path]

    @property
    def measures(self) -> dict[str, Measure]:
        """Every score that can be measured, by id: `phq9`, `pcl5`, `pcl5.b`, ... sorted."""
        found = {measure.id: measure for instrument in self.instruments.values() for measure in instrument.measures}
        return dict(sorted(found.items()))

    @property
    def forms(self) -> dict[str, tuple[Instrument, Coding | None]]:
        """What clean tables may call a form: the id of a questionnaire, or of one of its codings; sorted."""
        found = {name: (one, coding) for one in self.instruments.values() for name, coding in one.forms.items()}
        return dict(sorted(found.items()))


def load(instruments: Sequence[Path] = (), profiles: Sequence[Path] = ()) -> Library:
    """The shipped instruments and profiles and those of the user's folders; a later folder replaces what has the same id.

    A folder may hold both: a file with a `rule`, `expected` or `version` is a profile, any other an instrument. Raises
    InstrumentError with every mistake that was found: unreadable TOML, unknown keys, contradictions, an id twice in one
    folder, an alias of two instruments, a profile's rule for a measure that no instrument has.
    """
    chosen: dict[tuple[type, str], tuple[Path, Instrument | Profile]] = {}
    mistakes: list[str] = []
    for folder in (places.folder("instruments"), places.folder("profiles"), *instruments, *profiles):
        here: dict[tuple[type, str], tuple[Path, Instrument | Profile]] = {}
        for path in _files(folder):
            try:
                given = _read(path)
            except InstrumentError as error:
                mistakes.append(str(error))
                continue
            other, _ = here.setdefault((type(given), given.id), (path, given))
            if other != path:
                mistakes.append(f"{path.name}: id: {given.id} is also the id of {other.name} in the same folder")
        chosen |= here
    library = _library(sorted(chosen.values(), key=lambda one: one[1].id))
    mistakes = mistakes or [*_clashes(library), *_profile_mistakes(library)]
    if mistakes:
        raise InstrumentError("\n".join(mistakes))
    return library


def _library(chosen: Sequence[tuple[Path, Instrument | Profile]]) -> Library:
    return Library(
        instruments={given.id: given for _, given in chosen if isinstance(given, Instrument)},
        profiles={given.id: given for _, given in chosen if isinstance(given, Profile)},
        files={("profile" if isinstance(given, Profile) else "instrument", given.id): path for path, given in chosen},
    )


def ref_tables(library: Library, profile_ids: Sequence[str]) -> dict[str, pl.DataFrame]:
    """The tables `ref.<name>` that come from instruments (all of them) and profiles (those named), each sorted by its first columns.

    Raises InstrumentError for a profile that the library does not have.
    """
    chosen = profiles(library, profile_ids)
    return {name: frame(rows(library, chosen), columns) for name, (rows, columns) in _TABLES.items()}


def profiles(library: Library, profile_ids: Sequence[str]) -> list[Profile]:
    """The profiles named, each once. Raises InstrumentError for one that the library does not have."""
    return [_profile(library, name) for name in dict.fromkeys(profile_ids)]


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise InstrumentError(f"there is no folder {folder} for instruments or profiles")
    return sorted(path for path in folder.glob("*.toml") if not path.name.startswith("."))


def _read(path: Path) -> Instrument | Profile:
    try:
        return _given(path.name, path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise InstrumentError(f"{path.name} is not UTF-8 text") from None


@cache
def _given(name: str, text: str) -> Instrument | Profile:
    """What a file says, checked: once per process, for what is given is frozen."""
    try:
        raw = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise InstrumentError(f"{name} is not valid TOML: {error}") from None
    model: type[Instrument] | type[Profile] = Profile if raw.keys() & {"rule", "expected", "version"} else Instrument
    try:
        given = model.model_validate(raw)
        found = problems_of_instrument(given) if isinstance(given, Instrument) else []
    except ValidationError as error:
        found = sentences(error, model)
    if found:
        raise InstrumentError("\n".join(f"{name}: {said}" for said in found)) from None
    return given


def _clashes(library: Library) -> list[str]:
    owner: dict[str, str] = {}
    found = []
    for one in library.instruments.values():
        for name, form in names_of(one):
            other = owner.setdefault(normalise(name), form)
            if other != form:
                found.append(f'{library.files["instrument", one.id].name}: aliases: "{name}" is also a name of {other}')
    return found


def _profile_mistakes(library: Library) -> list[str]:
    measures = library.measures
    return [
        f"{library.files['profile', name].name}: {said}"
        for name, profile in library.profiles.items()
        for said in [*problems_of_profile(profile, measures), *_unknown_criteria(library, profile, measures)]
    ]


def _unknown_criteria(library: Library, profile: Profile, measures: Mapping[str, Measure]) -> Iterator[str]:
    for number, rule in enumerate(profile.rules, start=1):
        if rule.criterion and rule.instrument in measures:
            known = [one.id for one in library.instruments[measures[rule.instrument].questionnaire_id].criteria]
            if rule.criterion not in known:
                yield f"rule[{number}].criterion: {rule.instrument} has no criterion {rule.criterion}"


def _profile(library: Library, name: str) -> Profile:
    if name not in library.profiles:
        nearest = difflib.get_close_matches(name, library.profiles, n=1, cutoff=0.4)
        raise InstrumentError(f"there is no profile {name}" + (f"; did you mean {nearest[0]}?" if nearest else ""))
    return library.profiles[name]


Rows = Callable[[Library, Sequence[Profile]], list[tuple[Any, ...]]]


def _scale(library: Library, _: Sequence[Profile]) -> list[tuple[Any, ...]]:
    rows = []
    for one in library.measures.values():
        owner = library.instruments[one.questionnaire_id]
        names = (one.id, one.questionnaire_id, one.scale_id, one.title, one.direction, one.sign)
        scoring = (one.how, one.factor, one.divisor, len(one.items), one.missing.allowed, one.missing.fill, one.low, one.high)
        rows.append((*names, *scoring, owner.totals_only, owner.lookback_days, owner.status))
    return rows


def _scale_item(library: Library, _: Sequence[Profile]) -> list[tuple[Any, ...]]:
    return [
        (form, item, measure.id, number, *_points(owner, coding, measure, item), measure.asked_after.get(item))
        for form, (owner, coding) in library.forms.items()
        # What must be told and is not, is never scored.
        if coding or owner.must_tell != "answers"
        for measure in owner.measures
        for number, domain in enumerate(measure.domains, 1)
        for item in domain
    ]


def _points(owner: Instrument, coding: Coding | None, measure: Measure, item: int) -> tuple[int, int]:
    """Slope and offset: points = offset + slope * answer. Of the highest level, the slope is the level of a yes."""
    if measure.how == "highest":
        return measure.levels[measure.items.index(item)], 0
    return (-1, sum(owner.answers or (0, 0))) if item in owner.turned(coding) else (1, 0)


def _coding(library: Library, _: Sequence[Profile]) -> list[tuple[Any, ...]]:
    return [(form, one.id, coding.title, coding.factor) for form, (one, coding) in library.forms.items() if coding]


def _instrument(library: Library, _: Sequence[Profile]) -> list[tuple[Any, ...]]:
    return instrument_facts.instrument_rows(library.instruments.values())


def _band(library: Library, _: Sequence[Profile]) -> list[tuple[Any, ...]]:
    return instrument_facts.band_rows(library.measures.values())


def _band_set(library: Library, _: Sequence[Profile]) -> list[tuple[Any, ...]]:
    return instrument_facts.band_set_rows(library.measures.values())


def _reliability(library: Library, _: Sequence[Profile]) -> list[tuple[Any, ...]]:
    return instrument_facts.reliability_rows(library.instruments.values())


def _norm(library: Library, _: Sequence[Profile]) -> list[tuple[Any, ...]]:
    return instrument_facts.norm_rows(library.instruments.values())


def _criterion(library: Library, _: Sequence[Profile]) -> list[tuple[Any, ...]]:
    return [
        (one.id, criterion.id, cluster.id, item, cluster.line(item), cluster.needed)
        for one in library.instruments.values()
        for criterion in one.criteria
        for cluster in criterion.clusters
        for item in cluster.items
    ]


def _item_flag(library: Library, _: Sequence[Profile]) -> list[tuple[Any, ...]]:
    return [
        (flag.id, one.id, flag.item, flag.at_least, flag.title, flag.source, flag.status)
        for one in library.instruments.values()
        for flag in one.flags
    ]


def _criterion_score(library: Library, _: Sequence[Profile]) -> list[tuple[Any, ...]]:
    names = {(one.questionnaire_id, one.scale_id): one.id for one in library.measures.values()}
    return [
        (one.id, criterion.id, names[one.id, line.scale], line.sex, line.at_least)
        for one in library.instruments.values()
        for criterion in one.criteria
        for line in criterion.scores
    ]


def _profile_rows(_: Library, profiles: Sequence[Profile]) -> list[tuple[Any, ...]]:
    return [
        (one.id, one.version, one.title, one.source, one.status, one.unmeasured, one.reviewed_on, one.review_due_on) for one in profiles
    ]


def _profile_metric(_: Library, profiles: Sequence[Profile]) -> list[tuple[Any, ...]]:
    return [(one.id, name) for one in profiles for name in one.metrics]


def _profile_reason(_: Library, profiles: Sequence[Profile]) -> list[tuple[Any, ...]]:
    return [(one.id, name, label) for one in profiles for name, label in one.standings.items()]


def _rule(_: Library, profiles: Sequence[Profile]) -> list[tuple[Any, ...]]:
    rows = []
    for profile in profiles:
        for rule in profile.rules:
            share, points = (rule.response.share, rule.response.points) if rule.response else (None, None)
            cuts = [end for cut in (rule.remission, rule.caseness) for end in ((cut.side, cut.value) if cut else (None, None))]
            important = (rule.mcid.share, rule.mcid.points) if rule.mcid else (None, None)
            changes = (rule.reliable_change, *important, rule.minimum_baseline, rule.criterion, profile.unmeasured)
            rows.append((profile.id, rule.instrument, share, points, *cuts, *changes, str(rule.source), rule.status, rule.reviewed_on))
    return rows


def _threshold(_: Library, profiles: Sequence[Profile]) -> list[tuple[Any, ...]]:
    return [
        (profile.id, rule.instrument, name, rule.source.of(name), rule.trust.of(name))
        for profile in profiles
        for rule in profile.rules
        for name in rule.thresholds
    ]


def _expected(_: Library, profiles: Sequence[Profile]) -> list[tuple[Any, ...]]:
    return [(one.id, each.indication, each.programme_id, each.instrument, each.role) for one in profiles for each in one.expected]


_TABLES: Final[dict[str, tuple[Rows, dict[str, pl.DataType]]]] = {
    "instrument": (_instrument, instrument_facts.INSTRUMENT),
    "band_set": (_band_set, instrument_facts.BAND_SET),
    "reliability": (_reliability, instrument_facts.RELIABILITY),
    "norm": (_norm, instrument_facts.NORM),
    "scale": (
        _scale,
        {
            "instrument_id": TEXT,
            "questionnaire_id": TEXT,
            "scale_id": TEXT,
            "title": TEXT,
            "direction": TEXT,
            "sign": SMALL,
            "how": TEXT,
            "factor": SCORE,
            "divisor": SMALL,
            "items": SMALL,
            "missing_allowed": SMALL,
            "missing_fill": TEXT,
            "range_min": SCORE,
            "range_max": SCORE,
            "totals_only": YES_NO,
            "lookback_days": SMALL,
            "status": TEXT,
        },
    ),
    "scale_item": (
        _scale_item,
        {
            "questionnaire_id": TEXT,
            "item": SMALL,
            "instrument_id": TEXT,
            "domain": SMALL,
            "slope": SMALL,
            "offset": SMALL,
            "asked_after": SMALL,
        },
    ),
    "band": (_band, instrument_facts.BAND),
    "criterion": (
        _criterion,
        {"questionnaire_id": TEXT, "criterion_id": TEXT, "cluster": TEXT, "item": SMALL, "at_least": SMALL, "needed": SMALL},
    ),
    "item_flag": (
        _item_flag,
        {"flag_id": TEXT, "instrument_id": TEXT, "item": SMALL, "at_least": SMALL, "title": TEXT, "source": TEXT, "status": TEXT},
    ),
    "criterion_score": (
        _criterion_score,
        {"questionnaire_id": TEXT, "criterion_id": TEXT, "instrument_id": TEXT, "sex": TEXT, "at_least": SCORE},
    ),
    "coding": (_coding, {"coding_id": TEXT, "questionnaire_id": TEXT, "title": TEXT, "factor": SCORE}),
    "profile": (
        _profile_rows,
        {
            "profile_id": TEXT,
            "version": TEXT,
            "title": TEXT,
            "source": TEXT,
            "status": TEXT,
            "unmeasured": TEXT,
            "reviewed_on": DATE,
            "review_due_on": DATE,
        },
    ),
    "profile_reason": (_profile_reason, {"profile_id": TEXT, "reason_id": TEXT, "label": TEXT}),
    "profile_metric": (_profile_metric, {"profile_id": TEXT, "metric_id": TEXT}),
    "rule": (
        _rule,
        {
            "profile_id": TEXT,
            "instrument_id": TEXT,
            "response_share": SCORE,
            "response_points": SCORE,
            "remission_side": TEXT,
            "remission_cut": SCORE,
            "caseness_side": TEXT,
            "caseness_cut": SCORE,
            "reliable_change": SCORE,
            "mcid_share": SCORE,
            "mcid_points": SCORE,
            "minimum_baseline": SCORE,
            "criterion_id": TEXT,
            "unmeasured": TEXT,
            "source": TEXT,
            "status": TEXT,
            "reviewed_on": DATE,
        },
    ),
    "threshold": (_threshold, {"profile_id": TEXT, "instrument_id": TEXT, "threshold": TEXT, "source": TEXT, "status": TEXT}),
    "expected": (_expected, {"profile_id": TEXT, "indication": TEXT, "programme_id": TEXT, "instrument_id": TEXT, "role": TEXT}),
}
