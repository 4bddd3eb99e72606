"""What is printed beside what was printed before: equal, or another by a batch that is neither all nor none; else the last release."""

import polars as pl
import pytest

from outcomes import places
from outcomes.gate import holding
from outcomes.gate.holding import Layout

K, C = 5, 1
LAYOUT = Layout(("metric",), "people", ("people", "measured", "met"), (("met", "measured"),))
PARTS = Layout(("metric",), "people", ("people", "met"), (("met", "people"),), parts=("band",))
Cells = dict[tuple[str, str], tuple[int, int]]  # breakdown, level: people, met


def rows(cells: Cells) -> pl.DataFrame:
    told = [("response", breakdown, level, people, people, met) for (breakdown, level), (people, met) in cells.items()]
    schema = {"metric": pl.String, "breakdown": pl.String, "level": pl.String} | dict.fromkeys(("people", "measured", "met"), pl.Int64)
    return pl.DataFrame(told, schema=schema, orient="row")


def nights(*releases: Cells, k: int = K, c: int = C, blocked: pl.DataFrame | None = None) -> holding.Release:
    ledger = holding.empty_ledger(rows({}), LAYOUT)
    for version, cells in enumerate(releases, 1):
        answer = holding.release(rows(cells), ledger, LAYOUT, k, c, version, blocked if version == len(releases) else None)
        ledger = answer.ledger
    return answer


def because(answer: holding.Release) -> dict[str, str]:
    return dict(answer.partitions.select("breakdown", "because").iter_rows())


SITES: Cells = {("site", "a"): (10, 5), ("site", "b"): (10, 5)}


def sites(a: tuple[int, int], b: tuple[int, int]) -> Cells:
    return {("site", "a"): a, ("site", "b"): b}


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        pytest.param([SITES], "fresh", id="the first"),
        pytest.param([SITES, SITES], "fresh", id="equal"),
        pytest.param([SITES, sites((15, 7), (10, 5))], "fresh", id="five more at one site"),
        pytest.param([SITES, sites((14, 7), (10, 5))], "few", id="four more"),
        pytest.param([SITES, sites((5, 2), (10, 5))], "fresh", id="five fewer"),
        pytest.param([SITES, sites((10, 6), (10, 5))], "few", id="one corrected"),
        pytest.param([SITES, sites((15, 10), (10, 5))], "alike", id="five more, who all met it"),
        pytest.param([SITES, sites((15, 5), (10, 5))], "alike", id="five more, none of whom did"),
        pytest.param([SITES, sites((15, 7), (5, 2))], "few", id="five moved: the total is equal in people only"),
        pytest.param([SITES, sites((20, 9), (10, 5)), sites((13, 7), (10, 5))], "few", id="near to the one before the last"),
        pytest.param([sites((4, 2), (10, 5))], "few", id="a unit of four"),
        pytest.param([sites((10, 10), (10, 5))], "alike", id="a unit in which all met it"),
        pytest.param([sites((0, 0), (10, 5))], "fresh", id="an empty unit"),
        pytest.param([{("all", "all"): (20, 10)}, {("all", "all"): (20, 10)} | sites((12, 6), (10, 5))], "few", id="a total that is told"),
        pytest.param([{("all", "all"): (20, 10)}, SITES], "fresh", id="a breakdown that is new, of the same total"),
        pytest.param([SITES, {("site", "c"): (12, 6), ("site", "(pooled)"): (9, 5)}], "few", id="pooled otherwise, with one more"),
        pytest.param([SITES, {("site", "c"): (12, 6), ("site", "(pooled)"): (8, 4)}], "fresh", id="pooled otherwise"),
        pytest.param([{("all", "all"): (21, 10)} | SITES], "few", id="two totals of one night"),
    ],
)
def test_a_site_is_printed(history: list[Cells], expected: str) -> None:
    assert because(nights(*history))["site"] == expected


def test_what_is_held_is_printed_as_it_was() -> None:
    answer = nights(SITES, sites((15, 7), (10, 5)), sites((16, 8), (10, 5)))
    assert answer.rows.select("level", "people", "met", "as_of", "is_held").rows() == [("a", 15, 7, 2, True), ("b", 10, 5, 2, True)]


def test_what_was_never_printed_is_not() -> None:
    answer = nights(sites((4, 2), (10, 5)))
    assert answer.rows.is_empty()
    assert answer.partitions["as_of"].to_list() == [None]


def test_what_is_absent_tonight_is_printed_as_it_was() -> None:
    answer = nights(SITES, {})
    assert because(answer) == {"site": "absent"}
    assert answer.rows["as_of"].to_list() == [1, 1]


def test_blocked_partitions_are_held_and_others_not() -> None:
    two = SITES | {("sex", "f"): (8, 4), ("sex", "m"): (12, 6)}
    answer = nights(two, two, blocked=pl.DataFrame({"breakdown": ["sex"]}))
    assert because(answer) == {"site": "fresh", "sex": "blocked"}


def test_nothing_is_held_where_nothing_is_guarded() -> None:
    assert because(nights(SITES, sites((9, 9), (10, 5)), k=0)) == {"site": "fresh"}


def test_c_of_two_needs_two_on_both_sides() -> None:
    history = SITES, sites((20, 6), (10, 5))
    assert because(nights(*history)) == {"site": "fresh"}
    assert because(nights(*history, c=2)) == {"site": "alike"}


def test_the_ledger_keeps_different_rows_only() -> None:
    answer = nights(*[SITES] * 5, sites((15, 7), (10, 5)), sites((16, 7), (10, 5)))
    kept = answer.ledger.filter(pl.col("level") != holding.TOTAL).select("level", "people", "version", "last")
    assert kept.rows() == [("a", 10, 1, 5), ("a", 15, 6, 6), ("b", 10, 1, 6)]


def test_the_same_night_again_prints_the_same() -> None:
    first = nights(SITES, sites((15, 7), (10, 5)))
    again = holding.release(rows(sites((15, 7), (10, 5))), first.ledger, LAYOUT, K, C, 3)
    assert again.rows.select(LAYOUT.columns).equals(first.rows.select(LAYOUT.columns))
    assert again.ledger.height == first.ledger.height


def test_parts_are_units() -> None:
    told = [("response", "site", level, band, 10, 5) for level in "ab" for band in ("mild", "severe")]
    schema = ["metric", "breakdown", "level", "band", "people", "met"]
    tonight = pl.DataFrame(told, schema=schema, orient="row")
    answer = holding.release(tonight, holding.empty_ledger(tonight, PARTS), PARTS, K, C, 1)
    assert because(answer) == {"site": "fresh"}
    more = tonight.with_columns(people=pl.when(pl.col("level") == "a", pl.col("band") == "mild").then(11).otherwise("people"))
    again = holding.release(more.cast({"people": pl.Int64}), answer.ledger, PARTS, K, C, 2)
    assert because(again) == {"site": "few"}
    assert again.rows["people"].to_list() == [10] * 4


def test_a_lost_ledger_is_no_empty_one() -> None:
    with pytest.raises(pl.exceptions.ColumnNotFoundError):
        holding.release(rows(SITES), pl.DataFrame(), LAYOUT, K, C, 2)


def test_k_is_the_smallest_count_that_the_primary_rule_shows() -> None:
    rules = pl.read_csv(places.folder("sql") / "ref" / "disclosure.csv")
    assert rules.filter(rule="cms").select("k", "c").row(0) == (11, 2)
    hiding = rules.filter(pl.col("hide_to") > 0)
    assert hiding["k"].to_list() == (hiding["hide_to"] + 1).to_list()
    assert rules.filter(rule="off").select("k", "c").row(0) == (0, 0)
