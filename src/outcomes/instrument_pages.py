"""The shipped instruments and profiles in; a page for each questionnaire and an index of them out, as Markdown for clinicians.

The words are those of the TOML files and of this module; no wording of any questionnaire is in either.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final

from outcomes import instruments
from outcomes.instrument_facts import review_after_months, review_due
from outcomes.instrument_model import STANDARD, TOTAL, BandSet, Example, Instrument, Loinc, Measure, Status
from outcomes.instruments import Library
from outcomes.markdown import listed, runs, table
from outcomes.profile_model import Change, Cut, Rule
from outcomes.settings import DEFAULT_WINDOWS

INDEX: Final = "README.md"
MAIN: Final = "ketamine-rwe"
BETTER: Final = {"lower_is_better": "lower", "higher_is_better": "higher"}
MARKS: Final[dict[Status, str]] = {"unverified": "⚠ **unverified**"}
KINDS: Final = {"alpha": "internal consistency (alpha)", "retest": "test and retest", "icc": "intraclass correlation"}
NAMES: Final = {"lookback": "look-back", "codes": "LOINC codes", "missing": "blanks"}
GROUPS: Final = {"functional": "the well", "clinical": "patients"}

TOTALS_TOLD: Final = (
    "A total that does not tell its coding is judged by its whole file, and refused unless some total of it lies above what a raw sum can "
    "reach and all are such as whole answers give."
)

_MADE: Final = "<!-- Made from instruments/ and profiles/ by `outcomes docs`; do not edit. -->"
_INTRODUCTION: Final = """\
What each questionnaire asks, how it is scored, what counts as better and who says so. A questionnaire is one file in `instruments/`,
a set of thresholds one in `profiles/`; these pages are made from them. [How to add one](../instruments.md).

How well a fact is known stands beside it: **verified** was seen in the source named, **verified once** was seen and not looked at
again, **secondary** was seen where somebody reports it, a **house rule** is a choice of this project, and ⚠ **unverified** has no source
that anybody here saw. Do not print an unverified number without its mark."""


def pages(library: Library | None = None) -> dict[str, str]:
    """Every page by its file name: the index, and `<id>.md`."""
    library = library or instruments.load()
    return {INDEX: index(library), **{f"{one.id}.md": page(one, library) for one in library.instruments.values()}}


def index(library: Library) -> str:
    """All questionnaires in a table, and which of them the main profile expects of whom."""
    rows = [
        [
            f"[{one.title}]({one.id}.md)",
            one.about.split(".")[0].split(";")[0],
            listed(sorted({BETTER[measure.direction] for measure in one.measures}), "or"),
            _range(one.measures[0]) if one.measures[0].scale_id == TOTAL else "; ".join(dict.fromkeys(map(_range, one.measures))),
            _days(one.lookback_days),
            "total" if one.totals_only else "answers or total",
            _mark(one.status),
        ]
        for one in library.instruments.values()
    ]
    header = ["Questionnaire", "What it is", "Better is", "Scores", "Looks back", "Taken in as", "Scoring and bands"]
    return _joined([_MADE, "# Questionnaires", _INTRODUCTION, table(header, rows), *_expected(library)])


def page(one: Instrument, library: Library) -> str:
    """All that is known of one questionnaire."""
    return _joined(
        [
            _MADE,
            f"# {one.title}",
            one.about,
            table(["", ""], _facts(one)),
            *_scoring(one),
            *_bands(one),
            *_thresholds(one, library),
            *_reliability(one),
            *_misleading(one, library),
            *_examples(one),
            *_codes(one),
            "## Sources",
            table(["What for", "Where it was seen", "Status"], _sources(one)),
        ]
    )


def _joined(parts: Iterable[str]) -> str:
    return "\n\n".join(part for part in parts if part) + "\n"


def _expected(library: Library) -> Iterator[str]:
    yield "## Which of them for whom"
    yield f"What the profile `{MAIN}` expects of a patient. Whatever else a patient answers is reported as well."
    rows = []
    for each in library.profiles[MAIN].expectations:
        whom = f"`{each.indication}`" + (f" in the programme `{each.programme_id}`" if each.programme_id else "")
        rows.append([whom, *(_named(named, library) for named in (each.primary, each.secondary, each.optional))])
    yield table(["Indication", "First", "Also", "Of those who answer it"], rows)


def _named(measures: Iterable[str], library: Library) -> str:
    titles = {**{one.id: one.title for one in library.instruments.values()}, **{id_: each.title for id_, each in library.measures.items()}}
    return ", ".join(f"[{titles[name]}]({name.partition('.')[0]}.md)" for name in measures)


def _facts(one: Instrument) -> Iterator[list[str]]:
    directions = {measure.direction for measure in one.measures}
    yield ["Better is", BETTER[directions.pop()] if len(directions) == 1 else "another way from scale to scale, see below"]
    low, high = one.answers or (0, 0)
    yield ["Taken in as", "a total; no answers" if one.totals_only else f"{one.items} answers of {low} to {high}, or a total"]
    yield ["Looks back", f"{_days(one.lookback_days)}. {one.about_lookback}" if one.about_lookback else _days(one.lookback_days)]
    wording = "The wording may be shown" if one.licence.wording else "The wording may not be shown without asking"
    yield ["Licence", f"{one.licence.terms} {wording}; none is in this project."]
    due = review_due(one, review_after_months())
    yield ["Last held against its sources", f"{one.reviewed_on}; again by {due}" if due else "never"]
    yield ["Scoring and bands are", _mark(one.status)]
    yield ["Names in exports", ", ".join(f"`{name}`" for name in (one.id, *one.aliases))]


def _scoring(one: Instrument) -> Iterator[str]:
    yield "## How it is scored"
    if one.totals_only:
        yield "The clinic's own total is taken as it is, fractions included, and refused outside the range."
    else:
        yield table(
            ["Scale", "Name in tables", "Made of", "Better is", "Scores", "Blanks"],
            [[m.title, f"`{m.id}`", _made_of(m, one), BETTER[m.direction], _range(m), _blanks(m)] for m in one.measures],
        )
    if one.totals_only and (len(one.measures) > 1 or one.measures[0].scale_id != TOTAL):
        rows = [[m.title, f"`{m.id}`", BETTER[m.direction], _range(m)] for m in one.measures]
        yield table(["Scale", "Name in tables", "Better is", "Scores"], rows)
    elif one.totals_only:
        yield f"Scores: {_range(one.measures[0])}. Name in tables: `{one.id}`."
    if one.reversed:
        low, high = one.answers or (0, 0)
        yield f"Turned round before they are added (points = {low + high} - answer): {_items(one.reversed)}."
    for criterion in one.criteria:
        what = "of each sex its own" if any(line.sex for line in criterion.scores) else "all of"
        yield f"**{criterion.title}** (`{criterion.id}`): {what}"
        parts = [
            ", ".join(
                [
                    f"at least {each.needed} of {_items(each.items)} answered {each.at_least} or higher",
                    *(f"item {own.item} {own.at_least} or higher" for own in each.own_lines),
                ]
            )
            for each in criterion.clusters
        ]
        for line in criterion.scores:
            parts.append((f"{line.sex}: " if line.sex else "") + f"`{line.scale}` at least {_number(line.at_least)}, before any rounding")
        yield "\n".join(f"- {each}" for each in parts)
    for flag in one.flags:
        yield f"**{flag.title}**: item {flag.item} answered {flag.at_least} or higher is looked at by itself."
        yield f"Source ({_mark(flag.status)}): {flag.source}."
    yield from _codings(one)


def _codings(one: Instrument) -> Iterator[str]:
    if not one.codings:
        return
    refused = {"answers": "A form with answers that does not tell its coding is refused.", "totals": TOTALS_TOLD, None: ""}
    yield f"**Exports write it in more than one way**, and tell in `instrument_version` or by the name. {refused[one.must_tell]}".rstrip()
    rows = []
    for coding in one.codings:
        turned = "as above" if coding.reversed is None else _items(coding.reversed) if coding.reversed else "none"
        total = "the score" if coding.factor == 1 else f"the score divided by {_number(coding.factor)}"
        names = (f"{one.id}_{coding.id}", *coding.aliases)
        told = ", ".join(f"`{each}`" for each in (coding.id, *coding.versions))
        rows.append([coding.title, ", ".join(f"`{name}`" for name in names), told, turned, total])
    yield table(["Coding", "Names in exports", "Told by the version", "Turned round", "A total is"], rows)


def _made_of(measure: Measure, one: Instrument) -> str:
    if measure.how == "maxima":
        shared = [f"the highest of {runs(domain)}" if len(domain) > 1 else str(domain[0]) for domain in measure.domains]
        return f"Sum of {len(shared)} domains: {listed(shared)}"
    if measure.how == "highest":
        levels = [f"{level} for {item}" for item, level in zip(measure.items, measure.levels, strict=True)]
        return f"The highest level of a yes, not a sum: {listed(levels)}"
    what = "all items" if len(measure.items) == one.items else _items(measure.items)
    times = "" if measure.factor == 1 else f", times {_number(measure.factor)}"
    times += "" if measure.divisor == 1 else f", divided by {measure.divisor}"
    return f"{'Mean' if measure.how == 'mean' else 'Sum'} of {what}{times}"


def _blanks(measure: Measure) -> str:
    missing = measure.missing
    if measure.how == "highest":
        skipped = sorted(measure.asked_after)
        return "no score if one could raise the level" + (f"; {runs(skipped)} may be blank after a no" if skipped else "")
    if not missing.allowed:
        return "no score if a domain has no answer" if measure.how == "maxima" else "no score with any blank"
    how = "the mean of the answered" if measure.how == "mean" else "replaced by the mean of the others"
    return f"up to {missing.allowed}: {how}; no score with more"


def _bands(one: Instrument) -> Iterator[str]:
    banded = [(measure, bands) for measure in one.measures for bands in measure.band_sets]
    if not banded:
        return
    yield "## Bands"
    for measure, bands in banded:
        if len(banded) > 1:
            yield f"**{measure.title}**{_set(bands, measure)}"
        yield table(["Band", "Scores"], [[band.title, _span(band.low, band.high)] for band in bands.bands])
    yield "A score between two bands, as of a prorated form, belongs to the lower one."


def _set(bands: BandSet, measure: Measure) -> str:
    if len(measure.band_sets) == 1:
        return ""
    title = "the standard cuts" if bands.id == STANDARD else bands.title
    return f", {title[0].lower()}{title[1:]}" + (" (used for severity at the baseline)" if bands.is_default else "")


def _thresholds(one: Instrument, library: Library) -> Iterator[str]:
    yield "## What counts as better"
    rows, silent = [], []
    for profile in library.profiles.values():
        for rule in profile.rules:
            measure = library.measures[rule.instrument]
            if measure.questionnaire_id != one.id:
                continue
            if not rule.thresholds:
                silent.append(f"- `{profile.id}`, {measure.title}: {rule.source}.")
            for name in rule.thresholds:
                status = rule.trust.of(name) or "unverified"
                rows.append([f"`{profile.id}`", measure.title, _in_words(name, rule), _mark(status), rule.source.of(name) or ""])
    if rows:
        yield "A threshold that no source gives is left out, and its question is not asked."
        yield table(["Profile", "Scale", "Threshold", "Status", "Source"], rows)
    if silent:
        yield "No threshold is used:" + (" (other profiles)" if rows else "")
        yield "\n".join(silent)
    if not rows and not silent:
        yield "No profile has a threshold for it: its scores are described, and no rule sorts them."


def _in_words(name: str, rule: Rule) -> str:
    given = getattr(rule, name)
    if isinstance(given, Cut):
        return f"{'A case' if name == 'caseness' else name.capitalize()}: {given.side.replace('_', ' ')} {_number(given.value)}"
    if name == "minimum_baseline":
        return f"Response is asked of baselines of {_number(given)} or worse"
    title = "Important difference" if name == "mcid" else name.replace("_", " ").capitalize()
    if isinstance(given, Change):
        return f"{title}: {_change(given)} better than the baseline"
    return f"{title}: {_number(given)} points or more" if isinstance(given, Decimal) else f"{title}: `{given}`"


def _change(change: Change) -> str:
    if change.share is not None:
        return f"{_number(change.share * 100)} % or more"
    return f"{_number(change.points or Decimal(0))} points or more"


def _reliability(one: Instrument) -> Iterator[str]:
    titles = {measure.scale_id: measure.title for measure in one.measures}
    if one.reliabilities or one.norms:
        yield "## How reliable it is"
        yield "What is marked *used* goes into the change and the cut-offs of Jacobson and Truax."
    if one.reliabilities:
        rows = [
            [titles[each.scale], KINDS[each.kind], f"{each.r:f}", each.population, _used(each.used), _mark(each.status), each.source]
            for each in one.reliabilities
        ]
        yield table(["Scale", "Coefficient", "r", "Among", "", "Status", "Source"], rows)
    if one.norms:
        norms = [
            [titles[e.scale], GROUPS[e.kind], e.population, _number(e.mean), _number(e.sd), _used(e.used), _mark(e.status), e.source]
            for e in one.norms
        ]
        yield table(["Scale", "Scores of", "Among", "Mean", "SD", "", "Status", "Source"], norms)


def _used(used: bool) -> str:
    return "*used*" if used else ""


def _misleading(one: Instrument, library: Library) -> Iterator[str]:
    said = [*_too_early(one), *_overlaps(one, library), *_doubtful(one, library)]
    said += [f"{source.cite}. ({_mark(source.status)})" for source in one.sources if "note" in source.facts]
    if said:
        yield "## How it can mislead"
        yield "\n".join(f"- {each}" for each in said)


def _too_early(one: Instrument) -> Iterator[str]:
    early = [w for w in DEFAULT_WINDOWS if w.anchor == "day_0" and w.target_days is not None and w.target_days < (one.lookback_days or 0)]
    if early:
        names = f"window{'s' if len(early) > 1 else ''} {listed([f'`{window.id}`' for window in early], 'or')}"
        yield f"It asks about {_days(one.lookback_days)}: a form of the {names} also describes days before the first session."


def _overlaps(one: Instrument, library: Library) -> Iterator[str]:
    for profile in library.profiles.values():
        for rule in profile.rules:
            measure = library.measures[rule.instrument]
            case, remission = rule.caseness, rule.remission
            if measure.questionnaire_id != one.id or not case or not remission:
                continue
            if measure.sign * (remission.value - case.value) > 0:
                low, high = sorted((case.value, remission.value))
                yield f"Under `{profile.id}` whoever starts at {_span(low, high)} is a case and in remission at once."


def _doubtful(one: Instrument, library: Library) -> Iterator[str]:
    for profile in library.profiles.values():
        rules = [rule for rule in profile.rules if library.measures[rule.instrument].questionnaire_id == one.id]
        names = sorted({name for rule in rules for name in rule.thresholds if rule.trust.of(name) == "unverified"})
        if names:
            words = listed([name.replace("_", " ") for name in names])
            yield f"Under `{profile.id}` no source was seen for {words}: {_mark('unverified')}."


def _examples(one: Instrument) -> Iterator[str]:
    if one.examples:
        yield "## Worked examples"
        yield "The tests score them in a whole night. A blank answer is –."
        yield table(["Form", "Brought", "Score"], [[each.title, _brought(each), _result(each, one)] for each in one.examples])


def _brought(example: Example) -> str:
    if example.answers:
        return " ".join("–" if answer is None else str(answer) for answer in example.answers)
    return ", ".join(f"{scale} {_number(total)}" for scale, total in example.totals.items())


def _result(example: Example, one: Instrument) -> str:
    said = []
    for measure in one.measures:
        name = measure.scale_id
        if name in example.scores:
            band = next((band.title for band in measure.bands if band.id == example.bands.get(name)), None)
            said.append(f"{name} **{_number(example.scores[name])}**" + (f", {band.lower()}" if band else ""))
        elif name in example.reasons:
            said.append(f"{name}: none ({example.reasons[name].replace('_', ' ')})")
        elif name in example.refused:
            said.append(f"{name}: refused")
    said += [f"{name.replace('_', ' ')}: {'met' if met else 'not met'}" for name, met in example.criteria.items()]
    return "; ".join(said)


def _codes(one: Instrument) -> Iterator[str]:
    codes = one.loinc
    rows = [[name, code] for name, code in (("Panel", codes.panel), ("Total", codes.total)) if code]
    rows += [[f"Item {number}", code] for number, code in enumerate(codes.items, 1)]
    rows += [[name.replace("_", " ").capitalize(), code] for name, code in codes.other.items()]
    yield "## LOINC codes"
    yield table(["", "Code"], rows) if rows else "None was found."


def _sources(one: Instrument) -> Iterator[list[str]]:
    """But for what stands under other headings already: the notes, and that no code was found."""
    has_code = one.loinc != Loinc()
    for source in one.sources:
        facts = [NAMES.get(fact, fact) for fact in source.facts if fact != "note" and (fact != "codes" or has_code)]
        if facts or not source.facts:
            yield [listed(facts), source.cite, _mark(source.status)]


def _mark(status: Status) -> str:
    return MARKS.get(status, status)


def _days(days: int | None) -> str:
    return "no stated time" if days is None else "one day" if days == 1 else f"{days} days"


def _range(measure: Measure) -> str:
    return _span(measure.low, measure.high)


def _span(low: Decimal, high: Decimal) -> str:
    return _number(low) if low == high else f"{_number(low)} to {_number(high)}"


def _items(items: Iterable[int]) -> str:
    numbers = list(items)
    return f"item{'s' if len(numbers) > 1 else ''} {runs(numbers)}"


def _number(value: Decimal) -> str:
    return f"{value.normalize():f}"
