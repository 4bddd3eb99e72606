"""The same data under every baseline rule: what a settings file with that rule would have published, without building it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from test_recount import AS_OF, PROFILES, exports

from outcomes import disclosure, instruments, reference, sensitivity, warehouse
from outcomes.settings import Settings

KEYS = ("profile_id", "metric_id", "instrument_id", "window_id")
Built = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Rows of a query over the warehouse under a baseline rule."""
    folder = tmp_path_factory.mktemp("sensitivity")
    clean, library, paths = exports(folder), instruments.load(), {}

    def rows(sql: str, pick: str = "last", rule: str = "off", from_days: int = -30) -> list[dict[str, Any]]:
        key = (pick, rule, from_days)
        if key not in paths:
            settings = Settings.model_validate(
                {
                    "clinic": {"name": "Sensitivity", "timezone": "America/Denver"},
                    "report": {"profile": PROFILES[0], "also": PROFILES[1:]},
                    "disclosure": {"rule": rule},
                    "baseline": {"pick": pick, "from_days": from_days},
                }
            )
            path = folder / f"{pick}{rule}{from_days}" / "warehouse.duckdb"
            warehouse.build(path, clean, reference.tables(settings, library, AS_OF), settings.limits, disclose=disclosure.disclose)
            paths[key] = path
        with duckdb.connect(str(paths[key]), read_only=True) as con:
            return con.sql(sql).pl().rows(named=True)

    return rows


def by_key(rows: list[dict[str, Any]]) -> dict[tuple[str, ...], list[int]]:
    return {tuple(row[name] for name in KEYS): [row[name] for name in disclosure.FUNNEL] for row in rows}


@pytest.mark.parametrize("pick", sensitivity.RULES)
def test_each_rule_counts_what_a_warehouse_under_it_counts(built: Built, pick: str) -> None:
    """The oracle is a build of everything whose settings have the other rule."""
    assumed = by_key(built(f"select * from tally.sensitivity where baseline_rule = '{pick}'"))
    real = by_key(built("select * from tally.outcome where breakdown = 'all'", pick))
    assert assumed == real


def test_the_rules_differ_and_so_the_test_says_something(built: Built) -> None:
    counted = [by_key(built(f"select * from tally.sensitivity where baseline_rule = '{pick}'")) for pick in sensitivity.RULES]
    assert len({str(sorted(each.items())) for each in counted}) == len(sensitivity.RULES)


def test_worst_overstates_the_effect_on_average(built: Built) -> None:
    rows = built("select * from report.sensitivity where metric_id = 'reliable_improvement' and instrument_id = 'phq9'")
    gain = [row["difference_points"] for row in rows if row["baseline_rule"] == "worst" and row["difference_points"] is not None]
    assert gain
    assert min(gain) >= 0
    assert max(gain) > 0


def test_without_a_second_score_nothing_is_judged_again(built: Built) -> None:
    assert built("select * from tally.outcome_part", from_days=-5) == []
    rows = pl.DataFrame(built("select * from tally.sensitivity", from_days=-5))
    assert rows.group_by(KEYS).agg(pl.struct(disclosure.FUNNEL).n_unique().alias("n"))["n"].max() == 1


@pytest.mark.parametrize("rule", ["cms", "nhs", "opensafely"])
def test_no_rule_shows_what_another_hides(built: Built, rule: str) -> None:
    limits = built(f"select * from ref.disclosure where rule = '{rule}'")[0]
    rows = built("select * from report.sensitivity", rule=rule)
    exact = {(*(row[k] for k in KEYS), row["baseline_rule"]): row for row in built("select * from tally.sensitivity", rule=rule)}
    hidden = {tuple(row[k] for k in KEYS) for row in rows if row["is_suppressed"]}
    assert hidden
    for row in rows:
        key = tuple(row[k] for k in KEYS)
        assert row["is_suppressed"] == (key in hidden)
        if key in hidden:
            assert (row["rate"], row["numerator"], row["difference_points"], row["suppression_reason"]) == (None, None, None, "small")
        else:
            cell = exact[*key, row["baseline_rule"]]
            counts = [cell[name] for name in disclosure.FUNNEL] + [cell["denominator"] - cell["numerator"]]
            assert not any(1 <= count <= limits["hide_to"] for count in counts)


def test_the_own_rule_is_the_row_of_the_outcome_summary(built: Built, tmp_path: Path) -> None:
    own = built("select * from report.sensitivity where is_own and not is_suppressed", rule="cms")
    summary = {
        tuple(row[k] for k in KEYS): row
        for row in built("select * from report.outcome_summary where breakdown = 'all' and level = 'all'", rule="cms")
    }
    assert own
    for row in own:
        other = summary[tuple(row[k] for k in KEYS)]
        assert {name: row[name] for name in ("eligible", "measured", "numerator", "denominator", "rate", "rate_low", "rate_high")} == {
            name: other[name] for name in ("eligible", "measured", "numerator", "denominator", "rate", "rate_low", "rate_high")
        }
        assert row["difference_points"] in (0, None)
