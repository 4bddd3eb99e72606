"""Clinically significant change in SQL equals an independent computation, and published trials as another program classified them.

The formulas here are those of the papers, written another way than in SQL: Edwards-Nunnally as an interval about the expected score,
Gulliksen-Lord-Novick as a residual of the regression to the mean, Hageman-Arrindell with the correlation of both scores.
"""

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import isnan, sqrt
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from outcomes import places, reference, sqlfiles
from outcomes.contract import SCORE

SQL = places.folder("sql")
TABLES = ("tally.score", "tally.change_reference", "tally.change_pair", "tally.change_category", "tally.change_course")
FILES = [sqlfiles.read(SQL / "tally" / f"{table.partition('.')[2]}.sql") for table in TABLES]
CATEGORIES = ("recovered", "improved", "unchanged", "deteriorated", "harmed")
Z, Z_ONE_SIDED = float(stats.norm.ppf(0.975)), float(stats.norm.ppf(0.95))
NEEDED = 20
Dataset = Callable[[str], Path]
Pair = tuple[float | None, float | None]


@dataclass(frozen=True)
class Scale:
    """A measure as its file describes it; `sign` is 1 where lower is better."""

    r: float | None = 0.8
    mean_functional: float | None = 8.0
    sd_functional: float | None = 8.0
    sign: int = 1
    clinical_norm: tuple[float, float] | None = None


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as con:
        for schema in ("macro", "ref", "core", "tally"):
            con.execute(f"create schema {schema}")
        for file in sqlfiles.read_folder(SQL, ["macro"]):
            con.execute(file.text)
        for name, frame in reference.from_folder(SQL / "ref").items():
            con.register("incoming", frame.to_arrow())
            con.execute(f'create table ref."{name}" as select * from incoming')
        yield con


def judge(con: duckdb.DuckDBPyConnection, scale: Scale, pairs: Sequence[Pair]) -> None:
    """Makes the tables of schema tally from courses with these baselines and follow-up scores; None where there is none."""
    ids = [f"c{n}" for n in range(len(pairs))]
    outcome = pl.DataFrame(
        {"course_id": ids, "baseline": [a for a, _ in pairs], "score": [b for _, b in pairs]},
        schema={"course_id": pl.String, "baseline": pl.Float64, "score": pl.Float64},
    ).with_columns(pl.col("baseline", "score").cast(SCORE))
    con.register("incoming", outcome.to_arrow())
    con.execute("create or replace table core.outcome as select *, 'm' as instrument_id, 'w' as window_id, true as is_due from incoming")
    con.execute("create or replace view core.counted as from core.outcome")
    con.execute(
        "create or replace table core.baseline as select course_id, instrument_id, baseline from core.outcome where baseline is not null"
    )
    con.execute("create or replace table core.expected as select course_id, instrument_id from core.outcome")
    con.execute(
        "create or replace table core.outcome_alike as select min(course_id) as course_id, instrument_id, window_id, 1 as stratum_id, "
        "is_due, baseline, score, count(*)::integer as courses from core.outcome group by all"
    )
    con.execute("create or replace table core.stratum_level as select 1 as stratum_id, 'all' as breakdown, 'all' as level")
    con.execute("create or replace table ref.scale as select 'm' as instrument_id, $1::int as sign", [scale.sign])
    con.execute("create or replace table ref.reliability (instrument_id text, r decimal(18, 6), is_used boolean)")
    con.execute("insert into ref.reliability select 'm', $1, true where $1 is not null", [scale.r])
    norms = [("functional", scale.mean_functional, scale.sd_functional), ("clinical", *(scale.clinical_norm or (None, None)))]
    con.execute("create or replace table ref.norm (instrument_id text, kind text, mean decimal(18, 6), sd decimal(18, 6), is_used boolean)")
    for kind, mean, sd in norms:
        if mean is not None:
            con.execute("insert into ref.norm values ('m', $1, $2, $3, true)", [kind, mean, sd])
    for file in FILES:
        con.execute(f"create or replace {'view' if file.is_view else 'table'} {file.table} as {file.text}")


def reference_row(con: duckdb.DuckDBPyConnection) -> dict[str, float | str | None]:
    return con.sql("select * from tally.change_reference").pl().row(0, named=True)


def counted(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], tuple[int, ...]]:
    """Recovered, improved, unchanged, deteriorated and harmed by method and cut-off."""
    rows = con.sql("select method_id, cutoff_id, category, n from tally.change_category").fetchall()
    found = {(method, cutoff, category): n for method, cutoff, category, n in rows}
    return {where: tuple(found[*where, category] for category in CATEGORIES) for where in sorted({(m, c) for m, c, *_ in rows})}


# The same by the papers' formulas


def category(verdict: int, was_functional: bool, is_functional: bool) -> str:
    if verdict > 0:
        return "recovered" if is_functional and not was_functional else "improved"
    if verdict < 0:
        return "harmed" if was_functional and not is_functional else "deteriorated"
    return "unchanged"


def expected(scale: Scale, pairs: Sequence[Pair]) -> dict[tuple[str, str], tuple[int, ...]]:
    """What `counted` must answer. Clinical mean and SD are those of everybody with a baseline."""
    if scale.r is None:
        return {}
    baselines = np.array([a for a, _ in pairs if a is not None], dtype=float)
    both = np.array([(a, b) for a, b in pairs if a is not None and b is not None], dtype=float).reshape(-1, 2)
    if len(baselines) >= NEEDED:
        mean, sd = float(baselines.mean()), float(baselines.std(ddof=1))
    elif scale.clinical_norm:
        mean, sd = scale.clinical_norm
    else:
        return {}
    if sd == 0 or not len(both):
        return {}
    pre, post = both.T
    toward = -scale.sign  # better is this way
    r, functional = scale.r, scale.mean_functional
    cutoffs = {"a": mean + toward * 2 * sd}
    if functional is not None and scale.sd_functional is not None:
        cutoffs["b"] = functional - toward * 2 * scale.sd_functional
        cutoffs["c"] = (sd * functional + scale.sd_functional * mean) / (sd + scale.sd_functional)
    best = "c" if "c" in cutoffs else "a"
    error = sd * sqrt(1 - r)
    hoped = mean + r * (pre - mean)
    verdicts = {
        "jt": _verdict(toward * (post - pre) / sqrt(2 * error**2), Z),
        "en": toward * ((post >= hoped + Z * error).astype(int) - (post <= hoped - Z * error).astype(int)),
        "gln": _verdict(toward * ((post - mean) - r * (pre - mean)) / sqrt(sd**2 * (1 - r**2)), Z),
    }
    found = {}
    for (method, verdict), (name, cut) in product(verdicts.items(), cutoffs.items()):
        if method == "jt" or name == best:
            sides = [(toward * (a - cut) > 0, toward * (b - cut) > 0) for a, b in both]
            found[method, name] = _tally(verdict, sides)
    if best == "c" and len(both) >= NEEDED:
        found |= _hageman_arrindell(scale, mean, sd, error, pre, post)
    return found


def _verdict(index: np.ndarray, critical: float) -> np.ndarray:
    return (index >= critical).astype(int) - (index <= -critical).astype(int)


def _tally(verdicts: np.ndarray, sides: Sequence[tuple[bool, bool]]) -> tuple[int, ...]:
    found = Counter(category(int(verdict), *map(bool, side)) for verdict, side in zip(verdicts, sides, strict=True))
    return tuple(found[name] for name in CATEGORIES)


def _hageman_arrindell(
    scale: Scale, mean: float, sd: float, error: float, pre: np.ndarray, post: np.ndarray
) -> dict[tuple[str, str], tuple[int, ...]]:
    """Hageman and Arrindell 1999: RC_INDIV and CS_INDIV; the reliability of changes with the correlation of both scores."""
    assert scale.mean_functional is not None
    assert scale.sd_functional is not None
    s_1, s_2 = float(pre.std(ddof=1)), float(post.std(ddof=1))
    if min(s_1, s_2) <= error or min(sd, scale.sd_functional) <= error:
        return {}
    r_1, r_2 = (s_1**2 - error**2) / s_1**2, (s_2**2 - error**2) / s_2**2
    covariance = float(np.corrcoef(pre, post)[0, 1]) * s_1 * s_2
    r_change = (s_1**2 * r_1 + s_2**2 * r_2 - 2 * covariance) / (s_1**2 + s_2**2 - 2 * covariance)
    if isnan(r_change) or r_change <= 0:
        return {}
    toward = -scale.sign
    change = ((post - pre) * r_change + (post.mean() - pre.mean()) * (1 - r_change)) / (sqrt(r_change) * sqrt(2 * error**2))
    true_c, true_f = sqrt(sd**2 - error**2), sqrt(scale.sd_functional**2 - error**2)
    cut = (true_c * scale.mean_functional + true_f * mean) / (true_c + true_f)
    beyond = [
        toward * (r_k * score + (1 - r_k) * score.mean() - cut) / (sqrt(r_k) * error) >= Z_ONE_SIDED
        for r_k, score in ((r_1, pre), (r_2, post))
    ]
    return {("ha", "c"): _tally(_verdict(toward * change, Z_ONE_SIDED), list(zip(*beyond, strict=True)))}


# Published constants and trials


def a_sample(mean: float, sd: float, n: int = 40) -> list[float]:
    """Scores with exactly this mean and standard deviation, to six decimals."""
    raw = np.linspace(-1, 1, n)
    return list(np.round(mean + sd * (raw - raw.mean()) / raw.std(ddof=1), 6))


def test_the_reference_equals_the_published_constants(con: duckdb.DuckDBPyConnection) -> None:
    """M 35.48, SD 8.16, functional 7.69 and 7.52, r .801: c = 21.02, S_diff = 5.148, reliable change 10.09."""
    baselines = a_sample(35.48, 8.16)
    judge(con, Scale(0.801, 7.69, 7.52), [(a, a) for a in baselines])
    row = reference_row(con)
    found = {name: round(float(row[name] or 0), digits) for name, digits in (("cutoff_c", 2), ("s_diff", 3), ("reliable_change", 2))}
    assert found == {"cutoff_c": 21.02, "s_diff": 5.148, "reliable_change": 10.09}
    assert (row["cutoff_a"], row["cutoff_b"]) == (pytest.approx(35.48 - 2 * 8.16, abs=1e-5), pytest.approx(7.69 + 2 * 7.52))
    assert (row["n"], row["baseline_source"]) == (40, "estimated")


def test_the_same_scale_turned_round_has_the_same_lines_and_categories(con: duckdb.DuckDBPyConnection) -> None:
    rng = np.random.default_rng(7)
    pairs: list[Pair] = [(float(a), float(max(0, a - b))) for a, b in zip(rng.integers(5, 28, 60), rng.integers(-8, 25, 60), strict=True)]
    judge(con, Scale(0.8, 5, 4), pairs)
    low, low_row = counted(con), reference_row(con)
    judge(con, Scale(0.8, 100 - 5, 4, sign=-1), [(100 - (a or 0), 100 - (b or 0)) for a, b in pairs])
    high, high_row = counted(con), reference_row(con)
    assert low == high
    assert {"jt", "en", "gln", "ha"} == {method for method, _ in low}
    for name in ("cutoff_a", "cutoff_b", "cutoff_c", "cutoff_true"):
        assert 100 - float(low_row[name] or 0) == pytest.approx(float(high_row[name] or 0))
    assert low_row["reliable_change"] == pytest.approx(high_row["reliable_change"])


def scores_of(folder: Path, file: str, ids: str, times: str, score: str, before: str, after: str) -> list[Pair]:
    frame = pl.read_csv(folder / file, null_values=["NA", ""], infer_schema_length=None)
    frame = frame.with_columns(pl.col(times).cast(pl.String), pl.col(score).cast(pl.Float64))
    return frame.pivot(on=times, index=ids, values=score).select(before, after).rows()


def complete(pairs: Sequence[Pair]) -> list[Pair]:
    return [(a, b) for a, b in pairs if a is not None and b is not None]


CLAUS = ("claus_2020.csv", "id", "time")
COUPLES = ("jacobson_1989.csv", "subject", "time", "das", "pre", "post")
FICTION = ("antidepressants.csv", "patient", "measurement", "mom_di", "Before", "After")
ANXIETY = ("anxiety_complete.csv", "subject", "measurement", "anxiety", "0", "4")
DYADIC = Scale(0.88, 114.7, 17.8, sign=-1)
PUBLISHED = [
    pytest.param("claus_2020", (*CLAUS, "hamd", "1", "4"), Scale(), "jt", "c", (26, 3, 10, 1, 0), id="HAM-D, Jacobson-Truax"),
    pytest.param("claus_2020", (*CLAUS, "hamd", "1", "4"), Scale(), "en", "c", (26, 6, 5, 3, 0), id="HAM-D, Edwards-Nunnally"),
    pytest.param("claus_2020", (*CLAUS, "hamd", "1", "4"), Scale(), "gln", "c", (26, 3, 10, 1, 0), id="HAM-D, Gulliksen-Lord-Novick"),
    pytest.param("claus_2020", (*CLAUS, "hamd", "1", "4"), Scale(), "ha", "c", (23, 9, 7, 1, 0), id="HAM-D, Hageman-Arrindell"),
    pytest.param("claus_2020", (*CLAUS, "bdi", "1", "4"), Scale(), "jt", "c", (10, 8, 22, 0, 0), id="BDI-II, Jacobson-Truax"),
    pytest.param("claus_2020", (*CLAUS, "bdi", "1", "4"), Scale(), "en", "c", (13, 9, 14, 4, 0), id="BDI-II, Edwards-Nunnally"),
    pytest.param("claus_2020", (*CLAUS, "bdi", "1", "4"), Scale(), "gln", "c", (11, 8, 18, 3, 0), id="BDI-II, Gulliksen-Lord-Novick"),
    pytest.param("claus_2020", (*CLAUS, "bdi", "1", "4"), Scale(0.801, 7.69, 7.52), "jt", "c", (10, 8, 22, 0, 0), id="BDI-II, README"),
    pytest.param("jacobson_1989", COUPLES, DYADIC, "jt", "c", (14, 5, 10, 1, 0), id="couples, cut-off c, higher is better"),
    pytest.param("jacobson_1989", COUPLES, DYADIC, "jt", "a", (10, 9, 10, 1, 0), id="couples, cut-off a, higher is better"),
    pytest.param("cs_fictional", FICTION, Scale(0.8, 8, 7), "jt", "c", (171, 103, 237, 31, 13), id="invented antidepressants"),
    pytest.param("cs_fictional", ANXIETY, Scale(0.8, 8, 4), "jt", "c", (40, 38, 29, 9, 0), id="invented anxiety"),
]


@pytest.mark.parametrize(("name", "columns", "scale", "method", "cutoff", "counts"), PUBLISHED)
def test_a_published_classification_is_reproduced_from_the_same_people(
    con: duckdb.DuckDBPyConnection,
    dataset: Dataset,
    name: str,
    columns: tuple[str, str, str, str, str, str],
    scale: Scale,
    method: str,
    cutoff: str,
    counts: tuple[int, ...],
) -> None:
    """The other program estimates mean and spread from those who came back; given these people alone, the answers are the same."""
    pairs = complete(scores_of(dataset(name), *columns))
    judge(con, scale, pairs)
    assert counted(con)[method, cutoff] == counts


VISITS = [
    ("antidepressant_hamd17", "HAM-D", Scale(0.8, 3.5, 3)),
    ("btheb", "BDI-II", Scale(0.801, 7.69, 7.52)),
    ("claus_2020", "BDI-II", Scale(0.801, 7.69, 7.52)),
    ("claus_2020", "HAM-D", Scale(0.8, 3.5, 3)),
    ("hechler_2014", "PPDI", Scale(0.87, 20, 8)),
]


def at_visits(folder: Path, instrument: str) -> Iterator[tuple[str, list[tuple[str, float | None, float | None]]]]:
    """Each visit with patient, baseline and score, everybody in it who has either."""
    wide = (
        pl.read_csv(folder / "long.csv", infer_schema_length=None)
        .filter(instrument=instrument)
        .with_columns(pl.col("visit_order", "patient_id").cast(pl.String))
        .pivot(on="visit_order", index="patient_id", values="score")
    )
    for visit in sorted(set(wide.columns) - {"patient_id", "0"}):
        yield visit, wide.select("patient_id", "0", visit).rows()


@pytest.mark.parametrize(("name", "instrument", "scale"), VISITS, ids=[f"{name} {instrument}" for name, instrument, _ in VISITS])
def test_every_patient_at_every_visit_is_in_the_published_category(
    con: duckdb.DuckDBPyConnection, dataset: Dataset, name: str, instrument: str, scale: Scale
) -> None:
    folder = dataset(name)
    if not (folder / "expected_peer").is_dir():
        pytest.skip(f"the published categories of {name} are absent: name their folder in OUTCOMES_DATA")
    with (folder / "expected_peer" / "clinicalsignificance_patients_combined_JT_c.csv").open() as handle:
        peer = {
            (row["post_visit"], row["id"]): row["category"].lower() for row in csv.DictReader(handle) if row["instrument"] == instrument
        }
    with (folder / "expected_peer" / "clinicalsignificance_summary.csv").open() as handle:
        lines = {
            row["post"]: (float(row["cutoff"]), float(row["s_diff"]))
            for row in csv.DictReader(handle)
            if row["instrument"] == instrument and row["method"] == "combined_JT_c" and row["grouped"] == "FALSE"
        }
    checked = 0
    for visit, people in at_visits(folder, instrument):
        seen = [(patient, a, b) for patient, a, b in people if a is not None and b is not None]
        judge(con, scale, [(a, b) for _, a, b in seen])
        row = reference_row(con)
        assert (row["cutoff_c"], row["s_diff"]) == pytest.approx(lines[visit], rel=1e-12)
        found = dict(con.sql("select course_id, category from tally.change_course where method_id = 'jt' and cutoff_id = 'c'").fetchall())
        assert {patient: found[f"c{n}"] for n, (patient, *_) in enumerate(seen)} == {
            patient: category for (at, patient), category in peer.items() if at == visit
        }
        checked += len(seen)
    assert checked == len(peer)


@pytest.mark.parametrize(("name", "instrument", "scale"), VISITS, ids=[f"{name} {instrument}" for name, instrument, _ in VISITS])
def test_the_lines_are_those_of_everybody_who_began_and_the_same_at_every_visit(
    con: duckdb.DuckDBPyConnection, dataset: Dataset, name: str, instrument: str, scale: Scale
) -> None:
    """The other program draws them anew from whoever came back: its cut-off for one trial goes from 13.9 to 14.4 over four visits."""
    lines = set()
    for _, rows in at_visits(dataset(name), instrument):
        everybody = [(a, b) for _, a, b in rows]
        judge(con, scale, everybody)
        row = reference_row(con)
        lines.add((row["cutoff_c"], row["reliable_change"], row["n"]))
        assert counted(con) == expected(scale, everybody)
    assert len(lines) == 1


def test_claus_2020_is_the_same_with_those_who_dropped_out(con: duckdb.DuckDBPyConnection, dataset: Dataset) -> None:
    everybody = scores_of(dataset("claus_2020"), *CLAUS, "hamd", "1", "4")
    judge(con, Scale(), everybody)
    assert (len(everybody), counted(con)["jt", "c"]) == (43, (26, 3, 10, 1, 0))


def test_a_patient_without_a_baseline_turns_nobody_round(con: duckdb.DuckDBPyConnection, dataset: Dataset) -> None:
    """Another program takes before for after, for everybody, once one patient has no baseline row."""
    pairs = complete(scores_of(dataset("cs_fictional"), *FICTION))
    judge(con, Scale(0.8, 8, 7), [*pairs, (None, 3.0)])
    assert counted(con)["jt", "c"] == (171, 103, 237, 31, 13)


def test_harm_is_found_where_higher_is_better(con: duckdb.DuckDBPyConnection, dataset: Dataset) -> None:
    """WHO-5, raw: who fell from 4 to 1 crossed cut-off a of 3.3. (Another program counts 15, 6, 18, 1 and 0, and prints no cut-off.)"""
    pairs = complete(scores_of(dataset("claus_2020"), *CLAUS, "who", "1", "4"))
    judge(con, Scale(0.8, None, None, sign=-1), pairs)
    assert counted(con)["jt", "a"] == (15, 6, 18, 0, 1)


# Random scores


whole = st.integers(0, 27).map(float)
fractions = st.decimals(0, 27, places=2).map(float)


@st.composite
def courses(draw: st.DrawFn) -> list[Pair]:
    value = draw(st.sampled_from([whole, fractions]))
    missing = st.one_of(value, st.none()) if draw(st.booleans()) else value
    return draw(st.lists(st.tuples(missing, missing), min_size=1, max_size=60))


scales = st.builds(
    Scale,
    r=st.one_of(st.none(), st.sampled_from([0.35, 0.61, 0.8, 0.92])),
    mean_functional=st.one_of(st.none(), st.sampled_from([3.3, 8.0, 20.25])),
    sd_functional=st.sampled_from([0.75, 3.5, 8.0]),
    sign=st.sampled_from([1, -1]),
    clinical_norm=st.one_of(st.none(), st.just((16.25, 5.5))),
)


@settings(max_examples=30, deadline=None)
@given(scales, courses())
def test_any_scores_are_classified_as_the_papers_say(con: duckdb.DuckDBPyConnection, scale: Scale, pairs: list[Pair]) -> None:
    baselines = np.array([a for a, _ in pairs if a is not None])
    assume(len(baselines) < NEEDED or float(baselines.std(ddof=1)) > 1e-6)
    judge(con, scale, pairs)
    assert counted(con) == expected(scale, pairs)


@settings(max_examples=8, deadline=None)
@given(scales, st.lists(st.tuples(whole, whole), min_size=30, max_size=60))
def test_every_course_with_both_scores_is_in_one_category_of_each_method_and_cutoff(
    con: duckdb.DuckDBPyConnection, scale: Scale, pairs: list[Pair]
) -> None:
    judge(con, scale, pairs)
    assert {sum(counts) for counts in counted(con).values()} <= {len(pairs)}
    courses_ = con.sql("select method_id, cutoff_id, category, count(*) from tally.change_course group by all").fetchall()
    assert {(m, c, k): n for m, c, k, n in courses_} == {
        (m, c, k): n for (m, c), counts in counted(con).items() for k, n in zip(CATEGORIES, counts, strict=True) if n
    }


# Where there is no answer

MIXED: list[Pair] = [(float(10 + n % 15), float(n % 20)) for n in range(40)]
NO_ANSWER = [
    pytest.param(Scale(r=None), MIXED, id="no reliability"),
    pytest.param(Scale(), MIXED[:19], id="nineteen baselines and no clinical norm"),
    pytest.param(Scale(), [(15.0, 3.0)] * 40, id="everybody began with the same score"),
    pytest.param(Scale(), [(15.0, 3.0)], id="one course"),
    pytest.param(Scale(), [], id="nobody"),
]


@pytest.mark.parametrize(("scale", "pairs"), NO_ANSWER)
def test_nobody_is_in_a_category_where_there_is_nothing_to_judge_by(
    con: duckdb.DuckDBPyConnection, scale: Scale, pairs: list[Pair]
) -> None:
    judge(con, scale, pairs)
    assert counted(con) == {} == expected(scale, pairs)


def test_a_clinical_norm_stands_in_for_too_few_baselines(con: duckdb.DuckDBPyConnection) -> None:
    scale = Scale(clinical_norm=(20.0, 6.0))
    judge(con, scale, MIXED[:12])
    row = reference_row(con)
    assert (row["baseline_source"], row["mean_baseline"], row["sd_baseline"], row["n"]) == ("norm", 20.0, 6.0, 12)
    assert counted(con) == expected(scale, MIXED[:12]) != {}
    judge(con, scale, MIXED)
    assert reference_row(con)["baseline_source"] == "estimated"


def test_without_a_functional_norm_there_is_cutoff_a_alone(con: duckdb.DuckDBPyConnection) -> None:
    judge(con, Scale(mean_functional=None), MIXED)
    assert sorted(counted(con)) == [("en", "a"), ("gln", "a"), ("jt", "a")]
