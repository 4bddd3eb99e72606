"""Categories and item changes of a whole night equal those of its export, counted here from the answers themselves."""

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import numpy as np
import pytest
from test_jacobson_truax import CATEGORIES, Scale, expected
from test_night import SETTINGS

from outcomes import instruments

Night = Callable[..., tuple[int, str]]
DAY_0 = dt.date(2025, 3, 3)
PEOPLE, ITEMS = 60, 9
SITES = ("north", "south")


@pytest.fixture(scope="module")
def answers() -> np.ndarray:
    """By person, occasion and item; most people get better, some worse."""
    rng = np.random.default_rng(11)
    before = rng.integers(1, 4, (PEOPLE, ITEMS))
    after = np.clip(before - rng.integers(-1, 4, (PEOPLE, 1)) + rng.integers(-1, 2, (PEOPLE, ITEMS)), 0, 3)
    return np.stack([before, after], axis=1)


def export(folder: Path, answers: np.ndarray) -> None:
    inbox = folder / "inbox"
    inbox.mkdir()
    (folder / "outcomes.toml").write_text(SETTINGS)
    sessions = [f"s{n},p{n},{SITES[n % 2]},{DAY_0},medicine,iv" for n in range(PEOPLE)]
    days = (DAY_0 - dt.timedelta(days=2), DAY_0 + dt.timedelta(days=30))
    rows = [f"f{n}-{at},p{n},phq9,{days[at]},{item + 1},{answers[n, at, item]}" for n, at, item in np.ndindex(answers.shape)]
    (inbox / "sessions_2025-06-01.csv").write_text("\n".join(["session_id,patient_id,site_id,started_at,kind,route", *sessions, ""]))
    (inbox / "questionnaires_2025-06-01.csv").write_text("\n".join(["form_id,patient_id,instrument_id,answered_at,item,answer", *rows, ""]))


@pytest.fixture
def released(night: Night, tmp_path: Path, answers: np.ndarray) -> Iterator[duckdb.DuckDBPyConnection]:
    export(tmp_path, answers)
    code, line = night()
    assert code == 0, line
    with duckdb.connect(str(tmp_path / "data" / "published" / "current" / "outcomes.duckdb"), read_only=True) as con:
        yield con


def test_categories_and_items_are_those_of_the_export(released: duckdb.DuckDBPyConnection, answers: np.ndarray) -> None:
    tables = instruments.ref_tables(instruments.load(), ["ketamine-rwe"])
    r = tables["reliability"].filter(instrument_id="phq9", is_used=True)["r"].item()
    norm = tables["norm"].filter(instrument_id="phq9", kind="functional", is_used=True).row(0, named=True)
    scale = Scale(float(r), float(norm["mean"]), float(norm["sd"]))
    totals = answers.sum(axis=2)
    wanted = expected(scale, [(float(a), float(b)) for a, b in totals])
    rows = released.sql(
        "select method_id, cutoff_id, category, n, measured from published.change_category "
        "where instrument_id = 'phq9' and window_id = 'd30' and breakdown = 'all'"
    ).fetchall()
    assert {(m, c, k): n for m, c, k, n, _ in rows} == {
        (m, c, k): n for (m, c), counts in wanted.items() for k, n in zip(CATEGORIES, counts, strict=True)
    }
    assert {measured for *_, measured in rows} == {PEOPLE}
    assert min(wanted["jt", "c"][:3]) > 0

    by_site = released.sql(
        "select level, sum(n)::bigint from published.change_category where instrument_id = 'phq9' and window_id = 'd30' "
        "and breakdown = 'site' and method_id = 'jt' and cutoff_id = 'c' group by all"
    ).fetchall()
    assert dict(by_site) == {"north": 30, "south": 30}
    others = "select count(*) from published.change_category where breakdown <> 'all' and not is_usual"
    assert released.sql(others).fetchall() == [(0,)]

    for where, chosen in (("all", answers), *((site, answers[place::2]) for place, site in enumerate(SITES))):
        items = released.execute(
            "select item, n, mean_baseline, mean_score, improved, worse from published.item_change "
            "where instrument_id = 'phq9' and window_id = 'd30' and level = $1 and breakdown = if($1 = 'all', 'all', 'site') order by item",
            [where],
        ).fetchall()
        before, after = chosen[:, 0], chosen[:, 1]
        for item, n, mean_baseline, mean_score, improved, worse in items:
            a, b = before[:, item - 1], after[:, item - 1]
            assert (n, improved, worse) == (len(chosen), int((b < a).sum()), int((b > a).sum()))
            assert (mean_baseline, mean_score) == (pytest.approx(a.mean(), abs=1e-9), pytest.approx(b.mean(), abs=1e-9))
        assert [row[0] for row in items] == list(range(1, ITEMS + 1))
