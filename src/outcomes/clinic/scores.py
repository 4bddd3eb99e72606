"""A measure, what is planted on it and the visits in; the severity at every visit out.

The fate of a course comes first: it remits, responds, neither, or deteriorates, with the planted probabilities. A baseline and a
score of the window are then drawn from those that mean this fate under the measure's rule; the other visits lie on the way.
"""

from dataclasses import dataclass

import numpy as np

from outcomes.clinic import draw
from outcomes.clinic.draw import Bools, Floats, Ints
from outcomes.clinic.plan import Measure, Outcome, Plan, Programme

REMITS, RESPONDS, STAYS, WORSENS = range(4)


@dataclass(frozen=True)
class Fates:
    """Per course: its fate, whether its baseline is at caseness, whether a response is lost by d90, and the severity at each visit."""

    fate: Ints
    is_case: Bools
    is_lost: Bools
    severity: dict[str, Ints]


def live(plan: Plan, measure: Measure, outcome: Outcome, luck: Floats, rng: np.random.Generator) -> Fates:
    """What becomes of each course. `luck` is uniform; its lowest values fare best."""
    n = len(luck)
    fate = _fates(outcome, luck)
    mild = draw.chance(rng, plan.numbers["below_caseness"] if measure.mild else 0.0, n)
    base, settled = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    for is_mild in (False, True):
        starts = measure.severities(measure.mild if is_mild and measure.mild else measure.baseline)
        for kind, means in enumerate(_allowed(measure, is_mild)):
            who = np.flatnonzero((fate == kind) & (mild == is_mild))
            base[who] = _from(rng, starts[means[starts].any(axis=1)], len(who))
            settled[who] = _reached(rng, means, base[who], kind)
    lost = draw.chance(rng, outcome.relapse, n) & (fate <= RESPONDS)
    severity = _on_the_way(plan, measure, base, settled, rng) | _afterwards(measure, base, settled, lost, rng)
    return Fates(fate, ~mild, lost, severity)


def about_booster(programme: Programme, measure: Measure, life: Fates, rng: np.random.Generator) -> dict[str, Ints]:
    """The severity before and after the first booster: of those who responded some no longer do, and some of these do again."""
    base, settled = life.severity["baseline"], life.severity["window"]
    responds = measure.responds()
    limit = (responds.shape[1] - 1 - responds[:, ::-1].argmax(axis=1))[base]
    responded = responds[base, settled]
    lapsed = responded & draw.chance(rng, programme.booster_lapse, len(base))
    regained = lapsed & draw.chance(rng, programme.booster_regain, len(base))
    back = np.minimum(limit + 1 + draw.whole(rng, 0, 3, len(base)), measure.top)
    before = np.where(lapsed, back, settled)
    return {"booster_before": before, "booster_after": np.where(regained, settled, before)}


def _fates(outcome: Outcome, luck: Floats) -> Ints:
    edges = [outcome.remission, outcome.response, 1 - outcome.deterioration]
    return np.asarray(np.searchsorted(edges, luck, side="right"), dtype=np.int64)


def _allowed(measure: Measure, is_mild: bool) -> list[Bools]:
    """Per fate the severities (columns) that mean it, for each baseline severity (row). Who was never ill can respond, not remit."""
    worsens, remits = measure.worsens(), measure.remits()[None, :]
    better = measure.responds() if measure.has_response else measure.improvement() > 0
    if not measure.has_deterioration:
        worsens = measure.improvement() < 0
    if is_mild or not measure.remission:
        return [better, better, ~better & ~worsens, worsens]
    return [better & remits, better & ~remits, ~better & ~worsens & ~remits, worsens]


def _from(rng: np.random.Generator, values: Ints, n: int) -> Ints:
    return values[draw.bell(rng, 0, len(values) - 1, n)]


def _reached(rng: np.random.Generator, means: Bools, base: Ints, kind: int) -> Ints:
    """A severity that means the fate; who stays or worsens does not go to the end of the scale."""
    low = means.argmax(axis=1)[base]
    high = (means.shape[1] - 1 - means[:, ::-1].argmax(axis=1))[base]
    if kind == STAYS:
        high = np.minimum(high, np.maximum(low, base + 2))
    if kind == WORSENS:
        high = np.minimum(high, low + 8)
    return draw.bell(rng, low, high, len(base))


def _on_the_way(plan: Plan, measure: Measure, base: Ints, settled: Ints, rng: np.random.Generator) -> dict[str, Ints]:
    severity = {"baseline": base, "screening": np.minimum(base + draw.whole(rng, 0, 4, len(base)), measure.top)}
    for name in ("h24", "d7", "end_of_induction", "d30"):
        low, high = plan.visits[name].progress
        share = low + (high - low) * rng.random(len(base))
        severity[name] = np.clip(np.floor(base + share * (settled - base) + 0.5).astype(np.int64), 0, measure.top)
    severity["window"] = settled
    return severity


def _afterwards(measure: Measure, base: Ints, settled: Ints, lost: Bools, rng: np.random.Generator) -> dict[str, Ints]:
    """After the window who responded still responds, but for those who lose the response: they are back near the baseline."""
    responds = measure.responds()
    if not measure.has_response:
        near = np.clip(settled + draw.whole(rng, -1, 1, len(base)), 0, measure.top)
        return {"d90": near, "d180": near}
    limit = (responds.shape[1] - 1 - responds[:, ::-1].argmax(axis=1))[base]
    severity = {}
    for name in ("d90", "d180"):
        near = np.clip(settled + draw.whole(rng, -2, 2, len(base)), 0, measure.top)
        kept = np.where(settled <= limit, np.minimum(near, limit), np.maximum(near, np.minimum(limit + 1, measure.top)))
        severity[name] = np.where(lost, np.maximum(limit + 1, base - draw.whole(rng, 0, 2, len(base))), kept)
    return severity
