"""The files of `expectations/` in, rules out: what each asks of which columns, and what it means to a clinic."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal, NamedTuple

import polars as pl

from outcomes import places

Severity = Literal["row", "file", "publication", "note"]

# How a Great Expectations type names the columns that it looks at.
_SLOTS: Final = ("column", "column_A", "column_B")
# Columns that a value of the export is compared to.
_FACTS: Final = ("as_of", "total_min", "total_max", "answer_min", "answer_max")


class RuleError(Exception):
    """A rule could not be evaluated; the text names the rule and the kind of error, never a value."""


@dataclass(frozen=True, eq=False)
class Rule:
    """One entry of a suite: a Great Expectations type with its arguments, and what it means to a clinic.

    `each` lists the columns, or pairs of columns, that take the place of those in the arguments, for a rule that says the same of
    many. `judged_by` "outline" says that the verdict on a text depends only on its length and on what is left when each run of ASCII
    letters and digits is made one letter. `about` "file" marks a rule on the share of rejected rows. `in_share` is false where a
    rejected row says nothing about its file. `acceptable` is false where no operator may let a breach pass. `names` is the column of
    ours to name in a report where the rule looks at a fact that was joined to the row.
    """

    code: str
    table: str
    severity: Severity
    message: str
    rejects: str
    type: str
    kwargs: Mapping[str, Any]
    each: Sequence[str | Sequence[str]] = ()
    judged_by: Literal["value", "outline"] = "value"
    about: Literal["row", "file"] = "row"
    in_share: bool = True
    acceptable: bool = True
    names: str = ""
    source: str = ""
    status: str = ""

    @property
    def slots(self) -> tuple[str, ...]:
        """The arguments that name a column."""
        return tuple(slot for slot in _SLOTS if slot in self.kwargs)

    @property
    def targets(self) -> tuple[tuple[str, ...], ...]:
        """The column, or the pair of columns, that the rule is about; several where it says the same of many."""
        listed = tuple((target,) if isinstance(target, str) else tuple(target) for target in self.each)
        return listed or (tuple(self.kwargs[slot] for slot in self.slots),)

    @property
    def condition(self) -> Mapping[str, Any] | None:
        """Which rows the rule applies to, in the words of Great Expectations; null means all."""
        return self.kwargs.get("row_condition")

    @property
    def column(self) -> str:
        """The columns to name in a report: the one that the rule says, else of a pair the one that holds a value of the export."""
        if self.names:
            return self.names
        if self.each:
            return listed(self.targets)
        (target,) = self.targets
        return next((name for name in target if name not in _FACTS), target[0])


class Question(NamedTuple):
    """One rule, asked of one of its targets."""

    rule: Rule
    target: tuple[str, ...]

    @property
    def columns(self) -> set[str]:
        """Every column that the answer depends on."""
        return {*self.target, *_condition_columns(self.rule.condition)}

    @property
    def about_null(self) -> bool:
        return self.rule.type in ("expect_column_values_to_not_be_null", "expect_column_values_to_be_null")

    @property
    def applies(self) -> pl.Expr:
        """Whether the question is asked of a row."""
        return _meets(self.rule.condition)

    @property
    def view(self) -> str:
        """What the question looks at, as a text; questions with one view see the same values."""
        return json.dumps([self.target, self.about_null, self.rule.judged_by, self.rule.condition])

    @property
    def demand(self) -> str:
        """What the question asks of a value, as a text, whatever columns it is asked of."""
        rule = self.rule
        return json.dumps([rule.type, {name: value for name, value in rule.kwargs.items() if name not in (*_SLOTS, "row_condition")}])


@cache
def suite(name: str) -> tuple[Rule, ...]:
    """The rules of `expectations/<name>.json`, in order; `name` is a clean table, or `release/<table>`."""
    data = json.loads((places.folder("expectations") / f"{name}.json").read_text(encoding="utf-8"))
    table = data["meta"]["table"]
    return tuple(Rule(table=table, type=entry["type"], kwargs=entry["kwargs"], **entry["meta"]) for entry in data["expectations"])


def questions(rules: Sequence[Rule]) -> list[Question]:
    return [Question(rule, target) for rule in rules for target in rule.targets]


def listed(targets: Sequence[tuple[str, ...]]) -> str:
    """The columns of the targets, each once."""
    return ", ".join(dict.fromkeys(name for target in targets for name in target))


def _condition_columns(condition: Mapping[str, Any] | None) -> Iterator[str]:
    if condition and "conditions" in condition:
        for part in condition["conditions"]:
            yield from _condition_columns(part)
    elif condition:
        yield condition["column"]["name"]


def _meets(condition: Mapping[str, Any] | None) -> pl.Expr:
    """Whether a row meets a condition, as Great Expectations would decide: a null meets no comparison but NOT_IN."""
    if not condition:
        return pl.lit(True)
    if condition["type"] in ("and", "or"):
        parts = [_meets(part) for part in condition["conditions"]]
        return pl.all_horizontal(parts) if condition["type"] == "and" else pl.any_horizontal(parts)
    column = pl.col(condition["column"]["name"])
    if condition["type"] == "nullity":
        return column.is_null() if condition["is_null"] else column.is_not_null()
    parameter = condition["parameter"]
    match condition["operator"]:
        case "==":
            return column.eq(parameter).fill_null(False)
        case ">":
            return column.gt(parameter).fill_null(False)
        case ">=":
            return column.ge(parameter).fill_null(False)
        case "IN":
            return column.is_in(parameter).fill_null(False)
        case "NOT_IN":
            return ~column.is_in(parameter).fill_null(False)
        case operator:
            raise RuleError(f"no rule may have a condition with the operator {operator}")
