"""Clean frames in, verdicts out: which rows break which rule of `expectations/`, and whether built tables may be published.

Great Expectations takes its time for every rule it is given, and for every row. So it is asked once for all rules: a rule sees each
value once, and its verdict is carried back to the rows that hold the value; rules that ask the same of different columns are one
question; and a rule that has nothing to look at is not asked.
"""

import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, cast

import polars as pl

from outcomes import suites
from outcomes.suites import Question, Rule, RuleError, Severity, suite

__all__ = [
    "Judgement",
    "Rule",
    "RuleError",
    "RuleResult",
    "Severity",
    "check_release",
    "judge",
    "judge_seen",
    "look",
    "suite",
    "violations",
]

_WHETHER: Final = {"result_format": "BOOLEAN_ONLY"}
_WHICH: Final = {"result_format": "COMPLETE", "partial_unexpected_count": 0, "exclude_unexpected_values": True}
_WEIGHT: Final = "#weight"
_OUTLINE: Final = "outline of "
_VIOLATIONS: Final = pl.Schema({"row": pl.UInt32(), "code": pl.String()})

# What a rule of a release suite may name beside the columns of the table.
_GROUP: Final = ("instrument_id", "window_id", "breakdown", "level")
_became: Final = pl.sum_horizontal(pl.col("accepted", "duplicate", "superseded", "rejected").cast(pl.Int64), ignore_nulls=False)
_RELEASE_FACTS: Final = {
    "outcome_summary": pl.len().over("profile_id", "metric_id", *_GROUP).alias("rows_of_group"),
    "score_summary": pl.len().over(*_GROUP).alias("rows_of_group"),
    "input_file": (pl.col("rows_in").cast(pl.Int64) - _became).alias("balance"),
    "volume": pl.when(pl.col("rows_before") > 0).then(pl.col("rows") / pl.col("rows_before")).alias("kept_share"),
}


@dataclass(frozen=True)
class RuleResult:
    """What came of one rule: `violated` of `checked` rows broke it, both counted in rows of the export where a weight was given.

    `checked` counts the rows that the rule applies to and that have a value to look at (all of them, where it asks whether there is
    one). A rule that says the same of several columns counts a row once for each, and `column` lists those that broke it, if any did.
    """

    code: str
    table: str
    severity: Severity
    column: str
    message: str
    checked: int
    violated: int


@dataclass(frozen=True)
class Judgement:
    """`violations` has one line per row and rule that it broke, of all severities but `note`; `row` counts from 0."""

    results: list[RuleResult]
    violations: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_VIOLATIONS))


class _Asked(NamedTuple):
    """A question; what decides its answer, each case once, with its weight; and the places of the cases that break the rule."""

    question: Question
    cases: pl.DataFrame
    broken: Sequence[int] = ()

    @property
    def checked(self) -> int:
        return int(self.cases[_WEIGHT].sum())

    @property
    def violated(self) -> int:
        return int(self.cases[_WEIGHT].gather(list(self.broken)).sum())


@dataclass(frozen=True)
class Seen:
    """What the rules on rows look at in a frame, each case once: much less than the frame."""

    asked: Sequence[_Asked]


@dataclass(frozen=True)
class Verdict:
    """What came of the rules on rows, and which cases break them."""

    results: list[RuleResult]
    answers: Sequence[_Asked]


class _Block(NamedTuple):
    """What questions that ask the same look at, for a rule that stands for all of them; and which of the cases it is."""

    rule: Rule
    cases: pl.DataFrame


def judge(frame: pl.DataFrame, table: str, weight: str | None = None, rejected_before: int = 0) -> Judgement:
    """What the suite of a clean table says of a frame of it.

    `weight` names the column that says how many rows of the export a row was made from; without it each counts once. A rule that
    names a column which the frame lacks is not applicable: its result has checked = 0. `rejected_before` rows of the same file were
    already rejected while it was read; they count towards the share that refuses the file. Raises RuleError.
    """
    verdict = judge_seen(table, [look(frame, table, weight)])
    broken = violations(frame, verdict)
    counted = [rule.code for rule in suite(table) if rule.severity == "row" and rule.in_share]
    rejected = broken.filter(pl.col("code").is_in(counted)).get_column("row").unique()
    rows, lost = (frame.height, rejected.len()) if weight is None else (int(frame[weight].sum()), int(frame[weight].gather(rejected).sum()))
    return Judgement([*verdict.results, *judge_file(table, rows + rejected_before, lost + rejected_before)], broken)


def look(frame: pl.DataFrame, table: str, weight: str | None = None) -> Seen:
    """What the rules on rows see of a frame; of a frame that is read part by part, each part is looked at and all are judged at once."""
    rules = [rule for rule in suite(table) if rule.about == "row"]
    return Seen(_asked(_flat(frame, rules), rules, weight))


def judge_seen(table: str, seen: Sequence[Seen]) -> Verdict:
    """What the rules on rows say of everything that was seen, of frames with the same columns. Raises RuleError."""
    answers = _answered([_together(same) for same in zip(*(one.asked for one in seen), strict=True)])
    return Verdict(_results([rule for rule in suite(table) if rule.about == "row"], answers), answers)


def violations(frame: pl.DataFrame, verdict: Verdict) -> pl.DataFrame:
    """One line per row of the frame and rule that it breaks, of all severities but `note`; `row` counts from 0."""
    broken = [asked for asked in verdict.answers if asked.broken and asked.question.rule.severity != "note"]
    if not broken:
        return pl.DataFrame(schema=_VIOLATIONS)
    flat = _flat(frame, [asked.question.rule for asked in broken])
    return pl.concat(_rows(flat, asked) for asked in broken).sort("row", "code")


def _together(parts: Sequence[_Asked]) -> _Asked:
    """One question, its cases in several frames."""
    if len(parts) == 1:
        return parts[0]
    keys = list(_keys(parts[0].question))
    slots = parts[0].question.rule.slots
    cases = pl.concat(part.cases for part in parts).group_by(keys).agg(*(pl.col(slot).first() for slot in slots), pl.col(_WEIGHT).sum())
    return parts[0]._replace(cases=cases)


def _flat(frame: pl.DataFrame, rules: Sequence[Rule]) -> pl.DataFrame:
    """The frame with sets as texts, and the outline of each column that a rule judges by it."""
    frame = frame.with_columns(pl.col(name).list.join("+") for name, kind in frame.schema.items() if isinstance(kind, pl.List))
    names = {name for rule in rules if rule.judged_by == "outline" for target in rule.targets for name in target}
    return frame.with_columns(_outline(frame[name]).alias(_OUTLINE + name) for name in names if name in frame.columns)


def _outline(texts: pl.Series) -> pl.Series:
    """What the texts are when each run of letters and digits is one letter."""
    odd = texts.str.contains("[^0-9A-Za-z]").arg_true()
    plain = pl.Series(["x"]).new_from_index(0, texts.len())
    return plain.scatter(odd, texts.gather(odd).str.replace_all("[0-9A-Za-z]+", "x")) if odd.len() else plain


def judge_file(table: str, rows: int, rejected: int) -> list[RuleResult]:
    """What the suite of a clean table says of the rejected rows of a file.

    `violated` is 0, or the number of rejected rows where the file is to be refused. Raises RuleError.
    """
    rules = [rule for rule in suite(table) if rule.about == "file"]
    facts = pl.DataFrame({"rows": [rows], "rejected_share": [rejected / rows]}) if rejected else pl.DataFrame()
    refusing = [asked.question.rule for asked in _answered(_asked(facts, rules, None)) if asked.broken]
    return [_result(rule, rows, rejected if rule in refusing else 0) for rule in rules]


def may_be_accepted(code: str) -> bool:
    """Whether an operator may publish although this rule is broken; no rule that guards what is hidden may be passed over."""
    return all(rule.acceptable for table in _RELEASE_FACTS for rule in suite(f"release/{table}") if rule.code == code)


def check_release(frames: Mapping[str, pl.DataFrame]) -> list[RuleResult]:
    """What the release suites say of built tables, by name; a table that is not given is skipped.

    Takes outcome_summary and score_summary as published, input_file (status, rows_in, accepted, duplicate, superseded, rejected) and
    volume (table, rows, rows_before). The caller stops publication where a rule of severity `publication` is violated. Raises
    RuleError, also for a missing column.
    """
    rules: list[Rule] = []
    asked: list[_Asked] = []
    for table, frame in frames.items():
        own = suite(f"release/{table}")
        for question in suites.questions(own):
            if missing := question.columns - {*frame.columns, _RELEASE_FACTS[table].meta.output_name()}:
                raise RuleError(f"rule {question.rule.code} needs the column {min(missing)}, which {table} lacks")
        try:
            full = frame.with_columns(_RELEASE_FACTS[table])
        except pl.exceptions.PolarsError:
            raise RuleError(f"{table} lacks a column that its rules need") from None
        asked += _asked(_flat(full, own), own, None)
        rules += own
    return _results(rules, _answered(asked))


def _results(rules: Sequence[Rule], answers: Sequence[_Asked]) -> list[RuleResult]:
    results = []
    for rule in rules:
        own = [asked for asked in answers if asked.question.rule is rule]
        guilty = [asked.question.target for asked in own if asked.broken] if rule.each else []
        results.append(_result(rule, sum(asked.checked for asked in own), sum(asked.violated for asked in own), suites.listed(guilty)))
    return results


def _result(rule: Rule, checked: int, violated: int, columns: str = "") -> RuleResult:
    return RuleResult(rule.code, rule.table, rule.severity, columns or rule.column, rule.message, checked, violated)


def _asked(frame: pl.DataFrame, rules: Sequence[Rule], weight: str | None) -> list[_Asked]:
    """The questions that the frame has the columns for."""
    asked = [question for question in suites.questions(rules) if question.columns <= set(frame.columns)]
    views = {question.view: question for question in asked}
    share = pl.lit(1, pl.Int64) if weight is None else pl.col(weight).cast(pl.Int64)
    try:
        cases = dict(zip(views, pl.collect_all([_cases(frame, question, share) for question in views.values()]), strict=True))
    except pl.exceptions.PolarsError as error:
        raise RuleError(f"the rules of {rules[0].table} could not be evaluated: {type(error).__name__}") from None
    return [_Asked(question, cases[question.view]) for question in asked]


def _keys(question: Question) -> dict[str, pl.Expr]:
    """What decides the answer, by name."""
    keys: dict[str, pl.Expr] = {}
    for slot, name in zip(question.rule.slots, question.target, strict=True):
        column = pl.col(name)
        if question.about_null:
            keys[f"key of {slot}"] = column.is_null()
        elif question.rule.judged_by == "outline":
            keys |= {f"key of {slot}": pl.col(_OUTLINE + name), f"length of {slot}": column.str.len_chars()}
        else:
            keys[f"key of {slot}"] = column
    return keys


def _cases(frame: pl.DataFrame, question: Question, weight: pl.Expr) -> pl.LazyFrame:
    """The distinct keys where the question is asked, with a value for Great Expectations to look at and the weight of the rows."""
    keys = _keys(question)
    values = {
        slot: _shown(frame.schema[name], pl.col(name), question) for slot, name in zip(question.rule.slots, question.target, strict=True)
    }
    rows = frame.lazy().filter(question.applies).select(**keys, **values, **{_WEIGHT: weight}).drop_nulls(list(keys))
    if question.about_null:
        # There are two cases at most, and two counts are quicker than groups.
        (key,) = keys
        both = [rows.filter(pl.col(key) if is_null else ~pl.col(key)) for is_null in (True, False)]
        counted = [case.select(pl.all().exclude(_WEIGHT).first(), pl.col(_WEIGHT).sum()) for case in both]
        return pl.concat(counted).drop_nulls(key)
    return rows.group_by(list(keys)).agg(*(pl.col(slot).first() for slot in values), pl.col(_WEIGHT).sum())


def _shown(kind: pl.DataType, column: pl.Expr, question: Question) -> pl.Expr:
    """A value as Great Expectations sees it. Decimals are compared as floats, to 15 digits."""
    if question.about_null:
        return pl.when(column.is_not_null()).then(pl.lit("a value"))
    return column.cast(pl.Float64) if kind.is_numeric() else column


def _rows(frame: pl.DataFrame, asked: _Asked) -> pl.DataFrame:
    """The rows of the frame that are one of the broken cases."""
    keys = _keys(asked.question)
    rows = frame.lazy().with_columns(row=pl.int_range(pl.len(), dtype=pl.UInt32)).filter(asked.question.applies).select("row", **keys)
    hit = rows.join(asked.cases.select(list(keys))[list(asked.broken)].lazy(), on=list(keys), how="semi")
    return hit.select("row", code=pl.lit(asked.question.rule.code)).collect()


def _answered(asked: Sequence[_Asked]) -> list[_Asked]:
    """The same, in the same order, with the cases that break each rule."""
    alike: dict[tuple[str, ...], list[int]] = {}
    for number, (question, cases, _) in enumerate(asked):
        if cases.height:
            kinds = (str(cases.schema[slot]) for slot in question.rule.slots)
            alike.setdefault((question.demand, *kinds), []).append(number)
    blocks = [_Block(asked[numbers[0]].question.rule, _stacked(asked, numbers)) for numbers in alike.values()]
    doubtful = [block for block, result in zip(blocks, _run(blocks, _WHETHER), strict=True) if not result.success]
    broken: dict[int, list[int]] = {}
    for block, result in zip(doubtful, _run(doubtful, _WHICH), strict=True):
        found = [place for place in result.result["unexpected_index_list"] if place < block.cases.height]
        for number, case in block.cases.select("#question", "#case")[found].iter_rows():
            broken.setdefault(number, []).append(case)
    return [one._replace(broken=broken.get(number, ())) for number, one in enumerate(asked)]


def _stacked(asked: Sequence[_Asked], numbers: Sequence[int]) -> pl.DataFrame:
    """What the questions look at, one below the other, with the number of the question and the place in its cases."""
    frames = []
    for number in numbers:
        origin = {"#question": pl.lit(number, pl.Int64), "#case": pl.int_range(pl.len(), dtype=pl.Int64)}
        frames.append(asked[number].cases.select(*asked[number].question.rule.slots, **origin))
    return pl.concat(frames)


def _run(blocks: Sequence[_Block], result_format: Mapping[str, object]) -> list[Any]:
    """What Great Expectations says of each block; it sees all blocks side by side, the shorter filled up with their last case."""
    if not blocks:
        return []
    height = max(block.cases.height for block in blocks)
    columns, expectations = [], []
    for number, (rule, cases) in enumerate(blocks):
        names = {slot: f"{slot} of {rule.code}" for slot in rule.slots}
        filled = pl.int_range(height, eager=True).clip(upper_bound=cases.height - 1)
        columns.append(cases.select(list(names))[filled].rename(names))
        kwargs = {name: value for name, value in rule.kwargs.items() if name != "row_condition"} | names
        expectations.append({"type": rule.type, "kwargs": kwargs, "meta": {"number": number}})
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            results = _validate(pl.concat(columns, how="horizontal"), expectations, result_format)
    except Exception as error:
        tables = ", ".join(sorted({block.rule.table for block in blocks}))
        raise RuleError(f"the rules of {tables} could not be evaluated: {type(error).__name__}") from None
    results = sorted(results, key=lambda result: int(result.expectation_config.meta["number"]))
    for block, result in zip(blocks, results, strict=True):
        if _raised(result.exception_info):
            raise RuleError(f"rule {block.rule.code} could not be evaluated")
    return results


def _validate(frame: pl.DataFrame, expectations: Sequence[Mapping[str, object]], result_format: Mapping[str, object]) -> list[Any]:
    import great_expectations as gx
    from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults

    _hush("great_expectations")
    # A context of its own per run: it holds on to every frame it has seen.
    config = cast(Any, DataContextConfig)(
        analytics_enabled=False,
        progress_bars={"globally": False, "metric_calculations": False},
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
    )
    context = cast(Any, gx.get_context(mode="ephemeral", project_config=config))
    batches = context.data_sources.add_pandas("frames").add_dataframe_asset("frame").add_batch_definition_whole_dataframe("whole")
    batch = batches.get_batch({"dataframe": frame.to_pandas(use_pyarrow_extension_array=True)})
    suite = gx.ExpectationSuite(name="rules", expectations=[dict(expectation) for expectation in expectations])
    return list(batch.validate(suite, result_format=dict(result_format)).results)


def _hush(logger: str) -> None:
    """What the logger and those below it say goes nowhere: it may quote a value."""
    log = logging.getLogger(logger)
    log.propagate = False
    if not log.handlers:
        log.addHandler(logging.NullHandler())


def _raised(info: Mapping[str, Any]) -> bool:
    """Whether a result's exception_info tells of an exception; it is one record, or one per metric."""
    if "raised_exception" in info:
        return bool(info["raised_exception"])
    return any(part["raised_exception"] for part in info.values())
