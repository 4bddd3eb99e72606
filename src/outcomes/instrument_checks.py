"""An instrument or a profile in; the sentences about what does not fit together in it out, none if all does."""

import difflib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Final, TypeVar

from outcomes.instrument_model import STANDARD, TOTAL, Band, Criterion, Example, Instrument, Measure, Scale, normalise
from outcomes.profile_model import Cut, Profile, Rule

Value = TypeVar("Value")

_ITEM_KEYS: Final = ("items", "answers", "reversed", "labels", "criterion", "flag", "missing")
_ITEM_SCALE_KEYS: Final = ("items", "domains", "how", "levels", "asked_after", "factor", "divisor", "missing")
HIGHEST_ITEM: Final = 62


def problems_of_instrument(instrument: Instrument) -> list[str]:
    """Contradictions inside one instrument, each naming its key."""
    # Later checks count on what the earlier ones establish, so the first group that finds something ends the search.
    for group in (_shape, _items, _scales, _codings, _bands, _flags, _rest, _facts, _examples):
        found = list(group(instrument))
        if found:
            return found
    return []


def problems_of_profile(profile: Profile, measures: Mapping[str, Measure]) -> list[str]:
    """Measures of a profile that no instrument has, and thresholds that its scores can't reach."""
    found: list[str] = []
    for place, rule in enumerate(profile.rules, 1):
        unknown = _unknown(rule.instrument, measures)
        found += [f"rule[{place}].{said}" for said in ([f"instrument: {unknown}"] if unknown else _rule(rule, measures[rule.instrument]))]
    for place, expectation in enumerate(profile.expectations, 1):
        found += [f"expected[{place}].{role}: {said}" for measure, role in expectation.measures if (said := _unknown(measure, measures))]
    twice = _twice((each.indication, each.programme_id) for each in profile.expectations)
    return found + [f"expected: two entries for {indication}" for indication, _ in twice]


def _shape(instrument: Instrument) -> Iterator[str]:
    if not instrument.totals_only:
        for key in ("items", "answers"):
            if getattr(instrument, key) is None:
                yield f"{key} is missing (a questionnaire without items needs totals_only = true)"
        if instrument.range:
            yield "range is for totals_only; with items it follows from answers"
        yield from (f"scale {s.id}: range is for totals_only; with items it follows from answers" for s in instrument.scales if s.range)
        return
    given = {Instrument.model_fields[key].alias or key for key in instrument.model_fields_set}
    yield from (f"{key} does not go with totals_only = true" for key in _ITEM_KEYS if key in given)
    if not instrument.range and not instrument.scales:
        yield "range is missing (totals_only = true needs the range of the total, or scales with one each)"
    for scale in instrument.scales:
        written = [key for key in _ITEM_SCALE_KEYS if key in scale.model_fields_set]
        yield from (f"scale {scale.id}: {key} does not go with totals_only = true" for key in written)
        if not scale.range:
            yield f"scale {scale.id}: range is missing"
    if instrument.range and any(scale.id == TOTAL for scale in instrument.scales):
        yield "range: the scale total is written twice, at the top and as a scale"
    for where, ends in [("range", instrument.range), *((f"scale {scale.id}: range", scale.range) for scale in instrument.scales)]:
        if ends and ends[0] >= ends[1]:
            yield f"{where}: the lowest score is not below the highest"


def _items(instrument: Instrument) -> Iterator[str]:
    if instrument.answers and instrument.answers[0] >= instrument.answers[1]:
        yield "answers: the lowest is not below the highest"
    yield from _outside("reversed", instrument.reversed, instrument)
    for label, answer in instrument.labels.items():
        if not _allowed(answer, instrument):
            yield f'labels: "{label}" stands for {answer}, which is not an answer'
        if not normalise(label):
            yield f'labels: "{label}" has no letter or digit'
    yield from (f'labels: "{label}" stands twice' for label in _twice(normalise(label) for label in instrument.labels))


def _scales(instrument: Instrument) -> Iterator[str]:
    yield from (f"scale {name} stands twice" for name in _twice(scale.id for scale in instrument.scales))
    if instrument.totals_only:
        return
    for scale in instrument.scales:
        where = f"scale {scale.id}: "
        yield from (where + said for said in _outside("items", scale.items, instrument))
        yield from (where + said for said in _domains(scale, instrument))
        yield from (where + said for said in _levels(scale, instrument))
    yield from _missing_rules(instrument)


def _domains(scale: Scale, instrument: Instrument) -> Iterator[str]:
    if scale.how != "maxima":
        if scale.domains:
            yield 'domains are for how = "maxima"'
        return
    if not scale.domains or not all(scale.domains):
        yield 'how = "maxima" needs domains, each with items'
    if scale.items:
        yield 'items: how = "maxima" takes its items from domains'
    yield from _outside("domains", [item for domain in scale.domains for item in domain], instrument)
    missing = scale.missing or instrument.missing
    if missing.allowed:
        yield "missing: a blank domain of a sum of maxima can't be replaced; allowed must be 0"


def _levels(scale: Scale, instrument: Instrument) -> Iterator[str]:
    if scale.how != "highest":
        yield from (f'{key} is for how = "highest"' for key in ("levels", "asked_after") if key in scale.model_fields_set)
        return
    items = scale.items or tuple(range(1, (instrument.items or 0) + 1))
    if instrument.answers != (0, 1):
        yield 'how = "highest" needs answers = [0, 1], no and yes'
    if len(scale.levels) != len(items):
        yield f"levels: {len(scale.levels)} levels for {len(items)} items"
    if max(items) > HIGHEST_ITEM:
        yield f'how = "highest" takes items up to {HIGHEST_ITEM}'
    if {"factor", "divisor", "missing"} & scale.model_fields_set or any(item in instrument.reversed for item in items):
        yield 'factor, divisor, missing and reversed items do not go with how = "highest"'
    gates = [int(gate) for gate in scale.asked_after]
    asked = [item for after in scale.asked_after.values() for item in after]
    yield from (f"asked_after: item {item} is none of the scale's" for item in sorted({*gates, *asked} - set(items)))
    yield from (f"asked_after: item {item} stands twice" for item in _twice(asked))


def _codings(instrument: Instrument) -> Iterator[str]:
    if instrument.must_tell and len(instrument.codings) < (1 if instrument.must_tell == "answers" else 2):
        yield "must_tell: there is no [[coding]] that an export could tell"
    yield from (f"coding {name} stands twice" for name in _twice(coding.id for coding in instrument.codings))
    for coding in instrument.codings:
        if coding.reversed is not None:
            yield from (f"coding {coding.id}: {said}" for said in _outside("reversed", coding.reversed, instrument))
            if instrument.totals_only:
                yield f"coding {coding.id}: reversed does not go with totals_only = true"
    told = [version for coding in instrument.codings for version in {normalise(text) for text in (coding.id, *coding.versions)}]
    yield from (f'coding: "{version}" tells two codings' for version in _twice(told))
    if instrument.must_tell == "answers" and any(criterion.clusters for criterion in instrument.criteria):
        yield "criterion: clusters of items do not go with codings of the answers"


def _missing_rules(instrument: Instrument) -> Iterator[str]:
    for measure in instrument.measures:
        if measure.how in ("maxima", "highest"):
            continue
        if measure.missing.allowed >= len(measure.domains):
            yield f"scale {measure.scale_id}: missing: {measure.missing.allowed} blanks allowed of {len(measure.domains)} items"
        if measure.how == "sum" and measure.missing.allowed and measure.missing.fill == "none":
            yield f'scale {measure.scale_id}: missing: a sum that bears blanks needs fill = "mean", or a partial form scores too low'


def _bands(instrument: Instrument) -> Iterator[str]:
    measures = instrument.measures
    total = next((scale for scale in instrument.scales if scale.id == TOTAL), None)
    if instrument.bands and not any(measure.scale_id == TOTAL for measure in measures):
        yield "bands at the top belong to the scale total, which there is not"
    if instrument.bands and total and total.bands:
        yield "bands of the total stand twice, at the top and in its scale"
    yield from (f"band_set {each.id}: {said}" for each in instrument.band_sets for said in _of_no_scale(each.scale, instrument))
    for measure in measures:
        sets = measure.band_sets
        where = f"scale {measure.scale_id}: "
        yield from (f"{where}band_set {name} stands twice" for name in _twice(each.id for each in sets))
        if sets and sum(each.is_default for each in sets) != 1:
            yield f"{where}one of its sets of bands is the default: bands, or a band_set with is_default = true"
        for each in sets:
            key = "bands" if each.id == STANDARD else f"band_set {each.id}"
            yield from (f"{where}{key}: {said}" for said in _cover(each.bands, measure))


def _cover(bands: Sequence[Band], measure: Measure) -> Iterator[str]:
    yield from (f"{name} stands twice" for name in _twice(band.id for band in bands))
    yield from (f"{band.id} ends below its start" for band in bands if band.high < band.low)
    if bands[0].low != measure.low:
        yield f"{bands[0].id} starts at {bands[0].low}, the scores at {measure.low:f}"
    for before, after in pairwise(bands):
        if after.low <= before.high:
            yield f"{before.id} and {after.id} overlap"
        elif after.low - before.high > _step(measure):
            yield f"nothing covers the scores between {before.id} and {after.id}"
    if bands[-1].high != measure.high:
        yield f"{bands[-1].id} ends at {bands[-1].high}, the scores at {measure.high:f}"


def _step(measure: Measure) -> Decimal:
    """How far apart two neighbouring bands may stand: one point, or one step of a sum that is multiplied."""
    return max(Decimal(1), measure.factor) if measure.how == "sum" else Decimal(1)


def _flags(instrument: Instrument) -> Iterator[str]:
    yield from (f"flag {name} stands twice" for name in _twice(flag.id for flag in instrument.flags))
    total = next((measure for measure in instrument.measures if measure.scale_id == TOTAL), None)
    for flag in instrument.flags:
        if total is None or flag.item not in total.items:
            yield f"flag {flag.id}: item {flag.item} is not in the scale total"
        lowest, highest = instrument.answers or (0, 0)
        if not lowest < flag.at_least <= highest:
            yield f"flag {flag.id}: at_least {flag.at_least} does not divide the answers {lowest} to {highest}"


def _rest(instrument: Instrument) -> Iterator[str]:
    yield from (f'aliases: "{alias}" has no letter or digit' for alias in instrument.aliases if not normalise(alias))
    codes = instrument.loinc.items
    if codes and len(codes) != instrument.items:
        yield f"loinc.items: {len(codes)} codes for {instrument.items or 'no'} items"
    yield from (f"criterion {name} stands twice" for name in _twice(criterion.id for criterion in instrument.criteria))
    for criterion in instrument.criteria:
        for cluster in criterion.clusters:
            where = f"criterion {criterion.id}: cluster {cluster.id}: "
            yield from (where + said for said in _outside("items", cluster.items, instrument))
            if not _allowed(cluster.at_least, instrument):
                yield f"{where}at_least {cluster.at_least} is not an answer"
            yield from (
                f"{where}own_lines: item {own.item} is none of its items" for own in cluster.own_lines if own.item not in cluster.items
            )
            yield from (f"{where}own_lines: item {item} stands twice" for item in _twice(str(own.item) for own in cluster.own_lines))
            for own in cluster.own_lines:
                if not _allowed(own.at_least, instrument):
                    yield f"{where}own_lines: at_least {own.at_least} is not an answer"
            if cluster.needed > len(cluster.items):
                yield f"{where}{cluster.needed} needed of {len(cluster.items)} items"
        yield from (f"criterion {criterion.id}: cluster {name} stands twice" for name in _twice(c.id for c in criterion.clusters))
        yield from (f"criterion {criterion.id}: scores: {said}" for said in _lines(criterion, instrument))


def _lines(criterion: Criterion, instrument: Instrument) -> Iterator[str]:
    measures = {measure.scale_id: measure for measure in instrument.measures}
    for line in criterion.scores:
        measure = measures.get(line.scale)
        if measure is None:
            yield f"there is no scale {line.scale}"
        elif not measure.low <= line.at_least <= measure.high:
            yield f"{line.at_least} lies outside the scores of {line.scale}, {measure.low:f} to {measure.high:f}"
    yield from (f"two lines for {scale}" for scale, _ in _twice((line.scale, line.sex) for line in criterion.scores))
    sexed = {line.scale for line in criterion.scores if line.sex}
    yield from (f"{line.scale} has a line for all and one by sex" for line in criterion.scores if line.scale in sexed and not line.sex)


def _facts(instrument: Instrument) -> Iterator[str]:
    if instrument.licence.allows == "totals only" and not instrument.totals_only:
        yield 'licence.allows: items and answers are scored here; "totals only" needs totals_only = true'
    measures = {measure.scale_id: measure for measure in instrument.measures}
    for place, norm in enumerate(instrument.norms, 1):
        measure = measures.get(norm.scale)
        if measure and not measure.low <= norm.mean <= measure.high:
            yield f"norm[{place}].mean: {norm.mean} lies outside the scores {measure.low:f} to {measure.high:f}"
    scaled = [("reliability", place, each.scale) for place, each in enumerate(instrument.reliabilities, 1)]
    scaled += [("norm", place, each.scale) for place, each in enumerate(instrument.norms, 1)]
    for key, place, scale in scaled:
        yield from (f"{key}[{place}].scale: {said}" for said in _of_no_scale(scale, instrument))
    yield from (f"reliability: two are used for {scale}" for scale in _twice(each.scale for each in instrument.reliabilities if each.used))
    used = [(each.scale, each.kind) for each in instrument.norms if each.used]
    yield from (f"norm: two {kind} ones are used for {scale}" for scale, kind in _twice(used))


def _of_no_scale(scale: str, instrument: Instrument) -> Iterator[str]:
    if scale not in {measure.scale_id for measure in instrument.measures}:
        yield f"there is no scale {scale}"


def _examples(instrument: Instrument) -> Iterator[str]:
    scales = {measure.scale_id: measure for measure in instrument.measures}
    for example in instrument.examples:
        yield from (f'example "{example.title}": {said}' for said in _example(example, instrument, scales))


def _example(example: Example, instrument: Instrument, scales: Mapping[str, Measure]) -> Iterator[str]:
    if bool(example.answers) == bool(example.totals):
        yield "needs answers or totals, and not both"
        return
    for name in sorted({*example.totals, *example.refused, *example.scores, *example.reasons, *example.bands} - set(scales)):
        yield f"there is no scale {name}"
    for name, band in example.bands.items():
        if name in scales and band not in {each.id for each in scales[name].bands}:
            yield f"scale {name} has no band {band}"
    yield from _reported(example, scales) if example.totals else _answered(example, instrument, scales)
    for name in sorted(set(example.criteria) - {criterion.id for criterion in instrument.criteria}):
        yield f"there is no criterion {name}"


def _reported(example: Example, scales: Mapping[str, Measure]) -> Iterator[str]:
    for name, total in example.totals.items():
        if name not in scales:
            continue
        measure = scales[name]
        fits = measure.low <= total <= measure.high
        if fits == (name in example.refused):
            yield f"total of {name} lies {'inside' if fits else 'outside'} {measure.low:f} to {measure.high:f}"
        elif fits and example.scores.get(name) != total:
            yield f"score of {name} is its total"


def _answered(example: Example, instrument: Instrument, scales: Mapping[str, Measure]) -> Iterator[str]:
    if example.refused:
        yield "refused goes with totals"
    if len(example.answers) != instrument.items:
        yield f"{len(example.answers)} answers for {instrument.items} items"
    wrong = sorted({answer for answer in example.answers if answer is not None and not _allowed(answer, instrument)})
    yield from (f"{answer} is not an answer" for answer in wrong)
    for name, measure in scales.items():
        if (name in example.scores) == (name in example.reasons):
            yield f"scale {name} needs a score or a reason, and not both"
        if name in example.scores and not measure.low <= example.scores[name] <= measure.high:
            yield f"score of {name} lies outside {measure.low:f} to {measure.high:f}"


def _rule(rule: Rule, measure: Measure) -> Iterator[str]:
    width = measure.high - measure.low
    inside = f"lies outside the scores {measure.low:f} to {measure.high:f}"
    for name, cut in (("remission", rule.remission), ("caseness", rule.caseness)):
        if cut and not measure.low <= cut.value <= measure.high:
            yield f"{name}: {cut.value} {inside}"
        if cut and _good_is_low(cut) != ((measure.sign > 0) == (name == "remission")):
            yield f"{name}: {cut.side} is the wrong side, {measure.direction.replace('_', ' ')}"
    if rule.minimum_baseline is not None and not measure.low <= rule.minimum_baseline <= measure.high:
        yield f"minimum_baseline: {rule.minimum_baseline} {inside}"
    response, mcid = (change.points if change else None for change in (rule.response, rule.mcid))
    for name, change in (("response", response), ("reliable_change", rule.reliable_change), ("mcid", mcid)):
        if change and change > width:
            yield f"{name}: {change} points is more than the scale is wide ({width:f})"


def _good_is_low(cut: Cut) -> bool:
    return cut.side in ("below", "at_most")


def _unknown(measure: str, measures: Mapping[str, Measure]) -> str | None:
    if measure in measures:
        return None
    nearest = difflib.get_close_matches(measure, measures, n=1, cutoff=0.4)
    return f"no instrument has a scale {measure}" + (f"; did you mean {nearest[0]}?" if nearest else "")


def _allowed(answer: int, instrument: Instrument) -> bool:
    return instrument.answers is not None and instrument.answers[0] <= answer <= instrument.answers[1]


def _outside(key: str, items: Iterable[int], instrument: Instrument) -> Iterator[str]:
    items = list(items)
    yield from (f"{key}: there is no item {item}" for item in items if item > (instrument.items or 0))
    yield from (f"{key}: item {item} stands twice" for item in _twice(items))


def _twice(values: Iterable[Value]) -> list[Value]:
    return [value for value, times in Counter(values).items() if times > 1]
