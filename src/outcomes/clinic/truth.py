"""The clean year in; what was planted and what became of it out.

Outcomes are counted here from the generated scores by the definitions of the metrics, apart from the pipeline that is tested with them.
"""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import polars as pl

from outcomes.clinic.draw import Bools
from outcomes.clinic.plan import Measure, Outcome, Programme
from outcomes.clinic.write import File
from outcomes.clinic.year import Year


@dataclass(frozen=True)
class Share:
    """`numerator` of `denominator` among the generated; `planted` is the probability that they were drawn with, if they were."""

    numerator: int
    denominator: int
    planted: float | None = None


@dataclass(frozen=True)
class OutcomeTruth:
    """One measure of the patients of a programme with an indication, in the window of the plan, over courses whose window has passed.

    `metrics` holds the metrics that the rule of the measure allows, by the ids of the pipeline, and `relapse`: responders that no longer
    respond at d90, of those who answer then.
    """

    programme_id: str
    indication: str
    instrument_id: str
    is_primary: bool
    enrolled: int
    with_baseline: int
    measured: int
    coverage: Share
    metrics: Mapping[str, Share]


@dataclass(frozen=True)
class ProgrammeTruth:
    """One programme: `counts` of people, courses, sessions and events, and `shares` of what was planted on them."""

    programme_id: str
    counts: Mapping[str, int]
    shares: Mapping[str, Share]


@dataclass(frozen=True)
class Truth:
    """What is true of the synthetic clinic."""

    seed: int
    patients: int
    as_of: dt.date
    profile: str
    window: str
    timezone: str
    programmes: tuple[ProgrammeTruth, ...]
    outcomes: tuple[OutcomeTruth, ...]
    files: tuple[File, ...]
    corrected_forms: tuple[str, ...]
    partial_forms: int

    def outcome(self, instrument_id: str, metric_id: str, programme_id: str | None = None, indication: str | None = None) -> Share:
        """Numerator and denominator of a metric, added up over the programmes and indications that are not named."""
        shares = [
            o.metrics[metric_id]
            for o in self.outcomes
            if o.instrument_id == instrument_id
            and metric_id in o.metrics
            and programme_id in (None, o.programme_id)
            and indication in (None, o.indication)
        ]
        return Share(sum(s.numerator for s in shares), sum(s.denominator for s in shares))

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1, default=str) + "\n", encoding="utf-8")


def tell(year: Year, files: Sequence[File], corrected: Sequence[str]) -> Truth:
    """The truth of a year and of the files that were written of it."""
    pairs = _pairs(year)
    outcomes = [
        _outcome(year, programme, indication, measure, outcome, pairs)
        for programme in year.plan.programmes
        for indication in programme.indications
        for measure, outcome in year.plan.planted(programme.id, indication)
    ]
    return Truth(
        seed=year.seed,
        patients=year.people.height,
        as_of=year.plan.as_of,
        profile=year.plan.profile,
        window=year.plan.window,
        timezone=year.plan.timezone,
        programmes=tuple(_programme(year, programme) for programme in year.plan.programmes),
        outcomes=tuple(outcomes),
        files=tuple(files),
        corrected_forms=tuple(corrected),
        partial_forms=sum(int(forms["is_partial"].sum()) for forms in year.forms.values()),
    )


def _pairs(year: Year) -> pl.DataFrame:
    """Per course and measure: severity at `baseline` and in the window (`reached`), null where there is none."""
    keys = ["course", "measure"]
    base = year.scores.filter(visit="baseline").select(*keys, baseline="severity")
    reached = year.scores.filter("is_picked").select(*keys, reached="severity")
    return year.fates.join(base, on=keys, how="left").join(reached, on=keys, how="left").sort(keys)


def _outcome(year: Year, programme: Programme, indication: str, measure: Measure, outcome: Outcome, pairs: pl.DataFrame) -> OutcomeTruth:
    due = pairs.filter(pl.col("is_due"), programme_id=programme.id, indication=indication, measure=measure.id)
    if not measure.mapped:
        due = due.filter("is_answered")
    eligible = due.drop_nulls("baseline")
    measured = eligible.drop_nulls("reached")
    base, reached = measured["baseline"].to_numpy(), measured["reached"].to_numpy()
    responds = measure.responds()[base, reached]
    metrics = {}
    if measure.has_response:
        metrics["response"] = _share(responds, planted=outcome.response)
        seen = measured["is_seen_later"].to_numpy() & responds
        metrics["relapse"] = _share(measured["is_lost"].to_numpy(), seen, outcome.relapse)
    if measure.has_deterioration:
        gain = measure.improvement()[base, reached]
        metrics["reliable_deterioration"] = _share(measure.worsens()[base, reached], planted=outcome.deterioration)
        metrics["reliable_improvement"] = _share(gain >= (measure.reliable_change or 0))
    if measure.mcid or measure.mcid_share:
        # A share of a baseline of zero can't be asked for.
        can = np.ones(len(base), dtype=np.bool_) if measure.mcid else measure.scores()[base] > 0
        metrics["mcid"] = _share(measure.matters()[base, reached], can)
    if measure.caseness:
        metrics |= _remissions(measure, outcome, measured)
    if measure.hard_item:
        metrics |= _suicidality(year, measure, measured)
    return OutcomeTruth(
        programme_id=programme.id,
        indication=indication,
        instrument_id=measure.id,
        is_primary=outcome.primary,
        enrolled=due.height,
        with_baseline=eligible.height,
        measured=measured.height,
        coverage=Share(measured.height, eligible.height, programme.coverage),
        metrics=metrics,
    )


def _remissions(measure: Measure, outcome: Outcome, measured: pl.DataFrame) -> dict[str, Share]:
    base, reached = measured["baseline"].to_numpy(), measured["reached"].to_numpy()
    is_case, remits = measure.is_case(), measure.remits()[reached]
    recovers = ~is_case[reached]
    shares = {"recovery": _share(recovers, is_case[base])}
    if measure.remission:
        shares |= {"remission": _share(remits, is_case[base], outcome.remission), "remission_all": _share(remits)}
    if measure.has_deterioration:
        reliably = measure.improvement()[base, reached] >= (measure.reliable_change or 0)
        shares["reliable_recovery"] = _share(recovers & reliably, is_case[base])
    return shares


def _suicidality(year: Year, measure: Measure, measured: pl.DataFrame) -> dict[str, Share]:
    """The item about suicidal thoughts, above 0 or not, at the baseline and in the window; it is answered on both of these forms."""
    forms = year.forms[measure.id].select("course", "visit", "is_picked", flag=pl.col(f"item_{measure.hard_item}") > 0)
    before = forms.filter(visit="baseline").select("course", before="flag")
    after = forms.filter("is_picked").select("course", after="flag")
    both = measured.select("course").join(before, on="course", how="left").join(after, on="course", how="left")
    was, remains = both["before"].to_numpy(), both["after"].to_numpy()
    return {"si_emergent": _share(remains, ~was), "si_resolved": _share(~remains, was), "si_persisted": _share(remains, was)}


def _share(hits: Bools, among: Bools | None = None, planted: float | None = None) -> Share:
    among = np.ones(len(hits), dtype=np.bool_) if among is None else among
    return Share(int((hits & among).sum()), int(among.sum()), planted)


def _programme(year: Year, programme: Programme) -> ProgrammeTruth:
    people = year.people.filter(programme_id=programme.id)
    courses = pl.concat([year.courses, year.visits], how="horizontal").filter(programme_id=programme.id)
    sessions = year.sessions.filter(programme_id=programme.id)
    medicine = sessions.filter(kind="medicine")
    given = medicine.filter("is_given")
    clocks = given.drop_nulls("dissociation_resolved_min")
    events = year.events.filter(programme_id=programme.id)
    included = people.filter(screen_result="included")
    first = courses.filter(course_number=1)
    dropped = medicine.filter("is_dropped")["course"].n_unique()
    due = courses.filter("is_due")
    with_baseline = due["baseline_here"]
    counts = {
        "screened": people.height,
        "excluded": people.height - included.height,
        "started": first.height,
        "courses": courses.height,
        "courses_due": due.height,
        "courses_dropped": dropped,
        **{
            f"medicine_{status}": medicine.filter(status=status).height for status in ("completed", "stopped_early", "cancelled", "no_show")
        },
        **{kind: sessions.filter(kind=kind).height for kind in ("integration", "preparation", "therapy")},
        "maintenance_completed": medicine.filter(status="completed", phase="maintenance").height,
        "events": events.height,
        "serious_events": int(events["is_serious"].sum()),
        "meq30_recorded": given["meq30_total"].count(),
    }
    shares = {
        "screening_exclusion": Share(people.height - included.height, people.height, programme.excluded),
        "start": Share(first.height, included.height, year.plan.numbers["started"]),
        "drop_out": Share(dropped, courses.height, programme.drop_out),
        "baseline_coverage": Share(int(with_baseline.sum()), due.height, year.plan.visits["baseline"].coverage),
        "sessions_with_event": Share(events["session_id"].n_unique(), given.height, programme.adverse_event),
        "clock_recorded": Share(clocks.height, given.height, year.plan.numbers["clock_recorded"]),
        "resolved_within_120": Share(
            clocks.filter(pl.col("dissociation_resolved_min") <= 120).height, clocks.height, programme.resolved_120
        ),
        "peak_within_60": Share(
            clocks.filter(pl.col("dissociation_peak_min") <= 60).height, clocks.height, year.plan.numbers["peak_within_60"]
        ),
    }
    settled = given.drop_nulls("delay")
    if programme.booster_forms:
        shares |= _boosters(year, programme)
    for delay, planted in programme.integration.items():
        shares[f"integration_{delay}"] = Share(settled.filter(delay=delay).height, settled.height, planted)
    return ProgrammeTruth(programme.id, counts, shares)


def _boosters(year: Year, programme: Programme) -> dict[str, Share]:
    """Of the first boosters with a baseline and a form before and after: how many respond, by the programme's primary measure."""
    measure, outcome = next((m, o) for name in programme.indications for m, o in year.plan.planted(programme.id, name) if o.primary)
    scores = year.scores.filter(programme_id=programme.id, measure=measure.id)
    seen = scores.pivot("visit", index="course", values="severity").drop_nulls(["baseline", "booster_before", "booster_after"])
    before, after = (measure.responds()[seen["baseline"].to_numpy(), seen[f"booster_{when}"].to_numpy()] for when in ("before", "after"))
    kept = outcome.response * (1 - programme.booster_lapse)
    regained = outcome.response * programme.booster_lapse * programme.booster_regain
    return {
        "booster_responding_before": _share(before, planted=kept),
        "booster_responding_after": _share(after, planted=kept + regained),
    }
