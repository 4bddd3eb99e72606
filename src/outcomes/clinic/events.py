"""The doses given in, the adverse events of the clinic out."""

import numpy as np
import polars as pl

from outcomes.clinic import draw
from outcomes.clinic.plan import Plan


def adverse_events(plan: Plan, sessions: pl.DataFrame, seed: int) -> pl.DataFrame:
    """One row per event: the columns of the clean table `adverse_event` and the programme.

    A dose has an event with the probability of its programme, and rarely a second one.
    """
    rng = draw.stream(seed, 4)
    doses = sessions.filter("is_given")
    share = plan.by_programme(doses["programme_id"], lambda p: p.adverse_event)
    has = draw.chance(rng, share, doses.height)
    again = has & draw.chance(rng, plan.numbers["event_again"], doses.height)
    hit = pl.concat([doses.filter(pl.Series(has)), doses.filter(pl.Series(again))])
    n = hit.height
    onset = draw.whole(rng, 5, 60, n)
    severity = draw.choose(rng, plan.shares["event_severities"], n)
    events = hit.select("session_id", "patient_id", "programme_id").with_columns(
        term=pl.Series(draw.choose(rng, plan.shares["event_terms"], n)),
        severity=pl.Series(severity),
        is_serious=pl.Series((severity == "severe") & draw.chance(rng, 0.5, n)),
        onset_min=pl.Series(onset),
        resolved_min=pl.Series(np.asarray(onset + draw.whole(rng, 10, 240, n))),
    )
    return events.sort("session_id", "onset_min", "term").with_columns(
        event_id=pl.format("E{}", pl.int_range(1, pl.len() + 1).cast(pl.String).str.zfill(6))
    )
