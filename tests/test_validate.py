"""Rules, each with a row that breaks it (`tests/expectations/`); `judge` against a plain reading of the same rules, row by row."""

import datetime as dt
import json
import logging
import math
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from outcomes import contract, places, rulebook
from outcomes.suites import questions
from outcomes.validate import Rule, RuleError, check_release, judge, judge_file, judge_seen, look, suite, violations

ROOT = Path(__file__).parents[1]
CLEAN, RELEASE = rulebook.CLEAN, rulebook.RELEASE
SUITES = [*CLEAN, *(f"release/{table}" for table in RELEASE)]
FACTS: dict[str, pl.DataType] = {
    "as_of": pl.Date(),
    "questionnaire_known": pl.Boolean(),
    "answers_told": pl.Boolean(),
    "total_told": pl.Boolean(),
    "total_fits": pl.Boolean(),
    "total_min": contract.SCORE,
    "total_max": contract.SCORE,
    "answer_min": pl.Int16(),
    "answer_max": pl.Int16(),
}
DERIVED = {"rejected_share", "rows"}
WEIGHT = {"source_rows": pl.Int32()}
Row = dict[str, Any]


def cases(table: str) -> tuple[Row, dict[str, Row]]:
    """The good row of a table, and the whole row that breaks a rule, by its code (and its columns, where it says the same of many)."""
    data = tomllib.loads((Path(__file__).parent / "expectations" / f"{table}.toml").read_text(encoding="utf-8"))
    good = emptied(data["good"])
    return good, {code: good | emptied(change) for code, change in data["bad"].items()}


def emptied(row: Mapping[str, Any]) -> Row:
    return {name: None if value == "(empty)" else value for name, value in row.items()}


def clean_frame(table: str, rows: list[Row]) -> pl.DataFrame:
    types = {**contract.TABLES[table].schema, **FACTS, **WEIGHT}
    names = list(dict.fromkeys(name for row in rows for name in row))
    return pl.DataFrame({name: pl.Series([row.get(name) for row in rows], dtype=types[name], strict=False) for name in names})


def release_frame(rows: list[Row]) -> pl.DataFrame:
    return pl.from_dicts(rows, infer_schema_length=None)


# A second reading of the rules, in plain Python, one row at a time.


def holds(condition: Mapping[str, Any] | None, row: Row) -> bool:
    if condition is None:
        return True
    if condition["type"] in ("and", "or"):
        return (all if condition["type"] == "and" else any)(holds(part, row) for part in condition["conditions"])
    value = row.get(condition["column"]["name"])
    if condition["type"] == "nullity":
        return (value is None) == condition["is_null"]
    operator, parameter = condition["operator"], condition["parameter"]
    if operator == "NOT_IN":
        return value not in parameter
    if value is None:
        return False
    return bool(
        {
            "==": lambda: value == parameter,
            ">": lambda: value > parameter,
            ">=": lambda: value >= parameter,
            "IN": lambda: value in parameter,
        }[operator]()
    )


def breaks(rule: Rule, row: Row) -> bool:
    return bool(broken_targets(rule, row))


def broken_targets(rule: Rule, row: Row) -> list[tuple[str, ...]]:
    return [target for target in rule.targets if holds(rule.condition, row) and is_bad(rule, [row.get(name) for name in target])]


def is_bad(rule: Rule, values: list[Any]) -> bool:
    if rule.type == "expect_column_values_to_not_be_null":
        return values[0] is None
    if rule.type == "expect_column_values_to_be_null":
        return values[0] is not None
    return None not in values and not ALLOWS[rule.type](rule.kwargs, *("+".join(v) if isinstance(v, list) else v for v in values))


def has_value(rule: Rule, target: tuple[str, ...], row: Row) -> bool:
    return holds(rule.condition, row) and (rule.type in NULLNESS or all(row.get(name) is not None for name in target))


def between(kwargs: Mapping[str, Any], value: Any) -> bool:
    def bound(key: str) -> Any:
        limit = kwargs.get(key)
        return dt.date.fromisoformat(limit) if isinstance(limit, str) else limit

    low, high = bound("min_value"), bound("max_value")
    return (low is None or value >= low) and (high is None or value <= high) and not (isinstance(value, float) and math.isnan(value))


ALLOWS: dict[str, Callable[..., bool]] = {
    "expect_column_values_to_be_in_set": lambda kwargs, value: value in kwargs["value_set"],
    "expect_column_values_to_be_between": between,
    "expect_column_values_to_match_regex": lambda kwargs, value: re.search(kwargs["regex"], value) is not None,
    "expect_column_pair_values_a_to_be_greater_than_b": lambda kwargs, a, b: a >= b,
}
NULLNESS = {"expect_column_values_to_not_be_null", "expect_column_values_to_be_null"}


def by_row(table: str) -> list[Rule]:
    return [rule for rule in suite(table) if rule.about == "row"]


# The suites as files


@pytest.mark.parametrize("name", SUITES)
def test_a_suite_is_loaded_by_great_expectations_as_it_stands(name: str) -> None:
    import great_expectations as gx

    text = (places.folder("expectations") / f"{name}.json").read_text(encoding="utf-8")
    loaded = gx.ExpectationSuite(**json.loads(text))
    assert len(loaded.expectations) == len(suite(name))
    assert text == json.dumps(json.loads(text), indent=1, sort_keys=True) + "\n", "keys are sorted, so that a change reads as what it is"


def test_codes_are_unique_over_all_rules() -> None:
    codes = Counter(line.code for _, lines in rulebook.chapters() for line in lines)
    assert [code for code, times in codes.items() if times > 1] == []


@pytest.mark.parametrize("name", SUITES)
def test_a_rule_says_what_it_rejects_and_what_to_do(name: str) -> None:
    for rule in suite(name):
        assert rule.severity in ("row", "file", "publication", "note")
        assert rule.message.endswith("."), rule.code
        assert rule.rejects, rule.code
        assert not re.search(r"[{}]|%[sdr]", rule.message), f"{rule.code}: a message has no place for a value"
        assert bool(rule.source) == bool(rule.status), rule.code
        limit = rule.kwargs.get("max_value", rule.kwargs.get("min_value"))
        obvious = name.startswith("release/") and limit in (0, 1)
        assert rule.source or rule.type != "expect_column_values_to_be_between" or obvious, f"{rule.code}: a limit has a source"


@pytest.mark.parametrize("name", SUITES)
def test_a_rule_judges_a_value_alone(name: str) -> None:
    for rule in suite(name):
        assert rule.type in NULLNESS | set(ALLOWS), (
            f"{rule.code}: the verdict on a value is carried to equal values, so it must not depend on others"
        )


@pytest.mark.parametrize("table", CLEAN)
def test_a_rule_of_a_clean_table_is_about_one_of_its_columns(table: str) -> None:
    for question in questions(suite(table)):
        assert question.columns <= {*contract.TABLES[table].schema, *FACTS, *DERIVED}, question.rule.code
        assert question.rule.severity != "publication"
        assert not question.rule.each, f"{question.rule.code}: whoever sent the row is told one column"


@pytest.mark.parametrize("table", RELEASE)
def test_whoever_may_publish_all_the_same_is_told_how(table: str) -> None:
    for rule in suite(f"release/{table}"):
        hint = f"`outcomes run --accept {rule.code}`"
        reveals = rule.type == "expect_column_values_to_be_null"
        assert (hint in rule.message) == (rule.severity == "publication" and not reveals), rule.code


def test_the_page_of_rules_is_current() -> None:
    assert (ROOT / "docs" / "rules.md").read_text(encoding="utf-8") == rulebook.page(), "run: outcomes docs"


# Each rule with a row that breaks it


@pytest.mark.parametrize("name", SUITES)
def test_every_rule_has_a_case_for_each_of_its_columns(name: str) -> None:
    wanted = [f"{rule.code} {', '.join(target)}" if rule.each else rule.code for rule in by_row(name) for target in rule.targets]
    assert sorted(cases(suite(name)[0].table)[1]) == sorted(wanted)


@pytest.mark.parametrize("table", CLEAN)
def test_the_good_row_passes_and_each_bad_row_breaks_its_rule_alone(table: str) -> None:
    good, bad = cases(table)
    judgement = judge(clean_frame(table, [good, *bad.values()]), table)
    notes = {rule.code for rule in suite(table) if rule.severity == "note"}
    expected = [(row, code) for row, code in enumerate(bad, 1) if code not in notes]
    assert judgement.violations.rows() == expected
    assert {
        result.code: result.violated for result in judgement.results if result.violated and not result.code.endswith("-90")
    } == dict.fromkeys(bad, 1)


@pytest.mark.parametrize("table", RELEASE)
def test_each_bad_row_of_a_built_table_is_found(table: str) -> None:
    good, bad = cases(table)
    own_level = {
        case: {"level": case} for case, row in bad.items() if row.get("level") == good.get("level", "") and not case.endswith("-01")
    }
    rows = [good, *(row | own_level.get(case, {}) for case, row in bad.items())]
    facts = derived(table, rows)
    for case, row in zip(bad, facts[1:], strict=True):
        code, _, columns = case.partition(" ")
        rule = next(rule for rule in suite(f"release/{table}") if rule.code == code)
        assert [", ".join(target) for target in broken_targets(rule, row)] == [columns or rule.column], f"the case {case} does not break it"
    found = check_release({table: release_frame(rows)})
    assert [(r.code, r.violated) for r in found] == [
        (rule.code, sum(len(broken_targets(rule, row)) for row in facts)) for rule in suite(f"release/{table}")
    ]
    assert [r.checked for r in found] == [
        sum(has_value(rule, target, row) for row in facts for target in rule.targets) for rule in suite(f"release/{table}")
    ]


@pytest.mark.parametrize("table", RELEASE)
def test_a_good_built_table_breaks_nothing(table: str) -> None:
    good, _ = cases(table)
    rows = [good, good | {"level": "other"}] if "level" in good else [good]
    assert [r.code for r in check_release({table: release_frame(rows)}) if r.violated] == []


@pytest.mark.parametrize("table", RELEASE)
def test_a_result_names_the_columns_that_broke_the_rule(table: str) -> None:
    good, bad = cases(table)
    for case in list(bad)[:: max(1, len(bad) // 4)]:
        code, _, columns = case.partition(" ")
        found = {r.code: r.column for r in check_release({table: release_frame([good, bad[case]])})}
        assert found[code] == (columns or next(rule.column for rule in suite(f"release/{table}") if rule.code == code))


def test_a_result_names_all_the_columns_that_broke_the_rule_in_any_row() -> None:
    good, _ = cases("outcome_summary")
    rows = [good | {"rate": 2}, good | {"level": "other", "coverage": -1}, good | {"level": "third"}]
    found = {r.code: (r.column, r.checked, r.violated) for r in check_release({"outcome_summary": release_frame(rows)})}
    assert found["OUT-09"] == ("coverage, rate", 18, 2)


def derived(table: str, rows: list[Row]) -> list[Row]:
    """The rows with the columns that their rules need and that no table has."""
    if table == "input_file":
        counts = [[row[name] for name in ("rows_in", "accepted", "duplicate", "superseded", "rejected")] for row in rows]
        return [row | {"balance": None if None in count else count[0] - sum(count[1:])} for row, count in zip(rows, counts, strict=True)]
    if table == "volume":
        return [row | {"kept_share": row["rows"] / row["rows_before"] if row["rows_before"] else None} for row in rows]
    keys = [
        tuple(row.get(name) for name in ("profile_id", "metric_id", "instrument_id", "window_id", "breakdown", "level")) for row in rows
    ]
    return [row | {"rows_of_group": keys.count(key)} for row, key in zip(rows, keys, strict=True)]


@pytest.mark.parametrize("table", CLEAN)
@pytest.mark.parametrize(
    ("rows", "rejected", "refused"), [(20, 11, True), (20, 10, False), (19, 19, False), (100, 0, False), (0, 0, False)]
)
def test_a_file_is_refused_when_more_than_half_of_its_rows_are_rejected(table: str, rows: int, rejected: int, refused: bool) -> None:
    (result,) = judge_file(table, rows, rejected)
    assert (result.severity, result.checked, result.violated) == ("file", rows, rejected if refused else 0)


# What must not be rejected

GROUPS = ["DRUG", "PLACEBO", "BtheB", "TAU", "all", "PA", "MD", "PL", "KAP for compassion fatigue", "Intensiv-Woche Zürich", "<none>"]


@pytest.mark.parametrize("group", GROUPS)
def test_names_of_groups_and_published_patient_ids_pass(group: str) -> None:
    row = {
        "session_id": "Patient_1-1",
        "patient_id": "Patient_1",
        "site_id": "site-1",
        "started_on": dt.date(2015, 1, 1),
        "kind": "medicine",
        "route": "iv",
        "status": "completed",
        "programme_id": group,
        "as_of": dt.date(2026, 1, 1),
    }
    assert judge(clean_frame("session", [row]), "session").violations.is_empty()


def test_a_negative_total_passes_where_the_scale_goes_below_zero() -> None:
    good, _ = cases("form")
    rows = [good | {"reported_total": total, "total_min": -30, "total_max": 30} for total in (-30, -0.5, 30)]
    assert judge(clean_frame("form", rows), "form").violations.is_empty()


@pytest.mark.parametrize("answers", [0, None])
def test_a_form_with_neither_answers_nor_a_total_is_rejected(answers: int | None) -> None:
    good, _ = cases("form")
    frame = clean_frame("form", [good, good | {"answers": answers, "reported_total": None}])
    assert judge(frame, "form").violations.rows() == [(1, "FRM-14")]


def test_a_withdrawal_is_taken_in_whatever_else_is_wrong_with_its_row() -> None:
    _, bad = cases("patient")
    row = {name: value for code in bad for name, value in bad[code].items() if code != "PAT-01"}
    row |= {"patient_id": "1503", "sex": "?", "failed_antidepressants": 99, "indication": "?", "withdrawn_on": dt.date(2025, 9, 1)}
    assert judge(clean_frame("patient", [row]), "patient").violations.is_empty()


def test_questionnaires_that_are_not_installed_cost_their_rows_and_never_the_file() -> None:
    good, bad = cases("form")
    judgement = judge(clean_frame("form", [good] * 5 + [bad["FRM-08"]] * 45), "form")
    assert judgement.violations["code"].unique().to_list() == ["FRM-08"]
    assert {result.code for result in judgement.results if result.violated} == {"FRM-08"}


# How rows are counted


def test_a_weight_counts_rows_of_the_export_and_rows_lost_in_reading_count_towards_the_share() -> None:
    good, bad = cases("form")
    frame = clean_frame("form", [good | {"source_rows": 9}, bad["FRM-16"] | {"source_rows": 7}, bad["FRM-11"] | {"source_rows": 4}])

    def counts(**more: Any) -> dict[str, tuple[int, int]]:
        return {r.code: (r.checked, r.violated) for r in judge(frame, "form", **more).results}

    assert [counts(weight="source_rows")[code] for code in ("FRM-11", "FRM-12", "FRM-16", "FRM-90")] == [
        (20, 4),
        (16, 0),
        (20, 7),
        (20, 11),
    ]
    assert [counts()[code] for code in ("FRM-11", "FRM-12", "FRM-16", "FRM-90")] == [(3, 1), (2, 0), (3, 1), (3, 0)]
    assert counts(rejected_before=18)["FRM-90"] == (21, 20)


@pytest.mark.parametrize("height", [1, 2, 100])
def test_parts_of_a_frame_are_judged_at_once_as_the_whole_frame_is(height: int) -> None:
    good, bad = cases("form")
    frame = clean_frame("form", [good | {"source_rows": 9}, *(row | {"source_rows": 2} for row in bad.values()), good | {"source_rows": 1}])
    parts = list(frame.iter_slices(height))
    whole = judge(frame, "form", "source_rows")

    verdict = judge_seen("form", [look(part, "form", "source_rows") for part in parts])

    assert verdict.results == [result for result in whole.results if result.code != "FRM-90"]
    found = [(row + place * height, code) for place, part in enumerate(parts) for row, code in violations(part, verdict).iter_rows()]
    assert found == whole.violations.rows()


def test_a_rule_on_a_column_that_the_frame_lacks_is_not_applicable() -> None:
    results = {r.code: r for r in judge(pl.DataFrame({"session_id": ["1", "2"], "kind": ["medicine", "x"]}), "session").results}
    assert (results["SES-10"].checked, results["SES-10"].violated) == (2, 1)
    assert (results["SES-47"].checked, results["SES-47"].violated) == (0, 0)
    assert set(results) == {rule.code for rule in suite("session")}


@pytest.mark.parametrize("table", CLEAN)
def test_a_frame_without_rows_breaks_nothing(table: str) -> None:
    judgement = judge(clean_frame(table, [cases(table)[0]]).clear(), table)
    assert judgement.violations.schema == {"row": pl.UInt32(), "code": pl.String()}
    assert {(r.checked, r.violated) for r in judgement.results} == {(0, 0)}


# Against the second reading

FRAMES = {
    table: st.lists(
        st.fixed_dictionaries(
            {
                **{name: st.sampled_from([value, None, *(row[name] for row in bad.values())]) for name, value in good.items()},
                "source_rows": st.integers(1, 9),
            }
        ),
        min_size=1,
        max_size=40,
    )
    for table, (good, bad) in ((table, cases(table)) for table in CLEAN)
}
UNHURRIED = settings(deadline=None, max_examples=4, suppress_health_check=list(HealthCheck), derandomize=True)


@pytest.mark.parametrize("table", CLEAN)
@given(data=st.data())
@UNHURRIED
def test_judge_agrees_with_reading_each_row(table: str, data: st.DataObject) -> None:
    rows = data.draw(FRAMES[table])
    judgement = judge(clean_frame(table, rows), table, "source_rows")
    found = {result.code: (result.checked, result.violated) for result in judgement.results if not result.code.endswith("-90")}
    assert found == dict(read_each(by_row(table), rows))
    costly = [rule for rule in by_row(table) if rule.severity != "note"]
    assert judgement.violations.rows() == [(i, rule.code) for i, row in enumerate(rows) for rule in costly if breaks(rule, row)]


def read_each(rules: list[Rule], rows: list[Row]) -> Iterator[tuple[str, tuple[int, int]]]:
    for rule in rules:
        (target,) = rule.targets
        checked = sum(row["source_rows"] for row in rows if has_value(rule, target, row))
        yield rule.code, (checked, sum(row["source_rows"] for row in rows if breaks(rule, row)))


@pytest.mark.filterwarnings("ignore:This pattern is interpreted")
@pytest.mark.parametrize("table", CLEAN)
def test_great_expectations_counts_the_same_when_given_the_suite_as_it_stands(table: str) -> None:
    import great_expectations as gx

    good, bad = cases(table)
    frame = clean_frame(table, [good, *bad.values()])
    lists = [name for name, kind in frame.schema.items() if isinstance(kind, pl.List)]
    plain = frame.with_columns(pl.col(lists).list.join("+"), pl.col(pl.Decimal).cast(pl.Float64))
    wanted = {rule.code for rule in by_row(table)}
    data = json.loads((places.folder("expectations") / f"{table}.json").read_text(encoding="utf-8"))
    expectations = [{**entry, "meta": {"code": entry["meta"]["code"]}} for entry in data["expectations"] if entry["meta"]["code"] in wanted]
    batch = gx.get_context(mode="ephemeral").data_sources.add_pandas("p").add_dataframe_asset("a").add_batch_definition_whole_dataframe("w")
    seen = batch.get_batch({"dataframe": plain.to_pandas(use_pyarrow_extension_array=True)})
    results: Any = seen.validate(gx.ExpectationSuite(name=table, expectations=expectations), result_format="SUMMARY").results
    by_code = {result.expectation_config.meta["code"]: result.result["unexpected_count"] for result in results}
    assert by_code == {r.code: r.violated for r in judge(frame, table).results if r.code in wanted}


TEXTS = st.text(st.one_of(st.sampled_from("aZ09-_ \t\n\u00a0\u200b\u0085\ufeffé٣"), st.characters(codec="utf-8")), max_size=70)


@given(st.lists(TEXTS, min_size=1, max_size=40))
@UNHURRIED
def test_identifiers_are_judged_by_their_outline_as_by_themselves(texts: list[str]) -> None:
    rows: list[Row] = [{"form_id": text} for text in texts]
    rule = next(rule for rule in suite("form") if rule.code == "FRM-04")
    found = judge(clean_frame("form", rows), "form").violations.filter(pl.col("code") == "FRM-04")["row"].to_list()
    assert found == [i for i, row in enumerate(rows) if breaks(rule, row)]


# What stays silent

CELL = "Jane Roe 555-0100"


def test_an_error_names_the_rule_and_no_value() -> None:
    with pytest.raises(RuleError, match="SES-16") as caught:
        judge(pl.DataFrame({"dose_mg": [CELL, "2"]}), "session")
    assert CELL not in str(caught.value)
    assert caught.value.__cause__ is None
    assert CELL not in repr(caught.value.__context__)


def test_nothing_is_printed_or_reaches_the_log(capfd: pytest.CaptureFixture[str]) -> None:
    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record.getMessage())

    records: list[str] = []
    kept = Kept()
    logging.getLogger().addHandler(kept)
    try:
        good, bad = cases("session")
        judge(clean_frame("session", [good, *bad.values()]), "session")
        logging.getLogger("great_expectations.execution_engine").error("%s", CELL)
    finally:
        logging.getLogger().removeHandler(kept)
    assert records == []
    assert capfd.readouterr() == ("", "")


# Before publication


def test_a_built_table_that_is_not_given_is_skipped_and_one_that_lacks_a_column_is_an_error() -> None:
    good, _ = cases("input_file")
    assert check_release({}) == []
    assert {result.table for result in check_release({"input_file": release_frame([good])})} == {"input_file"}
    with pytest.raises(RuleError, match="input_file lacks"):
        check_release({"input_file": release_frame([good]).drop("superseded")})
    with pytest.raises(RuleError, match=r"OUT-\d+ needs the column level"):
        check_release({"outcome_summary": release_frame([cases("outcome_summary")[0]]).drop("level")})


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan], ids=str)
def test_a_rate_that_is_no_number_stops_publication(value: float) -> None:
    good, _ = cases("outcome_summary")
    broken = [r for r in check_release({"outcome_summary": release_frame([good | {"rate": value}])}) if r.violated]
    assert {(result.column, result.severity) for result in broken} >= {("rate", "publication")}
