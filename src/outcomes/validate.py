"""Clean frames in, verdicts out: which rows break which rule of `expectations/`, and whether built tables may be published.

A rule on the values of a row gives equal rows the same verdict. So `judge` looks for the distinct combinations of the columns
of each rule, lets Great Expectations see one row of each, and carries the verdict back to all rows that share it.
"""

import json
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, Literal, cast

import polars as pl

from outcomes import places

Severity = Literal["row", "file", "publication", "note"]

_NULLNESS: Final = ("expect_column_values_to_not_be_null", "expect_column_values_to_be_null")
_SUMMARY: Final = {"result_format": "SUMMARY", "partial_unexpected_count": 0}
_ROWS: Final = {"result_format": "COMPLETE", "partial_unexpected_count": 0, "exclude_unexpected_values": True}
_ROW: Final = "#row"
_WEIGHT: Final = "#weight"
_VIOLATIONS: Final = pl.Schema({"row": pl.UInt32(), "code": pl.String()})

# What a rule of a release suite may name beside the columns of the table.
_became: Final = pl.sum_horizontal(pl.col("accepted", "duplicate", "superseded", "rejected").cast(pl.Int64), ignore_nulls=False)
_RELEASE_FACTS: Final = {
    "input_file": (pl.col("rows_in").cast(pl.Int64) - _became).alias("balance"),
    "volume": pl.when(pl.col("rows_before") > 0).then(pl.col("rows") / pl.col("rows_before")).alias("kept_share"),
}


class RuleError(Exception):
    """A rule could not be evaluated; the text names the rule and the kind of error, never a value."""


@dataclass(frozen=True)
class Rule:
    """One entry of a suite: a Great Expectations type with its arguments, and what it means to a clinic.

    `judged_by` "outline" says that the verdict on a text depends only on its length and on what is left when each run of ASCII
    letters and digits is made one letter. `about` "file" marks a rule on the share of rejected rows. `in_share` is false where a
    rejected row says nothing about its file.
    """

    code: str
    table: str
    severity: Severity
    message: str
    rejects: str
    type: str
    kwargs: Mapping[str, Any]
    judged_by: Literal["value", "outline"] = "value"
    about: Literal["row", "file"] = "row"
    in_share: bool = True
    source: str = ""
    status: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the rule is about; those of its condition are in `condition`."""
        named = [self.kwargs[key] for key in ("column", "column_A", "column_B") if key in self.kwargs]
        return tuple(named) or tuple(self.kwargs["column_list"])

    @property
    def condition(self) -> tuple[tuple[str, bool], ...]:
        """Columns that decide whether the rule applies, each with whether only its being null matters."""
        return tuple(_condition_columns(self.kwargs.get("row_condition")))

    @property
    def column(self) -> str:
        """The column to name in a report: of a pair, the one that holds a value of the export."""
        return next(
            (name for name in self.columns if name not in ("as_of", "total_min", "total_max", "answer_min", "answer_max")), self.columns[0]
        )


@dataclass(frozen=True)
class RuleResult:
    """What came of one rule: `violated` of `checked` rows broke it, both counted in rows of the export where a weight was given.

    `checked` counts the rows that have a value to look at (all rows, where the rule asks whether there is one).
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


@cache
def suite(name: str) -> tuple[Rule, ...]:
    """The rules of `expectations/<name>.json`, in order; `name` is a clean table, or `release/<table>`."""
    data = json.loads((places.folder("expectations") / f"{name}.json").read_text(encoding="utf-8"))
    table = data["meta"]["table"]
    return tuple(Rule(table=table, type=entry["type"], kwargs=entry["kwargs"], **entry["meta"]) for entry in data["expectations"])


def judge(frame: pl.DataFrame, table: str, weight: str | None = None, rejected_before: int = 0) -> Judgement:
    """What the suite of a clean table says of a frame of it.

    `weight` names the column that says how many rows of the export a row was made from; without it each counts once. A rule that
    names a column which the frame lacks is not applicable: its result has checked = 0. `rejected_before` rows of the same file were
    already rejected while it was read; they count towards the share that refuses the file. Raises RuleError.
    """
    rules = [rule for rule in suite(table) if rule.about == "row"]
    flat = frame.with_columns(pl.col(name).list.join("+") for name, kind in frame.schema.items() if isinstance(kind, pl.List))
    groups: dict[tuple[str, ...], pl.DataFrame] = {}
    checked: dict[str, int] = {}
    for rule in rules:
        if _names(rule) <= set(flat.columns):
            keys = _keys(rule)
            if tuple(keys) not in groups:
                groups[tuple(keys)] = _combinations(flat, keys, weight)
            checked[rule.code] = _weight(groups[tuple(keys)].filter(_has_value(rule)))
    failing = _failing(flat, [rule for rule in rules if checked.get(rule.code)], groups)

    results, broken = [], []
    for rule in rules:
        bad = groups[tuple(_keys(rule))].filter(pl.col(_ROW).is_in(failing[rule.code])) if rule.code in failing else None
        results.append(_result(rule, checked.get(rule.code, 0), 0 if bad is None else _weight(bad)))
        if bad is not None and rule.severity != "note":
            broken.append(_rows(flat, rule, bad))
    violations = pl.concat(broken).sort("row", "code") if broken else pl.DataFrame(schema=_VIOLATIONS)

    counted = [rule.code for rule in rules if rule.severity == "row" and rule.in_share]
    rejected = violations.filter(pl.col("code").is_in(counted)).get_column("row").unique()
    rows, lost = (flat.height, rejected.len()) if weight is None else (int(flat[weight].sum()), int(flat[weight].gather(rejected).sum()))
    return Judgement([*results, *judge_file(table, rows + rejected_before, lost + rejected_before)], violations)


def judge_file(table: str, rows: int, rejected: int) -> list[RuleResult]:
    """What the suite of a clean table says of the rejected rows of a file.

    `violated` is 0, or the number of rejected rows where the file is to be refused. Raises RuleError.
    """
    rules = [rule for rule in suite(table) if rule.about == "file"]
    if not rejected:
        return [_result(rule, rows, 0) for rule in rules]
    facts = pl.DataFrame({"rows": [rows], "rejected_rows": [rejected], "rejected_share": [rejected / rows]})
    found = _run(rules, facts, _SUMMARY)
    return [_result(rule, rows, 0 if found[rule.code]["success"] else rejected) for rule in rules]


def check_release(frames: Mapping[str, pl.DataFrame]) -> list[RuleResult]:
    """What the release suites say of built tables, by name; a table that is not given is skipped.

    Takes outcome_summary and score_summary as published, input_file (status, rows_in, accepted, duplicate, superseded, rejected) and
    volume (table, rows, rows_before). The caller stops publication where a rule of severity `publication` is violated. Raises
    RuleError, also for a missing column.
    """
    results = []
    for table, frame in frames.items():
        rules = suite(f"release/{table}")
        try:
            full = frame.with_columns(_RELEASE_FACTS[table]) if table in _RELEASE_FACTS else frame
        except pl.exceptions.PolarsError:
            raise RuleError(f"{table} lacks a column that its rules need") from None
        for rule in rules:
            if missing := _names(rule) - set(full.columns):
                raise RuleError(f"rule {rule.code} needs the column {min(missing)}, which {table} lacks")
        found = _run(rules, full, _SUMMARY) if full.height else {}
        results += [_result(rule, full.height, int(found[rule.code]["unexpected_count"]) if found else 0) for rule in rules]
    return results


def _result(rule: Rule, checked: int, violated: int) -> RuleResult:
    return RuleResult(rule.code, rule.table, rule.severity, rule.column, rule.message, checked, violated)


def _condition_columns(condition: Mapping[str, Any] | None) -> Iterator[tuple[str, bool]]:
    if not condition:
        return
    if "conditions" in condition:
        for part in condition["conditions"]:
            yield from _condition_columns(part)
    else:
        yield condition["column"]["name"], condition["type"] == "nullity"


def _names(rule: Rule) -> set[str]:
    return {*rule.columns, *(name for name, _ in rule.condition)}


def _value_keys(rule: Rule) -> dict[str, pl.Expr]:
    """By name, what of the rule's own columns decides its verdict."""
    keys: dict[str, pl.Expr] = {}
    for name in rule.columns:
        column = pl.col(name)
        if rule.type in _NULLNESS:
            keys[f"{name} is null"] = column.is_null()
        elif rule.judged_by == "outline":
            keys[f"{name} outline"] = column.str.replace_all("[0-9A-Za-z]+", "x")
            keys[f"{name} length"] = column.str.len_chars()
        else:
            keys[name] = column
    return keys


def _keys(rule: Rule) -> dict[str, pl.Expr]:
    """By name and sorted, everything of a row that decides the rule's verdict."""
    keys = _value_keys(rule)
    for name, only_null in rule.condition:
        keys |= {f"{name} is null": pl.col(name).is_null()} if only_null else {name: pl.col(name)}
    return dict(sorted(keys.items()))


def _has_value(rule: Rule) -> pl.Expr:
    return pl.all_horizontal(pl.col(name).is_not_null() for name in _value_keys(rule))


def _combinations(frame: pl.DataFrame, keys: Mapping[str, pl.Expr], weight: str | None) -> pl.DataFrame:
    """The distinct keys with the first row that has them and the weight of all that have them."""
    share = pl.lit(1, pl.Int64) if weight is None else pl.col(weight).cast(pl.Int64)
    rows = pl.int_range(pl.len(), dtype=pl.UInt32)
    columns = frame.lazy().select(**keys, **{_ROW: rows, _WEIGHT: share})
    return columns.group_by(list(keys)).agg(pl.col(_ROW).min(), pl.col(_WEIGHT).sum()).collect()


def _weight(combinations: pl.DataFrame) -> int:
    return int(combinations[_WEIGHT].sum())


def _rows(frame: pl.DataFrame, rule: Rule, bad: pl.DataFrame) -> pl.DataFrame:
    """The rows of the frame that share a failing combination."""
    keys = _keys(rule)
    columns = frame.lazy().select(**keys, row=pl.int_range(pl.len(), dtype=pl.UInt32))
    hit = columns.join(bad.lazy().select(list(keys)), on=list(keys), how="semi", nulls_equal=True)
    return hit.select("row", code=pl.lit(rule.code)).collect()


def _failing(frame: pl.DataFrame, rules: Sequence[Rule], groups: Mapping[tuple[str, ...], pl.DataFrame]) -> dict[str, list[int]]:
    """By code, the rows that break a rule, among the first rows of the combinations."""
    if not rules:
        return {}
    seen = pl.concat([combinations[_ROW] for combinations in groups.values()]).unique().sort()
    needed = sorted(set().union(*(_names(rule) for rule in rules)))
    sample = frame.select(needed)[seen]
    found = _run(rules, sample, _SUMMARY)
    broken = [rule for rule in rules if not found[rule.code]["success"]]
    detail = _run(broken, sample, _ROWS) if broken else {}
    return {code: seen.gather(result["unexpected_index_list"]).to_list() for code, result in detail.items()}


def _run(rules: Sequence[Rule], frame: pl.DataFrame, result_format: Mapping[str, object]) -> dict[str, dict[str, Any]]:
    """By code, the result of Great Expectations with its `success`. Decimals are compared as floats, to 15 digits."""
    floats = frame.with_columns(pl.col(name).cast(pl.Float64) for name, kind in frame.schema.items() if isinstance(kind, pl.Decimal))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            outcome = _validate(rules, floats, result_format)
    except Exception as error:
        raise RuleError(f"the rules of {rules[0].table} could not be evaluated: {type(error).__name__}") from None
    found = {}
    for result in outcome:
        code = result.expectation_config.meta["code"]
        if _raised(result.exception_info):
            raise RuleError(f"rule {code} could not be evaluated")
        found[code] = {**result.result, "success": bool(result.success)}
    return found


def _validate(rules: Sequence[Rule], frame: pl.DataFrame, result_format: Mapping[str, object]) -> list[Any]:
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
    expectations = [{"type": rule.type, "kwargs": dict(rule.kwargs), "meta": {"code": rule.code}} for rule in rules]
    batch = batches.get_batch({"dataframe": frame.to_pandas(use_pyarrow_extension_array=True)})
    outcome = batch.validate(gx.ExpectationSuite(name=rules[0].table, expectations=expectations), result_format=dict(result_format))
    return list(outcome.results)


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
